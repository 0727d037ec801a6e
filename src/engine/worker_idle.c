/* Partitions at their end, which must not block sealing.
 *
 * A worker that got no messages may have been stopped, paused or cut off. So before a
 * partition counts as idle, the broker is asked where it ends.
 *
 * The last offsets may hold no message for a consumer: a transaction marker, messages
 * of an aborted transaction, or compacted ones. When a partition is silent before its
 * end, a reader outside the group reads the rest. If it finds no message, the
 * partition is at its end. An open transaction is waited for: its messages may still
 * be committed. */
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"
#include "kafka/ranges.h"

#define ASK_MS  500  /* for the broker's answer */
#define LOOK_MS 2000 /* without progress of a reader */

#define LOOK_AFTER_MS 20000 /* of silence */

/* If the broker does not answer, all partitions wait another idle_timeout. */
static int ask_end(struct lw_worker *w, int32_t partition, int64_t now, int64_t *end) {
    struct lw_err err = {0};
    int at_end = lw_consumer_ask_end(w->consumer, partition, ASK_MS, end, &err);
    if (at_end < 0)
        lw_log(end_offset_unknown, w->owner, partition, LW_QUOTE(err.msg));
    for (int32_t p = 0; at_end < 0 && p < w->nstates; p++)
        w->state[p].heard_ms = now;
    return at_end;
}

static bool confirm_at_end(struct lw_worker *w, int32_t partition, int64_t now) {
    int at_end = ask_end(w, partition, now, NULL);
    if (at_end == 0)
        w->state[partition].heard_ms = now; /* there are messages */
    return at_end > 0;
}

static int first_is_enough(void *arg, const rd_kafka_message_t *m) {
    (void)arg;
    (void)m;
    return 1;
}

/* 1: there is no message from `start` (logical: from the beginning) up to end; 0:
 * there is, or was; -1: error. */
static int range_is_empty(struct lw_worker *w, int32_t partition, int64_t start,
                          int64_t end, struct lw_err *err) {
    const struct lw_offset_range range = {
        .partition = partition, .first = start < 0 ? 0 : start, .last = end - 1};
    const struct lw_read_options how = {.timeout_ms = LOOK_MS, .each = first_is_enough};
    uint64_t gone = 0;
    int rc = lw_ranges_read(&w->config->kafka, w->config->source.topic,
                            (struct lw_offset_ranges){&range, 1}, &how, &gone, err);
    return rc < 0 ? -1 : rc == 0 && (gone == 0 || start < 0);
}

/* For a silent partition that is not at its end according to the last fetch. */
static void look_behind(struct lw_worker *w, int32_t partition, int64_t now) {
    struct lw_partition_state *s = &w->state[partition];
    struct lw_err err = {0};
    int64_t heard = s->heard_ms, start = lw_consumer_position(w->consumer, partition),
            end;
    s->looked_ms = now;
    s->heard_ms = now; /* the next look is an idle_timeout away */
    if (ask_end(w, partition, now, &end) < 0 || end <= (start < 0 ? 0 : start))
        return;
    int none = range_is_empty(w, partition, start, end, &err);
    if (none < 0)
        lw_log(end_offset_unknown, w->owner, partition, LW_QUOTE(err.msg));
    if (none <= 0)
        return;
    lw_consumer_skip_to(w->consumer, partition, end);
    s->next_offset = end;
    s->changed = true;
    s->heard_ms = heard;
}

/* Keeps the start offset of an empty partition, so that its next owner skips nothing by
 * auto.offset.reset. */
static void keep_start_offset(struct lw_worker *w, struct lw_partition_state *s,
                              int32_t partition) {
    int64_t low, high;
    lw_consumer_watermarks(w->consumer, partition, &low, &high);
    if (low >= 0 && low == high)
        s->next_offset = high;
}

static void set_idle(struct lw_partition_state *s, bool idle) {
    s->changed |= idle != s->idle;
    s->idle = idle;
}

/* Health needs to know about a silent partition sooner than a long idle_timeout. */
static int64_t look_patience(const struct lw_worker *w) {
    return w->spec->idle_timeout_ms < LOOK_AFTER_MS ? w->spec->idle_timeout_ms
                                                    : LOOK_AFTER_MS;
}

static bool look_due(const struct lw_worker *w, const struct lw_partition_state *s,
                     int64_t now) {
    return now - s->heard_ms >= look_patience(w) &&
           now - s->looked_ms >= look_patience(w);
}

void lw__worker_watch_idle(struct lw_worker *w, int64_t now) {
    bool quiet = w->flow != LW_FLOWS;
    int looks = 1; /* per round: then poll */
    for (int32_t p = 0; p < w->nstates && !w->paused; p++) {
        struct lw_partition_state *s = &w->state[p];
        if (s->phase != LW_PARTITION_RUNS)
            continue;
        if (s->paused) { /* it has a message to read */
            set_idle(s, false);
            continue;
        }
        bool silent = now - s->heard_ms >= w->spec->idle_timeout_ms;
        bool at_end = lw_consumer_at_end(w->consumer, p);
        bool idle = (quiet || silent) && at_end;
        if (idle && !s->idle && !quiet)
            idle = confirm_at_end(w, p, now);
        if (!at_end && looks > 0 && look_due(w, s, now)) {
            look_behind(w, p, now);
            looks--;
        }
        if (at_end && s->next_offset < 0 &&
            (idle || now - s->heard_ms >= look_patience(w)))
            keep_start_offset(w, s, p);
        set_idle(s, idle);
    }
}
