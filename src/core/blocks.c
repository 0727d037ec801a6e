/* See blocks.h. */
#include "core/blocks.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "drift/special.h"

/* A change of level that explains this share of the squares is no spread; of fewer blocks,
 * chance explains as much. */
#define EXPLAINED    0.7
#define CHANGE_MIN_N 10
#define DRAWS        2000
#define DRAWS_MIN    20   /* beyond the quantile, or it is bounded instead */
#define DEPENDENT    1e-9 /* of a row's length: less is rounding */
#define SEED         16

struct block_level {
    double n, mean, squares; /* blocks with a mean; squares around it */
};

static struct block_level level_of(const struct lw_block_part *part) {
    struct block_level out = {0};
    for (size_t i = 0; i < part->n; i++) {
        double d = part->mean[i] - out.mean;
        if (!isfinite(d))
            continue;
        out.n++;
        out.mean += d / out.n;
        out.squares += d * (part->mean[i] - out.mean);
    }
    return out;
}

/* Where the part changes its level for good, or 0: two levels explain most of it. The
 * squares around two levels are those around one, less n1 n2 / n times the square of the
 * distance of the levels. */
static size_t lasting_change(const struct lw_block_part *part) {
    struct block_level whole = level_of(part), one = {0};
    double most = EXPLAINED * whole.squares;
    size_t at = 0;
    for (size_t i = 0; i + 1 < part->n && whole.n >= CHANGE_MIN_N; i++) {
        double d = part->mean[i] - one.mean;
        if (isfinite(d))
            one.mean += d / ++one.n;
        double rest = whole.n - one.n;
        if (!(one.n > 0) || !(rest > 0))
            continue;
        double apart = (whole.mean - one.mean) * whole.n / rest;
        double explained = one.n * rest / whole.n * apart * apart;
        if (explained > most) {
            most = explained;
            at = i + 1;
        }
    }
    return at;
}

/* Sum of squares over spans; `expected` is what independent blocks of variance 1 would
 * give, times the span. */
struct span_sums {
    double squares, expected, df;
};

static void level_add(const struct lw_block_part *part, size_t span,
                      struct span_sums *out) {
    struct block_level level = level_of(part);
    double s = (double)span;
    if (level.n <= s)
        return;
    for (size_t i = 0; i + span <= part->n; i++) {
        double sum = 0;
        for (size_t k = 0; k < span; k++)
            sum += part->mean[i + k] - level.mean;
        if (!isfinite(sum))
            continue;
        out->squares += sum * sum / (s * s);
        out->expected += 1 - s / level.n;
    }
    /* of overlapping sums of independent blocks: Lo and MacKinlay, 1988 */
    out->df += (level.n - s) * 3 * s / (2 * s * s + 1);
}

static void part_add(const struct lw_block_part *part, size_t span,
                     struct span_sums *out) {
    size_t at = lasting_change(part);
    const struct lw_block_part one = {part->mean, at};
    const struct lw_block_part other = {part->mean + at, part->n - at};
    level_add(&one, span, out);
    level_add(&other, span, out);
}

struct lw_block_spread lw_blocks_spread(const struct lw_block_part *part, size_t nparts,
                                        size_t span) {
    struct span_sums sums = {0};
    for (size_t i = 0; i < nparts; i++)
        part_add(&part[i], span, &sums);
    if (!(sums.expected > 0))
        return (struct lw_block_spread){0};
    return (struct lw_block_spread){sums.squares / sums.expected, sums.df};
}

/* Rows without a mean and of length 1; a row without spread is dropped. Returns how many
 * are left. */
static size_t standardise(const double *difference, size_t k, size_t n, double *unit) {
    size_t kept = 0;
    for (size_t j = 0; j < k; j++) {
        const double *d = &difference[j * n];
        double *u = &unit[kept * n], mean = 0, squares = 0;
        for (size_t i = 0; i < n; i++)
            mean += d[i] / (double)n;
        for (size_t i = 0; i < n; i++) {
            u[i] = d[i] - mean;
            squares += u[i] * u[i];
        }
        if (!(squares > 0) || !isfinite(squares))
            continue;
        for (size_t i = 0; i < n; i++)
            u[i] /= sqrt(squares);
        kept++;
    }
    return kept;
}

/* The lower triangle L with L L' = the products of the k rows with each other. A row that
 * depends on those before it has no part of its own. */
static void factor_products(const double *unit, size_t k, size_t n, double *lower) {
    for (size_t j = 0; j < k; j++)
        for (size_t i = 0; i <= j; i++) {
            double sum = 0;
            for (size_t h = 0; h < n; h++)
                sum += unit[j * n + h] * unit[i * n + h];
            for (size_t h = 0; h < i; h++)
                sum -= lower[j * k + h] * lower[i * k + h];
            double own = lower[i * k + i];
            lower[j * k + i] = i == j    ? sqrt(sum > DEPENDENT ? sum : 0)
                               : own > 0 ? sum / own
                                         : 0;
        }
}

static void draw_best(const double *lower, size_t k, double *best) {
    struct lw_rng rng;
    double *g = lw_malloc(k * sizeof *g);
    lw_rng_seed(&rng, SEED);
    for (size_t draw = 0; draw < DRAWS; draw++) {
        best[draw] = -INFINITY;
        for (size_t j = 0; j < k; j++) {
            double sum = 0;
            g[j] = lw_rng_normal(&rng);
            for (size_t i = 0; i <= j; i++)
                sum += lower[j * k + i] * g[i];
            best[draw] = fmax(best[draw], sum);
        }
    }
    free(g);
}

double lw_blocks_best_z(const double *difference, size_t k, size_t n, double z) {
    double alpha = lw_special_normal_two_sided(z) / 2, best[DRAWS];
    alpha = z < 0 ? 1 - alpha : alpha;
    if (k < 2 || n < 2 || !(DRAWS * (1 - alpha) >= DRAWS_MIN))
        return z;
    double *unit = lw_malloc(k * n * sizeof *unit);
    size_t kept = standardise(difference, k, n, unit);
    double out = z;
    if (kept >= 2 && DRAWS * alpha < DRAWS_MIN) { /* Bonferroni */
        double share = alpha / (double)kept;
        out = share > 0 ? -lw_special_normal_quantile(share) : z;
    } else if (kept >= 2) {
        double *lower = lw_calloc(kept * kept, sizeof *lower);
        factor_products(unit, kept, n, lower);
        draw_best(lower, kept, best);
        free(lower);
        lw_sort_f64(best, DRAWS);
        out = fmax(z, best[(size_t)ceil(DRAWS * (1 - alpha)) - 1]);
    }
    free(unit);
    return out;
}

double lw_blocks_largest_z(uint32_t n, double z) {
    double above = lw_special_normal_two_sided(z) / 2;
    above = z < 0 ? 1 - above : above;
    double one = -expm1(log1p(-above) / (double)n);
    return n > 1 && one > 0 && one < 1 ? fmax(z, -lw_special_normal_quantile(one)) : z;
}
