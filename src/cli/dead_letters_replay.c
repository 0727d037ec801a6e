/* leeway dead-letters replay: sends messages back to their topic.
 *
 * Dead letters stay in their topic until Kafka's retention removes them. A replayed
 * message carries the number of its replays, so --max-replays can skip messages that fail
 * again and again. */
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
    lw_cli_line(stderr, "skipped dead letter %" PRId32 ":%" PRId64 ": %s", m->partition,
                m->offset, why);
    return 0;
}

/* The original partition if it exists; otherwise the key decides. */
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
        if (why.code != LW_EAGAIN) /* retry while the brokers are unreachable */
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
        return skip_message(p, m, "it has no dead-letter headers");
    if (!l->target && strcmp(letter->topic, p->target) != 0) {
        snprintf(why, sizeof why,
                 "it came from %s, not from %s (use --topic to send it anyway)",
                 letter->topic, p->target);
        return skip_message(p, m, why);
    }
    if (l->max_replays >= 0 && letter->replays >= (uint64_t)l->max_replays) {
        snprintf(why, sizeof why, "it was already replayed %" PRIu64 " times",
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
        lw_json_set_text(o, "topic", p->target);
        lw_json_set_count(o, "replayed", p->replayed);
        lw_json_set_count(o, "skipped", p->skipped);
        lw_json_set_bool(o, "dry_run", l->dry);
        lw_cli_print_json(o);
    } else {
        printf("%" PRIu64 " dead letters %s to %s, %" PRIu64 " skipped\n", p->replayed,
               l->dry ? "would be sent" : "sent", p->target, p->skipped);
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
    lw_progress_start(&p.progress, "replaying");
    if (rc == 0)
        rc = lw_dead_letters_read(l, 0, replay_message, &p, err);
    if (rc == 0)
        rc = await_acks(&p, err);
    lw_progress_end(&p.progress);
    uint64_t acked = lw_producer_acked(p.producer);
    lw_producer_free(p.producer);
    if (rc)
        return lw_err_context(err, "%" PRIu64 " dead letters were sent to %s before this",
                              acked, p.target);
    if (l->partition >= 0 && p.replayed + p.skipped == 0)
        return lw_fail(err, LW_ENOTFOUND, "%s has no dead letter %" PRId32 ":%" PRId64,
                       l->config->source.dead_letters, l->partition, l->offset);
    print_totals(&p);
    return p.skipped ? LW_EXIT_CONDITION : LW_EXIT_OK;
}
