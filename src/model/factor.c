/* See factor.h. S stores its lower triangle by rows, which LAPACK reads as the upper
 * triangle by columns. The dense columns of C are subtracted by BLAS over batches of
 * levels; the few other columns of a level are subtracted one by one. */
#include "model/factor.h"

#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/mem.h"

#define BATCH 128

void lw_factor_init(struct lw_factor *f, const struct lw_stats *s) {
    size_t nr = s->layout->nr;
    *f = (struct lw_factor){.s = s, .n = (int)nr};
    f->f = lw_malloc((nr * nr + 1) * sizeof *f->f);
    f->scale = lw_calloc(nr + 1, sizeof *f->scale);
    f->pr = lw_calloc(nr + 1, sizeof *f->pr);
    f->inverse = lw_calloc(s->layout->ne + 1, sizeof *f->inverse);
    f->col = lw_malloc((nr + 1) * sizeof *f->col);
    f->val = lw_malloc((nr + 1) * sizeof *f->val);
}

void lw_factor_fini(struct lw_factor *f) {
    free(f->f);
    free(f->scale);
    free(f->pr);
    free(f->inverse);
    free(f->pivot);
    free(f->col);
    free(f->val);
}

static void subtract_dense(struct lw_factor *f) {
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

static void subtract_extras(struct lw_factor *f) {
    const struct lw_layout *l = f->s->layout;
    size_t nr = l->nr, stride = lw_stats_stride(l);
    for (uint32_t e = 0; e < l->ne; e++) {
        const double *c = f->s->c + e * stride;
        if (f->inverse[e] == 0)
            continue;
        size_t n = lw_stats_extras(f->s, e, f->col, f->val);
        for (size_t i = 0; i < n; i++) {
            double v = f->val[i] * f->inverse[e], *row = f->f + f->col[i] * nr;
            for (size_t j = 0; j < l->ndense; j++)
                row[j] -= v * c[j];
            for (size_t j = 0; j < n; j++)
                if (f->col[j] <= f->col[i])
                    row[f->col[j]] -= v * f->val[j];
        }
    }
}

static void factor_build(struct lw_factor *f, const bool *keep) {
    size_t n = (size_t)f->n;
    memcpy(f->f, f->s->a, n * n * sizeof *f->f);
    for (size_t i = 0; i < n; i++) {
        double a = f->f[i * n + i] += f->pr[i];
        f->scale[i] = a > 0 && (!keep || keep[i]) ? 1 / sqrt(a) : 0;
    }
    subtract_dense(f);
    if (f->s->layout->nfixed || f->s->layout->nsparse)
        subtract_extras(f);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            f->f[i * n + j] *= f->scale[i] * f->scale[j];
}

bool lw_factor_cholesky(struct lw_factor *f, const bool *keep) {
    size_t n = (size_t)f->n;
    factor_build(f, keep);
    for (size_t i = 0; i < n; i++)
        if (f->scale[i] == 0)
            f->f[i * n + i] = 1;
    free(f->pivot);
    f->pivot = NULL;
    f->rank = f->n;
    return n == 0 || LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', f->n, f->f, f->n) == 0;
}

void lw_factor_pivoted(struct lw_factor *f, double tolerance) {
    lapack_int rank = 0;
    factor_build(f, NULL);
    free(f->pivot);
    f->pivot = lw_calloc((size_t)f->n + 1, sizeof *f->pivot);
    if (f->n)
        LAPACKE_dpstrf(LAPACK_COL_MAJOR, 'U', f->n, f->f, f->n, f->pivot, &rank,
                       tolerance);
    f->rank = rank;
}

static void solve_rest(const struct lw_factor *f, double *r) {
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

void lw_factor_solve(struct lw_factor *f, double *r_rest, double *r_eliminated) {
    const struct lw_layout *l = f->s->layout;
    size_t stride = lw_stats_stride(l);
    for (uint32_t e = 0; e < l->ne; e++) {
        const double *c = f->s->c + e * stride;
        double v = f->inverse[e] * r_eliminated[e];
        if (v == 0)
            continue;
        for (size_t j = 0; j < l->ndense; j++)
            r_rest[j] -= v * c[j];
        size_t n = lw_stats_extras(f->s, e, f->col, f->val);
        for (size_t i = 0; i < n; i++)
            r_rest[f->col[i]] -= v * f->val[i];
    }
    if (f->n)
        solve_rest(f, r_rest);
    for (uint32_t e = 0; e < l->ne; e++) {
        const double *c = f->s->c + e * stride;
        double sum = r_eliminated[e];
        for (size_t j = 0; j < l->ndense; j++)
            sum -= c[j] * r_rest[j];
        size_t n = lw_stats_extras(f->s, e, f->col, f->val);
        for (size_t i = 0; i < n; i++)
            sum -= f->val[i] * r_rest[f->col[i]];
        r_eliminated[e] = f->inverse[e] * sum;
    }
}
