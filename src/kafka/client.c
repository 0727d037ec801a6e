/* Configuration of clients.
 *
 * The user's `kafka:` map is applied unchanged after the defaults, so every property
 * of librdkafka can be set and every default overridden. Properties that the
 * exactly-once contract depends on are set after it: librdkafka neither stores nor
 * commits offsets by itself. It also must not run kinit, which it does when the
 * mechanism is GSSAPI. A configuration that sets one of these is rejected
 * (refused.c).
 *
 * The local queue is bounded by bytes, not by messages (queued.min.messages), and is
 * small: a message of 45 bytes takes about 300 in librdkafka, so 3 MiB of them use 20
 * MB of memory. One fetch may add as much again (librdkafka limits fetch.max.bytes to
 * the queue). librdkafka stops fetching for a second when the queue is full; from 2.2
 * on fetch.queue.backoff.ms shortens that, and older versions are woken (nudge.h). */
#include "kafka/client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"
#include "kafka/explain.h"
#include "kafka/log.h"
#include "leeway/row.h"

#define PREFIX "kafka: "

struct preset {
    const char *role; /* NULL: all */
    const char *key, *value;
    int optional; /* unknown to some supported versions of librdkafka */
};

static const struct preset defaults[] = {
    {"consumer", "partition.assignment.strategy", "cooperative-sticky", 0},
    {"consumer", "auto.offset.reset", "earliest", 0},
    {"consumer", "queued.min.messages", "1000000", 0},
    {"consumer", "queued.max.messages.kbytes", "3072", 0},
    {"consumer", "fetch.wait.max.ms", "50", 0},
    {"consumer", "fetch.error.backoff.ms", "100", 0},
    {"consumer", "fetch.queue.backoff.ms", "20", 1},
    {"consumer", "allow.auto.create.topics", "false", 0},
    /* how soon the group learns of added partitions */
    {"consumer", "topic.metadata.refresh.interval.ms", "10000", 0},
    {"reader", "auto.offset.reset", "earliest", 0},
    {"reader", "queued.min.messages", "1000000", 0},
    {"reader", "queued.max.messages.kbytes", "8192", 0}, /* a partition */
    {"reader", "fetch.wait.max.ms", "50", 0},
    {"reader", "fetch.error.backoff.ms", "100", 0},
    {"reader", "fetch.queue.backoff.ms", "20", 1},
    {"reader", "allow.auto.create.topics", "false", 0},
    {"producer", "linger.ms", "20", 0},
    /* a topic that is created later is found soon */
    {"producer", "topic.metadata.refresh.interval.ms", "10000", 0},
    {"producer", "enable.idempotence", "true", 0},
    {"producer", "message.timeout.ms", "0", 0}, /* librdkafka never gives up */
};

static const struct preset fixed[] = {
    /* An empty kinit.cmd would be the default one. */
    {NULL, "sasl.kerberos.min.time.before.relogin", "0", 1},
    {"consumer", "enable.auto.commit", "false", 0},
    {"consumer", "enable.auto.offset.store", "false", 0},
    {"consumer", "enable.partition.eof", "false", 0}, /* see consumer.c */
    {"reader", "enable.auto.commit", "false", 0},
    {"reader", "enable.auto.offset.store", "false", 0},
    {"reader", "enable.partition.eof", "true", 0},
    {"probe", "enable.idempotence", "false", 0}, /* needs no permission to write */
};

static int apply_presets(rd_kafka_conf_t *conf, const char *role, const struct preset *p,
                         size_t n, struct lw_err *err) {
    char why[256];
    for (size_t i = 0; i < n; i++) {
        if (p[i].role && strcmp(p[i].role, role) != 0)
            continue;
        rd_kafka_conf_res_t rc =
            rd_kafka_conf_set(conf, p[i].key, p[i].value, why, sizeof why);
        if (rc != RD_KAFKA_CONF_OK && !p[i].optional)
            return lw_fail(err, LW_ESTOP, "kafka: this librdkafka (%s) refuses %s=%s: %s",
                           rd_kafka_version_str(), p[i].key, p[i].value, why);
    }
    return 0;
}

/* The first line of a secret's file; all of a PEM's. */
static char *read_secret(const char *key, const char *source, struct lw_err *err) {
    size_t len = strlen(key);
    bool pem = len > 4 && strcmp(key + len - 4, ".pem") == 0;
    char *secret = pem ? lw_secret_text(source, LW_SECRET_MAX, err)
                       : lw_secret_line(source, LW_SECRET_MAX, err);
    if (!secret)
        lw_err_context(err, "kafka.%s_file", key);
    return secret;
}

static int apply_file(rd_kafka_conf_t *conf, const char *key, const char *path,
                      struct lw_err *err) {
    char why[256];
    char *secret = read_secret(key, path, err);
    if (!secret)
        return -1;
    rd_kafka_conf_res_t rc = rd_kafka_conf_set(conf, key, secret, why, sizeof why);
    lw_secret_free_text(secret);
    return rc == RD_KAFKA_CONF_OK
               ? 0
               : lw_fail(err, LW_ECONFIG, "kafka.%s_file: %s", key,
                         rc == RD_KAFKA_CONF_UNKNOWN ? why : "librdkafka refuses it");
}

static int refuse_property(const struct lw_kafka_options *options, const char *key,
                           const char *why, struct lw_err *err) {
    const char *unable = strncmp(key, "sasl.", 5) == 0
                             ? lw_kafka_unable(options, rd_kafka_version())
                             : NULL;
    return lw_fail(err, LW_ECONFIG, "kafka.%s: %s", key, unable ? unable : why);
}

static int apply_user(rd_kafka_conf_t *conf, const struct lw_kafka_options *options,
                      const char *role, struct lw_err *err) {
    char why[256];
    for (size_t i = 0; i < options->n; i++) {
        const char *key = options->property[i].key, *value = options->property[i].value;
        if (strcmp(role, "reader") == 0 && strncmp(key, "group.", 6) == 0)
            continue; /* a reader is not in the group */
        if (options->property[i].file[0]) {
            if (apply_file(conf, key, options->property[i].file, err))
                return -1;
            continue;
        }
        if (rd_kafka_conf_set(conf, key, value, why, sizeof why) != RD_KAFKA_CONF_OK)
            return refuse_property(options, key, why, err);
    }
    return 0;
}

rd_kafka_conf_t *lw_kafka_conf(const struct lw_kafka_options *options, const char *role,
                               struct lw_err *err) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, lw_kafka_log_line);
    rd_kafka_conf_set_error_cb(conf, lw_kafka_log_error);
    const char *verify =
        lw_kafka_property(options, "enable.ssl.certificate.verification");
    if (!verify || strcmp(verify, "false") != 0)
        rd_kafka_conf_set_ssl_cert_verify_cb(conf, lw_kafka_log_verify);
    if (apply_presets(conf, role, defaults, sizeof defaults / sizeof *defaults, err) ||
        apply_user(conf, options, role, err) ||
        apply_presets(conf, role, fixed, sizeof fixed / sizeof *fixed, err)) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    return conf;
}

int lw_kafka_add(struct lw_kafka_options *options, const char *key, const char *value,
                 const char *file, struct lw_err *err) {
    if (options->n == LW_KAFKA_PROPERTIES_MAX)
        return lw_fail(err, LW_ECONFIG, "more than %d properties",
                       LW_KAFKA_PROPERTIES_MAX);
    struct lw_kafka_property *to = &options->property[options->n];
    if (strlen(key) >= sizeof to->key || strlen(value) >= sizeof to->value ||
        strlen(file) >= sizeof to->file)
        return lw_fail(err, LW_ECONFIG,
                       "too long: a key of a property may have %zu bytes, its value %zu",
                       sizeof to->key - 1, sizeof to->value - 1);
    lw_copy(to->key, sizeof to->key, key);
    lw_copy(to->value, sizeof to->value, value);
    lw_copy(to->file, sizeof to->file, file);
    options->n++;
    return 0;
}

const char *lw_kafka_property(const struct lw_kafka_options *options, const char *key) {
    for (size_t i = 0; i < options->n; i++)
        if (strcmp(options->property[i].key, key) == 0)
            return options->property[i].value;
    return NULL;
}

static uint64_t stamp_of(uint64_t h, const char *path) {
    struct stat st;
    struct {
        uint64_t dev, ino, size, s, ns;
    } what = {0};
    if (stat(path, &st) == 0) {
        what.dev = st.st_dev;
        what.ino = st.st_ino;
        what.size = (uint64_t)st.st_size;
        what.s = (uint64_t)st.st_mtim.tv_sec;
        what.ns = (uint64_t)st.st_mtim.tv_nsec;
    }
    return lw_mix64(h ^ lw_text_key((const char *)&what, sizeof what));
}

/* Properties whose value names a file that librdkafka reads when a client is made. */
static bool names_file(const char *key) {
    size_t len = strlen(key);
    return strncmp(key, "ssl.", 4) == 0 && len > 9 &&
           strcmp(key + len - 9, ".location") == 0;
}

struct lw_kafka_stamp lw_kafka_stamp(const struct lw_kafka_options *options) {
    struct lw_kafka_stamp stamp = {0};
    for (size_t i = 0; i < options->n; i++) {
        const char *key = options->property[i].key, *file = options->property[i].file;
        if (file[0] && strcmp(key, "sasl.password") == 0)
            stamp.login = stamp_of(stamp.login, file);
        else if (file[0])
            stamp.rest = stamp_of(stamp.rest, file);
        else if (names_file(key))
            stamp.rest = stamp_of(stamp.rest, options->property[i].value);
    }
    return stamp;
}

int lw_kafka_login(rd_kafka_t *rk, const struct lw_kafka_options *options,
                   struct lw_err *err) {
    const char *user = lw_kafka_property(options, "sasl.username");
    for (size_t i = 0; user && i < options->n; i++) {
        if (strcmp(options->property[i].key, "sasl.password") != 0 ||
            !options->property[i].file[0])
            continue;
        char *secret = read_secret("sasl.password", options->property[i].file, err);
        if (!secret)
            return -1;
        rd_kafka_error_t *error = rd_kafka_sasl_set_credentials(rk, user, secret);
        lw_secret_free_text(secret);
        if (!error)
            return 0;
        lw_fail(err, LW_ECONFIG, "kafka.sasl.password_file: %s",
                rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
        return -1;
    }
    return 0;
}

/* The cause that the error callbacks recorded, if it says more than "no answer". */
static int no_answer(rd_kafka_t *rk, const char *topic, rd_kafka_resp_err_t rc,
                     struct lw_err *err) {
    struct lw_kafka_log *log = rd_kafka_opaque(rk);
    char cause[512] = "";
    if (rd_kafka_type(rk) == RD_KAFKA_PRODUCER)
        rd_kafka_poll(rk, 0);
    if (log)
        lw_kafka_log_cause(log, cause, sizeof cause);
    return lw_fail(err, LW_EAGAIN, "kafka: no brokers answered about topic %s: %s", topic,
                   cause[0] ? cause : rd_kafka_err2str(rc));
}

static int no_topic(rd_kafka_t *rk, const char *topic, rd_kafka_resp_err_t rc,
                    struct lw_err *err) {
    char words[LW_KAFKA_WORDS];
    if (lw_kafka_refusal(words, sizeof words, rk, rc, "describe", topic))
        return lw_fail(err, LW_EAGAIN, "kafka: %s", words);
    return lw_fail(err, LW_EAGAIN, "kafka: topic %s: %s", topic, rd_kafka_err2str(rc));
}

int32_t lw_kafka_partitions(rd_kafka_t *rk, const char *topic, int timeout_ms,
                            struct lw_err *err) {
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    const struct rd_kafka_metadata *md = NULL;
    int32_t n = -1;
    if (!rkt)
        return lw_fail(err, LW_ECONFIG, "kafka: topic name \"%s\" is not valid", topic);
    rd_kafka_resp_err_t rc = rd_kafka_metadata(rk, 0, rkt, &md, timeout_ms);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR)
        no_answer(rk, topic, rc, err);
    else if (md->topic_cnt != 1 ||
             md->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
             (md->topics[0].err == 0 && md->topics[0].partition_cnt == 0))
        lw_fail(err, LW_ENOTFOUND, "kafka: there is no topic %s", topic);
    else if (md->topics[0].err)
        no_topic(rk, topic, md->topics[0].err, err);
    else
        n = md->topics[0].partition_cnt;
    if (md)
        rd_kafka_metadata_destroy(md);
    rd_kafka_topic_destroy(rkt);
    return n;
}

const char *lw_kafka_bare(const char *msg) {
    return strncmp(msg, PREFIX, strlen(PREFIX)) == 0 ? msg + strlen(PREFIX) : msg;
}

/* librdkafka reports the same error for a damaged batch and for one that unpacks to
 * more than its limit (zstd), and fetches the same batch again at once. */
char *lw_kafka_unpack_advice(char *out, size_t size, const rd_kafka_t *rk) {
    char limit[32] = "100000000";
    size_t len = sizeof limit;
    rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)(uintptr_t)rk),
                      "receive.message.max.bytes", limit, &len);
    snprintf(
        out, size,
        "a batch cannot be unpacked: if it takes more than receive.message.max.bytes "
        "(%s), raise kafka.receive.message.max.bytes; otherwise it is damaged",
        limit);
    return out;
}
