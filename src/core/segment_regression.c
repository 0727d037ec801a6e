/* See segment_regression.h. */
#include "core/segment_regression.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* events that the overall error counts as in a value's own mean */
#define SHRINK    30.0
#define MIN_N     10 /* a segment needs at least this many events */
#define MIN_SHARE 0.02

static double expected_loss(const struct lw_segments *reference, uint64_t key,
                            double overall) {
    const struct lw_segment_error *s = lw_segments_find(reference, key);
    return s ? (s->loss + SHRINK * overall) / ((double)s->n + SHRINK) : overall;
}

static double segment_rise(const struct lw_segments *reference,
                           const struct lw_segment_error *s, double overall) {
    return s->loss - (double)s->n * expected_loss(reference, s->key, overall);
}

/* Over all values, including those past the bound. */
static double total_rise(const struct lw_segments *reference,
                         const struct lw_segments *window, double overall) {
    double sum = window->rest.loss - (double)window->rest.n * overall;
    for (size_t i = 0; i < window->slots; i++)
        if (window->slot[i].n)
            sum += segment_rise(reference, &window->slot[i], overall);
    return sum;
}

static void name_value(struct lw_cats *cats, uint64_t key, char *out, size_t size) {
    lw_cats_seal(cats);
    for (size_t i = 0; i < lw_cats_size(cats); i++) {
        struct lw_cat c = lw_cats_at(cats, i);
        if (c.key != key || !c.text)
            continue;
        lw_cat_name(&c, out, size);
        return;
    }
    snprintf(out, size, "%" PRId64, (int64_t)key);
}

/* The largest so far, at most max. */
struct best {
    struct lw_segment_regression *out;
    size_t n, max;
};

/* Of equal shares the first stays first, so that the same window gives the same text. */
static void best_keep(struct best *best, const struct lw_segment_regression *one) {
    size_t at = best->n;
    while (at > 0 && one->share > best->out[at - 1].share)
        at--;
    if (at == best->max)
        return;
    best->n += best->n < best->max;
    memmove(&best->out[at + 1], &best->out[at], (best->n - at - 1) * sizeof *one);
    best->out[at] = *one;
}

static int by_key(const void *a, const void *b) {
    const struct lw_segment_error *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static void rise_of_feature(int feature, const struct lw_segments *reference,
                            struct lw_pane *window, double overall, struct best *best) {
    const struct lw_segments *now = &window->segments[feature];
    double total = total_rise(reference, now, overall);
    struct lw_segment_error ordered[LW_SEGMENTS_MAX];
    size_t count = 0;
    if (!(total > 0))
        return;
    for (size_t i = 0; i < now->slots; i++)
        if (now->slot[i].n >= MIN_N)
            ordered[count++] = now->slot[i];
    qsort(ordered, count, sizeof *ordered, by_key);
    for (size_t i = 0; i < count; i++) {
        const struct lw_segment_error *s = &ordered[i];
        struct lw_segment_regression one = {.feature = feature, .n = s->n};
        one.share = fmin(segment_rise(reference, s, overall) / total, 1);
        if (!(one.share >= MIN_SHARE))
            continue;
        one.error = window->spec->task->error_of(s->loss / (double)s->n);
        one.reference_error =
            window->spec->task->error_of(expected_loss(reference, s->key, overall));
        name_value(window->profile->members[feature].cats, s->key, one.value,
                   sizeof one.value);
        best_keep(best, &one);
    }
}

size_t lw_segment_regression_find(const struct lw_spec *spec,
                                  const struct lw_reference *reference,
                                  struct lw_pane *window, uint32_t version,
                                  struct lw_segment_regression *out, size_t max) {
    struct best best = {out, 0, max};
    if (!reference || !window || window->segments_version != version ||
        reference->losses.n == 0)
        return 0;
    double overall = lw_losses_mean(&reference->losses);
    for (size_t f = 0; f < spec->nfeatures; f++)
        if (spec->feature[f].kind == LW_CATEGORY && reference->segments[f].n)
            rise_of_feature((int)f, &reference->segments[f], window, overall, &best);
    return best.n;
}
