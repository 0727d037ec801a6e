/* A shift in plain units: shares in per cent, medians in the column's unit. */
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"
#include "leeway/drift.h"

#define PARTS_SHOWN 2

struct lw_cat lw_shift_category(const struct lw_shift *shift, struct lw_cats *reference,
                                struct lw_cats *current) {
    struct lw_cats *side[2] = {current, reference};
    for (int i = 0; i < 2; i++) {
        lw_cats_seal(side[i]);
        size_t at = lw_cats_index(side[i], shift->key);
        if (at != SIZE_MAX)
            return lw_cats_at(side[i], at);
    }
    return (struct lw_cat){.key = shift->key};
}

/* 0.05, 0.5, 2.5: two digits are worth reading below 1 %, one decimal above. */
static void put_percent(struct lw_buf *out, double share) {
    double percent = 100.0 * share;
    lw_buf_printf(out, percent > 0.0 && percent < 0.95 ? "%.2g" : "%.1f", percent);
}

static void put_change(struct lw_buf *out, struct lw_shift_share s) {
    put_percent(out, s.ref);
    lw_buf_printf(out, " → ");
    put_percent(out, s.cur);
    lw_buf_printf(out, " %%");
}

static void put_share(const struct lw_shift *s, const char *category,
                      struct lw_buf *out) {
    if (category)
        lw_buf_printf(out, "%s: ", category);
    else
        lw_buf_printf(out, "value %.4g: ", s->value);
    put_change(out, s->share);
}

static void put_median(const struct lw_shift *s, struct lw_buf *out) {
    double ratio = s->median_cur / s->median_ref;
    lw_buf_printf(out, "median %.4g → %.4g", s->median_ref, s->median_cur);
    if (s->median_ref > 0.0 && s->median_cur > 0.0 && isfinite(ratio))
        lw_buf_printf(out, " (× %.3g)", ratio);
}

/* What another part has said already is left out: a value explains the tail that it lies
 * in, and a median that did not move explains nothing. */
static unsigned parts_worth(const struct lw_shift *s, bool numeric) {
    unsigned parts = s->parts;
    bool value = numeric && parts & LW_SHIFT_SHARE;
    if (value && s->value > s->above_at)
        parts &= ~(unsigned)LW_SHIFT_ABOVE;
    if (value && s->value < s->below_at)
        parts &= ~(unsigned)LW_SHIFT_BELOW;
    if (parts & LW_SHIFT_MEDIAN && s->median_ref == s->median_cur)
        parts &= ~(unsigned)LW_SHIFT_MEDIAN;
    if (parts & ~(unsigned)LW_SHIFT_W1)
        parts &= ~(unsigned)LW_SHIFT_W1;
    return parts ? parts : s->parts;
}

static void put_part(const struct lw_shift *s, unsigned part, const char *category,
                     struct lw_buf *out) {
    switch (part) {
    case LW_SHIFT_SHARE:
        put_share(s, category, out);
        break;
    case LW_SHIFT_MEDIAN:
        put_median(s, out);
        break;
    case LW_SHIFT_ABOVE:
        lw_buf_printf(out, "above %.4g: ", s->above_at);
        put_change(out, s->above);
        break;
    case LW_SHIFT_BELOW:
        lw_buf_printf(out, "below %.4g: ", s->below_at);
        put_change(out, s->below);
        break;
    case LW_SHIFT_MISSING:
        lw_buf_printf(out, "missing: ");
        put_change(out, s->missing);
        break;
    default:
        lw_buf_printf(out, "Wasserstein distance %.2g sd", s->w1);
    }
}

char *lw_shift_text(const struct lw_shift *s, const char *category, char *out) {
    static const unsigned order[] = {LW_SHIFT_SHARE, LW_SHIFT_MEDIAN,  LW_SHIFT_ABOVE,
                                     LW_SHIFT_BELOW, LW_SHIFT_MISSING, LW_SHIFT_W1};
    unsigned parts = parts_worth(s, category == NULL);
    struct lw_buf text = {0};
    int shown = 0;
    for (size_t i = 0; i < sizeof order / sizeof *order && shown < PARTS_SHOWN; i++) {
        if (!(parts & order[i]))
            continue;
        lw_buf_printf(&text, "%s", shown++ ? ", " : "");
        put_part(s, order[i], category, &text);
    }
    lw_text_safe(out, LW_SHIFT_TEXT, lw_buf_str(&text), text.len);
    lw_buf_fini(&text);
    return out;
}

char *lw_shift_describe(const struct lw_shift *s, const struct lw_member *reference,
                        const struct lw_member *current, char *out) {
    char name[100];
    if (reference->kind == LW_NUMERIC)
        return lw_shift_text(s, NULL, out);
    struct lw_cat cat = lw_shift_category(s, reference->cats, current->cats);
    return lw_shift_text(s, lw_cat_name(&cat, name, sizeof name), out);
}
