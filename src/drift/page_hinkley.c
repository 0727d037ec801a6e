/* Page-Hinkley: a cumulative sum of deviations from the running mean (Page 1954; Hinkley
 * 1971), upward side.
 *
 *     mean_t = mean of v_1..v_t,  S_t = a S_(t-1) + (v_t - mean_t - delta),
 *     alarm if S_t - min S > lambda, a = 0.9999 (as in MOA and River).
 *
 * The width after an alarm is the number of values since the minimum: the change is at
 * that point or somewhat later, because the sum wanders while nothing changes. Delta and
 * lambda are in units of the scale: lambda = 50 on errors of 5 minutes and on errors of
 * 300 seconds would be two different detectors, which is why values are first divided by
 * a scale. Same indices as River's PageHinkley(mode='up')
 * (tests/data/drift/golden.py). */
#include <math.h>
#include <string.h>

#include "drift/detector.h"

#define FADE (1.0 - 1e-4)

struct page_hinkley {
    double delta, lambda;
    uint64_t min_n, n, n_at_min;
    double mean, sum, min;
    int alarm;
};

static int page_hinkley_check(const struct lw_change_params *p, struct lw_err *err) {
    if (!(p->delta >= 0.0 && isfinite(p->delta)))
        return lw_fail(err, LW_ECONFIG, "page_hinkley: delta %g must be 0 or more",
                       p->delta);
    if (!(p->lambda > 0.0 && isfinite(p->lambda)))
        return lw_fail(err, LW_ECONFIG, "page_hinkley: lambda %g must be above 0",
                       p->lambda);
    return 0;
}

static void page_hinkley_reset(void *state, const struct lw_change_params *p) {
    *(struct page_hinkley *)state =
        (struct page_hinkley){.delta = p->delta, .lambda = p->lambda, .min_n = p->min_n};
}

static int page_hinkley_update(void *state, double v) {
    struct page_hinkley *s = state;
    s->n++;
    s->mean += (v - s->mean) / (double)s->n;
    s->sum = FADE * s->sum + (v - s->mean) - s->delta;
    if (s->sum < s->min || s->n == 1) {
        s->min = s->sum;
        s->n_at_min = s->n;
    }
    s->alarm = s->n >= s->min_n && s->sum - s->min > s->lambda;
    return s->alarm;
}

static uint64_t page_hinkley_width(const void *state) {
    const struct page_hinkley *s = state;
    return s->alarm ? s->n - s->n_at_min : s->n;
}

static void page_hinkley_write(const void *state, struct lw_buf *out) {
    const struct page_hinkley *s = state;
    lw_buf_u64(out, s->n);
    lw_buf_u64(out, s->n_at_min);
    lw_buf_f64(out, s->mean);
    lw_buf_f64(out, s->sum);
    lw_buf_f64(out, s->min);
    lw_buf_u8(out, (uint8_t)s->alarm);
}

static int page_hinkley_read(void *state, struct lw_reader *in) {
    struct page_hinkley *s = state;
    s->n = lw_reader_u64(in);
    s->n_at_min = lw_reader_u64(in);
    s->mean = lw_reader_f64(in);
    s->sum = lw_reader_f64(in);
    s->min = lw_reader_f64(in);
    s->alarm = lw_reader_u8(in);
    if (s->alarm > 1 || s->n_at_min > s->n || s->n > UINT64_C(1) << 53)
        return -1;
    return isfinite(s->mean) && isfinite(s->sum) && isfinite(s->min) && s->min <= s->sum
               ? 0
               : -1;
}

const struct lw_detector lw_detector_page_hinkley = {.name = "page_hinkley",
                                                     .size = sizeof(struct page_hinkley),
                                                     .delta = 0.005,
                                                     .check = page_hinkley_check,
                                                     .reset = page_hinkley_reset,
                                                     .update = page_hinkley_update,
                                                     .width = page_hinkley_width,
                                                     .write = page_hinkley_write,
                                                     .read = page_hinkley_read};
