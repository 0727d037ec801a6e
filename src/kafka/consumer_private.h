/* Shared by consumer.c and its consumer_*.c only. */
#ifndef LW_KAFKA_CONSUMER_PRIVATE_H
#define LW_KAFKA_CONSUMER_PRIVATE_H

#include "kafka/consumer.h"
#include "kafka/log.h"
#include "kafka/nudge.h"

/* An assigned partition. */
struct lw_owned {
    int32_t partition;
    int64_t next;     /* the next offset, or a logical one */
    int waiting;      /* not yet given to librdkafka */
    int deferred;     /* waits for the end of this poll */
    int interrupted;  /* a rebalance interrupted this poll */
    int out_of_range; /* its next offset does not exist */
    int64_t done;     /* to be committed, unless it is 0 */
    int recreated;    /* its fingerprint does not match: dropped until it is moved */
    struct lw_record_fingerprint
        fingerprint;                   /* before `next`, to be checked; offset -1: none */
    struct lw_record_fingerprint last; /* the newest message that was passed on */
    rd_kafka_resp_err_t reported;      /* the last error of it in the log, */
    int64_t reported_next;             /* the offset that it was at then, */
    int64_t reported_ms;               /* and when */
    const rd_kafka_message_t *newest;  /* of this poll */
};

#define LW_NO_FINGERPRINT ((struct lw_record_fingerprint){.offset = -1})

struct lw_consumer {
    struct lw_kafka_log log; /* first: librdkafka's opaque */
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    char *topic;
    struct lw_consumer_hooks hooks;
    struct lw_owned *owned; /* by partition */
    size_t nowned;
    int32_t *left; /* partitions that were given up in this poll */
    size_t nleft;
    int64_t reset;   /* where to start by auto.offset.reset */
    int interrupted; /* any of owned is */
    int paused;
    int brought; /* messages, by the last poll */
    rd_kafka_resp_err_t fatal;
    int topic_deleted;        /* its topic was deleted */
    int64_t committed_ms;     /* when offsets were last committed */
    int joined;               /* has got an assignment, maybe empty */
    struct lw_consumer *kept; /* next in the list of consumers that cannot be destroyed */
    struct lw_nudge nudge;
};

struct lw_owned *lw__consumer_find(const struct lw_consumer *c, int32_t partition);
/* Logs a failed call on the topic; nothing without an error. */
void lw__consumer_report(struct lw_consumer *c, const char *what, rd_kafka_resp_err_t rc,
                         const char *text);
/* One partition with an offset, to be destroyed by the caller. */
rd_kafka_topic_partition_list_t *lw__consumer_list(struct lw_consumer *c,
                                                   int32_t partition, int64_t offset);
/* Moves a partition's pending commit to the list. */
void lw__consumer_done(struct lw_consumer *c, struct lw_owned *o,
                       rd_kafka_topic_partition_list_t *list);
/* Commits the list, without waiting. */
void lw__consumer_commit(struct lw_consumer *c,
                         const rd_kafka_topic_partition_list_t *list);
/* Commits processed offsets when due. */
void lw__consumer_commit_due(struct lw_consumer *c);

#endif
