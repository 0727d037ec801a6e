/* The plot of `leeway evaluate --plot`: on the left predictions against actual values as
 * counts in hexagons, on the right both distributions.
 *
 * Hexagons instead of points, because a month has fifty thousand of them. Opacity is the
 * logarithm of the count, so the plot works on light and dark backgrounds. Hexagon
 * binning is Carr et al., "Scatterplot Matrix Techniques for Large N" (1987): the nearer
 * centre of two interleaved rectangular grids. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sort.h"
#include "base/text.h"
#include "cli/evaluate.h"
#include "cli/html.h"
#include "cli/svg.h"

#define COLUMNS 44
#define ROWS    52
#define BARS    59

static const char style[] =
    "<style>text{font:13px system-ui,sans-serif;fill:#222}.tick{font-size:12px;fill:#666}"
    ".title{font-size:17px;font-weight:600}.sub{fill:#555}.page{fill:#fff}"
    ".grid{stroke:#e4e4e4;fill:none}.hex{fill:#0b5cad}.same{stroke:#c2410c;"
    "stroke-width:1.5;stroke-dasharray:5 4;fill:none}"
    ".truth{fill:#9aa4ad;fill-opacity:.45;stroke:#66717b}"
    ".guess{fill:#0b5cad;fill-opacity:.12;stroke:#0b5cad;stroke-width:1.8}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e6e6}.tick{fill:#9a9a9a}"
    ".sub{fill:#b0b0b0}.page{fill:#16181b}.grid{stroke:#2c3035}.hex{fill:#6cb2ff}"
    ".same{stroke:#ff9d5c}.truth{fill:#7b858e;stroke:#a7b0b8}"
    ".guess{fill:#6cb2ff;stroke:#6cb2ff}}</style>\n";

/* The configured range; where it is unbounded, the middle 99 % of the actual values. */
static void value_range(const struct lw_evaluate_rows *rows,
                        const struct lw_evaluate_plot *plot, double *lo, double *hi) {
    double *v = lw_malloc(rows->n * sizeof *v);
    for (size_t i = 0; i < rows->n; i++)
        v[i] = rows->row[i].target;
    lw_sort_f64(v, rows->n);
    *lo = isfinite(plot->lo) ? plot->lo : v[rows->n / 200];
    *hi = isfinite(plot->hi) ? plot->hi : v[rows->n - 1 - rows->n / 200];
    if (!(*hi > *lo)) {
        *lo -= 1;
        *hi += 1;
    }
    free(v);
}

/* Index of the hexagon under (u, v), both in units of columns. Rows are sqrt(3)/2 apart,
 * odd ones shifted by half a column. */
static size_t hexagon_index(double u, double v) {
    double row = v / (sqrt(3) / 2);
    double r0 = floor(row), best = INFINITY;
    size_t at = 0;
    for (int k = 0; k < 2; k++) {
        double r = r0 + k, shift = fmod(r, 2) != 0 ? 0.5 : 0;
        double c = round(u - shift), du = u - shift - c, dv = (row - r) * sqrt(3) / 2;
        double d = du * du + dv * dv;
        if (d < best && c >= 0 && c < COLUMNS + 1 && r >= 0 && r < ROWS) {
            best = d;
            at = (size_t)r * (COLUMNS + 1) + (size_t)c;
        }
    }
    return at;
}

static uint32_t count_hexagons(const struct lw_evaluate_rows *rows, double lo, double hi,
                               uint32_t *count) {
    uint32_t most = 1;
    for (size_t i = 0; i < rows->n; i++) {
        double u = (rows->row[i].target - lo) / (hi - lo) * COLUMNS;
        double v = (rows->row[i].prediction - lo) / (hi - lo) * COLUMNS;
        if (!(u >= 0 && u <= COLUMNS && v >= 0 && v <= COLUMNS))
            continue;
        uint32_t *cell = &count[hexagon_index(u, v)];
        most = ++*cell > most ? *cell : most;
    }
    return most;
}

static void draw_hexagons(const struct lw_svg_axes *a, const uint32_t *count,
                          uint32_t most, struct lw_buf *out) {
    double step = a->w / COLUMNS, r = step / sqrt(3), half = step / 2;
    lw_buf_printf(out,
                  "<clipPath id=\"frame\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                  "height=\"%.1f\"/></clipPath>\n<g clip-path=\"url(#frame)\">\n",
                  a->x, a->y, a->w, a->h);
    for (size_t i = 0; i < (COLUMNS + 1) * ROWS; i++) {
        if (!count[i])
            continue;
        size_t row = i / (COLUMNS + 1), column = i % (COLUMNS + 1);
        double x = a->x + step * ((double)column + (row % 2 ? 0.5 : 0));
        double y = a->y + a->h - step * sqrt(3) / 2 * (double)row;
        double shade = 0.07 + 0.93 * log1p(count[i]) / log1p(most);
        lw_buf_printf(out,
                      "<path class=\"hex\" fill-opacity=\"%.2f\" d=\"M%.1f %.1fl%.2f "
                      "%.2fv%.2fl%.2f %.2fl%.2f %.2fv%.2fz\"/>\n",
                      shade, x, y - r, half, r / 2, r, -half, r / 2, -half, -r / 2, -r);
    }
    lw_buf_printf(out, "</g>\n");
}

static void draw_key(const struct lw_svg_axes *a, uint32_t most, struct lw_buf *out) {
    char text[32];
    double x = a->x + 12, y = a->y + 12;
    for (int i = 0; i < 5; i++)
        lw_buf_printf(out,
                      "<rect class=\"hex\" fill-opacity=\"%.2f\" x=\"%.1f\" y=\"%.1f\" "
                      "width=\"16\" height=\"10\"/>",
                      0.07 + 0.93 * i / 4, x + 16 * i, y);
    lw_buf_printf(out,
                  "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">1 to %s events, "
                  "logarithmic</text>\n",
                  x + 88, y + 9, lw_format_count(text, sizeof text, most));
}

static void draw_density(const struct lw_evaluate_rows *rows,
                         const struct lw_evaluate_plot *plot, double lo, double hi,
                         struct lw_buf *out) {
    struct lw_svg_axes a = {
        .x = 60, .y = 92, .w = 430, .h = 430, .x0 = lo, .x1 = hi, .y0 = lo, .y1 = hi};
    char x_title[160], y_title[160];
    uint32_t *count = lw_calloc((COLUMNS + 1) * ROWS, sizeof *count);
    uint32_t most = count_hexagons(rows, lo, hi, count);
    snprintf(x_title, sizeof x_title, "actual, %s", plot->target);
    snprintf(y_title, sizeof y_title, "prediction, %s", plot->target);
    lw_svg_axes_draw(&a,
                     &(struct lw_svg_axes_labels){
                         .x = x_title, .y = y_title, .nx = 8, .ny = 8, .percent = false},
                     out);
    draw_hexagons(&a, count, most, out);
    lw_buf_printf(out, "<path class=\"same\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", a.x,
                  a.y + a.h, a.x + a.w, a.y);
    draw_key(&a, most, out);
    free(count);
}

static void add_bar(double *bar, double v, double lo, double hi, double weight) {
    double at = floor((v - lo) / (hi - lo) * BARS);
    at = v == hi ? BARS - 1 : at;
    if (at >= 0 && at < BARS)
        bar[(size_t)at] += weight;
}

static void draw_legend(double x, double y, const char *class_name, const char *text,
                        struct lw_buf *out) {
    lw_buf_printf(out,
                  "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"22\" height=\"12\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                  class_name, x, y, x + 30, y + 11, text);
}

static void draw_distributions(const struct lw_evaluate_rows *rows,
                               const struct lw_evaluate_plot *plot, double lo, double hi,
                               struct lw_buf *out) {
    double edges[BARS + 1], truth[BARS] = {0}, guess[BARS] = {0}, top = 0;
    for (size_t i = 0; i < rows->n; i++) {
        add_bar(truth, rows->row[i].target, lo, hi, 1 / (double)rows->n);
        add_bar(guess, rows->row[i].prediction, lo, hi, 1 / (double)rows->n);
    }
    for (int i = 0; i <= BARS; i++)
        edges[i] = lo + (hi - lo) * i / BARS;
    for (int i = 0; i < BARS; i++)
        top = fmax(top, fmax(truth[i], guess[i]));
    struct lw_svg_axes a = {.x = 570,
                            .y = 92,
                            .w = 430,
                            .h = 430,
                            .x0 = lo,
                            .x1 = hi,
                            .y0 = 0,
                            .y1 = 1.08 * top};
    lw_svg_axes_draw(
        &a,
        &(struct lw_svg_axes_labels){
            .x = plot->target, .y = "share of events", .nx = 8, .ny = 8, .percent = true},
        out);
    lw_svg_axes_steps(&a, edges, truth, BARS, "truth", out);
    lw_svg_axes_steps(&a, edges, guess, BARS, "guess", out);
    draw_legend(a.x + a.w - 110, a.y + 10, "truth", "actual", out);
    draw_legend(a.x + a.w - 110, a.y + 30, "guess", "prediction", out);
}

/* "305,602 events · RMSE 5.123 ± 0.012 · MAE 3.456 · bias -0.123 · R² 0.789" */
static void draw_figures(const struct lw_losses *s, struct lw_buf *out) {
    char count[32];
    lw_buf_printf(out, "%s events", lw_format_count(count, sizeof count, s->n));
    for (const struct lw_task_figure *f = s->task->figure; f->key; f++) {
        lw_buf_printf(out, f->with_sign ? " · %s %+.3f" : " · %s %.3f", f->label,
                      f->value(s));
        if (f == s->task->figure && f->se)
            lw_buf_printf(out, " ± %.3f", f->se(s));
    }
}

void lw_evaluate_plot_draw(const struct lw_evaluate_rows *rows,
                           const struct lw_evaluate_plot *plot, struct lw_buf *out) {
    double lo, hi;
    value_range(rows, plot, &lo, &hi);
    lw_buf_printf(out,
                  "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1030 580\" "
                  "role=\"img\" aria-label=\"Predictions against actual values\">\n");
    lw_buf_put(out, style, sizeof style - 1);
    lw_buf_printf(out, "<rect class=\"page\" width=\"1030\" height=\"580\"/>\n"
                       "<text class=\"title\" x=\"60\" y=\"32\">");
    lw_html_str(out, plot->title);
    lw_buf_printf(out, "</text>\n<text class=\"sub\" x=\"60\" y=\"54\">");
    draw_figures(&plot->all->losses, out);
    lw_buf_printf(out, "</text>\n");
    draw_density(rows, plot, lo, hi, out);
    draw_distributions(rows, plot, lo, hi, out);
    lw_buf_printf(out, "</svg>\n");
}
