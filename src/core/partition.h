/* One partition's progress through event time: watermark, open panes, counters. Pure: the
 * worker adds events and writes out dirty panes; the backtest does the same without Redis.
 *
 * The watermark is the clock's mark (core/clock.h), which follows the crowd of the latest
 * events, less the allowed lateness. An event of a pane that the watermark has passed is
 * late. A lone event far ahead of the crowd is suspect. Both are scored and counted, but
 * not accumulated. */
#ifndef LW_CORE_PARTITION_H
#define LW_CORE_PARTITION_H

#include "core/pane.h"

/* What became of a partition's messages. One row makes a counter: Redis, `leeway status`,
 * /api/v1/now and, but for the first, /metrics have it under its name. The order is that
 * of the bytes of the progress, so a new row is the last. X(id, name, meaning) */
#define LW_COUNTER_ROWS(X)                                                               \
    X(MESSAGES, "messages", "good, rejected and dead-lettered messages together")        \
    LW_COUNTER_KIND_ROWS(X)
#define LW_COUNTER_KIND_ROWS(X)                                                          \
    X(GOOD, "good", "valid events")                                                      \
    X(REJECTED, "rejected", "events that violate the configured ranges or rules")        \
    X(DEAD_LETTERED, "dead_lettered", "messages sent to the dead-letter topic")          \
    X(LATE, "late", "good or rejected events that came too late to be accumulated")      \
    X(SUSPECT, "suspect",                                                                \
      "good or rejected events that are not accumulated because their time is "          \
      "implausible")                                                                     \
    X(SCORED, "scored", "events predicted by a champion")                                \
    X(GONE, "gone", "offsets that Kafka's retention deleted before they were read")

enum lw_counter {
#define LW_COUNTER_ENUM(id, name, meaning) LW_COUNT_##id,
    LW_COUNTER_ROWS(LW_COUNTER_ENUM)
#undef LW_COUNTER_ENUM
        LW_COUNTERS
};
const char *lw_counter_name(enum lw_counter c);

struct lw_partition;

struct lw_partition *lw_partition_new(const struct lw_spec *spec, int32_t number);
void lw_partition_free(struct lw_partition *p);

enum lw_timeliness { LW_ON_TIME, LW_LATE, LW_SUSPECT };
/* Adds one decodable event. Advances the watermark; returns where the event went. Hot
 * path: allocates only when a pane opens. */
enum lw_timeliness lw_partition_add(struct lw_partition *p, const struct lw_row *row,
                                    const struct lw_pane_event *event);
/* How predictions are tracked in panes that begin from now on. */
void lw_partition_track(struct lw_partition *p, const struct lw_tracking_set *set);
/* The time of the next event's Kafka record; 0 or less: not known. */
void lw_partition_bound(struct lw_partition *p, int64_t record_ms);
/* The leader has sealed all panes that end at or before this: later events of them are
 * late. */
void lw_partition_sealed(struct lw_partition *p, int64_t until_ms);
/* The furthest time at which _sealed still takes effect, as of the last flush, so that
 * a process that resumes from there decides the same. INT64_MIN: none. */
int64_t lw_partition_heeds(const struct lw_partition *p);
/* One message that could not be decoded. */
void lw_partition_dead_lettered(struct lw_partition *p);

/* n offsets were skipped because Kafka no longer holds them. */
void lw_partition_gone(struct lw_partition *p, uint64_t n);

/* End of event time that is complete: panes that end at or before it are closed.
 * INT64_MIN at first. */
int64_t lw_partition_watermark(const struct lw_partition *p);
const uint64_t *lw_partition_counters(const struct lw_partition *p); /* LW_COUNTERS */

/* Panes in memory, in order of start; closed ones stay until _forget. */
size_t lw_partition_panes(const struct lw_partition *p);
struct lw_pane *lw_partition_pane(const struct lw_partition *p, size_t i);
bool lw_partition_is_open(const struct lw_partition *p, size_t i);
/* Start times of panes that were discarded after they may have been written and
 * forgotten, since the last _forget; false: none. Panes in memory between them are not
 * included. */
bool lw_partition_struck(const struct lw_partition *p, int64_t *from_ms,
                         int64_t *until_ms);
/* Drops closed panes that are not dirty (they have been written). */
void lw_partition_forget(struct lw_partition *p);
/* Removes and returns the oldest closed pane, or NULL: how the backtest seals. The
 * caller frees it. */
struct lw_pane *lw_partition_take_closed(struct lw_partition *p);

/* The newest time that `jump_agree` of the latest events have reached, and the start of
 * the oldest pane ever held; INT64_MIN while the first events do not agree on the time. */
int64_t lw_partition_newest(const struct lw_partition *p);
int64_t lw_partition_oldest(const struct lw_partition *p);

/* The stream has ended: discards the panes of a leap that was not yet believed. */
void lw_partition_end(struct lw_partition *p);
/* Removes and returns the oldest pane, closed or not, or NULL: for a stream that has
 * ended. */
struct lw_pane *lw_partition_take_oldest(struct lw_partition *p);

/* Progress (clock, suspects, counters, and which panes are open) as bytes, and back.
 * After _read, open panes are empty: the caller fills each from its own hash with
 * lw_pane_read. */
void lw_partition_write(const struct lw_partition *p, struct lw_buf *out);
int lw_partition_read(struct lw_partition *p, const void *data, size_t len,
                      struct lw_err *err);
/* Resumes a partition whose progress cannot be read, from what is known: panes that end
 * at mark_ms or before are closed, the latest events said newest_ms (both INT64_MIN:
 * the clock starts as in a new stream), and the counters (NULL: from zero). The caller
 * reopens and fills its open panes. */
void lw_partition_resume(struct lw_partition *p, int64_t mark_ms, int64_t newest_ms,
                         const uint64_t counter[LW_COUNTERS]);
void lw_partition_reopen(struct lw_partition *p, int64_t start_ms);
/* The open pane that starts there, created if needed. */
struct lw_pane *lw_partition_open(struct lw_partition *p, int64_t start_ms);

#endif
