/* One partition's progress through event time: watermark, open panes, counters. Pure: the
 * worker feeds it events and writes out what is dirty; the backtest does the same without
 * Redis.
 *
 * The watermark is the clock's mark (core/clock.h), which follows the crowd of the latest
 * events, less the allowed lateness. An event of a pane that the watermark has passed is
 * late. One far ahead of the crowd, alone there, is suspect. Both are scored and counted,
 * and not accumulated. */
#ifndef LW_CORE_PARTITION_H
#define LW_CORE_PARTITION_H

#include "core/pane.h"

enum lw_counter {
    LW_COUNT_MESSAGES, /* = GOOD + ASIDE + DEAD */
    LW_COUNT_GOOD,
    LW_COUNT_REJECTED,      /* outside what the configuration calls valid */
    LW_COUNT_DEAD_LETTERED, /* to the dead-letter topic */
    LW_COUNT_LATE,          /* of good and aside: not accumulated, too late */
    LW_COUNT_SUSPECT,       /* of good and aside: not accumulated, clock not believed */
    LW_COUNT_SCORED,        /* predicted by a champion */
    LW_COUNT_GONE, /* deleted by Kafka's retention before they were read; no messages */
    LW_COUNTERS
};
const char *lw_counter_name(enum lw_counter c);

struct lw_partition;

struct lw_partition *lw_partition_new(const struct lw_spec *spec, int32_t number);
void lw_partition_free(struct lw_partition *p);

enum lw_timeliness { LW_ON_TIME, LW_LATE, LW_SUSPECT };
/* One decodable event. Advances the watermark; returns where the event went. Hot path:
 * allocates only when a pane opens. */
enum lw_timeliness lw_partition_add(struct lw_partition *p, int64_t offset,
                                    const struct lw_row *row, int reason,
                                    const struct lw_cell *watched,
                                    const struct lw_scored *scored, size_t nscored);
/* The time of the Kafka record that the next event comes in; 0 or less: not known. */
void lw_partition_bound(struct lw_partition *p, int64_t record_ms);
/* The leader has sealed all panes that end at or before this: what comes is late. */
void lw_partition_sealed(struct lw_partition *p, int64_t until_ms);
/* How far a leader may have sealed for _sealed to heed it, as of the last flush: whoever
 * starts there again must come to the same answer. INT64_MIN: not at all. */
int64_t lw_partition_heeds(const struct lw_partition *p);
/* One message that could not be decoded. */
void lw_partition_dead_lettered(struct lw_partition *p);

/* n offsets that Kafka no longer holds were passed over. */
void lw_partition_gone(struct lw_partition *p, uint64_t n);

/* End of event time that is complete: panes that end at or before it are closed.
 * INT64_MIN at first. */
int64_t lw_partition_watermark(const struct lw_partition *p);
const uint64_t *lw_partition_counters(const struct lw_partition *p); /* LW_COUNTERS */

/* Panes in memory, in order of start; closed ones stay until _forget. */
size_t lw_partition_panes(const struct lw_partition *p);
struct lw_pane *lw_partition_pane(const struct lw_partition *p, size_t i);
bool lw_partition_is_open(const struct lw_partition *p, size_t i);
/* Starts of panes that were struck out after they may have been written and forgotten,
 * since the last _forget; false: none. Panes in memory between them are not among them.
 */
bool lw_partition_struck(const struct lw_partition *p, int64_t *from_ms,
                         int64_t *until_ms);
/* Drops closed panes that are not dirty (they have been written). */
void lw_partition_forget(struct lw_partition *p);
/* Takes out the oldest closed pane, or NULL: the backtest's way of sealing. The caller
 * frees. */
struct lw_pane *lw_partition_take_closed(struct lw_partition *p);

/* The newest time that `jump_agree` of the latest events have reached, and the start of
 * the oldest pane ever held; INT64_MIN while the first events have not yet agreed on what
 * time it is. */
int64_t lw_partition_newest(const struct lw_partition *p);
int64_t lw_partition_oldest(const struct lw_partition *p);

/* The stream has ended: what a leap holds that was not believed is struck out. */
void lw_partition_end(struct lw_partition *p);
/* Takes out the oldest pane, closed or not, or NULL: for a stream that has ended. */
struct lw_pane *lw_partition_take_oldest(struct lw_partition *p);

/* Progress (clock, suspects, counters, and which panes are open) as bytes, and back.
 * After _read, open panes are empty: the shell fills each from its own hash with
 * lw_pane_read. */
void lw_partition_write(const struct lw_partition *p, struct lw_buf *out);
int lw_partition_read(struct lw_partition *p, const void *data, size_t len,
                      struct lw_err *err);
/* Begins anew with what is known of a partition whose progress cannot be read: what ends
 * at mark_ms or before is closed, the latest events said newest_ms (both INT64_MIN: the
 * clock begins as in a new stream), and the counters (NULL: from zero). Its open panes
 * are opened and filled by the shell. */
void lw_partition_resume(struct lw_partition *p, int64_t mark_ms, int64_t newest_ms,
                         const uint64_t counter[LW_COUNTERS]);
void lw_partition_reopen(struct lw_partition *p, int64_t start_ms);
/* The open pane that starts there, made if needed. */
struct lw_pane *lw_partition_open(struct lw_partition *p, int64_t start_ms);

#endif
