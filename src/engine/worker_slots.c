/* Partitions as they come and go: claimed in Redis when the group gives them to us,
 * flushed and given up when it takes them, claimed again when Redis was away or somebody
 * fenced us.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "engine/worker_private.h"
#include "store/meta.h"

#define TELL_MS 10000 /* between two words of claims that wait */

void lw__slot_drop(struct lw_slot *s) {
    lw_partition_free(s->progress);
    *s = (struct lw_slot){.state = SLOT_FREE};
}

/* Of a partition without a state: did the stream begin before it was there? Then whatever
 * it holds is new, also where auto.offset.reset is latest. */
static int find_out_age(struct lw_worker *w, struct lw_slot *s, int32_t partition,
                        struct lw_err *err) {
    int32_t n = lw_meta_partitions(w->redis, w->spec, w->config->source.topic,
                                   partition + 1, err);
    s->added = n > 0 && partition >= n;
    return n < 0 ? -1 : 0;
}

/* What is in Redis may be of a configuration that is not ours, left by somebody who
 * changed a line of it: asked with the first claim, before anything is written. */
static int fits(struct lw_worker *w, struct lw_err *err) {
    if (!w->fits && lw_meta_check(w->redis, w->spec, w->config->source.topic, err))
        return -1;
    w->fits = true;
    return 0;
}

/* A claim that did not come about is tried again; told now and then, for a Redis may be
 * away for hours. What is damaged the leader sets aside; a configuration that does not
 * fit ends the process. */
static void claim_failed(struct lw_worker *w, int32_t partition,
                         const struct lw_err *err) {
    int64_t now = lw_mono_ms();
    lw__redis_away(w, err);
    lw__word_say(w, LW_HINDERED_GROUP, err);
    if (err->code == LW_ECONFIG)
        lw__engine_fail(w->engine, err);
    else if (now >= w->tell_at_ms) {
        lw__worker_warn(w, "claim_waits", partition, err);
        w->tell_at_ms = now + TELL_MS;
    }
}

/* What stands there may be of no use to us: a feature has become another kind. No waiting
 * mends that. */
static int load(struct lw_worker *w, int32_t partition, struct lw_claim *got,
                struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    struct lw_err why = {0};
    if (lw_state_claim(w->redis, w->spec, w->config->source.topic, w->owner, s->progress,
                       partition, got, &why) == 0) {
        for (size_t i = 0; i < got->unread.n; i++) { /* the leader tells of it */
            lw_fail(&why, LW_EINPUT, "%s", got->unread.item[i].why);
            lw__worker_warn(w, "pane_unreadable", partition, &why);
        }
        lw_unreadable_fini(&got->unread);
        if (got->rebuilt[0]) {
            lw_fail(&why, LW_EINPUT, "%s", got->rebuilt);
            lw__worker_warn(w, "partition_rebuilt", partition, &why);
        }
        return 0;
    }
    lw_fail(err, why.code, "%s", why.msg);
    if (why.code == LW_ECONFIG)
        lw_err_context(err,
                       "what stream %s has in Redis does not fit (a feature of "
                       "another kind needs another name, or the stream does)",
                       w->spec->stream);
    return -1;
}

/* Takes ownership and loads; on LW_EAGAIN the slot waits for the next try. */
static int claim(struct lw_worker *w, int32_t partition, struct lw_err *err) {
    struct lw_slot *s = &w->slot[partition];
    struct lw_claim got;
    lw_partition_free(s->progress);
    s->progress = lw_partition_new(w->spec, partition);
    s->state = SLOT_WAITS;
    s->claim_at_ms = lw_mono_ms() + LW_RETRY_MS;
    if (fits(w, err) || load(w, partition, &got, err) ||
        lw_model_cache_line_up(w->models, w->redis, &got.force, &s->lineup, err))
        return -1;
    if (got.next_offset < 0 && find_out_age(w, s, partition, err))
        return -1;
    s->epoch = got.epoch;
    s->base_offset = s->next_offset = got.next_offset;
    s->last = (struct lw_mark){got.last_offset, got.last_id};
    s->other = false;
    s->force = got.force;
    s->state = SLOT_RUNS;
    s->heard_ms = s->flushed_ms = lw_mono_ms();
    s->changed = false;
    lw_log(LW_INFO, "partition_claimed",
           "worker=%s partition=%d epoch=%" PRIu64 " offset=%" PRId64 " champion=%u",
           w->owner, partition, s->epoch, s->next_offset, s->force.champion);
    return 0;
}

/* "At its end" is another place with each moment, so it is asked for once and kept: what
 * comes from then on is not passed over, whoever owns the partition then. */
static bool needs_place(const struct lw_worker *w, struct lw_slot *s) {
    if (s->next_offset >= 0 || s->added || !lw_consumer_starts_late(w->consumer))
        return false;
    s->state = SLOT_ASTRAY;
    s->claim_at_ms = 0;
    return true;
}

static int64_t start_offset(const struct lw_slot *s) {
    if (s->next_offset >= 0)
        return s->next_offset;
    return s->added ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_INVALID;
}

int64_t lw__slot_assigned(void *arg, int32_t partition, int *wait) {
    struct lw_worker *w = arg;
    struct lw_err err = {0};
    if (partition >= w->nslots) { /* the topic has grown */
        w->slot = lw_realloc(w->slot, (size_t)partition + 1, sizeof *w->slot);
        memset(w->slot + w->nslots, 0,
               (size_t)(partition + 1 - w->nslots) * sizeof *w->slot);
        w->nslots = partition + 1;
    }
    if (lw__redis_is_away(w)) {
        w->slot[partition].state = SLOT_WAITS;
        w->slot[partition].claim_at_ms = w->try_at_ms;
    } else if (claim(w, partition, &err) == 0) {
        if (!needs_place(w, &w->slot[partition]))
            return start_offset(&w->slot[partition]);
    } else {
        claim_failed(w, partition, &err);
    }
    *wait = 1;
    return -1;
}

void lw__slot_revoked(void *arg, int32_t partition) {
    struct lw_worker *w = arg;
    struct lw_slot *s = &w->slot[partition];
    struct lw_err err = {0};
    bool flushes = s->state == SLOT_RUNS && s->changed;
    if (flushes && lw__redis_is_away(w))
        lw_fail(&err, LW_EAGAIN, "Redis or Kafka did not answer a moment ago");
    else if (flushes && lw__slot_flush(w, partition, &err))
        lw__redis_away(w, &err);
    if (err.code) /* its next owner replays */
        lw__worker_warn(w, "revoked_unflushed", partition, &err);
    lw_log(LW_INFO, "partition_released", "worker=%s partition=%d", w->owner, partition);
    lw__slot_drop(s);
}

void lw__slot_lost(void *arg, int32_t partition) {
    struct lw_worker *w = arg;
    lw_log(LW_WARN, "partition_lost", "worker=%s partition=%d", w->owner, partition);
    lw__slot_drop(&w->slot[partition]);
}

struct lw_mark lw__slot_marked(void *arg, int32_t partition) {
    const struct lw_worker *w = arg;
    return w->slot[partition].last;
}

void lw__slot_astray(void *arg, int32_t partition, int other) {
    struct lw_worker *w = arg;
    struct lw_slot *s = &w->slot[partition];
    if (s->state != SLOT_RUNS)
        return;
    s->state = SLOT_ASTRAY;
    s->claim_at_ms = 0;
    s->other = other;
}

static void claim_again(struct lw_worker *w, int32_t partition) {
    struct lw_err err = {0};
    struct lw_slot *s = &w->slot[partition];
    if (claim(w, partition, &err) == 0 &&
        (needs_place(w, s) ||
         lw_consumer_resume(w->consumer, partition, start_offset(s), s->last, &err) == 0))
        return;
    s->state = SLOT_WAITS;
    claim_failed(w, partition, &err);
}

void lw__slots_claim_again(struct lw_worker *w, int64_t now) {
    for (int32_t p = 0; p < w->nslots; p++) {
        if (lw__redis_is_away(w) || lw_mono_ms() - now >= LW_SPELL_MS)
            return; /* poll first */
        if (w->slot[p].state == SLOT_WAITS && now >= w->slot[p].claim_at_ms)
            claim_again(w, p);
    }
}

void lw__slots_sweep_models(struct lw_worker *w) {
    const struct lw_lineup **inuse = lw_calloc((size_t)w->nslots, sizeof *inuse);
    for (int32_t p = 0; p < w->nslots; p++)
        inuse[p] = &w->slot[p].lineup;
    lw_model_cache_sweep(w->models, inuse, (size_t)w->nslots);
    free(inuse);
}
