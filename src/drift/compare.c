/* Columns are compared one by one: figures, then the correction over columns, then
 * verdicts.
 *
 * A column drifts if two conditions hold: its test is significant after correction, and
 * its effect, the bias-corrected PSI, is above the floor. The test alone would report any
 * difference once windows are large (two Januaries differ at 50,000 rows); the effect
 * alone would report noise while they are small. The deciding test is chi-square on PSI's
 * own cells, so that test and effect measure the same difference; Kolmogorov-Smirnov is
 * reported in addition.
 *
 * The floor is 0.2, while the rule of thumb calls 0.1 "moderate": against a month, every
 * ordinary Sunday is above 0.1 in its pick-up zones, at most 0.21, while the days of the
 * lockdown are at 0.25 to 0.7 (docs/statistics.md).
 *
 * Below the floor, a column is shifted if one of its shares, or the distance of its
 * values, changed for certain and by more than a small floor of its own (shift.c).
 *
 * Columns are judged separately: an empty, constant or short one has its own verdict and
 * is left out of the correction. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "drift/points.h"
#include "drift/shift.h"
#include "drift/stats.h"

const char *lw_verdict_name(enum lw_verdict v) {
    static const char *const names[] = {"ok",           "shifted", "drift",
                                        "insufficient", "empty",   "constant"};
    lw_assert((size_t)v < sizeof names / sizeof *names);
    return names[v];
}

struct lw_drift_options lw_drift_defaults(void) {
    return (struct lw_drift_options){.bins = 10,
                                     .min_n = 100,
                                     .alpha = 0.01,
                                     .correction = LW_CORRECT_BH,
                                     .floor_psi = 0.2,
                                     .floor_shift = 0.1};
}

static double compare_share(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : 0.0;
}

static double finite_or_zero(double v) {
    return isfinite(v) ? v : 0.0;
}

/* PSI, Jensen-Shannon, Hellinger, chi-square and V of merged cells. */
static void cell_figures(const struct lw_cells *cells, struct lw_drift *d) {
    struct lw_chi2 test = lw_drift_chi_square(cells);
    d->psi_raw = lw_drift_psi(cells);
    d->psi = lw_drift_psi_corrected(cells, test.null_psi);
    double js_null = test.null_psi / (8.0 * log(2.0));
    d->js = sqrt(fmax(0.0, lw_drift_js_divergence(cells) - js_null));
    d->hellinger = lw_drift_hellinger(cells);
    d->chi2 = test.stat;
    d->chi2_p = test.p;
    d->cramers_v = lw_drift_cramers_v(cells, test.stat);
}

/* The reference's standard deviation, or that of both sides together if it is 0. */
static double compare_spread(const struct lw_moments *ref, const struct lw_moments *cur) {
    double sd = lw_moments_sd(ref);
    if (sd > 0.0)
        return sd;
    struct lw_moments both = *ref;
    lw_moments_merge(&both, cur);
    return lw_moments_sd(&both);
}

static void numeric_figures(const struct lw_numeric *ref, const struct lw_numeric *cur,
                            const struct lw_bins *bins, struct lw_drift *d) {
    struct lw_cells cells = {0};
    lw_cells_numeric(&cells, ref, cur, bins);
    lw_cells_merge_ordered(&cells);
    cell_figures(&cells, d);
    lw_cells_fini(&cells);
    struct lw_ks ks = lw_drift_ks_test(ref->kll, cur->kll);
    d->ks = ks.d;
    d->ks_p = ks.p;
    double sd = compare_spread(&ref->moments, &cur->moments);
    struct lw_w1 w1 = lw_drift_w1_test(ref, cur);
    if (sd > 0.0)
        d->w1 = finite_or_zero(w1.area / sd);
    d->w1_p = w1.p;
    d->mean_ref = finite_or_zero(ref->moments.mean);
    d->mean_cur = finite_or_zero(cur->moments.mean);
}

static void compare_numeric(const struct lw_numeric *ref, const struct lw_numeric *cur,
                            const struct lw_bins *bins, struct lw_drift *d) {
    uint64_t rows_ref = ref->n + ref->missing, rows_cur = cur->n + cur->missing;
    d->n_ref = lw_kll_n(ref->kll);
    d->n_cur = lw_kll_n(cur->kll);
    d->missing_ref = compare_share(ref->missing, rows_ref);
    d->missing_cur = compare_share(cur->missing, rows_cur);
    d->missing_p = lw_drift_two_shares_p(ref->missing, rows_ref, cur->missing, rows_cur);
    d->out_of_range_ref = compare_share(ref->out_of_range, rows_ref);
    d->out_of_range_cur = compare_share(cur->out_of_range, rows_cur);
    d->out_of_range_p =
        lw_drift_two_shares_p(ref->out_of_range, rows_ref, cur->out_of_range, rows_cur);
    if (d->n_ref == 0 || d->n_cur == 0) {
        d->verdict = LW_VERDICT_EMPTY;
        return;
    }
    if (lw_points_one_value(ref->kll, cur->kll)) {
        d->verdict = LW_VERDICT_CONSTANT;
        d->mean_ref = finite_or_zero(ref->moments.mean);
        d->mean_cur = finite_or_zero(cur->moments.mean);
        return;
    }
    numeric_figures(ref, cur, bins, d);
}

static bool category_constant(struct lw_cats *ref, struct lw_cats *cur) {
    if (lw_cats_size(ref) != 1 || lw_cats_size(cur) != 1)
        return false;
    lw_cats_seal(ref);
    struct lw_cat only = lw_cats_at(ref, 0);
    return only.count == lw_cats_n(ref) && lw_cats_count(cur, only.key) == lw_cats_n(cur);
}

/* seen: the reference, or what it is a part of. A category that only another part has is
 * not new. */
static void unseen_figures(struct lw_cats *ref, struct lw_cats *seen, struct lw_cats *cur,
                           struct lw_cats_diff diff, struct lw_drift *d) {
    struct lw_cells cells = {0};
    if (seen != ref)
        diff = lw_cells_categories(&cells, seen, cur);
    lw_cells_fini(&cells);
    d->unseen_known = diff.known;
    d->unseen = diff.unseen;
    d->unseen_expected = diff.expected;
    d->unseen_p = diff.p;
}

static void compare_categories(struct lw_cats *ref, struct lw_cats *seen,
                               struct lw_cats *cur, struct lw_drift *d) {
    uint64_t missing_ref = lw_cats_missing(ref), missing_cur = lw_cats_missing(cur);
    d->n_ref = lw_cats_n(ref);
    d->n_cur = lw_cats_n(cur);
    d->missing_ref = compare_share(missing_ref, d->n_ref + missing_ref);
    d->missing_cur = compare_share(missing_cur, d->n_cur + missing_cur);
    d->missing_p = lw_drift_two_shares_p(missing_ref, d->n_ref + missing_ref, missing_cur,
                                         d->n_cur + missing_cur);
    if (d->n_ref == 0 || d->n_cur == 0) {
        d->verdict = LW_VERDICT_EMPTY;
        return;
    }
    if (category_constant(ref, cur))
        d->verdict = LW_VERDICT_CONSTANT;
    struct lw_cells cells = {0};
    struct lw_cats_diff diff = lw_cells_categories(&cells, ref, cur);
    cell_figures(&cells, d);
    lw_cells_fini(&cells);
    d->linf = diff.linf;
    unseen_figures(ref, seen, cur, diff, d);
}

/* Gaps of a feed are compared with the larger reference: they follow no clock, and shares
 * of its parts would make a rule near its threshold come and go. */
static void whole_shares(const struct lw_member *ref, const struct lw_member *cur,
                         struct lw_drift *d) {
    uint64_t missing = lw_member_missing(ref), rows = lw_member_rows(ref);
    uint64_t missing_cur = lw_member_missing(cur), rows_cur = lw_member_rows(cur);
    d->missing_ref = compare_share(missing, rows);
    d->missing_p = lw_drift_two_shares_p(missing, rows, missing_cur, rows_cur);
    if (ref->kind != LW_NUMERIC)
        return;
    d->out_of_range_ref = compare_share(ref->num.out_of_range, rows);
    d->out_of_range_p = lw_drift_two_shares_p(ref->num.out_of_range, rows,
                                              cur->num.out_of_range, rows_cur);
}

static void compare_column(const struct lw_drift_reference *reference, size_t column,
                           struct lw_member *cur, const struct lw_drift_options *options,
                           struct lw_drift *d) {
    const struct lw_member *ref = &reference->profile->members[column];
    const struct lw_member *seen = &reference->seen->members[column];
    const struct lw_bins *bins = reference->bins ? &reference->bins[column] : NULL;
    *d = (struct lw_drift){.verdict = LW_VERDICT_OK,
                           .ks_p = 1.0,
                           .w1_p = 1.0,
                           .chi2_p = 1.0,
                           .unseen_p = 1.0,
                           .missing_p = 1.0,
                           .out_of_range_p = 1.0,
                           .p = 1.0,
                           .p_adjusted = 1.0,
                           .ks_p_adjusted = 1.0,
                           .w1_p_adjusted = 1.0,
                           .unseen_p_adjusted = 1.0,
                           .shift = {.p = 1.0, .p_adjusted = 1.0}};
    struct lw_bins own;
    if (ref->kind == LW_NUMERIC) {
        if (!bins) {
            lw_bins_from(&ref->num, options->bins, &own);
            bins = &own;
        }
        compare_numeric(&ref->num, &cur->num, bins, d);
    } else {
        compare_categories(ref->cats, seen->cats, cur->cats, d);
    }
    if (ref != seen)
        whole_shares(seen, cur, d);
    if (d->verdict == LW_VERDICT_EMPTY)
        return;
    if (d->n_ref < options->min_n || d->n_cur < options->min_n ||
        reference->rows < (double)options->min_n)
        d->verdict = LW_VERDICT_INSUFFICIENT;
    if (d->verdict == LW_VERDICT_OK) {
        d->p = d->chi2_p;
        d->effect = d->psi;
        lw__shift_find(ref, cur, options, d);
    }
}

/* Corrects the p-values at offset `from` over the columns that can be judged and have
 * one; writes the results at offset `to` (both are offsets of doubles in struct
 * lw_drift). */
static void compare_adjust(struct lw_drift *d, size_t n, size_t from, size_t to,
                           const struct lw_drift_options *options) {
    double *p = lw_calloc(n, sizeof *p);
    size_t *at = lw_calloc(n, sizeof *at), k = 0;
    for (size_t i = 0; i < n; i++)
        if (d[i].verdict == LW_VERDICT_OK) {
            at[k] = i;
            p[k++] = *(const double *)((const char *)&d[i] + from);
        }
    lw_drift_p_adjust(p, k, options->correction);
    for (size_t i = 0; i < k; i++)
        *(double *)((char *)&d[at[i]] + to) = p[i];
    free(p);
    free(at);
}

/* Corrects over the columns that can be judged, and judges them. */
static void compare_judge(struct lw_drift *d, size_t n,
                          const struct lw_drift_options *options) {
    compare_adjust(d, n, offsetof(struct lw_drift, p),
                   offsetof(struct lw_drift, p_adjusted), options);
    compare_adjust(d, n, offsetof(struct lw_drift, ks_p),
                   offsetof(struct lw_drift, ks_p_adjusted), options);
    compare_adjust(d, n, offsetof(struct lw_drift, w1_p),
                   offsetof(struct lw_drift, w1_p_adjusted), options);
    compare_adjust(d, n, offsetof(struct lw_drift, unseen_p),
                   offsetof(struct lw_drift, unseen_p_adjusted), options);
    compare_adjust(d, n, offsetof(struct lw_drift, shift.p),
                   offsetof(struct lw_drift, shift.p_adjusted), options);
    for (size_t i = 0; i < n; i++) {
        if (d[i].shift.p_adjusted >= LW_DRIFT_STRICT * options->alpha)
            d[i].shift.parts = 0;
        if (d[i].verdict != LW_VERDICT_OK)
            continue;
        if (d[i].p_adjusted < options->alpha && d[i].effect > options->floor_psi)
            d[i].verdict = LW_VERDICT_DRIFT;
        else if (d[i].shift.parts)
            d[i].verdict = LW_VERDICT_SHIFTED;
    }
}

void lw_drift_compare_to(const struct lw_drift_reference *reference,
                         struct lw_profile *current,
                         const struct lw_drift_options *options, struct lw_drift *out) {
    const struct lw_profile *profile = reference->profile;
    lw_assert(profile->n == current->n && reference->seen->n == current->n);
    for (size_t i = 0; i < profile->n; i++) {
        lw_assert(profile->members[i].kind == current->members[i].kind);
        compare_column(reference, i, &current->members[i], options, &out[i]);
    }
    if (profile->n > 0)
        compare_judge(out, profile->n, options);
}

void lw_drift_compare(const struct lw_profile *reference, struct lw_profile *current,
                      const struct lw_bins *bins, const struct lw_drift_options *options,
                      struct lw_drift *out) {
    const struct lw_drift_reference whole = {reference, bins, reference, INFINITY};
    lw_drift_compare_to(&whole, current, options, out);
}
