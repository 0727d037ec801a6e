/* /api/v1/alerts: how alerts stand, and a person's word on them. */
#include "store/alerts.h"
#include "store/silences.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "http/private.h"

#define SILENCE_MAX (366 * LW_DAY)
#define SAID_MAX    96 /* bytes of "by" */

static json_t *text_or_null(const char *text) {
    return text[0] ? lw_json_text_of(text) : json_null();
}

static void set_hex(json_t *o, const char *name, uint64_t v) {
    char hex[20];
    snprintf(hex, sizeof hex, "%016" PRIx64, v);
    json_object_set_new(o, name, json_string(hex));
}

static json_t *alert_json(const struct lw_alert_status *a) {
    json_t *o = json_object();
    set_hex(o, "fingerprint", a->fingerprint);
    json_object_set_new(o, "status", json_string(a->firing ? "firing" : "resolved"));
    json_object_set_new(o, "severity", json_string(lw_alert_severity_name(a->severity)));
    json_object_set_new(o, "rule", text_or_null(a->rule));
    json_object_set_new(o, "feature", text_or_null(a->feature));
    json_object_set_new(o, "window", text_or_null(a->window));
    json_object_set_new(o, "value", lw_json_number(a->value));
    json_object_set_new(o, "threshold", lw_json_number(a->threshold));
    json_object_set_new(o, "n", json_integer((json_int_t)a->n));
    json_object_set_new(o, "model",
                        a->model_version ? json_integer(a->model_version) : json_null());
    json_object_set_new(o, "since_ms", lw_json_ms(a->since_ms));
    json_object_set_new(o, "at_ms", lw_json_ms(a->at_ms));
    set_hex(o, "incident", a->incident);
    json_object_set_new(o, "summary", text_or_null(a->summary));
    json_object_set_new(o, "silenced", json_boolean(a->silenced_by[0] != '\0'));
    json_object_set_new(o, "silenced_by", text_or_null(a->silenced_by));
    json_object_set_new(o, "inhibited_by", text_or_null(a->inhibited_by));
    return o;
}

static json_t *silence_json(const struct lw_silence *s) {
    const char *severity = s->severity ? lw_alert_severity_name(s->severity) : "";
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(s->id));
    json_object_set_new(o, "rule", text_or_null(s->rule));
    json_object_set_new(o, "feature", text_or_null(s->feature));
    json_object_set_new(o, "severity", text_or_null(severity));
    json_object_set_new(o, "from_ms", lw_json_ms(s->from_ms));
    json_object_set_new(o, "until_ms", lw_json_ms(s->until_ms));
    json_object_set_new(o, "by", text_or_null(s->by));
    json_object_set_new(o, "comment", text_or_null(s->comment));
    return o;
}

void lw_serve_alerts(struct lw_call *c) {
    struct lw_alerts all;
    struct lw_err err = {0};
    if (lw_alerts_read(c->redis, c->server->spec, lw_wall_ms(), &all, &err)) {
        lw_call_err(c, &err);
        return;
    }
    json_t *o = json_object(), *outbox = json_object();
    json_t *alerts = json_array(), *silences = json_array();
    for (size_t i = 0; i < all.nalerts; i++)
        json_array_append_new(alerts, alert_json(&all.alert[i]));
    for (size_t i = 0; i < all.nsilences; i++)
        json_array_append_new(silences, silence_json(&all.silence[i]));
    json_object_set_new(outbox, "waiting", json_integer((json_int_t)all.waiting));
    json_object_set_new(outbox, "parked", json_integer((json_int_t)all.parked));
    json_object_set_new(o, "alerts", alerts);
    json_object_set_new(o, "outbox", outbox);
    json_object_set_new(o, "silences", silences);
    lw_alerts_fini(&all);
    lw_call_json(c, o);
}

/* ---- silences ---- */

/* A text member of the body; false: it is there and no text, or too long. */
static bool take_text(struct lw_call *c, const json_t *o, const char *name, char *out,
                      size_t size) {
    const json_t *v = json_object_get(o, name);
    const char *text = json_string_value(v);
    out[0] = '\0';
    if (!v || json_is_null(v))
        return true;
    if (text && strlen(text) < size) {
        lw_copy(out, size, text);
        return true;
    }
    lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "%s must be text of at most %zu bytes", name,
                 size - 1);
    return false;
}

static bool take_severity(struct lw_call *c, const char *text, enum lw_severity *out) {
    for (int k = LW_SEVERITY_WARN; text[0] && k <= LW_SEVERITY_CRITICAL; k++)
        if (strcmp(text, lw_alert_severity_name((enum lw_severity)k)) == 0) {
            *out = (enum lw_severity)k;
            return true;
        }
    if (!text[0])
        return true;
    lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "severity must be warning or critical");
    return false;
}

/* {"for": "2h", "comment": "...", "rule", "feature", "severity", "by"} */
static bool take_silence(struct lw_call *c, const json_t *o, struct lw_silence *s) {
    static const char *const known[] = {"for",     "comment",  "rule",
                                        "feature", "severity", "by"};
    char lasts[32], severity[16];
    const char *name;
    json_t *ignored;
    int64_t length = 0;
    json_object_foreach((json_t *)(uintptr_t)o, name, ignored) {
        bool fine = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            fine |= strcmp(name, known[i]) == 0;
        if (!fine) { /* a slip of the pen would silence more than was meant */
            lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "a silence has no \"%.60s\"", name);
            return false;
        }
    }
    (void)ignored;
    if (!take_text(c, o, "for", lasts, sizeof lasts) ||
        !take_text(c, o, "comment", s->comment, sizeof s->comment) ||
        !take_text(c, o, "rule", s->rule, sizeof s->rule) ||
        !take_text(c, o, "feature", s->feature, sizeof s->feature) ||
        !take_text(c, o, "severity", severity, sizeof severity) ||
        !take_text(c, o, "by", s->by, SAID_MAX) ||
        !take_severity(c, severity, &s->severity))
        return false;
    if (!lw_parse_duration(lasts, &length) || length <= 0 || length > SILENCE_MAX)
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                     "for must say how long, such as \"2h\", and at most \"366d\"");
    else if (!s->comment[0])
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "comment must say why");
    s->until_ms = s->from_ms + length;
    return !c->answered;
}

/* What a request says of itself stands beside who asked, never in place of it. */
static void say_who(struct lw_call *c, struct lw_silence *s) {
    char who[90], said[SAID_MAX];
    lw_call_asker(c, who, sizeof who);
    lw_copy(said, sizeof said, s->by);
    snprintf(s->by, sizeof s->by, "%s%s%s%s", who, said[0] ? " (" : "", said,
             said[0] ? ")" : "");
}

void lw_serve_silence(struct lw_call *c) {
    struct lw_err err = {0};
    struct lw_silence s = {.from_ms = lw_wall_ms()};
    json_error_t at;
    json_t *o = c->body.len ? json_loadb((const char *)c->body.data, c->body.len,
                                         JSON_REJECT_DUPLICATES, &at)
                            : NULL;
    if (!json_is_object(o))
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                     "the body must be {\"for\": \"2h\", \"comment\": \"why\"}, and "
                     "\"rule\", \"feature\" and \"severity\" to silence only those");
    else if (take_silence(c, o, &s)) {
        say_who(c, &s);
        if (lw_silence_check(c->server->spec, &s, &err) ||
            lw_silences_add(c->redis, c->server->spec, &s, s.from_ms, &err))
            lw_call_err(c, &err);
        else
            lw_call_json(c, silence_json(&s));
    }
    json_decref(o);
}

void lw_serve_unsilence(struct lw_call *c) {
    struct lw_err err = {0};
    char who[90];
    lw_call_asker(c, who, sizeof who);
    if (lw_silences_end(c->redis, c->server->spec, c->tail, who, lw_wall_ms(), &err))
        lw_call_err(c, &err);
    else
        lw_call_json(c, json_pack("{ss}", "ended", c->tail));
}
