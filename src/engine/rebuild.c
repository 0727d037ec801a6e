/* See rebuild.h.
 *
 * A pane depends only on the events of its time in the order of their offsets, and on
 * the versions that score them and how they are tracked, which the damaged pane or those
 * of other partitions tell; its random seed comes from stream, partition and start. So
 * the same events make the same pane, byte for byte. Events that the original left out
 * (late, suspect) cannot be identified here, but the number of events in its lineage
 * shows whether there were any. */
#include "engine/rebuild.h"

#include <time.h>

#include "base/mem.h"
#include "base/time.h"
#include "core/partition.h"
#include "engine/intake.h"
#include "engine/model_cache.h"
#include "kafka/ranges.h"

#define READ_MS   60000 /* without progress */
#define SCHEMA_MS 30000

struct pane_reader {
    const struct lw_spec *spec;
    struct lw_intake *intake;
    struct lw_loaded_models loaded;
    struct lw_partition *into;
    int64_t from_ms, until_ms;
    struct lw_err waits;
};

static int message_decode(struct pane_reader *in, const rd_kafka_message_t *m,
                          struct lw_cell *cells) {
    struct lw_err err = {0};
    int64_t until = lw_mono_ms() + SCHEMA_MS;
    while (lw_intake_decode(in->intake, m, cells, &err)) {
        if (err.code != LW_EAGAIN)
            return -1;
        if (lw_mono_ms() > until) {
            in->waits = err;
            return 1;
        }
        lw_err_clear(&err);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return 0;
}

static int rebuild_add_message(void *arg, const rd_kafka_message_t *m) {
    struct pane_reader *in = arg;
    struct lw_cell cells[LW_FIELDS_MAX], watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored[LW_VERSIONS_MAX];
    struct lw_row row;
    int failed = message_decode(in, m, cells);
    if (failed)
        return failed > 0;
    int reason =
        lw_event_row(&in->spec->event, cells, lw_intake_message_time(m), &row, NULL);
    if (reason < 0 || row.time_ms < in->from_ms || row.time_ms >= in->until_ms)
        return 0;
    size_t n = reason == LW_GOOD ? in->loaded.n : 0;
    lw_spec_watch(in->spec, &row, watched);
    for (size_t i = 0; i < n; i++) {
        scored[i].version = in->loaded.version[i];
        scored[i].prediction = lw_model_predict(in->loaded.model[i], &row);
    }
    lw_partition_bound(in->into, lw_intake_message_time(m));
    const struct lw_pane_event event = {m->offset,  watched, reason,
                                        row.target, scored,  n};
    lw_partition_add(in->into, &row, &event);
    return 0;
}

static int read_all(const struct lw_rebuilder *with, struct pane_reader *in,
                    const struct lw_offset_range *range, uint64_t *gone,
                    struct lw_err *err) {
    const struct lw_config *config = with->config;
    const struct lw_read_options how = {
        .timeout_ms = READ_MS, .each = rebuild_add_message, .arg = in};
    in->intake = lw_intake_new(config, with->registry, err);
    int rc = in->intake
                 ? lw_ranges_read(&config->kafka, config->source.topic,
                                  (struct lw_offset_ranges){range, 1}, &how, gone, err)
                 : -1;
    if (rc > 0)
        rc = lw_fail(err, in->waits.code, "%s", in->waits.msg);
    lw_intake_free(in->intake);
    return rc;
}

int lw_rebuild_pane(const struct lw_rebuilder *with, int64_t start_ms, int32_t partition,
                    struct lw_rebuilt *out, struct lw_err *err) {
    struct lw_lost_pane lost;
    const struct lw_spec *spec = &with->config->spec;
    *out = (struct lw_rebuilt){0};
    if (lw_damage_pane(with->redis, spec, start_ms, partition, &lost, err))
        return -1;
    struct lw_model_cache *models = lw_model_cache_new(spec);
    struct pane_reader in = {.spec = spec,
                             .into = lw_partition_new(spec, partition),
                             .from_ms = start_ms,
                             .until_ms = start_ms + spec->pane_ms};
    const struct lw_offset_range range = {partition, lost.first, lost.last};
    int rc = lw_model_cache_load(models, with->redis, &lost.active, &in.loaded, err);
    lw_partition_track(in.into, &lost.active.tracking);
    rc = rc ? rc : read_all(with, &in, &range, &out->gone, err);
    lw_model_cache_free(models);
    if (rc == 0 && lw_partition_panes(in.into) != 1)
        rc = lw_fail(err, LW_ENOTFOUND,
                     "Kafka no longer has any of its events (offsets %lld to %lld)",
                     (long long)lost.first, (long long)lost.last);
    if (rc) {
        lw_partition_free(in.into);
        return -1;
    }
    out->partition = in.into;
    out->pane = lw_partition_pane(in.into, 0);
    out->wanted = lost.events;
    out->exact = out->gone == 0 && (lost.remainder || out->pane->events == lost.events);
    return 0;
}
