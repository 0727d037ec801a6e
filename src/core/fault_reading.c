/* A fault as a rule reads it: there, over, or not to be told.
 *
 * A fault is a verdict and has no size, so a rule's two thresholds make no hysteresis. It
 * is made here: what was recognised lasts until the values are back, well on the good
 * side of what made it a fault; between the two nothing is known, and the rule keeps its
 * state. The same holds where there are too few values to tell, as at night. */
#include <math.h>

#include "core/monitor_private.h"

/* Of the values that the reference would have, so many are there again (it is a fault at
 * half). No more is asked for: a population that lacks a field may have come meanwhile.
 */
#define BACK_SHARE 0.6
/* The commonest value makes less than this again (it is stuck at .98). */
#define BACK_STUCK 0.95

static uint64_t present(const struct lw_member *m) {
    return m->kind == LW_NUMERIC ? lw_kll_n(m->num.kll) : lw_cats_n(m->cats);
}

bool lw__fault_judged(const struct lw_member *before, const struct lw_member *now,
                      const struct lw_fault *found) {
    return found->kind != LW_FAULT_NONE ||
           (present(before) >= LW_FAULT_MIN_N && present(now) >= LW_FAULT_MIN_N);
}

static double share_present(const struct lw_member *m) {
    uint64_t missing = m->kind == LW_NUMERIC ? m->num.missing : lw_cats_missing(m->cats);
    uint64_t n = m->kind == LW_NUMERIC ? m->num.n : lw_cats_n(m->cats);
    return (double)n / (double)(n + missing);
}

static double share_in_range(const struct lw_member *m) {
    return m->kind == LW_NUMERIC && m->num.n
               ? (double)(m->num.n - m->num.out_of_range) / (double)m->num.n
               : 1;
}

/* The median stands nearer to the reference's than to what the unit would make of it. */
static bool unit_is_back(const struct lw_member *before, const struct lw_member *now,
                         double unit) {
    if (before->kind != LW_NUMERIC || !(unit > 0))
        return true;
    double a = lw_numeric_quantile(&before->num, .5);
    double b = lw_numeric_quantile(&now->num, .5);
    return !(a * b > 0) || fabs(log(b / a)) < fabs(log(unit)) / 2;
}

static double share_of_number(const struct lw_kll *kll, double v) {
    struct lw_kll_view *view = lw_kll_view_new(kll);
    double share =
        lw_kll_view_rank(view, v) - lw_kll_view_rank(view, nextafter(v, -INFINITY));
    lw_kll_view_free(view);
    return share;
}

/* The commonest value has company again, or the reference knows it as common. */
static bool stuck_is_back(const struct lw_member *before, const struct lw_member *now) {
    if (now->kind == LW_NUMERIC) {
        double v = lw_numeric_quantile(&now->num, .5);
        return share_of_number(now->num.kll, v) < BACK_STUCK ||
               share_of_number(before->num.kll, v) >= .5;
    }
    struct lw_cat top = {0};
    lw_cats_seal(now->cats);
    for (size_t i = 0; i < lw_cats_size(now->cats); i++)
        if (lw_cats_at(now->cats, i).count > top.count)
            top = lw_cats_at(now->cats, i);
    return (double)top.count < BACK_STUCK * (double)lw_cats_n(now->cats) ||
           2 * lw_cats_count(before->cats, top.key) >= lw_cats_n(before->cats);
}

static bool is_back(const struct lw_member *before, const struct lw_member *now,
                    const struct lw_slot *slot) {
    switch (slot->fault) {
    case LW_FAULT_NULLS:
        return share_present(now) >= BACK_SHARE * share_present(before);
    case LW_FAULT_OUT_OF_RANGE:
        return share_in_range(now) >= BACK_SHARE * share_in_range(before);
    case LW_FAULT_UNIT:
        return unit_is_back(before, now, slot->unit);
    case LW_FAULT_STUCK:
        return stuck_is_back(before, now);
    default: /* found no more is all that can be said */
        return true;
    }
}

struct lw_reading lw__fault_reading(const struct lw_member *before,
                                    const struct lw_member *now,
                                    const struct lw_fault *found,
                                    const struct lw_slot *slot) {
    struct lw_reading r = {.value = found->kind != LW_FAULT_NONE, .significant = true};
    bool lasts = slot->state == LW_ALERT_FIRING && found->kind == LW_FAULT_NONE;
    r.known =
        lw__fault_judged(before, now, found) && (!lasts || is_back(before, now, slot));
    return r;
}
