/* The producer.
 *
 * Idempotent and without a message timeout by default: queued messages arrive once
 * and in order, however long the brokers are unreachable. The local queue is bounded;
 * callers block while it is full. Calls serve delivery reports; a permanent rejection
 * is kept and returned by the next flush.
 *
 * A fatal error (a revoked permission, an expired producer id) ends an idempotent
 * producer: librdkafka drops its queue and accepts nothing more. Everything
 * unacknowledged counts as rejected, and lw_producer_renew replaces the client.
 *
 * A topic's max.message.bytes bounds a batch, and librdkafka rejects all messages of
 * a batch that exceeds it, even small ones. So messages that were rejected for their
 * size are sent once more, one per batch, by a second client. Only messages rejected
 * there are too large; the others may arrive after later ones. */
#include "kafka/producer.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/explain.h"
#include "kafka/log.h"
#include "kafka/producer_private.h"

#define WAIT_MS 100

struct lw_producer {
    struct lw_kafka_log log; /* first: librdkafka's opaque */
    rd_kafka_t *rk;
    _Atomic(rd_kafka_t *) alone; /* sends one message per batch; NULL until needed */
    struct lw_kafka_options *options;
    rd_kafka_topic_t **topic; /* of rk, by name; for senders */
    size_t ntopics;
    atomic_bool ending; /* purged messages are not reported */
    _Atomic uint64_t acked, refused;
    _Atomic size_t too_large; /* smallest value that was rejected for its size */
    pthread_mutex_t lock;
    char refusal[480]; /* the first since the last flush; under lock */
};

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);

/* A client; alone: with one message per batch. */
static rd_kafka_t *client_new(struct lw_producer *p, bool alone, struct lw_err *err) {
    char why[256];
    rd_kafka_conf_t *conf = lw_kafka_conf(p->options, "producer", err);
    if (!conf)
        return NULL;
    if (alone)
        rd_kafka_conf_set(conf, "batch.num.messages", "1", why, sizeof why);
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!rk) {
        rd_kafka_conf_destroy(conf);
        lw_fail(err, LW_ECONFIG, "kafka: %s", why);
    }
    return rk;
}

/* Reports of failures lack the message's time, so it is kept in the message's opaque
 * pointer; 0: none. */
static void *with_time(int64_t ms) {
    return ms > 0 && (uint64_t)ms <= UINTPTR_MAX ? (void *)(uintptr_t)ms : NULL;
}

static int64_t time_of(const rd_kafka_message_t *m) {
    return (int64_t)(uintptr_t)m->_private;
}

/* On success librdkafka owns the headers. */
static rd_kafka_error_t *send_once(rd_kafka_t *rk, const struct lw_record *r,
                                   rd_kafka_headers_t *headers) {
    rd_kafka_vu_t vu[9];
    size_t n = 0;
    vu[n].vtype = RD_KAFKA_VTYPE_TOPIC;
    vu[n++].u.cstr = r->topic;
    vu[n].vtype = RD_KAFKA_VTYPE_PARTITION;
    vu[n++].u.i32 = r->partition;
    vu[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    vu[n++].u.i = RD_KAFKA_MSG_F_COPY;
    vu[n].vtype = RD_KAFKA_VTYPE_KEY;
    vu[n].u.mem.ptr = (void *)(uintptr_t)r->key;
    vu[n++].u.mem.size = r->key ? r->key_len : 0;
    vu[n].vtype = RD_KAFKA_VTYPE_VALUE;
    vu[n].u.mem.ptr = (void *)(uintptr_t)r->value;
    vu[n++].u.mem.size = r->value ? r->value_len : 0;
    if (r->time_ms >= 0) {
        vu[n].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
        vu[n++].u.i64 = r->time_ms;
        vu[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
        vu[n++].u.ptr = with_time(r->time_ms);
    }
    if (headers) {
        vu[n].vtype = RD_KAFKA_VTYPE_HEADERS;
        vu[n++].u.headers = headers;
    }
    return rd_kafka_produceva(rk, vu, n);
}

/* Sends the message of a delivery report again, in a batch of its own. */
static bool send_alone(struct lw_producer *p, const rd_kafka_message_t *m) {
    rd_kafka_headers_t *had = NULL, *headers = NULL;
    pthread_mutex_lock(&p->lock);
    if (!atomic_load(&p->alone))
        atomic_store(&p->alone, client_new(p, true, NULL));
    rd_kafka_t *rk = atomic_load(&p->alone);
    pthread_mutex_unlock(&p->lock);
    if (!rk)
        return false;
    if (rd_kafka_message_headers(m, &had) == RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = rd_kafka_headers_copy(had);
    const struct lw_record record = {.topic = rd_kafka_topic_name(m->rkt),
                                     .partition = m->partition,
                                     .key = m->key,
                                     .key_len = m->key_len,
                                     .value = m->payload,
                                     .value_len = m->len,
                                     .time_ms = time_of(m) ? time_of(m) : -1};
    rd_kafka_error_t *error = send_once(rk, &record, headers);
    if (!error)
        return true;
    if (headers)
        rd_kafka_headers_destroy(headers);
    rd_kafka_error_destroy(error);
    return false;
}

static void note_refusal(struct lw_producer *p, rd_kafka_t *rk,
                         const rd_kafka_message_t *m) {
    char words[LW_KAFKA_WORDS];
    const char *topic = rd_kafka_topic_name(m->rkt);
    bool right = lw_kafka_refusal(words, sizeof words, rk, m->err, "write", topic);
    pthread_mutex_lock(&p->lock);
    if (!p->refusal[0] && right)
        lw_copy(p->refusal, sizeof p->refusal, words);
    else if (!p->refusal[0])
        snprintf(p->refusal, sizeof p->refusal,
                 "topic %s refused a message of %zu bytes: %s", topic, m->len,
                 rd_kafka_err2str(m->err));
    pthread_mutex_unlock(&p->lock);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    struct lw_producer *p = opaque;
    bool large = m->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&p->acked, 1);
        return;
    }
    if (atomic_load(&p->ending))
        return;
    if (large && rk == p->rk && send_alone(p, m))
        return;
    atomic_fetch_add(&p->refused, 1);
    if (large && m->len < atomic_load(&p->too_large))
        atomic_store(&p->too_large, m->len);
    note_refusal(p, rk, m);
}

struct lw_producer *lw_producer_new(const struct lw_kafka_options *options,
                                    struct lw_err *err) {
    struct lw_producer *p = lw_calloc(1, sizeof *p);
    lw_kafka_log_init(&p->log);
    pthread_mutex_init(&p->lock, NULL);
    atomic_store(&p->too_large, SIZE_MAX);
    p->options = lw_memdup(options, sizeof *options);
    p->rk = client_new(p, false, err);
    if (p->rk)
        return p;
    lw_producer_free(p);
    return NULL;
}

/* Ends a client without waiting for its queue. */
static void end_one(rd_kafka_t *rk) {
    if (!rk)
        return;
    rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                           RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_poll(rk, 0);
    rd_kafka_destroy(rk);
}

static void clients_end(struct lw_producer *p) {
    atomic_store(&p->ending, true);
    for (size_t i = 0; i < p->ntopics; i++)
        rd_kafka_topic_destroy(p->topic[i]);
    free(p->topic);
    p->topic = NULL;
    p->ntopics = 0;
    end_one(p->rk);
    end_one(atomic_load(&p->alone));
    p->rk = NULL;
    atomic_store(&p->alone, NULL);
    atomic_store(&p->ending, false);
}

void lw_producer_free(struct lw_producer *p) {
    if (!p)
        return;
    clients_end(p);
    lw_kafka_log_fini(&p->log);
    pthread_mutex_destroy(&p->lock);
    lw_secret_free(p->options, sizeof *p->options);
    free(p);
}

static void clients_poll(struct lw_producer *p, int timeout_ms) {
    rd_kafka_t *alone = atomic_load(&p->alone);
    rd_kafka_poll(p->rk, timeout_ms);
    if (alone)
        rd_kafka_poll(alone, 0);
}

/* Messages that are not acknowledged yet. */
static int count_unacked(const struct lw_producer *p) {
    rd_kafka_t *alone = atomic_load(&p->alone);
    return rd_kafka_outq_len(p->rk) + (alone ? rd_kafka_outq_len(alone) : 0);
}

/* LW_ESTOP when one of the clients has met a fatal error. */
static int check_fatal(struct lw_producer *p, struct lw_err *err) {
    char why[256] = "", words[LW_KAFKA_WORDS];
    rd_kafka_t *rk = p->rk, *alone = atomic_load(&p->alone);
    rd_kafka_resp_err_t rc = rd_kafka_fatal_error(rk, why, sizeof why);
    if (!rc && alone)
        rc = rd_kafka_fatal_error(alone, why, sizeof why);
    if (!rc)
        return 0;
    return lw_fail(
        err, LW_ESTOP, "kafka: the producer has failed: %s",
        lw_kafka_refusal(words, sizeof words, rk, rc, "write", "<topic>") ? words : why);
}

bool lw_producer_failed(struct lw_producer *p) {
    return check_fatal(p, NULL) != 0;
}

int lw_producer_renew(struct lw_producer *p, struct lw_err *err) {
    rd_kafka_t *rk = client_new(p, false, err);
    if (!rk)
        return -1;
    clients_end(p);
    p->rk = rk;
    pthread_mutex_lock(&p->lock);
    p->refusal[0] = '\0';
    pthread_mutex_unlock(&p->lock);
    return 0;
}

int lw_producer_login(struct lw_producer *p, struct lw_err *err) {
    rd_kafka_t *alone = atomic_load(&p->alone);
    if (lw_kafka_login(p->rk, p->options, err))
        return -1;
    return alone ? lw_kafka_login(alone, p->options, err) : 0;
}

rd_kafka_topic_t *lw__producer_topic(struct lw_producer *p, const char *name) {
    for (size_t i = 0; i < p->ntopics; i++)
        if (strcmp(rd_kafka_topic_name(p->topic[i]), name) == 0)
            return p->topic[i];
    rd_kafka_topic_t *topic = rd_kafka_topic_new(p->rk, name, NULL);
    if (!topic)
        return NULL;
    p->topic = lw_realloc(p->topic, p->ntopics + 1, sizeof *p->topic);
    return p->topic[p->ntopics++] = topic;
}

static int fail_produce(struct lw_producer *p, const struct lw_record *record,
                        rd_kafka_error_t *error, struct lw_err *err) {
    rd_kafka_resp_err_t rc = rd_kafka_error_code(error);
    enum lw_errc code = LW_EINPUT;
    if (rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        rc == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        code = LW_ENOTFOUND;
    if (check_fatal(p, err) == 0)
        lw_fail(err, code, "kafka: producing to %s: %s", record->topic,
                rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return -1;
}

int lw__producer_send(struct lw_producer *p, const struct lw_record *record,
                      rd_kafka_headers_t *headers, int timeout_ms, struct lw_err *err) {
    int64_t until = lw_mono_ms() + timeout_ms;
    rd_kafka_error_t *error;
    while ((error = send_once(p->rk, record, headers)) != NULL) {
        int64_t left = until - lw_mono_ms();
        if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            if (headers)
                rd_kafka_headers_destroy(headers);
            return fail_produce(p, record, error, err);
        }
        rd_kafka_error_destroy(error);
        if (left <= 0) {
            if (headers)
                rd_kafka_headers_destroy(headers);
            return lw_fail(
                err, LW_EAGAIN,
                "kafka: the local queue to %s has been full for %d ms (%d messages wait)",
                record->topic, timeout_ms, count_unacked(p));
        }
        clients_poll(p, left < WAIT_MS ? (int)left : WAIT_MS);
    }
    clients_poll(p, 0);
    return 0;
}

int lw_producer_produce(struct lw_producer *p, const struct lw_record *record,
                        int timeout_ms, struct lw_err *err) {
    rd_kafka_headers_t *headers =
        record->nheaders ? rd_kafka_headers_new(record->nheaders) : NULL;
    for (size_t i = 0; i < record->nheaders; i++)
        rd_kafka_header_add(headers, record->headers[i].name, -1,
                            record->headers[i].value, (ssize_t)record->headers[i].len);
    return lw__producer_send(p, record, headers, timeout_ms, err);
}

void lw_producer_poll(struct lw_producer *p) {
    clients_poll(p, 0);
}

int lw_producer_flush(struct lw_producer *p, int timeout_ms, struct lw_err *err) {
    int64_t until = lw_mono_ms() + timeout_ms;
    rd_kafka_resp_err_t rc = rd_kafka_flush(p->rk, timeout_ms);
    rd_kafka_t *alone = atomic_load(&p->alone);
    int64_t left = until - lw_mono_ms();
    if (alone && rc == RD_KAFKA_RESP_ERR_NO_ERROR)
        rc = rd_kafka_flush(alone, left > 0 ? (int)left : 0);
    char refusal[sizeof p->refusal];
    pthread_mutex_lock(&p->lock);
    lw_copy(refusal, sizeof refusal, p->refusal);
    p->refusal[0] = '\0';
    pthread_mutex_unlock(&p->lock);
    if (check_fatal(p, err))
        return -1;
    if (refusal[0])
        return lw_fail(err, LW_ESTOP, "kafka: %s", refusal);
    if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return lw_fail(err, LW_EAGAIN, "kafka: %d messages are not acknowledged yet",
                       count_unacked(p));
    return rc ? lw_fail(err, LW_ESTOP, "kafka: flush: %s", rd_kafka_err2str(rc)) : 0;
}

uint64_t lw_producer_acked(const struct lw_producer *p) {
    return atomic_load(&p->acked);
}

uint64_t lw_producer_refused(const struct lw_producer *p) {
    return atomic_load(&p->refused);
}

rd_kafka_t *lw_producer_handle(struct lw_producer *p) {
    return p->rk;
}

size_t lw__producer_too_large(const struct lw_producer *p) {
    return atomic_load(&p->too_large);
}
