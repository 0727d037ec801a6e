/* What looks like drift and is a broken feed.
 *
 * Nulls and out of range: at least half of the values that the reference would have had
 * are gone, significantly so. A half, because a new population that lacks a field is not
 * a fault: a fifth to a half of the city's trips came without dispatch fields after the
 * lockdown, and went on so for years.
 *
 * Unit: every quantile, not the median alone, moved by one and the same factor, and that
 * factor is one that a change of unit makes (km and miles, seconds and minutes or minutes
 * and hours, cents, metres or milliseconds). Real shifts move quantiles unevenly. The
 * tolerance is LW_UNIT_TOLERANCE, for the sketch's rank error and for ordinary change.
 *
 * Stuck: one value makes nearly all of the current values, and made less than half of the
 * reference. */
#include "leeway/fault.h"

#include <math.h>

#include "base/mem.h"
#include "drift/stats.h"

#define LW_FAULT_ALPHA     1e-6
#define LW_UNIT_TOLERANCE  0.08
#define LW_STUCK_SHARE     0.98
#define LW_STUCK_REFERENCE 0.5

static const struct unit {
    double factor;
    const char *up, *down;
} units[] = {
    {1.609344, "miles sent as kilometres", "kilometres sent as miles"},
    {60.0, "sent in a unit 60 times finer, as minutes in seconds",
     "sent in a unit 60 times coarser, as seconds in minutes"},
    {100.0, "sent in hundredths, as dollars in cents",
     "sent in a unit 100 times coarser, as cents in dollars"},
    {1000.0, "sent in thousandths, as seconds in milliseconds",
     "sent in a unit 1000 times coarser, as milliseconds in seconds"},
};

const char *lw_fault_name(enum lw_fault_kind kind) {
    static const char *const names[] = {"none", "nulls", "out_of_range", "unit", "stuck"};
    lw_assert((size_t)kind < sizeof names / sizeof *names);
    return names[kind];
}

static struct lw_fault none(void) {
    return (struct lw_fault){.kind = LW_FAULT_NONE, .text = ""};
}

/* Did at least half of the good rows turn bad? */
static bool half_lost(uint64_t bad_ref, uint64_t n_ref, uint64_t bad_cur,
                      uint64_t n_cur) {
    if (n_ref < LW_FAULT_MIN_N || n_cur < LW_FAULT_MIN_N)
        return false;
    double good_ref = 1.0 - (double)bad_ref / (double)n_ref;
    double good_cur = 1.0 - (double)bad_cur / (double)n_cur;
    return good_cur <= good_ref / 2.0 &&
           lw_two_shares_p(bad_ref, n_ref, bad_cur, n_cur) < LW_FAULT_ALPHA;
}

/* Is the factor that takes a to b near `factor`? Signs must agree. */
static bool near_factor(double a, double b, double factor) {
    return a * b > 0.0 && fabs(log(b / a / factor)) < LW_UNIT_TOLERANCE;
}

/* How many of the quantiles moved by the factor, and how many did not. Values near zero
 * say nothing about a factor. */
static bool all_moved(const double *a, const double *b, size_t n, double factor) {
    size_t yes = 0;
    for (size_t i = 0; i < n; i++) {
        if (a[i] == 0.0 && b[i] == 0.0)
            continue;
        if (!near_factor(a[i], b[i], factor))
            return false;
        yes++;
    }
    return yes >= 3;
}

static struct lw_fault unit_jump(const struct lw_kll *ref, const struct lw_kll *cur) {
    static const double ranks[] = {0.15, 0.3, 0.5, 0.7, 0.85};
    enum { N = sizeof ranks / sizeof *ranks };
    double a[N], b[N];
    struct lw_kll_view *vr = lw_kll_view_new(ref), *vc = lw_kll_view_new(cur);
    for (size_t i = 0; i < N; i++) {
        a[i] = lw_kll_view_quantile(vr, ranks[i]);
        b[i] = lw_kll_view_quantile(vc, ranks[i]);
    }
    lw_kll_view_free(vr);
    lw_kll_view_free(vc);
    if (a[0] == a[N - 1]) /* no spread: a factor cannot be told from a shift */
        return none();
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const struct unit *u = &units[i];
        bool up = all_moved(a, b, N, u->factor), down = all_moved(a, b, N, 1 / u->factor);
        if (up || down)
            return (struct lw_fault){.kind = LW_FAULT_UNIT,
                                     .figure = a[N / 2] != 0.0
                                                   ? b[N / 2] / a[N / 2]
                                                   : (up ? u->factor : 1 / u->factor),
                                     .unit = up ? u->factor : 1.0 / u->factor,
                                     .text = up ? u->up : u->down};
    }
    return none();
}

static double share_of(const struct lw_kll_view *view, double v) {
    return lw_kll_view_rank(view, v) - lw_kll_view_rank(view, nextafter(v, -INFINITY));
}

static struct lw_fault stuck(double now, double before) {
    if (now < LW_STUCK_SHARE || before >= LW_STUCK_REFERENCE)
        return none();
    return (struct lw_fault){
        .kind = LW_FAULT_STUCK, .figure = now, .text = "nearly every row has one value"};
}

static struct lw_fault stuck_number(const struct lw_kll *ref, const struct lw_kll *cur) {
    struct lw_kll_view *vr = lw_kll_view_new(ref), *vc = lw_kll_view_new(cur);
    double v = lw_kll_view_quantile(vc, 0.5);
    struct lw_fault out = stuck(share_of(vc, v), share_of(vr, v));
    lw_kll_view_free(vr);
    lw_kll_view_free(vc);
    return out;
}

static struct lw_fault stuck_category(const struct lw_cats *ref, struct lw_cats *cur) {
    struct lw_cat top = {0};
    lw_cats_seal(cur);
    for (size_t i = 0; i < lw_cats_size(cur); i++) {
        struct lw_cat cat = lw_cats_at(cur, i);
        if (cat.count > top.count)
            top = cat;
    }
    return stuck((double)top.count / (double)lw_cats_n(cur),
                 (double)lw_cats_count(ref, top.key) / (double)lw_cats_n(ref));
}

static struct lw_fault nulls(uint64_t missing, uint64_t rows) {
    return (struct lw_fault){.kind = LW_FAULT_NULLS,
                             .figure = (double)missing / (double)rows,
                             .text = "half or more of the values went missing"};
}

static struct lw_fault find_numeric(const struct lw_numeric *ref,
                                    const struct lw_numeric *cur) {
    uint64_t rows_ref = ref->n + ref->missing, rows_cur = cur->n + cur->missing;
    if (half_lost(ref->missing, rows_ref, cur->missing, rows_cur))
        return nulls(cur->missing, rows_cur);
    if (half_lost(ref->out_of_range, ref->n, cur->out_of_range, cur->n))
        return (struct lw_fault){.kind = LW_FAULT_OUT_OF_RANGE,
                                 .figure = (double)cur->out_of_range / (double)cur->n,
                                 .text = "half or more of the values left the range"};
    if (lw_kll_n(ref->kll) < LW_FAULT_MIN_N || lw_kll_n(cur->kll) < LW_FAULT_MIN_N)
        return none();
    struct lw_fault unit = unit_jump(ref->kll, cur->kll);
    return unit.kind ? unit : stuck_number(ref->kll, cur->kll);
}

static struct lw_fault find_category(const struct lw_cats *ref, struct lw_cats *cur) {
    uint64_t n_ref = lw_cats_n(ref), n_cur = lw_cats_n(cur);
    uint64_t missing_ref = lw_cats_missing(ref), missing_cur = lw_cats_missing(cur);
    if (half_lost(missing_ref, n_ref + missing_ref, missing_cur, n_cur + missing_cur))
        return nulls(missing_cur, n_cur + missing_cur);
    if (n_ref < LW_FAULT_MIN_N || n_cur < LW_FAULT_MIN_N)
        return none();
    return stuck_category(ref, cur);
}

struct lw_fault lw_fault_find(const struct lw_member *reference,
                              const struct lw_member *current) {
    lw_assert(reference->kind == current->kind);
    if (reference->kind == LW_NUMERIC)
        return find_numeric(&reference->num, &current->num);
    return find_category(reference->cats, current->cats);
}
