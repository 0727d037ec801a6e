/* How much of the target the values of a field explain.
 *
 * For groups of rows it is the adjusted share of variance between them,
 * 1 - (SSW / (n - k)) / (SST / (n - 1)), which is 0 on average for k groups that have
 * nothing to do with the target. A number is grouped by its tenths: the comparison of
 * both readings tells a number from a name that is written in digits. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "draft/draft_private.h"

#define LARGE_GROUP 8  /* of all events */
#define PAIRS_MIN   30 /* rows without which a correlation is unknown */
#define TENTHS      10

struct target_level {
    uint64_t key;
    double n, sum, squares;
};

struct level_table {
    struct target_level *level;
    size_t mask;
};

static struct target_level *level_find(struct level_table *t, uint64_t key) {
    size_t i = (size_t)lw_mix64(key) & t->mask;
    while (t->level[i].n > 0 && t->level[i].key != key)
        i = (i + 1) & t->mask;
    t->level[i].key = key;
    return &t->level[i];
}

/* Sums over the table, which is not empty; a group is large from `least` rows on. */
static struct lw_draft_levels levels_sum(const struct level_table *t, double least) {
    struct lw_draft_levels out = {0};
    double n = 0, sum = 0, squares = 0, within = 0, large = 0;
    for (size_t i = 0; i <= t->mask; i++) {
        const struct target_level *l = &t->level[i];
        if (l->n <= 0)
            continue;
        out.n++;
        n += l->n;
        sum += l->sum;
        squares += l->squares;
        within += l->squares - l->sum * l->sum / l->n;
        large += l->n >= least ? l->n : 0;
    }
    double total = squares - sum * sum / n, k = (double)out.n;
    out.in_large = large / n;
    if (total > 0 && n > k + 1)
        out.effect = fmax(0, 1 - within / (n - k) / (total / (n - 1)));
    return out;
}

static double mean_of(const double *v, size_t n) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            sum += v[i], count++;
    return count > 0 ? sum / count : 0;
}

struct lw_draft_levels lw__draft_levels_of(const struct lw_draft *d,
                                           const uint64_t *key) {
    const double *target = d->target;
    size_t n = d->sample->rows;
    struct level_table t = {.mask = 63};
    struct lw_draft_levels out = {0};
    double mean = mean_of(target, n), known = 0;
    while (t.mask < 2 * n)
        t.mask = 2 * t.mask + 1;
    t.level = lw_calloc(t.mask + 1, sizeof *t.level);
    for (size_t i = 0; i < n; i++) {
        double y = target[i] - mean;
        if (!isfinite(y))
            continue;
        struct target_level *l = level_find(&t, key[i]);
        l->n++;
        l->sum += y;
        l->squares += y * y;
        known++;
    }
    if (known > 0)
        out =
            levels_sum(&t, fmax(2, LARGE_GROUP * (double)n / (double)d->sample->events));
    free(t.level);
    return out;
}

uint64_t *lw__draft_keys(const struct lw_draft *d, size_t column) {
    uint64_t *key = lw_calloc(d->sample->rows + 1, sizeof *key);
    for (size_t i = 0; i < d->sample->rows; i++)
        key[i] = lw_draft_sample_row(d->sample, i)[column].key;
    return key;
}

uint64_t *lw__draft_tenths(const struct lw_draft *d, size_t column) {
    uint64_t *key = lw_calloc(d->sample->rows + 1, sizeof *key);
    size_t n;
    double edge[TENTHS], *sorted = lw__draft_sorted(d, column, &n);
    for (int i = 1; i < TENTHS; i++)
        edge[i] = lw__draft_quantile(sorted, n, (double)i / TENTHS);
    for (size_t i = 0; i < d->sample->rows; i++) {
        double v = lw__draft_value(d, column, i);
        for (int j = 1; j < TENTHS && isfinite(v); j++)
            key[i] += v >= edge[j];
        key[i] = isfinite(v) ? key[i] : UINT64_MAX;
    }
    free(sorted);
    return key;
}

uint64_t *lw__draft_calendar(const struct lw_draft *d, size_t column,
                             enum lw_draft_part part) {
    uint64_t *key = lw_calloc(d->sample->rows + 1, sizeof *key);
    for (size_t i = 0; i < d->sample->rows; i++) {
        double ms = lw__draft_value(d, column, i);
        if (!isfinite(ms) || fabs(ms) > 4e15) {
            key[i] = UINT64_MAX;
            continue;
        }
        struct lw_civil c = lw_civil((int64_t)ms);
        int value = part == LW_DRAFT_HOUR      ? c.hour
                    : part == LW_DRAFT_WEEKDAY ? c.weekday
                                               : 24 * c.weekday + c.hour;
        key[i] = (uint64_t)value;
    }
    return key;
}

/* The middle 99.8 % of the values of v where both are finite. */
static void middle_of(const double *v, const double *other, size_t n, double out[2]) {
    struct lw_kll *kll = lw_kll_new(2048, 0);
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]) && isfinite(other[i]))
            lw_kll_update(kll, v[i]);
    struct lw_kll_view *view = lw_kll_view_new(kll);
    out[0] = lw_kll_view_quantile(view, 0.001);
    out[1] = lw_kll_view_quantile(view, 0.999);
    lw_kll_view_free(view);
    lw_kll_free(kll);
}

static double limited(double v, const double range[2]) {
    return v < range[0] ? range[0] : v > range[1] ? range[1] : v;
}

double lw__draft_correlation(const double *a, const double *b, size_t n) {
    double n2 = 0, ma = 0, mb = 0, saa = 0, sbb = 0, sab = 0, ra[2], rb[2];
    middle_of(a, b, n, ra);
    middle_of(b, a, n, rb);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            continue;
        double x = limited(a[i], ra) - ma, y = limited(b[i], rb) - mb;
        n2++;
        ma += x / n2;
        mb += y / n2;
        double left = limited(b[i], rb) - mb;
        saa += x * (limited(a[i], ra) - ma);
        sbb += y * left;
        sab += x * left;
    }
    return n2 >= PAIRS_MIN && saa > 0 && sbb > 0 ? sab / sqrt(saa * sbb) : 0;
}
