/* A member of a group for the consumer's tests: it checks that each message is the next
 * one of its partition and counts it in a table, which replaces the store of offsets. */
#ifndef LW_TESTS_UNIT_KAFKA_MEMBER_H
#define LW_TESTS_UNIT_KAFKA_MEMBER_H

#include "kafka/consumer.h"
#include "kafka_test.h"

#define PARTITIONS 4
#define BATCH      50
#define OFFSETS    4000

struct table {
    int64_t offset[PARTITIONS];    /* flushed offset; -1: none */
    int seen[PARTITIONS][OFFSETS]; /* how often each message was counted */
    int waits[PARTITIONS];         /* the assigned hook asks to wait */
};

struct member {
    struct table *t;
    struct lw_consumer *c;
    int mine[PARTITIONS];
    int64_t at[PARTITIONS]; /* next offset; not flushed since the table's offset */
    int nassigned, nrevoked, nlost;
};

struct table *new_table(void);
void join(struct member *m, struct table *t, const struct lw_kafka_options *o,
          const char *topic);
int turn(struct member *m); /* polls once; returns the number of messages */
int owned(const struct member *m);
int total(const struct table *t);

/* Polls the members until `done` holds, at most 60 s. */
#define POLL_UNTIL(done, ...)                                                            \
    do {                                                                                 \
        struct member *all[] = {__VA_ARGS__};                                            \
        int64_t give_up_ = lw_mono_ms() + 60000;                                         \
        while (!(done)) {                                                                \
            if (lw_mono_ms() > give_up_)                                                 \
                fail_msg("not reached: %s", #done);                                      \
            for (size_t i_ = 0; i_ < sizeof all / sizeof *all; i_++)                     \
                turn(all[i_]);                                                           \
        }                                                                                \
    } while (0)

#endif
