/* ADWIN2, adaptive windowing (Bifet and Gavalda, SDM 2007).
 *
 * The window is an exponential histogram: level i holds up to M = 5 buckets of 2^i values
 * each, with a sum and a sum of squared deviations per bucket, so W values take about M
 * log2(W / M) buckets. At every 32nd value all splits between buckets are tried: the
 * window is cut while, for some split into an old part (n0, mean u0) and a new one (n1,
 * u1),
 *
 *     |u0 - u1| > e = sqrt(2 m v d) + 2/3 m d,
 *     m = 1/(n0 - L + 1) + 1/(n1 - L + 1),  d = ln(2 ln(W) / delta),
 *
 * where v is the window's variance and L = 5 the minimum length of a part (the form that
 * MOA and River use). Cost: O(1) per value; a check is one pass over the buckets without
 * a root or a logarithm per split: with a = |u0 - u1| - 2/3 m d, the test is a > 0 and
 * a^2 > 2 m v d. As a < |u0 - u1| and m > W / (n0 n1), most splits fail a cheaper test,
 * which needs no division.
 *
 * The detector is one-sided: a cut because values fell shortens the window without an
 * alarm; an alarm needs a cut whose new part is higher. The bound itself stays two-sided.
 * River skips the newest bucket of each level when it walks the splits, and also raises
 * an alarm when values fall; otherwise the indices agree (tests/data/drift/golden.py).
 *
 * The warning level is not implemented, because nothing uses it. */
#include <math.h>
#include <string.h>

#include "drift/detector.h"

enum { M = 5, LEVELS = 40, CLOCK = 32, SHORTEST = 5 };

struct level {
    uint32_t n; /* number of buckets, oldest first */
    double sum[M + 1], m2[M + 1];
};

struct adwin {
    double delta;
    uint64_t min_n, tick, width;
    double total, m2;
    uint32_t levels; /* in use */
    struct level level[LEVELS];
};

static int adwin_check(const struct lw_change_params *p, struct lw_err *err) {
    if (!(p->delta > 0.0 && p->delta < 1.0))
        return lw_fail(err, LW_ECONFIG, "adwin: delta %g must lie between 0 and 1",
                       p->delta);
    return 0;
}

static void adwin_reset(void *state, const struct lw_change_params *p) {
    struct adwin *a = state;
    memset(a, 0, sizeof *a);
    a->delta = p->delta;
    a->min_n = p->min_n;
    a->levels = 1;
}

static void adwin_put(struct level *l, double sum, double m2) {
    l->sum[l->n] = sum;
    l->m2[l->n++] = m2;
}

/* Drops the k oldest. Moves the whole array, because a copy of fixed size is faster. */
static void adwin_drop(struct level *l, uint32_t k) {
    l->n -= k;
    for (uint32_t i = 0; i + k <= M; i++) {
        l->sum[i] = l->sum[i + k];
        l->m2[i] = l->m2[i + k];
    }
}

/* Merges the two oldest buckets of a full level into one of the next level. */
static void adwin_compress(struct adwin *a) {
    double size = 1.0;
    for (uint32_t i = 0; a->level[i].n > M; i++) {
        struct level *l = &a->level[i];
        if (i + 1 == LEVELS) { /* 5 * 2^40 values: drop the oldest */
            a->width -= UINT64_C(1) << i;
            a->total -= l->sum[0];
            adwin_drop(l, 1);
            return;
        }
        double d = (l->sum[0] - l->sum[1]) / size;
        adwin_put(&a->level[i + 1], l->sum[0] + l->sum[1],
                  l->m2[0] + l->m2[1] + d * d * size / 2.0);
        adwin_drop(l, 2);
        size *= 2.0;
        if (i + 2 > a->levels)
            a->levels = i + 2;
    }
}

static void adwin_insert(struct adwin *a, double v) {
    if (a->width > 0) {
        double w = (double)a->width, d = v - a->total / w;
        a->m2 += d * d * w / (w + 1.0);
    }
    a->width++;
    a->total += v;
    adwin_put(&a->level[0], v, 0.0);
    if (a->level[0].n > M)
        adwin_compress(a);
}

/* Recomputes the sums from the buckets after a cut, so that no old rounding error
 * remains. */
static void adwin_recount(struct adwin *a) {
    double n = 0.0, total = 0.0, m2 = 0.0;
    a->width = 0;
    for (uint32_t i = a->levels; i-- > 0;) {
        double size = ldexp(1.0, (int)i);
        for (uint32_t k = 0; k < a->level[i].n; k++) {
            double d = n > 0.0 ? total / n - a->level[i].sum[k] / size : 0.0;
            m2 += a->level[i].m2[k] + d * d * n * size / (n + size);
            total += a->level[i].sum[k];
            n += size;
            a->width += UINT64_C(1) << i;
        }
    }
    a->total = total;
    a->m2 = m2;
}

static void drop_oldest(struct adwin *a) {
    adwin_drop(&a->level[a->levels - 1], 1);
    while (a->levels > 1 && a->level[a->levels - 1].n == 0)
        a->levels--;
    adwin_recount(a);
}

/* -1: at some split the values fell significantly, 1: at some split they grew, 0:
 * neither. Growth takes precedence. */
static int find_cut(const struct adwin *a) {
    const double shortest = SHORTEST; /* of either part */
    double w = (double)a->width, d = log(2.0 * log(w) / a->delta);
    double vd = 2.0 * (a->m2 / w) * d, d23 = 2.0 / 3.0 * d;
    double n0 = 0.0, sum0 = 0.0;
    int found = 0;
    for (uint32_t i = a->levels; i-- > 0;) {
        const struct level *l = &a->level[i];
        double size = ldexp(1.0, (int)i);
        for (uint32_t k = 0; k < l->n; k++) {
            n0 += size;
            sum0 += l->sum[k];
            double n1 = w - n0;
            if (n0 < shortest)
                continue;
            if (n1 < shortest)
                return found;
            double apart = a->total * n0 - sum0 * w; /* (u1 - u0) * n0 * n1 */
            if (apart * apart <= w * vd * n0 * n1)
                continue;
            double m = 1.0 / (n0 - shortest + 1.0) + 1.0 / (n1 - shortest + 1.0);
            double growth = (a->total - sum0) / n1 - sum0 / n0;
            double over = fabs(growth) - m * d23;
            if (over <= 0.0 || over * over <= m * vd)
                continue;
            if (growth > 0.0)
                return 1;
            found = -1;
        }
    }
    return found;
}

static int adwin_update(void *state, double v) {
    struct adwin *a = state;
    adwin_insert(a, v);
    if (++a->tick % CLOCK != 0 || a->width < a->min_n || a->width < 2 * SHORTEST)
        return 0;
    int fired = 0;
    for (int cut; a->width >= 2 * SHORTEST && (cut = find_cut(a)) != 0;) {
        fired |= cut > 0;
        drop_oldest(a);
    }
    return fired;
}

static uint64_t adwin_width(const void *state) {
    return ((const struct adwin *)state)->width;
}

static void adwin_write(const void *state, struct lw_buf *out) {
    const struct adwin *a = state;
    lw_buf_u64(out, a->tick);
    lw_buf_f64(out, a->total);
    lw_buf_f64(out, a->m2);
    lw_buf_u8(out, (uint8_t)a->levels);
    for (uint32_t i = 0; i < a->levels; i++) {
        lw_buf_u8(out, (uint8_t)a->level[i].n);
        for (uint32_t k = 0; k < a->level[i].n; k++) {
            lw_buf_f64(out, a->level[i].sum[k]);
            lw_buf_f64(out, a->level[i].m2[k]);
        }
    }
}

static int read_levels(struct adwin *a, struct lw_reader *in) {
    a->levels = lw_reader_u8(in);
    if (a->levels < 1 || a->levels > LEVELS)
        return -1;
    for (uint32_t i = 0; i < a->levels; i++) {
        uint32_t n = lw_reader_u8(in);
        if (n > M || (n == 0 && i > 0))
            return -1;
        for (uint32_t k = 0; k < n; k++) {
            double sum = lw_reader_f64(in), m2 = lw_reader_f64(in);
            if (!isfinite(sum) || !(m2 >= 0.0 && isfinite(m2)))
                return -1;
            adwin_put(&a->level[i], sum, m2);
        }
    }
    return 0;
}

static int adwin_read(void *state, struct lw_reader *in) {
    struct adwin *a = state;
    a->tick = lw_reader_u64(in);
    double total = lw_reader_f64(in), m2 = lw_reader_f64(in);
    if (read_levels(a, in) != 0 || in->bad)
        return -1;
    adwin_recount(a);
    double room = 1e-6 * (fabs(a->total) + sqrt((double)a->width * a->m2) + 1e-300);
    if (!(fabs(total - a->total) <= room) || !(m2 >= 0.0) ||
        !(fabs(m2 - a->m2) <= 1e-6 * a->m2 + 1e-12) || a->tick < a->width)
        return -1;
    a->total = total; /* as written: the continuation must be identical bit for bit */
    a->m2 = m2;
    return 0;
}

const struct lw_detector lw_detector_adwin = {.name = "adwin",
                                              .size = sizeof(struct adwin),
                                              .delta = 0.002,
                                              .check = adwin_check,
                                              .reset = adwin_reset,
                                              .update = adwin_update,
                                              .width = adwin_width,
                                              .write = adwin_write,
                                              .read = adwin_read};
