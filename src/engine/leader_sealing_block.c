/* Detects wrong clocks that block sealing.
 *
 * The clocks of partitions follow the crowd (core/clock.h) and recover, at the price
 * of some events. Until then new events are not evaluated, while everything else
 * looks healthy: messages flow, offsets advance. Three symptoms:
 *
 * - a partition gets messages and accumulates none: all are late or have an
 *   implausible time;
 * - panes are sealed up to a time far ahead of current events;
 * - event time advances, but one partition that is read stays behind and blocks every
 *   pane.
 *
 * A paused or ended replay, and a pending training, block sealing on purpose and are
 * excluded. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "engine/leader_private.h"

#define FEW 5 /* messages in a row that do not count: more than stragglers */

/* Accumulated messages; those removed when event time is rewound count as suspect. */
static uint64_t messages_counted(const struct lw_partition_view *v) {
    uint64_t lost = v->counter[LW_COUNT_DEAD_LETTERED] + v->counter[LW_COUNT_LATE] +
                    v->counter[LW_COUNT_SUSPECT];
    uint64_t all = v->counter[LW_COUNT_MESSAGES];
    return all > lost ? all - lost : 0;
}

/* Dead letters accumulate nothing. */
static uint64_t messages_timed(const struct lw_partition_view *v) {
    return v->counter[LW_COUNT_MESSAGES] - v->counter[LW_COUNT_DEAD_LETTERED];
}

/* Tracks since when none of a partition's messages has counted. */
static void pace_follow(struct lw_pace *pace, const struct lw_partition_view *v,
                        int64_t until, int64_t now) {
    if (!pace->seen || messages_counted(v) != pace->counted ||
        messages_timed(v) < pace->timed) {
        pace->counted = messages_counted(v);
        pace->timed = messages_timed(v);
        pace->counted_ms = now;
    }
    if (!pace->seen || until != pace->until_ms) {
        pace->until_ms = until;
        pace->until_since_ms = now;
        pace->at_until = messages_timed(v);
    }
    pace->seen = true;
}

static bool pace_wasted(const struct lw_pace *pace, const struct lw_partition_view *v) {
    return messages_timed(v) - pace->timed >= FEW;
}

static void block_report(struct lw_sealing_block *block, int64_t since_ms,
                         const char *why) {
    if (block->since_ms && block->since_ms <= since_ms)
        return;
    block->since_ms = since_ms;
    lw_copy(block->why, sizeof block->why, why);
}

static void judge_partition(const struct lw_leader *l, int32_t partition, int64_t newest,
                            struct lw_sealing_block *block) {
    const struct lw_partition_view *v = &l->view[partition];
    const struct lw_pace *pace = &l->pace[partition];
    int64_t patience = l->spec->idle_timeout_ms; /* for a quiet hour to prove itself */
    char why[256], at[32], to[32];
    lw_format_time(at, sizeof at, v->watermark_ms);
    lw_format_time(to, sizeof to, l->sealed_until_ms);
    if (pace_wasted(pace, v) && !v->idle) {
        snprintf(why, sizeof why,
                 "the last %" PRIu64
                 " events of partition %d do not count: they are late "
                 "or have an implausible time; its clock is at %s",
                 messages_timed(v) - pace->timed, partition, at);
        block_report(block, pace->counted_ms, why);
    }
    bool read = messages_timed(v) - pace->at_until >= FEW;
    int64_t usual = l->spec->lateness_ms + 2 * l->spec->pane_ms;
    if (read && !v->idle && newest != INT64_MIN && pace->until_ms != INT64_MIN &&
        newest - pace->until_ms > usual) {
        snprintf(why, sizeof why,
                 "the clock of partition %d is at %s and blocks every pane", partition,
                 at);
        block_report(block, pace->until_since_ms + patience, why);
    }
    if (l->sealed_until_ms != INT64_MIN && v->newest_ms != INT64_MIN && !v->idle &&
        l->sealed_until_ms - v->newest_ms > l->spec->max_jump_ms &&
        messages_timed(v) - l->pace[partition].at_sealed >= FEW) {
        snprintf(why, sizeof why,
                 "panes are sealed up to %s, far ahead of the events of partition %d", to,
                 partition);
        block_report(block, l->sealed_since_ms, why);
    }
}

void lw__leader_sealing_block(struct lw_leader *l, const int64_t *until, int64_t newest) {
    int64_t now = lw_mono_ms();
    struct lw_sealing_block block = {0};
    bool judged = l->flow == LW_FLOWS && !lw_monitor_pending(l->monitor);
    bool moved = l->sealed_was_ms != l->sealed_until_ms || !judged;
    if (moved) {
        l->sealed_was_ms = l->sealed_until_ms;
        l->sealed_since_ms = now;
    }
    for (int32_t p = 0; p < l->n; p++) {
        struct lw_partition_view *v = &l->view[p];
        if (!judged)
            l->pace[p].seen = false;
        pace_follow(&l->pace[p], v, until[p], now);
        if (moved)
            l->pace[p].at_sealed = messages_timed(v);
        if (v->known && judged)
            judge_partition(l, p, newest, &block);
    }
    if (block.since_ms > now)
        block.since_ms = 0;
    pthread_mutex_lock(&l->engine->lock);
    l->engine->sealing_block = block;
    pthread_mutex_unlock(&l->engine->lock);
}
