/* The terms of the feature sets.
 *
 * `plain` has every field on its own. `rich` adds bends of skewed numbers, crosses of two
 * categories, and slopes of the most telling number that depend on a category or the
 * hour. A cross is added when the pairs explain more of the target than both categories
 * together, and when most rows have a pair with several rows. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "draft/draft_private.h"

#define FACTORS_MAX  8
#define CROSSES_MAX  4
#define CROSS_GAIN   0.002 /* share of the target's variance */
#define CROSS_KNOWN  0.6   /* share of the rows in pairs of at least 8 */
#define CROSS_LEVELS 3000  /* of all crosses but the largest */
#define SLOPES_MAX   2     /* of categories, and of hours */
#define SLOPE_EFFECT 0.05  /* of the number that gets a slope */
#define SKEWED       3     /* the 95 % quantile over the median */
#define SOME         0.005 /* share of missing values or zeros with a term of their own */

/* A grouping that can be crossed. */
struct cross_factor {
    char text[LW_NAME_MAX + 24];
    uint64_t *key;
    struct lw_draft_levels levels;
    bool hour;
};

/* Does a text name a field as a whole word? A term must not name the target's, even where
 * it is a function of that name. */
static bool names_field(const char *text, const char *field) {
    static const char word[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t len = strlen(field);
    for (const char *at = text; *at; at += strspn(at, word)) {
        at += strcspn(at, word);
        if (len > 0 && strspn(at, word) == len && memcmp(at, field, len) == 0)
            return true;
    }
    return false;
}

__attribute__((format(printf, 5, 6))) static void add_term(struct lw_draft *d, bool plain,
                                                           double penalty,
                                                           const char *text,
                                                           const char *fmt, ...) {
    if (d->nterms == LW_DRAFT_TERMS || strlen(text) >= LW_NAME_MAX * 2 - 1 ||
        names_field(text, d->sample->column[d->to].name))
        return;
    struct lw_draft_term *t = &d->term[d->nterms++];
    va_list ap;
    lw_copy(t->text, sizeof t->text, text);
    va_start(ap, fmt);
    vsnprintf(t->why, sizeof t->why, fmt, ap);
    va_end(ap);
    t->plain = plain;
    t->penalty = penalty;
}

/* "clip(x, 0, 50)" */
static void clip_text(const struct lw_draft *d, size_t column, char *out, size_t size) {
    char lo[32], hi[32];
    const struct lw_draft_range *r = &d->field[column].range;
    snprintf(out, size, "clip(%s, %s, %s)", d->sample->column[column].name,
             lw_format_f64(lo, sizeof lo, r->lo), lw_format_f64(hi, sizeof hi, r->hi));
}

static bool is_skewed(const struct lw_draft_range *r) {
    return r->lo >= 0 && r->q95 > SKEWED * r->median && r->q95 > 0;
}

/* ---- single fields ---- */

static void add_number(struct lw_draft *d, size_t column) {
    const struct lw_draft_field *f = &d->field[column];
    const char *name = d->sample->column[column].name;
    char clip[LW_NAME_MAX + 80], text[LW_NAME_MAX * 3];
    clip_text(d, column, clip, sizeof clip);
    /* what predicts well is hardly penalised: it needs no evidence of its own */
    double penalty = f->effect > SLOPE_EFFECT ? 0.1 : 1;
    add_term(d, true, penalty, clip, "explains %.2g %% of the target", 100 * f->effect);
    if (is_skewed(&f->range)) {
        snprintf(text, sizeof text, "sqrt(%s)", clip);
        add_term(d, false, penalty, text, "skewed: median %.4g, 95 %% below %.4g",
                 f->range.median, f->range.q95);
        snprintf(text, sizeof text, "log1p(%s)", clip);
        add_term(d, false, penalty, text, "%s", "");
    }
    if (f->range.zeros > SOME && f->range.zeros < 0.9) {
        snprintf(text, sizeof text, "zero(%s)", name);
        add_term(d, false, 1, text, "%.2g %% are zero", 100 * f->range.zeros);
    }
    if (f->missing > SOME) {
        snprintf(text, sizeof text, "missing(%s)", name);
        add_term(d, true, 1, text, "%.2g %% are missing", 100 * f->missing);
    }
}

static double calendar_effect(const struct lw_draft *d, size_t column,
                              enum lw_draft_part part) {
    uint64_t *key = lw__draft_calendar(d, column, part);
    double effect = lw__draft_levels_of(d, key).effect;
    free(key);
    return effect;
}

static void add_instant(struct lw_draft *d, size_t column) {
    static const char *const part[] = {"hour", "weekday", "hour_of_week"};
    const struct lw_draft_column *c = &d->sample->column[column];
    double days = d->pace.known ? d->pace.days : 365;
    char text[LW_NAME_MAX + 24];
    for (int i = c->type == LW_DRAFT_DATE ? LW_DRAFT_WEEKDAY : LW_DRAFT_HOUR;
         i <= LW_DRAFT_HOUR_OF_WEEK; i++) {
        if ((c->type == LW_DRAFT_DATE && i == LW_DRAFT_HOUR_OF_WEEK) ||
            (days < 7 && i != LW_DRAFT_HOUR))
            continue;
        snprintf(text, sizeof text, "%s(%s)", part[i], c->name);
        double effect = calendar_effect(d, column, (enum lw_draft_part)i);
        add_term(d, i != LW_DRAFT_HOUR_OF_WEEK || days >= 14, 1, text,
                 "explains %.2g %% of the target", 100 * effect);
    }
}

static void add_fields(struct lw_draft *d) {
    for (size_t i = 0; i < d->sample->n; i++)
        if (d->field[i].role == LW_DRAFT_CATEGORY)
            add_term(d, true, 1, d->sample->column[i].name,
                     "explains %.2g %% of the target", 100 * d->field[i].effect);
    for (size_t i = 0; i < d->sample->n; i++) {
        if (d->field[i].role == LW_DRAFT_NUMBER)
            add_number(d, i);
        else if (d->field[i].role == LW_DRAFT_INSTANT)
            add_instant(d, i);
    }
}

/* ---- crosses ---- */

static void add_factor(struct cross_factor *list, size_t *n, const struct lw_draft *d,
                       struct cross_factor factor) {
    factor.levels = lw__draft_levels_of(d, factor.key);
    size_t at = *n;
    while (at > 0 && list[at - 1].levels.effect < factor.levels.effect)
        at--;
    if (at == FACTORS_MAX || factor.levels.n < 2) {
        free(factor.key);
        return;
    }
    if (*n == FACTORS_MAX)
        free(list[--*n].key);
    memmove(list + at + 1, list + at, (*n - at) * sizeof *list);
    list[at] = factor;
    ++*n;
}

/* The categories and hours that explain most. */
static size_t find_factors(const struct lw_draft *d, struct cross_factor *list) {
    size_t n = 0;
    for (size_t i = 0; i < d->sample->n; i++) {
        struct cross_factor factor = {0};
        const char *name = d->sample->column[i].name;
        if (d->field[i].role == LW_DRAFT_CATEGORY) {
            lw_copy(factor.text, sizeof factor.text, name);
            factor.key = lw__draft_keys(d, i);
            add_factor(list, &n, d, factor);
        } else if (d->field[i].role == LW_DRAFT_INSTANT &&
                   d->sample->column[i].type != LW_DRAFT_DATE) {
            snprintf(factor.text, sizeof factor.text, "hour(%s)", name);
            factor.hour = true;
            factor.key = lw__draft_calendar(d, i, LW_DRAFT_HOUR);
            add_factor(list, &n, d, factor);
        }
    }
    return n;
}

struct cross {
    size_t a, b;
    struct lw_draft_levels levels;
    double gain;
};

static struct cross cross_of(const struct lw_draft *d, const struct cross_factor *list,
                             size_t a, size_t b) {
    struct cross c = {.a = a, .b = b};
    size_t rows = d->sample->rows;
    uint64_t *key = lw_calloc(rows + 1, sizeof *key);
    for (size_t i = 0; i < rows; i++)
        key[i] = lw_mix64(list[a].key[i] + 1) * 31 + lw_mix64(~list[b].key[i]);
    c.levels = lw__draft_levels_of(d, key);
    c.gain = c.levels.effect - list[a].levels.effect - list[b].levels.effect;
    free(key);
    return c;
}

static void add_crosses(struct lw_draft *d, const struct cross_factor *list, size_t n) {
    struct cross best[CROSSES_MAX];
    size_t found = 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n; b++) {
            struct cross c = cross_of(d, list, a, b);
            size_t at = found;
            if (c.gain < CROSS_GAIN || c.levels.in_large < CROSS_KNOWN)
                continue;
            while (at > 0 && best[at - 1].gain < c.gain)
                at--;
            if (at == CROSSES_MAX)
                continue;
            found += found < CROSSES_MAX;
            memmove(best + at + 1, best + at, (found - at - 1) * sizeof *best);
            best[at] = c;
        }
    double levels = 0, largest = 0;
    for (size_t i = 0; i < found; i++) {
        const struct cross *c = &best[i];
        char text[LW_NAME_MAX * 3];
        double k = (double)c->levels.n, most = fmax(largest, k);
        if (levels + k - most > CROSS_LEVELS)
            continue;
        levels += k;
        largest = most;
        snprintf(text, sizeof text, "%s * %s", list[c->a].text, list[c->b].text);
        add_term(d, false, 3, text,
                 "%.0f pairs explain %.2g %% of the target, each for itself %.2g and "
                 "%.2g %%",
                 k, 100 * c->levels.effect, 100 * list[c->a].levels.effect,
                 100 * list[c->b].levels.effect);
    }
}

/* ---- slopes ---- */

static int telling_number(const struct lw_draft *d) {
    int best = -1;
    for (size_t i = 0; i < d->sample->n; i++)
        if (d->field[i].role == LW_DRAFT_NUMBER && d->field[i].effect > SLOPE_EFFECT &&
            (best < 0 || d->field[i].effect > d->field[best].effect))
            best = (int)i;
    return best;
}

static void add_slopes(struct lw_draft *d, const struct cross_factor *list, size_t n) {
    int number = telling_number(d);
    char clip[LW_NAME_MAX + 80], text[LW_NAME_MAX * 3];
    double levels = 0;
    int slopes[2] = {0, 0}; /* of categories, of hours */
    if (number < 0)
        return;
    const struct lw_draft_range *r = &d->field[number].range;
    clip_text(d, (size_t)number, clip, sizeof clip);
    for (size_t i = 0; i < n; i++) {
        int *used = &slopes[list[i].hour];
        if (++*used > SLOPES_MAX || levels + (double)list[i].levels.n > CROSS_LEVELS)
            continue;
        levels += (double)list[i].levels.n;
        snprintf(text, sizeof text, is_skewed(r) ? "%s * sqrt(%s)" : "%s * %s",
                 list[i].text, clip);
        add_term(d, false, list[i].hour ? 5 : 10, text, "a slope for each of %zu values",
                 list[i].levels.n);
    }
}

void lw__draft_find_terms(struct lw_draft *d) {
    struct cross_factor list[FACTORS_MAX + 1];
    add_fields(d);
    size_t n = find_factors(d, list);
    add_crosses(d, list, n);
    add_slopes(d, list, n);
    for (size_t i = 0; i < n; i++)
        free(list[i].key);
}
