/* Is everything well that must be? A table: each component, what is wrong with it in
 * words, and since when.
 *
 * Whoever looks hands in what he has found; whether that counts is decided here. What is
 * wrong for less than the component's patience is no news (a rebalance, a broker that is
 * restarted), what is mended must stay so for a moment, and what nobody has looked at yet
 * is unknown, which is not the same as well. No clock: times are handed in, monotonic
 * ones for intervals and those of the wall for people. */
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
/* LW_COMPONENTS: there is none of that name. */
enum lw_component lw_health_component_find(const char *name);
/* The name of its alert, "leeway-kafka"; and back. */
const char *lw_health_component_alert(enum lw_component c);
enum lw_component lw_health_component_of_alert(const char *rule);

/* Of a moment: for intervals, and for people. */
struct lw_moment {
    int64_t mono_ms, wall_ms;
};

enum lw_condition { LW_UNKNOWN, LW_WELL, LW_ILL };

struct lw_health_item {
    enum lw_condition condition;
    int64_t since_ms;          /* wall: when it was last well; 0: it is */
    char text[LW_HEALTH_TEXT]; /* what is wrong; "": nothing is */
    struct lw_moment good;     /* last found well, or first looked at */
    int64_t bad_ms;            /* monotonic: last found ill */
};

struct lw_health_found {
    bool known;        /* false: could not be looked at; what was known stays */
    const char *wrong; /* NULL: nothing */
    int64_t patience_ms;
};
#define LW_HEALTH_HOLD_MS 5000 /* well again for so long */
void lw_health_judge(struct lw_health_item *item, const struct lw_health_found *finding,
                     struct lw_moment now);
/* For so long nobody could look: that is nobody's fault. */
void lw_health_forgive(struct lw_health_item *item, int64_t ms);

/* ---- partitions ---- */

/* One partition over time. All zero is one that was never looked at. */
struct lw_partition_flow {
    bool seen, moved, heard;
    int64_t next_offset, updated_ms;
    struct lw_moment good;  /* it moved, or stood at its end, last */
    struct lw_moment owned; /* its owner flushed last */
    struct lw_moment free;  /* it did not wait for an open transaction, last */
};
struct lw_health_flow_check {
    int64_t next_offset; /* as flushed; -1: none yet */
    int64_t updated_ms;  /* of the flush: only whether it changes is looked at */
    int64_t end_offset;  /* as the broker has said just now; -1: it has not. That of the
                            first open transaction, if there is one, behind which is: */
    int64_t high_offset; /* the end of all; -1: not known */
};
/* Brokers abort a transaction after a quarter of an hour (transaction.max.timeout.ms):
 * one that is open for longer hangs. */
#define LW_FLOW_TRANSACTION_MS 960000
enum lw_flow_verdict {
    LW_FLOW_UNKNOWN,          /* not looked at for long enough */
    LW_FLOW_OK,               /* moves, or stands at its end */
    LW_FLOW_STALLED,          /* has messages, or nobody can say that it has none */
    LW_FLOW_TRANSACTION_OPEN, /* a transaction hangs there, and keeps back all behind it */
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
    char who[96];     /* host:pid that says so */
    char text[LW_HEALTH_TEXT];
};

struct lw_stalled_partition {
    int32_t partition;
    int64_t since_ms; /* wall */
    bool deserted;
};

/* Seconds; NAN where it is not known or does not apply. */
struct lw_health_figures {
    double kafka_up, redis_writable; /* 0 or 1 */
    double kafka_age, redis_age;     /* since the last answer, the last write */
    double evaluation_age;           /* since the leader's last pass */
    double clock_age;                /* for so long a clock holds back sealing */
    double letters_age, predictions_age, outbox_age;
    double standing, deserted; /* partitions */
};

struct lw_health {
    int64_t looked_ms; /* monotonic: when it was judged; 0: never */
    struct lw_health_item item[LW_COMPONENTS];
    struct lw_health_figures figure;
    /* What live processes of the stream say, this one included; nobody twice. */
    size_t ntroubles;
    struct lw_trouble trouble[LW_TROUBLES_MAX];
    /* Partitions of the topic that do not flow, the first of them. */
    size_t nstalled;
    struct lw_stalled_partition standing[LW_STALLED_LIST];
};
/* Nothing is ill, nothing is unknown, and it was judged not long ago. */
#define LW_HEALTH_STALE_MS 60000
bool lw_health_ready(const struct lw_health *h, int64_t mono_ms);
/* All that is unknown at first. */
void lw_health_init(struct lw_health *h);
/* "3", "0, 1 and 2", "0, 1, 2, 3 and 8 more" */
char *lw_health_list(char *out, size_t size, const int32_t *number, size_t n);

#endif
