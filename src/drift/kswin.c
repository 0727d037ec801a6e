/* KSWIN: Kolmogorov-Smirnov windowing (Raab, Heusinger, Schleif 2020), upward side.
 *
 * Of the last 100 values, the newest 30 are tested against the 70 before them at every
 * update:
 *
 *     D+ = max(F_old - F_new), large if the new values are larger,
 *     p = exp(-2 D+^2 e), e = 70 * 30 / 100; alarm if p <= alpha
 *
 * (Smirnov's one-sided limit, here an upper bound).
 *
 * The paper draws 30 of the 70 at random; here all 70 are used, which has more power and
 * no randomness. Both parts are kept sorted, so an update moves two values in each and
 * walks both once. The tests at successive steps are many and strongly dependent: alpha
 * is not the probability of a false alarm in a run. */
#include <math.h>
#include <string.h>

#include "drift/detector.h"

enum { OLD = 70, NEW = 30, ALL = OLD + NEW };

struct kswin {
    double threshold; /* smallest D+ that raises an alarm */
    uint64_t min_n;
    uint32_t n, at; /* number of values; index of the next one in the ring */
    uint64_t seen;
    int alarm;
    double ring[ALL];
    double old[OLD], new[NEW]; /* sorted; valid once n == ALL */
};

static int kswin_check(const struct lw_change_params *p, struct lw_err *err) {
    if (!(p->alpha > 0.0 && p->alpha < 1.0))
        return lw_fail(err, LW_ECONFIG, "kswin: alpha %g must lie between 0 and 1",
                       p->alpha);
    return 0;
}

static void kswin_reset(void *state, const struct lw_change_params *p) {
    struct kswin *s = state;
    memset(s, 0, sizeof *s);
    double e = (double)(OLD * NEW) / (double)ALL;
    s->threshold = sqrt(-log(p->alpha) / (2.0 * e));
    s->min_n = p->min_n;
}

/* First index whose value is >= v. */
static uint32_t kswin_lower(const double *a, uint32_t n, double v) {
    uint32_t lo = 0;
    while (n > 0) {
        uint32_t half = n / 2;
        if (a[lo + half] < v) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return lo;
}

/* Replaces `gone` by `come` in the sorted array of n values. */
static void kswin_exchange(double *a, uint32_t n, double gone, double come) {
    uint32_t i = kswin_lower(a, n, gone), j = kswin_lower(a, n, come);
    if (j > i) {
        j--;
        memmove(a + i, a + i + 1, (j - i) * sizeof *a);
    } else {
        memmove(a + j + 1, a + j, (i - j) * sizeof *a);
    }
    a[j] = come;
}

static void sort_in(double *a, uint32_t n, double v) {
    uint32_t j = kswin_lower(a, n, v);
    memmove(a + j + 1, a + j, (n - j) * sizeof *a);
    a[j] = v;
}

/* Sorts both parts of a full ring whose oldest value is at `at`. */
static void sort_parts(struct kswin *s) {
    for (uint32_t i = 0; i < ALL; i++) {
        double v = s->ring[(s->at + i) % ALL];
        if (i < OLD)
            sort_in(s->old, i, v);
        else
            sort_in(s->new, i - OLD, v);
    }
}

static double d_plus(const struct kswin *s) {
    double most = 0.0;
    for (uint32_t i = 0, j = 0; i < OLD; i++) {
        while (j < NEW && s->new[j] <= s->old[i])
            j++;
        if (i + 1 < OLD && s->old[i + 1] == s->old[i])
            continue;
        double d = (i + 1.0) / (double)OLD - (double)j / (double)NEW;
        most = d > most ? d : most;
    }
    return most;
}

static int kswin_update(void *state, double v) {
    struct kswin *s = state;
    s->seen++;
    double oldest = s->ring[s->at], middle = s->ring[(s->at + OLD) % ALL];
    s->ring[s->at] = v;
    s->at = (s->at + 1) % ALL;
    if (s->n < ALL) {
        if (++s->n < ALL)
            return 0;
        sort_parts(s);
    } else {
        kswin_exchange(s->old, OLD, oldest, middle);
        kswin_exchange(s->new, NEW, middle, v);
    }
    s->alarm = s->seen >= s->min_n && d_plus(s) >= s->threshold;
    return s->alarm;
}

static uint64_t kswin_width(const void *state) {
    const struct kswin *s = state;
    return s->alarm ? NEW : s->n;
}

static void kswin_write(const void *state, struct lw_buf *out) {
    const struct kswin *s = state;
    lw_buf_u64(out, s->seen);
    lw_buf_u8(out, (uint8_t)s->alarm);
    lw_buf_u8(out, (uint8_t)s->n);
    for (uint32_t i = 0; i < s->n; i++)
        lw_buf_f64(out, s->ring[(s->at + ALL - s->n + i) % ALL]);
}

static int kswin_read(void *state, struct lw_reader *in) {
    struct kswin *s = state;
    s->seen = lw_reader_u64(in);
    s->alarm = lw_reader_u8(in);
    s->n = lw_reader_u8(in);
    if (s->alarm > 1 || s->n > ALL || s->seen < s->n)
        return -1;
    for (uint32_t i = 0; i < s->n; i++) {
        s->ring[i] = lw_reader_f64(in);
        if (!isfinite(s->ring[i]))
            return -1;
    }
    s->at = s->n % ALL;
    if (s->n == ALL)
        sort_parts(s);
    return 0;
}

const struct lw_detector lw_detector_kswin = {.name = "kswin",
                                              .size = sizeof(struct kswin),
                                              .delta = 0.0,
                                              .check = kswin_check,
                                              .reset = kswin_reset,
                                              .update = kswin_update,
                                              .width = kswin_width,
                                              .write = kswin_write,
                                              .read = kswin_read};
