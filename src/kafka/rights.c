/* Rights, tried and not read: who may describe ACLs is an administrator, and what an ACL
 * means is for the broker to say (wildcards, prefixes, groups, super users).
 *
 *   read    a fetch behind the last message, which brings the end of the partition
 *   join    a commit of an offset for a partition that does not exist: the group's ACL
 *           and the topic's come first, then UNKNOWN_TOPIC_OR_PARTITION
 *   write   a record with acks=2, which Kafka has not taken since 0.9: the topic's ACL
 *           comes first, then INVALID_REQUIRED_ACKS, before the log is touched */
#include "kafka/probe.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/time.h"
#include "kafka/explain.h"
#include "kafka/log.h"

#define NO_PARTITION INT32_MAX
#define SLICE_MS     100
#define PENDING      RD_KAFKA_RESP_ERR__IN_PROGRESS

struct trial {
    struct lw_kafka_log log; /* first: librdkafka's opaque */
    rd_kafka_t *rk;
    const char *topic, *operation;
    const char *subject; /* of the operation: the topic or the group */
    int64_t until_ms;
    rd_kafka_resp_err_t result;
};

static int start(struct trial *t, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                 int timeout_ms, struct lw_err *err) {
    char why[256];
    lw_kafka_log_init(&t->log);
    t->until_ms = lw_mono_ms() + timeout_ms;
    t->result = PENDING;
    rd_kafka_conf_set_opaque(conf, t);
    t->rk = rd_kafka_new(type, conf, why, sizeof why);
    if (t->rk)
        return 0;
    rd_kafka_conf_destroy(conf);
    lw_kafka_log_fini(&t->log);
    return lw_fail(err, LW_ECONFIG, "kafka: %s", why);
}

static bool goes_on(const struct trial *t) {
    return t->result == PENDING && lw_mono_ms() < t->until_ms;
}

/* What came of it; `passed` is the refusal that lies behind the ACLs. */
static int finish(struct trial *t, rd_kafka_resp_err_t passed, struct lw_err *err) {
    char words[LW_KAFKA_WORDS], cause[512];
    rd_kafka_resp_err_t rc = t->result;
    int failed = 0;
    if (rc != passed && rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const char *subject =
            rc == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ? t->topic : t->subject;
        lw_kafka_log_cause(&t->log, cause, sizeof cause);
        if (lw_kafka_refusal(words, sizeof words, t->rk, rc, t->operation, subject))
            failed = lw_fail(err, LW_ECONFIG, "%s", words);
        else
            failed = lw_fail(err, LW_EAGAIN, "%s %s: %s", t->operation, t->subject,
                             cause[0]        ? cause
                             : rc == PENDING ? "no answer in time"
                                             : rd_kafka_err2str(rc));
    }
    rd_kafka_destroy(t->rk);
    lw_kafka_log_fini(&t->log);
    return failed;
}

/* ---- read ---- */

int lw_kafka_may_read(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err) {
    struct trial t = {.topic = topic, .operation = "read", .subject = topic};
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "reader", err);
    if (!conf || start(&t, RD_KAFKA_CONSUMER, conf, timeout_ms, err))
        return -1;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(t.rk, topic, NULL);
    if (rkt && rd_kafka_consume_start(rkt, 0, RD_KAFKA_OFFSET_END) == 0) {
        while (goes_on(&t)) {
            rd_kafka_message_t *m = rd_kafka_consume(rkt, 0, SLICE_MS);
            rd_kafka_poll(t.rk, 0);
            if (m)
                t.result = m->err;
            if (m)
                rd_kafka_message_destroy(m);
        }
        rd_kafka_consume_stop(rkt, 0);
    }
    if (rkt)
        rd_kafka_topic_destroy(rkt);
    return finish(&t, RD_KAFKA_RESP_ERR__PARTITION_EOF, err);
}

/* ---- join ---- */

static void committed(rd_kafka_t *rk, rd_kafka_resp_err_t rc,
                      rd_kafka_topic_partition_list_t *list, void *opaque) {
    struct trial *t = opaque;
    (void)rk;
    t->result = rc == 0 && list && list->cnt == 1 ? list->elems[0].err : rc;
}

/* An error that comes beside, of the search for the coordinator. */
static void take_error(struct trial *t, rd_kafka_message_t *m) {
    if (m && m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        t->result = m->err;
    if (m)
        rd_kafka_message_destroy(m);
}

int lw_kafka_may_join(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err) {
    struct trial t = {.topic = topic,
                      .operation = "read",
                      .subject = lw_kafka_property(options, "group.id")};
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "consumer", err);
    if (!conf)
        return -1;
    rd_kafka_conf_set(conf, "group.instance.id", "", NULL, 0);
    if (start(&t, RD_KAFKA_CONSUMER, conf, timeout_ms, err))
        return -1;
    rd_kafka_poll_set_consumer(t.rk);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(t.rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, NO_PARTITION)->offset = 0;
    rd_kafka_commit_queue(t.rk, list, queue, committed, &t);
    while (goes_on(&t)) {
        rd_kafka_queue_poll_callback(queue, SLICE_MS);
        take_error(&t, rd_kafka_consumer_poll(t.rk, 0));
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_queue_destroy(queue);
    return finish(&t, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, err);
}

/* ---- write ---- */

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    struct trial *t = opaque;
    (void)rk;
    t->result = m->err;
}

int lw_kafka_may_write(const struct lw_kafka_options *options, const char *topic,
                       int timeout_ms, struct lw_err *err) {
    struct trial t = {.topic = topic, .operation = "write", .subject = topic};
    char ms[16];
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "probe", err);
    if (!conf)
        return -1;
    snprintf(ms, sizeof ms, "%d", timeout_ms);
    rd_kafka_conf_set(conf, "acks", "2", NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
    rd_kafka_conf_set(conf, "message.timeout.ms", ms, NULL, 0);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    if (start(&t, RD_KAFKA_PRODUCER, conf, timeout_ms, err))
        return -1;
    char key[] = "leeway check";
    rd_kafka_resp_err_t rc =
        rd_kafka_producev(t.rk, RD_KAFKA_V_TOPIC(topic),
                          RD_KAFKA_V_KEY(key, sizeof key - 1), RD_KAFKA_V_END);
    if (rc)
        t.result = rc;
    while (goes_on(&t))
        rd_kafka_poll(t.rk, SLICE_MS);
    rd_kafka_purge(t.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rc = t.result; /* before the purge is reported */
    rd_kafka_poll(t.rk, 0);
    t.result = rc;
    return finish(&t, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, err);
}
