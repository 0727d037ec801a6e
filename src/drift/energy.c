/* Energy distance of two one-dimensional distributions (Szekely and Rizzo 2004): D =
 * sqrt(2 integral (F - G)^2 dx), in units of the reference's standard deviation, so that
 * the column's unit does not matter. Compared with Wasserstein-1, it gives more weight to
 * a large difference of shares than to a long distance.
 *
 * p is an upper bound for any distribution. Without a change, F - G is a Gaussian process
 * with covariance K(x, y) = a F(x) (1 - F(y)) for x <= y, a = 1/n + 1/m, plus that of the
 * sketches, which is taken as independent from one value to the next. The integral I of
 * (F - G)^2 is then sum l_i Z_i^2, with l_i the eigenvalues of K, mean m = integral K(x,
 * x) and h^2 = sum l_i^2 = double integral K^2. As no l_i exceeds h, I exceeds m + 2 h
 * (sqrt(t) + t) with probability at most exp(-t) (Laurent and Massart 2000). */
#include <math.h>

#include "drift/statistic.h"
#include "drift/stats.h"
#include "drift/walk.h"

lw_statistic_fn lw_statistic_energy;

/* The reference's standard deviation, or that of both sides together if it is 0. */
static double energy_scale(const struct lw_numeric *ref, const struct lw_numeric *cur) {
    struct lw_moments both = ref->moments;
    double sd = lw_moments_sd(&ref->moments);
    lw_moments_merge(&both, &cur->moments);
    return sd > 0 ? sd : lw_moments_sd(&both);
}

/* Integrals from the lowest value on, in units of the scale. */
struct energy {
    double area;  /* of (F - G)^2 */
    double mean;  /* of K(x, x) */
    double h2;    /* of K(x, y)^2 */
    double below; /* of F^2 */
};

/* Adds a step over which F, G and the pooled share f are constant. */
static void energy_step(struct energy *e, double gap, double f, double a, double noise,
                        double step) {
    double own = a * f * (1 - f), from = a * (1 - f);
    e->area += gap * gap * step;
    e->mean += (own + noise) * step;
    e->h2 += 2 * from * from * e->below * step; /* with every earlier step */
    e->h2 += (own + noise) * (own + noise) * step * step;
    e->below += f * f * step;
}

static double energy_p(const struct energy *e) {
    double over = e->area - e->mean, h = sqrt(e->h2);
    if (!(over > 0 && h > 0 && isfinite(over / h)))
        return 1;
    double root = (sqrt(1 + 2 * over / h) - 1) / 2; /* of t */
    return exp(-root * root);
}

struct lw_statistic lw_statistic_energy(const struct lw_member *reference,
                                        const struct lw_member *current) {
    const struct lw_numeric *ref = &reference->num, *cur = &current->num;
    double scale = energy_scale(ref, cur);
    double noise =
        lw_cells_sketch_variance(ref->kll) + lw_cells_sketch_variance(cur->kll);
    struct lw_statistic out = {.known = true, .p = 1, .p_adjusted = 1};
    struct energy e = {0};
    struct lw_walk w;
    if (!(scale > 0 && isfinite(scale)))
        return (struct lw_statistic){.value = NAN, .p = 1, .p_adjusted = 1};
    lw_walk_init(&w, ref->kll, cur->kll);
    double a = 1 / w.total[0] + 1 / w.total[1];
    double share = w.total[0] / (w.total[0] + w.total[1]);
    lw_walk_next(&w);
    for (double last = w.value;;) {
        double gap = w.f[0] - w.f[1], f = share * w.f[0] + (1 - share) * w.f[1];
        if (!lw_walk_next(&w))
            break;
        energy_step(&e, gap, f, a, noise, (w.value - last) / scale);
        last = w.value;
    }
    lw_walk_fini(&w);
    out.value = sqrt(2 * e.area);
    out.p = energy_p(&e);
    return out;
}
