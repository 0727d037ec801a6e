/* The parts of `leeway dead-letters`. */
#ifndef LW_CLI_DEAD_LETTERS_H
#define LW_CLI_DEAD_LETTERS_H

#include "cli/cli.h"
#include "kafka/letter.h"

struct lw_dead_letters {
    const struct lw_config *config;
    const char *reason; /* only dead letters whose reason contains it; NULL: all */
    const char *target; /* replay: topic; NULL: the stream's own */
    int64_t since_ms;   /* only dead letters of this time or later; INT64_MIN: all */
    int64_t limit;      /* list: this many of the newest; 0: all */
    int64_t max_replays;
    int32_t partition; /* one dead letter: partition and offset; -1: all */
    int64_t offset;
    bool dry, json;
};

/* Called for every message that passes the filters; letter is NULL for a message without
 * the headers of a dead letter. A non-zero result stops reading. */
typedef int (*lw_dead_letters_each)(void *arg, const rd_kafka_message_t *m,
                                    const struct lw_letter *letter);
/* Reads the dead-letter topic up to its current end, partitions interleaved. newest > 0:
 * at least this many of the newest. Returns 0, the result of `each`, or -1. */
int lw_dead_letters_read(const struct lw_dead_letters *l, int64_t newest,
                         lw_dead_letters_each each, void *arg, struct lw_err *err);
/* Unix ms of a message; INT64_MIN without a time. */
int64_t lw_dead_letters_time(const rd_kafka_message_t *m);

/* The subcommands. Return an exit code, or -1 with err. */
int lw_dead_letters_list(const struct lw_dead_letters *l, struct lw_err *err);
int lw_dead_letters_show(const struct lw_dead_letters *l, struct lw_err *err);
int lw_dead_letters_replay(const struct lw_dead_letters *l, struct lw_err *err);

#endif
