/* Partition state and offset in Redis, moved together in one atomic step (docs/design.md, exactly once).
 *
 * claim: owner epoch + 1, and what the partition stood at. flush: a Lua script checks epoch and base
 * offset, then writes the absolute dirty panes, the progress and the next offset, and answers with the
 * models in force. A worker that lost the partition gets LW_EFENCED and has changed nothing. */
#ifndef LW_STATE_H
#define LW_STATE_H

#include "core/partition.h"
#include "store/redis.h"

/* Which models score: written by the leader, adopted by a worker at a flush. */
struct lw_force {
    uint32_t champion; /* 0: none yet */
    size_t nshadows;
    uint32_t shadow[LW_VERSIONS_MAX];
};

struct lw_claim {
    uint64_t epoch;
    int64_t next_offset; /* -1: nothing is known, auto.offset.reset decides */
    struct lw_force force;
};

/* Takes ownership of a partition for `owner` (host:pid:worker) and loads its progress and its open panes into p. */
int lw_state_claim(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                   const char *owner, struct lw_partition *p, int32_t number,
                   struct lw_claim *out, struct lw_err *err);

struct lw_flush {
    const char *topic;
    int32_t partition;
    uint64_t epoch;
    int64_t base_offset; /* the next_offset that Redis must hold; -1: none yet */
    int64_t next_offset;
    bool idle;           /* at the end of the partition, and nothing came for idle_timeout */
    int64_t now_ms;      /* wall clock */
};
/* Writes p's dirty panes and progress; clears their dirty marks and forgets closed panes on success. LW_EFENCED: somebody
 * else owns the partition. LW_EAGAIN: nothing is known to have happened; the same flush may be sent again (a flush that did
 * arrive is recognised by its epoch and next_offset and answers as success). */
int lw_state_flush(struct lw_redis *r, const struct lw_spec *spec, const struct lw_flush *flush,
                   struct lw_partition *p, struct lw_force *force, struct lw_err *err);

/* What the detector sees of a partition. */
struct lw_part_view {
    int32_t partition;
    bool known;            /* has it ever been flushed? */
    bool idle;
    int64_t next_offset, watermark_ms, newest_ms, oldest_pane_ms; /* INT64_MIN when not known */
    int64_t updated_ms;    /* wall clock of the last flush */
    uint64_t epoch, counter[LW_COUNTERS];
    char owner[128];
    uint32_t champion;     /* adopted by it */
};
int lw_state_view(struct lw_redis *r, const struct lw_spec *spec, const char *topic, int32_t npartitions,
                  struct lw_part_view *out, struct lw_err *err);

/* The pane that starts there, merged over the partitions 0 .. npartitions - 1, in order. NULL on
 * error; an empty pane when nobody has it. */
struct lw_pane *lw_state_pane(struct lw_redis *r, const struct lw_spec *spec, int32_t npartitions,
                              int64_t start_ms, struct lw_err *err);

/* Offset ranges that hold the events of [from, until): per partition first and last offset of its panes in
 * it; first = -1 where there is none. */
struct lw_range {
    int32_t partition;
    int64_t first, last; /* inclusive */
    uint64_t events;
};
int lw_state_ranges(struct lw_redis *r, const struct lw_spec *spec, int32_t npartitions,
                    int64_t from_ms, int64_t until_ms, struct lw_range *out, struct lw_err *err);

#endif
