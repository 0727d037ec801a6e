/* Detects broken feeds, which look like drift.
 *
 * Nulls and out of range: at least half of the values that the reference would have had
 * are gone, and significantly so. The limit is a half because a new population that lacks
 * a field is not a fault: after the lockdown a fifth to a half of the city's trips lacked
 * dispatch fields, and this has lasted for years.
 *
 * Unit: fault_unit.c.
 *
 * Negative: at least half of the values are below 0, none of the reference was, and the
 * reference came near 0, its lower bound. A duration has such a bound; a temperature,
 * which falls below 0 in the first frost, does not.
 *
 * Stuck: nearly all current values are one value that was rare in the reference: a share
 * of less than LW_STUCK_REFERENCE. Rows of one day resemble each other, so a probability
 * to the power of the number of rows would call any dry day impossible; the value itself
 * must be rare. A column with 15 % zeros may be broken or may have a quiet day. Values
 * are equal if only their last bits differ (drift/points.h): a constant that is now sent
 * as float is not stuck.
 *
 * The target is treated like any other column: values outside its range count as out of
 * range, and nulls as missing. */
#include "leeway/fault.h"

#include <math.h>

#include "base/mem.h"
#include "drift/fault_unit.h"
#include "drift/points.h"
#include "drift/stats.h"

#define LW_FAULT_ALPHA     1e-6
#define LW_STUCK_SHARE     0.98
#define LW_STUCK_REFERENCE 0.1
#define LW_FLOOR           0.5 /* times the median: upper limit of the fifth percentile */
#define LW_FLOOR_MIN_N     100

const char *lw_fault_name(enum lw_fault_kind kind) {
    static const char *const names[] = {"none", "nulls",    "out_of_range",
                                        "unit", "negative", "stuck"};
    lw_assert((size_t)kind < sizeof names / sizeof *names);
    return names[kind];
}

static struct lw_fault fault_none(void) {
    return (struct lw_fault){.kind = LW_FAULT_NONE, .text = ""};
}

/* Whether at least half of the good rows turned bad. */
static bool half_lost(uint64_t bad_ref, uint64_t n_ref, uint64_t bad_cur,
                      uint64_t n_cur) {
    if (n_ref < LW_FAULT_MIN_N || n_cur < LW_FAULT_MIN_N)
        return false;
    double good_ref = 1.0 - (double)bad_ref / (double)n_ref;
    double good_cur = 1.0 - (double)bad_cur / (double)n_cur;
    return good_cur <= good_ref / 2.0 &&
           lw_drift_two_shares_p(bad_ref, n_ref, bad_cur, n_cur) < LW_FAULT_ALPHA;
}

static struct lw_fault fault_negative(const struct lw_kll *ref,
                                      const struct lw_kll *cur) {
    if (lw_kll_n(ref) < LW_FLOOR_MIN_N || lw_kll_min(ref) < 0.0)
        return fault_none();
    struct lw_kll_view *vr = lw_kll_view_new(ref), *vc = lw_kll_view_new(cur);
    bool floor =
        lw_kll_view_quantile(vr, 0.05) <= LW_FLOOR * lw_kll_view_quantile(vr, 0.5);
    double now = lw_kll_view_rank(vc, nextafter(0.0, -INFINITY));
    lw_kll_view_free(vr);
    lw_kll_view_free(vc);
    if (!floor || now < 0.5)
        return fault_none();
    return (struct lw_fault){
        .kind = LW_FAULT_NEGATIVE,
        .figure = now,
        .text = "half or more of the values are negative; none was before"};
}

static struct lw_fault fault_stuck(double now, double before) {
    if (now < LW_STUCK_SHARE || before >= LW_STUCK_REFERENCE)
        return fault_none();
    return (struct lw_fault){.kind = LW_FAULT_STUCK,
                             .figure = now,
                             .text = "nearly every row has the same value"};
}

static struct lw_fault stuck_number(const struct lw_kll *ref, const struct lw_kll *cur) {
    struct lw_kll_view *vr = lw_kll_view_new(ref), *vc = lw_kll_view_new(cur);
    double v = lw_kll_view_quantile(vc, 0.5);
    struct lw_fault out =
        fault_stuck(lw_points_share_at(vc, v), lw_points_share_at(vr, v));
    lw_kll_view_free(vr);
    lw_kll_view_free(vc);
    return out;
}

static struct lw_fault stuck_category(const struct lw_cats *ref, struct lw_cats *cur) {
    struct lw_cat top = lw_cats_top(cur);
    return fault_stuck((double)top.count / (double)lw_cats_n(cur),
                       (double)lw_cats_upper(ref, top.key) / (double)lw_cats_n(ref));
}

static struct lw_fault fault_nulls(uint64_t missing, uint64_t rows) {
    return (struct lw_fault){.kind = LW_FAULT_NULLS,
                             .figure = (double)missing / (double)rows,
                             .text = "half or more of the values are missing"};
}

static struct lw_fault find_numeric(const struct lw_numeric *ref,
                                    const struct lw_numeric *cur) {
    uint64_t rows_ref = ref->n + ref->missing, rows_cur = cur->n + cur->missing;
    if (half_lost(ref->missing, rows_ref, cur->missing, rows_cur))
        return fault_nulls(cur->missing, rows_cur);
    if (half_lost(ref->out_of_range, ref->n, cur->out_of_range, cur->n))
        return (struct lw_fault){.kind = LW_FAULT_OUT_OF_RANGE,
                                 .figure = (double)cur->out_of_range / (double)cur->n,
                                 .text = "half or more of the values are out of range"};
    if (lw_kll_n(ref->kll) < LW_FAULT_MIN_N || lw_kll_n(cur->kll) < LW_FAULT_MIN_N)
        return fault_none();
    if (lw_points_one_value(ref->kll, cur->kll))
        return fault_none();
    struct lw_fault found = lw_fault_unit(ref, cur);
    if (!found.kind)
        found = fault_negative(ref->kll, cur->kll);
    return found.kind ? found : stuck_number(ref->kll, cur->kll);
}

static struct lw_fault find_category(const struct lw_cats *ref, struct lw_cats *cur) {
    uint64_t n_ref = lw_cats_n(ref), n_cur = lw_cats_n(cur);
    uint64_t missing_ref = lw_cats_missing(ref), missing_cur = lw_cats_missing(cur);
    if (half_lost(missing_ref, n_ref + missing_ref, missing_cur, n_cur + missing_cur))
        return fault_nulls(missing_cur, n_cur + missing_cur);
    if (n_ref < LW_FAULT_MIN_N || n_cur < LW_FAULT_MIN_N)
        return fault_none();
    return stuck_category(ref, cur);
}

struct lw_fault lw_fault_find(const struct lw_member *reference,
                              const struct lw_member *current) {
    lw_assert(reference->kind == current->kind);
    if (reference->kind == LW_NUMERIC)
        return find_numeric(&reference->num, &current->num);
    return find_category(reference->cats, current->cats);
}
