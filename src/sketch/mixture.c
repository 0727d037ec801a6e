/* See mixture.h.
 *
 * A mixture has as many rows as its shares are certain: with weights w_p and r_p rows in
 * part p, a share has variance sum w_p^2 s_p (1 - s_p) / r_p, which is near s (1 - s) / R
 * with Kish's R = 1 / sum (w_p^2 / r_p). In the parts' own proportions that is the sum of
 * their rows.
 *
 * Quantiles. The parts' retained values, each with its weight, make one distribution.
 * The mixture's sketch holds its quantiles at the middles of m equal steps, all of one
 * level: a rank is off by at most half a step. Steps of one row are exact enough while
 * the parts hold every value; otherwise there are at least POINTS / 2 of them, and the
 * sketch reports as its k the one with the rank error of the mixture, sqrt(sum v_p^2
 * e_p^2), v_p the share of its values.
 *
 * Counts are rounded along the order of their keys: the running sum is rounded, not each
 * count, so that many small ones do not vanish together. */
#include "sketch/mixture.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "categories_impl.h"
#include "kll_impl.h"
#include "profile_impl.h"
#include "tail_impl.h"

#define POINTS 2048 /* at most, in a mixture's sketch */

/* What all columns of a mixture need. */
struct mixture {
    const struct lw_mixture_part *part;
    size_t n;
    double weight; /* of all parts */
    double rows;
};

static struct mixture mixture_begin(const struct lw_mixture_part *part, size_t n) {
    struct mixture m = {.part = part, .n = n};
    double noise = 0;
    for (size_t i = 0; i < n; i++) {
        m.weight += part[i].weight;
        noise += part[i].weight * part[i].weight / part[i].rows;
    }
    m.rows = fmax(1, floor(m.weight * m.weight / noise + .5));
    return m;
}

/* Rows of the mixture for each row of the part. */
static double mixture_scale(const struct mixture *m, size_t i) {
    uint64_t rows = lw_member_rows(m->part[i].member);
    return rows ? m->rows * (m->part[i].weight / m->weight) / (double)rows : 0;
}

/* ---- numbers ---- */

struct weighted_value {
    double value, weight;
};

struct weighted_values {
    struct weighted_value *at;
    size_t n;
    double weight;
};

static int compare_values(const void *a, const void *b) {
    double x = ((const struct weighted_value *)a)->value;
    double y = ((const struct weighted_value *)b)->value;
    return (x > y) - (x < y);
}

/* Adds the part's values; *square is the sum of the parts' squared rank errors, each by
 * the squared number of its values. */
static void kll_gather(const struct mixture *m, size_t i, struct weighted_values *out,
                       double *square) {
    const struct lw_kll *kll = m->part[i].member->num.kll;
    double scale = mixture_scale(m, i);
    for (uint32_t h = 0; h < kll->levels; h++) {
        const double *v = lw__kll_level(kll, h);
        for (uint32_t k = 0; k < lw__kll_size(kll, h); k++) {
            double weight = scale * (double)(UINT64_C(1) << h);
            out->at[out->n++] = (struct weighted_value){v[k], weight};
            out->weight += weight;
        }
    }
    if (lw_kll_retained(kll) < lw_kll_n(kll)) {
        double error = lw_kll_rank_error(kll, 1) * scale * (double)lw_kll_n(kll);
        *square += error * error;
    }
}

/* The k whose rank error (lw_kll_rank_error) is this; see kll.c for the constants. */
static uint16_t k_of_error(double error, uint16_t most) {
    double k = pow(2.446 / error, 1 / 0.9433);
    return (uint16_t)fmin(fmax(k, LW_KLL_K_MIN), most);
}

/* Fills the empty sketch with m quantiles at the level `height`. */
static void kll_fill(struct lw_kll *out, const struct weighted_values *values, uint32_t m,
                     uint32_t height) {
    while (out->levels < height + 1)
        lw__kll_add_level(out);
    lw__kll_reserve(out, m);
    double passed = 0, step = values->weight / m;
    for (size_t i = 0, k = 0; i < m; i++) {
        while (k + 1 < values->n &&
               passed + values->at[k].weight < ((double)i + .5) * step)
            passed += values->at[k++].weight;
        out->items[i] = values->at[k].value;
    }
    for (uint32_t h = 0; h <= height; h++)
        out->end[h] = m;
    out->n = (uint64_t)m << height;
}

/* Returns the number of values that the sketch stands for, near `wanted`. */
static uint64_t kll_mix(struct lw_kll *out, const struct mixture *m, double wanted) {
    struct weighted_values values = {0};
    size_t room = 1;
    double square = 0;
    for (size_t i = 0; i < m->n; i++)
        room += lw_kll_retained(m->part[i].member->num.kll);
    values.at = lw_malloc(room * sizeof *values.at);
    for (size_t i = 0; i < m->n; i++) {
        const struct lw_kll *kll = m->part[i].member->num.kll;
        kll_gather(m, i, &values, &square);
        out->min = fmin(out->min, kll->min);
        out->max = fmax(out->max, kll->max);
    }
    qsort(values.at, values.n, sizeof *values.at, compare_values);
    uint32_t height = square > 0;
    while (wanted / (double)(UINT64_C(1) << height) > POINTS)
        height++;
    double points = floor(wanted / (double)(UINT64_C(1) << height) + .5);
    if (values.n > 0 && values.weight > 0)
        kll_fill(out, &values, (uint32_t)fmax(points, 1), height);
    if (square > 0 && values.weight > 0)
        out->min_k = k_of_error(sqrt(square) / values.weight, UINT16_MAX);
    free(values.at);
    return out->n;
}

struct weighted_code {
    int32_t code;
    double weight;
};

struct weighted_codes {
    struct weighted_code *at;
    size_t n, cap;
    double scale, weight;
};

static int code_gather(void *arg, int32_t code, uint64_t count) {
    struct weighted_codes *c = arg;
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 256;
        c->at = lw_realloc(c->at, c->cap, sizeof *c->at);
    }
    double weight = c->scale * (double)count;
    c->at[c->n++] = (struct weighted_code){code, weight};
    c->weight += weight;
    return 0;
}

static int compare_codes(const void *a, const void *b) {
    int32_t x = ((const struct weighted_code *)a)->code;
    int32_t y = ((const struct weighted_code *)b)->code;
    return (x > y) - (x < y);
}

/* The next count of a running sum that ends at `total`. */
static uint64_t count_next(double sum, double whole, uint64_t total, uint64_t *given) {
    uint64_t until = (uint64_t)floor(fmin(sum / whole, 1) * (double)total + .5);
    uint64_t count = until > *given ? until - *given : 0;
    *given += count;
    return count;
}

static void tail_mix(struct lw_tail *out, const struct mixture *m, uint64_t total) {
    struct weighted_codes c = {0};
    for (size_t i = 0; i < m->n; i++) {
        const struct lw_tail *tail = m->part[i].member->num.tail;
        c.scale = mixture_scale(m, i);
        if (tail)
            lw__tail_each(tail, code_gather, &c);
    }
    if (c.n > 0)
        qsort(c.at, c.n, sizeof *c.at, compare_codes);
    uint64_t given = 0;
    double sum = 0;
    for (size_t i = 0; i < c.n && c.weight > 0; i++) {
        sum += c.at[i].weight;
        uint64_t count =
            count_next(i + 1 == c.n ? c.weight : sum, c.weight, total, &given);
        if (count > 0)
            lw__tail_add_code(out, c.at[i].code, count);
    }
    free(c.at);
}

/* Mean and variance of the mixture; those between the parts count too. */
static struct lw_moments moments_mix(const struct mixture *m, uint64_t n) {
    struct lw_moments out = {.n = n};
    double weight = 0, m2 = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct lw_moments *one = &m->part[i].member->num.moments;
        double w = mixture_scale(m, i) * (double)one->n;
        if (w <= 0)
            continue;
        double before = weight, d = one->mean - out.mean;
        weight += w;
        out.mean += d * (w / weight);
        m2 += one->m2 * (w / (double)one->n) + d * d * (before * (w / weight));
        out.min = before > 0 ? fmin(out.min, one->min) : one->min;
        out.max = before > 0 ? fmax(out.max, one->max) : one->max;
    }
    out.m2 = weight > 0 ? m2 / weight * (double)n : 0;
    return out;
}

static void numeric_mix(struct lw_numeric *out, const struct mixture *m) {
    double missing = 0, out_of_range = 0, held = 0;
    for (size_t i = 0; i < m->n; i++) {
        const struct lw_numeric *num = &m->part[i].member->num;
        double scale = mixture_scale(m, i);
        missing += scale * (double)num->missing;
        out_of_range += scale * (double)num->out_of_range;
        held += scale * (double)lw_kll_n(num->kll);
    }
    uint64_t n = kll_mix(out->kll, m, held);
    out->missing = (uint64_t)(missing + .5);
    out->out_of_range = (uint64_t)(out_of_range + .5);
    out->n = n + out->out_of_range;
    out->moments = moments_mix(m, n);
    tail_mix(out->tail, m, n);
}

/* ---- categories ---- */

struct weighted_cat {
    struct lw_cat cat;
    double weight;
};

struct weighted_cats {
    struct weighted_cat *at;
    size_t n;
    double scale;
};

static void cat_gather(void *arg, const struct lw_cat *cat) {
    struct weighted_cats *c = arg;
    c->at[c->n++] = (struct weighted_cat){*cat, c->scale * (double)cat->count};
}

static int compare_cats(const void *a, const void *b) {
    uint64_t x = ((const struct weighted_cat *)a)->cat.key;
    uint64_t y = ((const struct weighted_cat *)b)->cat.key;
    return (x > y) - (x < y);
}

/* Adds the gathered counts, which are in order of key. */
static void cats_fill(struct lw_cats *out, const struct weighted_cats *c) {
    uint64_t given = 0;
    double sum = 0;
    for (size_t i = 0, j; i < c->n; i = j) {
        for (j = i; j < c->n && c->at[j].cat.key == c->at[i].cat.key; j++)
            sum += c->at[j].weight;
        uint64_t until = (uint64_t)(sum + .5);
        const struct lw_cat *cat = &c->at[i].cat;
        if (until > given)
            lw__cats_bump(out, cat->key, cat->text, cat->len, until - given);
        given = until;
    }
}

static void cats_mix(struct lw_cats *out, const struct mixture *m) {
    struct weighted_cats c = {0};
    double present = 0, missing = 0, error = 0;
    size_t room = 1;
    for (size_t i = 0; i < m->n; i++)
        room += lw_cats_size(m->part[i].member->cats);
    c.at = lw_malloc(room * sizeof *c.at);
    for (size_t i = 0; i < m->n; i++) {
        const struct lw_cats *cats = m->part[i].member->cats;
        c.scale = mixture_scale(m, i);
        present += c.scale * (double)cats->n;
        missing += c.scale * (double)cats->missing;
        error += c.scale * (double)cats->error;
        out->depth = out->depth > cats->depth ? out->depth : cats->depth;
        lw__cats_each(cats, cat_gather, &c);
    }
    qsort(c.at, c.n, sizeof *c.at, compare_cats);
    cats_fill(out, &c);
    free(c.at);
    uint64_t counted = out->n; /* at most `present`, which counts dropped values too */
    out->n = (uint64_t)(present + .5);
    out->n = out->n > counted ? out->n : counted;
    out->missing = (uint64_t)(missing + .5);
    out->error = (uint64_t)ceil(error);
}

void lw_mixture_of(struct lw_member *out, const struct lw_column *column,
                   const struct lw_mixture_part *part, size_t n) {
    struct mixture m = mixture_begin(part, n);
    struct lw_column plain = *column;
    plain.distinct = false;
    lw__profile_member_init(out, &plain, 0);
    if (column->kind == LW_NUMERIC)
        numeric_mix(&out->num, &m);
    else
        cats_mix(out->cats, &m);
}
