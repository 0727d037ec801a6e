/* Rules on the running stream: silence, lag, unreadable messages.
 *
 * Without messages no pane is sealed and nothing is evaluated, so these rules are
 * judged by the clock, every ten seconds, from what the workers flush. The time of
 * the last message is written to Redis about once a minute with the message count: a
 * new leader that finds the same count continues from that time. A new leader judges
 * nothing for GRACE_MS, so that workers can flush after an outage. A replay is not
 * judged while it is paused or has ended. */
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/leader_private.h"
#include "store/monitor_state.h"

#define STEP_MS    10000
#define GRACE_MS   30000
#define NOTE_MS    LW_MINUTE
#define STOPPED_MS 5000

#define SAMPLES                                                                          \
    (sizeof((struct lw_live_state *)0)->sample / sizeof(struct lw_live_sample))

static struct lw_live_sample live_sums(const struct lw_leader *l) {
    struct lw_live_sample now = {0};
    for (int32_t p = 0; p < l->n; p++) {
        now.messages += l->view[p].counter[LW_COUNT_MESSAGES];
        now.dead += l->view[p].counter[LW_COUNT_DEAD_LETTERED];
        now.late += l->view[p].counter[LW_COUNT_LATE];
        now.suspect += l->view[p].counter[LW_COUNT_SUSPECT];
    }
    return now;
}

void lw__leader_live_begin(struct lw_leader *l, const struct lw_monitor_state *state) {
    l->live = (struct lw_live_state){.next_ms = lw_mono_ms() + GRACE_MS,
                                     .heard = state->heard,
                                     .noted = state->heard,
                                     .heard_ms = state->heard_ms};
    if (l->live.heard_ms == 0) /* the first leader ever: it counts from now */
        l->live.heard_ms = lw_wall_ms();
}

static uint64_t live_lag(const struct lw_leader *l) {
    uint64_t n = 0;
    for (int32_t p = 0; p < l->n; p++) {
        const struct lw_partition_view *v = &l->view[p];
        if (v->end_offset > v->next_offset && v->next_offset >= 0)
            n += (uint64_t)(v->end_offset - v->next_offset);
    }
    return n;
}

/* Messages over the kept samples. Counts decrease when Redis was restored to an older
 * state or event time was rewound: then the samples start over. */
static struct lw_live_sample live_recent(struct lw_live_state *s,
                                         struct lw_live_sample now) {
    struct lw_live_sample out = {0};
    const struct lw_live_sample *newest =
        s->nsamples ? &s->sample[(s->at + SAMPLES - 1) % SAMPLES] : NULL;
    if (newest && (now.messages < newest->messages || now.dead < newest->dead ||
                   now.late < newest->late || now.suspect < newest->suspect))
        s->nsamples = 0;
    if (s->nsamples) {
        const struct lw_live_sample *old =
            s->nsamples < SAMPLES ? &s->sample[0] : &s->sample[s->at];
        out = (struct lw_live_sample){now.messages - old->messages, now.dead - old->dead,
                                      now.late - old->late, now.suspect - old->suspect};
    } else {
        s->at = 0;
    }
    s->sample[s->at] = now;
    s->at = (s->at + 1) % SAMPLES;
    s->nsamples += s->nsamples < SAMPLES;
    return out;
}

/* Updates Redis once a minute while messages arrive, and once more when they stop. */
static int note_message_count(struct lw_leader *l, uint64_t messages, int64_t wall,
                              struct lw_err *err) {
    struct lw_live_state *s = &l->live;
    int64_t now = lw_mono_ms();
    if (messages != s->heard) {
        s->heard = messages;
        s->heard_ms = wall;
    }
    bool stopped = wall - s->heard_ms >= STOPPED_MS;
    if (s->noted == s->heard || (!stopped && now - s->noted_ms < NOTE_MS))
        return 0;
    s->noted = s->heard;
    s->noted_ms = now;
    return lw_monitor_state_set_heard(l->redis, l->spec, &l->lease, s->heard, s->heard_ms,
                                      err);
}

int lw__leader_live_step(struct lw_leader *l, struct lw_err *err) {
    struct lw_live_state *s = &l->live;
    int64_t now = lw_mono_ms(), wall = lw_wall_ms();
    struct lw_live_sample sum = live_sums(l);
    if (note_message_count(l, sum.messages, wall, err))
        return -1;
    if (now < s->next_ms || atomic_load(&l->engine->flow) != LW_FLOWS)
        return 0;
    s->next_ms = now + STEP_MS;
    struct lw_live_sample came = live_recent(s, sum);
    int64_t silent_ms = wall > s->heard_ms ? wall - s->heard_ms : 0;
    struct lw_live_facts facts = {.messages = came.messages,
                                  .dead = came.dead,
                                  .late = came.late,
                                  .suspect = came.suspect,
                                  .lag = live_lag(l),
                                  .silent_minutes = (double)silent_ms / LW_MINUTE};
    lw_monitor_facts(l->monitor, &facts);
    pthread_mutex_lock(&l->engine->lock);
    l->engine->live = facts;
    l->engine->live_known = true;
    pthread_mutex_unlock(&l->engine->lock);
    for (size_t r = 0; r < l->spec->nrules; r++) {
        if (!lw_metric_live(l->spec->rule[r].metric))
            continue;
        lw_monitor_live(l->monitor, r, wall, l->evaluation);
        if (l->evaluation->nalerts && lw__leader_write(l, NULL, false, err))
            return -1;
    }
    return 0;
}
