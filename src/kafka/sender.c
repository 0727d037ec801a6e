/* See sender.h. */
#include "kafka/sender.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "kafka/producer_private.h"

struct sender_record { /* offsets, as the buffer may move while it grows */
    size_t key, value, end;
};

struct lw_sender {
    struct lw_producer *producer;
    char *topic;
    struct lw_buf bytes;
    struct sender_record *piece;
    rd_kafka_message_t *message;
    size_t n, cap;
};

struct lw_sender *lw_sender_new(struct lw_producer *p, const char *topic,
                                struct lw_err *err) {
    if (!lw__producer_topic(p, topic)) {
        lw_fail(err, LW_ECONFIG, "kafka: topic name \"%s\" is not valid", topic);
        return NULL;
    }
    struct lw_sender *s = lw_calloc(1, sizeof *s);
    s->producer = p;
    s->topic = lw_strdup(topic);
    return s;
}

void lw_sender_free(struct lw_sender *s) {
    if (!s)
        return;
    free(s->topic);
    lw_buf_fini(&s->bytes);
    free(s->piece);
    free(s->message);
    free(s);
}

struct lw_buf *lw_sender_key(struct lw_sender *s) {
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 256;
        s->piece = lw_realloc(s->piece, s->cap, sizeof *s->piece);
        s->message = lw_realloc(s->message, s->cap, sizeof *s->message);
    }
    s->piece[s->n].key = s->bytes.len;
    return &s->bytes;
}

struct lw_buf *lw_sender_value(struct lw_sender *s) {
    s->piece[s->n].value = s->bytes.len;
    return &s->bytes;
}

void lw_sender_put(struct lw_sender *s) {
    s->piece[s->n++].end = s->bytes.len;
}

static rd_kafka_message_t message_of(const struct lw_sender *s,
                                     const struct sender_record *p) {
    size_t key_len = p->value - p->key;
    return (rd_kafka_message_t){.partition = RD_KAFKA_PARTITION_UA,
                                .key = key_len ? s->bytes.data + p->key : NULL,
                                .key_len = key_len,
                                .payload = s->bytes.data + p->value,
                                .len = p->end - p->value};
}

/* After an incomplete send: keeps records that found no room, fails on rejected ones. */
static int sort_out(struct lw_sender *s, size_t n, struct lw_err *err) {
    int rc = 0;
    s->n = 0;
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t e = s->message[i].err;
        if (e == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            s->piece[s->n++] = s->piece[i];
        else if (e)
            rc = lw_fail(err, LW_ESTOP, "kafka: producing %zu bytes to %s: %s",
                         s->message[i].len, s->topic, rd_kafka_err2str(e));
    }
    return rc;
}

int lw_sender_send(struct lw_sender *s, struct lw_err *err) {
    size_t n = s->n;
    rd_kafka_topic_t *rkt = lw__producer_topic(s->producer, s->topic);
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        s->message[i] = message_of(s, &s->piece[i]);
    int sent = rd_kafka_produce_batch(rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                                      s->message, (int)n);
    lw_producer_poll(s->producer);
    int rc = 0;
    s->n = 0;
    if ((size_t)sent < n)
        rc = sort_out(s, n, err);
    if (s->n == 0)
        lw_buf_clear(&s->bytes);
    if (rc == 0 && s->n > 0)
        rc = lw_fail(err, LW_EAGAIN,
                     "kafka: the local queue to %s is full (%zu messages wait for it)",
                     s->topic, s->n);
    return rc;
}

size_t lw_sender_left(const struct lw_sender *s) {
    return s->n;
}

void lw_sender_drop(struct lw_sender *s) {
    s->n = 0;
    lw_buf_clear(&s->bytes);
}
