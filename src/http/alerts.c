/* /api/v1/alerts: the alert list, and silences. */
#include "store/alerts.h"
#include "store/silences.h"

#include <stdio.h>
#include <string.h>

#include "alert/status_json.h"
#include "base/text.h"
#include "base/time.h"
#include "http/private.h"
#include "http/serve.h"

#define SILENCE_MAX (366 * LW_DAY)
#define SAID_MAX    96 /* bytes of "by" */

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
        json_array_append_new(alerts, lw_alert_status_json(&all.alert[i]));
    for (size_t i = 0; i < all.nsilences; i++)
        json_array_append_new(silences, lw_silence_json(&all.silence[i]));
    lw_json_set_count(outbox, "waiting", all.waiting);
    lw_json_set_count(outbox, "parked", all.parked);
    lw_json_set(o, "alerts", alerts);
    lw_json_set(o, "outbox", outbox);
    lw_json_set(o, "silences", silences);
    lw_alerts_fini(&all);
    lw_call_json(c, o);
}

/* ---- silences ---- */

/* A text member of the body. False: it is not a text, or is too long. */
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
        if (!fine) { /* a misspelt member would silence more than was meant */
            lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "unknown member \"%.60s\" of a silence",
                         name);
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
                     "for must be a duration such as \"2h\", at most \"366d\"");
    else if (!s->comment[0])
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "comment must give the reason");
    s->until_ms = s->from_ms + length;
    return !c->answered;
}

/* The name in the request is appended to the authenticated one and never replaces it. */
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
                     "the body must be {\"for\": \"2h\", \"comment\": \"why\"}, with "
                     "\"rule\", \"feature\" and \"severity\" to narrow it");
    else if (take_silence(c, o, &s)) {
        say_who(c, &s);
        if (lw_silence_check(c->server->spec, &s, &err) ||
            lw_silences_add(c->redis, c->server->spec, &s, s.from_ms, &err))
            lw_call_err(c, &err);
        else
            lw_call_json(c, lw_silence_json(&s));
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
        lw_call_json(c, json_pack("{so}", "ended", lw_json_text(c->tail, SIZE_MAX)));
}
