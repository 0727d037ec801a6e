/* See probe.h. */
#include "kafka/probe.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/time.h"
#include "kafka/query_client.h"

#define SLICE_MS 1000 /* returns early when the cause is known */

struct lw_probe {
    struct lw_query_client client;
};

struct lw_probe *lw_probe_new(const struct lw_kafka_options *options,
                              struct lw_err *err) {
    struct lw_probe *p = lw_calloc(1, sizeof *p);
    if (lw_query_client_open(&p->client, options, "probe", err) == 0)
        return p;
    lw_probe_free(p);
    return NULL;
}

void lw_probe_free(struct lw_probe *p) {
    if (!p)
        return;
    lw_query_client_close(&p->client);
    free(p);
}

rd_kafka_t *lw_probe_handle(struct lw_probe *p) {
    return p->client.rk;
}

int32_t lw_probe_partitions(struct lw_probe *p, const char *topic, int timeout_ms,
                            struct lw_err *err) {
    int64_t until = lw_mono_ms() + timeout_ms;
    for (;;) {
        struct lw_err why = {0};
        char cause[512];
        int64_t left = until - lw_mono_ms();
        int slice = left > SLICE_MS ? SLICE_MS : left > 0 ? (int)left : 0;
        rd_kafka_poll(p->client.rk, 0);
        int32_t n = lw_kafka_partitions(p->client.rk, topic, slice, &why);
        lw_kafka_log_cause(&p->client.log, cause, sizeof cause);
        if (n >= 0 || why.code != LW_EAGAIN || cause[0] || left <= SLICE_MS) {
            if (n < 0)
                lw_fail(err, why.code, "%s", why.msg);
            return n;
        }
    }
}

size_t lw_probe_ranges(struct lw_probe *p, const char *topic, int32_t n, int timeout_ms,
                       struct lw_offset_range *out) {
    size_t found = 0;
    for (int32_t i = 0; i < n; i++) {
        int64_t low, high;
        if (rd_kafka_query_watermark_offsets(p->client.rk, topic, i, &low, &high,
                                             timeout_ms) == 0 &&
            high > low)
            out[found++] = (struct lw_offset_range){i, low, high - 1};
    }
    return found;
}
