/* rd_kafka_offsets_for_times with RD_KAFKA_OFFSET_END asks for all partitions in one
 * request per broker and keeps its timeout when one is down;
 * rd_kafka_query_watermark_offsets does neither. */
#include "kafka/lag.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "kafka/query_client.h"

struct lw_lag {
    struct lw_query_client client;
    char topic[250];
};

struct lw_lag *lw_lag_new(const struct lw_kafka_options *options, const char *topic,
                          struct lw_err *err) {
    struct lw_lag *lag = lw_calloc(1, sizeof *lag);
    lw_copy(lag->topic, sizeof lag->topic, topic);
    if (lw_query_client_open(&lag->client, options, "reader", err)) {
        lw_lag_free(lag);
        return NULL;
    }
    return lag;
}

void lw_lag_free(struct lw_lag *lag) {
    if (!lag)
        return;
    lw_query_client_close(&lag->client);
    free(lag);
}

/* A partition without a leader or without an answer in time has its own error; the
 * call fails only when no broker answers. */
static int take_ends(struct lw_lag *lag, const rd_kafka_topic_partition_list_t *list,
                     int64_t *end, struct lw_err *err) {
    int rc = 0;
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        if (p->err == 0 && p->offset >= 0)
            end[p->partition] = p->offset;
        else if (rc == 0)
            rc = lw_fail(err, LW_EAGAIN, "kafka: end offset of %s/%" PRId32 ": %s",
                         lag->topic, p->partition,
                         p->err ? rd_kafka_err2str(p->err) : "not known");
    }
    return rc;
}

int lw_lag_ends(struct lw_lag *lag, int32_t n, int timeout_ms, int64_t *end,
                struct lw_err *err) {
    char why[256];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
    for (int32_t p = 0; p < n; p++) {
        end[p] = -1;
        rd_kafka_topic_partition_list_add(list, lag->topic, p)->offset =
            RD_KAFKA_OFFSET_END;
    }
    rd_kafka_poll(lag->client.rk, 0); /* for its errors */
    rd_kafka_resp_err_t rc =
        n > 0 ? rd_kafka_offsets_for_times(lag->client.rk, list, timeout_ms) : 0;
    int failed = rc ? lw_fail(err, LW_EAGAIN, "kafka: end offsets of %s: %s", lag->topic,
                              rd_kafka_err2str(rc))
                    : take_ends(lag, list, end, err);
    rd_kafka_topic_partition_list_destroy(list);
    bool reported = lw_kafka_log_trouble(&lag->client.log, why, sizeof why);
    return failed && reported ? lw_err_context(err, "%s", why) : failed;
}

rd_kafka_t *lw_lag_handle(struct lw_lag *lag) {
    return lag->client.rk;
}
