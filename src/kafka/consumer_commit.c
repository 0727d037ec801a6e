/* Offsets committed to Kafka, only for lag tools.
 *
 * A commit of a member that is rejoining waits at the broker until all members have
 * joined, and then belongs to an old generation. Before 2.10, librdkafka treats that
 * as a loss of all its partitions (its issue 4059): each join of a third member made
 * the others drop their state and read again. So older versions commit seldom. A
 * partition that is given up is always committed, before the member rejoins. */
#include "base/time.h"
#include "kafka/consumer_private.h"

#define FIXED       0x020a0000
#define EACH_MS     5000
#define EACH_OLD_MS 30000

void lw_consumer_commit(struct lw_consumer *c, int32_t partition, int64_t next_offset) {
    struct lw_owned *o = lw__consumer_find(c, partition);
    if (o)
        o->done = next_offset;
}

void lw__consumer_done(struct lw_consumer *c, struct lw_owned *o,
                       rd_kafka_topic_partition_list_t *list) {
    if (o->done > 0)
        rd_kafka_topic_partition_list_add(list, c->topic, o->partition)->offset = o->done;
    o->done = 0;
}

void lw__consumer_commit(struct lw_consumer *c,
                         const rd_kafka_topic_partition_list_t *list) {
    if (list->cnt > 0)
        rd_kafka_commit(c->rk, list, 1);
}

void lw__consumer_commit_due(struct lw_consumer *c) {
    int64_t now = lw_mono_ms();
    if (now - c->committed_ms < (rd_kafka_version() >= FIXED ? EACH_MS : EACH_OLD_MS))
        return;
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)c->nowned);
    for (size_t i = 0; i < c->nowned; i++)
        lw__consumer_done(c, &c->owned[i], list);
    lw__consumer_commit(c, list);
    rd_kafka_topic_partition_list_destroy(list);
    c->committed_ms = now;
}
