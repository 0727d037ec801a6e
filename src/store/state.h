/* Partition state and offset in Redis, moved together in one atomic step (docs/design.md,
 * exactly once).
 *
 * claim: a new owner epoch, and what the partition stood at. flush: a Lua script that
 * checks epoch and base offset, then writes the absolute dirty panes, the progress and
 * the next offset, and answers with the models in force. A worker that lost the partition
 * gets LW_EFENCED and has changed nothing. Thread: the one of the connection. */
#ifndef LW_STORE_STATE_H
#define LW_STORE_STATE_H

#include "core/partition.h"
#include "store/redis.h"

/* A pane of one partition that cannot be read, and why. */
struct lw_unreadable_pane {
    int64_t start_ms;
    int32_t partition;
    bool moved; /* has been moved away already */
    char why[256];
};
struct lw_unreadable_panes { /* grows; all zero is empty */
    size_t n, cap;
    struct lw_unreadable_pane *item;
};
void lw_unreadable_add(struct lw_unreadable_panes *all,
                       const struct lw_unreadable_pane *one);
void lw_unreadable_fini(struct lw_unreadable_panes *all);

/* Which models score: written by the leader, adopted by a worker at a claim or a flush.
 */
struct lw_active_versions {
    uint32_t champion; /* 0: none yet */
    size_t nshadows;
    uint32_t shadow[LW_VERSIONS_MAX];
};

struct lw_claim {
    /* Larger than any before, also if Redis was emptied or put back to an older snapshot.
     */
    uint64_t epoch;
    int64_t next_offset; /* -1: nothing is known, auto.offset.reset decides */
    int64_t last_offset; /* of the last message that was read; -1: not known */
    uint64_t last_id;    /* what it was */
    struct lw_active_versions force;
    char rebuilt[256]; /* why the part hash was replaced; "": it was not */
    struct lw_unreadable_panes
        unread; /* open panes that had to start again; the caller frees */
};

/* Takes ownership of partition `number` for `owner` (host:pid:worker) and loads its
 * progress and its open panes into p, which must be new. The models in force now are
 * recorded as adopted at next_offset. On LW_EAGAIN claim again, with a new p; LW_EINPUT:
 * a key is of another type, which the leader moves away; LW_ECONFIG: a pane is of another
 * configuration. Progress that cannot be read (damaged, missing, or of another program)
 * is moved away, and the partition goes on behind the last offset that is in its panes, so
 * that no event is in them twice (out->rebuilt). An open pane that cannot be read is set
 * away and starts again: its events are missing from its windows. Two round trips. */
int lw_state_claim(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                   const char *owner, struct lw_partition *p, int32_t number,
                   struct lw_claim *out, struct lw_err *err);

struct lw_flush {
    const char *topic;
    int32_t partition;
    uint64_t epoch;
    int64_t base_offset; /* the next_offset that Redis must hold; -1: none yet */
    int64_t next_offset;
    int64_t last_offset; /* of the last message before next_offset; -1: not known */
    uint64_t last_id;    /* what it is */
    int64_t end_offset;  /* of the partition, as last heard; -1: not known */
    bool idle;      /* at the end of the partition, and nothing came for idle_timeout */
    int64_t now_ms; /* wall clock */
};
/* Writes p's dirty panes and progress; on success clears their dirty marks and forgets
 * closed panes (only a flush may forget: what was open at the last flush and is gone at
 * the next counts as struck out). LW_EFENCED: somebody else owns the partition, or Redis
 * stands at an older offset: drop what you hold and claim again. LW_EAGAIN: nothing is
 * known to have happened; flush again with the same base_offset, at the same or a later
 * next_offset (a flush that did arrive is recognised). One round trip. */
int lw_state_flush(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_flush *flush, struct lw_partition *p,
                   struct lw_active_versions *force, struct lw_err *err);

/* The topic was recreated and offsets begin again: the partition stands at
 * flush->next_offset from now on, which may be lower; offsets kept for trainings are
 * forgotten, and the audit says so. Nothing of p may wait to be flushed; its panes stay,
 * without their offsets, and must be flushed after this. LW_EFENCED, LW_EAGAIN: as
 * _flush; again is harmless. */
int lw_state_restart(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_flush *flush, struct lw_partition *p,
                     const char *who, struct lw_err *err);

#define LW_OFFSET_MAX (INT64_C(1) << 53) /* the scripts count in doubles */
/* What the monitor sees of a partition. */
struct lw_partition_view {
    int32_t partition;
    bool known; /* has it ever been flushed? */
    bool idle;
    int64_t next_offset, end_offset;                 /* -1 when not known */
    int64_t watermark_ms, newest_ms, oldest_pane_ms; /* INT64_MIN when not known */
    int64_t updated_ms; /* wall clock of the last flush; 0: never */
    uint64_t epoch, counter[LW_COUNTERS];
    char owner[128];
    uint32_t champion; /* adopted by it */
};
/* out has npartitions entries. One round trip. */
int lw_state_view(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, struct lw_partition_view *out, struct lw_err *err);

/* The pane that starts there, merged over the partitions 0 .. npartitions - 1, in order.
 * NULL on error; an empty pane when nobody has it. The caller frees. A partition's pane
 * that cannot be read (LW_EINPUT) is left out and added to *unread, as are those that
 * have been moved away; with unread == NULL it is an error. One round trip. */
struct lw_pane *lw_state_pane(struct lw_redis *r, const struct lw_spec *spec,
                              int32_t npartitions, int64_t start_ms,
                              struct lw_unreadable_panes *unread, struct lw_err *err);

/* Start of the oldest pane of any partition that starts at from_ms or later; INT64_MAX:
 * there is none. One round trip. */
int lw_state_next_pane(struct lw_redis *r, const struct lw_spec *spec, int64_t from_ms,
                       int64_t *start_ms, struct lw_err *err);

/* Offset ranges that hold the accumulated events of [from, until): per partition the
 * first and last offset of its panes that overlap it; first = -1 where there is none.
 * Offsets outlive the panes: they are kept for retrain.window. One round trip. */
struct lw_range {
    int32_t partition;
    int64_t first, last; /* inclusive */
    uint64_t events;     /* accumulated in those panes; others lie in between */
};
int lw_state_ranges(struct lw_redis *r, const struct lw_spec *spec, int32_t npartitions,
                    int64_t from_ms, int64_t until_ms, struct lw_range *out,
                    struct lw_err *err);

#endif
