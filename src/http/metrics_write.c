/* The writers of the rows, named after them: one per metric, so that removing a metric
 * removes its code. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "http/metrics.h"
#include "http/serve.h"

const double lw_metrics_latency_bounds[LW_LATENCIES] = {
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
    0.01,    0.025,  0.05,    0.1,    0.25,  0.5,    1};

void lw_metrics_latency_add(struct lw_latency *l, int64_t us) {
    int i = 0;
    while (i < LW_LATENCIES && (double)us > lw_metrics_latency_bounds[i] * 1e6)
        i++;
    atomic_fetch_add_explicit(&l->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->sum_us, (uint64_t)us, memory_order_relaxed);
}

/* ---- this process ---- */

void lw__metric_info(struct lw_scrape *s) {
    char stream[2 * LW_NAME_MAX], who[200];
    lw_metrics_sample(s, 1, "version=\"%s\",stream=\"%s\",process=\"%s\"", s->vitals.code,
                      lw_metrics_label(stream, sizeof stream, s->server->spec->stream),
                      lw_metrics_label(who, sizeof who, s->vitals.who));
}

static const struct lw_health_figures unknown = {NAN, NAN, NAN, NAN, NAN, NAN,
                                                 NAN, NAN, NAN, NAN, NAN};

static const struct lw_health_figures *figures_of(const struct lw_scrape *s) {
    return s->vitals.health.looked_ms ? &s->vitals.health.figure : &unknown;
}

void lw__metric_component(struct lw_scrape *s) {
    for (int c = 0; c < LW_COMPONENTS; c++) {
        enum lw_condition condition = s->vitals.health.item[c].condition;
        if (condition != LW_UNKNOWN)
            lw_metrics_sample(s, condition == LW_WELL, "component=\"%s\"",
                              lw_health_component_name((enum lw_component)c));
    }
}

#define VITAL(name, value)                                                               \
    void lw__metric_##name(struct lw_scrape *s) {                                        \
        lw_metrics_sample(s, (double)(value), "%s", "");                                 \
    }
VITAL(counter, (double)s->vitals.counts.n[s->row->counter] / s->row->per)
VITAL(round_trips, lw_redis_round_trips())
VITAL(redis_up, s->stream && !s->away)
VITAL(ready, lw_serve_is_ready(&s->vitals, s->stream))
VITAL(kafka_up, s->vitals.started    ? figures_of(s)->kafka_up
                : s->vitals.waits[0] ? 0
                                     : NAN)
VITAL(kafka_age, figures_of(s)->kafka_age)
VITAL(redis_writable, figures_of(s)->redis_writable)
VITAL(redis_age, figures_of(s)->redis_age)
VITAL(evaluation_age, figures_of(s)->evaluation_age)
VITAL(clock_age, figures_of(s)->clock_age)
VITAL(partitions_stalled, figures_of(s)->stalled)
VITAL(deserted, figures_of(s)->deserted)
VITAL(letters_age, figures_of(s)->letters_age)
VITAL(predictions_age, figures_of(s)->predictions_age)
VITAL(outbox_age, figures_of(s)->outbox_age)
VITAL(poll_age, s->vitals.started ? (double)s->vitals.since_poll_ms / 1000 : NAN)
VITAL(stalled, s->vitals.stalled)
VITAL(held, s->vitals.held)
VITAL(registry_up, s->vitals.registry ? !s->vitals.registry_away : NAN)
VITAL(registry_requests, s->vitals.registry ? (double)s->vitals.registry_requests : NAN)
VITAL(registry_failures, s->vitals.registry ? (double)s->vitals.registry_failures : NAN)
VITAL(leader, s->vitals.leading)
VITAL(partitions, s->vitals.partitions)
VITAL(training, s->vitals.training)
VITAL(failed, s->vitals.failure[0] != '\0')
VITAL(predictions, atomic_load(&s->server->predictions))
VITAL(swaps, atomic_load(&s->server->swaps))

void lw__metric_trainings(struct lw_scrape *s) {
    lw_metrics_sample(s, (double)s->vitals.trainings, "outcome=\"done\"");
    lw_metrics_sample(s, (double)s->vitals.trainings_failed, "outcome=\"failed\"");
}

/* ---- the stream ---- */

void lw__metric_events(struct lw_scrape *s) {
    for (int k = 0; s->stream && k < LW_COUNTERS; k++)
        if (k != LW_COUNT_MESSAGES)
            lw_metrics_sample(s, (double)s->totals.counter[k], "kind=\"%s\"",
                              lw_counter_name((enum lw_counter)k));
}

void lw__metric_lag(struct lw_scrape *s) {
    for (int32_t i = 0; s->stream && i < s->stream->npartitions; i++) {
        const struct lw_partition_view *v = &s->stream->view[i];
        if (v->known && v->end_offset >= v->next_offset)
            lw_metrics_sample(s, (double)(v->end_offset - v->next_offset),
                              "partition=\"%d\"", i);
    }
}

static double seconds_of(int64_t ms) {
    return ms == INT64_MIN || ms == 0 ? NAN : (double)ms / 1000;
}

void lw__metric_watermark(struct lw_scrape *s) {
    for (int32_t i = 0; s->stream && i < s->stream->npartitions; i++)
        lw_metrics_sample(s, seconds_of(s->stream->view[i].watermark_ms),
                          "partition=\"%d\"", i);
}

void lw__metric_updated(struct lw_scrape *s) {
    for (int32_t i = 0; s->stream && i < s->stream->npartitions; i++)
        lw_metrics_sample(s, seconds_of(s->stream->view[i].updated_ms),
                          "partition=\"%d\"", i);
}

static double sealed_until(const struct lw_scrape *s) {
    return s->stream ? seconds_of(s->stream->sealed_until_ms) : NAN;
}

static double figure_of(const struct lw_scrape *s, const char *name) {
    return s->stream ? lw_now_figure(s->stream->now, "%s", name) : NAN;
}

static double evaluated_at(const struct lw_scrape *s) {
    double v = figure_of(s, "at");
    return v > 0 ? v / 1000 : NAN;
}

VITAL(sealed, sealed_until(s))
VITAL(sealed_age, (double)lw_wall_ms() / 1000 - sealed_until(s))
VITAL(evaluated, evaluated_at(s))
VITAL(unreadable_panes, figure_of(s, "unreadable_panes"))
VITAL(outbox, s->stream ? (double)s->stream->outbox : NAN)
VITAL(parked, s->stream ? (double)s->stream->parked : NAN)
VITAL(model, s->stream && !s->stream->aliases.damaged
                 ? (double)s->stream->aliases.champion
                 : NAN)
VITAL(model_age, s->stream && s->stream->aliases.champion
                     ? figure_of(s, "champion_age_hours") * 3600
                     : NAN)

static void by_window(struct lw_scrape *s, const struct lw_metric *metric) {
    const struct lw_spec *spec = s->server->spec;
    char label[80];
    for (size_t i = 0; i < spec->nwindows; i++) {
        const char *w = spec->window[i].name;
        double v = lw_now_window_figure(s->stream->now, w, metric, NULL);
        lw_metrics_sample(s, v, "window=\"%s\"",
                          lw_metrics_label(label, sizeof label, w));
    }
}

static void by_feature(struct lw_scrape *s, const struct lw_metric *metric) {
    const struct lw_spec *spec = s->server->spec;
    char window[80], feature[2 * LW_NAME_MAX];
    for (size_t i = 0; i < spec->nwindows; i++) {
        const char *w = spec->window[i].name;
        for (size_t k = 0; k < spec->nfeatures + 2; k++) {
            if (!lw_metric_has_column(metric, spec, k))
                continue;
            const char *f = lw_now_column_name(spec, k);
            lw_metrics_sample(s, lw_now_window_figure(s->stream->now, w, metric, f),
                              "window=\"%s\",feature=\"%s\"",
                              lw_metrics_label(window, sizeof window, w),
                              lw_metrics_label(feature, sizeof feature, f));
        }
    }
}

/* A row of the table of metrics. */
void lw__metric_figure(struct lw_scrape *s) {
    const struct lw_metric *metric = s->row->metric;
    if (lw_metric_live(metric)) {
        struct lw_reading now = {0};
        if (s->vitals.live_known)
            now = metric->live(&s->vitals.live);
        double factor = metric->base_unit ? metric->base_factor : 1;
        lw_metrics_sample(s, now.n > 0 ? now.value * factor : NAN, "%s", "");
    } else if (s->stream && lw_metric_per_feature(metric)) {
        by_feature(s, metric);
    } else if (s->stream) {
        by_window(s, metric);
    }
}

void lw__metric_alerts(struct lw_scrape *s) {
    for (int k = LW_SEVERITY_WARN; s->stream && k <= LW_SEVERITY_CRITICAL; k++)
        lw_metrics_sample(s, (double)s->stream->firing[k], "severity=\"%s\"",
                          lw_alert_severity_name((enum lw_severity)k));
}

/* ---- the server ---- */

void lw__metric_latency(struct lw_scrape *s) {
    struct lw_latency *l = &s->server->latency;
    uint64_t sum = 0;
    char number[40];
    for (int i = 0; i <= LW_LATENCIES; i++) {
        sum += atomic_load_explicit(&l->bucket[i], memory_order_relaxed);
        lw_buf_printf(s->out, "%s_bucket{le=\"%s\"} %llu\n", s->row->name,
                      i == LW_LATENCIES ? "+Inf"
                                        : lw_format_f64(number, sizeof number,
                                                        lw_metrics_latency_bounds[i]),
                      (unsigned long long)sum);
    }
    lw_buf_printf(
        s->out, "%s_sum %s\n%s_count %llu\n", s->row->name,
        lw_format_f64(number, sizeof number, (double)atomic_load(&l->sum_us) / 1e6),
        s->row->name, (unsigned long long)sum);
}

static void put_requests(struct lw_scrape *s, size_t i, const char *route) {
    for (int class = 1; class < 6; class ++) {
        uint64_t n =
            atomic_load_explicit(&s->server->requests[i][class], memory_order_relaxed);
        if (n)
            lw_metrics_sample(s, (double)n, "route=\"%s\",code=\"%dxx\"", route, class);
    }
}

void lw__metric_requests(struct lw_scrape *s) {
    char name[120];
    for (size_t i = 0; i < lw_nroutes; i++) {
        const struct lw_route *r = &lw_routes[i];
        bool tail = r->flags & LW_ROUTE_TAIL;
        snprintf(name, sizeof name, "%s%s%s", r->prefix, tail ? "*" : "",
                 tail ? r->suffix : "");
        put_requests(s, i, name);
    }
    put_requests(s, lw_nroutes, "page");
    put_requests(s, lw_nroutes + 1, "none");
}

void lw__metric_refused(struct lw_scrape *s) {
    static const char *const reasons[LW_REFUSALS] = {
        [LW_REFUSED_MALFORMED] = "malformed", [LW_REFUSED_HOST] = "host",
        [LW_REFUSED_ORIGIN] = "origin",       [LW_REFUSED_TOKEN] = "token",
        [LW_REFUSED_SCOPE] = "scope",         [LW_REFUSED_SLOWED] = "slowed",
        [LW_REFUSED_RATE] = "rate",           [LW_REFUSED_FULL] = "full"};
    for (int i = 0; i < LW_REFUSALS; i++)
        lw_metrics_sample(s, (double)atomic_load(&s->server->refused[i]), "reason=\"%s\"",
                          reasons[i]);
}

void lw__metric_connections(struct lw_scrape *s) {
    pthread_mutex_lock(&s->server->peers_lock);
    int open = s->server->npeers;
    pthread_mutex_unlock(&s->server->peers_lock);
    lw_metrics_sample(s, open, "%s", "");
}

void lw__metric_subscribers(struct lw_scrape *s) {
    pthread_mutex_lock(&s->server->lock);
    size_t n = s->server->nsubscribers;
    pthread_mutex_unlock(&s->server->lock);
    lw_metrics_sample(s, (double)n, "%s", "");
}

/* ---- the process ---- */

void lw__metric_cpu(struct lw_scrape *s) {
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) == 0)
        lw_metrics_sample(s,
                          (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                              (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6,
                          "%s", "");
}

/* A small file of /proc as text. */
static const char *read_proc(const char *path, char *out, size_t size) {
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(out, 1, size - 1, f) : 0;
    if (f)
        fclose(f);
    out[n] = '\0';
    return out;
}

/* pages: total, resident, ... */
void lw__metric_resident(struct lw_scrape *s) {
    char text[256];
    const char *at = strchr(read_proc("/proc/self/statm", text, sizeof text), ' ');
    if (at)
        lw_metrics_sample(
            s, (double)strtoull(at, NULL, 10) * (double)sysconf(_SC_PAGESIZE), "%s", "");
}

void lw__metric_heap(struct lw_scrape *s) {
    size_t used = lw_mem_used();
    if (used)
        lw_metrics_sample(s, (double)used, "%s", "");
}

void lw__metric_fds(struct lw_scrape *s) {
    DIR *d = opendir("/proc/self/fd");
    int n = -3; /* ".", "..", and the descriptor of this listing */
    if (!d)
        return;
    while (readdir(d))
        n++;
    closedir(d);
    lw_metrics_sample(s, n, "%s", "");
}

/* Start time of the process in ticks since boot (field 22; the name before it may contain
 * anything but ends at the last bracket), and the time of boot. */
void lw__metric_start(struct lw_scrape *s) {
    char text[1024];
    struct timespec up, now;
    const char *at = strrchr(read_proc("/proc/self/stat", text, sizeof text), ')');
    for (int i = 0; at && i < 20; i++)
        at = strchr(at + 1, ' ');
    if (!at || clock_gettime(CLOCK_BOOTTIME, &up) || clock_gettime(CLOCK_REALTIME, &now))
        return;
    unsigned long long ticks = strtoull(at, NULL, 10);
    double boot = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)up.tv_sec -
                  (double)up.tv_nsec / 1e9;
    double start = boot + (double)ticks / (double)sysconf(_SC_CLK_TCK);
    lw_metrics_sample(s, round(start * 10) / 10, "%s", ""); /* the same at each scrape */
}
