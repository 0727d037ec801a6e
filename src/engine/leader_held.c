/* Does a wrong clock keep panes from being sealed?
 *
 * The clocks of partitions follow the crowd (core/clock.h) and come back by themselves,
 * at the price of some events. Until then nothing is evaluated of what comes, or nothing
 * at all, and everything else looks well: messages flow, offsets move. Three things show
 * it:
 *
 * - a partition takes messages and accumulates none of them: all are late, or their time
 *   is not believed;
 * - everything has been sealed up to a time that lies far ahead of what comes now;
 * - event time goes on, and one partition, though it is read, stays behind and holds up
 *   every pane.
 *
 * A replay that waits or has ended, and a training that stops the clock on purpose, are
 * no such case. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "engine/leader_private.h"

#define FEW 5 /* messages in a row without one that counts: no straggler */

/* Messages that were accumulated; what a return strikes out counts as suspect. */
static uint64_t counted(const struct lw_part_view *v) {
    uint64_t lost = v->counter[LW_COUNT_DEAD_LETTERED] + v->counter[LW_COUNT_LATE] +
                    v->counter[LW_COUNT_SUSPECT];
    uint64_t all = v->counter[LW_COUNT_MESSAGES];
    return all > lost ? all - lost : 0;
}

/* Of dead letters nothing is to be accumulated. */
static uint64_t timed(const struct lw_part_view *v) {
    return v->counter[LW_COUNT_MESSAGES] - v->counter[LW_COUNT_DEAD_LETTERED];
}

/* Follows one partition: since when has none of its messages counted? */
static void follow(struct lw_pace *pace, const struct lw_part_view *v, int64_t until,
                   int64_t now) {
    if (!pace->seen || counted(v) != pace->counted || timed(v) < pace->timed) {
        pace->counted = counted(v);
        pace->timed = timed(v);
        pace->counted_ms = now;
    }
    if (!pace->seen || until != pace->until_ms) {
        pace->until_ms = until;
        pace->until_since_ms = now;
        pace->at_until = timed(v);
    }
    pace->seen = true;
}

static bool wasted(const struct lw_pace *pace, const struct lw_part_view *v) {
    return timed(v) - pace->timed >= FEW;
}

static void say(struct lw_held *held, int64_t since_ms, const char *why) {
    if (held->since_ms && held->since_ms <= since_ms)
        return;
    held->since_ms = since_ms;
    lw_copy(held->why, sizeof held->why, why);
}

static void judge_one(const struct lw_leader *l, int32_t partition, int64_t newest,
                      struct lw_held *held) {
    const struct lw_part_view *v = &l->view[partition];
    const struct lw_pace *pace = &l->pace[partition];
    int64_t patience = l->spec->idle_timeout_ms; /* for a quiet hour to prove itself */
    char why[256], at[32], to[32];
    lw_format_time(at, sizeof at, v->watermark_ms);
    lw_format_time(to, sizeof to, l->sealed_until_ms);
    if (wasted(pace, v) && !v->idle) {
        snprintf(why, sizeof why,
                 "none of the last %" PRIu64 " events of partition %d counts: they are "
                 "late, or their time is not believed; its clock stands at %s",
                 timed(v) - pace->timed, partition, at);
        say(held, pace->counted_ms, why);
    }
    bool read = timed(v) - pace->at_until >= FEW;
    int64_t usual = l->spec->lateness_ms + 2 * l->spec->pane_ms;
    if (read && !v->idle && newest != INT64_MIN && pace->until_ms != INT64_MIN &&
        newest - pace->until_ms > usual) {
        snprintf(why, sizeof why,
                 "the clock of partition %d stands at %s and holds up every pane",
                 partition, at);
        say(held, pace->until_since_ms + patience, why);
    }
    if (l->sealed_until_ms != INT64_MIN && v->newest_ms != INT64_MIN && !v->idle &&
        l->sealed_until_ms - v->newest_ms > l->spec->max_jump_ms &&
        timed(v) - l->pace[partition].at_sealed >= FEW) {
        snprintf(why, sizeof why,
                 "panes are sealed up to %s, far ahead of what comes in partition %d", to,
                 partition);
        say(held, l->sealed_since_ms, why);
    }
}

void lw__leader_held(struct lw_leader *l, const int64_t *until, int64_t newest) {
    int64_t now = lw_mono_ms();
    struct lw_held held = {0};
    bool judged = l->flow == LW_FLOWS && !lw_monitor_pending(l->monitor);
    bool moved = l->sealed_was_ms != l->sealed_until_ms || !judged;
    if (moved) {
        l->sealed_was_ms = l->sealed_until_ms;
        l->sealed_since_ms = now;
    }
    for (int32_t p = 0; p < l->n; p++) {
        struct lw_part_view *v = &l->view[p];
        if (!judged)
            l->pace[p].seen = false;
        follow(&l->pace[p], v, until[p], now);
        if (moved)
            l->pace[p].at_sealed = timed(v);
        if (v->known && judged)
            judge_one(l, p, newest, &held);
    }
    if (held.since_ms > now)
        held.since_ms = 0;
    pthread_mutex_lock(&l->engine->lock);
    l->engine->held = held;
    pthread_mutex_unlock(&l->engine->lock);
}
