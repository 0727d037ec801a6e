/* Helpers of the tests of models: the golden rows and fits, and a builder of plans, rows
 * and specs over five fields: t (timestamp), a, b (integer categories), s (text
 * category), x, z (numbers). */
#ifndef LW_TESTS_UNIT_MODEL_MODEL_TEST_H
#define LW_TESTS_UNIT_MODEL_MODEL_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "model/fit.h"

#define assert_near(got, want, tolerance)                                                \
    lw_assert_near(got, want, tolerance, #got, __FILE__, __LINE__)
static inline void lw_assert_near(double got, double want, double tolerance,
                                  const char *what, const char *file, int line) {
    if (!(fabs(got - want) <= tolerance)) {
        print_error("%s is %.17g, not %.17g\n", what, got, want);
        _fail(file, line);
    }
}

#define GOLDEN_AS_OF (30 * LW_DAY)

enum { T, A, B, S, X, Z, NFIELDS };

static inline void lw_test_fields(struct lw_fields *f) {
    static const struct {
        const char *name;
        enum lw_kind kind;
    } list[] = {{"t", LW_TIMESTAMP}, {"a", LW_CATEGORY}, {"b", LW_CATEGORY},
                {"s", LW_CATEGORY},  {"x", LW_NUMERIC},  {"z", LW_NUMERIC}};
    *f = (struct lw_fields){0};
    for (size_t i = 0; i < NFIELDS; i++)
        lw_fields_add(f, list[i].name, list[i].kind, false, NULL);
}

struct sample {
    struct lw_cell cell[NFIELDS];
    struct lw_row row;
};

static inline void lw_sample(struct sample *s, int64_t time, int64_t a, int64_t b,
                             double x, double z, double y) {
    for (int i = 0; i < NFIELDS; i++)
        s->cell[i] = lw_cell_missing();
    s->cell[T] = lw_cell_int(time);
    s->cell[A] = lw_cell_int(a);
    s->cell[B] = lw_cell_int(b);
    s->cell[X] = lw_cell_num(x);
    s->cell[Z] = lw_cell_num(z);
    s->row = (struct lw_row){.cells = s->cell, .time_ms = time, .target = y};
}

/* A plan, its rows and a spec that takes every term added. */
struct bench {
    struct lw_fields fields;
    struct lw_plan *plan;
    struct lw_dataset *ds;
    struct lw_fit_spec spec;
};

static inline void lw_bench_init(struct bench *t, enum lw_fit_kind kind, double alpha) {
    *t = (struct bench){0};
    lw_test_fields(&t->fields);
    t->plan = lw_plan_new(&t->fields, NULL);
    t->spec.kind = kind;
    t->spec.alpha = alpha;
    t->spec.l1_ratio = 1;
    t->spec.intercept = true;
    t->spec.clip_lo = -INFINITY;
    t->spec.clip_hi = INFINITY;
    lw_copy(t->spec.name, sizeof t->spec.name, "test");
}

static inline void lw_bench_fini(struct bench *t) {
    lw_dataset_free(t->ds);
    lw_plan_free(t->plan);
}

static inline void lw_bench_rare(struct bench *t, const char *text, double penalty,
                                 uint32_t min_count) {
    struct lw_err err = {0};
    int at = lw_plan_term(t->plan, text, penalty, min_count, &err);
    if (at < 0)
        fail_msg("%s", err.msg);
    t->spec.terms[t->spec.nterms++] = at;
}

static inline void lw_bench_term(struct bench *t, const char *text, double penalty) {
    lw_bench_rare(t, text, penalty, 0);
}

static inline void lw_bench_row(struct bench *t, const struct sample *s) {
    if (!t->ds)
        t->ds = lw_dataset_new(t->plan);
    lw_dataset_add(t->ds, &s->row);
}

static inline struct lw_model *lw_bench_fit(struct bench *t, int64_t as_of,
                                            struct lw_fit_report *report) {
    struct lw_err err = {0};
    struct lw_model *m = lw_fit(&(struct lw_fit_rows){.ds = t->ds,
                                                      .end = lw_dataset_rows(t->ds),
                                                      .as_of_ms = as_of},
                                &t->spec, report, &err);
    if (!m)
        fail_msg("%s", err.msg);
    return m;
}

static inline double lw_bench_rmse(const struct bench *t, const struct lw_model *m) {
    size_t n = lw_dataset_rows(t->ds);
    double *p = lw_calloc(n, sizeof *p), sum = 0;
    lw_model_predict_rows(m, t->ds, 0, n, p);
    for (size_t i = 0; i < n; i++)
        sum += pow(p[i] - lw_dataset_target(t->ds, i), 2);
    free(p);
    return sqrt(sum / (double)n);
}

/* A few hundred rows of every kind: texts, missing values, zeros, rare categories. */
static inline void lw_bench_random(struct bench *t, uint64_t seed, int n) {
    static const char *const words[] = {"", "east", "west", "\xC3\xBCst", "north pole"};
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (int i = 0; i < n; i++) {
        struct sample s;
        int64_t a = (int64_t)lw_rng_below(&rng, 9) - 2,
                b = (int64_t)lw_rng_below(&rng, 6);
        int64_t time = (int64_t)lw_rng_below(&rng, 60 * (uint64_t)LW_DAY);
        double x = lw_rng_below(&rng, 8) ? lw_rng_unit(&rng) * 20 : 0;
        double z = lw_rng_normal(&rng);
        const char *word = words[lw_rng_below(&rng, 5)];
        double y = 10 + (double)a + 0.5 * (double)b + x + z * 2 + (double)strlen(word) +
                   lw_rng_normal(&rng);
        lw_sample(&s, time, a * a * a, b, x, z, y);
        s.cell[S] = lw_cell_text(word, strlen(word));
        if (lw_rng_below(&rng, 11) == 0)
            s.cell[lw_rng_below(&rng, NFIELDS)] = lw_cell_missing();
        lw_bench_row(t, &s);
    }
}

/* --- the golden file ------------------------------------------------------------------
 */

struct golden {
    char *text, *at;
};

static inline char *lw_golden_line(struct golden *g) {
    char *line = g->at, *end = strchr(line, '\n');
    if (!end)
        return NULL;
    *end = 0;
    g->at = end + 1;
    return line;
}

static inline void lw_golden_file(struct golden *g, const char *path) {
    struct lw_err err = {0};
    size_t len;
    g->at = g->text = lw_read_file(path, 1 << 20, &len, &err);
    if (!g->text)
        fail_msg("%s", err.msg);
}

static inline void lw_golden_open(struct golden *g) {
    lw_golden_file(g, LW_SOURCE_DIR "/tests/data/model/golden.txt");
}

static inline size_t lw_golden_rows(struct golden *g, struct sample **out) {
    size_t n = strtoul(lw_golden_line(g) + 5, NULL, 10);
    *out = lw_calloc(n, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        char *p = lw_golden_line(g);
        int64_t time = strtoll(p, &p, 10), a = strtoll(p, &p, 10), b = strtoll(p, &p, 10);
        double x = strtod(p, &p), z = strtod(p, &p), y = strtod(p, &p);
        lw_sample(&(*out)[i], time, a, b, x, z, y);
    }
    return n;
}

struct golden_fit {
    char name[40];
    struct bench bench;
    double intercept, rmse;
    size_t ncoef;
    char *coefs; /* the lines */
};

static inline enum lw_fit_kind lw_golden_kind(const char *name) {
    for (int k = LW_FIT_OLS; k < LW_FIT_TREES; k++)
        if (strcmp(lw_fit_kind_name((enum lw_fit_kind)k), name) == 0)
            return (enum lw_fit_kind)k;
    fail_msg("unknown kind %s", name);
    return LW_FIT_OLS;
}

/* Reads the next fit with its rows; false at the end. */
static inline bool lw_golden_next(struct golden *g, const struct sample *rows, size_t n,
                                  struct golden_fit *out) {
    char kind[20], *line = lw_golden_line(g);
    double alpha, ratio;
    long long half_life;
    int intercept, nterms;
    if (!line)
        return false;
    assert_int_equal(sscanf(line, "fit %39s %19s %lf %lf %lld %d %d", out->name, kind,
                            &alpha, &ratio, &half_life, &intercept, &nterms),
                     7);
    lw_bench_init(&out->bench, lw_golden_kind(kind), alpha);
    out->bench.spec.l1_ratio = ratio;
    out->bench.spec.half_life_ms = half_life;
    out->bench.spec.intercept = intercept;
    for (int i = 0; i < nterms; i++) {
        char *text;
        double penalty = strtod(lw_golden_line(g) + 5, &text);
        lw_bench_term(&out->bench, text + 1, penalty);
    }
    assert_int_equal(sscanf(lw_golden_line(g), "intercept %lf rmse %lf coefficients %zu",
                            &out->intercept, &out->rmse, &out->ncoef),
                     3);
    for (size_t i = 0; i < n; i++)
        lw_bench_row(&out->bench, &rows[i]);
    out->coefs = g->at;
    return true;
}

/* "value level term" with "-" for no level and "/" between crossed parts. */
static inline double lw_golden_coef(struct golden *g, const struct lw_model *m,
                                    double *want) {
    char level[64], *p = lw_golden_line(g);
    *want = strtod(p, &p);
    size_t n = strcspn(++p, " ");
    memcpy(level, p, n);
    level[n] = 0;
    for (char *c = level; *c; c++)
        *c = *c == '/' ? '\x1f' : *c;
    return lw_model_coefficient(m, p + n + 1, strcmp(level, "-") ? level : "");
}

#endif
