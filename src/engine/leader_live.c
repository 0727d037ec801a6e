/* Rules on the running stream: has it fallen silent, does it lag, can it be read?
 *
 * A silent producer seals no pane, so no evaluation would ever find it; these rules are
 * judged by the clock instead, every ten seconds, from what the workers flush. When the
 * last message came in is noted in Redis about once a minute, with the count of messages
 * at that moment: a new leader that finds the same count goes on from that time. After
 * taking over nothing is judged for a while: after an outage the workers must have had
 * their say first. A replay that says when it flows is not judged while it waits or has
 * ended. */
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "engine/leader_private.h"

#define STEP_MS    10000
#define GRACE_MS   30000
#define NOTE_MS    LW_MINUTE
#define STOPPED_MS 5000

#define SAMPLES                                                                          \
    (sizeof((struct lw_live_state *)0)->sample / sizeof(struct lw_live_sample))

static struct lw_live_sample sums(const struct lw_leader *l) {
    struct lw_live_sample now = {0};
    for (int32_t p = 0; p < l->n; p++) {
        now.messages += l->view[p].counter[LW_COUNT_MESSAGES];
        now.dead += l->view[p].counter[LW_COUNT_DEAD_LETTERED];
        now.late += l->view[p].counter[LW_COUNT_LATE];
        now.suspect += l->view[p].counter[LW_COUNT_SUSPECT];
    }
    return now;
}

void lw__live_begin(struct lw_leader *l, const struct lw_detector_state *state) {
    l->live = (struct lw_live_state){.next_ms = lw_mono_ms() + GRACE_MS,
                                     .heard = state->heard,
                                     .noted = state->heard,
                                     .heard_ms = state->heard_ms};
    if (l->live.heard_ms == 0) /* the first leader ever: it counts from now */
        l->live.heard_ms = lw_wall_ms();
}

static uint64_t lag(const struct lw_leader *l) {
    uint64_t n = 0;
    for (int32_t p = 0; p < l->n; p++) {
        const struct lw_part_view *v = &l->view[p];
        if (v->end_offset > v->next_offset && v->next_offset >= 0)
            n += (uint64_t)(v->end_offset - v->next_offset);
    }
    return n;
}

/* What came in over the samples that are at hand; counts go back when Redis was put back
 * to an older state, and suspects when a leap of time was taken back: then the samples
 * begin anew. */
static struct lw_live_sample recent(struct lw_live_state *s, struct lw_live_sample now) {
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

/* Redis is told once a minute while messages come in, and once more when they stop. */
static int hear(struct lw_leader *l, uint64_t messages, int64_t wall,
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
    return lw_detector_heard(l->redis, l->spec, &l->lease, s->heard, s->heard_ms, err);
}

static struct lw_live share(uint64_t part, uint64_t messages, int64_t wall) {
    double value = messages ? (double)part / (double)messages : 0;
    return (struct lw_live){value > 1 ? 1 : value, messages, wall};
}

static struct lw_live reading(const struct lw_leader *l, enum lw_metric metric,
                              const struct lw_live_sample *came, int64_t wall) {
    switch (metric) {
    case LW_METRIC_DEAD_LETTERS:
        return share(came->dead, came->messages, wall);
    case LW_METRIC_LATE:
        return share(came->late, came->messages, wall);
    case LW_METRIC_SUSPECT:
        return share(came->suspect, came->messages, wall);
    case LW_METRIC_LAG:
        return (struct lw_live){(double)lag(l), UINT64_MAX, wall};
    default:
        break;
    }
    int64_t quiet = wall > l->live.heard_ms ? wall - l->live.heard_ms : 0;
    return (struct lw_live){(double)quiet / (double)LW_MINUTE, UINT64_MAX, wall};
}

int lw__live_step(struct lw_leader *l, struct lw_err *err) {
    struct lw_live_state *s = &l->live;
    int64_t now = lw_mono_ms(), wall = lw_wall_ms();
    struct lw_live_sample sum = sums(l);
    if (hear(l, sum.messages, wall, err))
        return -1;
    if (now < s->next_ms || atomic_load(&l->engine->flow) != LW_FLOWS)
        return 0;
    s->next_ms = now + STEP_MS;
    struct lw_live_sample came = recent(s, sum);
    for (size_t r = 0; r < l->spec->nrules; r++) {
        enum lw_metric metric = l->spec->rule[r].metric;
        if (!lw_metric_live(metric))
            continue;
        struct lw_live now_is = reading(l, metric, &came, wall);
        lw_monitor_live(l->monitor, r, &now_is, l->evaluation);
        if (l->evaluation->nalerts && lw__leader_write(l, NULL, false, err))
            return -1;
    }
    return 0;
}
