/* See backtest.h. Every good row is kept for training (some 60 MB for a year of taxi
 * trips), because there is no Kafka to read it from again. */
#include "core/backtest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

struct version {
    uint32_t number;
    struct lw_model *model;
    int64_t as_of_ms;
    void *reference; /* as bytes, for a rollback */
    size_t reference_len;
};

#define FOLLOWING_MAX 32 /* promotions within LW_FOLLOW_MS */

struct lw_backtest {
    const struct lw_spec *spec;
    struct lw_backtest_hooks hooks;
    struct lw_partition *partition;
    struct lw_monitor *monitor;
    struct lw_dataset *rows;
    struct version *version; /* versions that may still score */
    size_t nversions;
    uint32_t next_version;
    struct lw_model *scoring[LW_VERSIONS_MAX]; /* champion first, then shadows */
    struct lw_scored scored[LW_VERSIONS_MAX];
    size_t nscoring;
    int64_t offset;
    size_t nreleases;
    struct {
        const char *which; /* NULL: it has already been reported */
        int64_t at_ms;
    } release[LW_RELEASES_MAX];
    size_t nfollowing;
    struct lw_follow *following[FOLLOWING_MAX];
};

struct lw_backtest *lw_backtest_new(const struct lw_spec *spec,
                                    const struct lw_backtest_hooks *hooks) {
    struct lw_backtest *b = lw_calloc(1, sizeof *b);
    b->spec = spec;
    b->hooks = hooks ? *hooks : (struct lw_backtest_hooks){0};
    b->partition = lw_partition_new(spec, 0);
    b->monitor = lw_monitor_new(spec);
    b->rows = lw_dataset_new(spec->train);
    lw_monitor_lazy(b->monitor);
    b->next_version = 1;
    return b;
}

void lw_backtest_release(struct lw_backtest *b, const char *which, int64_t at_ms) {
    lw_assert(b->nreleases < LW_RELEASES_MAX);
    b->release[b->nreleases].which = which;
    b->release[b->nreleases++].at_ms = at_ms;
}

static void free_version(struct version *v) {
    lw_model_free(v->model);
    free(v->reference);
}

void lw_backtest_free(struct lw_backtest *b) {
    if (!b)
        return;
    for (size_t i = 0; i < b->nversions; i++)
        free_version(&b->version[i]);
    for (size_t i = 0; i < b->nfollowing; i++)
        lw_follow_free(b->following[i]);
    free(b->version);
    lw_partition_free(b->partition);
    lw_monitor_free(b->monitor);
    lw_dataset_free(b->rows);
    free(b);
}

static struct version *find_version(struct lw_backtest *b, uint32_t number) {
    for (size_t i = 0; i < b->nversions; i++)
        if (b->version[i].number == number)
            return &b->version[i];
    return NULL;
}

/* The versions that score the next row: the champion, then the shadows. */
static void scorers_load(struct lw_backtest *b) {
    uint32_t shadow[LW_VERSIONS_MAX];
    size_t n = lw_monitor_shadows(b->monitor, shadow);
    struct version *champion = find_version(b, lw_monitor_champion_version(b->monitor));
    b->nscoring = 0;
    if (!champion || !lw_spec_predicts(b->spec))
        return;
    b->scored[b->nscoring].version = champion->number;
    b->scoring[b->nscoring++] = champion->model;
    for (size_t i = 0; i < n && b->nscoring < LW_VERSIONS_MAX; i++) {
        struct version *v = find_version(b, shadow[i]);
        if (!v)
            continue;
        b->scored[b->nscoring].version = v->number;
        b->scoring[b->nscoring++] = v->model;
    }
}

static void champion_set(struct lw_backtest *b, uint32_t number, int64_t at_ms) {
    struct version *v = find_version(b, number);
    struct lw_reference *ref =
        v ? lw_reference_read(b->spec, v->reference, v->reference_len, NULL) : NULL;
    lw_monitor_champion(b->monitor, number, ref, at_ms);
    scorers_load(b);
}

static int keep_version(struct lw_backtest *b, struct lw_training *t, uint32_t number,
                        struct lw_err *err) {
    struct lw_buf bytes = {0};
    if (lw_model_bind(t->model, &b->spec->event.fields, err))
        return -1;
    t->reference->version = number;
    lw_reference_write(t->reference, &bytes);
    b->version = lw_realloc(b->version, b->nversions + 1, sizeof *b->version);
    b->version[b->nversions++] = (struct version){.number = number,
                                                  .model = t->model,
                                                  .as_of_ms = t->as_of_ms,
                                                  .reference = bytes.data,
                                                  .reference_len = bytes.len};
    t->model = NULL;
    return 0;
}

static void follow_start(struct lw_backtest *b, const struct lw_replacement *promotion) {
    if (b->hooks.followed && promotion->previous && b->nfollowing < FOLLOWING_MAX)
        b->following[b->nfollowing++] = lw_follow_new(b->spec, promotion);
}

static void follow_row(struct lw_backtest *b, const struct lw_row *row) {
    for (size_t i = 0; i < b->nfollowing; i++) {
        const struct lw_replacement *p = lw_follow_replacement(b->following[i]);
        const struct version *now = find_version(b, p->version);
        const struct version *before = find_version(b, p->previous);
        lw_follow_row(b->following[i], row, lw_model_predict(now->model, row),
                      lw_model_predict(before->model, row));
    }
}

static void follow_until(struct lw_backtest *b, int64_t at_ms) {
    size_t keep = 0;
    for (size_t i = 0; i < b->nfollowing; i++) {
        struct lw_follow *f = b->following[i];
        struct lw_followed followed;
        if (lw_follow_replacement(f)->at_ms + LW_FOLLOW_MS > at_ms) {
            b->following[keep++] = f;
            continue;
        }
        lw_follow_judge(f, &followed);
        b->hooks.followed(b->hooks.arg, &followed);
        lw_follow_free(f);
    }
    b->nfollowing = keep;
}

static void request_answer(struct lw_backtest *b, const struct lw_request *request,
                           uint32_t number, const struct lw_training *t,
                           const char *failure, struct lw_evaluation *e) {
    lw_monitor_trained(b->monitor, request->id, number, t, failure, e);
    if (b->hooks.trained)
        b->hooks.trained(b->hooks.arg, request, number, t && !t->early ? t : NULL,
                         failure);
    if (b->hooks.evaluated)
        b->hooks.evaluated(b->hooks.arg, e);
}

static int request_train(struct lw_backtest *b, const struct lw_request *request,
                         struct lw_err *err) {
    struct version *champion = find_version(b, lw_monitor_champion_version(b->monitor));
    struct lw_pane *recent = lw_monitor_recent(b->monitor, b->spec->retrain.reference_ms);
    struct lw_training t = {0};
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    struct lw_err failure = {0};
    int rc = 0;
    lw_dataset_sort(b->rows);
    t.as_of_ms = request->as_of_ms;
    lw_copy(t.barred, sizeof t.barred, request->barred);
    t.tracked = request->tracked;
    t.looks = request->looks;
    t.verdict_only = true;
    t.champion_ms = champion ? champion->as_of_ms : 0;
    t.quarantine = *lw_monitor_quarantine(b->monitor);
    if (lw_train(b->spec, b->rows, champion ? champion->model : NULL, recent, &t,
                 &failure)) {
        request_answer(b, request, 0, t.early ? &t : NULL, failure.msg, e);
    } else {
        uint32_t number = b->next_version++;
        request_answer(b, request, number, &t, NULL, e);
        if (e->ndecisions && e->decision[0].kind == LW_DECIDED_PROMOTE) {
            rc = keep_version(b, &t, number, err);
            if (rc == 0) {
                const struct lw_replacement promotion = {
                    number, lw_monitor_champion_version(b->monitor), e->at_ms, t.tracked};
                champion_set(b, number, e->at_ms);
                follow_start(b, &promotion);
            }
        }
        lw_training_fini(&t);
    }
    lw_pane_free(recent);
    free(e);
    return rc;
}

static void releases_apply(struct lw_backtest *b, int64_t now_ms,
                           struct lw_evaluation *e) {
    for (size_t i = 0; i < b->nreleases; i++) {
        if (!b->release[i].which || b->release[i].at_ms > now_ms)
            continue;
        bool held = lw_monitor_release(b->monitor, b->release[i].which, "backtest", e);
        if (held && b->hooks.evaluated)
            b->hooks.evaluated(b->hooks.arg, e);
        b->release[i].which = NULL;
    }
}

/* Before the pane is sealed, as its seal sees the quarantine. */
static void follow_pane(struct lw_backtest *b, const struct lw_pane *pane) {
    int64_t start = pane->start_ms;
    if (lw_quarantine_touches(lw_monitor_quarantine(b->monitor), start,
                              start + b->spec->pane_ms))
        for (size_t i = 0; i < b->nfollowing; i++)
            lw_follow_quarantined(b->following[i], start);
}

static int pane_seal(struct lw_backtest *b, struct lw_pane *pane, struct lw_err *err) {
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    releases_apply(b, pane->start_ms, e);
    follow_pane(b, pane);
    lw_monitor_seal(b->monitor, pane, e);
    if (b->hooks.evaluated)
        b->hooks.evaluated(b->hooks.arg, e);
    for (size_t i = 0; i < e->ndecisions; i++)
        if (e->decision[i].kind == LW_DECIDED_ROLL_BACK)
            champion_set(b, e->decision[i].other, e->at_ms);
    if (e->ndecisions)
        scorers_load(b); /* a probation has ended: one shadow less */
    lw_partition_track(b->partition, lw_monitor_tracking(b->monitor));
    struct lw_request request = e->request;
    follow_until(b, e->at_ms);
    free(e);
    return request.id ? request_train(b, &request, err) : 0;
}

/* The pane, and the empty panes before it, as a leader seals them. */
static int seal_up_to(struct lw_backtest *b, struct lw_pane *pane, struct lw_err *err) {
    int64_t next, start = pane->start_ms;
    if (start < lw_monitor_sealed_until(b->monitor))
        lw_monitor_return(b->monitor, start);
    while ((next = lw_monitor_next(b->monitor, start)) < start) {
        struct lw_pane *empty = lw_pane_new(b->spec, next, (uint64_t)next);
        if (pane_seal(b, empty, err)) {
            lw_pane_free(pane);
            return -1;
        }
    }
    return pane_seal(b, pane, err);
}

static int seal_closed(struct lw_backtest *b, struct lw_err *err) {
    struct lw_pane *pane;
    while ((pane = lw_partition_take_closed(b->partition)))
        if (seal_up_to(b, pane, err))
            return -1;
    return 0;
}

int lw_backtest_event(struct lw_backtest *b, const struct lw_row *row, int reason,
                      struct lw_err *err) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    lw_spec_watch(b->spec, row, watched);
    if (reason == LW_GOOD)
        for (size_t i = 0; i < b->nscoring; i++)
            b->scored[i].prediction = lw_model_predict(b->scoring[i], row);
    const struct lw_pane_event event = {b->offset++, watched,
                                        reason,      row->target,
                                        b->scored,   reason == LW_GOOD ? b->nscoring : 0};
    enum lw_timeliness where = lw_partition_add(b->partition, row, &event);
    if (reason == LW_GOOD && where != LW_SUSPECT)
        lw_dataset_add(b->rows, row);
    if (reason == LW_GOOD && where == LW_ON_TIME)
        follow_row(b, row);
    if (reason == LW_GOOD && where == LW_ON_TIME && b->nscoring && b->hooks.scored)
        b->hooks.scored(b->hooks.arg, row, watched, b->scored, b->nscoring);
    return seal_closed(b, err);
}

int lw_backtest_end(struct lw_backtest *b, struct lw_err *err) {
    if (seal_closed(b, err))
        return -1;
    lw_partition_end(b->partition);
    while (lw_partition_panes(b->partition)) {
        struct lw_pane *pane = lw_partition_take_oldest(b->partition);
        if (seal_up_to(b, pane, err))
            return -1;
    }
    follow_until(b, INT64_MAX);
    return 0;
}

const struct lw_run_summary *lw_backtest_run_summary(const struct lw_backtest *b) {
    return lw_monitor_run_summary(b->monitor);
}

const uint64_t *lw_backtest_counters(const struct lw_backtest *b) {
    return lw_partition_counters(b->partition);
}

const struct lw_monitor *lw_backtest_monitor(const struct lw_backtest *b) {
    return b->monitor;
}
