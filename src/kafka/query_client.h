/* A librdkafka client for requests only: it joins no group and writes nothing. For
 * lag, probe and ranges. Thread: one. */
#ifndef LW_KAFKA_QUERY_CLIENT_H
#define LW_KAFKA_QUERY_CLIENT_H

#include "kafka/client.h"
#include "kafka/log.h"

struct lw_query_client {
    struct lw_kafka_log log; /* librdkafka's opaque */
    rd_kafka_t *rk;          /* NULL: not open */
};

/* role: "reader" (a consumer) or "probe" (a producer). Connects at the first request.
 * LW_ECONFIG: a property that librdkafka rejects. _close in any case. */
int lw_query_client_open(struct lw_query_client *c,
                         const struct lw_kafka_options *options, const char *role,
                         struct lw_err *err);
void lw_query_client_close(struct lw_query_client *c);

#endif
