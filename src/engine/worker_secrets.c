/* Passwords and certificates that change while the process runs.
 *
 * Running clients take a new password: it is used for new connections, and existing
 * ones stay up. Certificates, keys and authorities are read when a client is created,
 * so for those the worker gives up its partitions as at a stop and rejoins the group.
 * It does so only after a client could be created from the new files: they may be
 * half written. */
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"

#define LOOK_MS 2000

int lw__worker_join(struct lw_worker *w, struct lw_err *err) {
    struct lw_consumer_hooks hooks = {.arg = w,
                                      .assigned = lw__worker_assigned,
                                      .revoked = lw__worker_revoked,
                                      .lost = lw__worker_lost,
                                      .fingerprint = lw__worker_fingerprint,
                                      .out_of_range = lw__worker_out_of_range};
    w->consumer = lw_consumer_new(w->options, w->config->source.topic, &hooks, err);
    return w->consumer ? 0 : -1;
}

static int log_in(struct lw_worker *w, struct lw_err *err) {
    if (lw_consumer_login(w->consumer, w->options, err) ||
        (w->out && lw_producer_login(w->out, err)))
        return -1;
    lw_log(kafka_password_read, w->owner);
    return 0;
}

static int try_files(const struct lw_worker *w, struct lw_err *err) {
    struct lw_probe *probe = lw_probe_new(w->options, err);
    lw_probe_free(probe);
    return probe ? 0 : -1;
}

/* Retries until the process stops. */
static void worker_rejoin(struct lw_worker *w) {
    struct lw_err err = {0};
    lw_consumer_free(w->consumer); /* flushes and gives up each partition */
    w->consumer = NULL;
    if (w->out && lw_producer_renew(w->out, &err))
        lw_log(kafka_files, w->owner, LW_QUOTE(err.msg));
    lw_err_clear(&err);
    while (lw__worker_join(w, &err)) {
        lw_log(kafka_files, w->owner, LW_QUOTE(err.msg));
        lw_err_clear(&err);
        if (!lw__engine_sleep(w->engine, LOOK_MS))
            return;
    }
    if (w->paused)
        lw_consumer_pause(w->consumer, 1);
    lw_log(kafka_files_read, w->owner);
}

void lw__worker_renew_secrets(struct lw_worker *w, int64_t now) {
    struct lw_err err = {0};
    if (now < w->look_at_ms)
        return;
    w->look_at_ms = now + LOOK_MS;
    struct lw_kafka_stamp stamp = lw_kafka_stamp(w->options);
    if (stamp.login != w->stamp.login) {
        if (log_in(w, &err) == 0)
            w->stamp.login = stamp.login;
    } else if (stamp.rest != w->stamp.rest) {
        if (!lw_consumer_may_end(w->consumer))
            return; /* try again in a moment */
        if (try_files(w, &err) == 0) {
            w->stamp.rest = stamp.rest;
            worker_rejoin(w);
        }
    }
    if (err.code)
        lw_log(kafka_files, w->owner, LW_QUOTE(err.msg));
}
