/* Reads the newest evaluation, the history for the sparklines, the partitions and their
 * lag.
 *
 * The first read takes the whole history, later ones only new entries: each entry has
 * every metric, so reading two weeks of them every second would load Redis. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/quarantine.h"
#include "cli/status.h"
#include "core/task.h"
#include "store/keys.h"
#include "store/meta.h"
#include "store/monitor_state.h"

#define KAFKA_MS       1500  /* timeout of Kafka for each read */
#define KAFKA_AGAIN_MS 10000 /* pause after Kafka did not answer */

void lw_status_series_add(struct lw_status_series *s, double v) {
    if (s->n == LW_STATUS_POINTS) {
        memmove(s->value, s->value + 1, (LW_STATUS_POINTS - 1) * sizeof *s->value);
        s->n--;
    }
    s->value[s->n++] = v;
}

int lw_status_init(struct lw_status *s, const struct lw_config *config,
                   struct lw_err *err) {
    *s = (struct lw_status){.config = config};
    s->facts = lw_calloc(1, sizeof *s->facts);
    s->redis = lw_redis_new(&config->redis, err);
    return s->redis ? 0 : -1;
}

void lw_status_fini(struct lw_status *s) {
    lw_reply_free(s->now);
    json_decref(s->quarantine);
    free(s->part);
    free(s->end);
    free(s->facts);
    lw_lag_free(s->kafka);
    lw_redis_free(s->redis);
}

static const char *text_of(const struct lw_reply *fields, const char *window,
                           const char *name) {
    char field[200];
    snprintf(field, sizeof field, "%s%s%s", window, window[0] ? ":" : "", name);
    const struct lw_reply *value = lw_reply_field(fields, field);
    return value ? lw_reply_text(value, NULL) : NULL;
}

static double field_of(const struct lw_reply *fields, const char *window,
                       const char *name) {
    double v;
    const char *text = text_of(fields, window, name);
    return text && lw_parse_f64(text, &v) ? v : NAN;
}

const char *lw_status_text(const struct lw_status *s, const char *window,
                           const char *name) {
    return text_of(s->now, window, name);
}

double lw_status_figure(const struct lw_status *s, const char *window, const char *name) {
    return field_of(s->now, window, name);
}

double lw_status_lag(const struct lw_status *s) {
    double sum = 0;
    for (int32_t p = 0; p < s->nparts; p++)
        sum += lw_status_lag_of(s, p);
    return s->nparts ? sum : NAN;
}

/* ---- the history ---- */

/* 0 means that the error could not be computed: every entry has every field. */
static double positive_or_nan(double v) {
    return v > 0 ? v : NAN;
}

static void add_entry(struct lw_status *s, const struct lw_reply *fields) {
    const struct lw_spec *spec = &s->config->spec;
    const char *longest = spec->window[spec->nwindows - 1].name;
    struct lw_task_name error = lw_task_error_key(spec->task, "", "");
    struct lw_task_name ratio = lw_task_error_key(spec->task, "", "_ratio");
    double at = field_of(fields, "", "at");
    if (!(at > (double)s->last_ms))
        return;
    s->last_ms = (int64_t)at;
    lw_status_series_add(&s->at, at);
    s->first_ms = (int64_t)s->at.value[0];
    for (size_t w = 0; w < spec->nwindows; w++) {
        const char *name = spec->window[w].name;
        lw_status_series_add(&s->error[w],
                             positive_or_nan(field_of(fields, name, error.text)));
        lw_status_series_add(&s->ratio[w],
                             positive_or_nan(field_of(fields, name, ratio.text)));
    }
    for (size_t f = 0; f < spec->nfeatures; f++) {
        char name[LW_NAME_MAX + 8];
        snprintf(name, sizeof name, "psi:%s", spec->feature[f].name);
        lw_status_series_add(&s->psi[f], field_of(fields, longest, name));
    }
}

static int read_history(struct lw_status *s, struct lw_err *err) {
    char key[LW_KEY_MAX], from[32];
    struct lw_reply *entries;
    lw_key(key, &s->config->spec, "history");
    if (s->last_ms) {
        snprintf(from, sizeof from, "%" PRId64, s->last_ms + 1);
        entries = lw_redis_do(s->redis, err, "XRANGE %s %s + COUNT %d", key, from,
                              LW_STATUS_POINTS);
    } else {
        entries = lw_redis_do(s->redis, err, "XREVRANGE %s + - COUNT %d", key,
                              LW_STATUS_POINTS);
    }
    if (!entries)
        return -1;
    size_t n = lw_reply_count(entries);
    bool newest_first = s->last_ms == 0;
    for (size_t i = 0; i < n; i++)
        add_entry(s, lw_reply_at(lw_reply_at(entries, newest_first ? n - 1 - i : i), 1));
    lw_reply_free(entries);
    return 0;
}

/* Discards the history when Redis was emptied or restored. */
static void forget_history(struct lw_status *s) {
    double at = lw_status_figure(s, "", "at");
    if (s->last_ms == 0 || at >= (double)s->last_ms)
        return;
    s->first_ms = s->last_ms = 0;
    s->at.n = 0;
    for (size_t w = 0; w < LW_WINDOWS_MAX; w++)
        s->error[w].n = s->ratio[w].n = 0;
    for (size_t f = 0; f < LW_FEATURES_MAX; f++)
        s->psi[f].n = 0;
}

/* ---- partitions and their lag ---- */

static int read_partitions(struct lw_status *s, struct lw_err *err) {
    char key[LW_KEY_MAX];
    const struct lw_config *c = s->config;
    if (lw_meta_contract(s->redis, &c->spec, err))
        return -1;
    struct lw_reply *reply =
        lw_redis_do(s->redis, err, "HGET %s partitions", lw_key(key, &c->spec, "meta"));
    if (!reply && err->code)
        return -1;
    int64_t n = lw_reply_kind(reply) == LW_REPLY_TEXT ? lw_reply_int(reply) : 0;
    lw_reply_free(reply);
    n = n < 0 || n > 100000 ? 0 : n;
    struct lw_partition_view *part = lw_calloc((size_t)n + 1, sizeof *part);
    if (lw_state_view(s->redis, &c->spec, c->source.topic, (int32_t)n, part, err)) {
        free(part);
        return -1;
    }
    free(s->part);
    free(s->end);
    s->part = part;
    s->nparts = (int32_t)n;
    s->end = lw_calloc((size_t)n + 1, sizeof *s->end);
    return 0;
}

/* Skips Kafka for a while after it did not answer: each attempt may take KAFKA_MS. */
static void read_lag(struct lw_status *s) {
    struct lw_err err = {0};
    for (int32_t p = 0; p < s->nparts; p++)
        s->end[p] = -1;
    if (s->asked_ms && lw_mono_ms() - s->asked_ms < KAFKA_AGAIN_MS)
        return;
    if (!s->kafka)
        s->kafka = lw_lag_new(&s->config->kafka, s->config->source.topic, &err);
    if (!s->kafka || lw_lag_ends(s->kafka, s->nparts, KAFKA_MS, s->end, &err)) {
        lw_copy(s->kafka_away, sizeof s->kafka_away, err.msg);
        s->asked_ms = lw_mono_ms();
        return;
    }
    s->kafka_away[0] = '\0';
    s->asked_ms = 0;
}

/* A full Redis answers reads, but processes cannot report the problem in it. */
static void read_memory(struct lw_status *s) {
    struct lw_err none = {0}; /* some servers do not report it */
    char limit[40];
    int64_t most = 0, used = 0;
    const char *text = lw_redis_info(s->redis, "maxmemory", &none);
    s->full[0] = '\0';
    lw_copy(limit, sizeof limit, text ? text : "");
    text = lw_redis_info(s->redis, "used_memory", &none);
    if (lw_parse_i64(limit, &most) && most > 0 && text && lw_parse_i64(text, &used) &&
        used >= most)
        snprintf(s->full, sizeof s->full,
                 "Redis refuses writes: it has reached maxmemory (%" PRId64 " of %" PRId64
                 " bytes)",
                 used, most);
}

int lw_status_read(struct lw_status *s, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *now =
        lw_redis_do(s->redis, err, "HGETALL %s", lw_key(key, &s->config->spec, "now"));
    if (!now)
        return -1;
    lw_reply_free(s->now);
    s->now = now;
    json_t *spans = lw_cli_quarantine(s->redis, &s->config->spec, err);
    if (!spans)
        return -1;
    json_decref(s->quarantine);
    s->quarantine = spans;
    forget_history(s);
    if (lw_monitor_state_tracking(s->redis, &s->config->spec, &s->tracking,
                                  &s->tracking_since_ms, err) ||
        read_history(s, err) || read_partitions(s, err) ||
        lw_health_facts(s->redis, &s->config->spec, s->facts, err))
        return -1;
    read_memory(s);
    read_lag(s);
    lw_status_series_add(&s->lag, lw_status_lag(s));
    return 0;
}
