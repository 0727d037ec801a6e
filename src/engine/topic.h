/* Watches the partitions of the topic (topic.c). */
#ifndef LW_ENGINE_TOPIC_H
#define LW_ENGINE_TOPIC_H

#include "engine/engine_private.h"

void *lw__topic_main(void *engine);
/* Counts the topic's partitions: 0, or -1 with LW_EAGAIN or LW_ENOTFOUND. */
int lw__topic_count(struct lw_engine *e, rd_kafka_t *probe, int timeout_ms,
                    struct lw_err *err);

#endif
