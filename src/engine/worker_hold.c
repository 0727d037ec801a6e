/* Partitions that wait for a schema.
 *
 * A message whose schema the registry has not told yet can be neither read nor passed
 * over, so its partition stops in front of it: what was fetched is dropped, and fetching
 * starts again there once the schema is known (or known never to come, when the message
 * is a dead letter). Polling goes on, the partition stays ours, and what was accumulated
 * is flushed as ever. The others go on too: while a registry is away only those stop that
 * meet a schema they have not met before. */
#include <inttypes.h>

#include "base/log.h"
#include "engine/worker_private.h"

#define AHEAD 64 /* schemas that are asked for while one is waited for */

/* Garbage may name another schema in each message. What else of this batch is not known
 * is asked for in the same wait: one round trip a message, and not one stop. */
static void ask_ahead(struct lw_worker *w, const rd_kafka_message_t *m) {
    int asked = 0;
    for (int i = 0; i < lw_consumer_brought(w->consumer) && asked < AHEAD; i++)
        if (w->batch[i]->partition == m->partition && w->batch[i]->offset > m->offset)
            asked += lw_intake_ahead(w->intake, w->batch[i]);
}

int lw__slot_hold(struct lw_worker *w, const rd_kafka_message_t *m,
                  const struct lw_err *why) {
    struct lw_slot *s = &w->slot[m->partition];
    char quoted[600];
    s->held = true;
    s->held_at = m->offset;
    s->wanted = lw_intake_wanted(w->intake);
    lw_consumer_hold(w->consumer, m->partition);
    ask_ahead(w, m);
    atomic_fetch_add(&w->held, 1);
    lw_log(LW_INFO, "partition_held",
           "worker=%s partition=%d offset=%" PRId64 " reason=%s", w->owner, m->partition,
           m->offset, lw_log_quote(quoted, sizeof quoted, why->msg));
    return 0;
}

void lw__slots_release(struct lw_worker *w) {
    int held = 0;
    if (atomic_load(&w->held) == 0)
        return;
    for (int32_t p = 0; p < w->nslots; p++) {
        struct lw_slot *s = &w->slot[p];
        struct lw_err err = {0};
        if (!s->held)
            continue;
        if (!lw_intake_ready(w->intake, &s->wanted)) {
            held++;
            continue;
        }
        if (lw_consumer_seek(w->consumer, p, s->held_at, &err)) {
            lw__worker_warn(w, "release_waits", p, &err);
            held++;
            continue;
        }
        s->held = false;
        lw_log(LW_INFO, "partition_goes_on", "worker=%s partition=%d offset=%" PRId64,
               w->owner, p, s->held_at);
    }
    atomic_store(&w->held, held);
}
