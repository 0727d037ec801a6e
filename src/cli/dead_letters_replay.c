/* leeway dead-letters replay: messages go back to where they came from.
 *
 * Letters stay where they are: Kafka's retention ends them, and a replay can be looked
 * up. What is replayed carries a count, so that one that goes round and round is seen,
 * and with
 * --max-replays left alone. */
#include <inttypes.h>
#include <string.h>

#include "base/time.h"
#include "cli/dead_letters.h"
#include "cli/progress.h"

#define KAFKA_MS 10000
#define SLICE_MS 500

struct dead_letters_post {
    const struct lw_dead_letters *letters;
    const char *target;
    int32_t partitions; /* of the target */
    struct lw_producer *producer;
    struct lw_progress progress;
    uint64_t replayed, skipped;
    struct lw_err *err;
};

static int skip_message(struct dead_letters_post *p, const rd_kafka_message_t *m,
                        const char *why) {
    p->skipped++;
    lw_cli_line(stderr, "letter %" PRId32 ":%" PRId64 " is left: %s", m->partition,
                m->offset, why);
    return 0;
}

/* To the partition it came from, as long as that is there; elsewhere the key decides. */
static int32_t target_partition(const struct dead_letters_post *p,
                                const struct lw_letter *letter) {
    bool home =
        strcmp(letter->topic, p->target) == 0 && letter->partition < p->partitions;
    return home ? letter->partition : RD_KAFKA_PARTITION_UA;
}

static int produce_message(struct dead_letters_post *p, const rd_kafka_message_t *m,
                           const struct lw_letter *letter) {
    for (;;) {
        struct lw_err why = {0};
        if (lw_letter_replay(p->producer, m, letter, p->target,
                             target_partition(p, letter), &why) == 0)
            break;
        if (why.code == LW_EINPUT)
            return skip_message(p, m, why.msg);
        if (why.code != LW_EAGAIN) /* brokers that are away are waited for */
            return lw_fail(p->err, why.code, "%s", why.msg);
    }
    p->replayed++;
    lw_progress_at(&p->progress, 0, p->replayed);
    return 0;
}

static int replay_message(void *arg, const rd_kafka_message_t *m,
                          const struct lw_letter *letter) {
    struct dead_letters_post *p = arg;
    const struct lw_dead_letters *l = p->letters;
    char why[400];
    if (!letter)
        return skip_message(p, m, "it has no headers of a dead letter");
    if (!l->target && strcmp(letter->topic, p->target) != 0) {
        snprintf(why, sizeof why,
                 "it came from %s, not from %s (--topic sends it anyway)", letter->topic,
                 p->target);
        return skip_message(p, m, why);
    }
    if (l->max_replays >= 0 && letter->replays >= (uint64_t)l->max_replays) {
        snprintf(why, sizeof why, "it was replayed %" PRIu64 " times before",
                 letter->replays);
        return skip_message(p, m, why);
    }
    if (!l->dry)
        return produce_message(p, m, letter);
    p->replayed++;
    if (!l->json)
        lw_cli_line(stdout,
                    "%" PRId32 ":%" PRId64 " to %s, from %s %" PRId32 ":%" PRId64 ": %s",
                    m->partition, m->offset, p->target, letter->topic, letter->partition,
                    letter->offset, letter->reason);
    return 0;
}

static int await_acks(struct dead_letters_post *p, struct lw_err *err) {
    for (;;) {
        struct lw_err why = {0};
        if (lw_producer_flush(p->producer, SLICE_MS, &why) == 0)
            return 0;
        if (why.code != LW_EAGAIN)
            return lw_fail(err, why.code, "%s", why.msg);
        lw_progress_at(&p->progress, 1, lw_producer_acked(p->producer));
    }
}

static void print_totals(const struct dead_letters_post *p) {
    const struct lw_dead_letters *l = p->letters;
    if (l->json) {
        json_t *o = json_object();
        json_object_set_new(o, "topic", lw_cli_text(p->target));
        json_object_set_new(o, "replayed", json_integer((json_int_t)p->replayed));
        json_object_set_new(o, "left", json_integer((json_int_t)p->skipped));
        json_object_set_new(o, "dry_run", json_boolean(l->dry));
        lw_cli_print_json(o);
    } else {
        printf("%" PRIu64 " letters %s to %s, %" PRIu64 " left\n", p->replayed,
               l->dry ? "would go" : "went", p->target, p->skipped);
    }
}

int lw_dead_letters_replay(const struct lw_dead_letters *l, struct lw_err *err) {
    struct dead_letters_post p = {.letters = l,
                                  .target =
                                      l->target ? l->target : l->config->source.topic,
                                  .err = err};
    p.producer = lw_producer_new(&l->config->kafka, err);
    if (!p.producer)
        return -1;
    p.partitions =
        lw_kafka_partitions(lw_producer_handle(p.producer), p.target, KAFKA_MS, err);
    int rc = p.partitions < 0 ? -1 : 0;
    lw_progress_start(&p.progress, "replaying letters");
    if (rc == 0)
        rc = lw_dead_letters_read(l, 0, replay_message, &p, err);
    if (rc == 0)
        rc = await_acks(&p, err);
    lw_progress_end(&p.progress);
    uint64_t acked = lw_producer_acked(p.producer);
    lw_producer_free(p.producer);
    if (rc)
        return lw_err_context(err, "%" PRIu64 " letters went to %s before this", acked,
                              p.target);
    if (l->partition >= 0 && p.replayed + p.skipped == 0)
        return lw_fail(err, LW_ENOTFOUND, "%s holds no letter %" PRId32 ":%" PRId64,
                       l->config->source.dead_letters, l->partition, l->offset);
    print_totals(&p);
    return p.skipped ? LW_EXIT_CONDITION : LW_EXIT_OK;
}
