/* Boosted trees on what a linear model leaves.
 *
 * Residuals of rows that a linear fit has seen are smaller than those of rows to come,
 * most of all where a level has few rows: trees that learn from them learn how much the
 * fit has overfitted. So the rows are dealt into folds by a hash of their time, and each
 * row is predicted by a fit on the other folds. Training target: the row less that
 * prediction; feature: that prediction. The served model adds the trees to a linear model
 * fitted on all rows.
 *
 * A correction comes last: it follows the last days, so that what it leaves of older rows
 * is how the world has changed since, and trees would learn to undo it. Trees learn over
 * the same weeks as the first stage, and the correction from what both leave of the
 * youngest rows (docs/models.md has the errors of both orders). */
#include "model/boost.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/parts.h"

/* Predicts the rows of a fold by a fit on the others. */
static int predict_fold(const struct lw_fit_rows *from, const struct lw_fit_spec *fit,
                        const struct lw_fold *fold, double *out, struct lw_err *err) {
    struct lw_fit_rows rows = *from;
    struct lw_fit_report report = {.quick = true};
    size_t n = from->end - from->begin;
    rows.fold = *fold;
    rows.fold.without = true;
    struct lw_model *m = lw_fit(&rows, fit, &report, err);
    if (!m)
        return -1;
    double *all = lw_malloc((n + 1) * sizeof *all);
    lw_model_predict_rows(m, from->ds, from->begin, from->end, all);
    for (size_t i = 0; i < n; i++)
        if (lw_fold_has(fold, lw_dataset_time(from->ds, from->begin + i)))
            out[i] = all[i];
    free(all);
    lw_model_free(m);
    return 0;
}

double *lw_boost_base(struct lw_model *m, const struct lw_fit_rows *from,
                      const struct lw_fit_spec *base, struct lw_err *err) {
    struct lw_fit_spec plain = *base;
    double *out = NULL;
    int rc = 0;
    m->base = lw_fit_folded(from, base, &out, err);
    if (!m->base || out)
        return out;
    plain.uncorrected = true;
    out = lw_calloc(from->end - from->begin + 1, sizeof *out);
    for (int k = 0; k < LW_FOLDS && !rc; k++) {
        const struct lw_fold fold = lw_fit_fold(k);
        rc = predict_fold(from, &plain, &fold, out, err);
    }
    if (!rc)
        return out;
    free(out);
    return NULL;
}

/* What the forest adds to the predictions of the rows that a correction reads. */
static double *forest_share(const struct lw_model *m, const struct lw_fit_rows *from,
                            const struct lw_correction *c) {
    int64_t window = c->window_ms ? c->window_ms : 5 * c->half_life_ms;
    size_t first = from->begin;
    while (first < from->end &&
           lw_dataset_time(from->ds, first) < from->as_of_ms - window)
        first++;
    double *share = lw_calloc(from->end - from->begin + 1, sizeof *share);
    double *linear = lw_malloc((from->end - first + 1) * sizeof *linear);
    double *young = share + (first - from->begin);
    lw_model_predict_rows(m->base, from->ds, first, from->end, linear);
    lw_model_predict_rows(m, from->ds, first, from->end, young);
    for (size_t i = 0; i < from->end - first; i++)
        young[i] -= linear[i];
    free(linear);
    return share;
}

int lw_boost_correct(struct lw_model *m, const struct lw_fit_rows *from,
                     const struct lw_fit_spec *base, struct lw_err *err) {
    const struct lw_correction *c = &base->correction;
    struct lw_fit_rows rows = *from;
    double *share = c->half_life_ms ? forest_share(m, from, c) : NULL;
    rows.offset = share;
    int rc = lw_fit_correct(m->base, &rows, base, err);
    free(share);
    return rc;
}
