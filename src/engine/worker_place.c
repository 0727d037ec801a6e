/* A partition whose next offset does not exist, or is to be found out.
 *
 * auto.offset.reset=latest and nothing known of it: it starts where it ends now, and that
 * offset is kept at once. Below what the partition holds: retention has deleted what was
 * not read yet. It is lost, whoever is to blame, and the stream goes on with the oldest
 * message that is left; how many are missing is counted (`gone`), logged and audited.
 * Beyond the end, or the last message that was read is not what it was: the topic was
 * deleted and made anew (or has lost its newest messages with its leader), and the old
 * offsets mean nothing. It is read from its beginning: no
 * message is passed over. */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"
#include "store/audit.h"

#define ASK_MS 1000

static int go_on(struct lw_worker *w, int32_t partition, int64_t offset,
                 struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    s->state = SLOT_RUNS;
    s->heard_ms = lw_mono_ms();
    return lw_consumer_seek(w->consumer, partition, offset, err);
}

/* Told before it is written down: if the flush does not come about, it is told again. */
static int pass_over(struct lw_worker *w, int32_t partition, int64_t low,
                     struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    char detail[400];
    uint64_t n = (uint64_t)(low - s->next_offset);
    snprintf(detail, sizeof detail,
             "%s/%" PRId32 ": %" PRIu64 " offsets from %" PRId64
             " on were deleted before they were read; it goes on at %" PRId64,
             w->config->source.topic, partition, n, s->next_offset, low);
    if (lw_audit_write(w->redis, w->spec, "offset_gap", w->owner, detail, lw_wall_ms(),
                       err))
        return -1;
    lw_log(LW_ERROR, "offset_gap",
           "worker=%s partition=%d from=%" PRId64 " to=%" PRId64 " lost=%" PRIu64
           " advice=\"the topic's retention is shorter than this stream's delay\"",
           w->owner, partition, s->next_offset, low, n);
    lw_partition_gone(s->progress, n);
    s->next_offset = low;
    s->changed = true;
    return go_on(w, partition, low, err);
}

static int start_over(struct lw_worker *w, int32_t partition, int64_t low, int64_t high,
                      struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    if (s->changed && lw__slot_flush(w, partition, err))
        return -1;
    const struct lw_flush flush = {.topic = w->config->source.topic,
                                   .partition = partition,
                                   .epoch = s->epoch,
                                   .base_offset = s->next_offset,
                                   .next_offset = low,
                                   .now_ms = lw_wall_ms()};
    if (lw_state_restart(w->redis, w->spec, &flush, s->progress, w->owner, err))
        return -1;
    lw_log(LW_ERROR, "topic_recreated",
           "worker=%s partition=%d offset=%" PRId64 " end=%" PRId64 " from=%" PRId64,
           w->owner, partition, s->next_offset, high, low);
    s->base_offset = s->next_offset = low;
    s->last = (struct lw_mark){.offset = -1};
    s->other = false;
    s->changed = true; /* its panes, without the old offsets */
    return go_on(w, partition, low, err);
}

static int find_place(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    int64_t low, high;
    if (lw_consumer_ask(w->consumer, partition, ASK_MS, &low, &high, err))
        return -1;
    if (s->next_offset < 0 && lw_consumer_starts_late(w->consumer)) {
        s->next_offset = high;
        s->changed = true;
        return go_on(w, partition, high, err);
    }
    if (s->next_offset < 0)
        return lw_fail(err, LW_ESTOP,
                       "%s/%" PRId32 ": nothing is known of where to start, and "
                       "kafka.auto.offset.reset is error: set it to earliest or latest",
                       w->config->source.topic, partition);
    if (s->other)
        return start_over(w, partition, low, high, err);
    if (s->next_offset < low)
        return pass_over(w, partition, low, err);
    if (s->next_offset > high)
        return start_over(w, partition, low, high, err);
    return go_on(w, partition, s->next_offset, err); /* it was there after all */
}

void lw__slots_find_place(struct lw_worker *w, int64_t now) {
    for (int32_t p = 0; p < w->nslots; p++) {
        struct lw_err err = {0};
        struct lw_slot *s = &w->slot[p];
        if (s->state != SLOT_ASTRAY || now < s->claim_at_ms)
            continue;
        if (lw__redis_is_away(w) || lw_mono_ms() - now >= LW_SPELL_MS)
            return; /* poll first */
        if (find_place(w, p, &err) == 0)
            continue;
        s->state = SLOT_ASTRAY;
        s->claim_at_ms = lw_mono_ms() + LW_RETRY_MS;
        if (err.code == LW_ESTOP)
            lw__engine_fail(w->engine, &err);
        else if (err.code == LW_EFENCED)
            lw__slot_fence(w, p, &err);
        else
            lw__redis_away(w, &err);
        lw__worker_warn(w, "astray", p, &err);
    }
}
