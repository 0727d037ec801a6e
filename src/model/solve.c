/* Ridge and least squares, exactly.
 *
 * With D = d + alpha p_E diagonal, the normal equations lose the eliminated block at no
 * loss of accuracy:
 *     S = A + alpha P - C' D^-1 C,   S w_R = b_R - C' D^-1 b_E,
 *     w_E = D^-1 (b_E - C w_R).
 * S is scaled by the diagonal of A + alpha P (columns may differ by orders of magnitude)
 * and factorised by Cholesky. Where that fails, or nothing is penalised, by Cholesky with
 * diagonal pivoting: a pivot below the tolerance means that the column is a combination
 * of those before it, and it is left out with coefficient 0; the residual is the
 * least-squares minimum all the same. Two steps of refinement against the statistics
 * themselves take out what the factorisation lost.
 *
 * The tolerance is relative to the column's own square sum before elimination: what is
 * left of a dependent column is rounding, some 1e-16 times the number of additions. */
#include "model/solve.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "base/mem.h"

static const double tolerance = 1e-11;

void lw_solution_init(struct lw_solution *x, const struct lw_layout *l) {
    *x = (struct lw_solution){0};
    x->wr = lw_calloc(l->nr + 1, sizeof *x->wr);
    x->we = lw_calloc(l->ne + 1, sizeof *x->we);
}

void lw_solution_fini(struct lw_solution *x) {
    free(x->wr);
    free(x->we);
    *x = (struct lw_solution){0};
}

void lw_penalties(const struct lw_layout *l, const struct lw_model *m, double factor,
                  double *pr, double *pe) {
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

struct factor {
    const struct lw_stats *s;
    int n;
    double *f;         /* Cholesky factor of the scaled Schur complement */
    double *scale;     /* of a rest column */
    double *inverse;   /* 1 / D, 0 for an empty level */
    double *pr, pe;    /* alpha x penalty */
    lapack_int *pivot; /* NULL: no pivoting */
    lapack_int rank;
};

static void invert_diagonal(struct factor *f) {
    const struct lw_stats *s = f->s;
    for (uint32_t e = 0; e < s->layout->ne; e++) {
        double d = s->d[e] + f->pe;
        f->inverse[e] = d > 0 ? 1 / d : 0;
    }
}

#define BATCH 128

/* S -= sum over levels of dense x dense, by BLAS, a batch of levels at a time. */
static void subtract_dense(struct factor *f) {
    const struct lw_layout *l = f->s->layout;
    size_t k = l->ndense, stride = lw_stats_stride(l);
    if (k == 0)
        return;
    double *t = lw_malloc(BATCH * k * sizeof *t);
    for (uint32_t e = 0; e < l->ne; e += BATCH) {
        uint32_t n = l->ne - e < BATCH ? l->ne - e : BATCH;
        for (uint32_t i = 0; i < n; i++) {
            double root = sqrt(f->inverse[e + i]);
            const double *c = f->s->c + (e + i) * stride;
            for (size_t j = 0; j < k; j++)
                t[i * k + j] = root * c[j];
        }
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, (int)n, -1, t, (int)k,
                    1, f->f, f->n);
    }
    free(t);
}

static void subtract_extras(struct factor *f) {
    const struct lw_layout *l = f->s->layout;
    size_t nr = l->nr, stride = lw_stats_stride(l);
    uint32_t *col = lw_malloc((nr + 1) * sizeof *col);
    double *val = lw_malloc((nr + 1) * sizeof *val);
    for (uint32_t e = 0; e < l->ne; e++) {
        const double *c = f->s->c + e * stride;
        size_t n = lw_stats_extras(f->s, e, col, val);
        for (size_t i = 0; i < n; i++) {
            double v = val[i] * f->inverse[e];
            cblas_daxpy((int)l->ndense, -v, c, 1, f->f + col[i] * nr, 1);
            for (size_t j = 0; j < n; j++)
                if (col[j] <= col[i])
                    f->f[col[i] * nr + col[j]] -= v * val[j];
        }
    }
    free(col);
    free(val);
}

static void build_schur(struct factor *f) {
    size_t n = (size_t)f->n;
    memcpy(f->f, f->s->a, n * n * sizeof *f->f);
    for (size_t i = 0; i < n; i++) {
        double a = f->f[i * n + i] += f->pr[i];
        f->scale[i] = a > 0 ? 1 / sqrt(a) : 0;
    }
    subtract_dense(f);
    if (f->s->layout->nfixed || f->s->layout->nsparse)
        subtract_extras(f);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            f->f[i * n + j] *= f->scale[i] * f->scale[j];
}

/* Row-major lower is column-major upper. */
static void factorise(struct factor *f, bool pivoting) {
    f->rank = f->n;
    if (!pivoting && LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', f->n, f->f, f->n) == 0)
        return;
    if (!pivoting)
        build_schur(f);
    f->pivot = lw_calloc((size_t)f->n + 1, sizeof *f->pivot);
    LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'U', f->n, f->f, f->n, f->pivot, &f->rank,
                   tolerance);
}

static bool all_penalised(const struct factor *f) {
    uint32_t first = f->s->layout->intercept;
    for (uint32_t i = first; i < f->s->layout->nr; i++)
        if (f->pr[i] <= 0)
            return false;
    return f->pe > 0 || f->s->layout->ne == 0;
}

static void factor_init(struct factor *f, const struct lw_stats *s,
                        const struct lw_model *m, double alpha) {
    const struct lw_layout *l = s->layout;
    *f = (struct factor){.s = s, .n = (int)l->nr};
    f->f = lw_malloc(((size_t)l->nr * l->nr + 1) * sizeof *f->f);
    f->scale = lw_calloc(l->nr + 1, sizeof *f->scale);
    f->inverse = lw_calloc(l->ne + 1, sizeof *f->inverse);
    f->pr = lw_calloc(l->nr + 1, sizeof *f->pr);
    lw_penalties(l, m, alpha, f->pr, &f->pe);
    invert_diagonal(f);
    if (f->n == 0)
        return;
    build_schur(f);
    factorise(f, !all_penalised(f));
}

static void factor_fini(struct factor *f) {
    free(f->f);
    free(f->scale);
    free(f->inverse);
    free(f->pr);
    free(f->pivot);
}

/* x = S^-1 r for the rest columns, in place. */
static void solve_rest(const struct factor *f, double *r) {
    int n = f->n;
    double *v = lw_calloc((size_t)n + 1, sizeof *v);
    for (int i = 0; i < f->rank; i++) {
        int at = f->pivot ? f->pivot[i] - 1 : i;
        v[i] = r[at] * f->scale[at];
    }
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasTrans, CblasNonUnit, f->rank, f->f, n, v,
                1);
    cblas_dtrsv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, f->rank, f->f, n,
                v, 1);
    memset(r, 0, (size_t)n * sizeof *r);
    for (int i = 0; i < f->rank; i++) {
        int at = f->pivot ? f->pivot[i] - 1 : i;
        r[at] = v[i] * f->scale[at];
    }
    free(v);
}

/* out += v C[e, :], and the product C[e, :] w. */
struct cross_walk {
    uint32_t *col;
    double *val;
};

static void cross_add(const struct factor *f, struct cross_walk *walk, uint32_t e,
                      double v, double *out) {
    const struct lw_layout *l = f->s->layout;
    cblas_daxpy((int)l->ndense, v, f->s->c + e * lw_stats_stride(l), 1, out, 1);
    size_t n = lw_stats_extras(f->s, e, walk->col, walk->val);
    for (size_t i = 0; i < n; i++)
        out[walk->col[i]] += v * walk->val[i];
}

static double cross_dot(const struct factor *f, struct cross_walk *walk, uint32_t e,
                        const double *w) {
    const struct lw_layout *l = f->s->layout;
    double sum = cblas_ddot((int)l->ndense, f->s->c + e * lw_stats_stride(l), 1, w, 1);
    size_t n = lw_stats_extras(f->s, e, walk->col, walk->val);
    for (size_t i = 0; i < n; i++)
        sum += walk->val[i] * w[walk->col[i]];
    return sum;
}

/* Adds to the solution what solves (G + P) delta = (rr, re); rr and re are destroyed. */
static void correct(const struct factor *f, double *rr, double *re,
                    struct lw_solution *x) {
    const struct lw_layout *l = f->s->layout;
    struct cross_walk walk = {lw_malloc((l->nr + 1) * sizeof *walk.col),
                              lw_malloc((l->nr + 1) * sizeof *walk.val)};
    for (uint32_t e = 0; e < l->ne; e++)
        cross_add(f, &walk, e, -f->inverse[e] * re[e], rr);
    if (f->n)
        solve_rest(f, rr);
    for (uint32_t i = 0; i < l->nr; i++)
        x->wr[i] += rr[i];
    for (uint32_t e = 0; e < l->ne; e++)
        x->we[e] += f->inverse[e] * (re[e] - cross_dot(f, &walk, e, rr));
    free(walk.col);
    free(walk.val);
}

void lw_solve_ridge(const struct lw_stats *s, const struct lw_model *m, double alpha,
                    struct lw_solution *x) {
    const struct lw_layout *l = s->layout;
    struct factor f;
    double *rr = lw_calloc(l->nr + 1, sizeof *rr), *re = lw_calloc(l->ne + 1, sizeof *re);
    factor_init(&f, s, m, alpha);
    for (int step = 0; step < 3; step++) {
        lw_stats_multiply(s, x->wr, x->we, rr, re);
        for (uint32_t i = 0; i < l->nr; i++)
            rr[i] = s->br[i] - rr[i] - f.pr[i] * x->wr[i];
        for (uint32_t e = 0; e < l->ne; e++)
            re[e] = s->be[e] - re[e] - f.pe * x->we[e];
        correct(&f, rr, re, x);
    }
    x->dropped = (uint32_t)(f.n - f.rank);
    for (uint32_t e = 0; e < l->ne; e++)
        x->dropped += f.inverse[e] == 0;
    factor_fini(&f);
    free(rr);
    free(re);
}
