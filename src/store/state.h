/* A partition's state and offset in Redis, written together in one atomic step
 * (docs/design.md, exactly once).
 *
 * claim: takes a new owner epoch and loads the partition's state. flush: a script
 * checks epoch and base offset, writes the absolute dirty panes, the progress and the
 * next offset, and returns the active versions. A worker that lost the partition gets
 * LW_EFENCED and has changed nothing. Thread: the connection's. */
#ifndef LW_STORE_STATE_H
#define LW_STORE_STATE_H

#include "core/partition.h"
#include "store/redis.h"
#include "store/unreadable.h"

/* The models that score, and how their predictions are tracked: written by the leader,
 * adopted by workers at a claim or a flush. */
struct lw_active_versions {
    uint32_t champion; /* 0: none yet */
    size_t nshadows;
    uint32_t shadow[LW_VERSIONS_MAX];
    struct lw_tracking_set tracking;
};

struct lw_claim {
    /* Larger than any before, also after Redis was emptied or restored to an older
     * snapshot. */
    uint64_t epoch;
    int64_t next_offset; /* -1: unknown, auto.offset.reset decides */
    int64_t last_offset; /* of the last message that was read; -1: unknown */
    uint64_t last_id;    /* its fingerprint */
    struct lw_active_versions active;
    char rebuilt[256]; /* why the part hash was replaced; "": it was not */
    struct lw_unreadable_panes unread; /* open panes that start empty; the caller frees */
};

/* A partition that is being claimed; owner: host:pid:worker, p: new. */
struct lw_claim_target {
    const struct lw_spec *spec;
    const char *topic, *owner;
    int32_t number;
    struct lw_partition *p;
};
/* Takes ownership of the partition for its owner and loads its
 * progress and open panes into p. The active versions are recorded
 * as adopted at next_offset. LW_EAGAIN: claim again, with a new p; LW_EINPUT: a key
 * has another type, and the leader moves it away; LW_ECONFIG: a pane belongs to
 * another configuration.
 *
 * Unreadable progress (damaged, missing, or of another program) is moved to
 * unreadable:NAME, and the partition continues after the last offset in its panes, so
 * that no event is counted twice (out->rebuilt). An unreadable open pane is moved too
 * and starts empty: its events are missing from its windows. Two round trips. */
int lw_state_claim(struct lw_redis *r, const struct lw_claim_target *of,
                   struct lw_claim *out, struct lw_err *err);

struct lw_flush {
    const char *topic;
    int32_t partition;
    uint64_t epoch;
    int64_t base_offset; /* the next_offset that Redis must hold; -1: none yet */
    int64_t next_offset;
    int64_t last_offset; /* of the last message before next_offset; -1: unknown */
    uint64_t last_id;    /* its fingerprint */
    int64_t end_offset;  /* of the partition, as last reported; -1: unknown */
    bool unsure;         /* the answer of an earlier flush was lost */
    bool idle;      /* at the end of the partition, and no message for idle_timeout */
    int64_t now_ms; /* wall clock */
};
/* Writes p's dirty panes and progress; on success clears the dirty marks and frees
 * closed panes. (Only a flush may free panes: a pane that was open at the last flush
 * and is missing from the next counts as removed.) LW_EFENCED: another worker owns the
 * partition, or Redis has an older offset: drop the state and claim again. LW_EAGAIN:
 * the outcome is unknown; flush again with the same base_offset, at the same or a
 * later next_offset (a flush that did arrive is recognised), and `unsure`. *active holds
 * what the worker has: Redis sends the tracking only when it has changed. One round
 * trip. */
int lw_state_flush(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_flush *flush, struct lw_partition *p,
                   struct lw_active_versions *active, struct lw_err *err);

/* The topic was recreated and offsets begin again: the partition continues at
 * flush->next_offset, which may be lower; offsets kept for trainings are deleted, with
 * a line in the audit. p must have nothing to flush; its panes stay, without their
 * offsets, and must be flushed after this. LW_EFENCED, LW_EAGAIN: as _flush; repeating
 * it is harmless. */
int lw_state_restart(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_flush *flush, struct lw_partition *p,
                     const char *who, struct lw_err *err);

#define LW_OFFSET_MAX (INT64_C(1) << 53) /* scripts count in doubles */
/* A partition as the monitor sees it. */
struct lw_partition_view {
    int32_t partition;
    bool known; /* it has been flushed */
    bool idle;
    int64_t next_offset, end_offset;                 /* -1: unknown */
    int64_t watermark_ms, newest_ms, oldest_pane_ms; /* INT64_MIN: unknown */
    int64_t updated_ms; /* wall clock of the last flush; 0: never */
    uint64_t epoch, counter[LW_COUNTERS];
    char owner[128];
    uint32_t champion; /* adopted by the worker */
};
/* out has npartitions entries. One round trip. */
int lw_state_view(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, struct lw_partition_view *out, struct lw_err *err);

/* The pane that starts at this time, merged over the partitions 0 .. npartitions - 1,
 * in order. NULL on error; an empty pane when no partition has it. The caller frees.
 * An unreadable part (LW_EINPUT) is left out and added to *unread, as are parts that
 * were moved away already; with unread == NULL it is an error. One round trip. */
struct lw_pane *lw_state_pane(struct lw_redis *r, const struct lw_spec *spec,
                              int32_t npartitions, int64_t start_ms,
                              struct lw_unreadable_panes *unread, struct lw_err *err);

/* Start of the oldest pane of any partition that starts at from_ms or later;
 * INT64_MAX: none. One round trip. */
int lw_state_next_pane(struct lw_redis *r, const struct lw_spec *spec, int64_t from_ms,
                       int64_t *start_ms, struct lw_err *err);

/* Offset ranges that hold the accumulated events of [from, until): per partition the
 * first and last offset of its panes that overlap it; first = -1: none. Offsets are
 * kept for retrain.window, longer than panes. One round trip. */
struct lw_range {
    int32_t partition;
    int64_t first, last; /* inclusive */
    uint64_t events;     /* accumulated in those panes; other messages lie between */
};
struct lw_time_range {
    int64_t from_ms, until_ms;
};
int lw_state_ranges(struct lw_redis *r, const struct lw_spec *spec, int32_t npartitions,
                    struct lw_time_range time, struct lw_range *out, struct lw_err *err);

#endif
