/* One training: candidates, hold-out, gate, refit, reference. See train.h for the order
 * of things. */
#include "core/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/search.h"

/* Rows behind the weekly rhythm of the error, and how strongly an hour's own figure is
 * drawn to the overall one: an hour with this many rows counts half. */
#define RHYTHM_MS     (28 * LW_DAY)
#define RHYTHM_SHRINK 200.0
/* Answered events that make the second estimate of the level worth hearing, and the most
 * that it may raise the first: after a shift the old version's errors are no measure for
 * the new one. */
#define LEVEL_MIN_N  1000
#define LEVEL_WEIGHT 0.75
#define LEVEL_MAX    1.3

static struct lw_split split_rows(const struct lw_spec *spec, const struct lw_dataset *ds,
                                  int64_t as_of_ms) {
    const struct lw_retrain_spec *r = &spec->retrain;
    struct lw_split s = {.end = lw_dataset_lower_bound(ds, as_of_ms),
                         .hold = lw_dataset_lower_bound(ds, as_of_ms - r->holdout_ms)};
    s.begin = r->window_ms ? lw_dataset_lower_bound(ds, as_of_ms - r->window_ms) : 0;
    s.hold = s.hold < s.begin ? s.begin : s.hold; /* a window inside the hold-out */
    return s;
}

/* Squared errors of the proved model over recent rows by hour of the week, and how many
 * rows of each hour the hold-out and the reference period have. */
struct rhythm {
    double sum[LW_HOURS_OF_WEEK], n[LW_HOURS_OF_WEEK];
    double held[LW_HOURS_OF_WEEK], recent[LW_HOURS_OF_WEEK];
};

static void feel_rhythm(const struct lw_model *model, const struct lw_dataset *ds,
                        const struct lw_split *s, int64_t as_of_ms, int64_t recent_ms,
                        struct rhythm *r) {
    size_t begin = lw_dataset_lower_bound(ds, as_of_ms - RHYTHM_MS);
    begin = begin < s->begin ? s->begin : begin;
    double *predicted = lw_malloc((s->end - begin) * sizeof *predicted);
    lw_model_predict_rows(model, ds, begin, s->end, predicted);
    for (size_t i = begin; i < s->end; i++) {
        int hour = lw_hour_of_week(lw_dataset_time(ds, i));
        double e = predicted[i - begin] - lw_dataset_target(ds, i);
        r->sum[hour] += e * e;
        r->n[hour]++;
        r->held[hour] += i >= s->hold;
        r->recent[hour] += lw_dataset_time(ds, i) >= as_of_ms - recent_ms;
    }
    free(predicted);
}

/* Mean of hour_mse over rows that are spread over the hours like `n`; 0 when there are
 * none. */
static double mean_over(const double *hour_mse, const double *n) {
    double sum = 0, total = 0;
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++) {
        sum += n[h] * hour_mse[h];
        total += n[h];
    }
    return total > 0 ? sum / total : 0;
}

static void scale_rhythm(struct lw_reference *ref, double factor) {
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++)
        ref->hour_mse[h] = fmax(ref->hour_mse[h] * factor, 1e-12);
}

/* Expected squared error by hour of the week: the proved model's rhythm over recent rows,
 * brought to the level of what it did on the rows it had not seen. Two days are a small
 * sample of that level, and a lucky one makes false alarms for weeks; so it is averaged
 * with a second estimate, what the answering versions did over the reference period less
 * what the challenger gained on them in the hold-out. */
static void weekly_rhythm(const struct lw_spec *spec, const struct lw_model *model,
                          const struct lw_dataset *ds, const struct lw_split *s,
                          const struct lw_training *t, const struct lw_pane *recent,
                          struct lw_reference *ref) {
    struct rhythm r = {0};
    double sum = 0, n = 0;
    feel_rhythm(model, ds, s, t->as_of_ms, spec->retrain.reference_ms, &r);
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++) {
        sum += r.sum[h];
        n += r.n[h];
    }
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++)
        ref->hour_mse[h] =
            (r.sum[h] + RHYTHM_SHRINK * sum / n) / (r.n[h] + RHYTHM_SHRINK);
    double held = mean_over(ref->hour_mse, r.held);
    scale_rhythm(ref, held > 0 ? ref->errors.e2 / (double)ref->errors.n / held : 1);
    if (!recent || recent->answered.n < LEVEL_MIN_N)
        return;
    double expected = mean_over(ref->hour_mse, r.recent);
    double did = recent->answered.e2 / (double)recent->answered.n * (1 - t->gate.gain);
    if (expected > 0)
        scale_rhythm(ref, fmin(1 + LEVEL_WEIGHT * (did / expected - 1), LEVEL_MAX));
}

/* The training plan's atom that a watched category is, or -1. */
static int atom_of(const struct lw_spec *spec, const struct lw_plan *plan,
                   size_t feature) {
    const char *text =
        lw_plan_atom_text(spec->watch, (size_t)spec->feature_atom[feature]);
    for (size_t a = 0; a < lw_plan_atoms(plan); a++)
        if (strcmp(lw_plan_atom_text(plan, a), text) == 0 &&
            lw_plan_atom_kind(plan, a) == LW_CATEGORY)
            return (int)a;
    return -1;
}

/* Squared errors of the held-out rows by value of each watched category that the models
 * know too. */
static void hold_to_account(const struct lw_spec *spec, const struct lw_dataset *ds,
                            const struct lw_split *s, const double *predicted,
                            struct lw_reference *ref) {
    const struct lw_plan *plan = lw_dataset_plan(ds);
    struct lw_cell cells[LW_ATOMS_MAX];
    int atom[LW_FEATURES_MAX];
    for (size_t f = 0; f < spec->nfeatures; f++)
        atom[f] = spec->feature[f].kind == LW_CATEGORY ? atom_of(spec, plan, f) : -1;
    for (size_t i = s->hold; i < s->end; i++) {
        double e = predicted[i - s->hold] - lw_dataset_target(ds, i);
        lw_dataset_cells(ds, i, cells);
        for (size_t f = 0; f < spec->nfeatures; f++)
            if (atom[f] >= 0 && cells[atom[f]].present && isfinite(e))
                lw_segments_add(&ref->segments[f], cells[atom[f]].key, 1, e * e);
    }
}

static struct lw_reference *
make_reference(const struct lw_spec *spec, const struct lw_dataset *ds,
               const struct lw_split *s, const struct lw_model *model,
               const double *predicted, const struct lw_training *t,
               const struct lw_pane *recent) {
    struct lw_reference *ref = lw_reference_new(spec);
    ref->until_ms = t->as_of_ms;
    ref->from_ms = t->as_of_ms - spec->retrain.reference_ms;
    lw__held_out(ds, s, predicted, &ref->errors);
    for (size_t i = s->hold; i < s->end; i++) {
        double p = predicted[i - s->hold];
        lw_profile_add_numeric(ref->scores, 0, p);
        lw_profile_add_numeric(ref->scores, 1, p - lw_dataset_target(ds, i));
    }
    hold_to_account(spec, ds, s, predicted, ref);
    if (recent) {
        lw_profile_merge(ref->profile, recent->profile);
        ref->events = recent->events;
        ref->aside = recent->events - recent->reason[LW_GOOD];
    }
    for (size_t i = 0; i < ref->profile->n; i++)
        if (ref->profile->members[i].kind == LW_NUMERIC)
            lw_bins_from(&ref->profile->members[i].num, spec->drift.bins, &ref->bins[i]);
    weekly_rhythm(spec, model, ds, s, t, recent, ref);
    return ref;
}

static int judge(const struct lw_spec *spec, const struct lw_dataset *ds,
                 const struct lw_split *s, struct lw_model *champion,
                 const double *challenger, struct lw_gate *gate, struct lw_err *err) {
    if (!champion) {
        struct lw_errors errors;
        *gate = (struct lw_gate){.n = s->end - s->hold, .passed = true};
        gate->challenger_rmse = lw__held_out(ds, s, challenger, &errors);
        lw_copy(gate->reason, sizeof gate->reason, "first version: no champion to beat");
        return 0;
    }
    if (lw_model_bind_plan(champion, lw_dataset_plan(ds), err))
        return -1;
    double *predicted = lw_malloc((s->end - s->hold) * sizeof *predicted);
    lw_model_predict_rows(champion, ds, s->hold, s->end, predicted);
    lw_gate_judge(&spec->retrain.gate, ds, s->hold, s->end, predicted, challenger, gate);
    free(predicted);
    return 0;
}

static int check_rows(const struct lw_spec *spec, const struct lw_split *s,
                      int64_t as_of_ms, struct lw_err *err) {
    char when[32];
    if (s->hold - s->begin < spec->retrain.min_rows)
        return lw_fail(
            err, LW_EINPUT,
            "%zu usable rows to fit before the hold-out, retrain.min_rows asks for %zu "
            "(as of %s)",
            s->hold - s->begin, (size_t)spec->retrain.min_rows,
            lw_format_time(when, sizeof when, as_of_ms));
    if (s->end == s->hold)
        return lw_fail(err, LW_EINPUT, "no usable rows in the hold-out before %s",
                       lw_format_time(when, sizeof when, as_of_ms));
    return 0;
}

/* What was rolled back does not come back at once under another number. */
static void keep_out(struct lw_training *t) {
    const char *name = t->trial[t->chosen].name;
    if (!t->barred[0] || strcmp(name, t->barred) != 0)
        return;
    t->gate.passed = false;
    snprintf(t->gate.reason, sizeof t->gate.reason,
             "%.60s was rolled back lately and is barred for now (RMSE %s against %s)",
             name, lw_digits(t->gate.challenger_rmse, 3).text,
             lw_digits(t->gate.champion_rmse, 3).text);
}

static int prove(const struct lw_spec *spec, const struct lw_dataset *ds,
                 const struct lw_split *s, struct lw_model *champion,
                 const struct lw_pane *recent, struct lw_training *out, double *predicted,
                 struct lw_err *err) {
    struct lw_model *proved = lw__search(spec, ds, s, out, predicted, err);
    if (!proved)
        return -1;
    if (judge(spec, ds, s, champion, predicted, &out->gate, err)) {
        lw_model_free(proved);
        return -1;
    }
    keep_out(out);
    out->reference = make_reference(spec, ds, s, proved, predicted, out, recent);
    lw_model_free(proved);
    struct lw_fit_report report = {.quick = true};
    out->model = lw_fit(ds, s->begin, s->end, out->as_of_ms, out->trial[out->chosen].fit,
                        &report, err);
    return out->model ? 0 : -1;
}

int lw_train(const struct lw_spec *spec, const struct lw_dataset *ds, int64_t as_of_ms,
             struct lw_model *champion, const struct lw_pane *recent,
             struct lw_training *out, struct lw_err *err) {
    struct lw_split s = split_rows(spec, ds, as_of_ms);
    char barred[LW_NAME_MAX];
    lw_copy(barred, sizeof barred, out->barred);
    *out = (struct lw_training){.as_of_ms = as_of_ms,
                                .holdout_from_ms = as_of_ms - spec->retrain.holdout_ms,
                                .rows = s.end - s.begin,
                                .holdout_rows = s.end - s.hold};
    lw_copy(out->barred, sizeof out->barred, barred);
    if (check_rows(spec, &s, as_of_ms, err))
        return -1;
    out->rows_from_ms = lw_dataset_time(ds, s.begin);
    double *predicted = lw_malloc((s.end - s.hold) * sizeof *predicted);
    int rc = prove(spec, ds, &s, champion, recent, out, predicted, err);
    free(predicted);
    if (rc)
        lw_training_fini(out);
    return rc;
}

void lw_training_fini(struct lw_training *t) {
    lw_model_free(t->model);
    lw_reference_free(t->reference);
    t->model = NULL;
    t->reference = NULL;
}
