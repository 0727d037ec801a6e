/* Small changes that are real. PSI sums a change over all cells, so a change that
 * concerns few rows stays below its floor, however certain it is: flags that go from .5
 * to 5 % (.11), a tenth of the values turned to zero (.07), two rows in a hundred times
 * 100 (.003). Here each part of a column is judged on its own.
 *
 * One floor for all parts, in standard deviations. For a share it is Cohen's h = 2 asin
 * sqrt(p) - 2 asin sqrt(q) (1988), near the change divided by the standard deviation of
 * the yes or no that the share counts: .1 is from 50 to 55 %, from 10 to 13.2 %, from 1
 * to 2.3 %, or from 0 to .25 %. For numbers it is the Wasserstein distance. What matters
 * in a common category would be absurd in a rare one, and the reverse, so neither a
 * difference nor a factor alone would do.
 *
 * A part is tested by its own test (two shares; the bound of w1). The reported category or
 * number is the one whose share moved by most standard errors among those above the
 * floor, and its p is multiplied by the number of those it was chosen from (Bonferroni).
 * The column's p is the smallest, times the number of parts. Tails and zeros are counted
 * in the tail sketch, which is exact; a rank of a KLL sketch carries its variance.
 *
 * A part is computed only if it is above the floor, so that calm columns cost little. */
#include "drift/shift.h"

#include <math.h>

#include "base/mem.h"
#include "drift/cells.h"
#include "drift/points.h"
#include "drift/special.h"
#include "drift/stats.h"
#include "drift/walk.h"

/* Share, zero, median, three of each tail, w1 and missing. */
#define NUMBER_PARTS 11.0
/* Share and missing. */
#define CATEGORY_PARTS 2.0
/* A tail is this share of the reference's values. */
#define TAIL 0.01
/* Of the share that lies beyond the whole bucket of a quantile; with less, values that
 * differ share the bucket, as 1e8 + 1 and 1e8 + 9 do. */
#define FINE 0.2

struct finder {
    struct lw_shift *shift;
    double n, m; /* values */
    double floor, strict;
    double parts;
};

static double shift_size(struct lw_shift_share s) {
    return fabs(2.0 * asin(sqrt(fmin(s.cur, 1.0))) - 2.0 * asin(sqrt(fmin(s.ref, 1.0))));
}

/* In standard errors; noise: variance that sketches add to the difference. */
static double shift_z(const struct finder *f, struct lw_shift_share s, double noise) {
    double p = (s.ref * f->n + s.cur * f->m) / (f->n + f->m);
    double variance = p * (1.0 - p) * (1.0 / f->n + 1.0 / f->m) + noise;
    return variance > 0.0 ? (s.cur - s.ref) / sqrt(variance) : 0.0;
}

static double shift_p(const struct finder *f, struct lw_shift_share s, double noise) {
    double exact = lw_drift_two_shares_p((uint64_t)(s.ref * f->n + 0.5), (uint64_t)f->n,
                                         (uint64_t)(s.cur * f->m + 0.5), (uint64_t)f->m);
    return noise > 0.0 ? fmax(exact, lw_special_normal_two_sided(shift_z(f, s, noise)))
                       : exact;
}

/* Enters a part with its p-value. */
static void part_enter(const struct finder *f, unsigned part, double p) {
    p = fmin(1.0, p * f->parts);
    f->shift->p = fmin(f->shift->p, p);
    if (p < f->strict)
        f->shift->parts |= part;
}

/* Enters a share that is above the floor, chosen from `of` shares. Whether it is
 * significant. */
static bool share_enter(const struct finder *f, unsigned part, struct lw_shift_share s,
                        double noise, double of) {
    if (shift_size(s) < f->floor || s.ref == s.cur)
        return false;
    double p = fmin(1.0, shift_p(f, s, noise) * of);
    part_enter(f, part, p);
    return p * f->parts < f->strict;
}

/* ---- categories ---- */

/* The share that changed most, in standard errors, of those above the floor. */
struct most {
    struct lw_shift_share share;
    double z, of;
    uint64_t key;
    double value;
};

static bool most_offer(const struct finder *f, struct lw_shift_share s, double noise,
                       struct most *most) {
    most->of += 1.0;
    double z = fabs(shift_z(f, s, noise));
    bool same = z > most->z * (1.0 - 1e-9); /* of yes and no, the rarer is reported */
    if (!same || (z < most->z * (1.0 + 1e-9) && s.ref >= most->share.ref) ||
        shift_size(s) < f->floor)
        return false;
    most->z = z;
    most->share = s;
    return true;
}

/* Beyond its cap a summary bounds a count; the closest pair of possible shares counts. */
static struct lw_shift_share closest_shares(const struct finder *f,
                                            const struct lw_cats *ref,
                                            const struct lw_cats *cur, uint64_t key) {
    double lo_ref = (double)lw_cats_count(ref, key) / f->n;
    double lo_cur = (double)lw_cats_count(cur, key) / f->m;
    double hi_ref = (double)lw_cats_upper(ref, key) / f->n;
    double hi_cur = (double)lw_cats_upper(cur, key) / f->m;
    if (hi_ref < lo_cur)
        return (struct lw_shift_share){hi_ref, lo_cur};
    if (hi_cur < lo_ref)
        return (struct lw_shift_share){lo_ref, hi_cur};
    return (struct lw_shift_share){lo_ref, lo_ref};
}

static void find_category(const struct finder *f, struct lw_cats *ref,
                          struct lw_cats *cur) {
    struct most most = {0};
    lw_cats_seal(ref);
    lw_cats_seal(cur);
    size_t nref = lw_cats_size(ref);
    for (size_t i = 0; i < nref + lw_cats_size(cur); i++) {
        uint64_t key = i < nref ? lw_cats_at(ref, i).key : lw_cats_at(cur, i - nref).key;
        if (i >= nref && lw_cats_count(ref, key) > 0)
            continue;
        if (most_offer(f, closest_shares(f, ref, cur, key), 0.0, &most))
            most.key = key;
    }
    if (!share_enter(f, LW_SHIFT_SHARE, most.share, 0.0, most.of))
        return;
    f->shift->share = most.share;
    f->shift->key = most.key;
}

/* ---- numbers ---- */

/* The value whose share changed most. Each end of the jump at a value carries a sketch's
 * variance. */
static void find_value(const struct finder *f, struct lw_walk *w, double noise) {
    struct most most = {0};
    double last[2] = {0.0, 0.0};
    while (lw_walk_next(w)) {
        struct lw_shift_share s = {w->f[0] - last[0], w->f[1] - last[1]};
        if (most_offer(f, s, 2.0 * noise, &most))
            most.value = w->value;
        last[0] = w->f[0];
        last[1] = w->f[1];
    }
    if (!share_enter(f, LW_SHIFT_SHARE, most.share, 2.0 * noise, most.of))
        return;
    f->shift->share = most.share;
    f->shift->value = most.value;
}

/* Whether the tail sketches hold what the others do; a window read back from the store
 * has none. */
static bool tails_counted(const struct lw_numeric *ref, const struct lw_numeric *cur) {
    return ref->tail && cur->tail && lw_tail_n(ref->tail) == lw_kll_n(ref->kll) &&
           lw_tail_n(cur->tail) == lw_kll_n(cur->kll);
}

static void find_zero(const struct finder *f, const struct lw_numeric *ref,
                      const struct lw_numeric *cur) {
    struct lw_shift_share s = {(double)lw_tail_counts(ref->tail, 0.0).zeros / f->n,
                               (double)lw_tail_counts(cur->tail, 0.0).zeros / f->m};
    bool known = f->shift->parts & LW_SHIFT_SHARE;
    if (!share_enter(f, LW_SHIFT_SHARE, s, 0.0, 1.0) ||
        (known && shift_size(s) <= shift_size(f->shift->share) * (1.0 + 1e-9)))
        return;
    f->shift->share = s;
    f->shift->value = 0.0;
}

/* Enters a share of values beyond `at` under ABOVE or BELOW, unless a larger change is
 * there already. */
static void tail_enter(const struct finder *f, bool upper, double at,
                       struct lw_shift_share s, double noise) {
    unsigned part = upper ? LW_SHIFT_ABOVE : LW_SHIFT_BELOW;
    struct lw_shift_share *known = upper ? &f->shift->above : &f->shift->below;
    bool larger = !(f->shift->parts & part) || shift_size(s) > shift_size(*known);
    if (!share_enter(f, part, s, noise, 1.0) || !larger)
        return;
    *known = s;
    *(upper ? &f->shift->above_at : &f->shift->below_at) = at;
}

/* Beyond the bucket of the reference's quantile. Whether the bucket is fine enough. */
static bool find_tail_counted(const struct finder *f, const struct lw_numeric *ref,
                              const struct lw_numeric *cur, bool upper, double tail) {
    double at = lw_tail_quantile(ref->tail, upper ? 1.0 - tail : tail);
    struct lw_tail_counts r = lw_tail_counts(ref->tail, at),
                          c = lw_tail_counts(cur->tail, at);
    struct lw_shift_share s = {(double)(upper ? r.above : r.below) / f->n,
                               (double)(upper ? c.above : c.below) / f->m};
    tail_enter(f, upper, at, s, 0.0);
    return s.ref > FINE * tail;
}

static void find_tail_ranked(const struct finder *f, const struct lw_walk *w, bool upper,
                             double noise) {
    double at = lw_kll_view_quantile(w->view[0], upper ? 1.0 - TAIL : TAIL);
    double room = lw_points_same_within(at);
    double edge = upper ? at + room : nextafter(at - room, -INFINITY);
    struct lw_shift_share s = {lw_kll_view_rank(w->view[0], edge),
                               lw_kll_view_rank(w->view[1], edge)};
    if (upper)
        s = (struct lw_shift_share){1.0 - s.ref, 1.0 - s.cur};
    tail_enter(f, upper, at, s, noise);
}

/* A tenth of the tail finds a few rows that went very far: the others beside them would
 * hide them. The reference alone decides which sketch counts. */
static void find_tail(const struct finder *f, const struct lw_numeric *ref,
                      const struct lw_numeric *cur, const struct lw_walk *w, bool upper) {
    double noise =
        lw_cells_sketch_variance(ref->kll) + lw_cells_sketch_variance(cur->kll);
    if (!tails_counted(ref, cur)) {
        find_tail_ranked(f, w, upper, noise);
        return;
    }
    find_tail_counted(f, ref, cur, upper, TAIL / 10.0);
    if (!find_tail_counted(f, ref, cur, upper, TAIL))
        find_tail_ranked(f, w, upper, noise);
}

/* A sketch's values, not lw_numeric_quantile's middle of a bucket: whole minutes stay
 * whole. */
static void put_medians(struct lw_shift *s, const struct lw_walk *w) {
    s->median_ref = lw_kll_view_quantile(w->view[0], 0.5);
    s->median_cur = lw_kll_view_quantile(w->view[1], 0.5);
}

static void find_median(const struct finder *f, const struct lw_walk *w, double noise) {
    double at = lw_kll_view_quantile(w->view[0], 0.5);
    double edge = at + lw_points_same_within(at);
    struct lw_shift_share s = {1.0 - lw_kll_view_rank(w->view[0], edge),
                               1.0 - lw_kll_view_rank(w->view[1], edge)};
    if (share_enter(f, LW_SHIFT_MEDIAN, s, noise, 1.0))
        put_medians(f->shift, w);
}

/* A distance that is mostly one of the medians is reported as theirs. */
static void find_distance(const struct finder *f, const struct lw_numeric *ref,
                          const struct lw_walk *w, const struct lw_drift *d) {
    struct lw_shift *s = f->shift;
    if (d->w1 < f->floor || d->w1 <= 0.0)
        return;
    s->w1 = d->w1;
    part_enter(f, LW_SHIFT_W1, d->w1_p);
    if (!(s->parts & LW_SHIFT_W1) || s->parts & LW_SHIFT_MEDIAN)
        return;
    put_medians(s, w);
    double area = d->w1 * lw_moments_sd(&ref->moments);
    if (fabs(s->median_cur - s->median_ref) > area / 2.0)
        s->parts |= LW_SHIFT_MEDIAN;
}

static void find_number(const struct finder *f, const struct lw_numeric *ref,
                        const struct lw_numeric *cur, const struct lw_drift *d) {
    struct lw_walk w;
    double noise =
        lw_cells_sketch_variance(ref->kll) + lw_cells_sketch_variance(cur->kll);
    lw_walk_init(&w, ref->kll, cur->kll);
    find_value(f, &w, noise);
    if (tails_counted(ref, cur))
        find_zero(f, ref, cur);
    find_median(f, &w, noise);
    find_tail(f, ref, cur, &w, true);
    find_tail(f, ref, cur, &w, false);
    find_distance(f, ref, &w, d);
    lw_walk_fini(&w);
}

void lw__shift_find(const struct lw_member *ref, const struct lw_member *cur,
                    const struct lw_drift_options *options, struct lw_drift *d) {
    bool numeric = ref->kind == LW_NUMERIC;
    struct finder f = {.shift = &d->shift,
                       .n = (double)d->n_ref,
                       .m = (double)d->n_cur,
                       .floor = options->floor_shift,
                       .strict = LW_DRIFT_STRICT * options->alpha,
                       .parts = numeric ? NUMBER_PARTS : CATEGORY_PARTS};
    if (numeric)
        find_number(&f, &ref->num, &cur->num, d);
    else
        find_category(&f, ref->cats, cur->cats);
    struct lw_shift_share missing = {d->missing_ref, d->missing_cur};
    if (shift_size(missing) >= f.floor && missing.ref != missing.cur) {
        d->shift.missing = missing;
        part_enter(&f, LW_SHIFT_MISSING, d->missing_p);
    }
}
