/* See search.h. */
#include "core/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"

#define LAST_ROUND 2 /* of halving: rounds 0, 1, 2 fit a quarter, a half, all */

_Static_assert(LW_TRIALS_MAX >= LW_CANDIDATES_MAX + (LW_CANDIDATES_MAX + 1) / 2 +
                                    (LW_CANDIDATES_MAX + 3) / 4,
               "a trial for each fit of halving");

struct search {
    const struct lw_spec *spec;
    const struct lw_dataset *ds;
    const struct lw_split *s;
    struct lw_training *out;
    double *predicted;      /* of the trial at hand */
    double *best;           /* of `model` */
    struct lw_model *model; /* best of the round */
};

double lw__held_out(const struct lw_dataset *ds, const struct lw_split *s,
                    const double *predicted, struct lw_errors *errors) {
    *errors = (struct lw_errors){0};
    for (size_t i = s->hold; i < s->end; i++)
        lw_errors_add(errors, lw_dataset_target(ds, i), predicted[i - s->hold]);
    return lw_errors_rmse(errors);
}

static double now(const struct search *f) {
    return f->spec->seconds ? f->spec->seconds() : 0;
}

/* Fits on rows [begin, hold) and scores; the trial has its candidate. */
static struct lw_model *try_candidate(struct search *f, size_t begin,
                                      struct lw_trial *trial) {
    struct lw_err err = {0};
    struct lw_fit_report report = {0};
    struct lw_errors errors;
    const struct lw_split *s = f->s;
    double began = now(f);
    lw_copy(trial->name, sizeof trial->name, trial->fit->name);
    trial->rmse = NAN;
    struct lw_model *model =
        lw_fit(f->ds, begin, s->hold, f->out->holdout_from_ms, trial->fit, &report, &err);
    if (model) {
        trial->rows = report.rows;
        if (report.rank_deficient)
            snprintf(trial->note, sizeof trial->note, "%zu dependent columns dropped",
                     report.rank_deficient);
        lw_model_predict_rows(model, f->ds, s->hold, s->end, f->predicted);
        trial->rmse = lw__held_out(f->ds, s, f->predicted, &errors);
    } else {
        lw_copy(trial->note, sizeof trial->note, err.msg);
    }
    trial->seconds = now(f) - began;
    return model;
}

/* Tries each candidate of a list; the best of them is what the search has then. */
static void run_round(struct search *f, const size_t *list, size_t n, int round,
                      size_t begin) {
    struct lw_training *out = f->out;
    lw_model_free(f->model);
    f->model = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t at = out->ntrials++;
        struct lw_trial *trial = &out->trial[at];
        *trial = (struct lw_trial){.fit = &f->spec->candidate[list[i]], .round = round};
        struct lw_model *model = try_candidate(f, begin, trial);
        if (model && (!f->model || trial->rmse < out->trial[out->chosen].rmse)) {
            lw_model_free(f->model);
            f->model = model;
            out->chosen = at;
            memcpy(f->best, f->predicted, (f->s->end - f->s->hold) * sizeof *f->best);
        } else {
            lw_model_free(model);
        }
    }
}

/* Puts the better half of a round's n trials in front of the list, the best first. How
 * many they are; those whose fit failed are never among them. */
static size_t keep_better(const struct search *f, size_t *list, size_t n) {
    const struct lw_trial *trial = &f->out->trial[f->out->ntrials - n];
    size_t order[LW_CANDIDATES_MAX], kept[LW_CANDIDATES_MAX], fitted = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = fitted;
        if (isnan(trial[i].rmse))
            continue;
        for (; at > 0 && trial[order[at - 1]].rmse > trial[i].rmse; at--)
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

static void halve(struct search *f, size_t *list, size_t n) {
    size_t rows = f->s->hold - f->s->begin;
    int round = n == 1 ? LAST_ROUND : 0;
    while (n) {
        run_round(f, list, n, round, f->s->hold - (rows >> (LAST_ROUND - round)));
        if (round == LAST_ROUND)
            return;
        n = keep_better(f, list, n);
        round = n == 1 ? LAST_ROUND : round + 1; /* nobody left to lose to */
    }
}

/* Moves `budget` of n to the front, as a shuffle that stops early. How many they are. */
static size_t draw(const struct lw_search_spec *search, int64_t as_of_ms, size_t *list,
                   size_t n) {
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

struct lw_model *lw__search(const struct lw_spec *spec, const struct lw_dataset *ds,
                            const struct lw_split *s, struct lw_training *out,
                            double *best, struct lw_err *err) {
    size_t list[LW_CANDIDATES_MAX], n = spec->ncandidates;
    struct search f = {.spec = spec, .ds = ds, .s = s, .out = out, .best = best};
    f.predicted = lw_malloc((s->end - s->hold) * sizeof *f.predicted);
    for (size_t i = 0; i < n; i++)
        list[i] = i;
    if (spec->retrain.search.kind == LW_SEARCH_RANDOM)
        n = draw(&spec->retrain.search, out->as_of_ms, list, n);
    if (spec->retrain.search.kind == LW_SEARCH_HALVING)
        halve(&f, list, n);
    else
        run_round(&f, list, n, 0, s->begin);
    free(f.predicted);
    if (!f.model)
        lw_fail(err, LW_EINPUT, "no candidate could be fitted: %s",
                out->ntrials ? out->trial[0].note : "none is configured");
    return f.model;
}
