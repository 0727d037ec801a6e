/* GET /metrics in Prometheus' text format: the table of its rows, and docs/metrics.md. */
#include "http/metrics.h"
#include "http/serve.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/text_media.h"

#define C       "counter"
#define G       "gauge"
#define W(name) lw__metric_##name, NULL, 0, 0
#define COUNTER(id, name, unit, per, meaning)                                            \
    {name, C, unit, "", meaning, lw__metric_counter, NULL, LW_PROCESS_##id, per},
#define KIND(id, name, meaning) " " name ": " meaning "."

static const struct lw_metric_row own_rows[] = {
    /* this process */
    {"leeway_info", G, "", "version,stream,process",
     "Version of the program, in the "
     "label; always 1.",
     W(info)},
    LW_PROCESS_COUNTER_ROWS(COUNTER) /* core/process_counter.h */
    {"leeway_redis_round_trips_total", C, "", "", "Round trips to Redis of all threads.",
     W(round_trips)},
    {"leeway_redis_up", G, "", "", "1 when Redis answered the last poll.", W(redis_up)},
    {"leeway_ready", G, "", "", "1 when /readyz says ready.", W(ready)},
    {"leeway_component_ok", G, "", "component",
     "1 while the component works; 0 when /readyz reports it. No sample while unknown.",
     W(component)},
    {"leeway_kafka_up", G, "", "",
     "1 when a broker has answered within 15 seconds; brokers are asked every 5 "
     "seconds.",
     W(kafka_up)},
    {"leeway_kafka_answer_age_seconds", G, "seconds", "",
     "Time since a broker last answered.", W(kafka_age)},
    {"leeway_redis_writable", G, "", "",
     "1 when Redis accepted the last write; one is tried every 5 seconds.",
     W(redis_writable)},
    {"leeway_redis_write_age_seconds", G, "seconds", "",
     "Time since Redis accepted a write of this process's health.", W(redis_age)},
    {"leeway_evaluation_age_seconds", G, "seconds", "",
     "Time since a leader last went over all partitions and evaluated what was "
     "complete; since this process started if no such pass has been seen.",
     W(evaluation_age)},
    {"leeway_clock_blocked_seconds", G, "seconds", "",
     "How long wrong clocks have delayed evaluations; on the leader only.", W(clock_age)},
    {"leeway_partitions_stalled", G, "", "",
     "Partitions of the topic that do not move and are not known to be at their end.",
     W(partitions_stalled)},
    {"leeway_partitions_unread", G, "", "",
     "Stalled partitions that no live process reads.", W(deserted)},
    {"leeway_letters_blocked_seconds", G, "seconds", "",
     "How long dead letters have been refused or unacknowledged; 0: they are delivered.",
     W(letters_age)},
    {"leeway_predictions_blocked_seconds", G, "seconds", "",
     "How long predictions for the topic source.scored have been refused or "
     "unacknowledged; 0: they are delivered.",
     W(predictions_age)},
    {"leeway_last_poll_seconds", G, "seconds", "",
     "Time since the last poll of Kafka by the worker that polled longest ago.",
     W(poll_age)},
    {"leeway_stalled", G, "", "", "1 while a worker waits for Redis or for a schema.",
     W(stalled)},
    {"leeway_partitions_paused", G, "", "",
     "Partitions that wait for the registry to return the schema of their next message.",
     W(held)},
    {"leeway_registry_up", G, "", "",
     "1 when the schema registry answers; absent without a registry.", W(registry_up)},
    {"leeway_registry_requests_total", C, "", "", "Schemas requested from the registry.",
     W(registry_requests)},
    {"leeway_registry_failures_total", C, "", "",
     "Requests to the registry without an answer; they are retried.",
     W(registry_failures)},
    {"leeway_leader", G, "", "", "1 in the process that holds the lease.", W(leader)},
    {"leeway_partitions_owned", G, "", "", "Partitions assigned to this process.",
     W(partitions)},
    {"leeway_training", G, "", "", "1 while a training is requested or running here.",
     W(training)},
    {"leeway_trainings_total", C, "", "outcome",
     "Trainings of this process: done (promoted or rejected) or failed.", W(trainings)},
    {"leeway_failed", G, "", "",
     "1 when a thread met an error that it cannot recover from.", W(failed)},
    /* the stream, as stored in Redis: the same on every process */
    {"leeway_stream_events_total", C, "", "kind",
     "Messages of the stream by kind." LW_COUNTER_KIND_ROWS(KIND), W(events)},
    {"leeway_partition_lag", G, "messages", "partition",
     "Messages in Kafka that are not yet in the state, as of the owner's last flush.",
     W(lag)},
    {"leeway_partition_watermark_timestamp_seconds", G, "seconds", "partition",
     "Event time that the partition has completed.", W(watermark)},
    {"leeway_partition_updated_timestamp_seconds", G, "seconds", "partition",
     "Wall time of the partition's last flush.", W(updated)},
    {"leeway_sealed_until_timestamp_seconds", G, "seconds", "",
     "Event time up to which all panes have been evaluated.", W(sealed)},
    {"leeway_sealed_until_age_seconds", G, "seconds", "",
     "Wall time minus the end of the evaluated event time: the age of the figures.",
     W(sealed_age)},
    {"leeway_evaluation_timestamp_seconds", G, "seconds", "",
     "End of the newest window (event time).", W(evaluated)},
    {NULL, G, "", "", "", NULL, NULL, 0, 0}, /* those of core/metrics.c */
    {"leeway_alerts_firing", G, "", "severity", "Firing alerts.", W(alerts)},
    {"leeway_unreadable_panes", G, "", "",
     "Panes that could not be read and are missing from their windows.",
     W(unreadable_panes)},
    {"leeway_outbox_waiting", G, "", "", "Deliveries that no receiver has confirmed yet.",
     W(outbox)},
    {"leeway_outbox_oldest_seconds", G, "seconds", "",
     "Age of the oldest waiting delivery; 0: there is none.", W(outbox_age)},
    {"leeway_outbox_parked", G, "", "",
     "Deliveries that were given up; `leeway alerts retry` sends one again.", W(parked)},
    {"leeway_model_version", G, "", "", "Version of the champion; 0: none.", W(model)},
    {"leeway_model_age_seconds", G, "seconds", "",
     "Event time since the champion was promoted.", W(model_age)},
    /* this process's HTTP server */
    {"leeway_predictions_total", C, "", "", "Records predicted over HTTP.",
     W(predictions)},
    {"leeway_prediction_request_seconds", "histogram", "seconds", "",
     "Time to answer a prediction request, from its headers to its answer.", W(latency)},
    {"leeway_http_requests_total", C, "", "route,code",
     "Requests by route and class of status.", W(requests)},
    {"leeway_http_refused_total", C, "", "reason",
     "Refused requests by reason: malformed, host, origin, token (missing or wrong), "
     "scope, slowed (after wrong tokens), rate, full.",
     W(refused)},
    {"leeway_http_connections", G, "", "", "Open connections.", W(connections)},
    {"leeway_http_subscribers", G, "", "", "Subscribers of server-sent events.",
     W(subscribers)},
    {"leeway_model_swaps_total", C, "", "",
     "Changes of the version that answers over HTTP.", W(swaps)},
    {"leeway_heap_bytes", G, "bytes", "",
     "Memory allocated and not freed. Resident memory also includes libraries, stacks "
     "and the allocator's free memory.",
     W(heap)},
    /* the process; names are those of Prometheus' own client libraries */
    {"process_cpu_seconds_total", C, "seconds", "", "User and system CPU time.", W(cpu)},
    {"process_resident_memory_bytes", G, "bytes", "", "Resident memory.", W(resident)},
    {"process_open_fds", G, "", "", "Open file descriptors.", W(fds)},
    {"process_start_time_seconds", G, "seconds", "", "Start of the process, Unix time.",
     W(start)},
};

#define ROWS_MAX 256
static struct lw_metric_row rows[ROWS_MAX];
static char helps[ROWS_MAX][200];
static size_t nrows;
static pthread_once_t rows_made = PTHREAD_ONCE_INIT;

static const char *labels_of(const struct lw_metric *metric) {
    return lw_metric_live(metric)          ? ""
           : lw_metric_per_feature(metric) ? "window,feature"
                                           : "window";
}

static void add_core_rows(void) {
    const struct lw_metric *metric;
    for (size_t i = 0; (metric = lw_metric_at(i)); i++) {
        if (!metric->series)
            continue;
        const char *text = metric->shown ? metric->shown : metric->meaning;
        lw_assert(nrows < ROWS_MAX);
        snprintf(helps[nrows], sizeof helps[0], "%c%s.", toupper((unsigned char)*text),
                 text + 1);
        rows[nrows] = (struct lw_metric_row){.name = metric->series,
                                             .type = G,
                                             .unit = metric->base_unit ? metric->base_unit
                                                                       : metric->unit,
                                             .labels = labels_of(metric),
                                             .help = helps[nrows],
                                             .write = lw__metric_figure,
                                             .metric = metric};
        nrows++;
    }
}

static void make_rows(void) {
    for (size_t i = 0; i < sizeof own_rows / sizeof *own_rows; i++)
        if (own_rows[i].name)
            rows[nrows++] = own_rows[i];
        else
            add_core_rows();
}

const struct lw_metric_row *lw_metric_row_at(size_t i) {
    pthread_once(&rows_made, make_rows);
    return i < nrows ? &rows[i] : NULL;
}

char *lw_metrics_label(char *out, size_t size, const char *text) {
    struct lw_buf label = {0};
    lw_text_for(LW_MEDIUM_LABEL, &label, text, strlen(text), size - 1);
    lw_copy(out, size, lw_buf_str(&label));
    lw_buf_fini(&label);
    return out;
}

void lw_metrics_sample(struct lw_scrape *s, double v, const char *labels, ...) {
    char text[700] = "", number[40];
    va_list ap;
    if (!isfinite(v))
        return;
    va_start(ap, labels);
    vsnprintf(text, sizeof text, labels, ap);
    va_end(ap);
    lw_buf_printf(s->out, "%s%s%s%s %s\n", s->row->name, text[0] ? "{" : "", text,
                  text[0] ? "}" : "", lw_format_f64(number, sizeof number, v));
}

void lw_serve_metrics(struct lw_call *c) {
    char why[256];
    struct lw_scrape s = {.server = c->server,
                          .stream = lw_watch_snapshot(c->server),
                          .champion = lw_watch_champion(c->server),
                          .away = lw_watch_redis_away(c->server, why, sizeof why),
                          .out = &c->out};
    c->server->options.vitals(c->server->options.arg, &s.vitals);
    if (s.stream)
        s.totals = lw_now_totals(s.stream);
    for (size_t i = 0; (s.row = lw_metric_row_at(i)); i++) {
        lw_buf_printf(s.out, "# HELP %s %s\n# TYPE %s %s\n", s.row->name, s.row->help,
                      s.row->name, s.row->type);
        s.row->write(&s);
    }
    lw_watch_snapshot_put(s.stream);
    lw_watch_champion_put(s.champion);
    c->type = "text/plain; version=0.0.4; charset=utf-8";
    c->answered = true;
}

static void put_labels(FILE *out, const char *labels) {
    for (const char *at = labels; *at;) {
        size_t len = strcspn(at, ",");
        fprintf(out, "%s`%.*s`", at == labels ? "" : ", ", (int)len, at);
        at += len + (at[len] == ',');
    }
}

void lw_metrics_document(FILE *out) {
    fputs("# Metrics\n\n`GET /metrics` in Prometheus' text format. This page is "
          "generated from the program's tables (`src/http/metrics.c`, "
          "`src/core/metrics.c`).\n\n`leeway_stream_*`, `leeway_partition_*`, "
          "`leeway_window_*`, `leeway_feature_*`, `leeway_sealed_*`, `leeway_alerts_*`, "
          "`leeway_outbox_*` and `leeway_model_*` describe the stream, as stored in "
          "Redis, and are the same on every process: aggregate them with `max`, or "
          "scrape one process. `leeway_live_*` has samples on the leader only. All "
          "others describe the process. An unknown value has no sample: a window without "
          "events has no error, a stream without a champion no PSI.\n\n| metric | type | "
          "unit | labels | meaning |\n|---|---|---|---|---|\n",
          out);
    const struct lw_metric_row *r;
    for (size_t i = 0; (r = lw_metric_row_at(i)); i++) {
        fprintf(out, "| `%s` | %s | %s | ", r->name, r->type,
                strcmp(r->unit, "target") == 0 ? "the target's" : r->unit);
        put_labels(out, r->labels);
        fprintf(out, " | %s |\n", r->help);
    }
}
