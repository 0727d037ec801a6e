/* The health of a process's dependencies: for each component what is wrong with it, in
 * words, and since when.
 *
 * Probes report findings; this module decides whether a finding counts. A problem
 * shorter than the component's patience is ignored (a rebalance, a broker restart), a
 * recovery must last for a moment, and a component that has not been checked yet is
 * unknown, which differs from healthy. There is no clock: callers pass monotonic times
 * for intervals and wall-clock times for people. */
#ifndef LW_CORE_HEALTH_H
#define LW_CORE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LW_HEALTH_TEXT  320
#define LW_TROUBLES_MAX 24
#define LW_STALLED_LIST 64

enum lw_component {
    LW_COMPONENT_KAFKA,
    LW_COMPONENT_REDIS,
    LW_COMPONENT_PARTITIONS,
    LW_COMPONENT_LEADER,
    LW_COMPONENT_CLOCK,
    LW_COMPONENT_DEAD_LETTERS,
    LW_COMPONENT_PREDICTIONS,
    LW_COMPONENT_OUTBOX,
    LW_COMPONENTS
};
const char *lw_health_component_name(enum lw_component c); /* "kafka", "redis", ... */
/* LW_COMPONENTS when no component has that name. */
enum lw_component lw_health_component_find(const char *name);
/* The name of its alert, "leeway-kafka"; and the component of such a name. */
const char *lw_health_component_alert(enum lw_component c);
enum lw_component lw_health_component_of_alert(const char *rule);

/* One moment, for intervals and for people. */
struct lw_moment {
    int64_t mono_ms, wall_ms;
};

enum lw_condition { LW_UNKNOWN, LW_WELL, LW_ILL };

struct lw_health_item {
    enum lw_condition condition;
    int64_t since_ms;          /* wall: when it was last healthy; 0: it is */
    char text[LW_HEALTH_TEXT]; /* what is wrong; "": nothing */
    struct lw_moment good;     /* last found healthy, or first checked */
    int64_t bad_ms;            /* monotonic: last found unhealthy */
};

struct lw_health_found {
    bool known;        /* false: the check failed; the last finding stays */
    const char *wrong; /* NULL: nothing */
    int64_t patience_ms;
};
#define LW_HEALTH_HOLD_MS 5000 /* a recovery must last this long */
void lw_health_judge(struct lw_health_item *item, const struct lw_health_found *finding,
                     struct lw_moment now);
/* No check was possible for this long, which is not the component's fault. */
void lw_health_forgive(struct lw_health_item *item, int64_t ms);

/* ---- partitions ---- */

/* One partition over time. All zero: never checked. */
struct lw_partition_flow {
    bool seen, moved, heard;
    int64_t next_offset, updated_ms;
    struct lw_moment good;  /* it moved, or was at its end, last */
    struct lw_moment owned; /* its owner flushed last */
    struct lw_moment free;  /* it did not wait for an open transaction, last */
};
struct lw_health_flow_check {
    int64_t next_offset; /* as flushed; -1: none yet */
    int64_t updated_ms;  /* of the flush: only whether it changes matters */
    /* as the broker answered just now; -1: it did not. With an open transaction, the
     * offset of the first one, behind which is: */
    int64_t end_offset;
    int64_t high_offset; /* the end of the log; -1: not known */
};
/* Brokers abort a transaction after a quarter of an hour (transaction.max.timeout.ms),
 * so one that is open for longer is stuck. */
#define LW_FLOW_TRANSACTION_MS 960000
enum lw_flow_verdict {
    LW_FLOW_UNKNOWN,          /* not checked for long enough */
    LW_FLOW_OK,               /* moves, or is at its end */
    LW_FLOW_STALLED,          /* has messages and does not move, or its end is unknown */
    LW_FLOW_TRANSACTION_OPEN, /* a stuck transaction blocks everything behind it */
    LW_FLOW_DESERTED          /* no live process reads it */
};
enum lw_flow_verdict lw_health_flow_check(struct lw_partition_flow *s,
                                          const struct lw_health_flow_check *look,
                                          int64_t patience_ms, struct lw_moment now);
void lw_health_flow_forgive(struct lw_partition_flow *s, int64_t ms);

/* ---- what a process knows ---- */

struct lw_trouble {
    enum lw_component component;
    int64_t since_ms; /* wall */
    char who[96];     /* host:pid that reports it */
    char text[LW_HEALTH_TEXT];
};

struct lw_stalled_partition {
    int32_t partition;
    int64_t since_ms; /* wall */
    bool deserted;
};

/* Seconds; NAN where unknown or not applicable. */
struct lw_health_figures {
    double kafka_up, redis_writable; /* 0 or 1 */
    double kafka_age, redis_age;     /* since the last answer, the last write */
    double evaluation_age;           /* since the leader's last pass */
    double clock_age;                /* how long a clock has held back sealing */
    double letters_age, predictions_age, outbox_age;
    double stalled, deserted; /* partitions */
};

struct lw_health {
    int64_t looked_ms; /* monotonic: when it was judged; 0: never */
    struct lw_health_item item[LW_COMPONENTS];
    struct lw_health_figures figure;
    /* What all live processes of the stream report, this one included; each reporter
     * once. */
    size_t ntroubles;
    struct lw_trouble trouble[LW_TROUBLES_MAX];
    /* The first partitions of the topic that do not flow. */
    size_t nstalled;
    struct lw_stalled_partition stalled[LW_STALLED_LIST];
};
/* Ready: nothing is unhealthy or unknown, and the last check is recent. */
#define LW_HEALTH_STALE_MS 60000
bool lw_health_ready(const struct lw_health *h, int64_t mono_ms);
/* Everything is unknown at first. */
void lw_health_init(struct lw_health *h);
/* "3", "0, 1 and 2", "0, 1, 2, 3 and 8 more" */
char *lw_health_list(char *out, size_t size, const int32_t *number, size_t n);

#endif
