/* One training: candidates, hold-out, gate, refit, reference. See train.h for the order of
 * the steps. */
#include "core/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "core/observe.h"
#include "core/search.h"

/* Rows behind the weekly pattern of the loss and the spread between days, and how
 * strongly an hour's own mean is shrunk towards the overall mean: an hour with this many rows counts half. */
#define RHYTHM_MS     (28 * LW_DAY)
#define RHYTHM_SHRINK 200.0
/* Answered events that the second estimate of the level needs, and the most by which it
 * may raise the first: after a shift the old version's errors say little about the new
 * version. */
#define LEVEL_MIN_N  1000
#define LEVEL_WEIGHT 0.75
#define LEVEL_MAX    1.3

/* One training at work: what every step of it reads. */
struct trainer {
    const struct lw_spec *spec;
    struct lw_split rows;
    const struct lw_pane *recent;
    double *predicted; /* the proved model's, of the held-out rows, and ... */
    double *answers;   /* ... as they would be served */
    struct lw_model *proved;
    size_t recent_from; /* the first row of RHYTHM_MS */
    double *unseen;     /* from there on, by models that had not seen the day; or NULL */
    struct lw_trial_losses losses;
    struct lw_losses answered;
    struct lw_training *out;
};

static struct lw_split split_rows(const struct lw_spec *spec, const struct lw_dataset *ds,
                                  int64_t as_of_ms, int64_t holdout_from_ms) {
    const struct lw_retrain_spec *r = &spec->retrain;
    struct lw_split s = {.ds = ds,
                         .end = lw_dataset_lower_bound(ds, as_of_ms),
                         .hold = lw_dataset_lower_bound(ds, holdout_from_ms)};
    s.begin = r->window_ms ? lw_dataset_lower_bound(ds, as_of_ms - r->window_ms) : 0;
    s.hold = s.hold < s.begin ? s.begin : s.hold; /* a window inside the hold-out */
    s.labels = lw_dataset_labels(ds, s.hold, s.end);
    s.recent = lw_dataset_lower_bound(ds, as_of_ms - RHYTHM_MS);
    s.recent = s.recent < s.begin ? s.begin : s.recent > s.hold ? s.hold : s.recent;
    s.until_ms = as_of_ms;
    return s;
}

/* Losses over recent rows by hour of the week, of predictions by models that had not seen
 * the row; and how many rows of each hour the hold-out and the reference period have. */
struct hourly_losses {
    double sum[LW_HOURS_OF_WEEK], n[LW_HOURS_OF_WEEK];
    double held[LW_HOURS_OF_WEEK], recent[LW_HOURS_OF_WEEK];
};

static void hourly_loss_add(const struct trainer *t, size_t i, double predicted,
                            struct hourly_losses *r) {
    const struct lw_split *s = &t->rows;
    int hour = lw_hour_of_week(t->spec->zone, lw_dataset_time(s->ds, i));
    double target = lw_label_bounded(&s->labels, lw_dataset_target(s->ds, i));
    double loss = t->spec->task->loss_of(target, predicted);
    if (!isfinite(loss))
        return;
    r->sum[hour] += loss;
    r->n[hour]++;
    r->held[hour] += i >= s->hold;
}

/* Predicts the rows outside the fold by a model fitted on the fold. Held-out rows are
 * predicted by the same model, although the proved model has not seen them either: a
 * mixture of the two would show the difference between a whole and a half fit as a weekly
 * pattern. */
static int predict_other_half(struct trainer *t, const struct lw_fold *fold) {
    const struct lw_split *s = &t->rows;
    const struct lw_training *out = t->out;
    struct lw_err ignored = {0};
    size_t from = t->recent_from;
    struct lw_fit_rows rows = {.ds = s->ds,
                               .begin = s->begin,
                               .end = s->hold,
                               .as_of_ms = out->holdout_from_ms,
                               .fold = *fold};
    const struct lw_fit_spec *fit = out->trial[out->chosen].fit;
    /* the hours in which boosted trees err are those of their base, which fits faster */
    struct lw_model *half = lw_fit(&rows, fit->base ? fit->base : fit, NULL, &ignored);
    if (!half)
        return -1;
    double *predicted = lw_malloc((s->end - from) * sizeof *predicted);
    lw_model_predict_rows(half, s->ds, from, s->end, predicted);
    for (size_t i = from; i < s->end; i++)
        if (!lw_fold_has(fold, lw_dataset_time(s->ds, i)))
            t->unseen[i - from] = predicted[i - from];
    free(predicted);
    lw_model_free(half);
    return 0;
}

/* Two fits on every other day cost as much as one on all. */
static void unseen_predict(struct trainer *t) {
    const struct lw_split *s = &t->rows;
    size_t from = lw_dataset_lower_bound(s->ds, t->out->as_of_ms - RHYTHM_MS);
    t->recent_from = from < s->begin ? s->begin : from;
    t->unseen = lw_malloc((s->end - t->recent_from) * sizeof *t->unseen);
    struct lw_fold fold = {.block_ms = LW_DAY, .in_turn = true};
    int rc = predict_other_half(t, &fold);
    fold.half = 1;
    if (rc == 0 && predict_other_half(t, &fold) == 0)
        return;
    free(t->unseen);
    t->unseen = NULL;
}

/* Where a half could not be fitted, only the held-out rows count. */
static void hourly_loss_measure(const struct trainer *t, struct hourly_losses *r) {
    const struct lw_split *s = &t->rows;
    for (size_t i = t->unseen ? t->recent_from : s->hold; i < s->end; i++)
        hourly_loss_add(
            t, i, t->unseen ? t->unseen[i - t->recent_from] : t->predicted[i - s->hold],
            r);
    int64_t recent = t->out->as_of_ms - t->spec->retrain.reference_ms;
    for (size_t i = t->recent_from; i < s->end; i++)
        if (lw_dataset_time(s->ds, i) >= recent)
            r->recent[lw_hour_of_week(t->spec->zone, lw_dataset_time(s->ds, i))]++;
}

/* Mean of hour_loss over rows distributed over the hours as `n`; 0 without rows. */
static double mean_over(const double *hour_loss, const double *n) {
    double sum = 0, total = 0;
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++) {
        sum += n[h] * hour_loss[h];
        total += n[h];
    }
    return total > 0 ? sum / total : 0;
}

static void hourly_loss_scale(struct lw_reference *ref, double factor) {
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++)
        ref->hour_loss[h] = fmax(ref->hour_loss[h] * factor, 1e-12);
}

/* Expected loss by hour of the week: the pattern of the chosen candidate's losses over
 * recent rows, each predicted by a fit that had not seen it, scaled to the level that the
 * proved model reached on the hold-out. Two days are a small sample of that level, and a
 * lucky one causes false alarms for weeks. So the level is averaged with a second
 * estimate: the losses of the answering versions over the reference period, less what the
 * challenger gained on them in the hold-out. */
static void hourly_loss_estimate(const struct trainer *t, struct lw_reference *ref) {
    const struct lw_pane *recent = t->recent;
    struct hourly_losses r = {0};
    double sum = 0, n = 0;
    hourly_loss_measure(t, &r);
    for (int h = 0; h < LW_HOURS_OF_WEEK; h++) {
        sum += r.sum[h];
        n += r.n[h];
    }
    for (int h = 0; n > 0 && h < LW_HOURS_OF_WEEK; h++)
        ref->hour_loss[h] =
            (r.sum[h] + RHYTHM_SHRINK * sum / n) / (r.n[h] + RHYTHM_SHRINK);
    double held = mean_over(ref->hour_loss, r.held);
    hourly_loss_scale(ref, held > 0 ? lw_losses_mean(&t->answered) / held : 1);
    if (!recent || recent->answered.n < LEVEL_MIN_N)
        return;
    double expected = mean_over(ref->hour_loss, r.recent);
    double did = lw_losses_mean(&recent->answered) * (1 - t->out->gate.gain);
    if (expected > 0)
        hourly_loss_scale(ref, fmin(1 + LEVEL_WEIGHT * (did / expected - 1), LEVEL_MAX));
}

/* The training plan's atom for a watched category, or -1. */
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

/* Losses of the held-out rows by value of each watched category that the models know. */
static void loss_by_segment(const struct trainer *t, struct lw_reference *ref) {
    const struct lw_spec *spec = t->spec;
    const struct lw_split *s = &t->rows;
    const struct lw_plan *plan = lw_dataset_plan(s->ds);
    struct lw_cell cells[LW_ATOMS_MAX];
    int atom[LW_FEATURES_MAX];
    for (size_t f = 0; f < spec->nfeatures; f++)
        atom[f] = spec->feature[f].kind == LW_CATEGORY ? atom_of(spec, plan, f) : -1;
    for (size_t i = s->hold; i < s->end; i++) {
        double target = lw_label_bounded(&s->labels, lw_dataset_target(s->ds, i));
        double loss = spec->task->loss_of(target, t->answers[i - s->hold]);
        lw_dataset_cells(s->ds, i, cells);
        for (size_t f = 0; f < spec->nfeatures; f++)
            if (atom[f] >= 0 && cells[atom[f]].present && isfinite(loss))
                lw_segments_add(&ref->segments[f], cells[atom[f]].key, 1, loss);
    }
}

/* Predictions and errors by part of the week: two days of hold-out have no weekend, or
 * nothing else. So the rows of the whole reference count, each predicted by a model that
 * had not seen it. */
static void scores_by_part(const struct trainer *t, struct lw_reference *ref) {
    const struct lw_split *s = &t->rows;
    size_t from = s->hold;
    if (!ref->score_week)
        return;
    if (t->unseen) {
        size_t first = lw_dataset_lower_bound(s->ds, ref->from_ms);
        first = first < t->recent_from ? t->recent_from : first;
        from = first < from ? first : from;
    }
    for (size_t i = from; i < s->end; i++) {
        int64_t start = lw_spec_pane_start(t->spec, lw_dataset_time(s->ds, i));
        size_t part = lw_week_part(t->spec, start);
        double p = t->unseen && i < s->hold ? t->unseen[i - t->recent_from]
                                            : t->predicted[i - s->hold];
        lw_week_add_numeric(ref->score_week, part, 0, p);
        lw_week_add_numeric(ref->score_week, part, 1, p - lw_dataset_target(s->ds, i));
    }
}

static struct lw_reference *make_reference(const struct trainer *t) {
    const struct lw_spec *spec = t->spec;
    const struct lw_split *s = &t->rows;
    struct lw_reference *ref = lw_reference_new(spec);
    ref->until_ms = t->out->as_of_ms;
    ref->from_ms = t->out->as_of_ms - spec->retrain.reference_ms;
    lw__search_held_out(spec->task, s, t->predicted, &ref->losses);
    for (size_t i = s->hold; i < s->end; i++) {
        double p = t->predicted[i - s->hold];
        lw_profile_add_numeric(ref->scores, 0, p);
        lw_profile_add_numeric(ref->scores, 1, p - lw_dataset_target(s->ds, i));
    }
    scores_by_part(t, ref);
    loss_by_segment(t, ref);
    lw_reference_take(ref, spec, t->recent);
    hourly_loss_estimate(t, ref);
    return ref;
}

/* Serves predictions for the rows from `from` on, in place. The hold-out is served as the
 * search served it: without a memory of the rows before. */
static void serve_from(const struct trainer *t, size_t from, double *predicted) {
    struct lw_split before = t->rows, held = t->rows;
    double *of_held = predicted + (held.hold - from);
    before.hold = from;
    before.end = held.hold;
    lw__search_answer(t->spec, &before, predicted, predicted);
    lw__search_answer(t->spec, &held, of_held, of_held);
}

/* The challenger's predictions from `from` on. Rows that the champion was fitted on are
 * predicted by a model that was fitted on them, too, and the later ones by models that had
 * not seen them, as the champion had not: the difference between seen and unseen rows is
 * larger than that between the two. */
static void challenger_answers(const struct trainer *t, size_t from, double *out) {
    const struct lw_split *s = &t->rows;
    size_t fresh = lw_dataset_lower_bound(s->ds, t->out->champion_ms);
    fresh = fresh < from ? from : fresh > s->hold || !t->unseen ? s->hold : fresh;
    lw_model_predict_rows(t->proved, s->ds, from, fresh, out);
    for (size_t i = fresh; t->unseen && i < s->hold; i++)
        out[i - from] = t->unseen[i - t->recent_from];
    memcpy(out + (s->hold - from), t->predicted, (s->end - s->hold) * sizeof *out);
}

static int champion_challenge(const struct trainer *t, struct lw_model *champion,
                              struct lw_err *err) {
    const struct lw_split *s = &t->rows;
    struct lw_gate *gate = &t->out->gate;
    if (!champion || !lw_spec_trains(t->spec)) {
        *gate = (struct lw_gate){.n = s->end - s->hold, .passed = true};
        gate->challenger_error = lw_losses_error(&t->answered);
        lw_copy(gate->reason, sizeof gate->reason, "first version: no champion to beat");
        if (!lw_spec_trains(t->spec))
            lw_observe_verdict(t->spec, !champion, gate);
        return 0;
    }
    if (lw_model_bind_plan(champion, lw_dataset_plan(s->ds), err))
        return -1;
    size_t from = t->recent_from < s->hold ? t->recent_from : s->hold;
    double *before = lw_malloc((s->end - from) * sizeof *before);
    double *after = lw_malloc((s->end - from) * sizeof *after);
    lw_model_predict_rows(champion, s->ds, from, s->end, before);
    challenger_answers(t, from, after);
    serve_from(t, from, before);
    serve_from(t, from, after);
    const struct lw_gate_rows rows = {.ds = s->ds,
                                      .from = from,
                                      .begin = s->hold,
                                      .end = s->end,
                                      .champion = before,
                                      .challenger = after,
                                      .until_ms = t->out->as_of_ms,
                                      .champion_ms = t->out->champion_ms,
                                      .looks = t->out->looks,
                                      .trials = &t->losses};
    lw_gate_judge(t->spec, &rows, gate);
    free(before);
    free(after);
    return 0;
}

static int check_rows(const struct lw_spec *spec, const struct lw_split *s,
                      int64_t as_of_ms, struct lw_err *err) {
    char when[32];
    if (s->hold - s->begin < spec->retrain.min_rows)
        return lw_fail(
            err, LW_EINPUT,
            "%zu usable rows to fit before the hold-out, retrain.min_rows is %zu (as of %s)",
            s->hold - s->begin, (size_t)spec->retrain.min_rows,
            lw_format_time(when, sizeof when, as_of_ms));
    if (s->end == s->hold)
        return lw_fail(err, LW_EINPUT, "no usable rows in the hold-out before %s",
                       lw_format_time(when, sizeof when, as_of_ms));
    return 0;
}

/* A candidate that was rolled back must not return at once under another number. */
static void barred_reject(const struct lw_task *task, struct lw_training *t) {
    const char *name = t->trial[t->chosen].name;
    if (!t->barred[0] || strcmp(name, t->barred) != 0)
        return;
    t->gate.passed = false;
    snprintf(t->gate.reason, sizeof t->gate.reason,
             "%.60s was rolled back recently and is barred for now (%s %s against %s)",
             name, task->figure[0].label, lw_digits(t->gate.challenger_error, 3).text,
             lw_digits(t->gate.champion_error, 3).text);
}

/* Appends the candidates that failed to the gate's reason. */
static void name_failed(struct lw_training *t) {
    char *out = t->gate.reason;
    size_t at = strlen(out), size = sizeof t->gate.reason;
    const char *lead = "; failed: ";
    for (size_t i = 0; i < t->ntrials && at < size; i++) {
        if (!isnan(t->trial[i].error))
            continue;
        int n = snprintf(out + at, size - at, "%s%.48s", lead, t->trial[i].name);
        at += n > 0 ? (size_t)n : 0;
        lead = ", ";
    }
}

/* Plain and tracked losses of the hold-out: the first evidence for tracking. */
static void note_days(const struct trainer *t) {
    const struct lw_split *s = &t->rows;
    struct lw_training *out = t->out;
    const struct lw_task *task = t->spec->task;
    for (size_t i = s->hold; s->tracked && i < s->end; i++) {
        double plain = t->predicted[i - s->hold], tracked = t->answers[i - s->hold];
        double target = lw_label_bounded(&s->labels, lw_dataset_target(s->ds, i));
        struct lw_tracking_day *d = lw_tracking_day_at(
            out->day, &out->ndays, lw_zone_day(t->spec->zone, lw_dataset_time(s->ds, i)));
        d->n++;
        d->plain += task->loss_of(target, plain);
        d->tracked += task->loss_of(target, tracked);
        d->shift += tracked - plain;
    }
}

static int challenger_prove(struct trainer *t, struct lw_model *champion,
                            struct lw_err *err) {
    lw__search_answer(t->spec, &t->rows, t->predicted, t->answers);
    lw__search_held_out(t->spec->task, &t->rows, t->answers, &t->answered);
    t->out->ndays = 0;
    note_days(t);
    if (champion_challenge(t, champion, err))
        return -1;
    barred_reject(t->spec->task, t->out);
    name_failed(t->out);
    t->out->reference = make_reference(t);
    return lw_reference_check(t->spec, t->out->reference, err);
}

/* Fits the proved candidate on all rows. */
static int challenger_refit(const struct trainer *t, struct lw_err *err) {
    const struct lw_split *s = &t->rows;
    struct lw_training *out = t->out;
    struct lw_fit_report report = {.quick = true};
    struct lw_fit_rows rows = {
        .ds = s->ds, .begin = s->begin, .end = s->end, .as_of_ms = out->as_of_ms};
    out->model = lw_fit(&rows, out->trial[out->chosen].fit, &report, err);
    return out->model ? 0 : -1;
}

static void challenger_forget(struct trainer *t) {
    lw_model_free(t->proved);
    free(t->unseen);
    t->proved = NULL;
    t->unseen = NULL;
}

/* The best candidate of the search, proved, and the same candidate fitted on all rows. If
 * that second fit fails, because of what only the hold-out contains, the candidate has
 * failed and the search continues without it. */
static int challenger_find(struct trainer *t, struct lw_model *champion,
                           struct lw_err *err) {
    struct lw_training *out = t->out;
    struct lw_failures *failed = lw_calloc(1, sizeof *failed);
    int rc = -1;
    while ((t->proved = lw__search(t->spec, &t->rows, out, t->predicted, failed, err))) {
        struct lw_err why = {0};
        unseen_predict(t);
        rc = challenger_prove(t, champion, err);
        if (rc || (out->verdict_only && !out->gate.passed) ||
            challenger_refit(t, &why) == 0)
            break;
        rc = -1;
        challenger_forget(t);
        lw_training_fini(out);
        lw_copy(failed->why[out->trial[out->chosen].fit - t->spec->candidate],
                LW_TRIAL_NOTE, why.msg);
    }
    free(failed);
    challenger_forget(t);
    return rc;
}

/* An imported model is what it is: there are no rows that it has certainly not seen, so
 * only the hold-out counts, and it is not fitted again. */
static int imported_find(struct trainer *t, struct lw_model *champion,
                         struct lw_err *err) {
    struct lw_training *out = t->out;
    t->proved = out->model = out->imported;
    out->imported = NULL;
    t->recent_from = t->rows.hold;
    int rc =
        lw__search_imported(t->spec, &t->rows, out, t->proved, t->predicted, err) == 0
            ? challenger_prove(t, champion, err)
            : -1;
    t->proved = NULL;
    return rc;
}

static void losses_init(struct lw_trial_losses *losses, const struct lw_spec *spec,
                        const struct lw_split *s) {
    int64_t first = lw_dataset_time(s->ds, s->hold) / LW_HOUR;
    int64_t last = lw_dataset_time(s->ds, s->end - 1) / LW_HOUR;
    losses->from_ms = first * LW_HOUR;
    losses->nhours = (size_t)(last - first + 1);
    losses->nblocks =
        lw_gate_block(spec, s->until_ms, lw_dataset_time(s->ds, s->recent)) + 1;
    losses->hour = lw_malloc(LW_TRIALS_MAX * losses->nhours * sizeof *losses->hour);
    losses->block = lw_malloc(LW_TRIALS_MAX * losses->nblocks * sizeof *losses->block);
}

static int train_on(const struct lw_spec *spec, const struct lw_dataset *ds,
                    struct lw_model *champion, const struct lw_pane *recent,
                    struct lw_training *out, struct lw_err *err) {
    struct trainer t = {.spec = spec, .recent = recent, .out = out};
    struct lw_split *s = &t.rows;
    *s = split_rows(spec, ds, out->as_of_ms, out->holdout_from_ms);
    out->rows = s->end - s->begin;
    out->holdout_rows = s->end - s->hold;
    out->early = check_rows(spec, s, out->as_of_ms, err) != 0;
    if (out->early)
        return -1;
    out->rows_from_ms = lw_dataset_time(ds, s->begin);
    s->tracked = out->tracked;
    t.predicted = lw_malloc((s->end - s->hold) * sizeof *t.predicted);
    t.answers = lw_malloc((s->end - s->hold) * sizeof *t.answers);
    losses_init(&t.losses, spec, s);
    s->losses = &t.losses;
    int rc = out->imported ? imported_find(&t, champion, err)
                           : challenger_find(&t, champion, err);
    free(t.losses.hour);
    free(t.losses.block);
    free(t.predicted);
    free(t.answers);
    if (rc)
        lw_training_fini(out);
    return rc;
}

/* Resets everything but the "in" fields. */
static void training_start(const struct lw_spec *spec, struct lw_training *t) {
    struct lw_quarantine quarantine = t->quarantine;
    char barred[LW_NAME_MAX];
    lw_copy(barred, sizeof barred, t->barred);
    *t = (struct lw_training){.as_of_ms = t->as_of_ms,
                              .quarantine = quarantine,
                              .tracked = t->tracked,
                              .looks = t->looks,
                              .verdict_only = t->verdict_only,
                              .champion_ms = t->champion_ms,
                              .imported = t->imported};
    lw_copy(t->barred, sizeof t->barred, barred);
    t->holdout_from_ms =
        lw_quarantine_back(&t->quarantine, t->as_of_ms, spec->retrain.holdout_ms);
}

static void note_left_out(const struct lw_dataset *ds, int64_t from_ms,
                          struct lw_training *t) {
    for (size_t i = 0; i < t->quarantine.n; i++) {
        const struct lw_span *span = &t->quarantine.span[i];
        int64_t from = span->from_ms > from_ms ? span->from_ms : from_ms;
        int64_t until =
            span->open || span->until_ms > t->as_of_ms ? t->as_of_ms : span->until_ms;
        if (from >= until)
            continue;
        size_t rows =
            lw_dataset_lower_bound(ds, until) - lw_dataset_lower_bound(ds, from);
        t->left[t->nleft++] = (struct lw_left_out){*span, rows};
    }
}

/* A copy without the rows in quarantine, or NULL if there are no such rows. */
static struct lw_dataset *clean_rows(const struct lw_spec *spec,
                                     const struct lw_dataset *ds, struct lw_training *t) {
    int64_t window = spec->retrain.window_ms;
    note_left_out(ds, window ? t->as_of_ms - window : INT64_MIN, t);
    if (t->nleft == 0)
        return NULL;
    struct lw_dataset *clean = lw_dataset_new(lw_dataset_plan(ds));
    size_t end = lw_dataset_lower_bound(ds, t->as_of_ms);
    for (size_t i = 0; i < end;) {
        int64_t at = lw_dataset_time(ds, i),
                past = lw_quarantine_past(&t->quarantine, at);
        if (past > at) {
            i = lw_dataset_lower_bound(ds, past);
            continue;
        }
        int64_t next = lw_quarantine_next(&t->quarantine, at);
        size_t stop = lw_dataset_lower_bound(ds, next);
        stop = stop < end ? stop : end;
        lw_dataset_append_rows(clean, ds, i, stop);
        i = stop;
    }
    return clean;
}

int lw_train(const struct lw_spec *spec, const struct lw_dataset *ds,
             struct lw_model *champion, const struct lw_pane *recent,
             struct lw_training *out, struct lw_err *err) {
    training_start(spec, out);
    struct lw_dataset *clean = clean_rows(spec, ds, out);
    const struct lw_dataset *rows = clean ? clean : ds;
    int rc = lw_observe_is_all(spec) ? lw_observe(spec, rows, !champion, recent, out, err)
                                     : train_on(spec, rows, champion, recent, out, err);
    lw_model_free(out->imported); /* not reached */
    out->imported = NULL;
    lw_dataset_free(clean);
    return rc;
}

void lw_training_fini(struct lw_training *t) {
    lw_model_free(t->model);
    lw_reference_free(t->reference);
    t->model = NULL;
    t->reference = NULL;
}
