/* See search.h. */
#include "core/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "core/tracking.h"
#include "model/cost.h"

#define LAST_ROUND 2 /* of halving: rounds 0, 1, 2 fit a quarter, a half, all rows */

_Static_assert(LW_TRIALS_MAX >= LW_CANDIDATES_MAX + (LW_CANDIDATES_MAX + 1) / 2 +
                                    (LW_CANDIDATES_MAX + 3) / 4,
               "a trial for each fit of halving");

/* A first stage that several candidates of a round share. */
struct shared_base {
    const struct lw_fit_spec *fit; /* the first of them */
    struct lw_model *model;        /* with the correction of the newest trial */
    double *coef;                  /* its coefficients without one */
    struct lw_fit_report report;
};

struct candidate_search {
    const struct lw_spec *spec;
    const struct lw_split *s;
    struct lw_training *out;
    double *predicted;      /* of the current trial, and ... */
    double *answers;        /* ... as they would be served */
    double *history;        /* the same of the rows before the hold-out */
    double *best;           /* of `model` */
    struct lw_model *model; /* best of the round, or ... */
    size_t of_base;         /* ... based on this shared stage; SIZE_MAX: not */
    double *coef;           /* with these coefficients */
    const struct lw_failures *failed;
    size_t nbases;
    struct shared_base base[LW_CANDIDATES_MAX];
};

double lw__search_held_out(const struct lw_task *task, const struct lw_split *s,
                           const double *predicted, struct lw_losses *errors) {
    *errors = (struct lw_losses){0};
    for (size_t i = s->hold; i < s->end; i++)
        lw_losses_add(errors, task,
                      lw_label_bounded(&s->labels, lw_dataset_target(s->ds, i)),
                      predicted[i - s->hold]);
    /* a sum with events left out has no error */
    return errors->unsummed ? NAN : lw_losses_error(errors);
}

void lw__search_answer(const struct lw_spec *spec, const struct lw_split *s,
                       const double *predicted, double *out) {
    size_t n = s->end - s->hold;
    if (!s->tracked) {
        memmove(out, predicted, n * sizeof *out);
        return;
    }
    int64_t *time = lw_malloc((n + 1) * sizeof *time);
    double *target = lw_malloc((n + 1) * sizeof *target);
    for (size_t i = 0; i < n; i++) {
        time[i] = lw_dataset_time(s->ds, s->hold + i);
        target[i] = lw_label_bounded(&s->labels, lw_dataset_target(s->ds, s->hold + i));
    }
    const struct lw_tracking_rows rows = {n, time, target, predicted, NULL};
    lw_tracking_simulate(spec, &rows, out);
    free(time);
    free(target);
}

static double search_seconds(const struct candidate_search *f) {
    return f->spec->seconds ? f->spec->seconds() : 0;
}

static void forget_bases(struct candidate_search *f) {
    for (size_t i = 0; i < f->nbases; i++) {
        lw_model_free(f->base[i].model);
        free(f->base[i].coef);
    }
    f->nbases = 0;
}

/* How many candidates share this first stage. */
static size_t base_sharers(const struct candidate_search *f,
                           const struct lw_fit_spec *fit) {
    size_t n = 0;
    for (size_t i = 0; i < f->spec->ncandidates; i++)
        n += lw_fit_same_base(&f->spec->candidate[i], fit);
    return n;
}

static struct lw_fit_rows rows_from(const struct candidate_search *f, size_t begin) {
    return (struct lw_fit_rows){.ds = f->s->ds,
                                .begin = begin,
                                .end = f->s->hold,
                                .as_of_ms = f->out->holdout_from_ms};
}

/* The fit without its correction, made once a round; NULL when it fails. */
static struct shared_base *base_for(struct candidate_search *f, size_t begin,
                                    const struct lw_fit_spec *fit, struct lw_err *err) {
    for (size_t i = 0; i < f->nbases; i++)
        if (lw_fit_same_base(f->base[i].fit, fit))
            return &f->base[i];
    struct shared_base *base = &f->base[f->nbases];
    struct lw_fit_spec plain = *fit;
    plain.uncorrected = true;
    *base = (struct shared_base){.fit = fit, .report = {.quick = true}};
    struct lw_fit_rows rows = rows_from(f, begin);
    base->model = lw_fit(&rows, &plain, &base->report, err);
    if (!base->model)
        return NULL;
    base->coef = lw_fit_keep(base->model);
    f->nbases++;
    return base;
}

/* As lw_fit, but a shared first stage is fitted once. The model belongs to *base, or to
 * the caller when that is NULL. */
static struct lw_model *fit_candidate(struct candidate_search *f, size_t begin,
                                      const struct lw_fit_spec *fit,
                                      struct shared_base **base,
                                      struct lw_fit_report *report, struct lw_err *err) {
    struct lw_fit_rows rows = rows_from(f, begin);
    const char *failed = f->failed ? f->failed->why[fit - f->spec->candidate] : "";
    *report = (struct lw_fit_report){.quick = true};
    *base = NULL;
    if (*failed) {
        lw_fail(err, LW_EINPUT, "%s", failed);
        return NULL;
    }
    if (base_sharers(f, fit) < 2)
        return lw_fit(&rows, fit, report, err);
    struct shared_base *b = base_for(f, begin, fit, err);
    if (!b)
        return NULL;
    lw_fit_restore(b->model, b->coef);
    if (lw_fit_correct(b->model, &rows, fit, err))
        return NULL;
    *report = b->report;
    *base = b;
    return b->model;
}

/* Losses of the current answers by hour, as those of the next trial. */
static void note_hours(struct candidate_search *f) {
    const struct lw_split *s = f->s;
    struct lw_trial_losses *losses = s->losses;
    double *sum = &losses->hour[losses->nhours * losses->ntrials];
    memset(sum, 0, losses->nhours * sizeof *sum);
    for (size_t i = s->hold; i < s->end; i++) {
        double y = lw_label_bounded(&s->labels, lw_dataset_target(s->ds, i));
        int64_t since = lw_dataset_time(s->ds, i) - losses->from_ms;
        sum[since / LW_HOUR] += f->spec->task->loss_of(y, f->answers[i - s->hold]);
    }
}

/* The same for the model's answers to the history, by block. */
static void note_blocks(struct candidate_search *f, const struct lw_model *model) {
    const struct lw_split *s = f->s;
    struct lw_split before = *s;
    struct lw_trial_losses *losses = s->losses;
    double *sum = &losses->block[losses->nblocks * losses->ntrials];
    memset(sum, 0, losses->nblocks * sizeof *sum);
    before.hold = s->recent;
    before.end = s->hold;
    lw_model_predict_rows(model, s->ds, before.hold, before.end, f->history);
    lw__search_answer(f->spec, &before, f->history, f->history);
    for (size_t i = before.hold; i < before.end; i++) {
        double y = lw_label_bounded(&s->labels, lw_dataset_target(s->ds, i));
        size_t age = lw_gate_block(f->spec, s->until_ms, lw_dataset_time(s->ds, i));
        sum[age] += f->spec->task->loss_of(y, f->history[i - before.hold]);
    }
}

/* The error on the held-out rows; -1 if there is none, because NaN cannot be compared. */
static int held_out(struct candidate_search *f, const struct lw_model *model,
                    struct lw_trial *trial, struct lw_err *err) {
    const struct lw_split *s = f->s;
    struct lw_losses errors;
    size_t n = s->end - s->hold, bad = 0;
    lw_model_predict_rows(model, f->s->ds, s->hold, s->end, f->predicted);
    for (size_t i = 0; i < n; i++)
        bad += isfinite(f->predicted[i]) ? 0 : 1;
    if (bad)
        return lw_fail(err, LW_EINPUT,
                       "%zu of %zu predictions for the hold-out are not finite", bad, n);
    lw__search_answer(f->spec, s, f->predicted, f->answers);
    double error = lw__search_held_out(f->spec->task, s, f->answers, &errors);
    if (!isfinite(error))
        return lw_fail(err, LW_EINPUT,
                       "its errors on the hold-out are too large to be summed");
    trial->error = error;
    note_hours(f);
    note_blocks(f, model);
    s->losses->ntrials++;
    return 0;
}

static void judge_cost(const struct candidate_search *f, const struct lw_model *model,
                       struct lw_trial *trial) {
    double budget = f->spec->retrain.predict_us;
    trial->predict_us = lw_cost_predict_us(model);
    trial->costly = budget > 0 && trial->predict_us > budget;
    if (trial->costly)
        snprintf(trial->note, sizeof trial->note,
                 "a prediction takes %.2f us, retrain.budget.predict_us is %.6g",
                 trial->predict_us, budget);
}

/* Fits on rows [begin, hold) and scores; the trial has its candidate. NULL: failed. */
static struct lw_model *try_candidate(struct candidate_search *f, size_t begin,
                                      struct lw_trial *trial, struct shared_base **base) {
    struct lw_err err = {0};
    struct lw_fit_report report;
    double began = search_seconds(f);
    lw_copy(trial->name, sizeof trial->name, trial->fit->name);
    trial->error = NAN;
    struct lw_model *model = fit_candidate(f, begin, trial->fit, base, &report, &err);
    if (model) {
        trial->rows = report.rows;
        if (report.rank_deficient)
            snprintf(trial->note, sizeof trial->note, "%zu dependent columns dropped",
                     report.rank_deficient);
        judge_cost(f, model, trial);
    }
    if (!model || held_out(f, model, trial, &err)) {
        lw_copy(trial->note, sizeof trial->note, err.msg);
        if (!*base)
            lw_model_free(model);
        model = NULL;
    }
    trial->seconds = search_seconds(f) - began;
    return model;
}

static void drop_best(struct candidate_search *f) {
    lw_model_free(f->model);
    free(f->coef);
    f->model = NULL;
    f->coef = NULL;
    f->of_base = SIZE_MAX;
}

static bool has_best(const struct candidate_search *f) {
    return f->model || f->of_base != SIZE_MAX;
}

static void take_best(struct candidate_search *f, size_t at, struct lw_model *model,
                      const struct shared_base *base) {
    drop_best(f);
    if (base) {
        f->of_base = (size_t)(base - f->base);
        f->coef = lw_fit_keep(model);
    } else {
        f->model = model;
    }
    f->out->chosen = at;
    memcpy(f->best, f->predicted, (f->s->end - f->s->hold) * sizeof *f->best);
}

/* Turns the best of the round into a model of its own. */
static void detach_best(struct candidate_search *f) {
    if (f->of_base != SIZE_MAX) {
        struct shared_base *base = &f->base[f->of_base];
        f->model = base->model;
        base->model = NULL;
        lw_fit_restore(f->model, f->coef);
    }
    free(f->coef);
    f->coef = NULL;
    f->of_base = SIZE_MAX;
    forget_bases(f);
}

/* An unbarred candidate beats a barred one; else the smaller error wins. */
static bool trial_beats(const struct lw_training *t, const struct lw_trial *a,
                        const struct lw_trial *b) {
    bool a_barred = t->barred[0] && strcmp(a->name, t->barred) == 0;
    bool b_barred = t->barred[0] && strcmp(b->name, t->barred) == 0;
    return a_barred != b_barred ? b_barred : a->error < b->error;
}

/* Tries each candidate of a list and keeps the best of them. */
static void run_round(struct candidate_search *f, const size_t *list, size_t n, int round,
                      size_t begin) {
    struct lw_training *out = f->out;
    drop_best(f);
    for (size_t i = 0; i < n; i++) {
        size_t at = out->ntrials++;
        struct lw_trial *trial = &out->trial[at];
        struct shared_base *base;
        *trial = (struct lw_trial){.fit = &f->spec->candidate[list[i]], .round = round};
        struct lw_model *model = try_candidate(f, begin, trial, &base);
        if (model && !trial->costly &&
            (!has_best(f) || trial_beats(out, trial, &out->trial[out->chosen])))
            take_best(f, at, model, base);
        else if (model && !base)
            lw_model_free(model);
    }
    detach_best(f);
}

/* Moves the better half of a round's n trials to the front of the list, best first, and
 * returns their number. Failed and costly trials are never among them. */
static size_t keep_better(const struct candidate_search *f, size_t *list, size_t n) {
    const struct lw_trial *trial = &f->out->trial[f->out->ntrials - n];
    size_t order[LW_CANDIDATES_MAX], kept[LW_CANDIDATES_MAX], fitted = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = fitted;
        if (isnan(trial[i].error) || trial[i].costly)
            continue;
        for (; at > 0 && trial[order[at - 1]].error > trial[i].error; at--)
            order[at] = order[at - 1];
        order[at] = i;
        fitted++;
    }
    size_t half = (n + 1) / 2 < fitted ? (n + 1) / 2 : fitted;
    for (size_t i = 0; i < half; i++)
        kept[i] = list[order[i]];
    memcpy(list, kept, half * sizeof *list);
    return half;
}

static void search_halve(struct candidate_search *f, size_t *list, size_t n) {
    size_t rows = f->s->hold - f->s->begin;
    int round = n == 1 ? LAST_ROUND : 0;
    while (n) {
        run_round(f, list, n, round, f->s->hold - (rows >> (LAST_ROUND - round)));
        if (round == LAST_ROUND)
            return;
        n = keep_better(f, list, n);
        round = n == 1 ? LAST_ROUND : round + 1; /* no competitor is left */
    }
}

/* Moves `budget` of n to the front, as a shuffle that stops early; returns their
 * number. */
static size_t candidates_draw(const struct lw_search_spec *search, int64_t as_of_ms,
                              size_t *list, size_t n) {
    struct lw_rng rng;
    size_t budget = search->budget < n ? search->budget : n;
    lw_rng_seed(&rng, search->seed ^ lw_mix64((uint64_t)as_of_ms));
    for (size_t i = 0; i < budget; i++) {
        size_t j = i + (size_t)lw_rng_below(&rng, n - i);
        size_t other = list[j];
        list[j] = list[i];
        list[i] = other;
    }
    return budget;
}

/* Gives the reason of each failed candidate; a shared reason appears once. */
static int fail_all(const struct lw_training *t, struct lw_err *err) {
    char why[sizeof((struct lw_err *)0)->msg];
    size_t at = 0;
    why[0] = '\0';
    for (size_t i = 0; i < t->ntrials && at < sizeof why - 1; i++) {
        bool again = i > 0 && strcmp(t->trial[i].note, t->trial[i - 1].note) == 0;
        int n = snprintf(why + at, sizeof why - at, "%s%s%s%s", i ? ", " : "",
                         t->trial[i].name, again ? " too" : ": ",
                         again ? "" : t->trial[i].note);
        at += n > 0 ? (size_t)n : 0;
    }
    return lw_fail(err, LW_EINPUT, "no candidate could be fitted: %.470s",
                   t->ntrials ? why : "none is configured");
}

struct lw_model *lw__search(const struct lw_spec *spec, const struct lw_split *s,
                            struct lw_training *out, double *best,
                            const struct lw_failures *failed, struct lw_err *err) {
    size_t list[LW_CANDIDATES_MAX], n = spec->ncandidates;
    struct candidate_search f = {.spec = spec,
                                 .s = s,
                                 .out = out,
                                 .best = best,
                                 .of_base = SIZE_MAX,
                                 .failed = failed};
    out->ntrials = s->losses->ntrials = 0;
    f.predicted = lw_malloc((s->end - s->hold) * sizeof *f.predicted);
    f.answers = lw_malloc((s->end - s->hold) * sizeof *f.answers);
    f.history = lw_malloc((s->hold - s->recent + 1) * sizeof *f.history);
    for (size_t i = 0; i < n; i++)
        list[i] = i;
    if (spec->retrain.search.kind == LW_SEARCH_RANDOM)
        n = candidates_draw(&spec->retrain.search, out->as_of_ms, list, n);
    if (spec->retrain.search.kind == LW_SEARCH_HALVING)
        search_halve(&f, list, n);
    else
        run_round(&f, list, n, 0, s->begin);
    free(f.predicted);
    free(f.answers);
    free(f.history);
    if (!f.model)
        fail_all(out, err);
    return f.model;
}

int lw__search_imported(const struct lw_spec *spec, const struct lw_split *s,
                        struct lw_training *out, struct lw_model *imported, double *best,
                        struct lw_err *err) {
    struct candidate_search f = {.spec = spec, .s = s, .out = out, .predicted = best};
    struct lw_trial *trial = &out->trial[0];
    *trial = (struct lw_trial){.error = NAN};
    lw_copy(trial->name, sizeof trial->name, lw_model_name(imported));
    out->ntrials = 1;
    out->chosen = s->losses->ntrials = 0;
    if (lw_model_bind_plan(imported, lw_dataset_plan(s->ds), err))
        return -1;
    f.answers = lw_malloc((s->end - s->hold) * sizeof *f.answers);
    f.history = lw_malloc((s->hold - s->recent + 1) * sizeof *f.history);
    judge_cost(&f, imported, trial);
    int rc = trial->costly ? lw_fail(err, LW_EINPUT, "%s", trial->note)
                           : held_out(&f, imported, trial, err);
    free(f.answers);
    free(f.history);
    return rc ? lw_err_context(err, "imported model \"%s\"", trial->name) : 0;
}
