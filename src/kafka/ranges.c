/* Ranges are read with librdkafka's simple consumer: it belongs to no group, so a
 * training never moves an offset, takes part in no rebalance, and needs no rights on
 * a group.
 *
 * Offsets below the low watermark were deleted (retention), those from the high
 * watermark on do not exist (a recreated topic). The rest is read, all partitions
 * into one queue. A range ends with a message at or after its last offset, or with
 * the end of the partition after it: the last offset itself may be a transaction
 * marker or compacted. If retention deletes messages during the read,
 * auto.offset.reset=earliest continues at the new first offset. */
#include "kafka/ranges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "kafka/explain.h"
#include "kafka/query_client.h"

#define BATCH    1000
#define SLICE_MS 100

struct part {
    int32_t partition;
    int64_t from, last;
    int started, done;
};

struct range_reader {
    struct lw_query_client client;
    const char *topic;
    const struct lw_read_options *how;
    rd_kafka_topic_t *rkt;
    rd_kafka_queue_t *queue;
    struct part *part;
    size_t n, open;
    uint64_t gone;
    int64_t progress_ms;
};

static int open_client(struct range_reader *r, const struct lw_kafka_options *options,
                       struct lw_err *err) {
    if (lw_query_client_open(&r->client, options, "reader", err))
        return -1;
    r->rkt = rd_kafka_topic_new(r->client.rk, r->topic, NULL);
    if (!r->rkt)
        return lw_fail(err, LW_ECONFIG, "kafka: topic name \"%s\" is not valid",
                       r->topic);
    r->queue = rd_kafka_queue_new(r->client.rk);
    return 0;
}

static void close_client(struct range_reader *r) {
    for (size_t i = 0; i < r->n; i++)
        if (r->part[i].started && !r->part[i].done)
            rd_kafka_consume_stop(r->rkt, r->part[i].partition);
    if (r->queue)
        rd_kafka_queue_destroy(r->queue);
    if (r->rkt)
        rd_kafka_topic_destroy(r->rkt);
    lw_query_client_close(&r->client);
}

static int reader_stopped(const struct range_reader *r) {
    return r->how->stop && *r->how->stop;
}

/* Why no messages arrive, if the brokers or their ACLs reported it. */
static const char *cause_of(struct range_reader *r, char *out, size_t size, int code) {
    if (lw_kafka_refusal(out, size, r->client.rk, code, "read", r->topic))
        return out;
    lw_kafka_log_cause(&r->client.log, out, size);
    return out[0] ? out : rd_kafka_err2str((rd_kafka_resp_err_t)code);
}

/* Queries the watermarks in slices, so that a stop or a missing broker ends it in
 * time. */
static int query_watermarks(struct range_reader *r, int32_t partition, int64_t *low,
                            int64_t *high, struct lw_err *err) {
    int64_t until = lw_mono_ms() + r->how->timeout_ms;
    char words[LW_KAFKA_WORDS];
    for (;;) {
        rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(
            r->client.rk, r->topic, partition, low, high, 10 * SLICE_MS);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
            return 0;
        if (reader_stopped(r))
            return lw_fail(err, LW_ESTOP, "kafka: reading %s was stopped", r->topic);
        if (rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
            rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
            rc == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION)
            return lw_fail(err, LW_ENOTFOUND, "kafka: there is no %s/%" PRId32, r->topic,
                           partition);
        if (lw_mono_ms() >= until)
            return lw_fail(err, LW_EAGAIN,
                           "kafka: first and end offset of %s/%" PRId32 ": %s", r->topic,
                           partition, cause_of(r, words, sizeof words, (int)rc));
    }
}

/* Limits the range to existing offsets and starts it. */
static int range_start(struct range_reader *r, struct part *p, struct lw_err *err) {
    int64_t low, high;
    if (query_watermarks(r, p->partition, &low, &high, err))
        return -1;
    int64_t from = p->from > low ? p->from : low;
    int64_t last = p->last < high ? p->last : high - 1;
    uint64_t want = (uint64_t)(p->last - p->from) + 1;
    r->gone += want - (last >= from ? (uint64_t)(last - from) + 1 : 0);
    p->done = last < from;
    if (p->done)
        return 0;
    p->from = from;
    p->last = last;
    if (rd_kafka_consume_start_queue(r->rkt, p->partition, from, r->queue) != 0)
        return lw_fail(err, LW_EAGAIN, "kafka: starting %s/%" PRId32 ": %s", r->topic,
                       p->partition, rd_kafka_err2str(rd_kafka_last_error()));
    p->started = 1;
    r->open++;
    return 0;
}

static struct part *part_of(struct range_reader *r, int32_t partition) {
    for (size_t i = 0; i < r->n; i++)
        if (r->part[i].partition == partition)
            return &r->part[i];
    return NULL;
}

static void range_end(struct range_reader *r, struct part *p) {
    p->done = 1;
    r->open--;
    rd_kafka_consume_stop(r->rkt, p->partition);
}

/* Handles an error in place of a message. */
static int error_message(struct range_reader *r, const rd_kafka_message_t *m,
                         struct lw_err *err) {
    char advice[300], words[LW_KAFKA_WORDS];
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return lw_fail(err, LW_ENOTFOUND, "kafka: there is no %s/%" PRId32, r->topic,
                       m->partition);
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__FATAL:
        return lw_fail(err, LW_ESTOP, "kafka: reading %s: %s", r->topic,
                       cause_of(r, words, sizeof words, (int)m->err));
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
        return lw_fail(err, LW_EAGAIN, "kafka: reading %s/%" PRId32 ": %s", r->topic,
                       m->partition,
                       lw_kafka_unpack_advice(advice, sizeof advice, r->client.rk));
    default:
        return 0; /* temporary, or the timeout ends it */
    }
}

static int range_serve(struct range_reader *r, const rd_kafka_message_t *m,
                       struct lw_err *err) {
    struct part *p = part_of(r, m->partition);
    if (m->err && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return error_message(r, m, err);
    if (!p || p->done || !p->started)
        return 0;
    r->progress_ms = lw_mono_ms();
    if (m->err) { /* the end, before m->offset */
        if (m->offset > p->last)
            range_end(r, p);
        return 0;
    }
    int rc =
        m->offset >= p->from && m->offset <= p->last ? r->how->each(r->how->arg, m) : 0;
    if (m->offset >= p->last)
        range_end(r, p);
    return rc;
}

static int serve_batch(struct range_reader *r, rd_kafka_message_t **batch, ssize_t n,
                       struct lw_err *err) {
    int rc = 0;
    for (ssize_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = range_serve(r, batch[i], err);
        rd_kafka_message_destroy(batch[i]);
    }
    return rc;
}

static int read_all(struct range_reader *r, struct lw_err *err) {
    rd_kafka_message_t *batch[BATCH];
    int rc = 0;
    r->progress_ms = lw_mono_ms();
    while (r->open > 0 && rc == 0) {
        ssize_t n = rd_kafka_consume_batch_queue(r->queue, SLICE_MS, batch, BATCH);
        rc = serve_batch(r, batch, n, err);
        if (rc == 0 && reader_stopped(r))
            rc = lw_fail(err, LW_ESTOP, "kafka: reading %s was stopped", r->topic);
        else if (rc == 0 && lw_mono_ms() - r->progress_ms > r->how->timeout_ms)
            rc = lw_fail(err, LW_EAGAIN,
                         "kafka: no more messages of %s for %" PRId64
                         " ms; %zu partitions are incomplete",
                         r->topic, r->how->timeout_ms, r->open);
    }
    return rc;
}

int lw_ranges_read(const struct lw_kafka_options *options, const char *topic,
                   struct lw_offset_ranges ranges, const struct lw_read_options *how,
                   uint64_t *gone, struct lw_err *err) {
    struct range_reader r = {.topic = topic, .how = how};
    r.part = lw_calloc(ranges.n ? ranges.n : 1, sizeof *r.part);
    int rc = open_client(&r, options, err);
    for (size_t i = 0; i < ranges.n && rc == 0; i++) {
        const struct lw_offset_range *range = &ranges.item[i];
        if (range->first < 0 || range->last < range->first)
            continue;
        lw_assert(!part_of(&r, range->partition));
        struct part *p = &r.part[r.n++];
        *p = (struct part){
            .partition = range->partition, .from = range->first, .last = range->last};
        rc = reader_stopped(&r)
                 ? lw_fail(err, LW_ESTOP, "kafka: reading %s was stopped", topic)
                 : range_start(&r, p, err);
    }
    if (rc == 0)
        rc = read_all(&r, err);
    close_client(&r);
    if (gone)
        *gone = r.gone;
    free(r.part);
    return rc;
}
