/* See letter.h.
 *
 * leeway's headers follow the message's own, which may have the same names (a topic
 * may be fed from another program's dead letters): leeway's begin at the last
 * __connect.errors.topic. */
#include "kafka/letter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "kafka/producer_private.h"

#define PREFIX    "__connect.errors."
#define REPLAY_MS 1000

static void add_text(rd_kafka_headers_t *headers, const char *name, const char *value) {
    rd_kafka_header_add(headers, name, -1, value, (ssize_t)strlen(value));
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(headers, name, text);
}

static rd_kafka_headers_t *headers_of(const rd_kafka_message_t *m) {
    rd_kafka_headers_t *original = NULL;
    return rd_kafka_message_headers(m, &original) == RD_KAFKA_RESP_ERR_NO_ERROR
               ? rd_kafka_headers_copy(original)
               : rd_kafka_headers_new(8);
}

static struct lw_record record_of(const rd_kafka_message_t *m, const char *topic) {
    rd_kafka_timestamp_type_t kind;
    int64_t time = rd_kafka_message_timestamp(m, &kind);
    return (struct lw_record){
        .topic = topic,
        .partition = RD_KAFKA_PARTITION_UA,
        .key = m->key,
        .key_len = m->key_len,
        .value = m->payload,
        .value_len = m->len,
        .time_ms = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : time,
    };
}

static int send_letter(struct lw_producer *p, const rd_kafka_message_t *m,
                       const struct lw_reason *reason, bool whole, int timeout_ms,
                       struct lw_err *err) {
    struct lw_record record = record_of(m, reason->topic);
    rd_kafka_headers_t *headers = headers_of(m);
    add_text(headers, PREFIX "topic", rd_kafka_topic_name(m->rkt));
    add_number(headers, PREFIX "partition", m->partition);
    add_number(headers, PREFIX "offset", m->offset);
    add_text(headers, PREFIX "connector.name", reason->stream);
    add_text(headers, PREFIX "stage", reason->stage);
    add_text(headers, PREFIX "class.name", "leeway");
    add_text(headers, PREFIX "exception.class.name", lw_errc_name(reason->why->code));
    add_text(headers, PREFIX "exception.message", reason->why->msg);
    if (!whole) {
        add_number(headers, LW_LETTER_SIZE, (int64_t)m->len);
        record.value = NULL;
        record.value_len = 0;
    }
    return lw__producer_send(p, &record, headers, timeout_ms, err);
}

int lw_letter_send(struct lw_producer *p, const rd_kafka_message_t *m,
                   const struct lw_reason *reason, int timeout_ms, struct lw_err *err) {
    struct lw_err why = {0};
    bool whole = m->len < lw__producer_too_large(p);
    int rc = send_letter(p, m, reason, whole, timeout_ms, &why);
    if (rc && why.code == LW_EINPUT && whole) {
        lw_err_clear(&why);
        rc = send_letter(p, m, reason, false, timeout_ms, &why);
    }
    return rc ? lw_fail(err, why.code, "%s", why.msg) : 0;
}

/* ---- reading ---- */

struct letter_header {
    const char *name, *value;
    size_t len;
};

static bool header_at(const rd_kafka_headers_t *headers, size_t i,
                      struct letter_header *out) {
    const void *value;
    if (rd_kafka_header_get_all(headers, i, &out->name, &value, &out->len))
        return false;
    out->value = value ? value : "";
    out->len = value ? out->len : 0;
    return true;
}

static void take_text(char *out, size_t size, const struct letter_header *h) {
    lw_text_safe(out, size, h->value, h->len);
}

static int64_t take_number(const struct letter_header *h) {
    char text[24];
    int64_t v;
    take_text(text, sizeof text, h);
    return lw_parse_i64(text, &v) ? v : -1;
}

static void letter_take_header(struct lw_letter *out, const struct letter_header *h) {
    const char *name = h->name + strlen(PREFIX);
    if (strcmp(h->name, LW_LETTER_SIZE) == 0)
        out->cut = take_number(h);
    else if (strncmp(h->name, PREFIX, strlen(PREFIX)) != 0)
        return;
    else if (strcmp(name, "topic") == 0)
        take_text(out->topic, sizeof out->topic, h);
    else if (strcmp(name, "partition") == 0)
        out->partition = (int32_t)take_number(h);
    else if (strcmp(name, "offset") == 0)
        out->offset = take_number(h);
    else if (strcmp(name, "connector.name") == 0)
        take_text(out->stream, sizeof out->stream, h);
    else if (strcmp(name, "stage") == 0)
        take_text(out->stage, sizeof out->stage, h);
    else if (strcmp(name, "exception.class.name") == 0)
        take_text(out->kind, sizeof out->kind, h);
    else if (strcmp(name, "exception.message") == 0)
        take_text(out->reason, sizeof out->reason, h);
}

int lw_letter_read(const rd_kafka_message_t *m, struct lw_letter *out) {
    rd_kafka_headers_t *headers = NULL;
    struct letter_header h;
    *out = (struct lw_letter){.partition = -1, .offset = -1, .cut = -1};
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    size_t n = 0, ours = SIZE_MAX;
    for (; header_at(headers, n, &h); n++) {
        if (strcmp(h.name, PREFIX "topic") == 0)
            ours = n;
        if (strcmp(h.name, LW_LETTER_REPLAYS) == 0 && take_number(&h) > 0)
            out->replays = (uint64_t)take_number(&h);
    }
    if (ours == SIZE_MAX)
        return 0;
    out->noriginal = ours;
    for (size_t i = ours; i < n; i++)
        if (header_at(headers, i, &h))
            letter_take_header(out, &h);
    return out->topic[0] && out->partition >= 0 && out->offset >= 0;
}

int lw_letter_replay(struct lw_producer *p, const rd_kafka_message_t *m,
                     const struct lw_letter *letter, const char *topic, int32_t partition,
                     struct lw_err *err) {
    rd_kafka_headers_t *had = NULL,
                       *headers = rd_kafka_headers_new(letter->noriginal + 1);
    struct letter_header h;
    if (letter->cut >= 0) {
        rd_kafka_headers_destroy(headers);
        return lw_fail(err, LW_EINPUT,
                       "its value of %" PRId64 " bytes was too large for the dead-letter "
                       "topic; it is still at %s, partition %" PRId32 ", offset %" PRId64,
                       letter->cut, letter->topic, letter->partition, letter->offset);
    }
    rd_kafka_message_headers(m, &had);
    for (size_t i = 0; had && i < letter->noriginal; i++) {
        const void *value;
        if (rd_kafka_header_get_all(had, i, &h.name, &value, &h.len))
            break;
        if (strcmp(h.name, LW_LETTER_REPLAYS) != 0) /* a null value stays one */
            rd_kafka_header_add(headers, h.name, -1, value, value ? (ssize_t)h.len : 0);
    }
    add_number(headers, LW_LETTER_REPLAYS, (int64_t)letter->replays + 1);
    struct lw_record record = record_of(m, topic);
    record.partition = partition;
    return lw__producer_send(p, &record, headers, REPLAY_MS, err);
}
