/* Lasso and elastic net on the Gram matrix.
 *
 * Minimises, times the sum of weights n,
 *     RSS / 2 + sum_j l_j |w_j| + sum_j m_j w_j^2 / 2,
 *     l = n alpha l1 p,   m = n alpha (1 - l1) p.
 * Coordinate descent with covariance updates (Friedman, Hastie, Tibshirani
 * 2010): the gradients of the rest columns are kept up to date; those of the eliminated
 * block, thousands of them with a short row of C each, are computed when they are
 * needed. The intercept is always at its optimum: centring removes it, a rank-one update
 * that two scalars describe.
 *
 * A decreasing path of penalties gives warm starts. Between rounds of sweeps, a Newton
 * step over the non-zero coordinates with fixed signs (on the matrix that ridge
 * factorises, restricted to them) solves what coordinate descent is slow at: one-hot
 * blocks that nearly sum to one another. The step goes only as far as the objective
 * decreases.
 *
 * Stops when the last sweep and the last Newton step each gained less than 1e-12 of the
 * sum of squares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/mem.h"
#include "base/sort.h"
#include "model/factor.h"
#include "model/solve.h"

static const int sweeps_a_round = 12, rounds_max = 200, path_sweeps = 4;
static const double path_ratio = 0.2, precision = 1e-12;

struct descent {
    const struct lw_stats *s;
    const struct lw_layout *l;
    struct lw_solution *x; /* with an intercept, wr[0] stays 0 until the end */
    double *full;          /* A, both triangles */
    double *gr;            /* (G w) of the rest columns */
    double *pr, pe;        /* penalties of terms, without alpha */
    double w0;             /* the intercept */
    double l1, l2;         /* n alpha x (ratio, 1 - ratio) */
    uint32_t *col;
    double *val;
    double gain; /* what the coordinates of the last sweep could still gain */
};

static double column_sum(const struct descent *d, uint32_t rest) {
    return d->l->intercept ? d->full[rest] : 0;
}

static double level_sum(const struct descent *d, const double *c) {
    return d->l->intercept ? c[0] : 0;
}

static double soft_threshold(double z, double limit) {
    return z > limit ? z - limit : z < -limit ? z + limit : 0;
}

/* The new value of a coordinate with gradient g = b - G w at w, and what moving there
 * gains. */
static double coordinate_step(struct descent *d, double w, double g, double curvature,
                              double p) {
    double a = curvature + d->l2 * p;
    if (!(a > 1e-12))
        return w;
    double to = soft_threshold(g + curvature * w, d->l1 * p) / a;
    d->gain += 0.5 * a * (to - w) * (to - w);
    return to;
}

static void sweep_rest(struct descent *d) {
    const struct lw_layout *l = d->l;
    double n = d->s->sw;
    for (uint32_t j = l->intercept; j < l->nr; j++) {
        const double *a = d->full + (size_t)j * l->nr;
        double sum = column_sum(d, j), w = d->x->wr[j];
        double g = d->s->br[j] - d->gr[j] - sum * d->w0;
        double delta = coordinate_step(d, w, g, a[j] - sum * sum / n, d->pr[j]) - w;
        if (delta == 0)
            continue;
        d->x->wr[j] += delta;
        d->w0 -= delta * sum / n;
        for (uint32_t k = 0; k < l->nr; k++)
            d->gr[k] += delta * a[k];
    }
}

static void sweep_eliminated(struct descent *d) {
    const struct lw_layout *l = d->l;
    double n = d->s->sw;
    size_t stride = lw_stats_stride(l);
    for (uint32_t e = 0; e < l->ne; e++) {
        const double *c = d->s->c + e * stride;
        double sum = level_sum(d, c), w = d->x->we[e], diag = d->s->d[e];
        double g = d->s->be[e] - diag * w - sum * d->w0;
        for (uint32_t k = 0; k < l->ndense; k++)
            g -= c[k] * d->x->wr[k];
        size_t extras = lw_stats_extras(d->s, e, d->col, d->val);
        for (size_t i = 0; i < extras; i++)
            g -= d->val[i] * d->x->wr[d->col[i]];
        double delta = coordinate_step(d, w, g, diag - sum * sum / n, d->pe) - w;
        if (delta == 0)
            continue;
        d->x->we[e] += delta;
        d->w0 -= delta * sum / n;
        for (uint32_t k = 0; k < l->ndense; k++)
            d->gr[k] += delta * c[k];
        for (size_t i = 0; i < extras; i++)
            d->gr[d->col[i]] += delta * d->val[i];
    }
}

static void descent_sweep(struct descent *d) {
    d->gain = 0;
    sweep_rest(d);
    sweep_eliminated(d);
    d->x->sweeps++;
}

/* --- the Newton step ------------------------------------------------------------- */

struct point {
    double *wr, *we, *gr, *ge; /* with the intercept in wr[0]; G w */
};

static struct point point_new(const struct lw_layout *l) {
    struct point p = {
        lw_calloc(l->nr + 1, sizeof(double)), lw_calloc(l->ne + 1, sizeof(double)),
        lw_calloc(l->nr + 1, sizeof(double)), lw_calloc(l->ne + 1, sizeof(double))};
    return p;
}

static void point_free(struct point *p) {
    free(p->wr);
    free(p->we);
    free(p->gr);
    free(p->ge);
}

static void point_at(const struct descent *d, struct point *p) {
    memcpy(p->wr, d->x->wr, d->l->nr * sizeof *p->wr);
    memcpy(p->we, d->x->we, d->l->ne * sizeof *p->we);
    if (d->l->intercept)
        p->wr[0] = d->w0;
}

/* Moves the intercept to its optimum for the other coefficients, which the sweeps
 * assume: a step that stops coordinates at 0 leaves the intercept elsewhere. */
static void descent_recentre(const struct descent *d, struct point *p) {
    size_t stride = lw_stats_stride(d->l);
    if (!d->l->intercept)
        return;
    double delta = (d->s->br[0] - p->gr[0]) / d->s->sw;
    p->wr[0] += delta;
    for (uint32_t j = 0; j < d->l->nr; j++)
        p->gr[j] += delta * d->full[j];
    for (uint32_t e = 0; e < d->l->ne; e++)
        p->ge[e] += delta * d->s->c[e * stride];
}

/* Fills G w, updates the intercept and returns the objective. */
static double descent_evaluate(const struct descent *d, struct point *p) {
    lw_stats_multiply(d->s, p->wr, p->we, p->gr, p->ge);
    descent_recentre(d, p);
    double f = lw_stats_rss(d->s, p->wr, p->we, p->gr, p->ge) / 2;
    for (uint32_t j = d->l->intercept; j < d->l->nr; j++)
        f += d->pr[j] * (d->l1 * fabs(p->wr[j]) + d->l2 / 2 * p->wr[j] * p->wr[j]);
    for (uint32_t e = 0; e < d->l->ne; e++)
        f += d->pe * (d->l1 * fabs(p->we[e]) + d->l2 / 2 * p->we[e] * p->we[e]);
    return f;
}

static double sign_of(double v) {
    return v > 0 ? 1 : v < 0 ? -1 : 0;
}

static double penalised_slope(const struct descent *d, double b, double g, double w,
                              double p) {
    return b - g - p * (d->l1 * sign_of(w) + d->l2 * w);
}

/* The direction from p, in rr and re. A small term on the diagonal makes the matrix
 * positive definite, which guarantees descent even if active columns depend on each
 * other. */
static bool newton_direction(const struct descent *d, const struct point *p, double *rr,
                             double *re) {
    const struct lw_stats *s = d->s;
    struct lw_factor f;
    bool *keep = lw_calloc(d->l->nr + 1, sizeof *keep);
    lw_factor_init(&f, s);
    for (uint32_t j = 0; j < d->l->nr; j++) {
        bool free_column = (j == 0 && d->l->intercept) || d->pr[j] == 0;
        keep[j] = free_column || p->wr[j] != 0;
        f.pr[j] = d->l2 * d->pr[j] + 1e-9 * s->a[(size_t)j * d->l->nr + j];
        rr[j] = keep[j] ? penalised_slope(d, s->br[j], p->gr[j], p->wr[j], d->pr[j]) : 0;
    }
    for (uint32_t e = 0; e < d->l->ne; e++) {
        bool active = p->we[e] != 0 || d->pe == 0;
        double a = s->d[e] * (1 + 1e-9) + d->l2 * d->pe;
        f.inverse[e] = active && a > 0 ? 1 / a : 0;
        re[e] = active ? penalised_slope(d, s->be[e], p->ge[e], p->we[e], d->pe) : 0;
    }
    bool ok = lw_factor_cholesky(&f, keep);
    for (uint32_t j = 0; j < d->l->nr; j++)
        rr[j] = keep[j] ? rr[j] : 0;
    if (ok)
        lw_factor_solve(&f, rr, re);
    lw_factor_fini(&f);
    free(keep);
    return ok;
}

/* w + t delta, stopped at 0 where it would cross. */
static void coefficients_moved(const double *w, const double *delta, double t, size_t n,
                               size_t from, double *out) {
    for (size_t i = 0; i < n; i++) {
        out[i] = w[i] + t * delta[i];
        if (i >= from && w[i] != 0 && out[i] * w[i] <= 0)
            out[i] = 0;
    }
}

static void descent_take_point(struct descent *d, const struct point *p) {
    memcpy(d->x->wr, p->wr, d->l->nr * sizeof *p->wr);
    memcpy(d->x->we, p->we, d->l->ne * sizeof *p->we);
    if (!d->l->intercept) {
        memcpy(d->gr, p->gr, d->l->nr * sizeof *d->gr);
        return;
    }
    d->w0 = p->wr[0];
    d->x->wr[0] = 0;
    for (uint32_t j = 0; j < d->l->nr; j++) /* without the intercept's share */
        d->gr[j] = p->gr[j] - d->w0 * d->full[j];
}

static size_t zero_crossings(const double *w, const double *delta, size_t n,
                             double *out) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++)
        if (w[i] * delta[i] < 0 && -w[i] / delta[i] < 1)
            out[found++] = -w[i] / delta[i];
    return found;
}

struct move {
    struct point from, to;
    double *rr, *re; /* the direction */
    double before, after;
};

static bool objective_falls(const struct descent *d, struct move *m, double t) {
    coefficients_moved(m->from.wr, m->rr, t, d->l->nr, d->l->intercept, m->to.wr);
    coefficients_moved(m->from.we, m->re, t, d->l->ne, 0, m->to.we);
    m->after = descent_evaluate(d, &m->to);
    return m->after < m->before;
}

/* Dependent columns give long directions along which one coordinate after another
 * reaches 0. Up to the first zero the objective certainly decreases; then 2, 4, ...
 * coordinates may cross zero while it keeps decreasing. */
static bool move_shorten(const struct descent *d, struct move *m) {
    double *at = lw_malloc((d->l->nr + d->l->ne + 1) * sizeof *at);
    double best = m->before, best_t = 0;
    size_t n = zero_crossings(m->from.wr, m->rr, d->l->nr, at);
    n += zero_crossings(m->from.we, m->re, d->l->ne, at + n);
    lw_sort_f64(at, n);
    for (size_t k = 1; k <= n; k *= 2) {
        objective_falls(d, m, at[k - 1] * (1 + 1e-9));
        if (m->after >= best)
            break;
        best = m->after;
        best_t = at[k - 1] * (1 + 1e-9);
    }
    free(at);
    return best_t > 0 && objective_falls(d, m, best_t);
}

/* The relative decrease of the objective. */
static double newton_step(struct descent *d) {
    struct move m = {.from = point_new(d->l), .to = point_new(d->l)};
    double fell = 0;
    m.rr = lw_calloc(d->l->nr + 1, sizeof *m.rr);
    m.re = lw_calloc(d->l->ne + 1, sizeof *m.re);
    point_at(d, &m.from);
    m.before = descent_evaluate(d, &m.from);
    descent_take_point(d, &m.from); /* recompute the gradients: updates accumulate
                                     * rounding errors */
    if (newton_direction(d, &m.from, m.rr, m.re) &&
        (objective_falls(d, &m, 1) || move_shorten(d, &m))) {
        descent_take_point(d, &m.to);
        fell = (m.before - m.after) / m.before;
    }
    point_free(&m.from);
    point_free(&m.to);
    free(m.rr);
    free(m.re);
    return fell;
}

/* --- the path --------------------------------------------------------------------- */

/* The smallest alpha at which every penalised coefficient is 0 (before unpenalised ones
 * are fitted). */
static double alpha_max(const struct descent *d, double ratio) {
    double top = 0, n = d->s->sw;
    for (uint32_t j = d->l->intercept; j < d->l->nr; j++) {
        double g = fabs(d->s->br[j] - column_sum(d, j) * d->w0);
        if (d->pr[j] > 0 && g / d->pr[j] > top)
            top = g / d->pr[j];
    }
    for (uint32_t e = 0; e < d->l->ne; e++) {
        double g =
            d->s->be[e] - level_sum(d, d->s->c + e * lw_stats_stride(d->l)) * d->w0;
        if (d->pe > 0 && fabs(g) / d->pe > top)
            top = fabs(g) / d->pe;
    }
    return top / (n * ratio);
}

static void descent_symmetrise(struct descent *d) {
    size_t n = d->l->nr;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            d->full[i * n + j] = d->full[j * n + i] = d->s->a[i * n + j];
}

static void set_alpha(struct descent *d, double alpha, double ratio) {
    d->l1 = d->s->sw * alpha * ratio;
    d->l2 = d->s->sw * alpha * (1 - ratio);
}

static void descent_finish(struct descent *d) {
    for (int round = 0; round < rounds_max; round++) {
        for (int i = 0; i < sweeps_a_round; i++)
            descent_sweep(d);
        bool converged = d->gain <= precision * d->s->yy;
        double fell = newton_step(d);
        if (converged && fell <= precision)
            break;
    }
    descent_sweep(d);
}

void lw_solve_lasso(const struct lw_stats *s, const struct lw_model *m, double alpha,
                    double l1_ratio, struct lw_solution *x) {
    const struct lw_layout *l = s->layout;
    if (alpha == 0 || l1_ratio == 0) {
        lw_solve_ridge(s, m, s->sw * alpha, x);
        return;
    }
    struct descent d = {.s = s, .l = l, .x = x};
    d.full = lw_malloc(((size_t)l->nr * l->nr + 1) * sizeof *d.full);
    d.gr = lw_calloc(l->nr + 1, sizeof *d.gr);
    d.pr = lw_calloc(l->nr + 1, sizeof *d.pr);
    d.col = lw_malloc((l->nr + 1) * sizeof *d.col);
    d.val = lw_malloc((l->nr + 1) * sizeof *d.val);
    descent_symmetrise(&d);
    lw_solve_penalties(l, m, 1, d.pr, &d.pe);
    if (l->intercept)
        d.w0 = s->br[0] / s->sw;
    double a = alpha_max(&d, l1_ratio) * path_ratio;
    while (a > alpha) {
        set_alpha(&d, a, l1_ratio);
        for (int i = 0; i < path_sweeps; i++)
            descent_sweep(&d);
        a *= path_ratio;
    }
    set_alpha(&d, alpha, l1_ratio);
    descent_finish(&d);
    if (l->intercept)
        x->wr[0] = d.w0;
    free(d.full);
    free(d.gr);
    free(d.pr);
    free(d.col);
    free(d.val);
}
