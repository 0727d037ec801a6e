/* GET /api/v1/now: from memory. */
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
#include "store/tracking_json.h"

/* ---- the newest evaluation ---- */

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

const char *lw_now_shift(const struct lw_reply *now, const char *window,
                         const char *column) {
    char name[LW_NAME_MAX + 80];
    snprintf(name, sizeof name, "%s:shift:%s", window, column);
    return lw_reply_text(lw_reply_field(now, name), NULL);
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

static json_t *feature_json(const struct lw_spec *spec, const struct lw_reply *now,
                            const char *w, size_t i) {
    const struct lw_metric *metric;
    const char *name = lw_now_column_name(spec, i);
    json_t *o = json_object();
    lw_json_set_text(o, "name", name);
    lw_json_set_text(o, "kind", kind_of(spec, i));
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        if (!lw_metric_per_feature(metric))
            continue;
        double v = lw_now_window_figure(now, w, metric, name);
        if (metric->flags & LW_METRIC_VERDICT && isfinite(v))
            lw_json_set_bool(o, metric->name, v > 0);
        else
            lw_json_set_number(o, metric->name, v);
    }
    lw_json_set_text_or_null(o, "shift", lw_now_shift(now, w, name));
    return o;
}

static json_t *window_json(const struct lw_spec *spec, const struct lw_reply *now,
                           const struct lw_window_spec *window) {
    const struct lw_metric *metric;
    const char *w = window->name;
    json_t *o = json_object(), *features = json_array();
    lw_json_set_text(o, "name", w);
    lw_json_set_int(o, "length_ms", window->length_ms);
    for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
        if (lw_metric_per_feature(metric) || lw_metric_live(metric))
            continue;
        double v = lw_now_window_figure(now, w, metric, NULL);
        (metric->flags & LW_METRIC_COUNT ? lw_json_set_whole
                                         : lw_json_set_number)(o, metric->name, v);
    }
    for (size_t i = 0; i < spec->nfeatures + 2; i++)
        if (lw_spec_has_column(spec, i))
            json_array_append_new(features, feature_json(spec, now, w, i));
    lw_json_set(o, "features", features);
    return o;
}

static json_t *champion_json(struct lw_server *s, const struct lw_snapshot *n) {
    if (!n->aliases.champion)
        return json_null();
    struct lw_champion *c = lw_watch_champion(s);
    bool loaded = c && c->version == n->aliases.champion;
    double age = lw_now_figure(n->now, "champion_age_hours");
    json_t *o = json_object();
    lw_json_set_int(o, "version", n->aliases.champion);
    lw_json_set_ms(o, "since_ms", n->aliases.champion_since_ms);
    lw_json_set_number(o, "age_hours", age);
    lw_json_set_text(o, "name", loaded ? lw_model_name(c->model) : NULL);
    lw_json_set_text(o, "kind", loaded ? lw_model_kind(c->model) : NULL);
    lw_watch_champion_put(c);
    return o;
}

/* ---- health of the stream ---- */

static int64_t lag_of(const struct lw_partition_view *v) {
    return v->known && v->end_offset >= v->next_offset ? v->end_offset - v->next_offset
                                                       : -1;
}

/* When the partition stalled, as this process has seen it; 0: it has not. */
static int64_t stalled_since(const struct lw_health *h, int32_t partition) {
    for (size_t i = 0; i < h->nstalled; i++)
        if (h->stalled[i].partition == partition)
            return h->stalled[i].since_ms;
    return 0;
}

static json_t *partition_json(const struct lw_partition_view *v,
                              const struct lw_health *h) {
    json_t *o = json_object();
    int64_t lag = lag_of(v);
    lw_json_set_int(o, "partition", v->partition);
    lw_json_set_int_if(o, "next_offset", v->known, v->next_offset);
    lw_json_set_int_if(o, "lag", lag >= 0, lag);
    lw_json_set_ms(o, "watermark_ms", v->watermark_ms);
    lw_json_set_text_or_null(o, "owner", v->owner);
    for (int k = 0; k < LW_COUNTERS; k++)
        lw_json_set_count(o, lw_counter_name((enum lw_counter)k), v->counter[k]);
    lw_json_set_version(o, "champion", v->champion);
    lw_json_set_bool(o, "idle", v->idle);
    lw_json_set_ms(o, "updated_ms", v->updated_ms);
    lw_json_set_ms(o, "stalled_since_ms", stalled_since(h, v->partition));
    return o;
}

/* What live processes report about themselves. */
static json_t *troubles_json(const struct lw_health *h) {
    json_t *list = json_array();
    for (size_t i = 0; i < h->ntroubles; i++) {
        json_t *o = json_object();
        const struct lw_trouble *t = &h->trouble[i];
        lw_json_set_text(o, "component", lw_health_component_name(t->component));
        lw_json_set_text(o, "process", t->who);
        lw_json_set_ms(o, "since_ms", t->since_ms);
        lw_json_set_text(o, "text", t->text);
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
    lw_json_set_text(o, "redis", away ? "away" : "ok");
    lw_json_set_text_or_null(o, "leader", n->leader);
    lw_json_set_int_if(o, "processes", running, (int64_t)running);
    lw_json_set_number(o, "rate_per_s", away ? NAN : n->rate);
    lw_json_set_int_if(o, "lag", t.lag >= 0, t.lag);
    lw_json_set_ms(o, "watermark_ms", t.watermark_ms);
    lw_json_set_count(o, "dead_letters", t.counter[LW_COUNT_DEAD_LETTERED]);
    lw_json_set_count(o, "late", t.counter[LW_COUNT_LATE]);
    lw_json_set_count(o, "suspect", t.counter[LW_COUNT_SUSPECT]);
    lw_json_set_count(o, "rejected", t.counter[LW_COUNT_REJECTED]);
    lw_json_set_count(o, "messages", t.counter[LW_COUNT_MESSAGES]);
    for (int32_t i = 0; i < n->npartitions; i++)
        json_array_append_new(parts, partition_json(&n->view[i], &v->health));
    lw_json_set(o, "partitions", parts);
    lw_json_set_bool(o, "ready", lw_serve_is_ready(v, n));
    lw_json_set(o, "problems", troubles_json(&v->health));
    return o;
}

/* Figures of the error are named after `error`: "rmse", "rmse_expected". */
static json_t *task_json(const struct lw_task *task) {
    json_t *o = json_object();
    lw_json_set_text(o, "name", task->name);
    lw_json_set_text(o, "link", task->link);
    lw_json_set_text(o, "loss", task->loss);
    lw_json_set_text(o, "error", task->figure[0].key);
    lw_json_set_text(o, "label", task->figure[0].label);
    return o;
}

static const char *predictor_name(enum lw_predictor predictor) {
    static const char *const names[] = {[LW_PREDICTOR_MODELS] = "models",
                                        [LW_PREDICTOR_EVENTS] = "events",
                                        [LW_PREDICTOR_NONE] = "nobody"};
    return names[predictor];
}

static json_t *now_json(struct lw_server *s, const struct lw_snapshot *n,
                        const struct lw_vitals *v, bool away) {
    const struct lw_spec *spec = s->spec;
    json_t *o = json_object(), *windows = json_array();
    double at = lw_now_figure(n->now, "at");
    lw_json_set_text(o, "stream", spec->stream);
    lw_json_set(o, "task", task_json(spec->task));
    lw_json_set_text(o, "predictor", predictor_name(spec->predictor));
    lw_json_set_bool(o, "labelled", lw_spec_labelled(spec));
    lw_json_set_text_or_null(o, "time_zone", lw_zone_name(spec->zone));
    lw_json_set_int(o, "now_ms", lw_wall_ms());
    lw_json_set_int(o, "seen_ms", n->taken_ms);
    lw_json_set_whole(o, "at_ms", at > 0 ? at : NAN);
    lw_json_set(o, "champion", champion_json(s, n));
    lw_json_set(o, "tracking",
                lw_tracking_json(&spec->tracking, &n->tracking, n->aliases.champion,
                                 n->tracking_since_ms));
    lw_json_set_bool(o, "training", lw_now_figure(n->now, "training") > 0);
    for (size_t i = 0; i < spec->nwindows; i++)
        json_array_append_new(windows, window_json(spec, n->now, &spec->window[i]));
    lw_json_set(o, "windows", windows);
    lw_json_set_count(o, "alerts_firing", lw_watch_firing(n));
    lw_json_set(o, "health", health_json(n, v, away));
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
    lw_json_set_text(o, "code", v.code);
    lw_call_json(c, o);
}
