/* The producer.
 *
 * Idempotent and without a message timeout by default: what was queued arrives once and
 * in order, however long the brokers are away; the local queue is bounded, and who fills
 * it waits. Delivery reports are served by whoever calls us; a refusal for good is
 * remembered until the next flush tells it. */
#include "kafka/producer.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/log.h"
#include "kafka/producer_private.h"

#define WAIT_MS 100

struct lw_producer {
    struct lw_kafka_log log; /* first: librdkafka's opaque */
    rd_kafka_t *rk;
    _Atomic uint64_t acked, refused;
    _Atomic size_t too_large; /* smallest value that was refused for its size */
    pthread_mutex_t lock;
    char refusal[300]; /* the first since the last flush; under lock */
};

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    struct lw_producer *p = opaque;
    (void)rk;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        atomic_fetch_add(&p->acked, 1);
        return;
    }
    if (m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
        m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        return; /* we are being freed */
    atomic_fetch_add(&p->refused, 1);
    if (m->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE &&
        m->len < atomic_load(&p->too_large))
        atomic_store(&p->too_large, m->len);
    pthread_mutex_lock(&p->lock);
    if (!p->refusal[0])
        snprintf(p->refusal, sizeof p->refusal,
                 "topic %s refused a message of %zu bytes: %s",
                 rd_kafka_topic_name(m->rkt), m->len, rd_kafka_err2str(m->err));
    pthread_mutex_unlock(&p->lock);
}

struct lw_producer *lw_producer_new(const struct lw_kafka_options *options,
                                    struct lw_err *err) {
    char why[256];
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "producer", err);
    if (!conf)
        return NULL;
    struct lw_producer *p = lw_calloc(1, sizeof *p);
    lw_kafka_log_init(&p->log);
    pthread_mutex_init(&p->lock, NULL);
    atomic_store(&p->too_large, SIZE_MAX);
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!p->rk) {
        rd_kafka_conf_destroy(conf);
        lw_fail(err, LW_ECONFIG, "kafka: %s", why);
        lw_producer_free(p);
        return NULL;
    }
    return p;
}

void lw_producer_free(struct lw_producer *p) {
    if (!p)
        return;
    if (p->rk) {
        rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                  RD_KAFKA_PURGE_F_NON_BLOCKING);
        rd_kafka_poll(p->rk, 0);
        rd_kafka_destroy(p->rk);
    }
    lw_kafka_log_fini(&p->log);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static int refuse(const struct lw_record *record, rd_kafka_error_t *error,
                  struct lw_err *err) {
    rd_kafka_resp_err_t rc = rd_kafka_error_code(error);
    enum lw_errc code = LW_EINPUT;
    if (rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        rc == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
        code = LW_ENOTFOUND;
    else if (rc == RD_KAFKA_RESP_ERR__FATAL)
        code = LW_ESTOP;
    lw_fail(err, code, "kafka: producing to %s: %s", record->topic,
            rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return -1;
}

/* headers are taken by librdkafka on success. */
static rd_kafka_error_t *send_once(struct lw_producer *p, const struct lw_record *r,
                                   rd_kafka_headers_t *headers) {
    rd_kafka_vu_t vu[8];
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
    }
    if (headers) {
        vu[n].vtype = RD_KAFKA_VTYPE_HEADERS;
        vu[n++].u.headers = headers;
    }
    return rd_kafka_produceva(p->rk, vu, n);
}

int lw__producer_send(struct lw_producer *p, const struct lw_record *record,
                      rd_kafka_headers_t *headers, int timeout_ms, struct lw_err *err) {
    int64_t until = lw_mono_ms() + timeout_ms;
    rd_kafka_error_t *error;
    while ((error = send_once(p, record, headers)) != NULL) {
        int64_t left = until - lw_mono_ms();
        if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            if (headers)
                rd_kafka_headers_destroy(headers);
            return refuse(record, error, err);
        }
        rd_kafka_error_destroy(error);
        if (left <= 0) {
            if (headers)
                rd_kafka_headers_destroy(headers);
            return lw_fail(
                err, LW_EAGAIN,
                "kafka: the local queue to %s has been full for %d ms (%d messages "
                "wait)",
                record->topic, timeout_ms, rd_kafka_outq_len(p->rk));
        }
        rd_kafka_poll(p->rk, left < WAIT_MS ? (int)left : WAIT_MS);
    }
    rd_kafka_poll(p->rk, 0);
    return 0;
}

int lw_produce(struct lw_producer *p, const struct lw_record *record, int timeout_ms,
               struct lw_err *err) {
    rd_kafka_headers_t *headers =
        record->nheaders ? rd_kafka_headers_new(record->nheaders) : NULL;
    for (size_t i = 0; i < record->nheaders; i++)
        rd_kafka_header_add(headers, record->headers[i].name, -1,
                            record->headers[i].value, (ssize_t)record->headers[i].len);
    return lw__producer_send(p, record, headers, timeout_ms, err);
}

void lw_producer_poll(struct lw_producer *p) {
    rd_kafka_poll(p->rk, 0);
}

int lw_producer_flush(struct lw_producer *p, int timeout_ms, struct lw_err *err) {
    rd_kafka_resp_err_t rc = rd_kafka_flush(p->rk, timeout_ms);
    char refusal[sizeof p->refusal];
    pthread_mutex_lock(&p->lock);
    lw_copy(refusal, sizeof refusal, p->refusal);
    p->refusal[0] = '\0';
    pthread_mutex_unlock(&p->lock);
    if (refusal[0])
        return lw_fail(err, LW_ESTOP, "kafka: %s", refusal);
    if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT)
        return lw_fail(err, LW_EAGAIN, "kafka: %d messages are not acknowledged yet",
                       rd_kafka_outq_len(p->rk));
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
