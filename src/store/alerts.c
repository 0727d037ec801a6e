/* Reads alerts, silences and the number of deliveries in one round trip, for display. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/alerts.h"
#include "store/guard.h"
#include "store/keys.h"

static void text_at(const json_t *o, const char *key, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(o, key));
    lw_copy(out, size, text ? text : "");
}

static double real_at(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static int64_t int_at(const json_t *o, const char *key) {
    return (int64_t)json_integer_value(json_object_get(o, key));
}

static enum lw_severity severity_at(const json_t *o) {
    const char *text = json_string_value(json_object_get(o, "severity"));
    for (int s = LW_SEVERITY_WARN; text && s <= LW_SEVERITY_CRITICAL; s++)
        if (strcmp(text, lw_alert_severity_name((enum lw_severity)s)) == 0)
            return (enum lw_severity)s;
    return LW_SEVERITY_NONE;
}

static bool hex_of(const char *text, uint64_t *out) {
    char *end = NULL;
    *out = text ? strtoull(text, &end, 16) : 0;
    return text && end != text && *end == '\0';
}

static json_t *object_of(const struct lw_reply *value) {
    size_t len;
    const char *text = lw_reply_text(value, &len);
    json_t *o = text ? json_loadb(text, len, 0, NULL) : NULL;
    if (json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

bool lw__alerts_entry(const char *fingerprint, const struct lw_reply *value,
                      struct lw_alert_status *out) {
    json_t *o = object_of(value);
    *out = (struct lw_alert_status){0};
    const char *status = json_string_value(json_object_get(o, "status"));
    bool known =
        status && hex_of(fingerprint, &out->fingerprint) &&
        hex_of(json_string_value(json_object_get(o, "incident")), &out->incident);
    out->firing = known && strcmp(status, "firing") == 0;
    out->severity = severity_at(o);
    text_at(o, "rule", out->rule, sizeof out->rule);
    text_at(o, "feature", out->feature, sizeof out->feature);
    text_at(o, "window", out->window, sizeof out->window);
    text_at(o, "summary", out->summary, sizeof out->summary);
    out->value = real_at(o, "value");
    out->threshold = real_at(o, "threshold");
    out->once_in_days = real_at(o, "once_in_days");
    out->n = (uint64_t)int_at(o, "n");
    out->model_version = (uint32_t)int_at(o, "model");
    out->since_ms = int_at(o, "since");
    out->at_ms = int_at(o, "at");
    json_decref(o);
    return known;
}

static bool silence_read(const char *id, const struct lw_reply *value,
                         struct lw_silence *out) {
    json_t *o = object_of(value);
    *out = (struct lw_silence){0};
    lw_copy(out->id, sizeof out->id, id);
    text_at(o, "rule", out->rule, sizeof out->rule);
    text_at(o, "feature", out->feature, sizeof out->feature);
    text_at(o, "by", out->by, sizeof out->by);
    text_at(o, "comment", out->comment, sizeof out->comment);
    out->severity = severity_at(o);
    out->from_ms = int_at(o, "from");
    out->until_ms = int_at(o, "until");
    bool known = o != NULL;
    json_decref(o);
    return known;
}

static int by_end(const void *a, const void *b) {
    const struct lw_silence *x = a, *y = b;
    if (x->until_ms != y->until_ms)
        return x->until_ms < y->until_ms ? -1 : 1;
    return strcmp(x->id, y->id);
}

size_t lw__alerts_silences(const struct lw_reply *hash, int64_t now_ms,
                           struct lw_silence **out) {
    size_t n = 0, fields = lw_reply_count(hash);
    *out = lw_calloc(fields / 2 + 1, sizeof **out);
    for (size_t i = 0; i + 1 < fields; i += 2) {
        const char *id = lw_reply_text(lw_reply_at(hash, i), NULL);
        if (id && silence_read(id, lw_reply_at(hash, i + 1), &(*out)[n]) &&
            (*out)[n].until_ms > now_ms)
            n++;
    }
    qsort(*out, n, sizeof **out, by_end);
    return n;
}

static void read_alerts(const struct lw_reply *hash, struct lw_alerts *out) {
    size_t fields = lw_reply_count(hash);
    out->alert = lw_calloc(fields / 2 + 1, sizeof *out->alert);
    for (size_t i = 0; i + 1 < fields; i += 2) {
        const char *fingerprint = lw_reply_text(lw_reply_at(hash, i), NULL);
        if (fingerprint && lw__alerts_entry(fingerprint, lw_reply_at(hash, i + 1),
                                            &out->alert[out->nalerts]))
            out->nalerts++;
    }
}

int lw_alerts_read(struct lw_redis *r, const struct lw_spec *spec, int64_t now_ms,
                   struct lw_alerts *out, struct lw_err *err) {
    static const char *const ask[][2] = {{"HGETALL", "alerts"},
                                         {"HGETALL", "silences"},
                                         {"XLEN", "outbox"},
                                         {"XLEN", "outbox:parked"}};
    struct lw_batch b;
    *out = (struct lw_alerts){0};
    lw_batch_init(&b, 4);
    for (size_t i = 0; i < b.n; i++) {
        lw_cmd_str(b.cmd[i], ask[i][0]);
        lw_key_arg(b.cmd[i], spec, "%s", ask[i][1]);
    }
    int rc = lw_batch_send(r, &b, err);
    if (rc == 0) {
        read_alerts(b.reply[0], out);
        out->nsilences = lw__alerts_silences(b.reply[1], now_ms, &out->silence);
        out->waiting = (uint64_t)lw_reply_int(b.reply[2]);
        out->parked = (uint64_t)lw_reply_int(b.reply[3]);
        lw_alert_status_judge(spec, out->alert, out->nalerts, out->silence,
                              out->nsilences, now_ms);
        lw_alert_status_sort(out->alert, out->nalerts);
    }
    lw_batch_fini(&b);
    return rc ? lw_err_context(err, "alerts") : 0;
}

void lw_alerts_fini(struct lw_alerts *a) {
    free(a->alert);
    free(a->silence);
    *a = (struct lw_alerts){0};
}

size_t lw_alerts_firing(const struct lw_alerts *a) {
    size_t n = 0;
    for (size_t i = 0; i < a->nalerts; i++)
        n += a->alert[i].firing;
    return n;
}
