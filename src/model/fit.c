/* A fit, step by step.
 *
 *   1. dictionaries: the categories of the chosen rows, in order of their keys;
 *   2. what is learned from inputs alone: tables of impute(), edges of qbins();
 *   3. levels of every block; rare ones go into `other` if the term says so (frame.c);
 *   4. one pass of all rows into sufficient statistics (stats.c);
 *   5. a solver over the statistics (solve.c, descent.c), which never sees a row;
 *      With Huber's loss, 4 and 5 are repeated with new weights until convergence
 *      (robust.c);
 *   6. with a correction, 4 and 5 once more over the youngest rows with the residuals as
 *      target, heavier penalties and a shorter half-life; the coefficients add, so the
 *      result is one linear model over two time scales.
 *
 * Weights: with half-life h, a row of age a has weight 2^(-a/h). The lasso's loss is
 * divided by the sum of weights (scikit-learn scales sample weights to sum to n, which
 * is the same); ridge's is not, as there. */
#include "model/fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/boost.h"
#include "model/finite.h"
#include "model/frame.h"
#include "model/robust.h"
#include "model/solve.h"
#include "model/trees.h"

static const char *const kind_names[] = {"ols",         "ridge", "lasso",
                                         "elastic-net", "trees", "external"};

const char *lw_fit_kind_name(enum lw_fit_kind kind) {
    return (size_t)kind < sizeof kind_names / sizeof *kind_names ? kind_names[kind] : "?";
}

bool lw_fit_can(enum lw_fit_kind kind) {
    return kind != LW_FIT_TREES || lw_trees_available();
}

struct fit {
    const struct lw_fit_spec *spec;
    const struct lw_rows *base;
    const double *offset; /* of each row from base->begin on; or NULL */
    double **held;        /* predictions out of fold are wanted here; or NULL */
    struct lw_model *m;
    struct lw_chunk feed;
    struct lw_layout layout;
};

static void add_param(struct lw_model *m, const char *key, double v) {
    char text[LW_NAME_MAX];
    lw_model_add_param(m, key, lw_format_f64(text, sizeof text, v));
}

static void add_params(struct lw_model *m, const struct lw_fit_spec *spec) {
    const struct lw_correction *c = &spec->correction;
    add_param(m, "alpha", spec->alpha);
    if (spec->kind == LW_FIT_ELASTIC_NET)
        add_param(m, "l1_ratio", spec->l1_ratio);
    if (spec->loss == LW_LOSS_HUBER)
        lw_model_add_param(m, "loss", "huber");
    if (spec->base)
        lw_model_add_param(m, "base", spec->base->name);
    add_param(m, "window_ms", (double)spec->window_ms);
    add_param(m, "half_life_ms", (double)spec->half_life_ms);
    if (c->half_life_ms == 0)
        return;
    add_param(m, "correction_half_life_ms", (double)c->half_life_ms);
    add_param(m, "correction_window_ms", (double)c->window_ms);
    add_param(m, "correction_penalty_factor", c->penalty_factor);
}

static int check_spec(const struct lw_fit_spec *spec, struct lw_err *err) {
    if (!(spec->alpha >= 0 && isfinite(spec->alpha)))
        return lw_fail(err, LW_ECONFIG, "candidate \"%s\": alpha must be 0 or more",
                       spec->name);
    if (!(spec->l1_ratio >= 0 && spec->l1_ratio <= 1))
        return lw_fail(err, LW_ECONFIG, "candidate \"%s\": l1_ratio must be in [0, 1]",
                       spec->name);
    if (spec->nterms == 0 && !spec->intercept)
        return lw_fail(err, LW_ECONFIG, "candidate \"%s\" has no terms", spec->name);
    if (spec->base && (spec->kind != LW_FIT_TREES || spec->base->kind == LW_FIT_TREES))
        return lw_fail(err, LW_ECONFIG,
                       "candidate \"%s\": only trees have a base, and it is linear",
                       spec->name);
    return 0;
}

static size_t rows_usable(const struct lw_rows *rows) {
    uint32_t idx[LW_CHUNK];
    size_t total = 0;
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));)
        total += n;
    return total;
}

static void fit_solve(const struct fit *fit, const struct lw_stats *stats, double factor,
                      struct lw_solution *x) {
    const struct lw_fit_spec *spec = fit->spec;
    double alpha = spec->alpha * factor;
    switch (spec->kind) {
    case LW_FIT_LASSO:
        lw_solve_lasso(stats, fit->m, alpha, 1, x);
        break;
    case LW_FIT_ELASTIC_NET:
        lw_solve_lasso(stats, fit->m, alpha, spec->l1_ratio, x);
        break;
    case LW_FIT_RIDGE:
        lw_solve_ridge(stats, fit->m, alpha, x);
        break;
    default:
        lw_solve_ridge(stats, fit->m, 0, x);
    }
}

/* One fit of the coefficients to the target, or to the residuals of the fit before. */
struct fit_stage {
    const struct lw_rows *rows;
    double factor;            /* on the penalties */
    struct lw_robust *robust; /* NULL: the squared loss */
    struct lw_solution x;
    double intercept; /* of x, after the shifts of the sums are undone */
};

static void add_solution(struct fit *fit, const struct fit_stage *s) {
    const struct lw_layout *l = &fit->layout;
    const struct lw_solution *x = &s->x;
    fit->m->intercept += s->intercept;
    for (size_t t = 0; t < lw_plan_terms(fit->m->plan); t++) {
        bool eliminated = (int)t == l->e_term;
        const double *w = eliminated ? x->we : x->wr + l->at[t];
        for (uint32_t j = 0; j < l->width[t]; j++)
            fit->m->part[t].coef[j] += w[j];
    }
}

static void put_coefficients(struct lw_model *m, const double *from) {
    m->intercept = *from++;
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++) {
        memcpy(m->part[t].coef, from, m->part[t].n * sizeof *from);
        from += m->part[t].n;
    }
}

/* The targets of a chunk; for a correction, the residuals of the model so far. */
static void fit_targets(const struct fit *fit, const struct lw_rows *rows,
                        const uint32_t *idx, size_t n, double *y) {
    const double *target = lw_dataset_targets(rows->ds);
    double base[LW_CHUNK] = {0};
    if (rows != fit->base)
        lw_chunk_predict(&fit->feed, n, base);
    for (size_t i = 0; i < n; i++)
        y[i] = lw_label_bounded(&rows->labels, target[idx[i]]) - base[i];
    for (size_t i = 0; fit->offset && i < n; i++)
        y[i] -= fit->offset[idx[i] - rows->begin];
}

static void fit_gather(struct fit *fit, const struct fit_stage *s,
                       struct lw_stats *stats) {
    uint32_t idx[LW_CHUNK];
    double w[LW_CHUNK], y[LW_CHUNK];
    const struct lw_robust *r = s->robust;
    size_t from = 0;
    for (size_t n, at = s->rows->begin; (n = lw_rows_next(s->rows, &at, idx));
         from += n) {
        lw_chunk_chunk(&fit->feed, idx, n);
        lw_rows_weights(s->rows, idx, n, w);
        if (!r)
            fit_targets(fit, s->rows, idx, n, y);
        for (size_t i = 0; r && i < n; i++)
            w[i] *= r->part[from + i];
        lw_stats_add(stats, &fit->feed, n, w, r ? r->y + from : y);
    }
}

/* The solution for the sums of all rows. */
static int fit_sums(struct fit *fit, struct fit_stage *s, struct lw_stats *stats,
                    struct lw_fit_report *report, struct lw_err *err) {
    bool mean = fit->spec->kind >= LW_FIT_LASSO; /* the loss is a mean there */
    lw_stats_seal(stats);
    if (lw_finite_chunk(&fit->feed, err) || lw_finite_stats(stats, fit->m, err))
        return -1;
    double share = s->robust && mean ? lw_robust_weight(s->robust) / stats->sw : 1;
    lw_solve_fini(&s->x);
    lw_solve_init(&s->x, &fit->layout);
    fit_solve(fit, stats, s->factor * share, &s->x);
    s->intercept = fit->layout.intercept ? lw_stats_intercept(stats, s->x.wr) : 0;
    report->iterations += s->x.sweeps;
    return 0;
}

/* One pass over the rows and the solution that follows. */
static int fit_pass(struct fit *fit, struct fit_stage *s, struct lw_fit_report *report,
                    struct lw_err *err) {
    struct lw_stats stats;
    lw_stats_init(&stats, &fit->layout);
    fit_gather(fit, s, &stats);
    int rc = fit_sums(fit, s, &stats, report, err);
    lw_stats_fini(&stats);
    return rc;
}

static void zero_coefficients(struct lw_model *m) {
    m->intercept = 0;
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++)
        memset(m->part[t].coef, 0, m->part[t].n * sizeof *m->part[t].coef);
}

/* Targets and weights of a stage's rows, before the stage has coefficients. */
static void lay_out(struct fit *fit, const struct fit_stage *s) {
    uint32_t idx[LW_CHUNK];
    size_t from = 0;
    for (size_t n, at = s->rows->begin; (n = lw_rows_next(s->rows, &at, idx));
         from += n) {
        if (s->rows != fit->base)
            lw_chunk_chunk(&fit->feed, idx, n);
        lw_rows_weights(s->rows, idx, n, s->robust->w + from);
        fit_targets(fit, s->rows, idx, n, s->robust->y + from);
    }
}

/* The predictions of the solution alone. */
static void predict_stage(struct fit *fit, const struct fit_stage *s) {
    uint32_t idx[LW_CHUNK];
    size_t from = 0;
    zero_coefficients(fit->m);
    add_solution(fit, s);
    for (size_t n, at = s->rows->begin; (n = lw_rows_next(s->rows, &at, idx));
         from += n) {
        lw_chunk_chunk(&fit->feed, idx, n);
        lw_chunk_predict(&fit->feed, n, s->robust->fitted + from);
    }
}

/* Fits and reweights until convergence. */
static int fit_reweighted(struct fit *fit, struct fit_stage *s,
                          struct lw_fit_report *report, struct lw_err *err) {
    struct lw_robust robust;
    double *base = lw_fit_keep(fit->m);
    int rc = 0, rests = 0;
    lw_robust_init(&robust, rows_usable(s->rows));
    s->robust = &robust;
    lay_out(fit, s);
    lw_robust_start(&robust);
    for (int i = 0; i < LW_ROBUST_STEPS && !rc && !rests; i++) {
        rc = fit_pass(fit, s, report, err);
        if (rc == 0) {
            predict_stage(fit, s);
            rests = lw_robust_step(&robust);
        }
    }
    put_coefficients(fit->m, base);
    free(base);
    lw_robust_fini(&robust);
    s->robust = NULL;
    return rc;
}

static int fit_stage(struct fit *fit, const struct lw_rows *rows, double factor,
                     struct lw_fit_report *report, struct lw_err *err) {
    struct fit_stage s = {.rows = rows, .factor = factor};
    int rc = fit->spec->loss == LW_LOSS_HUBER ? fit_reweighted(fit, &s, report, err)
                                              : fit_pass(fit, &s, report, err);
    if (rc == 0)
        add_solution(fit, &s);
    if (rc == 0 && rows == fit->base) {
        report->rank_deficient = s.x.dropped;
        report->columns = fit->layout.nr - fit->layout.intercept + fit->layout.ne;
        report->eliminated = fit->layout.ne;
    }
    lw_solve_fini(&s.x);
    return rc;
}

/* Over the rows of the fit, unweighted and unclipped. */
static double train_rmse(struct fit *fit) {
    const double *target = lw_dataset_targets(fit->base->ds);
    uint32_t idx[LW_CHUNK];
    double p[LW_CHUNK], sum = 0;
    size_t rows = 0;
    struct lw_chunk feed; /* a new one: the model may have a base by now */
    lw_chunk_init(&feed, fit->m, fit->base->ds);
    for (size_t n, at = fit->base->begin; (n = lw_rows_next(fit->base, &at, idx));) {
        lw_chunk_chunk(&feed, idx, n);
        lw_model_predict_chunk(fit->m, &feed, idx, n, p);
        for (size_t i = 0; i < n; i++)
            sum += (p[i] - target[idx[i]]) * (p[i] - target[idx[i]]);
        rows += n;
    }
    lw_chunk_fini(&feed);
    return rows ? sqrt(sum / (double)rows) : NAN;
}

static int64_t since_of(int64_t as_of, int64_t window) {
    return window > 0 ? as_of - window : INT64_MIN;
}

/* Whether the weights have a sum that is not lost to underflow. */
static bool rows_have_weights(const struct lw_rows *rows) {
    uint32_t idx[LW_CHUNK];
    double w[LW_CHUNK], sum = 0;
    for (size_t n, at = rows->begin; (n = lw_rows_next(rows, &at, idx));) {
        lw_rows_weights(rows, idx, n, w);
        for (size_t i = 0; i < n; i++)
            sum += w[i];
    }
    return sum > 1e-100;
}

/* The second stage, over the youngest rows; skipped if there are none. */
static int fit_correct(struct fit *fit, struct lw_fit_report *report,
                       struct lw_err *err) {
    const struct lw_correction *c = &fit->spec->correction;
    struct lw_rows young = *fit->base;
    int64_t since =
        since_of(young.as_of, c->window_ms ? c->window_ms : 5 * c->half_life_ms);
    young.since = since > young.since ? since : young.since;
    young.half_life = c->half_life_ms;
    return rows_have_weights(&young)
               ? fit_stage(fit, &young, c->penalty_factor, report, err)
               : 0;
}

/* ---- folds ---------------------------------------------------------------------------
 *
 * Sums of folds add up, so one pass over the rows serves the fit on all of them and a fit
 * without each fold. They are added, not subtracted from the total: a level that occurs
 * in one fold only is then exactly absent from the others. */

#define FOLD_SUMS_MAX (4U << 20) /* numbers in the sums of a fold: 32 MiB */

static bool has_fold_sums(const struct fit *fit) {
    const struct lw_layout *l = &fit->layout;
    size_t size = (size_t)l->nr * l->nr + l->ne * lw_stats_stride(l);
    return fit->spec->loss == LW_LOSS_SQUARED && size <= FOLD_SUMS_MAX;
}

/* The fit on all folds but `left_out`; -1: on all. */
static int fit_others(struct fit *fit, const struct lw_stats *sums, int left_out,
                      struct lw_fit_report *report, struct lw_err *err) {
    struct fit_stage s = {.rows = fit->base, .factor = 1};
    struct lw_stats others;
    lw_stats_init(&others, &fit->layout);
    for (int k = 0; k < LW_FOLDS; k++)
        if (k != left_out)
            lw_stats_merge(&others, &sums[k]);
    int rc = others.n >= 2
                 ? fit_sums(fit, &s, &others, report, err)
                 : lw_fail(err, LW_EINPUT, "fewer than 2 rows outside of a fold");
    lw_stats_fini(&others);
    zero_coefficients(fit->m);
    if (rc == 0)
        add_solution(fit, &s);
    lw_solve_fini(&s.x);
    return rc;
}

/* Predicts a fold, also its rows that are older than the fit's. */
static void predict_held(struct fit *fit, int k, double *held) {
    struct lw_rows rows = *fit->base;
    uint32_t idx[LW_CHUNK];
    double p[LW_CHUNK];
    lw_model_finish(fit->m);
    rows.since = INT64_MIN;
    rows.fold = (struct lw_fold){0};
    rows.part = lw_fit_fold(k);
    for (size_t n, at = rows.begin; (n = lw_rows_next(&rows, &at, idx));) {
        lw_chunk_chunk(&fit->feed, idx, n);
        lw_model_predict_chunk(fit->m, &fit->feed, idx, n, p);
        for (size_t i = 0; i < n; i++)
            held[idx[i] - rows.begin] = p[i];
    }
}

static int fit_folds(struct fit *fit, struct lw_fit_report *report, struct lw_err *err) {
    struct lw_stats sums[LW_FOLDS];
    struct lw_rows rows = *fit->base;
    struct fit_stage s = {.rows = &rows, .factor = 1};
    const struct lw_rows *all = fit->base;
    double *held = lw_calloc(rows.end - rows.begin + 1, sizeof *held);
    int rc = 0;
    fit->base = &rows;
    for (int k = 0; k < LW_FOLDS; k++) {
        lw_stats_init(&sums[k], &fit->layout);
        if (k)
            lw_stats_align(&sums[k], &sums[k - 1]);
        rows.part = lw_fit_fold(k);
        fit_gather(fit, &s, &sums[k]);
    }
    fit->base = all;
    fit->m->clip_lo = fit->spec->clip_lo;
    fit->m->clip_hi = fit->spec->clip_hi;
    for (int k = 0; k < LW_FOLDS && !rc; k++) {
        rc = fit_others(fit, sums, k, report, err);
        if (rc == 0)
            predict_held(fit, k, held);
    }
    rc = rc ? rc : fit_others(fit, sums, -1, report, err);
    for (int k = 0; k < LW_FOLDS; k++)
        lw_stats_fini(&sums[k]);
    *fit->held = held;
    return rc;
}

/* The model is elsewhere, and its prediction is a field of the event: a coefficient of 1. */
static void fit_external(const struct fit *fit) {
    for (size_t t = 0; t < lw_plan_terms(fit->m->plan); t++)
        for (uint32_t j = 0; j < fit->m->part[t].n; j++)
            fit->m->part[t].coef[j] = 1;
}

static int fit_linear(struct fit *fit, struct lw_fit_report *report, struct lw_err *err) {
    if (lw_layout_init(&fit->layout, fit->m, fit->spec->intercept, err))
        return -1;
    for (size_t t = 0; t < lw_plan_terms(fit->m->plan); t++) {
        struct lw_model_term *part = &fit->m->part[t];
        part->n = fit->layout.width[t];
        part->coef = lw_calloc(part->n + 1, sizeof *part->coef);
    }
    int rc = 0;
    if (fit->spec->kind == LW_FIT_EXTERNAL)
        fit_external(fit);
    else
        rc = fit->held && has_fold_sums(fit) ? fit_folds(fit, report, err)
                                             : fit_stage(fit, fit->base, 1, report, err);
    if (!rc && fit->spec->correction.half_life_ms && !fit->spec->uncorrected)
        rc = fit_correct(fit, report, err);
    lw_layout_fini(&fit->layout);
    lw_model_finish(fit->m);
    return rc;
}

/* Trees, on the target or on what a linear fit leaves of it. */
static int fit_trees(struct fit *fit, const struct lw_fit_rows *from,
                     struct lw_err *err) {
    const struct lw_fit_spec *spec = fit->spec;
    double *linear = NULL;
    if (spec->base) {
        linear = lw_boost_base(fit->m, from, spec->base, err);
        if (!linear)
            return lw_err_context(err, "its base \"%s\"", spec->base->name);
    }
    int rc = lw_trees_fit(fit->m, &fit->feed, fit->base, linear, &spec->trees, err);
    free(linear);
    if (rc || !spec->base || spec->uncorrected)
        return rc;
    fit->m->clip_lo = spec->clip_lo; /* corrected as it is served */
    fit->m->clip_hi = spec->clip_hi;
    return lw_boost_correct(fit->m, from, spec->base, err);
}

static int fit_run(struct fit *fit, const struct lw_fit_rows *from,
                   struct lw_fit_report *report, struct lw_err *err) {
    if (lw_frame_learn(fit->m, &fit->feed, fit->base, err))
        return -1;
    int rc = fit->spec->kind == LW_FIT_TREES ? fit_trees(fit, from, err)
                                             : fit_linear(fit, report, err);
    return rc ? rc : lw_finite_model(fit->m, err);
}

static struct lw_rows fit_rows(const struct lw_fit_rows *from,
                               const struct lw_fit_spec *spec) {
    lw_assert(from->begin <= from->end && from->end <= lw_dataset_rows(from->ds));
    return (struct lw_rows){.ds = from->ds,
                            .begin = from->begin,
                            .end = from->end,
                            .as_of = from->as_of_ms,
                            .since = since_of(from->as_of_ms, spec->window_ms),
                            .half_life = spec->half_life_ms,
                            .labels = lw_dataset_labels(from->ds, from->begin, from->end),
                            .fold = from->fold};
}

static struct lw_model *fit_model(const struct lw_fit_rows *from,
                                  const struct lw_fit_spec *spec, double **held,
                                  struct lw_fit_report *report, struct lw_err *err) {
    const struct lw_dataset *ds = from->ds;
    struct lw_rows rows = fit_rows(from, spec);
    struct lw_fit_report scratch = {.quick = true};
    struct fit fit = {.spec = spec, .base = &rows, .held = held};
    report = report ? report : &scratch;
    *report = (struct lw_fit_report){.quick = report->quick};
    if (check_spec(spec, err))
        return NULL;
    report->rows = rows_usable(&rows);
    if (report->rows < 2 && spec->kind != LW_FIT_EXTERNAL) {
        lw_fail(err, LW_EINPUT, "%zu usable rows; a fit needs at least 2", report->rows);
        return NULL;
    }
    fit.m = lw_frame_new(lw_dataset_plan(ds), spec, err);
    if (!fit.m || lw_model_bind_plan(fit.m, lw_dataset_plan(ds), err)) {
        lw_model_free(fit.m);
        return NULL;
    }
    lw_copy(fit.m->name, sizeof fit.m->name, spec->name);
    lw_copy(fit.m->kind, sizeof fit.m->kind, lw_fit_kind_name(spec->kind));
    add_params(fit.m, spec);
    lw_chunk_init(&fit.feed, fit.m, ds);
    int rc = fit_run(&fit, from, report, err);
    lw_chunk_fini(&fit.feed);
    if (!rc && !report->quick)
        report->train_rmse = train_rmse(&fit);
    if (!rc) {
        fit.m->clip_lo = spec->clip_lo;
        fit.m->clip_hi = spec->clip_hi;
        rc = lw_model_bind(fit.m, lw_dataset_plan(ds)->fields, err);
    }
    if (!rc)
        return fit.m;
    lw_model_free(fit.m);
    return NULL;
}

struct lw_model *lw_fit(const struct lw_fit_rows *from, const struct lw_fit_spec *spec,
                        struct lw_fit_report *report, struct lw_err *err) {
    return fit_model(from, spec, NULL, report, err);
}

struct lw_model *lw_fit_folded(const struct lw_fit_rows *from,
                               const struct lw_fit_spec *spec, double **held,
                               struct lw_err *err) {
    struct lw_fit_spec plain = *spec;
    plain.uncorrected = true;
    *held = NULL;
    struct lw_model *m = fit_model(from, &plain, held, NULL, err);
    if (!m) {
        free(*held);
        *held = NULL;
    }
    return m;
}

static bool same_shape(const struct lw_fit_spec *a, const struct lw_fit_spec *b) {
    return a->kind == b->kind && a->nterms == b->nterms &&
           memcmp(a->terms, b->terms, a->nterms * sizeof *a->terms) == 0 &&
           a->intercept == b->intercept && a->window_ms == b->window_ms &&
           a->half_life_ms == b->half_life_ms && a->clip_lo == b->clip_lo &&
           a->clip_hi == b->clip_hi;
}

static bool same_trees(const struct lw_tree_params *a, const struct lw_tree_params *b) {
    return a->rounds == b->rounds && a->depth == b->depth && a->eta == b->eta &&
           a->min_child_weight == b->min_child_weight && a->subsample == b->subsample &&
           a->lambda == b->lambda;
}

static bool same_linear(const struct lw_fit_spec *a, const struct lw_fit_spec *b) {
    return same_shape(a, b) && a->loss == b->loss && a->alpha == b->alpha &&
           a->l1_ratio == b->l1_ratio;
}

bool lw_fit_same_base(const struct lw_fit_spec *a, const struct lw_fit_spec *b) {
    if (a->kind != LW_FIT_TREES)
        return same_linear(a, b);
    return a->base && b->base && same_shape(a, b) && same_trees(&a->trees, &b->trees) &&
           same_linear(a->base, b->base);
}

double *lw_fit_keep(const struct lw_model *m) {
    if (m->base)
        return lw_fit_keep(m->base);
    if (m->forest)
        return NULL;
    double *kept = lw_malloc((lw_model_coefficients(m) + 1) * sizeof *kept), *to = kept;
    *to++ = m->intercept;
    for (size_t t = 0; t < lw_plan_terms(m->plan); t++) {
        memcpy(to, m->part[t].coef, m->part[t].n * sizeof *to);
        to += m->part[t].n;
    }
    return kept;
}

void lw_fit_restore(struct lw_model *m, const double *coefficients) {
    struct lw_model *linear = m->base ? m->base : m;
    put_coefficients(linear, coefficients);
    lw_model_finish(linear);
}

static int correct_boosted(struct lw_model *m, const struct lw_fit_rows *from,
                           const struct lw_fit_spec *spec, struct lw_err *err) {
    lw_copy(m->name, sizeof m->name, spec->name);
    m->nparams = 0;
    add_params(m, spec);
    return lw_boost_correct(m, from, spec->base, err);
}

int lw_fit_correct(struct lw_model *m, const struct lw_fit_rows *from,
                   const struct lw_fit_spec *spec, struct lw_err *err) {
    if (m->base)
        return correct_boosted(m, from, spec, err);
    struct lw_fit_report report = {0};
    struct lw_rows rows = fit_rows(from, spec);
    struct fit fit = {.spec = spec, .base = &rows, .offset = from->offset, .m = m};
    if (lw_layout_init(&fit.layout, m, spec->intercept, err))
        return -1;
    lw_chunk_init(&fit.feed, m, from->ds);
    int rc = spec->correction.half_life_ms ? fit_correct(&fit, &report, err) : 0;
    lw_chunk_fini(&fit.feed);
    lw_layout_fini(&fit.layout);
    lw_copy(m->name, sizeof m->name, spec->name);
    m->nparams = 0;
    add_params(m, spec);
    lw_model_finish(m);
    return rc ? rc : lw_finite_model(m, err);
}
