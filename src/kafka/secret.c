/* Recognises secret properties of librdkafka and removes their values from its
 * messages.
 *
 * librdkafka has no API for which properties are secret, but their names show it:
 * password, passphrase, secret, a private key in PEM. The exception is
 * sasl.oauthbearer.config, whose text may contain anything. User names and file paths
 * are not secrets.
 *
 * librdkafka's messages contain no values, except the rest of an OAUTHBEARER
 * configuration that it cannot parse. So in each message a secret, or its end of at
 * least eight bytes, becomes ***. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "kafka/client.h"

#define LEAST 4 /* shorter texts occur by chance */
#define TAIL  8 /* this much of a secret's end reveals it */

bool lw_kafka_secret(const char *property) {
    static const char *const word[] = {"password", "passphrase", "secret", "jaas",
                                       "key.pem"};
    size_t len = strlen(property);
    if (len > 5 && strcmp(property + len - 5, "_file") == 0)
        return false; /* a path */
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (strstr(property, word[i]))
            return true;
    return strcmp(property, "sasl.oauthbearer.config") == 0;
}

/* Length of the match of the secret, from its byte `from` on, at `at`, if it reaches
 * the secret's or the text's end; else 0. */
static size_t secret_match(const char *at, const char *secret, size_t from, size_t len) {
    size_t n = 0, least = len < TAIL ? len : TAIL;
    while (from + n < len && at[n] == secret[from + n])
        n++;
    return n >= least && (from + n == len || at[n] == '\0') ? n : 0;
}

static void secret_hide(char *text, const char *secret) {
    size_t len = strlen(secret);
    if (len < LEAST)
        return;
    for (char *at = text; *at; at++) {
        size_t n = 0;
        for (size_t from = 0; from < len && n == 0; from++)
            n = secret_match(at, secret, from, len);
        if (n == 0)
            continue;
        memmove(at + 3, at + n, strlen(at + n) + 1);
        memset(at, '*', 3);
        at += 2;
    }
}

char *lw_kafka_redact(char *out, size_t size, const rd_kafka_t *rk, const char *text) {
    size_t n = 0;
    const char **pair = NULL;
    char *whole = lw_strdup(text);
    if (rk) /* it only reads */
        pair = rd_kafka_conf_dump(
            (rd_kafka_conf_t *)(uintptr_t)rd_kafka_conf((rd_kafka_t *)(uintptr_t)rk), &n);
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (!lw_kafka_secret(pair[i]))
            continue;
        secret_hide(whole, pair[i + 1]);
        lw_secret_wipe((char *)(uintptr_t)pair[i + 1], strlen(pair[i + 1]));
    }
    if (pair)
        rd_kafka_conf_dump_free(pair, n);
    lw_copy(out, size, whole);
    lw_secret_free(whole, strlen(text));
    return out;
}
