/* Position and end of a partition of the group consumer. */
#include <inttypes.h>

#include "kafka/consumer_private.h"

void lw_consumer_watermarks(struct lw_consumer *c, int32_t partition, int64_t *low,
                            int64_t *high) {
    if (rd_kafka_get_watermark_offsets(c->rk, c->topic, partition, low, high) ||
        *high == RD_KAFKA_OFFSET_INVALID)
        *low = *high = -1;
    if (*low < 0)
        *low = -1;
}

int lw_consumer_ask(struct lw_consumer *c, int32_t partition, int timeout_ms,
                    int64_t *low, int64_t *high, struct lw_err *err) {
    rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(c->rk, c->topic, partition,
                                                              low, high, timeout_ms);
    return rc ? lw_fail(err, LW_EAGAIN,
                        "kafka: first and end offset of %s/%" PRId32 ": %s", c->topic,
                        partition, rd_kafka_err2str(rc))
              : 0;
}

int lw_consumer_at_end(struct lw_consumer *c, int32_t partition) {
    const struct lw_owned *o = lw__consumer_find(c, partition);
    int64_t low, high;
    lw_consumer_watermarks(c, partition, &low, &high);
    if (!o || o->waiting || high < 0)
        return 0;
    return o->next >= 0 ? o->next >= high : low == high;
}

int64_t lw_consumer_position(const struct lw_consumer *c, int32_t partition) {
    const struct lw_owned *o = lw__consumer_find(c, partition);
    return o ? o->next : RD_KAFKA_OFFSET_INVALID;
}

void lw_consumer_skip_to(struct lw_consumer *c, int32_t partition, int64_t offset) {
    struct lw_owned *o = lw__consumer_find(c, partition);
    if (o && o->next < offset)
        o->next = offset;
}

int lw_consumer_starts_late(const struct lw_consumer *c) {
    return c->reset == RD_KAFKA_OFFSET_END;
}

/* By rd_kafka_offsets_for_times, whose time -1 is Kafka's own word for the end:
 * rd_kafka_query_watermark_offsets far exceeds its timeout when a broker is down.
 */
int lw_consumer_ask_end(struct lw_consumer *c, int32_t partition, int timeout_ms,
                        int64_t *end, struct lw_err *err) {
    const struct lw_owned *o = lw__consumer_find(c, partition);
    rd_kafka_topic_partition_list_t *list =
        lw__consumer_list(c, partition, RD_KAFKA_OFFSET_END);
    rd_kafka_resp_err_t rc = rd_kafka_offsets_for_times(c->rk, list, timeout_ms);
    rc = rc ? rc : list->elems[0].err;
    int64_t at = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (rc || at < 0)
        return lw_fail(err, LW_EAGAIN, "kafka: the end of %s/%" PRId32 ": %s", c->topic,
                       partition, rc ? rd_kafka_err2str(rc) : "not known");
    if (end)
        *end = at;
    if (!o || o->waiting)
        return 0;
    int64_t low, high; /* the start is still unknown: has anything arrived since? */
    lw_consumer_watermarks(c, partition, &low, &high);
    return o->next >= 0 ? o->next >= at : at <= high;
}
