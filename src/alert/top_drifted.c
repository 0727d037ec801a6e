/* The features that drifted most, reference against window.
 *
 * The order is PSI (bias-corrected, as in the rules), with the alert's own feature first.
 * A numeric feature has the quantiles p10, p50 and p90 of reference and window: a shifted
 * median, a longer tail and a changed unit (everything times 1.609) differ there, but not
 * in a single distance. A category has the values that appeared, vanished, and shifted
 * most, in shares of present values. Five features and five categories each: enough to
 * act on, short enough to read, and a bound on the message's size.
 *
 * Features that are shifted, so changed for certain but not enough to be drift, follow in
 * a list of their own, one short text each.
 *
 * Left out: contributions to the model's error by feature; the segments have those. */
#include "alert/top_drifted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/pane.h"
#include "core/reference.h"
#include "leeway/drift.h"
#include "json/json.h"

#define TOP_DRIFTED_MAX 5
#define SHIFTED_MAX     5
#define CATEGORIES_MAX  5
#define VALUE_MAX       LW_CATS_TEXT_MAX /* bytes: a long text ends in its key */
#define SHIFT_MIN       0.01 /* smaller changes of a share are not worth a line */

static json_t *pair_json(double reference, double window) {
    json_t *both = json_object();
    lw_json_set_number(both, "reference", reference);
    lw_json_set_number(both, "window", window);
    return both;
}

static json_t *quantiles_json(const struct lw_numeric *num) {
    json_t *q = json_object();
    lw_json_set_number(q, "p10", lw_numeric_quantile(num, 0.1));
    lw_json_set_number(q, "p50", lw_numeric_quantile(num, 0.5));
    lw_json_set_number(q, "p90", lw_numeric_quantile(num, 0.9));
    return q;
}

/* A category in both profiles. */
struct change {
    struct lw_cat cat;
    double reference, window; /* shares of present values */
};

static double size_of(const struct change *c) {
    return fabs(c->window - c->reference);
}

/* Largest change first; equal ones by key, so that the same data gives the same text. */
static int by_size(const void *a, const void *b) {
    const struct change *x = a, *y = b;
    if (size_of(x) != size_of(y))
        return size_of(x) < size_of(y) ? 1 : -1;
    return (x->cat.key > y->cat.key) - (x->cat.key < y->cat.key);
}

/* All categories of one side that the other side has too (in_other) or lacks. */
static size_t changes_collect(struct lw_cats *from, const struct lw_cats *other,
                              bool in_other, bool from_reference, struct change *out) {
    double n = (double)lw_cats_n(from), m = (double)lw_cats_n(other);
    size_t used = 0;
    lw_cats_seal(from);
    for (size_t i = 0; i < lw_cats_size(from); i++) {
        struct lw_cat c = lw_cats_at(from, i);
        uint64_t there = lw_cats_count(other, c.key);
        double here = (double)c.count / n, share = m > 0 ? (double)there / m : 0;
        if (c.count == 0 || (there > 0) != in_other)
            continue;
        /* Beyond its cap the other side may have dropped the category, which was then
         * rare there. */
        if (!in_other && m > 0 && (double)lw_cats_upper(other, c.key) / m > here / 10)
            continue;
        out[used++] = (struct change){c, from_reference ? here : share,
                                      from_reference ? share : here};
    }
    qsort(out, used, sizeof *out, by_size);
    return used;
}

/* A category as a message may name it: one of the two buffers. */
static const char *name_of(const struct lw_cat *c, const struct lw_privacy *privacy,
                           char text[VALUE_MAX + 1], char hashed[LW_HASHED_MAX]) {
    lw_cat_name(c, text, VALUE_MAX + 1);
    if (privacy == NULL || privacy->categories == LW_CATEGORIES_TOP)
        return text;
    lw_privacy_hash(privacy, LW_PRIVATE_CATEGORY, text, hashed);
    return hashed;
}

static void put_value(json_t *object, const struct lw_cat *c,
                      const struct lw_privacy *privacy) {
    char text[VALUE_MAX + 1], hashed[LW_HASHED_MAX];
    lw_json_set(object, "value", json_string(name_of(c, privacy, text, hashed)));
}

static json_t *shares_json(const struct change *c, size_t n, bool moved,
                           const struct lw_privacy *privacy) {
    json_t *list = json_array();
    for (size_t i = 0; i < n && i < CATEGORIES_MAX; i++) {
        if (moved && size_of(&c[i]) < SHIFT_MIN)
            break;
        json_t *one = json_object();
        put_value(one, &c[i].cat, privacy);
        if (moved) {
            lw_json_set_number(one, "reference", c[i].reference);
            lw_json_set_number(one, "window", c[i].window);
        } else {
            lw_json_set_number(one, "share", size_of(&c[i]));
        }
        json_array_append_new(list, one);
    }
    return list;
}

/* seen: the whole reference, which decides what appeared. */
static void put_categories(json_t *drifted, const struct lw_cats *seen,
                           struct lw_cats *reference, struct lw_cats *window,
                           const struct lw_privacy *privacy) {
    size_t most = lw_cats_size(reference) + lw_cats_size(window) + 1;
    struct change *c = lw_calloc(most, sizeof *c);
    size_t n = changes_collect(window, seen, false, false, c);
    lw_json_set(drifted, "appeared", shares_json(c, n, false, privacy));
    n = changes_collect(reference, window, false, true, c);
    lw_json_set(drifted, "vanished", shares_json(c, n, false, privacy));
    n = changes_collect(window, reference, true, false, c);
    lw_json_set(drifted, "moved", shares_json(c, n, true, privacy));
    free(c);
}

static json_t *feature_json(const struct lw_drift_reference *of, size_t i,
                            const struct lw_member *window, const struct lw_drift *drift,
                            const struct lw_privacy *privacy) {
    const struct lw_column *column = &of->profile->columns[i];
    const struct lw_member *reference = &of->profile->members[i];
    json_t *m = json_object();
    lw_json_set_text_cut(m, "feature", column->name, LW_NAME_MAX);
    lw_json_set_text(m, "kind", lw_kind_name(column->kind));
    lw_json_set_text(m, "verdict", lw_verdict_name(drift->verdict));
    lw_json_set_number(m, "psi", drift->psi);
    json_t *n = json_object();
    lw_json_set_count(n, "reference", drift->n_ref);
    lw_json_set_count(n, "window", drift->n_cur);
    lw_json_set(m, "n", n);
    lw_json_set(m, "missing", pair_json(drift->missing_ref, drift->missing_cur));
    lw_json_set(m, "out_of_range",
                pair_json(drift->out_of_range_ref, drift->out_of_range_cur));
    if (column->kind == LW_NUMERIC) {
        lw_json_set(m, "reference", quantiles_json(&reference->num));
        lw_json_set(m, "window", quantiles_json(&window->num));
    } else {
        lw_json_set_number(m, "unseen", drift->unseen_known ? drift->unseen : NAN);
        put_categories(m, of->seen->members[i].cats, reference->cats, window->cats,
                       privacy);
    }
    return m;
}

/* A column's rank in the list; negative: it is not listed. */
static double feature_rank(const struct lw_drift *drift, const char *column,
                           const char *feature) {
    if (strcmp(column, feature) == 0)
        return INFINITY;
    bool judged = drift->verdict == LW_VERDICT_DRIFT;
    return judged && isfinite(drift->psi) ? drift->psi : -1;
}

/* Index of the highest rank that is left, or -1. */
static int next_ranked(const double *ranks, size_t n) {
    int best = -1;
    for (size_t i = 0; i < n; i++)
        if (ranks[i] >= 0 && (best < 0 || ranks[i] > ranks[best]))
            best = (int)i;
    return best;
}

/* "75: 0.5 → 2.5 %", the category by its name or its hash. */
static void put_shift(json_t *shifted, const struct lw_drift *drift,
                      const struct lw_member *reference, const struct lw_member *window,
                      const struct lw_privacy *privacy) {
    char text[LW_SHIFT_TEXT], name[VALUE_MAX + 1], hashed[LW_HASHED_MAX];
    const char *category = NULL;
    if (reference->kind == LW_CATEGORY) {
        struct lw_cat cat =
            lw_shift_category(&drift->shift, reference->cats, window->cats);
        category = name_of(&cat, privacy, name, hashed);
    }
    lw_json_set_text(shifted, "text", lw_shift_text(&drift->shift, category, text));
}

/* The columns that are shifted, except those listed as drifted. */
static json_t *shifted_json(const struct lw_profile *reference,
                            const struct lw_profile *window, const struct lw_drift *drift,
                            const bool *listed, const struct lw_privacy *privacy) {
    json_t *list = json_array();
    for (size_t i = 0; i < reference->n; i++) {
        if (listed[i] || drift[i].verdict != LW_VERDICT_SHIFTED ||
            json_array_size(list) == SHIFTED_MAX)
            continue;
        json_t *one = json_object();
        lw_json_set_text_cut(one, "feature", reference->columns[i].name, LW_NAME_MAX);
        put_shift(one, &drift[i], &reference->members[i], &window->members[i], privacy);
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *drifted_json(const struct lw_drift_reference *old,
                            const struct lw_profile *now, const struct lw_drift *drift,
                            double *ranks, bool *listed,
                            const struct lw_privacy *privacy) {
    json_t *list = json_array();
    for (int k = 0; k < TOP_DRIFTED_MAX; k++) {
        int i = next_ranked(ranks, old->profile->n);
        if (i < 0)
            break;
        ranks[i] = -1;
        listed[i] = true;
        json_array_append_new(
            list, feature_json(old, (size_t)i, &now->members[i], &drift[i], privacy));
    }
    return list;
}

void lw__top_drifted_put(json_t *details, const struct lw_spec *spec,
                         const struct lw_alert *alert,
                         const struct lw_alert_context *context) {
    const struct lw_reference *reference = context->reference;
    struct lw_pane *window = context->window;
    struct lw_drift drift[LW_FEATURES_MAX + 1];
    double ranks[LW_FEATURES_MAX + 1] = {0};
    bool listed[LW_FEATURES_MAX + 1] = {false};
    const struct lw_profile *old = reference ? reference->profile : NULL;
    if (!old || !window || old->n != window->profile->n ||
        old->n > LW_FEATURES_MAX + 1) { /* other features cannot be compared */
        lw_json_set(details, "top_drifted", json_array());
        lw_json_set(details, "shifted", json_array());
        return;
    }
    struct lw_match match;
    memset(drift, 0, sizeof drift);
    lw_match_make(reference, window, &match);
    struct lw_drift_reference of = lw_match_features(&match, reference);
    lw_drift_compare_to(&of, window->profile, &spec->drift, drift);
    for (size_t i = 0; i < old->n; i++)
        ranks[i] = feature_rank(&drift[i], old->columns[i].name, alert->feature);
    lw_json_set(
        details, "top_drifted",
        drifted_json(&of, window->profile, drift, ranks, listed, context->privacy));
    lw_json_set(
        details, "shifted",
        shifted_json(of.profile, window->profile, drift, listed, context->privacy));
    lw_match_fini(&match);
}
