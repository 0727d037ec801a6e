/* Partitions that wait for a schema.
 *
 * A message whose schema the registry has not returned yet can be neither read nor
 * skipped, so its partition is paused there: fetched messages are dropped, and
 * fetching continues at that message once the schema is known or will never be (then
 * the message is a dead letter). Polling and flushing continue, and the worker keeps
 * the partition. While the registry is unreachable, only partitions that meet a new
 * schema pause.
 *
 * An id that the registry does not know may belong to a producer that is slightly
 * ahead, or be garbage. A partition waits `missing_wait` for the first one. Each wait
 * in vain leaves an eighth of the patience for the next; a schema that arrives
 * restores all of it; otherwise it regrows at a twentieth of elapsed time. So garbage
 * costs a partition one wait and a seventh of another, then a twentieth of its time,
 * and after a quiet period a new schema is waited for in full. Every id is requested
 * before its message is given up. */
#include <inttypes.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/worker_private.h"

#define LOG_MS   1000 /* between log lines of one partition */
#define LEAST_MS 250  /* shortest wait for the registry */
#define SHRINK   8
#define REGAIN   20

int64_t lw__worker_schema_patience(const struct lw_worker *w,
                                   const struct lw_partition_state *s) {
    int64_t ms = w->config->source.registry.missing_wait_ms - s->deficit_ms;
    return ms < LEAST_MS && s->deficit_ms > 0 ? 0 : ms;
}

void lw__worker_schema_waited(const struct lw_worker *w, struct lw_partition_state *s,
                              bool came, int64_t now) {
    int64_t all = w->config->source.registry.missing_wait_ms;
    s->waited = false;
    s->deficit_ms = came ? 0 : all - (all - s->deficit_ms) / SHRINK;
    s->deficit_at_ms = now;
}

static void regain_patience(struct lw_partition_state *s, int64_t now) {
    int64_t more = (now - s->deficit_at_ms) / REGAIN;
    if (s->deficit_ms == 0 || more <= 0)
        return;
    s->deficit_ms = more < s->deficit_ms ? s->deficit_ms - more : 0;
    s->deficit_at_ms += more * REGAIN;
}

/* Garbage may name a different schema in each message. Unknown schemas of the rest of
 * the batch are requested in the same wait. */
static void ask_ahead(struct lw_worker *w, const rd_kafka_message_t *m) {
    for (int i = 0; i < lw_consumer_brought(w->consumer); i++)
        if (w->batch[i]->partition == m->partition && w->batch[i]->offset > m->offset)
            lw_intake_ahead(w->intake, w->batch[i]);
}

int lw__worker_pause_partition(struct lw_worker *w, const rd_kafka_message_t *m,
                               const struct lw_err *why) {
    struct lw_partition_state *s = &w->state[m->partition];
    int64_t now = lw_mono_ms();
    s->paused = s->waited = true;
    s->paused_at = s->waited_at = m->offset;
    s->wanted = lw_intake_wanted(w->intake);
    lw_consumer_pause_partition(w->consumer, m->partition);
    ask_ahead(w, m);
    atomic_fetch_add(&w->npaused, 1);
    s->pause_logged = !s->pause_logged_ms || now - s->pause_logged_ms >= LOG_MS;
    if (!s->pause_logged)
        return 0;
    s->pause_logged_ms = now;
    lw_log(partition_paused, w->owner, m->partition, m->offset, LW_QUOTE(why->msg));
    return 0;
}

/* True: it was resumed. */
static bool resume_partition(struct lw_worker *w, int32_t p) {
    struct lw_partition_state *s = &w->state[p];
    struct lw_err err = {0};
    lw_intake_patience(w->intake, lw__worker_schema_patience(w, s));
    if (!lw_intake_ready(w->intake, &s->wanted))
        return false;
    if (lw_consumer_seek(w->consumer, p, s->paused_at, &err)) {
        lw_log(resume_retry, w->owner, p, LW_QUOTE(err.msg));
        return false;
    }
    s->paused = false;
    if (s->pause_logged)
        lw_log(partition_resumed, w->owner, p, s->paused_at);
    return true;
}

void lw__worker_resume_partitions(struct lw_worker *w, int64_t now) {
    int held = 0;
    for (int32_t p = 0; p < w->nstates; p++) {
        regain_patience(&w->state[p], now);
        held += w->state[p].paused && !resume_partition(w, p);
    }
    atomic_store(&w->npaused, held);
}
