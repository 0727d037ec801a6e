/* GET /api/v1/now: from memory. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "core/task.h"
#include "http/now.h"
#include "http/private.h"
#include "http/serve.h"

/* ---- the newest evaluation ---- */

static json_t *integer_json(double v) {
    return isfinite(v) ? json_integer((json_int_t)v) : json_null();
}

static const char *kind_of(const struct lw_spec *spec, size_t i) {
    enum lw_kind kind = i < spec->nfeatures ? spec->feature[i].kind : LW_NUMERIC;
    return kind == LW_CATEGORY ? "category" : "numeric";
}

double lw_now_figure(const struct lw_reply *fields, const char *fmt, ...) {
    char name[LW_NAME_MAX + 80];
    double v;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    const char *text = lw_reply_text(lw_reply_field(fields, name), NULL);
    return text && lw_parse_f64(text, &v) ? v : NAN;
}

double lw_now_window_figure(const struct lw_reply *now, const char *w,
                            const struct lw_metric *metric, const char *column) {
    double value = column ? lw_now_figure(now, "%s:%s:%s", w, metric->name, column)
                          : lw_now_figure(now, "%s:%s", w, metric->name);
    return lw_metric_known(metric, value, lw_now_figure(now, "%s:n", w),
                           lw_now_figure(now, "%s:events", w),
                           lw_now_figure(now, "champion") > 0)
               ? value
               : NAN;
}

const char *lw_now_column_name(const struct lw_spec *spec, size_t column) {
    return column < spec->nfeatures    ? spec->feature[column].name
           : column == spec->nfeatures ? "target"
                                       : "prediction";
}

static json_t *number_or_null(double v) {
    return isfinite(v) ? lw_json_number(v) : json_null();
}

static json_t *feature_json(const struct lw_spec *spec, const struct lw_reply *now,
                            const char *w, size_t i) {
    const struct lw_metric *metric;
    const char *name = lw_now_column_name(spec, i);
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(name));
    json_object_set_new(o, "kind", json_string(kind_of(spec, i)));
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        if (!lw_metric_per_feature(metric))
            continue;
        double v = lw_now_window_figure(now, w, metric, name);
        json_object_set_new(o, metric->name,
                            metric->flags & LW_METRIC_VERDICT ? json_boolean(v > 0)
                                                              : number_or_null(v));
    }
    return o;
}

static json_t *window_json(const struct lw_spec *spec, const struct lw_reply *now,
                           const struct lw_window_spec *window) {
    const struct lw_metric *metric;
    const char *w = window->name;
    json_t *o = json_object(), *features = json_array();
    json_object_set_new(o, "name", json_string(w));
    json_object_set_new(o, "length_ms", json_integer(window->length_ms));
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        if (lw_metric_per_feature(metric) || lw_metric_live(metric))
            continue;
        double v = lw_now_window_figure(now, w, metric, NULL);
        json_object_set_new(o, metric->name,
                            metric->flags & LW_METRIC_COUNT ? integer_json(v)
                                                            : lw_json_number(v));
    }
    for (size_t i = 0; i < spec->nfeatures + 2; i++)
        json_array_append_new(features, feature_json(spec, now, w, i));
    json_object_set_new(o, "features", features);
    return o;
}

static json_t *champion_json(struct lw_server *s, const struct lw_snapshot *n) {
    if (!n->aliases.champion)
        return json_null();
    struct lw_champion *c = lw_watch_champion(s);
    bool loaded = c && c->version == n->aliases.champion;
    double age = lw_now_figure(n->now, "champion_age_hours");
    json_t *o = json_object();
    json_object_set_new(o, "version", json_integer(n->aliases.champion));
    json_object_set_new(o, "since_ms", lw_json_ms(n->aliases.champion_since_ms));
    json_object_set_new(o, "age_hours", lw_json_number(age));
    json_object_set_new(o, "name",
                        loaded ? json_string(lw_model_name(c->model)) : json_null());
    json_object_set_new(o, "kind",
                        loaded ? json_string(lw_model_kind(c->model)) : json_null());
    lw_watch_champion_put(c);
    return o;
}

/* ---- health of the stream ---- */

static int64_t lag_of(const struct lw_partition_view *v) {
    return v->known && v->end_offset >= v->next_offset ? v->end_offset - v->next_offset
                                                       : -1;
}

/* When the partition stalled, as this process has seen it. */
static json_t *stands_json(const struct lw_health *h, int32_t partition) {
    for (size_t i = 0; i < h->nstalled; i++)
        if (h->standing[i].partition == partition)
            return lw_json_ms(h->standing[i].since_ms);
    return json_null();
}

static json_t *partition_json(const struct lw_partition_view *v,
                              const struct lw_health *h) {
    static const enum lw_counter counted[] = {LW_COUNT_MESSAGES, LW_COUNT_GOOD,
                                              LW_COUNT_REJECTED, LW_COUNT_DEAD_LETTERED,
                                              LW_COUNT_LATE,     LW_COUNT_SUSPECT};
    json_t *o = json_object();
    int64_t lag = lag_of(v);
    json_object_set_new(o, "partition", json_integer(v->partition));
    json_object_set_new(o, "next_offset",
                        v->known ? json_integer(v->next_offset) : json_null());
    json_object_set_new(o, "lag", lag < 0 ? json_null() : json_integer(lag));
    json_object_set_new(o, "watermark_ms", lw_json_ms(v->watermark_ms));
    json_object_set_new(o, "owner",
                        v->owner[0] ? lw_call_json_text(v->owner) : json_null());
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        json_object_set_new(o, lw_counter_name(counted[i]),
                            json_integer((json_int_t)v->counter[counted[i]]));
    json_object_set_new(o, "champion",
                        v->champion ? json_integer(v->champion) : json_null());
    json_object_set_new(o, "idle", json_boolean(v->idle));
    json_object_set_new(o, "updated_ms", lw_json_ms(v->updated_ms));
    json_object_set_new(o, "stalled_since_ms", stands_json(h, v->partition));
    return o;
}

/* What live processes report about themselves. */
static json_t *troubles_json(const struct lw_health *h) {
    json_t *list = json_array();
    for (size_t i = 0; i < h->ntroubles; i++) {
        json_t *o = json_object();
        const struct lw_trouble *t = &h->trouble[i];
        json_object_set_new(o, "component",
                            json_string(lw_health_component_name(t->component)));
        json_object_set_new(o, "process", lw_call_json_text(t->who));
        json_object_set_new(o, "since_ms", lw_json_ms(t->since_ms));
        json_object_set_new(o, "text", lw_call_json_text(t->text));
        json_array_append_new(list, o);
    }
    return list;
}

/* Owners are host:pid:worker. */
static size_t process_count(const struct lw_snapshot *n) {
    size_t count = 0;
    for (int32_t i = 0; i < n->npartitions; i++) {
        const char *colon = strrchr(n->view[i].owner, ':');
        size_t len = colon ? (size_t)(colon - n->view[i].owner) + 1 : 0;
        bool seen = len == 0;
        for (int32_t k = 0; k < i && !seen; k++)
            seen = strncmp(n->view[k].owner, n->view[i].owner, len) == 0;
        count += !seen;
    }
    return count;
}

struct lw_totals lw_now_totals(const struct lw_snapshot *n) {
    struct lw_totals t = {.watermark_ms = INT64_MAX, .lag = n->npartitions ? 0 : -1};
    for (int32_t i = 0; i < n->npartitions; i++) {
        const struct lw_partition_view *v = &n->view[i];
        int64_t lag = lag_of(v);
        for (int k = 0; k < LW_COUNTERS; k++)
            t.counter[k] += v->counter[k];
        if (v->known)
            t.lag = lag < 0 || t.lag < 0 ? -1 : t.lag + lag;
        if (v->watermark_ms != INT64_MIN && v->watermark_ms < t.watermark_ms && !v->idle)
            t.watermark_ms = v->watermark_ms;
    }
    for (int32_t i = 0; i < n->npartitions && t.watermark_ms == INT64_MAX; i++)
        if (n->view[i].watermark_ms != INT64_MIN) /* all are idle: the furthest */
            t.idle_ms =
                n->view[i].watermark_ms > t.idle_ms ? n->view[i].watermark_ms : t.idle_ms;
    if (t.watermark_ms == INT64_MAX)
        t.watermark_ms = t.idle_ms ? t.idle_ms : INT64_MIN;
    return t;
}

static json_t *health_json(const struct lw_snapshot *n, const struct lw_vitals *v,
                           bool away) {
    struct lw_totals t = lw_now_totals(n);
    size_t running = process_count(n);
    json_t *o = json_object(), *parts = json_array();
    json_object_set_new(o, "redis", json_string(away ? "away" : "ok"));
    json_object_set_new(o, "leader",
                        n->leader[0] ? lw_call_json_text(n->leader) : json_null());
    json_object_set_new(o, "processes",
                        running ? json_integer((json_int_t)running) : json_null());
    json_object_set_new(o, "rate_per_s", away ? json_null() : lw_json_number(n->rate));
    json_object_set_new(o, "lag", t.lag < 0 ? json_null() : json_integer(t.lag));
    json_object_set_new(o, "watermark_ms", lw_json_ms(t.watermark_ms));
    json_object_set_new(o, "dead_letters",
                        json_integer((json_int_t)t.counter[LW_COUNT_DEAD_LETTERED]));
    json_object_set_new(o, "late", json_integer((json_int_t)t.counter[LW_COUNT_LATE]));
    json_object_set_new(o, "suspect",
                        json_integer((json_int_t)t.counter[LW_COUNT_SUSPECT]));
    json_object_set_new(o, "rejected",
                        json_integer((json_int_t)t.counter[LW_COUNT_REJECTED]));
    json_object_set_new(o, "messages",
                        json_integer((json_int_t)t.counter[LW_COUNT_MESSAGES]));
    for (int32_t i = 0; i < n->npartitions; i++)
        json_array_append_new(parts, partition_json(&n->view[i], &v->health));
    json_object_set_new(o, "partitions", parts);
    json_object_set_new(o, "ready", json_boolean(lw_serve_is_ready(v, n)));
    json_object_set_new(o, "troubles", troubles_json(&v->health));
    return o;
}

/* Figures of the error are named after `error`: "rmse", "rmse_expected". */
static json_t *task_json(const struct lw_task *task) {
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(task->name));
    json_object_set_new(o, "link", json_string(task->link));
    json_object_set_new(o, "loss", json_string(task->loss));
    json_object_set_new(o, "error", json_string(task->figure[0].key));
    json_object_set_new(o, "label", json_string(task->figure[0].label));
    return o;
}

static json_t *now_json(struct lw_server *s, const struct lw_snapshot *n,
                        const struct lw_vitals *v, bool away) {
    const struct lw_spec *spec = s->spec;
    json_t *o = json_object(), *windows = json_array();
    double at = lw_now_figure(n->now, "at");
    json_object_set_new(o, "stream", json_string(spec->stream));
    json_object_set_new(o, "task", task_json(spec->task));
    json_object_set_new(o, "now_ms", json_integer(lw_wall_ms()));
    json_object_set_new(o, "seen_ms", json_integer(n->taken_ms));
    json_object_set_new(o, "at_ms", at > 0 ? integer_json(at) : json_null());
    json_object_set_new(o, "champion", champion_json(s, n));
    json_object_set_new(o, "training",
                        json_boolean(lw_now_figure(n->now, "training") > 0));
    for (size_t i = 0; i < spec->nwindows; i++)
        json_array_append_new(windows, window_json(spec, n->now, &spec->window[i]));
    json_object_set_new(o, "windows", windows);
    json_object_set_new(o, "alerts_firing", json_integer((json_int_t)lw_watch_firing(n)));
    json_object_set_new(o, "health", health_json(n, v, away));
    return o;
}

/* The last known state when Redis is down; `health.redis` reports it. */
void lw_serve_now(struct lw_call *c) {
    char why[256];
    bool away = lw_watch_redis_away(c->server, why, sizeof why);
    struct lw_snapshot *n = lw_watch_snapshot(c->server);
    if (!n) {
        lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE, "%s",
                     away ? why : "Redis has not been read yet");
        return;
    }
    struct lw_vitals v = {0};
    c->server->options.vitals(c->server->options.arg, &v);
    json_t *o = now_json(c->server, n, &v, away);
    lw_watch_snapshot_put(n);
    json_object_set_new(o, "code", json_string(v.code));
    lw_call_json(c, o);
}
