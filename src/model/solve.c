/* Ridge and least squares, exactly, from the statistics.
 *
 * Ridge: one factorisation, then two steps of iterative refinement against the
 * statistics, which restore the accuracy that the factorisation lost.
 *
 * Least squares on one-hot columns has no unique answer (the levels of a block sum to
 * the intercept). The solution of least norm, the limit of ridge as alpha goes to 0, is
 * used, because it treats unseen levels as ridge does. Iterated Tikhonov regularisation
 * computes it without loss of accuracy:
 *     w := w + (G + e)^-1 (b - G w),
 * which converges to a least-squares solution for any e > 0 and never leaves the space
 * where the minimum norm lies when it starts at 0. The number of dependent columns comes
 * from a pivoted factorisation, which is also the fallback if e is lost in rounding: it
 * leaves dependent columns out, with the same residual. */
#include "model/solve.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/factor.h"

static const double tolerance = 1e-11; /* of a dependent column: rounding is 1e-16 n */
static const int refinements = 3, tikhonov_steps = 12;

void lw_solve_init(struct lw_solution *x, const struct lw_layout *l) {
    *x = (struct lw_solution){0};
    x->wr = lw_calloc(l->nr + 1, sizeof *x->wr);
    x->we = lw_calloc(l->ne + 1, sizeof *x->we);
}

void lw_solve_fini(struct lw_solution *x) {
    free(x->wr);
    free(x->we);
    *x = (struct lw_solution){0};
}

void lw_solve_penalties(const struct lw_layout *l, const struct lw_model *m,
                        double factor, double *pr, double *pe) {
    if (l->intercept)
        pr[0] = 0;
    for (int k = 0; k < l->nrest; k++) {
        int t = l->rest[k];
        double p = factor * lw_plan_term_at(m->plan, (size_t)t)->penalty;
        for (uint32_t j = 0; j < l->width[t]; j++)
            pr[l->at[t] + j] = p;
    }
    *pe =
        l->e_term < 0 ? 0 : factor * lw_plan_term_at(m->plan, (size_t)l->e_term)->penalty;
}

static void factor_invert(struct lw_factor *f, double pe) {
    for (uint32_t e = 0; e < f->s->layout->ne; e++) {
        double d = f->s->d[e] + pe;
        f->inverse[e] = d > 0 ? 1 / d : 0;
    }
}

/* w += F^-1 (b - (G + P) w), `steps` times. */
static void solution_refine(struct lw_factor *f, const double *pr, double pe, int steps,
                            struct lw_solution *x) {
    const struct lw_stats *s = f->s;
    const struct lw_layout *l = s->layout;
    double *rr = lw_calloc(l->nr + 1, sizeof *rr), *re = lw_calloc(l->ne + 1, sizeof *re);
    for (int step = 0; step < steps; step++) {
        lw_stats_multiply(s, x->wr, x->we, rr, re);
        for (uint32_t i = 0; i < l->nr; i++)
            rr[i] = s->br[i] - rr[i] - (pr ? pr[i] * x->wr[i] : 0);
        for (uint32_t e = 0; e < l->ne; e++)
            re[e] = s->be[e] - re[e] - pe * x->we[e];
        lw_factor_solve(f, rr, re);
        for (uint32_t i = 0; i < l->nr; i++)
            x->wr[i] += rr[i];
        for (uint32_t e = 0; e < l->ne; e++)
            x->we[e] += re[e];
    }
    free(rr);
    free(re);
}

static uint32_t count_dropped(const struct lw_factor *f) {
    uint32_t dropped = (uint32_t)(f->n - f->rank);
    for (uint32_t e = 0; e < f->s->layout->ne; e++)
        dropped += f->inverse[e] == 0;
    return dropped;
}

static double solution_rss(const struct lw_stats *s, const struct lw_solution *x) {
    double *gr = lw_calloc(s->layout->nr + 1, sizeof *gr);
    double *ge = lw_calloc(s->layout->ne + 1, sizeof *ge);
    lw_stats_multiply(s, x->wr, x->we, gr, ge);
    double sum = lw_stats_rss(s, x->wr, x->we, gr, ge);
    free(gr);
    free(ge);
    return sum;
}

static bool solve_tikhonov(struct lw_factor *f, struct lw_solution *x) {
    const struct lw_stats *s = f->s;
    const struct lw_layout *l = s->layout;
    double e = 1e-5 * s->sw / (double)(l->nr + l->ne + 1);
    for (uint32_t i = l->intercept; i < l->nr; i++) {
        double own = 1e-12 * s->a[(size_t)i * l->nr + i];
        f->pr[i] = own > e ? own : e;
    }
    factor_invert(f, e);
    if (!lw_factor_cholesky(f, NULL))
        return false;
    solution_refine(f, NULL, 0, tikhonov_steps, x);
    return true;
}

static void solve_ols(struct lw_factor *f, struct lw_solution *x) {
    struct lw_solution exact, limit;
    lw_solve_init(&exact, f->s->layout);
    lw_solve_init(&limit, f->s->layout);
    factor_invert(f, 0);
    lw_factor_pivoted(f, tolerance);
    solution_refine(f, NULL, 0, refinements, &exact);
    x->dropped = count_dropped(f);
    bool better =
        x->dropped && solve_tikhonov(f, &limit) &&
        solution_rss(f->s, &limit) <= solution_rss(f->s, &exact) + 1e-9 * f->s->yy;
    const struct lw_solution *best = better ? &limit : &exact;
    memcpy(x->wr, best->wr, f->s->layout->nr * sizeof *x->wr);
    memcpy(x->we, best->we, f->s->layout->ne * sizeof *x->we);
    lw_solve_fini(&exact);
    lw_solve_fini(&limit);
}

void lw_solve_ridge(const struct lw_stats *s, const struct lw_model *m, double alpha,
                    struct lw_solution *x) {
    struct lw_factor f;
    double pe;
    lw_factor_init(&f, s);
    lw_solve_penalties(s->layout, m, alpha, f.pr, &pe);
    if (alpha == 0) {
        solve_ols(&f, x);
    } else {
        factor_invert(&f, pe);
        if (!lw_factor_cholesky(&f, NULL))
            lw_factor_pivoted(&f, tolerance);
        solution_refine(&f, f.pr, pe, refinements, x);
        x->dropped = count_dropped(&f);
    }
    lw_factor_fini(&f);
}
