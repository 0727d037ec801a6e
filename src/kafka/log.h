/* Passes librdkafka's log lines on, at most one a second per kind and client. A
 * client puts this first in its own struct and sets it as librdkafka's opaque. */
#ifndef LW_KAFKA_LOG_H
#define LW_KAFKA_LOG_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdint.h>

#define LW_LOG_KINDS 32

struct lw_log_kind {
    uint64_t kind; /* hash of librdkafka's facility; 0: free */
    int64_t last_ms;
    uint64_t dropped;
};

struct lw_kafka_log {
    pthread_mutex_t lock;
    struct lw_log_kind seen[LW_LOG_KINDS];
    char trouble[512];     /* newest error that concerns all brokers, or "" */
    char certificate[512]; /* error of the last rejected one */
    char cause[512];       /* why a broker could not be used last, */
    int64_t cause_ms;      /* and when */
    char reported[512];    /* the last logged trouble, */
    int64_t reported_ms;   /* and when */
};
void lw_kafka_log_init(struct lw_kafka_log *log);
void lw_kafka_log_fini(struct lw_kafka_log *log);
/* Takes the trouble out: 1 and its text, or 0. Thread: any. */
int lw_kafka_log_trouble(struct lw_kafka_log *log, char *out, size_t size);
/* Records and logs an error that concerns all brokers. Thread: any. */
void lw_kafka_log_say(struct lw_kafka_log *log, const char *words);
/* The recent cause why no broker could be used, or "". Returns out. Thread: any. */
char *lw_kafka_log_cause(struct lw_kafka_log *log, char *out, size_t size);

/* Callbacks for the conf. Called from librdkafka's own threads. */
void lw_kafka_log_line(const rd_kafka_t *rk, int level, const char *facility,
                       const char *text);
void lw_kafka_log_error(rd_kafka_t *rk, int code, const char *reason, void *opaque);
/* Verifies as librdkafka does and keeps the error. */
int lw_kafka_log_verify(rd_kafka_t *rk, const char *broker, int32_t id, int *x509_error,
                        int depth, const char *der, size_t len, char *why, size_t size,
                        void *opaque);

#endif
