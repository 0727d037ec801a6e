/* Detects values that are sent in another unit. A change of unit is a map y = factor x +
 * offset that a program may apply; the table below lists the candidates.
 *
 * The shape must agree: each of the five quantiles has moved as the map says, within the
 * error of both samples' ranks and LW_LOOSE for ordinary change. A real shift moves
 * quantiles unevenly. The unchanged column must not fit as well.
 *
 * That is enough for a factor of 60 and more, which no market or season causes in a day.
 * Growth by 1.6 is possible, and real growth by a factor preserves the shape as well (a
 * lognormal's scale times 1.6). So kilometres for miles need further evidence:
 *
 * - from the digits, if the reference has few: a distance in steps of 0.01 miles, times
 *   1.609344, falls on multiples of 0.01609344, which cannot happen by chance; if it is
 *   rounded again, only 62 of 100 steps can occur. This is proof even if other things
 *   have changed, and digits that do not fit are a refutation;
 * - otherwise from identical rows: the smallest and the greatest value have moved by the
 *   factor to nine digits.
 *
 * Without such evidence a change of unit cannot be distinguished from growth, and it is
 * reported as drift.
 *
 * Temperatures have an offset too; their tolerance is a share of the distance that the
 * values moved. Columns of temperatures are roughly symmetrical; skewed ones, such as
 * delays, can move like that on a bad day. */
#include "drift/fault_unit.h"

#include <math.h>

#include "drift/cells.h"
#include "drift/points.h"

#define LW_LOOSE 0.08 /* share of a value: one day differs from a week */
#define LW_SURE  2.6  /* standard errors */
/* skewness, at most 1, below which a column counts as symmetrical */
#define LW_EVEN 0.25

static const double rank[] = {0.15, 0.3, 0.5, 0.7, 0.85};
enum { N = sizeof rank / sizeof *rank, MID = N / 2 };

struct unit_map {
    double factor, offset;
    double lo, hi; /* required range of the reference's quantiles */
    const char *text;
};

static const struct unit_map units[] = {
    {60, 0, -INFINITY, INFINITY, "sent in a unit 60 times finer, as minutes in seconds"},
    {1 / 60.0, 0, -INFINITY, INFINITY,
     "sent in a unit 60 times coarser, as seconds in minutes"},
    {100, 0, -INFINITY, INFINITY, "sent in hundredths, as dollars in cents"},
    {0.01, 0, -INFINITY, INFINITY,
     "sent in a unit 100 times coarser, as cents in dollars"},
    {1000, 0, -INFINITY, INFINITY, "sent in thousandths, as seconds in milliseconds"},
    {0.001, 0, -INFINITY, INFINITY,
     "sent in a unit 1000 times coarser, as milliseconds in seconds"},
    {3600, 0, -INFINITY, INFINITY,
     "sent in a unit 3600 times finer, as hours in seconds"},
    {1 / 3600.0, 0, -INFINITY, INFINITY,
     "sent in a unit 3600 times coarser, as seconds in hours"},
    {1e6, 0, -INFINITY, INFINITY, "sent in millionths, as seconds in microseconds"},
    {1e-6, 0, -INFINITY, INFINITY,
     "sent in a unit a million times coarser, as microseconds in seconds"},
    {1.8, 32, -90, 60, "degrees Celsius sent as Fahrenheit"},
    {1 / 1.8, -32 / 1.8, -130, 140, "degrees Fahrenheit sent as Celsius"},
    {1, 273.15, -90, 60, "degrees Celsius sent as Kelvin"},
    {1, -273.15, 180, 340, "Kelvin sent as degrees Celsius"},
};

static const double miles[] = {1.609344, 1.60934, 1.6093, 1.609, 1.61, 1.6};
static const double kilometres[] = {1 / 1.609344, 0.621371, 0.62137, 0.6214, 0.621, 0.62};

/* A quantile, and its interval from the error of its rank. */
struct quantile {
    double at, lo, hi;
};

struct unit_side {
    struct quantile q[N];
    const struct lw_numeric *num;
};

static void fault_unit_look(struct unit_side *s, const struct lw_numeric *num) {
    struct lw_kll_view *view = lw_kll_view_new(num->kll);
    double n = (double)lw_kll_n(num->kll), noise = lw_cells_sketch_variance(num->kll);
    s->num = num;
    for (size_t i = 0; i < N; i++) {
        double room = LW_SURE * sqrt(rank[i] * (1.0 - rank[i]) / n + noise);
        s->q[i].at = lw_kll_view_quantile(view, rank[i]);
        s->q[i].lo = lw_kll_view_quantile(view, rank[i] - room);
        s->q[i].hi = lw_kll_view_quantile(view, rank[i] + room);
    }
    lw_kll_view_free(view);
}

static double fault_unit_mapped(const struct unit_map *u, double v) {
    return u->factor * v + u->offset;
}

/* The tolerance for ordinary change at quantile i: a share of the value; for a map with
 * an offset, a share of the median's move and of the spread. */
static double room_of(const struct unit_side *ref, const struct unit_map *u, size_t i,
                      double loose) {
    double value = fault_unit_mapped(u, ref->q[i].at);
    if (u->offset == 0.0)
        return loose * fabs(value);
    double way = fabs(fault_unit_mapped(u, ref->q[MID].at) - ref->q[MID].at);
    double spread = u->factor * (ref->q[N - 1].at - ref->q[0].at);
    return fmin(0.15 * way, 0.25 * spread);
}

/* Whether every quantile moved as the map says. A factor cannot be judged where both are
 * 0; at least three quantiles must be judged. */
static bool fault_unit_agrees(const struct unit_side *ref, const struct unit_side *cur,
                              const struct unit_map *u, double loose) {
    size_t speak = 0;
    for (size_t i = 0; i < N; i++) {
        const struct quantile *r = &ref->q[i], *c = &cur->q[i];
        if (r->at == 0.0 && c->at == 0.0 && u->offset == 0.0)
            continue;
        double a = fault_unit_mapped(u, r->lo), b = fault_unit_mapped(u, r->hi);
        double room = room_of(ref, u, i, loose);
        if (c->hi < a - room || c->lo > b + room)
            return false;
        speak++;
    }
    return speak >= 3;
}

/* Bowley's skewness, of the outermost two quantiles: 0 for a normal distribution, 0.15
 * for a lognormal one with sigma 0.3. */
static double fault_unit_skewness(const struct unit_side *s) {
    double lo = s->q[0].at, mid = s->q[MID].at, hi = s->q[N - 1].at;
    return (hi - mid - (mid - lo)) / (hi - lo);
}

/* Wide intervals agree with too much: the current median must also be nearer to the map
 * than to the unchanged column, and the unchanged column must not agree as well. */
static bool moved_by(const struct unit_side *ref, const struct unit_side *cur,
                     const struct unit_map *u, double loose) {
    struct unit_map as_it_was = {.factor = 1.0};
    double was = ref->q[MID].at, is = cur->q[MID].at, want = fault_unit_mapped(u, was);
    return fault_unit_agrees(ref, cur, u, loose) &&
           !fault_unit_agrees(ref, cur, &as_it_was, loose) &&
           fabs(is - want) < fabs(is - was);
}

/* ---- digits ---- */

enum { DIGITS_MAX = 4, POINTS_MIN = 20 };

struct grid_points {
    const double *value;
    size_t n;
};

static bool on_grid(double v, double per_unit) {
    double steps = v * per_unit;
    return fabs(steps - nearbyint(steps)) <= 0.01;
}

/* The smallest number of digits such that nearly all values are multiples of 10^-digits,
 * and far fewer are multiples of the next coarser step; -1 if there are too many to
 * judge. */
static int digits_of(const struct grid_points *p) {
    static const double scale[] = {1.0, 10.0, 100.0, 1e3, 1e4};
    for (int digits = 0; digits <= DIGITS_MAX; digits++) {
        double per_unit = scale[digits];
        size_t fit = 0;
        for (size_t i = 0; i < p->n; i++)
            fit += fabs(p->value[i]) * per_unit < 1e7 && on_grid(p->value[i], per_unit);
        if (50 * fit >= 49 * p->n)
            return digits;
    }
    return -1;
}

enum digits { SILENT, CONFIRM, REFUTE };

/* Whether the values are multiples of the reference's step times the factor, within
 * `off`. */
static enum digits fault_unit_reached(const struct grid_points *cur, double step,
                                      double off) {
    double chance = 2.0 * off / step;
    size_t yes = 0;
    if (chance > 0.75)
        return SILENT;
    for (size_t i = 0; i < cur->n; i++) {
        double steps = cur->value[i] / step;
        yes += fabs(steps - nearbyint(steps)) * step <= off * 1.001;
    }
    if (50 * yes < 49 * cur->n)
        return REFUTE;
    return (double)cur->n * -log(chance) >= 14.0 ? CONFIRM : SILENT;
}

static enum digits digits_say(const struct grid_points *ref,
                              const struct grid_points *cur, const double *factor,
                              size_t n) {
    enum digits said = SILENT;
    int had = digits_of(ref), has = digits_of(cur);
    if (ref->n < POINTS_MIN || cur->n < POINTS_MIN || had < 0)
        return SILENT;
    for (size_t i = 0; i < n; i++) {
        double step = factor[i] * pow(10.0, -had);
        double off = has >= 0 ? 0.5 * pow(10.0, -has) : 0.02 * step;
        enum digits one = fault_unit_reached(cur, step, off);
        if (one == CONFIRM)
            return CONFIRM;
        said = one == REFUTE ? REFUTE : said;
    }
    return said;
}

static enum digits fault_unit_digits(const struct unit_side *ref,
                                     const struct unit_side *cur, const double *factor,
                                     size_t n) {
    struct grid_points r = {0}, c = {0};
    const uint64_t *weight;
    struct lw_kll_view *vr = lw_kll_view_new(ref->num->kll);
    struct lw_kll_view *vc = lw_kll_view_new(cur->num->kll);
    r.n = lw_kll_view_points(vr, &r.value, &weight);
    c.n = lw_kll_view_points(vc, &c.value, &weight);
    enum digits said = digits_say(&r, &c, factor, n);
    lw_kll_view_free(vr);
    lw_kll_view_free(vc);
    return said;
}

/* ---- miles and kilometres ---- */

static bool nine_digits(double was, double is, double factor) {
    return was != 0.0 && fabs(is / was / factor - 1.0) < 1e-9;
}

static bool same_rows(const struct unit_side *ref, const struct unit_side *cur,
                      double factor) {
    const struct lw_kll *r = ref->num->kll, *c = cur->num->kll;
    return nine_digits(lw_kll_min(r), lw_kll_min(c), factor) &&
           nine_digits(lw_kll_max(r), lw_kll_max(c), factor);
}

static bool fault_unit_shown(const struct unit_side *ref, const struct unit_side *cur,
                             const double *factor, size_t n) {
    enum digits said = fault_unit_digits(ref, cur, factor, n);
    if (said != SILENT)
        return said == CONFIRM;
    return same_rows(ref, cur, factor[0]);
}

static struct lw_fault fault_unit_found(const struct unit_side *ref,
                                        const struct unit_side *cur, double factor,
                                        const char *text) {
    double was = ref->q[MID].at, is = cur->q[MID].at;
    return (struct lw_fault){.kind = LW_FAULT_UNIT,
                             .figure =
                                 was != 0.0 && isfinite(is / was) ? is / was : factor,
                             .unit = factor,
                             .text = text};
}

struct lw_fault lw_fault_unit(const struct lw_numeric *ref_num,
                              const struct lw_numeric *cur_num) {
    struct unit_side ref, cur;
    fault_unit_look(&ref, ref_num);
    fault_unit_look(&cur, cur_num);
    if (ref.q[0].at == ref.q[N - 1].at) /* no spread: a factor looks like a shift */
        return (struct lw_fault){.text = ""};
    bool even = fabs(fault_unit_skewness(&ref)) < LW_EVEN &&
                fabs(fault_unit_skewness(&cur)) < LW_EVEN;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const struct unit_map *u = &units[i];
        if (u->offset != 0.0 && !even)
            continue;
        if (ref.q[0].at >= u->lo && ref.q[N - 1].at <= u->hi &&
            moved_by(&ref, &cur, u, LW_LOOSE))
            return fault_unit_found(&ref, &cur, u->factor, u->text);
    }
    if (fault_unit_shown(&ref, &cur, miles, sizeof miles / sizeof *miles))
        return fault_unit_found(&ref, &cur, miles[0], "miles sent as kilometres");
    if (fault_unit_shown(&ref, &cur, kilometres, sizeof kilometres / sizeof *kilometres))
        return fault_unit_found(&ref, &cur, kilometres[0], "kilometres sent as miles");
    return (struct lw_fault){.text = ""};
}
