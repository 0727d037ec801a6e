/* Partitions whose next offset does not exist or has to be determined.
 *
 * - No offset is known and auto.offset.reset is latest: the partition starts at its
 *   current end, and that offset is stored at once.
 * - The offset is below the first one: retention deleted unread messages. Reading
 *   continues at the oldest message; the number lost is counted (`gone`), logged and
 *   audited.
 * - The offset is beyond the end, or the last message that was read has changed: the
 *   topic was recreated (or lost its newest messages with its leader). It is read
 *   from its first offset, so no message is skipped. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"
#include "store/audit.h"

#define ASK_MS 1000

static int continue_at(struct lw_worker *w, int32_t partition, int64_t offset,
                       struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    s->phase = LW_PARTITION_RUNS;
    s->heard_ms = lw_mono_ms();
    return lw_consumer_seek(w->consumer, partition, offset, err);
}

/* Logged before it is stored: if the flush fails, it is logged again. */
static int skip_deleted(struct lw_worker *w, int32_t partition, int64_t low,
                        struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    char detail[400];
    uint64_t n = (uint64_t)(low - s->next_offset);
    snprintf(detail, sizeof detail,
             "%s/%" PRId32 ": %" PRIu64 " offsets from %" PRId64
             " on were deleted before they were read; reading continues at %" PRId64,
             w->config->source.topic, partition, n, s->next_offset, low);
    if (lw_audit_write(
            w->redis, w->spec,
            &(struct lw_audit_line){"offset_gap", w->owner, detail, 0, lw_wall_ms()},
            err))
        return -1;
    lw_log(offset_gap, w->owner, partition, s->next_offset, low, n);
    lw_partition_gone(s->progress, n);
    s->next_offset = low;
    s->changed = true;
    return continue_at(w, partition, low, err);
}

static int start_over(struct lw_worker *w, int32_t partition, int64_t low, int64_t high,
                      struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    if (s->changed && lw__worker_flush_partition(w, partition, err))
        return -1;
    const struct lw_flush flush = {.topic = w->config->source.topic,
                                   .partition = partition,
                                   .epoch = s->epoch,
                                   .base_offset = s->next_offset,
                                   .next_offset = low,
                                   .now_ms = lw_wall_ms()};
    if (lw_state_restart(w->redis, w->spec, &flush, s->progress, w->owner, err))
        return -1;
    lw_log(topic_recreated, w->owner, partition, s->next_offset, high, low);
    s->base_offset = s->next_offset = low;
    s->last = (struct lw_record_fingerprint){.offset = -1};
    s->recreated = false;
    s->changed = true; /* its panes no longer have the old offsets */
    return continue_at(w, partition, low, err);
}

static int find_offset(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct lw_partition_state *s = &w->state[partition];
    int64_t low, high;
    if (lw_consumer_ask(w->consumer, partition, ASK_MS, &low, &high, err))
        return -1;
    if (s->next_offset < 0 && lw_consumer_starts_late(w->consumer)) {
        s->next_offset = high;
        s->changed = true;
        return continue_at(w, partition, high, err);
    }
    if (s->next_offset < 0)
        return lw_fail(err, LW_ESTOP,
                       "%s/%" PRId32 ": no start offset is known, and "
                       "kafka.auto.offset.reset is error: set it to earliest or latest",
                       w->config->source.topic, partition);
    if (s->recreated)
        return start_over(w, partition, low, high, err);
    if (s->next_offset < low)
        return skip_deleted(w, partition, low, err);
    if (s->next_offset > high)
        return start_over(w, partition, low, high, err);
    return continue_at(w, partition, s->next_offset,
                       err); /* the offset exists after all */
}

void lw__worker_find_offsets(struct lw_worker *w, int64_t now) {
    for (int32_t p = 0; p < w->nstates; p++) {
        struct lw_err err = {0};
        struct lw_partition_state *s = &w->state[p];
        if (s->phase != LW_PARTITION_OUT_OF_RANGE || now < s->claim_at_ms)
            continue;
        if (lw__worker_redis_backoff(w) || lw_mono_ms() - now >= LW_SPELL_MS)
            return; /* poll first */
        if (find_offset(w, p, &err) == 0)
            continue;
        s->phase = LW_PARTITION_OUT_OF_RANGE;
        s->claim_at_ms = lw_mono_ms() + LW_RETRY_MS;
        if (err.code == LW_ESTOP)
            lw__engine_request_shutdown(w->engine, &err);
        else if (err.code == LW_EFENCED)
            lw__worker_fence(w, p, &err);
        else
            lw__worker_redis_failed(w, &err);
        lw_log(offset_out_of_range, w->owner, p, LW_QUOTE(err.msg));
    }
}
