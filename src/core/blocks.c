/* See blocks.h. */
#include "core/blocks.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/sort.h"
#include "drift/special.h"

/* Fewer pairs have no median worth the name. */
#define PAIRS_MIN 8
/* Of normal values: the median of |x| in standard deviations, and the degrees of freedom
 * that a pair adds to an estimate from the median of pairs that share their members
 * (measured by test_core_blocks). */
#define MEDIAN_OF_NORMAL 0.674490
#define DF_OF_PAIR       0.45
#define DRAWS            2000
#define DRAWS_MIN        20   /* beyond the quantile, or it is bounded instead */
#define DEPENDENT        1e-9 /* of a row's length: less is rounding */
#define SEED             16

static double median_of(double *v, size_t n) {
    lw_sort_f64(v, n);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

struct lw_block_spread lw_blocks_spread(const double *mean, size_t n, size_t period) {
    struct lw_block_spread out = {0};
    size_t lag = period > 1 && n >= 4 * period ? period : 1, pairs = 0;
    double *apart = lw_malloc((n + 1) * sizeof *apart), squares = 0;
    for (size_t i = lag; i < n; i++) {
        double d = fabs(mean[i] - mean[i - lag]);
        if (!isfinite(d))
            continue;
        apart[pairs++] = d;
        squares += d * d;
    }
    if (pairs >= PAIRS_MIN) {
        double d = median_of(apart, pairs) / MEDIAN_OF_NORMAL;
        out = (struct lw_block_spread){d * d / 2, DF_OF_PAIR * (double)pairs};
    } else if (pairs > 0) { /* von Neumann, 1941 */
        double k = (double)pairs;
        out = (struct lw_block_spread){squares / (2 * k), 2 * k * k / (3 * k - 1)};
    }
    free(apart);
    return out;
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
