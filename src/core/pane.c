/* Accumulating and merging panes. */
#include "core/pane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "core/pane_private.h"
#include "core/week.h"

struct lw_pane *lw_pane_new(const struct lw_spec *spec, int64_t start_ms, uint64_t seed) {
    struct lw_pane *pane = lw_calloc(1, sizeof *pane);
    pane->spec = spec;
    pane->profile = lw_profile_new(spec->column, spec->nfeatures + 1, seed);
    pane->segments = lw_calloc(spec->nfeatures + 1, sizeof *pane->segments);
    lw_pane_reset(pane, start_ms, seed);
    return pane;
}

void lw_pane_free(struct lw_pane *pane) {
    if (!pane)
        return;
    lw_profile_free(pane->profile);
    for (size_t i = 0; i < pane->spec->nfeatures; i++)
        lw_segments_fini(&pane->segments[i]);
    free(pane->segments);
    for (size_t i = 0; i < LW_VERSIONS_MAX; i++) {
        lw_profile_free(pane->scores[i].profile);
        free(pane->scores[i].buffered);
    }
    free(pane->buffered);
    free(pane->elsewhere);
    lw_week_free(pane->week);
    free(pane);
}

/* Sums of another version do not apply to this one. */
static void segments_restart(struct lw_pane *pane, uint32_t version) {
    for (size_t i = 0; i < pane->spec->nfeatures; i++)
        lw_segments_reset(&pane->segments[i]);
    pane->examples = (struct lw_examples){0};
    pane->segments_version = version;
}

void lw_pane_reset(struct lw_pane *pane, int64_t start_ms, uint64_t seed) {
    lw_profile_reset(pane->profile, seed);
    pane->start_ms = start_ms;
    pane->span_ms = pane->spec->pane_ms;
    pane->first_offset = pane->last_offset = -1;
    pane->events = 0;
    free(pane->elsewhere);
    pane->elsewhere = NULL;
    memset(pane->reason, 0, sizeof pane->reason);
    pane->answered = pane->untracked = (struct lw_losses){0};
    segments_restart(pane, 0);
    pane->nscores = 0; /* the profiles stay for the next versions */
    pane->nbuffered = 0;
    pane->dirty = false;
}

static size_t oldest_version(const struct lw_pane *pane) {
    size_t oldest = 0;
    for (size_t i = 1; i < pane->nscores; i++)
        if (pane->scores[i].version < pane->scores[oldest].version)
            oldest = i;
    return oldest;
}

/* Drops the oldest version: it stopped answering long ago. */
static void drop_at(struct lw_pane *pane, size_t oldest) {
    struct lw_scores dropped = pane->scores[oldest];
    memmove(&pane->scores[oldest], &pane->scores[oldest + 1],
            (pane->nscores - oldest - 1) * sizeof dropped);
    pane->scores[--pane->nscores] = dropped; /* its profile's memory is used again */
}

struct lw_scores *lw__pane_scores(struct lw_pane *pane, uint32_t version) {
    for (size_t i = 0; i < pane->nscores; i++)
        if (pane->scores[i].version == version)
            return &pane->scores[i];
    if (pane->nscores == LW_VERSIONS_MAX) {
        size_t oldest = oldest_version(pane);
        if (version < pane->scores[oldest].version)
            return NULL;
        drop_at(pane, oldest);
    }
    struct lw_scores *s = &pane->scores[pane->nscores++];
    uint64_t seed = lw_mix64(pane->profile->seed ^ version);
    if (s->profile)
        lw_profile_reset(s->profile, seed);
    else
        s->profile = lw_profile_new(pane->spec->score_column, 2, seed);
    s->version = version;
    s->losses = s->tracked = s->served = (struct lw_losses){0};
    s->tracks = s->serves_tracked = false;
    s->tracking = (struct lw_tracking){0};
    s->nbuffered = 0;
    return s;
}

const struct lw_losses *lw_scores_served(const struct lw_scores *s) {
    return s->tracks ? &s->served : &s->losses;
}

const struct lw_losses *lw_scores_tracked(const struct lw_scores *s) {
    return s->tracks ? &s->tracked : &s->losses;
}

/* The sums are about to differ: until now they were the same. */
static void scores_track(struct lw_scores *s) {
    if (!s->tracks)
        s->tracked = s->served = s->losses;
    s->tracks = true;
}

/* The version's scores; the first time, how it is tracked in this pane. */
static struct lw_scores *scores_begin(struct lw_pane *pane, uint32_t version) {
    const struct lw_tracking_set *set = pane->tracking;
    struct lw_scores *s = lw__pane_scores(pane, version);
    if (!s || s->losses.n || s->losses.unsummed || s->nbuffered || s->tracks || !set)
        return s;
    const struct lw_tracking *tracking = lw_tracking_find(set, version);
    if (tracking) {
        s->tracks = true;
        s->tracking = *tracking;
        s->serves_tracked = set->served;
    }
    return s;
}

const struct lw_scores *lw_pane_scores(const struct lw_pane *pane, uint32_t version) {
    for (size_t i = 0; i < pane->nscores; i++)
        if (pane->scores[i].version == version)
            return &pane->scores[i];
    return NULL;
}

static void pane_count_event(struct lw_pane *pane, int64_t offset, int reason) {
    if (pane->first_offset < 0 || offset < pane->first_offset)
        pane->first_offset = offset;
    if (offset > pane->last_offset)
        pane->last_offset = offset;
    pane->events++;
    pane->reason[reason]++;
    pane->dirty = true;
}

static void columns_drain(struct lw_pane *pane) {
    struct lw_profile *p = pane->profile;
    for (size_t i = 0; i < p->n; i++)
        if (p->members[i].kind == LW_NUMERIC)
            lw_profile_add_numbers(p, i, pane->buffered + i * LW_PANE_BUFFERED,
                                   pane->nbuffered);
    pane->nbuffered = 0;
}

/* The errors follow from the buffered targets: one call of the task for all of them. */
static void scores_drain(struct lw_scores *s, const struct lw_spec *spec) {
    const struct lw_task *task = spec->task;
    bool labelled = lw_spec_labelled(spec);
    double *prediction = s->buffered, *target = s->buffered + LW_PANE_BUFFERED;
    const double *tracked = s->buffered + (size_t)2 * LW_PANE_BUFFERED;
    if (labelled)
        lw_losses_add_all(&s->losses, task, target, prediction, s->nbuffered);
    if (labelled && s->tracks) {
        lw_losses_add_all(&s->tracked, task, target, tracked, s->nbuffered);
        s->served = s->serves_tracked ? s->tracked : s->losses;
    }
    for (size_t i = 0; i < s->nbuffered; i++)
        target[i] = prediction[i] - target[i];
    for (size_t i = 0; i < 2; i++)
        lw_profile_add_numbers(s->profile, i, s->buffered + i * LW_PANE_BUFFERED,
                               s->nbuffered);
    s->nbuffered = 0;
}

static void columns_buffer(struct lw_pane *pane, const struct lw_cell *watched) {
    const struct lw_profile *p = pane->profile;
    if (!pane->buffered)
        pane->buffered = lw_calloc(p->n * LW_PANE_BUFFERED, sizeof *pane->buffered);
    for (size_t i = 0; i < p->n; i++)
        if (p->members[i].kind == LW_NUMERIC)
            pane->buffered[i * LW_PANE_BUFFERED + pane->nbuffered] =
                watched[i].present ? watched[i].num : NAN;
    if (++pane->nbuffered == LW_PANE_BUFFERED)
        columns_drain(pane);
}

static void scores_buffer(struct lw_scores *s, const struct lw_spec *spec, double target,
                          double prediction, double tracked) {
    if (!s->buffered)
        s->buffered = lw_calloc((size_t)3 * LW_PANE_BUFFERED, sizeof *s->buffered);
    double *at = s->buffered + s->nbuffered;
    at[0] = prediction;
    at[LW_PANE_BUFFERED] = target;
    at[(size_t)2 * LW_PANE_BUFFERED] = tracked;
    if (++s->nbuffered == LW_PANE_BUFFERED)
        scores_drain(s, spec);
}

/* The version's prediction for one event: tracked, answered and buffered. */
static void score_buffer(struct lw_pane *pane, double target, struct lw_scored *scored) {
    struct lw_scores *s = scores_begin(pane, scored->version);
    double prediction = scored->prediction;
    scored->served = prediction;
    if (!s)
        return;
    double tracked =
        s->tracks ? lw_tracking_apply(&s->tracking, pane->spec, prediction) : prediction;
    if (s->serves_tracked)
        scored->served = tracked;
    scores_buffer(s, pane->spec, target, prediction, tracked);
}

void lw_pane_buffer(struct lw_pane *pane, const struct lw_pane_event *event) {
    const struct lw_task *task = pane->spec->task;
    pane_count_event(pane, event->offset, event->reason);
    lw_profile_add_categories(pane->profile, event->watched);
    columns_buffer(pane, event->watched);
    if (event->reason != LW_GOOD || event->nscored == 0)
        return;
    for (size_t i = 0; i < event->nscored; i++)
        score_buffer(pane, event->target, &event->scored[i]);
    if (!lw_spec_labelled(pane->spec))
        return;
    lw_losses_add(&pane->answered, task, event->target, event->scored[0].served);
    lw_losses_add(&pane->untracked, task, event->target, event->scored[0].prediction);
}

void lw_pane_drain(struct lw_pane *pane) {
    if (pane->nbuffered > 0)
        columns_drain(pane);
    for (size_t i = 0; i < pane->nscores; i++)
        if (pane->scores[i].nbuffered > 0)
            scores_drain(&pane->scores[i], pane->spec);
}

void lw_pane_add_loss(struct lw_pane *pane, uint32_t version,
                      const struct lw_cell *watched, const struct lw_cell *id,
                      double loss) {
    if (version < pane->segments_version)
        return; /* a version that has returned is measured from its next pane on */
    if (version > pane->segments_version)
        segments_restart(pane, version);
    for (size_t i = 0; i < pane->spec->nfeatures; i++)
        if (pane->spec->feature[i].kind == LW_CATEGORY && watched[i].present)
            lw_segments_add(&pane->segments[i], watched[i].key, 1, loss);
    lw_examples_add(&pane->examples, id, loss);
}

static void segments_merge(struct lw_pane *pane, const struct lw_pane *other) {
    if (other->segments_version < pane->segments_version || other->segments_version == 0)
        return;
    if (other->segments_version > pane->segments_version)
        segments_restart(pane, other->segments_version);
    for (size_t i = 0; i < pane->spec->nfeatures; i++)
        lw_segments_merge(&pane->segments[i], &other->segments[i]);
    lw_examples_merge(&pane->examples, &other->examples);
}

static void scores_merge(struct lw_scores *s, const struct lw_scores *other) {
    if (s->tracks || other->tracks) {
        scores_track(s);
        lw_losses_merge(&s->tracked, lw_scores_tracked(other));
        lw_losses_merge(&s->served, lw_scores_served(other));
    }
    lw_losses_merge(&s->losses, &other->losses);
}

/* Notes the parts of the week of the other's events. */
static void parts_merge(struct lw_pane *pane, const struct lw_pane *other) {
    size_t blocks = lw_spec_blocks(pane->spec);
    if (blocks == 0)
        return;
    size_t own = lw_week_part(pane->spec, pane->start_ms);
    size_t part = lw_week_part(pane->spec, other->start_ms);
    if (part == own && !other->elsewhere)
        return;
    if (!pane->elsewhere)
        pane->elsewhere = lw_calloc(LW_WEEK_PARTS_MAX, sizeof *pane->elsewhere);
    uint64_t here = other->events;
    for (size_t i = 0; other->elsewhere && i < 2 * blocks; i++) {
        pane->elsewhere[i] += i == own ? 0 : other->elsewhere[i];
        here -= other->elsewhere[i];
    }
    pane->elsewhere[part] += part == own ? 0 : here;
}

void lw_pane_by_part(const struct lw_pane *pane, double *weight) {
    size_t blocks = lw_spec_blocks(pane->spec);
    size_t own = blocks ? lw_week_part(pane->spec, pane->start_ms) : 0;
    double here = (double)pane->events;
    weight[0] = weight[1] = 0;
    for (size_t i = 0; i < 2 * blocks; i++) {
        weight[i] = pane->elsewhere ? (double)pane->elsewhere[i] : 0;
        here -= weight[i];
    }
    weight[own] += here;
}

void lw_pane_merge(struct lw_pane *pane, const struct lw_pane *other) {
    pane->events += other->events;
    parts_merge(pane, other);
    for (size_t i = 0; i < LW_REASONS_MAX; i++)
        pane->reason[i] += other->reason[i];
    lw_losses_merge(&pane->answered, &other->answered);
    lw_losses_merge(&pane->untracked, &other->untracked);
    lw_profile_merge(pane->profile, other->profile);
    segments_merge(pane, other);
    for (size_t i = 0; i < other->nscores; i++) {
        struct lw_scores *s = lw__pane_scores(pane, other->scores[i].version);
        if (!s)
            continue;
        scores_merge(s, &other->scores[i]);
        lw_profile_merge(s->profile, other->scores[i].profile);
    }
}
