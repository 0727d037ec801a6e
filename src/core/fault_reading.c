/* A fault as a rule reads it: present, over, or unknown.
 *
 * A fault is a verdict without a size, so a rule's two thresholds give no hysteresis.
 * This file provides it: a recognised fault lasts until the values are back, well on the
 * good side of the limit that made it a fault. In between the reading is unknown and the
 * rule keeps its state. The same holds where there are too few values to decide, as at
 * night. */
#include <math.h>

#include "core/monitor_private.h"
#include "drift/points.h"

/* This share of the values that the reference would have must be present again (half of
 * them gone is a fault). More is not required: a population that lacks a field may have
 * arrived meanwhile. */
#define BACK_SHARE 0.6
/* The commonest value's share must fall below this again (at .98 the column is stuck). */
#define BACK_STUCK 0.95
/* In logarithms: how near to its unit a fault must be. */
#define UNIT_NEAR 0.08

static uint64_t fault_present(const struct lw_member *m) {
    return m->kind == LW_NUMERIC ? lw_kll_n(m->num.kll) : lw_cats_n(m->cats);
}

bool lw__monitor_fault_judged(const struct lw_member *before, const struct lw_member *now,
                              const struct lw_fault *found) {
    return found->kind != LW_FAULT_NONE || (fault_present(before) >= LW_FAULT_MIN_N &&
                                            fault_present(now) >= LW_FAULT_MIN_N);
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

/* How far the median has moved in the direction of the unit, at a rank beside it; the
 * whole distance is |log(unit)|. */
static double fault_moved(const struct lw_member *before, const struct lw_member *now,
                          double unit, double beside) {
    double a = lw_numeric_quantile(&before->num, .5);
    double b = lw_numeric_quantile(&now->num, fmax(0, fmin(1, .5 + beside)));
    return a * b > 0 ? log(b / a) * (unit > 1 ? 1 : -1) : -INFINITY;
}

/* `surely`: the values may have drifted meanwhile, so the fault is over when they are
 * anywhere but where the unit takes them; a few dozen values that lie there by chance
 * end nothing. Else: are they nearer to the reference? */
static bool unit_is_back(const struct lw_member *before, const struct lw_member *now,
                         double unit, bool surely) {
    if (before->kind != LW_NUMERIC || !(unit > 0))
        return true;
    double way = fabs(log(unit));
    if (!surely)
        return fault_moved(before, now, unit, 0) < way / 2;
    double error = 3 * 0.5 / sqrt((double)fault_present(now)); /* of the median's rank */
    return fault_moved(before, now, unit, error) < way - UNIT_NEAR &&
           fault_moved(before, now, unit, -error) < way - UNIT_NEAR;
}

static double share_of_number(const struct lw_kll *kll, double v) {
    struct lw_kll_view *view = lw_kll_view_new(kll);
    double share = lw_points_share_at(view, v);
    lw_kll_view_free(view);
    return share;
}

/* The commonest value is no longer alone, or it is common in the reference. */
static bool stuck_is_back(const struct lw_member *before, const struct lw_member *now) {
    if (now->kind == LW_NUMERIC) {
        double v = lw_numeric_quantile(&now->num, .5);
        return share_of_number(now->num.kll, v) < BACK_STUCK ||
               share_of_number(before->num.kll, v) >= .5;
    }
    struct lw_cat top = lw_cats_top(now->cats);
    return (double)top.count < BACK_STUCK * (double)lw_cats_n(now->cats) ||
           2 * lw_cats_count(before->cats, top.key) >= lw_cats_n(before->cats);
}

static bool is_back(const struct lw_member *before, const struct lw_member *now,
                    const struct lw_rule_state *state, bool surely) {
    switch (state->fault) {
    case LW_FAULT_NULLS:
        return share_present(now) >= BACK_SHARE * share_present(before);
    case LW_FAULT_OUT_OF_RANGE:
        return share_in_range(now) >= BACK_SHARE * share_in_range(before);
    case LW_FAULT_UNIT:
        return unit_is_back(before, now, state->unit, surely);
    case LW_FAULT_STUCK:
        return stuck_is_back(before, now);
    default: /* not found any more: unknown */
        return true;
    }
}

struct lw_reading lw__monitor_fault_reading(const struct lw_member *before,
                                            const struct lw_member *now,
                                            const struct lw_fault *found,
                                            const struct lw_rule_state *state) {
    struct lw_reading r = {.value = found->kind != LW_FAULT_NONE, .significant = true};
    bool lasts = state->state == LW_ALERT_FIRING && found->kind == LW_FAULT_NONE;
    r.known = lw__monitor_fault_judged(before, now, found) &&
              (!lasts || is_back(before, now, state, true));
    return r;
}

bool lw__monitor_fault_in_piece(const struct lw_member *before,
                                const struct lw_member *now, const struct lw_fault *found,
                                const struct lw_rule_state *state) {
    return found->kind != LW_FAULT_NONE ||
           (state->state == LW_ALERT_FIRING && !is_back(before, now, state, false));
}
