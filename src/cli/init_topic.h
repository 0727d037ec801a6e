/* A sample of a topic as an Avro file, from which `leeway init` drafts like from any
 * other. */
#ifndef LW_CLI_INIT_TOPIC_H
#define LW_CLI_INIT_TOPIC_H

#include "cli/options.h"
#include "kafka/client.h"

struct lw_init_topic {
    const char *topic, *servers;
    const char *schema; /* file of the schema that the messages were written with */
    struct lw_texts properties; /* of librdkafka, as NAME=VALUE */
};

/* Checks names and values, without connecting. LW_ECONFIG: a secret in plain text, or a
 * property that a configuration may not set. */
int lw_init_topic_options(const struct lw_init_topic *from, struct lw_kafka_options *out,
                          struct lw_err *err);
/* Writes the newest messages of all partitions, in order of their record times, to a
 * container file. *framing: how they are framed, as the configuration calls it. Progress
 * and what cannot be read go to standard error. LW_EAGAIN, LW_ENOTFOUND, LW_EINPUT: the
 * topic is empty, or no message fits the schema. */
int lw_init_topic_save(const struct lw_init_topic *from,
                       const struct lw_kafka_options *kafka, const char *path,
                       const char **framing, struct lw_err *err);

#endif
