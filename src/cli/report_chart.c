/* The charts of a report: two overlaid distributions.
 *
 * Numbers: histograms of shares over the middle 99 % of both sides (an extreme value would
 * flatten the rest; the table shows the tails as quantiles), the reference filled, the
 * current side a line. Whole numbers of a short range have one bar for each value.
 * Categories: with a natural order (hours, weekdays) bars in that order, otherwise pairs
 * of bars for the largest. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/html.h"
#include "cli/report.h"
#include "cli/svg.h"

#define WIDTH       560
#define BARS        48
#define BARS_COARSE 24
#define WHOLE_MAX   60 /* range of whole numbers with one bar for each value */
#define ORDERED_MAX 32
#define PAIRS       12

static void open_svg(int height, const char *what, struct lw_buf *out) {
    lw_buf_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH,
                  height);
    lw_html_str(out, what);
    lw_buf_printf(out, "\">\n");
}

/* ---- numbers ---- */

struct chart_histogram {
    double edges[WHOLE_MAX + 2], share[LW_SIDES][WHOLE_MAX + 1], top;
    size_t n;
};

static bool all_whole(const struct lw_kll_view *view) {
    const double *values;
    const uint64_t *weights;
    size_t n = lw_kll_view_points(view, &values, &weights);
    for (size_t i = 0; i < n; i++)
        if (values[i] != floor(values[i]))
            return false;
    return true;
}

static void histogram_edges(struct lw_kll_view *const view[LW_SIDES], size_t bars,
                            struct chart_histogram *h) {
    double lo =
        fmin(lw_kll_view_quantile(view[0], 0.005), lw_kll_view_quantile(view[1], 0.005));
    double hi =
        fmax(lw_kll_view_quantile(view[0], 0.995), lw_kll_view_quantile(view[1], 0.995));
    bool whole = hi - lo <= WHOLE_MAX && all_whole(view[0]) && all_whole(view[1]);
    if (whole) {
        bars = (size_t)(hi - lo) + 1;
        hi = lo + (double)bars - 0.5;
        lo -= 0.5;
    } else if (!(hi > lo)) {
        double pad = lo != 0 ? fabs(lo) / 2 : 1;
        lo -= pad;
        hi += pad;
    }
    h->n = bars;
    for (size_t i = 0; i <= bars; i++)
        h->edges[i] = lo + (hi - lo) * (double)i / (double)bars;
}

static void histogram_fill(const struct lw_kll_view *view, int side,
                           struct chart_histogram *h) {
    double below = lw_kll_view_rank(view, nextafter(h->edges[0], -INFINITY));
    for (size_t i = 0; i < h->n; i++) {
        double upto = lw_kll_view_rank(view, h->edges[i + 1]);
        h->share[side][i] = upto - below;
        h->top = fmax(h->top, upto - below);
        below = upto;
    }
}

static void number_chart(const struct lw_report *r, const struct lw_report_column *c,
                         struct lw_buf *out) {
    struct lw_kll_view *view[LW_SIDES];
    struct chart_histogram *h = lw_calloc(1, sizeof *h);
    for (int s = 0; s < LW_SIDES; s++)
        view[s] = lw_kll_view_new(c->member[s]->num.kll);
    histogram_edges(view, r->approximate ? BARS_COARSE : BARS, h);
    histogram_fill(view[LW_REF], LW_REF, h);
    histogram_fill(view[LW_CUR], LW_CUR, h);
    struct lw_svg_axes a = {.x = 52,
                            .y = 10,
                            .w = WIDTH - 64,
                            .h = 170,
                            .x0 = h->edges[0],
                            .x1 = h->edges[h->n],
                            .y1 = h->top > 0 ? 1.06 * h->top : 1};
    open_svg(206, c->column.name, out);
    lw_svg_axes_draw(&a, &(struct lw_svg_axes_labels){.nx = 8, .ny = 6, .percent = true},
                     out);
    lw_svg_axes_steps(&a, h->edges, h->share[LW_REF], h->n, "ref", out);
    lw_svg_axes_steps(&a, h->edges, h->share[LW_CUR], h->n, "cur", out);
    lw_buf_printf(out, "</svg>\n");
    lw_kll_view_free(view[LW_REF]);
    lw_kll_view_free(view[LW_CUR]);
    free(h);
}

/* ---- categories ---- */

struct chart_bar {
    int64_t order;
    char name[96];
    double share[LW_SIDES];
};

static size_t collect_bars(const struct lw_report_column *c, struct chart_bar **out,
                           bool *whole) {
    struct lw_cats *both = lw_cats_clone(c->member[LW_REF]->cats);
    lw_cats_merge(both, c->member[LW_CUR]->cats);
    lw_cats_seal(both);
    size_t n = lw_cats_size(both);
    *out = lw_calloc(n + 1, sizeof **out);
    *whole = true;
    for (size_t i = 0; i < n; i++) {
        struct lw_cat cat = lw_cats_at(both, i);
        struct chart_bar *b = &(*out)[i];
        *whole &= cat.text == NULL;
        b->order = (int64_t)cat.key;
        lw_cat_name(&cat, b->name, sizeof b->name);
        for (int s = 0; s < LW_SIDES; s++) {
            double all = (double)lw_cats_n(c->member[s]->cats);
            double count = (double)lw_cats_count(c->member[s]->cats, cat.key);
            b->share[s] = all > 0 ? count / all : 0;
        }
    }
    lw_cats_free(both);
    return n;
}

static int compare_order(const void *a, const void *b) {
    const struct chart_bar *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

static int compare_size(const void *a, const void *b) {
    const struct chart_bar *x = a, *y = b;
    double dx = fmax(x->share[0], x->share[1]), dy = fmax(y->share[0], y->share[1]);
    return (dx < dy) - (dx > dy);
}

static double tallest_share(const struct chart_bar *bar, size_t n) {
    double top = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, fmax(bar[i].share[0], bar[i].share[1]));
    return top > 0 ? top : 1;
}

/* Columns side by side, in order. */
static void ordered_chart(const struct lw_report_column *c, struct chart_bar *bar,
                          size_t n, struct lw_buf *out) {
    struct lw_svg_axes a = {.x = 52,
                            .y = 10,
                            .w = WIDTH - 64,
                            .h = 170,
                            .x1 = (double)n,
                            .y1 = 1.06 * tallest_share(bar, n)};
    double step = a.w / (double)n, w = step * 0.4;
    size_t every = n > 16 ? 2 : 1;
    qsort(bar, n, sizeof *bar, compare_order);
    open_svg(206, c->column.name, out);
    lw_svg_axes_draw(&a, &(struct lw_svg_axes_labels){.ny = 6, .percent = true}, out);
    for (size_t i = 0; i < n; i++) {
        double x = a.x + step * (double)i + step * 0.1;
        for (int s = 0; s < LW_SIDES; s++) {
            double y = lw_svg_axes_y(&a, bar[i].share[s]);
            lw_buf_printf(
                out,
                "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                s == LW_REF ? "refbar" : "curbar", x + w * s, y, w, a.y + a.h - y);
        }
        if (i % every == 0)
            lw_buf_printf(out,
                          "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" "
                          "text-anchor=\"middle\">%s</text>\n",
                          x + w, a.y + a.h + 16, bar[i].name);
    }
    lw_buf_printf(out, "</svg>\n");
}

/* Named pairs of bars, largest first. */
static void pairs_chart(const struct lw_report_column *c, struct chart_bar *bar, size_t n,
                        struct lw_buf *out) {
    enum { ROW = 24, LEFT = 120 };
    char text[2][32];
    qsort(bar, n, sizeof *bar, compare_size);
    n = n > PAIRS ? PAIRS : n;
    double top = tallest_share(bar, n), scale = (WIDTH - LEFT - 120) / top;
    open_svg((int)n * ROW + 8, c->column.name, out);
    for (size_t i = 0; i < n; i++) {
        double y = 4 + ROW * (double)i, *share = bar[i].share;
        lw_buf_printf(out,
                      "<text class=\"tick\" x=\"%d\" y=\"%.0f\" text-anchor=\"end\">",
                      LEFT - 8, y + 14);
        lw_html_str(out, lw_text_column(bar[i].name, 0, 20).text);
        lw_buf_printf(out,
                      "</text><rect class=\"refbar\" x=\"%d\" y=\"%.0f\" width=\"%.1f\" "
                      "height=\"9\"/><rect class=\"curbar\" x=\"%d\" y=\"%.0f\" "
                      "width=\"%.1f\" height=\"9\"/>",
                      LEFT, y, share[0] * scale, LEFT, y + 9, share[1] * scale);
        lw_buf_printf(out, "<text class=\"tick\" x=\"%.1f\" y=\"%.0f\">%s → %s</text>\n",
                      LEFT + fmax(share[0], share[1]) * scale + 6, y + 14,
                      lw_svg_percent(text[0], sizeof text[0], share[0]),
                      lw_svg_percent(text[1], sizeof text[1], share[1]));
    }
    lw_buf_printf(out, "</svg>\n");
}

static void category_chart(const struct lw_report_column *c, struct lw_buf *out) {
    struct chart_bar *bar;
    bool whole;
    size_t n = collect_bars(c, &bar, &whole);
    if (n && whole && n <= ORDERED_MAX)
        ordered_chart(c, bar, n, out);
    else if (n)
        pairs_chart(c, bar, n, out);
    free(bar);
}

void lw_report_chart(const struct lw_report *r, const struct lw_report_column *c,
                     struct lw_buf *out) {
    if (c->drift.n_ref == 0 || c->drift.n_cur == 0)
        return;
    if (c->column.kind == LW_CATEGORY)
        category_chart(c, out);
    else
        number_chart(r, c, out);
}
