/* What went wrong with the brokers, in words: which of them, what it is, and the key to
 * change. librdkafka has one text for an expired certificate, another host's, and an
 * unknown authority; and one for a wrong password and for a login that it cannot do. */
#ifndef LW_KAFKA_EXPLAIN_H
#define LW_KAFKA_EXPLAIN_H

#include "kafka/client.h"

#define LW_KAFKA_WORDS    480
#define LW_KAFKA_NO_RIGHT "no right to " /* so begin the words of a refusal */

/* An error of a client with librdkafka's reason; certificate: what was found wrong with
 * the broker's at last, or "". rk may be NULL. Returns out. */
char *lw_kafka_explain(char *out, size_t size, rd_kafka_t *rk, int code,
                       const char *reason, const char *certificate);
/* A right that an ACL does not give. what: the topic's or group's name. NULL when the
 * error is none of those. */
char *lw_kafka_refusal(char *out, size_t size, rd_kafka_t *rk, int code,
                       const char *operation, const char *what);
/* What is wrong with a certificate, by OpenSSL's code (X509_V_ERR_...) and the
 * certificate (DER) that it concerns; broker: "host:port/id". Returns out. */
char *lw_kafka_certificate(char *out, size_t size, const char *broker, int code,
                           const void *der, size_t len);
/* What the configuration asks and this librdkafka cannot do; NULL: nothing. version: as
 * rd_kafka_version(). */
const char *lw_kafka_unable(const struct lw_kafka_options *options, int version);

#endif
