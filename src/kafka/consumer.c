/* The group consumer.
 *
 * A recreated topic reuses the offsets of the old one. So a partition is started at
 * the last message that was read, whose fingerprint must be unchanged; that message
 * is not passed on.
 *
 * Messages arrive in batches from one consumer queue. Rebalances are served from the
 * same queue by the same call, in the polling thread, so a worker needs no lock. A
 * batch may hold messages from before and after a rebalance. Those of a revoked
 * partition are dropped here: the worker flushed without them, and the next owner
 * reads them again. A partition that is revoked and assigned again within one call is
 * started only after the call, so that all its messages in the batch are known to be
 * old. (rd_kafka_yield in the callback would end the batch, but consume_batch_queue
 * does not check it after a callback.)
 *
 * Under the cooperative protocol a batch with a rebalance is also incomplete for
 * partitions that stay: librdkafka pauses and resumes them and drops their messages
 * without moving the position back (seen with 2.0.2: hundreds of messages a partition
 * in every rebalance under load). So all their messages in such a batch are dropped
 * here, and they restart at their offset before it.
 *
 * librdkafka accepts any subset of the assignment. So a partition whose start offset
 * is unknown is not assigned until lw_consumer_seek, and a running one is moved by
 * unassigning and assigning it, which works in every state of the fetcher
 * (rd_kafka_seek fails in some). The eager protocol only has assign() of the whole
 * list, so each partition's next offset is kept.
 *
 * The end of a partition is taken from its high watermark, not from librdkafka's
 * end-of-partition events: since 2.1 such an event in a batch moves the position one
 * past it, and after a pause or an incremental assignment the next message was lost. */
#include "kafka/consumer_private.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/explain.h"
#include "leeway/row.h"

#define AHEAD    8      /* messages on their way from the fetching thread's memory */
#define AGAIN_MS 600000 /* a lasting error is logged again */

struct lw_owned *lw__consumer_find(const struct lw_consumer *c, int32_t partition) {
    for (size_t i = 0; i < c->nowned; i++)
        if (c->owned[i].partition == partition)
            return &c->owned[i];
    return NULL;
}

static void owned_add(struct lw_consumer *c, struct lw_owned o) {
    c->owned = lw_realloc(c->owned, c->nowned + 1, sizeof *c->owned);
    c->owned[c->nowned++] = o;
}

static void remove_owned(struct lw_consumer *c, int32_t partition) {
    struct lw_owned *o = lw__consumer_find(c, partition);
    if (o)
        *o = c->owned[--c->nowned];
}

static int has_left(const struct lw_consumer *c, int32_t partition) {
    for (size_t i = 0; i < c->nleft; i++)
        if (c->left[i] == partition)
            return 1;
    return 0;
}

static int is_cooperative(const struct lw_consumer *c) {
    const char *protocol = rd_kafka_rebalance_protocol(c->rk);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

void lw__consumer_report(struct lw_consumer *c, const char *what, rd_kafka_resp_err_t rc,
                         const char *text) {
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    lw_log(kafka_consumer, c->topic, what, rd_kafka_err2name(rc),
           LW_QUOTE(text ? text : ""));
}

static rd_kafka_resp_err_t finish_call(struct lw_consumer *c, const char *what,
                                       rd_kafka_error_t *error) {
    if (!error)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t rc = rd_kafka_error_code(error);
    lw__consumer_report(c, what, rc, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return rc;
}

/* Where fetching starts: at the message with the fingerprint, if there is one. */
static int64_t start_of(const struct lw_owned *o) {
    return o->fingerprint.offset >= 0 ? o->fingerprint.offset : o->next;
}

static void set_fingerprint(struct lw_owned *o,
                            struct lw_record_fingerprint fingerprint) {
    o->fingerprint = fingerprint.offset >= 0 && fingerprint.offset < o->next
                         ? fingerprint
                         : LW_NO_FINGERPRINT;
    o->last = LW_NO_FINGERPRINT;
    o->recreated = 0;
}

static uint64_t id_of(const rd_kafka_message_t *m) {
    rd_kafka_timestamp_type_t kind;
    int64_t ms = rd_kafka_message_timestamp(m, &kind);
    return lw_text_key(m->payload, m->len) ^ lw_mix64((uint64_t)ms);
}

/* Partitions that do not wait, with their start offsets. */
static rd_kafka_topic_partition_list_t *list_running(struct lw_consumer *c) {
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)c->nowned);
    for (size_t i = 0; i < c->nowned; i++)
        if (!c->owned[i].waiting)
            rd_kafka_topic_partition_list_add(list, c->topic, c->owned[i].partition)
                ->offset = start_of(&c->owned[i]);
    return list;
}

rd_kafka_topic_partition_list_t *lw__consumer_list(struct lw_consumer *c,
                                                   int32_t partition, int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, c->topic, partition)->offset = offset;
    return list;
}

static void set_paused(struct lw_consumer *c, const rd_kafka_topic_partition_list_t *list,
                       int paused) {
    rd_kafka_topic_partition_list_t *copy = rd_kafka_topic_partition_list_copy(list);
    if (copy->cnt > 0 && paused)
        lw__consumer_report(c, "pause", rd_kafka_pause_partitions(c->rk, copy), NULL);
    else if (copy->cnt > 0)
        lw__consumer_report(c, "resume", rd_kafka_resume_partitions(c->rk, copy), NULL);
    rd_kafka_topic_partition_list_destroy(copy);
}

/* Before partitions are unassigned: librdkafka keeps a partition paused beyond the
 * assignment, so one that returns after the resume would never be fetched again. */
static void forget_pause(struct lw_consumer *c,
                         const rd_kafka_topic_partition_list_t *list) {
    if (c->paused)
        set_paused(c, list, 0);
}

/* Assigns the whole list (eager protocol). */
static rd_kafka_resp_err_t assign_all(struct lw_consumer *c) {
    rd_kafka_topic_partition_list_t *list = list_running(c);
    rd_kafka_resp_err_t rc = rd_kafka_assign(c->rk, list);
    lw__consumer_report(c, "assign", rc, NULL);
    if (c->paused)
        set_paused(c, list, 1);
    rd_kafka_topic_partition_list_destroy(list);
    return rc;
}

static rd_kafka_resp_err_t assign_more(struct lw_consumer *c,
                                       const rd_kafka_topic_partition_list_t *list) {
    rd_kafka_resp_err_t rc =
        finish_call(c, "incremental_assign", rd_kafka_incremental_assign(c->rk, list));
    if (c->paused)
        set_paused(c, list, 1);
    return rc;
}

/* The committed offset is never used: if the owner has no offset, the commit belongs
 * to a state that no longer exists. */
static int64_t offset_or_reset(const struct lw_consumer *c, int64_t offset) {
    return offset == RD_KAFKA_OFFSET_INVALID ? c->reset : offset;
}

/* ---- rebalance, in the polling thread ---- */

static void partitions_assign(struct lw_consumer *c,
                              const rd_kafka_topic_partition_list_t *given) {
    c->joined = 1;
    rd_kafka_topic_partition_list_t *start =
        rd_kafka_topic_partition_list_new(given->cnt);
    for (int i = 0; i < given->cnt; i++) {
        struct lw_owned o = {.partition = given->elems[i].partition};
        remove_owned(c, o.partition);
        o.next =
            offset_or_reset(c, c->hooks.assigned(c->hooks.arg, o.partition, &o.waiting));
        set_fingerprint(&o, !o.waiting && c->hooks.fingerprint
                                ? c->hooks.fingerprint(c->hooks.arg, o.partition)
                                : LW_NO_FINGERPRINT);
        o.deferred = !o.waiting && has_left(c, o.partition);
        o.waiting |= o.deferred;
        owned_add(c, o);
        if (!o.waiting)
            rd_kafka_topic_partition_list_add(start, c->topic, o.partition)->offset =
                start_of(&o);
    }
    if (is_cooperative(c))
        assign_more(c, start); /* also an empty list, which ends the rebalance */
    else
        assign_all(c);
    rd_kafka_topic_partition_list_destroy(start);
}

static void partitions_revoke(struct lw_consumer *c,
                              const rd_kafka_topic_partition_list_t *taken) {
    int lost = rd_kafka_assignment_lost(c->rk);
    rd_kafka_topic_partition_list_t *stop = rd_kafka_topic_partition_list_new(taken->cnt);
    rd_kafka_topic_partition_list_t *done = rd_kafka_topic_partition_list_new(taken->cnt);
    for (int i = 0; i < taken->cnt; i++) {
        int32_t partition = taken->elems[i].partition;
        struct lw_owned *o = lw__consumer_find(c, partition);
        if (!o)
            continue;
        if (!o->waiting)
            rd_kafka_topic_partition_list_add(stop, c->topic, partition);
        (lost ? c->hooks.lost : c->hooks.revoked)(c->hooks.arg, partition);
        lw__consumer_done(c, o, done);
        remove_owned(c, partition);
        c->left = lw_realloc(c->left, c->nleft + 1, sizeof *c->left);
        c->left[c->nleft++] = partition;
    }
    if (!lost)
        lw__consumer_commit(c, done);
    forget_pause(c, stop);
    if (is_cooperative(c))
        finish_call(c, "incremental_unassign",
                    rd_kafka_incremental_unassign(c->rk, stop));
    else
        lw__consumer_report(c, "unassign", rd_kafka_assign(c->rk, NULL), NULL);
    rd_kafka_topic_partition_list_destroy(stop);
    rd_kafka_topic_partition_list_destroy(done);
}

static void mark_interrupted(struct lw_consumer *c) {
    for (size_t i = 0; i < c->nowned; i++) {
        struct lw_owned *o = &c->owned[i];
        if (!o->waiting)
            o->interrupted = c->interrupted = 1;
    }
}

static void rebalance_serve(rd_kafka_t *rk, rd_kafka_resp_err_t code,
                            rd_kafka_topic_partition_list_t *partitions, void *opaque) {
    struct lw_consumer *c = opaque;
    (void)rk;
    if (is_cooperative(c)) /* the eager protocol revokes everything first */
        mark_interrupted(c);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        partitions_assign(c, partitions);
    else
        partitions_revoke(c, partitions);
    if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS &&
        code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        lw__consumer_report(c, "rebalance", code, rd_kafka_err2str(code));
}

/* ---- life ---- */

/* auto.offset.reset as an offset; the conf knows the default and every synonym.
 * librdkafka itself gets "error", so that it reports an offset that does not exist. */
static int64_t reset_of(const rd_kafka_conf_t *conf) {
    char reset[32] = "";
    size_t size = sizeof reset;
    rd_kafka_conf_get(conf, "auto.offset.reset", reset, &size);
    return strcmp(reset, "smallest") == 0  ? RD_KAFKA_OFFSET_BEGINNING
           : strcmp(reset, "largest") == 0 ? RD_KAFKA_OFFSET_END
                                           : RD_KAFKA_OFFSET_INVALID; /* "error" */
}

static int subscribe_topic(struct lw_consumer *c, struct lw_err *err) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, c->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t rc = rd_kafka_subscribe(c->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return rc ? lw_fail(err, LW_ECONFIG, "kafka: subscribing to %s: %s", c->topic,
                        rd_kafka_err2str(rc))
              : 0;
}

struct lw_consumer *lw_consumer_new(const struct lw_kafka_options *options,
                                    const char *topic,
                                    const struct lw_consumer_hooks *hooks,
                                    struct lw_err *err) {
    char why[256];
    if (!lw_kafka_property(options, "group.id")) {
        lw_fail(err, LW_ECONFIG,
                "kafka.group.id is missing: workers share the partitions "
                "as members of a group");
        return NULL;
    }
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "consumer", err);
    if (!conf)
        return NULL;
    struct lw_consumer *c = lw_calloc(1, sizeof *c);
    lw_kafka_log_init(&c->log);
    c->topic = lw_strdup(topic);
    c->hooks = *hooks;
    c->reset = reset_of(conf);
    rd_kafka_conf_set(conf, "auto.offset.reset", "error", why,
                      sizeof why); /* see out_of_range */
    rd_kafka_conf_set_opaque(conf, c);
    rd_kafka_conf_set_rebalance_cb(conf, rebalance_serve);
    c->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        lw_fail(err, LW_ECONFIG, "kafka: %s", why);
        lw_consumer_free(c);
        return NULL;
    }
    rd_kafka_poll_set_consumer(c->rk);
    c->queue = rd_kafka_queue_get_consumer(c->rk);
    lw_nudge_start(&c->nudge, c->rk, c->topic);
    if (subscribe_topic(c, err)) {
        lw_consumer_free(c);
        return NULL;
    }
    return c;
}

int lw_consumer_login(struct lw_consumer *c, const struct lw_kafka_options *options,
                      struct lw_err *err) {
    return lw_kafka_login(c->rk, options, err);
}

/* ---- messages ---- */

/* True for an error that repeats at the same offset: librdkafka may retry ten times a
 * second. */
static int reported_before(struct lw_owned *o, rd_kafka_resp_err_t rc) {
    int64_t now = lw_mono_ms();
    if (o->reported == rc && o->reported_next == o->next &&
        now - o->reported_ms < AGAIN_MS)
        return 1;
    o->reported = rc;
    o->reported_next = o->next;
    o->reported_ms = now;
    return 0;
}

static void report_message(struct lw_consumer *c, struct lw_owned *o,
                           const rd_kafka_message_t *m, const char *text) {
    char advice[300];
    if (o && reported_before(o, m->err))
        return;
    if (m->err != RD_KAFKA_RESP_ERR__BAD_COMPRESSION || !o) {
        lw__consumer_report(c, "poll", m->err, text);
        return;
    }
    lw_kafka_unpack_advice(advice, sizeof advice, c->rk);
    lw_log(kafka_batch_unreadable, c->topic, m->partition, m->offset,
           rd_kafka_err2name(m->err), LW_QUOTE(advice));
}

/* What the broker's ACLs deny and how to grant it, or librdkafka's text. */
static const char *words_of(const struct lw_consumer *c, const rd_kafka_message_t *m,
                            char *out, size_t size) {
    char group[256] = "";
    size_t len = sizeof group;
    const char *what = c->topic;
    rd_kafka_conf_get(rd_kafka_conf(c->rk), "group.id", group, &len);
    if (m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        what = group;
    if (lw_kafka_refusal(out, size, c->rk, (int)m->err, "read", what))
        return out;
    return rd_kafka_message_errstr(m);
}

/* An error in place of a message: logged, never passed on. */
static void report_error_message(struct lw_consumer *c, struct lw_owned *o,
                                 const rd_kafka_message_t *m) {
    if (m->err == RD_KAFKA_RESP_ERR__FATAL)
        c->fatal = m->err;
    char words[LW_KAFKA_WORDS];
    const char *text = words_of(c, m, words, sizeof words);
    report_message(c, o, m, text);
    c->topic_deleted |= m->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
                        m->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
    if (m->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
        m->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
        m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        lw_kafka_log_say(&c->log, text ? text : rd_kafka_err2str(m->err));
}

/* The first message since the start shows whether the topic was recreated. */
static void check_fingerprint(struct lw_owned *o, const rd_kafka_message_t *m) {
    o->recreated = m->offset == o->fingerprint.offset && id_of(m) != o->fingerprint.id;
    o->fingerprint = LW_NO_FINGERPRINT;
}

static void remember_last(struct lw_consumer *c) {
    for (size_t i = 0; i < c->nowned; i++) {
        struct lw_owned *o = &c->owned[i];
        if (o->newest)
            o->last = (struct lw_record_fingerprint){o->newest->offset, id_of(o->newest)};
        o->newest = NULL;
    }
}

/* Keeps messages of partitions that are owned and running. */
static size_t batch_sift(struct lw_consumer *c, rd_kafka_message_t **batch, size_t n) {
    size_t kept = 0;
    struct lw_owned *o = NULL;
    for (size_t i = 0; i < n; i++) {
        rd_kafka_message_t *m = batch[i];
        if (i + AHEAD < n)
            __builtin_prefetch(batch[i + AHEAD]);
        if (!o || o->partition != m->partition)
            o = lw__consumer_find(c, m->partition);
        if (m->err)
            report_error_message(c, o, m);
        if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && o && !o->waiting &&
            !o->interrupted)
            o->out_of_range = 1;
        if (o && o->fingerprint.offset >= 0 && !m->err && !o->waiting && !o->interrupted)
            check_fingerprint(o, m);
        if (m->err || !o || o->waiting || o->interrupted || o->recreated ||
            m->offset < o->next) {
            rd_kafka_message_destroy(m);
            continue;
        }
        o->next = m->offset + 1;
        o->newest = m;
        batch[kept++] = m;
    }
    remember_last(c);
    return kept;
}

static void start_deferred(struct lw_consumer *c) {
    for (size_t i = 0; i < c->nowned; i++)
        if (c->owned[i].deferred)
            lw_consumer_resume(c, c->owned[i].partition, c->owned[i].next,
                               c->owned[i].fingerprint, NULL);
}

static void report_out_of_range(struct lw_consumer *c) {
    for (size_t i = 0; i < c->nowned; i++) {
        int out_of_range = c->owned[i].out_of_range, recreated = c->owned[i].recreated;
        c->owned[i].out_of_range = 0;
        if ((out_of_range || recreated) && c->hooks.out_of_range)
            c->hooks.out_of_range(c->hooks.arg, c->owned[i].partition, recreated);
    }
}

static void restart_interrupted(struct lw_consumer *c) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (size_t i = 0; i < c->nowned; i++) {
        struct lw_owned *o = &c->owned[i];
        if (o->interrupted)
            rd_kafka_topic_partition_list_add(list, c->topic, o->partition)->offset =
                start_of(o);
        o->interrupted = 0;
    }
    if (list->cnt > 0) {
        finish_call(c, "incremental_unassign",
                    rd_kafka_incremental_unassign(c->rk, list));
        assign_more(c, list);
    }
    c->interrupted = 0;
    rd_kafka_topic_partition_list_destroy(list);
}

static int fail_fatal(struct lw_consumer *c, struct lw_err *err) {
    char why[256] = "";
    rd_kafka_resp_err_t rc = rd_kafka_fatal_error(c->rk, why, sizeof why);
    return lw_fail(err, LW_ESTOP, "kafka: %s: %s", rd_kafka_err2name(rc), why);
}

int lw_consumer_poll(struct lw_consumer *c, rd_kafka_message_t **out, size_t max,
                     int timeout_ms, struct lw_err *err) {
    char why[256];
    c->nleft = 0;
    ssize_t n = rd_kafka_consume_batch_queue(c->queue, timeout_ms, out, max);
    size_t kept = n > 0 ? batch_sift(c, out, (size_t)n) : 0;
    c->brought = (int)kept;
    if (c->interrupted)
        restart_interrupted(c);
    start_deferred(c);
    report_out_of_range(c);
    lw__consumer_commit_due(c);
    if (!c->paused && c->nowned > 0 && lw_nudge_due(&c->nudge, c->queue))
        lw_nudge(&c->nudge, c->owned[c->nudge.turn % c->nowned].partition);
    if (kept > 0)
        return (int)kept;
    if (c->fatal)
        return fail_fatal(c, err);
    if (lw_kafka_log_trouble(&c->log, why, sizeof why))
        return lw_fail(err, LW_EAGAIN, "kafka: %s", why);
    return 0;
}

int lw_consumer_brought(const struct lw_consumer *c) {
    return c->brought;
}

int lw_consumer_seek(struct lw_consumer *c, int32_t partition, int64_t offset,
                     struct lw_err *err) {
    return lw_consumer_resume(c, partition, offset, LW_NO_FINGERPRINT, err);
}

int lw_consumer_resume(struct lw_consumer *c, int32_t partition, int64_t offset,
                       struct lw_record_fingerprint fingerprint, struct lw_err *err) {
    struct lw_owned *o = lw__consumer_find(c, partition);
    if (!o)
        return lw_fail(err, LW_ENOTFOUND,
                       "kafka: %s/%" PRId32 " is not assigned to this consumer", c->topic,
                       partition);
    int ran = !o->waiting;
    o->waiting = o->deferred = 0;
    o->next = offset_or_reset(c, offset);
    set_fingerprint(o, fingerprint);
    offset = start_of(o);
    rd_kafka_resp_err_t rc;
    if (is_cooperative(c)) {
        rd_kafka_topic_partition_list_t *list = lw__consumer_list(c, partition, offset);
        if (ran)
            finish_call(c, "incremental_unassign",
                        rd_kafka_incremental_unassign(c->rk, list));
        list->elems[0].offset = offset;
        rc = assign_more(c, list);
        rd_kafka_topic_partition_list_destroy(list);
    } else {
        rc = assign_all(c);
    }
    return rc ? lw_fail(err, LW_EAGAIN,
                        "kafka: starting %s/%" PRId32 " at %" PRId64 ": %s", c->topic,
                        partition, offset, rd_kafka_err2str(rc))
              : 0;
}

struct lw_record_fingerprint lw_consumer_last(const struct lw_consumer *c,
                                              int32_t partition) {
    const struct lw_owned *o = lw__consumer_find(c, partition);
    return o ? o->last : LW_NO_FINGERPRINT;
}

void lw_consumer_pause_partition(struct lw_consumer *c, int32_t partition) {
    struct lw_owned *o = lw__consumer_find(c, partition);
    if (!o || o->waiting)
        return;
    o->waiting = 1;
    rd_kafka_topic_partition_list_t *list = lw__consumer_list(c, partition, o->next);
    forget_pause(c, list);
    if (is_cooperative(c))
        finish_call(c, "incremental_unassign",
                    rd_kafka_incremental_unassign(c->rk, list));
    else
        assign_all(c);
    rd_kafka_topic_partition_list_destroy(list);
}

void lw_consumer_pause(struct lw_consumer *c, int paused) {
    if (c->paused == !!paused)
        return;
    c->paused = !!paused;
    rd_kafka_topic_partition_list_t *list = list_running(c);
    set_paused(c, list, paused);
    rd_kafka_topic_partition_list_destroy(list);
}

size_t lw_consumer_owned(const struct lw_consumer *c) {
    return c->nowned;
}
