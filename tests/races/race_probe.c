/* Races that the thread sanitizer must report, and correct code that it must not report:
 * its silence about leeway means something only if it detects races.
 *
 *   race_probe MODE
 *
 *   posix, c11      two threads of that kind increment one variable            reported
 *   callback        likewise librdkafka's thread, in a callback, and ours      reported
 *   locked          the same three under a lock                                silent
 *   handed          data passed through a queue of librdkafka                  silent
 *
 * Timing does not matter: the sanitizer judges by the order that locks guarantee, not by
 * the actual order. */
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "base/mem.h"
#include "kafka/embedded.h"

#define TIMES 1000

static bool locked;
static long counted;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mtx_t lock_c11;

static void counter_add(void) {
    if (locked)
        pthread_mutex_lock(&lock);
    counted++;
    if (locked)
        pthread_mutex_unlock(&lock);
}

static void *count_posix(void *arg) {
    for (int i = 0; i < TIMES; i++)
        counter_add();
    return arg;
}

static int count_c11(void *arg) {
    (void)arg;
    for (int i = 0; i < TIMES; i++) {
        if (locked)
            mtx_lock(&lock_c11);
        counted++;
        if (locked)
            mtx_unlock(&lock_c11);
    }
    return 7;
}

static void posix_race(void) {
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        lw_assert(pthread_create(&thread[i], NULL, count_posix, NULL) == 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
}

static void c11(void) {
    thrd_t thread[2];
    int result = 0;
    mtx_init(&lock_c11, mtx_plain);
    for (int i = 0; i < 2; i++)
        lw_assert(thrd_create(&thread[i], count_c11, NULL) == thrd_success);
    for (int i = 0; i < 2; i++)
        lw_assert(thrd_join(thread[i], &result) == thrd_success && result == 7);
    mtx_destroy(&lock_c11);
}

static void on_log(const rd_kafka_t *rk, int level, const char *fac, const char *text) {
    (void)rk, (void)level, (void)fac, (void)text;
    counter_add();
}

static rd_kafka_t *producer_new(const char *servers, rd_kafka_conf_t *conf) {
    char why[200];
    rd_kafka_conf_set(conf, "bootstrap.servers", servers, why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    lw_assert(rk);
    return rk;
}

/* librdkafka's threads write its log while this thread counts, too. */
static void callback_race(const char *servers) {
    char why[200];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const struct rd_kafka_metadata *metadata;
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set(conf, "debug", "all", why, sizeof why);
    rd_kafka_t *rk = producer_new(servers, conf);
    count_posix(NULL);
    /* librdkafka has logged by now, and may log while this thread counts. */
    lw_assert(rd_kafka_metadata(rk, 1, NULL, &metadata, 10000) == 0);
    rd_kafka_metadata_destroy(metadata);
    count_posix(NULL);
    rd_kafka_destroy(rk);
}

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    long *value = m->_private;
    (void)rk, (void)opaque;
    ++*value;
}

struct poller {
    rd_kafka_t *rk;
    long *value;
};

static void *poll_until_delivered(void *arg) {
    struct poller *p = arg;
    while (rd_kafka_outq_len(p->rk) > 0)
        rd_kafka_poll(p->rk, 10);
    lw_assert(*p->value == 2);
    return NULL;
}

/* Written by this thread, changed in the delivery report of another thread, and read
 * again after that thread has ended. */
static void handed_over(const char *servers) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    struct poller p = {.rk = producer_new(servers, conf),
                       .value = lw_calloc(1, sizeof(long))};
    pthread_t thread;
    char text[] = "v";
    *p.value = 1;
    const rd_kafka_vu_t message[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = "t"},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {text, 1}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = p.value}};
    lw_assert(!rd_kafka_produceva(p.rk, message, sizeof message / sizeof *message));
    lw_assert(pthread_create(&thread, NULL, poll_until_delivered, &p) == 0);
    pthread_join(thread, NULL);
    lw_assert(*p.value == 2);
    rd_kafka_destroy(p.rk);
    free(p.value);
}

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    struct lw_err err = {0};
    struct lw_embedded *broker = lw_embedded_new(&err);
    lw_assert(broker && lw_embedded_topic(broker, "t", 1, &err) == 0);
    const char *servers = lw_embedded_bootstrap(broker);
    locked = strcmp(mode, "locked") == 0;
    if (locked || strcmp(mode, "posix") == 0)
        posix_race();
    if (locked || strcmp(mode, "c11") == 0)
        c11();
    if (locked || strcmp(mode, "callback") == 0)
        callback_race(servers);
    if (strcmp(mode, "handed") == 0)
        handed_over(servers);
    lw_embedded_free(broker);
    printf("%s ended\n", mode);
    return 0;
}
