/* From a message to the partition's panes: decode, validate, score, accumulate. The hot
 * path: nothing is allocated per event, and no lock is taken. */
#include <stdlib.h>

#include "base/time.h"
#include "engine/message.h"
#include "engine/worker_private.h"

#define POLL_MS 50

static void dead_letter(struct lw_worker *w, struct lw_slot *s,
                        const rd_kafka_message_t *m, const char *stage,
                        const struct lw_err *why) {
    struct lw_err err = {0};
    atomic_fetch_add(&w->dead_letters, 1);
    lw_partition_dead(s->progress);
    if (!w->dead)
        return;
    w->dead_pending = true;
    while (lw_dead_letter(w->dead, w->config->source.dead_letters, m, stage, why,
                          LW_LETTER_MS, &err) &&
           err.code == LW_EAGAIN && !atomic_load(&w->engine->stop)) {
        lw__worker_warn(w, "dead_letter_waits", m->partition, &err);
        lw_err_clear(&err);
    }
}

static void score_and_add(struct lw_worker *w, struct lw_slot *s,
                          const rd_kafka_message_t *m, const struct lw_row *row,
                          int reason) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored[LW_VERSIONS_MAX];
    size_t n = reason == LW_GOOD ? s->lineup.n : 0;
    lw_spec_watch(w->spec, row, watched);
    for (size_t i = 0; i < n; i++) {
        scored[i].version = s->lineup.version[i];
        scored[i].prediction = lw_model_predict(s->lineup.model[i], row);
    }
    lw_partition_add(s->progress, m->offset, row, reason, watched, scored, n);
    if (n)
        atomic_fetch_add_explicit(&w->scored, 1, memory_order_relaxed);
}

static void handle(struct lw_worker *w, const rd_kafka_message_t *m) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row;
    struct lw_err err = {0};
    struct lw_slot *s = &w->slot[m->partition];
    if (s->state != SLOT_RUNS || m->offset < s->next_offset)
        return; /* given up, or delivered again after a seek */
    s->changed = true;
    s->next_offset = m->offset + 1;
    w->since_flush++;
    atomic_fetch_add_explicit(&w->messages, 1, memory_order_relaxed);
    if (lw_message_decode(w->config, w->decoder, m, cells, &err)) {
        dead_letter(w, s, m, "VALUE_CONVERTER", &err);
        return;
    }
    int reason = lw_event_row(&w->spec->event, cells, lw_message_time(m), &row, &err);
    if (reason < 0)
        dead_letter(w, s, m, "TRANSFORMATION", &err);
    else
        score_and_add(w, s, m, &row, reason);
}

void lw__worker_consume(struct lw_worker *w) {
    struct lw_err err = {0};
    int n = lw_consumer_poll(w->consumer, w->batch, LW_BATCH, POLL_MS, &err);
    int64_t now = lw_mono_ms();
    atomic_store(&w->polled_ms, now);
    if (n < 0 && err.code == LW_ESTOP)
        lw__engine_fail(w->engine, &err);
    for (int i = 0; i < n; i++) {
        rd_kafka_message_t *m = w->batch[i];
        if (m->partition < w->nslots && m->partition >= 0) {
            w->slot[m->partition].heard_ms = now;
            handle(w, m);
        }
        rd_kafka_message_destroy(m);
    }
}
