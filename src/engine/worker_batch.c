/* From a message to the partition's panes: decode, validate, score, accumulate. Hot
 * path: no allocation and no lock per event.
 *
 * A message that cannot be processed now (the queue for dead letters is full) changes
 * nothing: it and the rest of the batch are read again later, and consuming pauses
 * until the next flush succeeds. */
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"

#define POLL_MAX_MS 50
#define AHEAD       4 /* messages whose bytes are being prefetched */

/* A counter that only this thread writes. An atomic addition would stall twice per
 * event: it waits for all earlier stores and delays all later loads. */
static void count_one(_Atomic uint64_t *counter) {
    uint64_t n = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

static void score_and_add(struct lw_worker *w, struct lw_partition_state *s,
                          const rd_kafka_message_t *m, const struct lw_row *row,
                          int reason) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored[LW_VERSIONS_MAX];
    size_t n = reason == LW_GOOD && lw_spec_predicts(w->spec) ? s->models.n : 0;
    lw_spec_watch(w->spec, row, watched);
    for (size_t i = 0; i < n; i++) {
        scored[i].version = s->models.version[i];
        scored[i].prediction = lw_model_predict(s->models.model[i], row);
    }
    lw_partition_bound(s->progress, lw_intake_message_time(m));
    const struct lw_pane_event event = {m->offset,   watched, reason,
                                        row->target, scored,  n};
    lw_partition_add(s->progress, row, &event);
    if (n == 0)
        return;
    count_one(&w->counter[LW_PROCESS_SCORED]);
    if (w->predictions)
        lw__worker_out_prediction(w, m, row, &scored[0]);
}

/* The message is processed. */
static void partition_advance(struct lw_worker *w, struct lw_partition_state *s,
                              const rd_kafka_message_t *m) {
    s->changed = true;
    s->next_offset = m->offset + 1;
    w->since_flush++;
    count_one(&w->counter[LW_PROCESS_MESSAGES]);
}

/* Only a message that can never be read becomes a dead letter; others are retried. */
static int message_refuse(struct lw_worker *w, struct lw_partition_state *s,
                          const rd_kafka_message_t *m, const char *stage,
                          const struct lw_err *why, struct lw_err *err) {
    if (why->code != LW_EINPUT)
        return lw_fail(err, why->code, "%s", why->msg);
    if (lw__worker_out_letter(w, m, stage, why, err))
        return lw_err_context(err, "dead letter of partition %d, offset %lld",
                              m->partition, (long long)m->offset);
    partition_advance(w, s, m);
    lw_partition_dead_lettered(s->progress);
    atomic_fetch_add(&w->counter[LW_PROCESS_DEAD_LETTERED], 1);
    return 0;
}

/* -1: not now; nothing has changed. */
static int message_handle(struct lw_worker *w, const rd_kafka_message_t *m,
                          struct lw_err *err) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row;
    struct lw_err why;
    why.code = LW_OK; /* its text is 512 bytes, which need no zeroes */
    struct lw_partition_state *s = &w->state[m->partition];
    if (s->phase != LW_PARTITION_RUNS || s->paused || m->offset < s->next_offset)
        return 0; /* given up, or repeated after a seek */
    lw_intake_patience(w->intake, lw__worker_schema_patience(w, s));
    int rc = lw_intake_decode(w->intake, m, cells, &why);
    if (rc && why.code == LW_EAGAIN)
        return lw__worker_pause_partition(w, m, &why);
    if (s->waited && m->offset == s->waited_at)
        lw__worker_schema_waited(w, s, !lw_intake_unknown(w->intake), lw_mono_ms());
    if (rc)
        return message_refuse(w, s, m, "VALUE_CONVERTER", &why, err);
    int reason =
        lw_event_row(&w->spec->event, cells, lw_intake_message_time(m), &row, &why);
    if (reason < 0) {
        if (!w->time_logged) /* once: each dead letter has its own reason */
            lw_log(event_time_invalid, w->owner, m->partition, LW_QUOTE(why.msg));
        w->time_logged = true;
        return message_refuse(w, s, m, "TRANSFORMATION", &why, err);
    }
    partition_advance(w, s, m);
    score_and_add(w, s, m, &row, reason);
    return 0;
}

/* Drops messages[from .. n): each partition among them seeks to its first. */
static void put_back(struct lw_worker *w, int from, int n, const struct lw_err *why) {
    lw__worker_pause(w, true, why);
    w->backoff_ms = w->backoff_ms ? 2 * w->backoff_ms : LW_RETRY_MS;
    w->backoff_ms = w->backoff_ms < LW_BACKOFF_MAX_MS ? w->backoff_ms : LW_BACKOFF_MAX_MS;
    w->backoff_until_ms = lw_mono_ms() + w->backoff_ms;
    for (int i = n; i-- > from;) {
        const rd_kafka_message_t *m = w->batch[i];
        if (m->partition < w->nstates)
            w->state[m->partition].seek_to = m->offset;
    }
    for (int i = from; i < n; i++) {
        const rd_kafka_message_t *m = w->batch[i];
        struct lw_partition_state *s =
            m->partition < w->nstates ? &w->state[m->partition] : NULL;
        if (!s || s->phase != LW_PARTITION_RUNS || s->paused || s->seek_to != m->offset)
            continue;
        struct lw_err err = {0};
        if (lw_consumer_seek(w->consumer, m->partition, m->offset, &err))
            lw_log(seek_failed, w->owner, m->partition, LW_QUOTE(err.msg));
    }
}

/* A poll that finds less than a full batch lasts this long, so it must be short against
 * the interval of flushes. */
static int poll_ms(const struct lw_worker *w) {
    int64_t ms = w->config->source.flush_interval_ms / 4;
    return ms < 1 ? 1 : ms < POLL_MAX_MS ? (int)ms : POLL_MAX_MS;
}

void lw__worker_consume(struct lw_worker *w) {
    struct lw_err err = {0};
    int n = lw_consumer_poll(w->consumer, w->batch, LW_BATCH, poll_ms(w), &err);
    int64_t now = lw_mono_ms();
    int done = 0;
    atomic_store(&w->polled_ms, now);
    atomic_store(&w->owned, (int)lw_consumer_owned(w->consumer));
    if (n < 0)
        lw__worker_trouble_report(w, LW_WORKER_TROUBLE_GROUP, &err);
    if (n < 0 && err.code == LW_ESTOP)
        lw__engine_request_shutdown(w->engine, &err);
    lw_err_clear(&err);
    for (; done < n; done++) {
        const rd_kafka_message_t *m = w->batch[done];
        if (done + AHEAD < n) /* fetched by another thread: not in this core's cache */
            __builtin_prefetch(w->batch[done + AHEAD]->payload);
        if (m->partition >= w->nstates || m->partition < 0)
            continue;
        w->state[m->partition].heard_ms = now;
        if (message_handle(w, m, &err))
            break;
    }
    if (done < n)
        put_back(w, done, n, &err);
    else if (n > 0)
        w->backoff_ms = 0;
    for (int i = 0; i < n; i++)
        rd_kafka_message_destroy(w->batch[i]);
    lw_err_clear(&err);
    if (lw__worker_out_send(w, &err))
        lw__worker_pause(w, true, &err); /* the flush handles it */
}
