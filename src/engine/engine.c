/* Starting and stopping the threads, and what they share. */
#include "engine/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert/post.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/engine_private.h"
#include "engine/health.h"
#include "engine/leader.h"
#include "engine/notifier.h"
#include "engine/retrainer.h"
#include "engine/topic.h"
#include "engine/worker.h"
#include "kafka/explain.h"
#include "net/curl.h"
#include "store/access.h"

#define METADATA_MS 5000 /* bounds how long a stop waits */

void lw__engine_request_shutdown(struct lw_engine *e, const struct lw_err *why) {
    pthread_mutex_lock(&e->lock);
    if (e->failure.code == LW_OK)
        e->failure = *why;
    pthread_mutex_unlock(&e->lock);
}

bool lw_engine_failed(const struct lw_engine *engine, struct lw_err *why) {
    struct lw_engine *e =
        (struct lw_engine *)(uintptr_t)engine; /* only the lock changes */
    pthread_mutex_lock(&e->lock);
    *why = e->failure;
    pthread_mutex_unlock(&e->lock);
    return why->code != LW_OK;
}

struct lw_lease lw__engine_lease(struct lw_engine *e) {
    pthread_mutex_lock(&e->lock);
    struct lw_lease lease = e->lease;
    pthread_mutex_unlock(&e->lock);
    return lease;
}

static bool engine_sleep(struct lw_engine *e, int64_t ms, bool *woken) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&e->lock);
    int rc = 0;
    while (!atomic_load(&e->stop) && rc != ETIMEDOUT && !(woken && *woken))
        rc = pthread_cond_timedwait(&e->stopping, &e->lock, &until);
    if (woken)
        *woken = false;
    pthread_mutex_unlock(&e->lock);
    return !atomic_load(&e->stop);
}

bool lw__engine_sleep(struct lw_engine *e, int64_t ms) {
    return engine_sleep(e, ms, NULL);
}

bool lw__engine_sleep_leader(struct lw_engine *e, int64_t ms) {
    return engine_sleep(e, ms, &e->leader_woken);
}

void lw__engine_wake_leader(struct lw_engine *e) {
    pthread_mutex_lock(&e->lock);
    e->leader_woken = true;
    pthread_cond_broadcast(&e->stopping);
    pthread_mutex_unlock(&e->lock);
}

/* Missing permissions are an error before anything is written. If Redis is
 * unreachable, the leader asks later (leader.c). */
static int ask_permissions(struct lw_engine *e, struct lw_err *err) {
    struct lw_access a = {.denied = false};
    struct lw_redis *r = lw_redis_new(&e->config->redis, err);
    if (!r)
        return -1;
    lw_access_look(r, &e->config->spec, e->config->source.topic, &a, NULL);
    int rc = a.denied ? lw_access_fail(r, &a, LW_ECONFIG, err) : 0;
    lw_redis_free(r);
    return rc;
}

/* The topic must exist. The caller retries while brokers are unreachable. */
static int count_partitions(struct lw_engine *e, struct lw_err *err) {
    struct lw_probe *probe = lw_probe_new(&e->config->kafka, err);
    if (!probe)
        return -1;
    int rc = lw__topic_count(e, lw_probe_handle(probe), METADATA_MS, err);
    lw_probe_free(probe);
    return rc;
}

static int start_thread(pthread_t *thread, void *(*main)(void *), void *arg,
                        struct lw_err *err) {
    int rc = pthread_create(thread, NULL, main, arg);
    return rc ? lw_fail(err, LW_ESTOP, "cannot start a thread: %s", strerror(rc)) : 0;
}

static int start_workers(struct lw_engine *e, struct lw_err *err) {
    int n = e->config->source.workers;
    e->worker = lw_calloc((size_t)n, sizeof *e->worker);
    e->worker_thread = lw_calloc((size_t)n, sizeof *e->worker_thread);
    for (int i = 0; i < n; i++) {
        struct lw_worker *w = lw__worker_new(e, i, err);
        if (!w)
            return -1;
        if (start_thread(&e->worker_thread[i], lw__worker_main, w, err)) {
            lw__worker_free(w);
            return -1;
        }
        e->worker[e->nworkers++] = w;
    }
    return 0;
}

static int start_notifiers(struct lw_engine *e, struct lw_err *err) {
    for (size_t i = 0; i < e->config->nreceivers; i++) {
        struct lw_notifier *n = lw_calloc(1, sizeof *n);
        *n = (struct lw_notifier){.engine = e, .receiver = (int)i};
        if (start_thread(&e->notifier_thread[i], lw__notifier_main, n, err)) {
            free(n);
            return -1;
        }
        e->nnotifiers++;
    }
    return 0;
}

/* Before threads start: it initialises libcurl. */
static int open_registry(struct lw_engine *e, struct lw_err *err) {
    const struct lw_config_source *source = &e->config->source;
    if (source->framing != LW_FRAMING_CONFLUENT)
        return 0;
    e->registry = lw_registry_new(&source->registry, err);
    return e->registry ? 0 : -1;
}

static int start_all(struct lw_engine *e, struct lw_err *err) {
    if (lw_curl_init(err) || open_registry(e, err) || ask_permissions(e, err) ||
        count_partitions(e, err))
        return -1;
    if (start_thread(&e->leader_thread, lw__leader_main, e, err))
        return -1;
    e->leader_runs = true;
    if (start_thread(&e->retrainer_thread, lw__retrainer_main, e, err))
        return -1;
    e->retrainer_runs = true;
    if (start_thread(&e->topic_thread, lw__topic_main, e, err))
        return -1;
    e->topic_runs = true;
    if (start_notifiers(e, err) || start_workers(e, err) ||
        start_thread(&e->health_thread, lw__health_main, e, err))
        return -1;
    e->health_runs = true;
    return 0;
}

static void warn_of_client(const struct lw_config *config) {
    const char *unable = lw_kafka_unable(&config->kafka, rd_kafka_version());
    if (unable)
        lw_log(kafka_client, rd_kafka_version_str(), LW_QUOTE(unable));
}

struct lw_engine *lw_engine_start(const struct lw_config *config,
                                  const struct lw_engine_hooks *hooks,
                                  struct lw_err *err) {
    struct lw_engine *e = lw_calloc(1, sizeof *e);
    char host[64] = "localhost";
    sigset_t all, before;
    gethostname(host, sizeof host - 1);
    e->config = config;
    e->hooks = hooks ? *hooks : (struct lw_engine_hooks){0};
    lw_health_init(&e->health);
    snprintf(e->who, sizeof e->who, "%s:%ld", host, (long)getpid());
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    pthread_cond_init(&e->stopping, NULL);
    atomic_store(&e->sealed_until_ms, INT64_MIN);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    warn_of_client(config);
    int rc = start_all(e, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return e;
    lw_engine_stop(e);
    return NULL;
}

static void stop_threads(struct lw_engine *e) {
    pthread_mutex_lock(&e->lock);
    atomic_store(&e->stop, true);
    e->stop_flag = 1;
    pthread_cond_broadcast(&e->changed);
    pthread_cond_broadcast(&e->stopping);
    pthread_mutex_unlock(&e->lock);
    if (e->health_runs) /* it looks at the workers */
        pthread_join(e->health_thread, NULL);
    for (int i = 0; i < e->nworkers; i++)
        pthread_join(e->worker_thread[i], NULL);
    if (e->leader_runs)
        pthread_join(e->leader_thread, NULL);
    if (e->retrainer_runs)
        pthread_join(e->retrainer_thread, NULL);
    if (e->topic_runs)
        pthread_join(e->topic_thread, NULL);
    for (int i = 0; i < e->nnotifiers; i++)
        pthread_join(e->notifier_thread[i], NULL);
}

void lw_engine_stop(struct lw_engine *e) {
    if (!e)
        return;
    stop_threads(e);
    for (int i = 0; i < e->nworkers; i++)
        lw__worker_free(e->worker[i]);
    lw_registry_free(e->registry);
    free(e->worker);
    free(e->worker_thread);
    lw__retrainer_job_free(e->job);
    free(e->brokers.end);
    for (int c = 0; c < LW_COMPONENTS; c++)
        free(e->direct[c].json);
    pthread_cond_destroy(&e->stopping);
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void lw_engine_health(const struct lw_engine *engine, struct lw_health *out) {
    struct lw_engine *e = (struct lw_engine *)(uintptr_t)engine; /* only the lock */
    pthread_mutex_lock(&e->lock);
    *out = e->health;
    pthread_mutex_unlock(&e->lock);
}

bool lw_engine_live(const struct lw_engine *engine, struct lw_live_facts *out) {
    struct lw_engine *e = (struct lw_engine *)(uintptr_t)engine; /* only the lock */
    pthread_mutex_lock(&e->lock);
    bool known = e->live_known && atomic_load(&e->leading);
    *out = e->live;
    pthread_mutex_unlock(&e->lock);
    return known;
}

void lw_engine_flow(struct lw_engine *e, enum lw_flow flow) {
    atomic_store(&e->flow, (int)flow);
}

void lw_engine_hold_tracking(struct lw_engine *e, bool held) {
    atomic_store(&e->holds_tracking, held);
}

void lw_engine_complete(struct lw_engine *e, int64_t until_ms) {
    atomic_store(&e->complete_ms, until_ms);
}

const char *lw_engine_who(const struct lw_engine *e) {
    return e->who;
}

static void add_registry(const struct lw_engine *e, struct lw_engine_status *s) {
    if (!e->registry)
        return;
    struct lw_registry_status r = lw_registry_status(e->registry);
    s->registry = true;
    s->registry_away = r.away;
    s->registry_requests = r.requests;
    s->registry_failures = r.failures;
}

struct lw_engine_status lw_engine_status(const struct lw_engine *e) {
    int64_t sealed_until_ms = atomic_load(&e->sealed_until_ms); /* before `training` */
    struct lw_engine_status s = {.leading = atomic_load(&e->leading),
                                 .training = atomic_load(&e->training),
                                 .sealed_until_ms = sealed_until_ms,
                                 .trainings = atomic_load(&e->trainings),
                                 .trainings_failed = atomic_load(&e->trainings_failed),
                                 .polled_ms = INT64_MAX,
                                 .flow_flushed = true};
    for (size_t i = 0; i < e->config->nreceivers; i++)
        s.outbox += atomic_load(&e->outbox[i]);
    for (int i = 0; i < e->nworkers; i++) {
        struct lw_worker_status w = lw__worker_status(e->worker[i]);
        for (int k = 0; k < LW_PROCESS_COUNTERS; k++)
            s.counts.n[k] += w.counts.n[k];
        s.partitions += w.owned;
        s.stalled |= w.stalled;
        s.paused_partitions += w.npaused;
        s.flow_flushed &= w.flow_flushed;
        s.polled_ms = w.polled_ms < s.polled_ms ? w.polled_ms : s.polled_ms;
    }
    add_registry(e, &s);
    return s;
}
