/* Profiles in memory: one member per column.
 *
 * Each member's sketch has its own seed, derived from the profile's seed and the column's
 * index, so that two columns draw different random numbers. */
#include "leeway/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "categories_impl.h"
#include "kll_impl.h"
#include "profile_impl.h"
#include "tail_impl.h"

uint64_t lw__profile_member_seed(const struct lw_profile *p, size_t column) {
    return lw_mix64(p->seed + column);
}

static uint16_t k_of(const struct lw_column *column) {
    return column->k == 0 ? LW_KLL_K_DEFAULT : column->k;
}

void lw__profile_member_init(struct lw_member *m, const struct lw_column *column,
                             uint64_t seed) {
    lw_assert(column->kind == LW_NUMERIC || column->kind == LW_CATEGORY);
    *m = (struct lw_member){.kind = column->kind};
    if (column->kind == LW_NUMERIC) {
        m->num.kll = lw_kll_new(k_of(column), seed);
        m->num.tail = lw_tail_new();
    } else {
        m->cats = lw_cats_new(column->cap);
        m->hll = column->distinct ? lw_hll_new() : NULL;
    }
}

void lw__profile_member_fini(struct lw_member *m) {
    lw_kll_free(m->num.kll);
    lw_tail_free(m->num.tail);
    lw_cats_free(m->cats);
    lw_hll_free(m->hll);
}

struct lw_profile *lw_profile_new(const struct lw_column *columns, size_t n,
                                  uint64_t seed) {
    struct lw_profile *p = lw_calloc(1, sizeof *p);
    p->n = n;
    p->columns = columns;
    p->members = lw_calloc(n + 1, sizeof *p->members);
    p->seed = seed;
    for (size_t i = 0; i < n; i++)
        lw__profile_member_init(&p->members[i], &columns[i],
                                lw__profile_member_seed(p, i));
    return p;
}

void lw_profile_free(struct lw_profile *p) {
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        lw__profile_member_fini(&p->members[i]);
    free(p->members);
    free(p->own);
    free(p);
}

/* A member read from bytes may have another k or cap than its column; the next reset
 * applies the column's. */
static int member_fits(const struct lw_member *m, const struct lw_column *column) {
    if (m->kind == LW_NUMERIC)
        return lw_kll_k(m->num.kll) == k_of(column);
    return lw_cats_cap(m->cats) == (column->cap == 0 ? LW_CATS_CAP_DEFAULT : column->cap);
}

static void member_reset(struct lw_member *m, uint64_t seed) {
    if (m->kind == LW_NUMERIC) {
        lw_kll_reset(m->num.kll, seed);
        lw_tail_reset(m->num.tail);
        m->num = (struct lw_numeric){.kll = m->num.kll, .tail = m->num.tail};
        return;
    }
    lw_cats_reset(m->cats);
    if (m->hll)
        lw_hll_reset(m->hll);
}

void lw_profile_reset(struct lw_profile *p, uint64_t seed) {
    p->seed = seed;
    for (size_t i = 0; i < p->n; i++) {
        struct lw_member *m = &p->members[i];
        uint64_t member_seed = lw__profile_member_seed(p, i);
        if (member_fits(m, &p->columns[i])) {
            member_reset(m, member_seed);
        } else {
            lw__profile_member_fini(m);
            lw__profile_member_init(m, &p->columns[i], member_seed);
        }
    }
}

struct lw_profile *lw_profile_clone(const struct lw_profile *p) {
    struct lw_profile *copy = lw_memdup(p, sizeof *p);
    copy->members = lw_calloc(p->n + 1, sizeof *copy->members);
    if (p->own)
        copy->columns = copy->own = lw_memdup(p->own, (p->n + 1) * sizeof *p->own);
    for (size_t i = 0; i < p->n; i++) {
        const struct lw_member *from = &p->members[i];
        struct lw_member *to = &copy->members[i];
        *to = *from;
        to->num.kll = from->num.kll ? lw_kll_clone(from->num.kll) : NULL;
        to->num.tail = from->num.tail ? lw_tail_clone(from->num.tail) : NULL;
        to->cats = from->cats ? lw_cats_clone(from->cats) : NULL;
        to->hll = from->hll ? lw_hll_clone(from->hll) : NULL;
    }
    return copy;
}

static inline void add_numeric(struct lw_numeric *num, const struct lw_column *column,
                               double v) {
    num->n++;
    if (v >= column->lo && v <= column->hi && lw_summable(v)) {
        lw_moments_add(&num->moments, v);
        lw__kll_push(num->kll, v);
        lw__tail_push(num->tail, v);
    } else {
        num->out_of_range++;
    }
}

void lw_profile_add_numeric(struct lw_profile *p, size_t column, double v) {
    struct lw_numeric *num = &p->members[column].num;
    lw_assert(column < p->n && p->members[column].kind == LW_NUMERIC);
    if (isnan(v))
        num->missing++;
    else
        add_numeric(num, &p->columns[column], v);
}

static inline void add_category(struct lw_member *m, const struct lw_cell *cell) {
    if (!cell->present || !lw__cats_hit(m->cats, cell->key))
        lw_cats_add(m->cats, cell);
    if (m->hll)
        lw_hll_add(m->hll, cell);
}

void lw_profile_add(struct lw_profile *p, const struct lw_cell *cells) {
    for (size_t i = 0; i < p->n; i++) {
        struct lw_member *m = &p->members[i];
        if (m->kind == LW_CATEGORY)
            add_category(m, &cells[i]);
        else if (cells[i].present)
            add_numeric(&m->num, &p->columns[i], cells[i].num);
        else
            m->num.missing++;
    }
}

void lw_profile_add_categories(struct lw_profile *p, const struct lw_cell *cells) {
    for (size_t i = 0; i < p->n; i++)
        if (p->members[i].kind == LW_CATEGORY)
            add_category(&p->members[i], &cells[i]);
}

/* Collects the values in range in `good`; returns their number. */
static size_t column_sift(struct lw_numeric *num, const struct lw_column *column,
                          const double *v, size_t n, double *good) {
    double lo = fmax(column->lo, -LW_SUMMABLE_MAX);
    double hi = fmin(column->hi, LW_SUMMABLE_MAX);
    size_t kept = 0, missing = 0;
    for (size_t i = 0; i < n; i++) {
        good[kept] = v[i];
        kept += (v[i] >= lo) & (v[i] <= hi);
        missing += v[i] != v[i];
    }
    num->n += n - missing;
    num->missing += missing;
    num->out_of_range += n - missing - kept;
    return kept;
}

/* Each summary processes the chunk in its own loop. The exception is the moments, where
 * each step waits for the one before: they share a loop with the buckets, which are
 * independent. */
static void add_chunk(struct lw_numeric *num, const double *v, size_t n) {
    struct lw_moments moments = num->moments;
    struct lw_tail *tail = num->tail;
    size_t counted = 0;
    lw_kll_update_many(num->kll, v, n);
    for (size_t i = 0; i < n; i++) {
        lw_moments_add(&moments, v[i]);
        counted += lw__tail_count(tail, v[i]);
    }
    tail->n += counted;
    num->moments = moments;
}

void lw_profile_add_numbers(struct lw_profile *p, size_t column, const double *v,
                            size_t n) {
    enum { CHUNK = 64 };
    double good[CHUNK];
    lw_assert(column < p->n && p->members[column].kind == LW_NUMERIC);
    struct lw_numeric *num = &p->members[column].num;
    for (size_t done = 0; done < n; done += CHUNK) {
        size_t take = n - done < CHUNK ? n - done : CHUNK;
        size_t kept = column_sift(num, &p->columns[column], v + done, take, good);
        lw_assert(kept <= take);
        add_chunk(num, good, kept);
    }
}

static void member_merge(struct lw_member *m, const struct lw_member *other) {
    if (m->kind == LW_CATEGORY) {
        lw_cats_merge(m->cats, other->cats);
        if (m->hll && other->hll)
            lw_hll_merge(m->hll, other->hll);
        return;
    }
    m->num.n += other->num.n;
    m->num.missing += other->num.missing;
    m->num.out_of_range += other->num.out_of_range;
    lw_moments_merge(&m->num.moments, &other->num.moments);
    lw_kll_merge(m->num.kll, other->num.kll);
    lw_tail_merge(m->num.tail, other->num.tail);
}

void lw_profile_merge(struct lw_profile *p, const struct lw_profile *other) {
    lw_assert(p != other && p->n == other->n);
    for (size_t i = 0; i < p->n; i++) {
        lw_assert(p->members[i].kind == other->members[i].kind);
        lw_assert(p->columns == other->columns ||
                  strcmp(p->columns[i].name, other->columns[i].name) == 0);
        member_merge(&p->members[i], &other->members[i]);
    }
}

int lw_profile_find(const struct lw_profile *p, const char *column) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->columns[i].name, column) == 0)
            return (int)i;
    return -1;
}

/* The point with the same relative distance from both ends, if they have the same
 * sign. */
static double middle_of(double lo, double hi) {
    return lo * hi > 0 ? lo * (2 / (1 + lo / hi)) : (lo + hi) / 2;
}

uint64_t lw_member_missing(const struct lw_member *m) {
    return m->kind == LW_NUMERIC ? m->num.missing : lw_cats_missing(m->cats);
}

uint64_t lw_member_rows(const struct lw_member *m) {
    return lw_member_missing(m) + (m->kind == LW_NUMERIC ? m->num.n : lw_cats_n(m->cats));
}

double lw_numeric_quantile(const struct lw_numeric *num, double rank) {
    const struct lw_moments *m = &num->moments;
    if (m->n == 0)
        return NAN;
    if (!(rank > 0) || rank >= 1)
        return rank >= 1 ? m->max : m->min;
    bool exact = lw_kll_retained(num->kll) == lw_kll_n(num->kll);
    double error = exact ? 0 : lw_kll_rank_error(num->kll, 0), lo, hi;
    struct lw_kll_view *view = lw_kll_view_new(num->kll);
    double from = lw_kll_view_quantile(view, rank - error);
    double to = lw_kll_view_quantile(view, rank + error);
    lw_kll_view_free(view);
    if (exact)
        return from;
    lw_tail_bounds(num->tail, rank, &lo, &hi);
    lo = fmax(lo, m->min);
    hi = fmin(hi, m->max);
    return middle_of(fmin(fmax(from, lo), hi), fmin(fmax(to, lo), hi));
}
