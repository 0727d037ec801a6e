/* A broker that is away makes librdkafka say so several times a second, for days. So of
 * each kind (its facility: FAIL, REQTMOUT, ...) one line a second goes through, with the
 * number of those held back in between. */
#include "kafka/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/time.h"
#include "kafka/client.h"
#include "leeway/row.h"

#define EVERY_MS 1000

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

/* May it be logged now? *held: how many were not since the last one. */
static int due(struct lw_kafka_log *log, const char *facility, uint64_t *held) {
    *held = 0;
    if (!log)
        return 1;
    int64_t now = lw_mono_ms();
    pthread_mutex_lock(&log->lock);
    struct lw_log_kind *s = slot_of(log, lw_text_key(facility, strlen(facility)) | 1);
    int yes = now - s->last_ms >= EVERY_MS;
    if (yes) {
        *held = s->held_back;
        s->held_back = 0;
        s->last_ms = now;
    } else {
        s->held_back++;
    }
    pthread_mutex_unlock(&log->lock);
    return yes;
}

static enum lw_level level_of(int syslog_level) {
    if (syslog_level <= 3)
        return LW_ERROR;
    if (syslog_level == 4)
        return LW_WARN;
    return syslog_level <= 6 ? LW_INFO : LW_DEBUG;
}

void lw_kafka_log_line(const rd_kafka_t *rk, int level, const char *facility,
                       const char *text) {
    uint64_t held;
    char hushed[600], quoted[700];
    /* One map configures consumers and producers, so each gets some keys of the other;
     * and AUTOCREATE is about brokers older than 0.11, which only a mock cluster plays.
     */
    if ((strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored by this")) ||
        strcmp(facility, "AUTOCREATE") == 0)
        return;
    if (!due(rk ? rd_kafka_opaque(rk) : NULL, facility, &held))
        return;
    lw_kafka_hush(hushed, sizeof hushed, rk, text);
    lw_log_quote(quoted, sizeof quoted, hushed);
    if (held)
        lw_log(level_of(level), "kafka", "kind=%s text=%s held_back=%" PRIu64, facility,
               quoted, held);
    else
        lw_log(level_of(level), "kafka", "kind=%s text=%s", facility, quoted);
}

void lw_kafka_log_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    struct lw_kafka_log *log = opaque;
    int matters = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
                  code == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                  code == RD_KAFKA_RESP_ERR__RESOLVE || code == RD_KAFKA_RESP_ERR__SSL;
    if (!log || !matters)
        return; /* single brokers come and go: the log has it */
    char hushed[sizeof log->trouble];
    lw_kafka_hush(hushed, sizeof hushed, rk, reason);
    pthread_mutex_lock(&log->lock);
    lw_copy(log->trouble, sizeof log->trouble, hushed);
    pthread_mutex_unlock(&log->lock);
}
