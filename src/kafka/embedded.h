/* A broker inside the process: librdkafka's mock cluster. For the demo and for tests,
 * never for data that matters: a partition keeps only its newest 5 MiB or 100,000
 * messages, and offsets by time are not answered. */
#ifndef LW_KAFKA_EMBEDDED_H
#define LW_KAFKA_EMBEDDED_H

#include <stdint.h>

#include "leeway/err.h"

struct lw_embedded;

struct lw_embedded *lw_embedded_new(struct lw_err *err);
void lw_embedded_free(struct lw_embedded *b);
const char *lw_embedded_bootstrap(const struct lw_embedded *b); /* "127.0.0.1:port" */
int lw_embedded_topic(struct lw_embedded *b, const char *topic, int32_t partitions,
                      struct lw_err *err);

#endif
