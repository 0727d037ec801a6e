/* A client that only asks where partitions end. rd_kafka_query_watermark_offsets is in
 * every librdkafka that we build with; the one call that asks for all partitions at once
 * (ListOffsets) came with 2.3. */
#include "kafka/lag.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/log.h"

struct lw_lag {
    struct lw_kafka_log log; /* first: librdkafka's opaque */
    rd_kafka_t *rk;
    char topic[250];
};

struct lw_lag *lw_lag_new(const struct lw_kafka_options *options, const char *topic,
                          struct lw_err *err) {
    char text[256];
    rd_kafka_conf_t *conf = lw_kafka_conf(options, "reader", err);
    if (!conf)
        return NULL;
    struct lw_lag *lag = lw_calloc(1, sizeof *lag);
    lw_kafka_log_init(&lag->log);
    lw_copy(lag->topic, sizeof lag->topic, topic);
    rd_kafka_conf_set_opaque(conf, &lag->log);
    lag->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
    if (!lag->rk) {
        rd_kafka_conf_destroy(conf);
        lw_lag_free(lag);
        lw_fail(err, LW_ECONFIG, "kafka: %s", text);
        return NULL;
    }
    return lag;
}

void lw_lag_free(struct lw_lag *lag) {
    if (!lag)
        return;
    if (lag->rk)
        rd_kafka_destroy(lag->rk);
    lw_kafka_log_fini(&lag->log);
    free(lag);
}

int lw_lag_ends(struct lw_lag *lag, int32_t n, int timeout_ms, int64_t *end,
                struct lw_err *err) {
    int64_t until = lw_mono_ms() + timeout_ms;
    for (int32_t p = 0; p < n; p++)
        end[p] = -1;
    for (int32_t p = 0; p < n; p++) {
        int64_t low, left = until - lw_mono_ms();
        rd_kafka_resp_err_t rc =
            left <= 0 ? RD_KAFKA_RESP_ERR__TIMED_OUT
                      : rd_kafka_query_watermark_offsets(lag->rk, lag->topic, p, &low,
                                                         &end[p], (int)left);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        end[p] = -1;
        return lw_fail(err, LW_EAGAIN, "kafka: where %s/%" PRId32 " ends: %s", lag->topic,
                       p, rd_kafka_err2str(rc));
    }
    return 0;
}
