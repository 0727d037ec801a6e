/* Explains errors of brokers: which broker, what is wrong, and which key to change.
 * librdkafka has one text for an expired certificate, one of another host and one of
 * an unknown authority, and one text for a wrong password and an unsupported login. */
#ifndef LW_KAFKA_EXPLAIN_H
#define LW_KAFKA_EXPLAIN_H

#include "kafka/client.h"

#define LW_KAFKA_WORDS    480
#define LW_KAFKA_NO_RIGHT "no right to " /* prefix of a missing permission */

/* An error of a client with librdkafka's reason; certificate: the last problem with
 * the broker's certificate, or "". rk may be NULL. Returns out. */
char *lw_kafka_explain(char *out, size_t size, rd_kafka_t *rk, int code,
                       const char *reason, const char *certificate);
/* A permission that an ACL denies. what: the topic's or group's name. NULL when the
 * error has another cause. */
char *lw_kafka_refusal(char *out, size_t size, rd_kafka_t *rk, int code,
                       const char *operation, const char *what);
/* What is wrong with a certificate, by OpenSSL's code (X509_V_ERR_...) and the
 * certificate (DER) that it concerns; broker: "host:port/id". Returns out. */
char *lw_kafka_certificate(char *out, size_t size, const char *broker, int code,
                           const void *der, size_t len);
/* What the configuration requires and this librdkafka lacks; NULL: nothing. version:
 * as rd_kafka_version(). */
const char *lw_kafka_unable(const struct lw_kafka_options *options, int version);

#endif
