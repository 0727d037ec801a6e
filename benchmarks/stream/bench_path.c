/* The path of an event without Kafka and Redis, in one thread: decode, validate, score,
 * accumulate, and periodically serialise the content of a flush.
 *
 *   bench_path CONFIG MODEL FILE [KEY=VALUE]...
 *
 *   messages=N     2,000,000        trips of FILE, in a loop
 *   partitions=P   12               which get runs of 500, like fetches
 *   per_pane=N     40,000           events per pane and partition
 *   flush=N        1,000,000        events between flushes; 0: none
 *   repeats=R      5
 *   zones=N        those of FILE   pick-up zones, uniformly drawn
 *   seal=1         no              pass closed panes to the monitor, timed separately
 *
 * Prints one line of JSON: the median over the repeats of nanoseconds of CPU time per
 * event, with and without serialisation, bytes and panes per flush, and microseconds per
 * sealed pane. MODEL `-`: no scoring. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "config/config.h"
#include "core/monitor.h"
#include "core/partition.h"
#include "leeway/model.h"
#include "trips.h"

#define RUN         500
#define REPEATS_MAX 101

struct options {
    uint64_t messages, partitions, per_pane, flush, repeats, zones, seal;
};

struct bench {
    struct options o;
    struct lw_config *config;
    struct lw_decoder *decoder;
    struct lw_model *model;
    uint8_t *bytes;
    size_t *start;
    struct lw_partition **partition;
    struct lw_buf scratch;
    uint64_t flushes, flushed_panes, flushed_bytes;
    int64_t flush_us, seal_us;
    uint64_t sealed;
    struct lw_monitor *monitor;
};

/* CPU time is less affected by other load. */
static int64_t cpu_us(void) {
    return (int64_t)((double)clock() * 1e6 / CLOCKS_PER_SEC);
}

static _Noreturn void bench_die(const struct lw_err *err) {
    fprintf(stderr, "bench_path: %s\n", err->msg);
    exit(1);
}

static struct lw_model *load_model(const struct lw_config *config, const char *path) {
    struct lw_err err = {0};
    if (strcmp(path, "-") == 0)
        return NULL;
    size_t len;
    char *data = lw_read_file(path, 1u << 30, &len, &err);
    struct lw_model *m = data ? lw_model_decode(data, len, &err) : NULL;
    if (!m || lw_model_bind(m, &config->spec.event.fields, &err))
        bench_die(&err);
    free(data);
    return m;
}

/* Message i belongs to partition (i / RUN) % P; each partition's clock runs evenly. */
static void make_messages(struct bench *b, const char *file) {
    struct bench_trips trips;
    uint64_t n = b->o.messages, per_hour = b->o.per_pane * b->o.partitions;
    bench_trips_load(&trips, file);
    trips.zones = b->o.zones;
    b->bytes = lw_malloc(n * BENCH_MESSAGE_MAX);
    b->start = lw_calloc(n + 1, sizeof *b->start);
    for (uint64_t i = 0; i < n; i++) {
        int64_t at = 1600000000000 + (int64_t)((double)i / (double)per_hour * LW_HOUR);
        b->start[i + 1] =
            b->start[i] + bench_trips_message(&trips, i, at, b->bytes + b->start[i]);
    }
    bench_trips_free(&trips);
}

static void event_handle(struct bench *b, uint64_t i) {
    struct lw_cell cells[LW_FIELDS_MAX], watched[LW_FEATURES_MAX + 1];
    struct lw_row row;
    struct lw_err err = {0};
    struct lw_scored scored = {.version = 1};
    const struct lw_spec *spec = &b->config->spec;
    struct lw_partition *p = b->partition[i / RUN % b->o.partitions];
    if (lw_decoder_decode_bytes(b->decoder, b->bytes + b->start[i],
                                b->start[i + 1] - b->start[i], cells, &err))
        bench_die(&err);
    int reason = lw_event_row(&spec->event, cells, 0, &row, &err);
    if (reason < 0)
        bench_die(&err);
    bool score = reason == LW_GOOD && b->model;
    lw_spec_watch(spec, &row, watched);
    if (score)
        scored.prediction = lw_model_predict(b->model, &row);
    const struct lw_pane_event event = {(int64_t)i, watched, reason,
                                        row.target, &scored, score};
    lw_partition_add(p, &row, &event);
}

static void count_field(void *arg, const char *field, const void *data, size_t len) {
    struct bench *b = arg;
    (void)data;
    b->flushed_bytes += len + strlen(field);
}

static void bench_flush(struct bench *b) {
    int64_t began = cpu_us();
    b->flushes++;
    for (uint64_t k = 0; k < b->o.partitions; k++) {
        struct lw_partition *p = b->partition[k];
        for (size_t i = 0; i < lw_partition_panes(p); i++) {
            struct lw_pane *pane = lw_partition_pane(p, i);
            if (!pane->dirty)
                continue;
            lw_pane_write(pane, &b->scratch, count_field, b);
            pane->dirty = false;
            b->flushed_panes++;
        }
        lw_partition_forget(p);
    }
    b->flush_us += cpu_us() - began;
}

/* Merges windows and evaluates rules; the panes of the first half fill the windows. */
static void panes_seal(struct bench *b, uint64_t i) {
    static struct lw_evaluation out;
    struct lw_pane *pane;
    while ((pane = lw_partition_take_closed(b->partition[0]))) {
        int64_t began = cpu_us();
        lw_monitor_seal(b->monitor, pane, &out);
        if (i < b->o.messages / 2)
            continue;
        b->seal_us += cpu_us() - began;
        b->sealed++;
    }
}

static double bench_pass(struct bench *b) {
    for (uint64_t k = 0; k < b->o.partitions; k++)
        b->partition[k] = lw_partition_new(&b->config->spec, (int32_t)k);
    b->flush_us = 0;
    int64_t began = cpu_us();
    for (uint64_t i = 0; i < b->o.messages; i++) {
        event_handle(b, i);
        if (b->monitor)
            panes_seal(b, i);
        else if (b->o.flush && (i + 1) % b->o.flush == 0)
            bench_flush(b);
    }
    double us = (double)(cpu_us() - began);
    for (uint64_t k = 0; k < b->o.partitions; k++)
        lw_partition_free(b->partition[k]);
    return us;
}

static int doubles_compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bench_measure(struct bench *b) {
    double all[REPEATS_MAX], path[REPEATS_MAX], n = (double)b->o.messages;
    for (uint64_t r = 0; r < b->o.repeats; r++) {
        double us = bench_pass(b);
        all[r] = us * 1e3 / n;
        path[r] = (us - (double)b->flush_us) * 1e3 / n;
    }
    qsort(all, b->o.repeats, sizeof *all, doubles_compare);
    qsort(path, b->o.repeats, sizeof *path, doubles_compare);
    double flushes = b->flushes ? (double)b->flushes : 1;
    printf("{\"ns\": %.1f, \"ns_path\": %.1f, \"ns_best\": %.1f, \"flush_bytes\": %.0f, "
           "\"flush_panes\": %.1f, \"bytes_each\": %.1f, \"seal_us\": %.1f}\n",
           all[b->o.repeats / 2], path[b->o.repeats / 2], path[0],
           (double)b->flushed_bytes / flushes, (double)b->flushed_panes / flushes,
           (double)b->start[b->o.messages] / n,
           b->sealed ? (double)b->seal_us / (double)b->sealed : 0);
}

static void read_options(struct options *o, char **words, int n) {
    const struct {
        const char *name;
        uint64_t *at;
    } known[] = {{"messages", &o->messages}, {"partitions", &o->partitions},
                 {"per_pane", &o->per_pane}, {"flush", &o->flush},
                 {"repeats", &o->repeats},   {"zones", &o->zones},
                 {"seal", &o->seal}};
    for (int i = 0; i < n; i++) {
        size_t k = 0, len = strcspn(words[i], "=");
        while (k < sizeof known / sizeof *known &&
               (strlen(known[k].name) != len || strncmp(known[k].name, words[i], len)))
            k++;
        if (k == sizeof known / sizeof *known || words[i][len] != '=') {
            fprintf(stderr, "bench_path: unknown setting \"%s\"\n", words[i]);
            exit(2);
        }
        *known[k].at = strtoull(words[i] + len + 1, NULL, 10);
    }
    if (o->repeats < 1 || o->repeats > REPEATS_MAX || !o->partitions || !o->per_pane ||
        (o->seal && (o->partitions > 1 || o->repeats > 1))) {
        fprintf(stderr,
                "bench_path: repeats must be 1 to %d, partitions and per_pane positive; "
                "seal wants one of each\n",
                REPEATS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv) {
    struct lw_err err = {0};
    struct bench b = {.o = {2000000, 12, 40000, 1000000, 5, 0, 0}};
    if (argc < 4) {
        fprintf(stderr, "usage: bench_path CONFIG MODEL FILE [KEY=VALUE]...\n");
        return 2;
    }
    read_options(&b.o, argv + 4, argc - 4);
    b.config = lw_config_load(argv[1], &err);
    if (!b.config)
        bench_die(&err);
    const struct lw_schema *schema = b.config->source.schema;
    b.decoder = lw_decoder_new_avro(schema, schema, &b.config->spec.event.fields, &err);
    if (!b.decoder)
        bench_die(&err);
    b.model = load_model(b.config, argv[2]);
    b.partition = lw_calloc(b.o.partitions, sizeof(struct lw_partition *));
    make_messages(&b, argv[3]);
    if (b.o.seal)
        b.monitor = lw_monitor_new(&b.config->spec);
    bench_measure(&b);
    lw_monitor_free(b.monitor);
    lw_buf_fini(&b.scratch);
    lw_model_free(b.model);
    lw_decoder_free(b.decoder);
    lw_config_free(b.config);
    free(b.partition);
    free(b.bytes);
    free(b.start);
    return 0;
}
