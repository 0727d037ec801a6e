/* The tail sketch: a histogram whose bucket boundaries grow by a constant ratio.
 *
 * A magnitude v = 2^e (1 + s), 0 <= s < 1, falls in bucket
 *
 *   1 + floor(M * (1022 + L(v))),   L(v) = e + 6/35 s^3 - 3/5 s^2 + 10/7 s
 *
 * L replaces log2 by the cubic of the implementations by Masson et al.: it joins smoothly
 * at powers of two and its slope in ln v is at least 10/7 (log2: 1.443), so buckets are
 * at most exp(7 / (10 M)) wide and their number is within 1 % of the minimum. Without a
 * logarithm it is faster, and a bucket does not depend on the libm. With M = 35.3525,
 * buckets are narrower than (1 + a) / (1 - a), a = .0099; 568 of them span one second to
 * one day.
 *
 * For each sign, the sketch keeps the LW_TAIL_BUCKETS_MAX buckets below the largest
 * magnitude; smaller magnitudes count in the smallest bucket kept. Which one that is
 * follows from the largest magnitude alone, so contents do not depend on the order of
 * arrival. */
#include "tail_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The lower end of a bucket: L inverted by bisection. */
static double edge_of(int32_t code) {
    double l = (code - 1) / LW_TAIL_SCALE, whole = floor(l);
    double lo = 0, hi = 1;
    for (int i = 0; i < 54; i++) {
        double mid = (lo + hi) / 2;
        if (lw__tail_cubic(mid) < l - whole)
            lo = mid;
        else
            hi = mid;
    }
    return ldexp(1 + hi, (int)whole - 1022);
}

struct lw_tail *lw_tail_new(void) {
    struct lw_tail *t = lw_calloc(1, sizeof *t);
    lw_tail_reset(t);
    return t;
}

void lw_tail_free(struct lw_tail *t) {
    if (!t)
        return;
    free(t->run[0].counts);
    free(t->run[1].counts);
    free(t);
}

static size_t tail_span(const struct lw__tail_run *run) {
    return run->hi < run->lo ? 0 : (size_t)(run->hi - run->lo) + 1;
}

void lw_tail_reset(struct lw_tail *t) {
    t->n = t->zeros = 0;
    for (int i = 0; i < 2; i++) {
        struct lw__tail_run *run = &t->run[i];
        if (tail_span(run) > 0 && run->counts)
            memset(run->counts + (run->lo - run->base), 0,
                   tail_span(run) * sizeof *run->counts);
        run->lo = INT32_MAX;
        run->hi = INT32_MIN;
    }
}

struct lw_tail *lw_tail_clone(const struct lw_tail *t) {
    struct lw_tail *copy = lw_memdup(t, sizeof *t);
    for (int i = 0; i < 2; i++) {
        struct lw__tail_run *run = &copy->run[i];
        if (run->counts)
            run->counts = lw_memdup(run->counts, (size_t)run->room * sizeof *run->counts);
    }
    return copy;
}

/* Makes room for lo .. hi, with some to spare on both sides. */
static void tail_grow(struct lw__tail_run *run, int32_t lo, int32_t hi) {
    int32_t margin = (hi - lo) / 4 + 16;
    struct lw__tail_run bigger = {.base = lo - margin, .room = hi - lo + 1 + 2 * margin};
    bigger.counts = lw_calloc((size_t)bigger.room, sizeof *bigger.counts);
    if (tail_span(run) > 0)
        memcpy(bigger.counts + (run->lo - bigger.base),
               run->counts + (run->lo - run->base), tail_span(run) * sizeof *run->counts);
    free(run->counts);
    run->counts = bigger.counts;
    run->base = bigger.base;
    run->room = bigger.room;
}

/* Moves all counts below the new smallest bucket into it. If the new largest magnitude is
 * so far above that no bucket is left, the (now zero) counters are placed around it. */
static void tail_collapse(struct lw__tail_run *run, int32_t least) {
    uint64_t sum = 0;
    for (int32_t code = run->lo; code < least && code <= run->hi; code++) {
        sum += run->counts[code - run->base];
        run->counts[code - run->base] = 0;
    }
    if (run->hi < least) {
        run->base = least - run->room / 2;
        run->hi = least;
    }
    run->lo = least;
    run->counts[least - run->base] += sum;
}

/* The slow path of an add: extends the run to include the code, which is raised to the
 * smallest one kept. */
static int32_t tail_widen(struct lw__tail_run *run, int32_t code) {
    if (tail_span(run) == 0) {
        if (run->room == 0)
            tail_grow(run, code, code);
        else if (code < run->base || code >= run->base + run->room)
            run->base = code - run->room / 2;
        run->lo = run->hi = code;
        return code;
    }
    int32_t hi = code > run->hi ? code : run->hi;
    int32_t least = hi - LW_TAIL_BUCKETS_MAX + 1;
    if (run->lo < least)
        tail_collapse(run, least);
    if (code < least)
        code = least;
    int32_t lo = code < run->lo ? code : run->lo;
    if (lo < run->base || hi >= run->base + run->room)
        tail_grow(run, lo, hi);
    run->lo = lo;
    run->hi = hi;
    return code;
}

static void run_add(struct lw__tail_run *run, int32_t code, uint64_t count) {
    if (code < run->lo || code > run->hi)
        code = tail_widen(run, code);
    run->counts[code - run->base] += count;
}

static void tail_pour(struct lw_tail *t, int32_t code, uint64_t count) {
    if (code == 0)
        t->zeros += count;
    else
        run_add(&t->run[code < 0], abs(code), count);
}

void lw__tail_add_code(struct lw_tail *t, int32_t code, uint64_t count) {
    uint64_t before = t->n;
    t->n += count;
    if (t->n <= LW_TAIL_PENDING) {
        for (uint64_t i = before; i < t->n; i++)
            t->pending[i] = code;
        return;
    }
    for (uint64_t i = 0; before <= LW_TAIL_PENDING && i < before; i++)
        tail_pour(t, t->pending[i], 1);
    tail_pour(t, code, count);
}

void lw_tail_add(struct lw_tail *t, double v) {
    lw_assert(v == v);
    lw__tail_push(t, v);
}

static int add_visited(void *arg, int32_t code, uint64_t count) {
    lw__tail_add_code(arg, code, count);
    return 0;
}

void lw_tail_merge(struct lw_tail *t, const struct lw_tail *other) {
    lw_assert(t != other);
    lw__tail_each(other, add_visited, t);
}

uint64_t lw_tail_n(const struct lw_tail *t) {
    return t->n;
}

static void each_pending(const struct lw_tail *t,
                         int (*visit)(void *arg, int32_t code, uint64_t count),
                         void *arg) {
    int32_t sorted[LW_TAIL_PENDING];
    uint32_t n = (uint32_t)t->n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > t->pending[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = t->pending[i];
    }
    for (uint32_t i = 0, j; i < n; i = j) {
        for (j = i + 1; j < n && sorted[j] == sorted[i];)
            j++;
        if (visit(arg, sorted[i], j - i))
            return;
    }
}

void lw__tail_each(const struct lw_tail *t,
                   int (*visit)(void *arg, int32_t code, uint64_t count), void *arg) {
    if (t->n <= LW_TAIL_PENDING) {
        each_pending(t, visit, arg);
        return;
    }
    const struct lw__tail_run *run = &t->run[1];
    for (int32_t code = run->hi; code >= run->lo; code--)
        if (run->counts[code - run->base] > 0 &&
            visit(arg, -code, run->counts[code - run->base]))
            return;
    if (t->zeros > 0 && visit(arg, 0, t->zeros))
        return;
    run = &t->run[0];
    for (int32_t code = run->lo; code <= run->hi; code++)
        if (run->counts[code - run->base] > 0 &&
            visit(arg, code, run->counts[code - run->base]))
            return;
}

struct tail_search {
    uint64_t wanted, passed;
    int32_t code;
};

static int tail_reached(void *arg, int32_t code, uint64_t count) {
    struct tail_search *search = arg;
    search->code = code;
    search->passed += count;
    return search->passed >= search->wanted;
}

static int32_t code_at(const struct lw_tail *t, double rank) {
    double wanted = ceil(rank * (double)t->n);
    struct tail_search search = {.wanted = wanted >= 1 ? (uint64_t)wanted : 1};
    if (search.wanted > t->n)
        search.wanted = t->n;
    lw__tail_each(t, tail_reached, &search);
    return search.code;
}

/* The smallest bucket may have taken in smaller magnitudes; if so it begins at zero. */
static double least_of(const struct lw_tail *t, int32_t code) {
    const struct lw__tail_run *run = &t->run[code < 0];
    int32_t magnitude = abs(code);
    int full = t->n > LW_TAIL_PENDING && run->hi - run->lo == LW_TAIL_BUCKETS_MAX - 1;
    return full && magnitude == run->lo ? 0 : edge_of(magnitude);
}

void lw_tail_bounds(const struct lw_tail *t, double rank, double *lo, double *hi) {
    *lo = *hi = NAN;
    if (t->n == 0)
        return;
    int32_t code = code_at(t, rank);
    if (code == 0) {
        *lo = *hi = 0;
        return;
    }
    double near = least_of(t, code);
    double far = fmin(edge_of(abs(code) + 1), 1.7976931348623157e308);
    *lo = code > 0 ? near : -far;
    *hi = code > 0 ? far : -near;
}

/* The harmonic mean of a bucket's ends has the same relative distance from both. */
double lw_tail_quantile(const struct lw_tail *t, double rank) {
    double lo, hi;
    lw_tail_bounds(t, rank, &lo, &hi);
    if (lo == 0 || hi == 0)
        return lo + hi; /* zero, or a bucket that begins at zero: return its far end */
    return lo * (2 / (1 + lo / hi));
}

struct tail_split {
    int32_t code;
    struct lw_tail_counts counts;
};

static int tail_sort(void *arg, int32_t code, uint64_t count) {
    struct tail_split *split = arg;
    split->counts.zeros += code == 0 ? count : 0;
    split->counts.above += code > split->code ? count : 0;
    split->counts.below += code < split->code ? count : 0;
    return 0;
}

struct lw_tail_counts lw_tail_counts(const struct lw_tail *t, double v) {
    struct tail_split split = {.code = lw__tail_code(v)};
    lw__tail_each(t, tail_sort, &split);
    return split.counts;
}
