/* librdkafka repeats errors several times a second while a broker is unreachable. So
 * each kind (its facility: FAIL, REQTMOUT, ...) is logged once a second, with the
 * number of lines that were dropped in between. */
#include "kafka/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/client.h"
#include "kafka/explain.h"
#include "leeway/row.h"

#define EVERY_MS 1000
#define FRESH_MS 30000  /* how long a cause explains that all brokers are down */
#define AGAIN_MS 600000 /* a lasting trouble is logged again */

void lw_kafka_log_init(struct lw_kafka_log *log) {
    memset(log, 0, sizeof *log);
    pthread_mutex_init(&log->lock, NULL);
}

void lw_kafka_log_fini(struct lw_kafka_log *log) {
    pthread_mutex_destroy(&log->lock);
}

int lw_kafka_log_trouble(struct lw_kafka_log *log, char *out, size_t size) {
    pthread_mutex_lock(&log->lock);
    int any = log->trouble[0] != '\0';
    lw_copy(out, size, log->trouble);
    log->trouble[0] = '\0';
    pthread_mutex_unlock(&log->lock);
    return any;
}

/* Slot of a kind: its own, a free one, or the one that has been quiet the longest. */
static struct lw_log_kind *slot_of(struct lw_kafka_log *log, uint64_t kind) {
    struct lw_log_kind *best = &log->seen[0];
    for (size_t i = 0; i < LW_LOG_KINDS; i++) {
        struct lw_log_kind *s = &log->seen[i];
        if (s->kind == kind)
            return s;
        if (best->kind != 0 && (s->kind == 0 || s->last_ms < best->last_ms))
            best = s;
    }
    *best = (struct lw_log_kind){.kind = kind, .last_ms = -EVERY_MS};
    return best;
}

/* True if a line of the kind is due; *dropped: lines dropped since the last one. */
static int kind_due(struct lw_kafka_log *log, const char *facility, uint64_t *dropped) {
    *dropped = 0;
    if (!log)
        return 1;
    int64_t now = lw_mono_ms();
    pthread_mutex_lock(&log->lock);
    struct lw_log_kind *s = slot_of(log, lw_text_key(facility, strlen(facility)) | 1);
    int yes = now - s->last_ms >= EVERY_MS;
    if (yes) {
        *dropped = s->dropped;
        s->dropped = 0;
        s->last_ms = now;
    } else {
        s->dropped++;
    }
    pthread_mutex_unlock(&log->lock);
    return yes;
}

static enum lw_log_level level_of(int syslog_level) {
    if (syslog_level <= 3)
        return LW_ERROR;
    if (syslog_level == 4)
        return LW_WARN;
    return syslog_level <= 6 ? LW_INFO : LW_DEBUG;
}

/* One unreachable broker is common: kept only as the cause, in case all are down. */
static void note_cause(struct lw_kafka_log *log, const char *words) {
    pthread_mutex_lock(&log->lock);
    lw_copy(log->cause, sizeof log->cause, words);
    log->cause_ms = lw_mono_ms();
    pthread_mutex_unlock(&log->lock);
}

/* Newer versions report a broker that closes the connection only in the log. It
 * matters during the first request. */
static void note_hang_up(const rd_kafka_t *rk, const char *text) {
    char words[LW_KAFKA_WORDS];
    const char *at = strstr(text, "]: ");
    if (!strstr(text, "Disconnected") || !strstr(text, "in state APIVERSION_QUERY"))
        return;
    rd_kafka_t *client = (rd_kafka_t *)(uintptr_t)rk;
    lw_kafka_explain(words, sizeof words, client, RD_KAFKA_RESP_ERR__TRANSPORT,
                     at ? at + 3 : text, "");
    note_cause(rd_kafka_opaque(rk), words);
}

void lw_kafka_log_line(const rd_kafka_t *rk, int level, const char *facility,
                       const char *text) {
    uint64_t dropped;
    char redacted[600];
    /* One map configures consumers and producers, so each gets some keys of the other;
     * and AUTOCREATE is about brokers older than 0.11, which only a mock cluster plays.
     */
    if ((strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored by this")) ||
        strcmp(facility, "AUTOCREATE") == 0)
        return;
    if (rk && rd_kafka_opaque(rk) && strcmp(facility, "FAIL") == 0)
        note_hang_up(rk, text);
    if (!kind_due(rk ? rd_kafka_opaque(rk) : NULL, facility, &dropped))
        return;
    lw_kafka_redact(redacted, sizeof redacted, rk, text);
    lw_log_at(level_of(level), kafka, facility, LW_QUOTE(redacted), dropped);
}

char *lw_kafka_log_cause(struct lw_kafka_log *log, char *out, size_t size) {
    pthread_mutex_lock(&log->lock);
    bool fresh = log->cause[0] && lw_mono_ms() - log->cause_ms < FRESH_MS;
    lw_copy(out, size, fresh ? log->cause : "");
    pthread_mutex_unlock(&log->lock);
    return out;
}

/* The cause of the last failure says more than that all brokers are down. */
static void remember_trouble(struct lw_kafka_log *log, bool all, const char *words) {
    int64_t now = lw_mono_ms();
    char trouble[sizeof log->trouble];
    pthread_mutex_lock(&log->lock);
    bool caused = log->cause[0] && now - log->cause_ms < FRESH_MS;
    if (!all) {
        lw_copy(log->cause, sizeof log->cause, words);
        log->cause_ms = now;
    }
    lw_copy(log->trouble, sizeof log->trouble, all && caused ? log->cause : words);
    size_t reported =
        strcspn(log->reported, "["); /* behind it: librdkafka's own, with times */
    bool tell = reported != strcspn(log->trouble, "[") ||
                strncmp(log->reported, log->trouble, reported) != 0 ||
                now - log->reported_ms >= AGAIN_MS;
    if (tell) {
        lw_copy(log->reported, sizeof log->reported, log->trouble);
        log->reported_ms = now;
        lw_copy(trouble, sizeof trouble, log->trouble);
    }
    pthread_mutex_unlock(&log->lock);
    if (tell)
        lw_log(kafka_trouble, LW_QUOTE(trouble));
}

void lw_kafka_log_say(struct lw_kafka_log *log, const char *words) {
    remember_trouble(log, false, words);
}

void lw_kafka_log_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct lw_kafka_log *log = opaque;
    char words[LW_KAFKA_WORDS], certificate[512], redacted[1024];
    if (!log || strstr(reason, "Broker handle destroyed")) /* it ends */
        return;
    pthread_mutex_lock(&log->lock);
    lw_copy(certificate, sizeof certificate, log->certificate);
    pthread_mutex_unlock(&log->lock);
    lw_kafka_redact(redacted, sizeof redacted, rk, reason);
    lw_kafka_explain(words, sizeof words, rk, code, redacted, certificate);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        remember_trouble(log, true, words);
    else if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
             code == RD_KAFKA_RESP_ERR__RESOLVE || code == RD_KAFKA_RESP_ERR__SSL)
        remember_trouble(log, false, words);
    else if (code == RD_KAFKA_RESP_ERR__TRANSPORT)
        note_cause(log, words);
}

/* NOLINTNEXTLINE(readability-function-size) the library's signature */
int lw_kafka_log_verify(rd_kafka_t *rk, const char *broker, int32_t id, int *x509_error,
                        int depth, const char *der, size_t len, char *why, size_t size,
                        void *opaque) {
    struct lw_kafka_log *log = opaque;
    char words[LW_KAFKA_WORDS];
    (void)rk;
    (void)id;
    (void)depth;
    if (*x509_error == 0)
        return 1;
    lw_kafka_certificate(words, sizeof words, broker, *x509_error, der, len);
    lw_copy(why, size, words);
    if (log) {
        pthread_mutex_lock(&log->lock);
        lw_copy(log->certificate, sizeof log->certificate, words);
        pthread_mutex_unlock(&log->lock);
    }
    return 0;
}
