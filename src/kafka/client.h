/* Shared by all users of librdkafka here: client configuration from the `kafka:` map,
 * secrets, metadata requests. */
#ifndef LW_KAFKA_CLIENT_H
#define LW_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "leeway/err.h"

#define LW_KAFKA_PROPERTIES_MAX 128
struct lw_kafka_options {
    size_t n;
    struct lw_kafka_property {
        char key[96];
        char value[512]; /* passed to rd_kafka_conf_set unchanged */
        char file[512];  /* instead of a value: read for each new client */
    } property[LW_KAFKA_PROPERTIES_MAX];
};

/* A conf with our defaults for the role ("consumer", "reader", "producer", "probe"),
 * then the user's properties. LW_ECONFIG names the property and librdkafka's reason,
 * or the file of a secret that cannot be read. What concerns only the other kind of
 * client is ignored by librdkafka. The caller owns it (rd_kafka_new takes it). Its
 * opaque must be NULL or a struct lw_kafka_log (kafka/log.h). */
rd_kafka_conf_t *lw_kafka_conf(const struct lw_kafka_options *options, const char *role,
                               struct lw_err *err);
/* Adds a property with its value, or with the file that it is read from; the other is "".
 * LW_ECONFIG: there are LW_KAFKA_PROPERTIES_MAX already, or a text is too long. */
int lw_kafka_add(struct lw_kafka_options *options, const char *key, const char *value,
                 const char *file, struct lw_err *err);
/* Value of a property as the user set it, or NULL. */
const char *lw_kafka_property(const struct lw_kafka_options *options, const char *key);
/* True if the property's value is a secret; by its name, so that properties of newer
 * versions of librdkafka are covered. Secrets never appear in logs, errors or the
 * printed configuration. */
bool lw_kafka_secret(const char *property);
/* Why a configuration may not set the property, and what to do; NULL: it may. */
const char *lw_kafka_refused(const char *property);
/* A text of librdkafka with the secrets of the client's configuration replaced (rk
 * NULL: unchanged). Returns out. */
char *lw_kafka_redact(char *out, size_t size, const rd_kafka_t *rk, const char *text);
/* When the files that a client was made from were last changed: those of passwords,
 * which a client takes while it runs (lw_kafka_login), and all others (certificates,
 * keys, authorities), for which the client is recreated. */
struct lw_kafka_stamp {
    uint64_t login, rest;
};
struct lw_kafka_stamp lw_kafka_stamp(const struct lw_kafka_options *options);
/* Applies the current password to new connections. LW_ECONFIG. */
int lw_kafka_login(rd_kafka_t *rk, const struct lw_kafka_options *options,
                   struct lw_err *err);
/* Number of partitions of a topic; -1 with LW_EAGAIN (unreachable, or no permission
 * to see it) or LW_ENOTFOUND (no such topic). Blocks for at most timeout_ms. The
 * client's opaque is a struct lw_kafka_log. Thread: any. */
int32_t lw_kafka_partitions(rd_kafka_t *rk, const char *topic, int timeout_ms,
                            struct lw_err *err);

/* An error's text without the prefix "kafka: ". */
const char *lw_kafka_bare(const char *msg);

/* What to do about a batch that cannot be unpacked, with the property to raise. */
char *lw_kafka_unpack_advice(char *out, size_t size, const rd_kafka_t *rk);

#endif
