/* See robust.h. */
#include "model/robust.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sort.h"

static const double bend = 1.35, normal = 1.4826; /* MAD of N(0, 1) x this is 1 */
static const double at_rest = 1e-4;               /* of sigma, root mean square */
static const int scale_steps = 8;

void lw_robust_init(struct lw_robust *r, size_t n) {
    *r = (struct lw_robust){.n = n};
    r->y = lw_calloc(n + 1, sizeof *r->y);
    r->w = lw_calloc(n + 1, sizeof *r->w);
    r->part = lw_calloc(n + 1, sizeof *r->part);
    r->fitted = lw_calloc(n + 1, sizeof *r->fitted);
    r->before = lw_calloc(n + 1, sizeof *r->before);
}

void lw_robust_fini(struct lw_robust *r) {
    free(r->y);
    free(r->w);
    free(r->part);
    free(r->fitted);
    free(r->before);
    *r = (struct lw_robust){0};
}

double lw_robust_weight(const struct lw_robust *r) {
    double sum = 0;
    for (size_t i = 0; i < r->n; i++)
        sum += r->w[i];
    return sum;
}

static double median_of(double *v, size_t n) {
    lw_sort_f64(v, n);
    return n ? v[n / 2] : 0;
}

/* Median distance of y from `fitted`, scaled to the standard deviation of a normal
 * error. */
static double robust_spread(const struct lw_robust *r) {
    double *d = lw_malloc((r->n + 1) * sizeof *d);
    for (size_t i = 0; i < r->n; i++)
        d[i] = fabs(r->y[i] - r->fitted[i]);
    double m = median_of(d, r->n);
    free(d);
    return normal * m;
}

static void set_parts(struct lw_robust *r) {
    double k = bend * r->sigma;
    for (size_t i = 0; i < r->n; i++) {
        double e = fabs(r->y[i] - r->fitted[i]);
        r->part[i] = e > k && k > 0 ? k / e : 1;
    }
}

void lw_robust_start(struct lw_robust *r) {
    double *y = lw_malloc((r->n + 1) * sizeof *y);
    memcpy(y, r->y, r->n * sizeof *y);
    double middle = median_of(y, r->n);
    free(y);
    for (size_t i = 0; i < r->n; i++)
        r->fitted[i] = middle;
    r->sigma = robust_spread(r);
    set_parts(r);
    memcpy(r->before, r->fitted, r->n * sizeof *r->before);
}

/* One step of the fixed-point iteration; there is no fixed point if more than half of
 * the rows are far out. */
static double robust_rescale(const struct lw_robust *r, double sigma) {
    double near = 0, all = 0, far = 0;
    for (size_t i = 0; i < r->n; i++) {
        double e = r->y[i] - r->fitted[i];
        all += r->w[i];
        if (fabs(e) > bend * sigma)
            far += r->w[i];
        else
            near += r->w[i] * e * e;
    }
    double rest = all - bend * bend * far;
    return rest > 0.05 * all && near > 0 ? sqrt(near / rest) : 0;
}

int lw_robust_step(struct lw_robust *r) {
    double moved = 0, all = 0, sigma = r->sigma;
    for (int i = 0; i < scale_steps && sigma > 0; i++)
        sigma = robust_rescale(r, sigma);
    if (!(sigma > 0))
        sigma = robust_spread(r);
    for (size_t i = 0; i < r->n; i++) {
        double d = r->fitted[i] - r->before[i];
        moved += r->w[i] * d * d;
        all += r->w[i];
    }
    double change = fabs(sigma - r->sigma);
    r->sigma = sigma;
    set_parts(r);
    memcpy(r->before, r->fitted, r->n * sizeof *r->before);
    return moved <= at_rest * at_rest * sigma * sigma * all && change <= at_rest * sigma;
}
