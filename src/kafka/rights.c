/* Permissions are tried, not read: only administrators may describe ACLs, and only the broker
 * can evaluate them (wildcards, prefixes, groups, super users).
 *
 *   read    a fetch at the end offset, which returns the end of the partition
 *   join    a commit of an offset for a partition that does not exist: the group's ACL
 *           and the topic's come first, then UNKNOWN_TOPIC_OR_PARTITION
 *   write   a record with acks=2, which Kafka has rejected since 0.9: the topic's ACL
 *           comes first, then INVALID_REQUIRED_ACKS, before the log is touched */
#include "kafka/probe.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int trial_start(struct trial *t, rd_kafka_type_t type, rd_kafka_conf_t *conf,
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

static bool trial_pending(const struct trial *t) {
    return t->result == PENDING && lw_mono_ms() < t->until_ms;
}

/* The outcome; `passed` is the error that the broker returns after its ACLs. */
static int trial_finish(struct trial *t, rd_kafka_resp_err_t passed, struct lw_err *err) {
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

/* A missing permission to describe the topic shows only here. */
static void trial_describe(struct trial *t, int timeout_ms) {
    struct lw_err err = {0};
    if (lw_kafka_partitions(t->rk, t->topic, timeout_ms, &err) < 0 &&
        strstr(err.msg, LW_KAFKA_NO_RIGHT))
        t->result = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
}

/* ---- read ---- */

int lw_kafka_may_read(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err) {
    struct trial t = {.topic = topic, .operation = "read", .subject = topic};
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "reader", err);
    if (!conf || trial_start(&t, RD_KAFKA_CONSUMER, conf, timeout_ms, err))
        return -1;
    trial_describe(&t, timeout_ms);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(t.rk, topic, NULL);
    if (t.result == PENDING && rkt &&
        rd_kafka_consume_start(rkt, 0, RD_KAFKA_OFFSET_END) == 0) {
        while (trial_pending(&t)) {
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
    return trial_finish(&t, RD_KAFKA_RESP_ERR__PARTITION_EOF, err);
}

/* ---- join ---- */

/* By the admin's request and not by a consumer's own commit: a consumer that may not
 * find its coordinator cannot be closed (seen with 2.0.2). */
static rd_kafka_resp_err_t commit_outcome(rd_kafka_event_t *event) {
    size_t n = 0;
    const rd_kafka_AlterConsumerGroupOffsets_result_t *result =
        rd_kafka_event_AlterConsumerGroupOffsets_result(event);
    if (rd_kafka_event_error(event) || !result)
        return rd_kafka_event_error(event);
    const rd_kafka_group_result_t **group =
        rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &n);
    if (n != 1)
        return PENDING;
    if (rd_kafka_group_result_error(group[0]))
        return rd_kafka_error_code(rd_kafka_group_result_error(group[0]));
    const rd_kafka_topic_partition_list_t *list =
        rd_kafka_group_result_partitions(group[0]);
    return list && list->cnt == 1 ? list->elems[0].err : PENDING;
}

int lw_kafka_may_join(const struct lw_kafka_options *options, const char *topic,
                      int timeout_ms, struct lw_err *err) {
    const char *group = lw_kafka_property(options, "group.id");
    struct trial t = {.topic = topic, .operation = "read", .subject = group};
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "probe", err);
    if (!conf || trial_start(&t, RD_KAFKA_PRODUCER, conf, timeout_ms, err))
        return -1;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(t.rk);
    rd_kafka_AdminOptions_t *how =
        rd_kafka_AdminOptions_new(t.rk, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, NO_PARTITION)->offset = 0;
    rd_kafka_AlterConsumerGroupOffsets_t *alter =
        rd_kafka_AlterConsumerGroupOffsets_new(group, list);
    rd_kafka_AdminOptions_set_request_timeout(how, timeout_ms, NULL, 0);
    rd_kafka_AlterConsumerGroupOffsets(t.rk, &alter, 1, how, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, timeout_ms + SLICE_MS);
    if (event)
        t.result = commit_outcome(event);
    rd_kafka_poll(t.rk, 0);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_AdminOptions_destroy(how);
    rd_kafka_queue_destroy(queue);
    return trial_finish(&t, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, err);
}

/* ---- write ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
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
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    if (trial_start(&t, RD_KAFKA_PRODUCER, conf, timeout_ms, err))
        return -1;
    trial_describe(&t, timeout_ms);
    char key[] = "leeway check";
    rd_kafka_resp_err_t rc = t.result;
    const rd_kafka_vu_t vu[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {.ptr = key, .size = sizeof key - 1}}};
    rd_kafka_error_t *refused =
        rc == PENDING ? rd_kafka_produceva(t.rk, vu, sizeof vu / sizeof *vu) : NULL;
    if (refused)
        t.result = rd_kafka_error_code(refused);
    rd_kafka_error_destroy(refused);
    while (trial_pending(&t))
        rd_kafka_poll(t.rk, SLICE_MS);
    rd_kafka_purge(t.rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rc = t.result; /* before the purge is reported */
    rd_kafka_poll(t.rk, 0);
    t.result = rc;
    return trial_finish(&t, RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, err);
}
