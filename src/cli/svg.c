/* Coordinates have one decimal, which halves the size of a chart with thousands of
 * points. */
#include "cli/svg.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/html.h"

double lw_svg_axes_x(const struct lw_svg_axes *a, double v) {
    return a->x + a->w * (v - a->x0) / (a->x1 - a->x0);
}

double lw_svg_axes_y(const struct lw_svg_axes *a, double v) {
    return a->y + a->h * (1 - (v - a->y0) / (a->y1 - a->y0));
}

int lw_svg_ticks(double lo, double hi, int max, double ticks[LW_TICKS_MAX]) {
    static const double steps[] = {1, 2, 5, 10};
    if (!(hi > lo) || !isfinite(hi - lo))
        return 0;
    max = max > LW_TICKS_MAX ? LW_TICKS_MAX : max;
    double raw = (hi - lo) / max, unit = pow(10, floor(log10(raw))), step = 0;
    for (int i = 0; i < 4 && step < raw; i++)
        step = steps[i] * unit;
    int n = 0;
    double first = ceil(lo / step - 1e-9);
    while (n < max && (first + n) * step <= hi + 1e-9 * step) {
        ticks[n] = first + n == 0 ? 0 : (first + n) * step; /* no negative zero */
        n++;
    }
    return n;
}

char *lw_svg_number(char *out, size_t size, double v) {
    double size_of = fabs(v);
    if (!isfinite(v))
        snprintf(out, size, "–");
    else if (size_of >= 1e7 || (size_of > 0 && size_of < 1e-4))
        snprintf(out, size, "%.3g", v);
    else if (v >= 1000)
        lw_format_count(out, size, (uint64_t)llround(v));
    else if (size_of >= 100 || v == round(v))
        snprintf(out, size, "%.0f", v);
    else
        snprintf(out, size, "%.*f", size_of >= 10 ? 1 : size_of >= 1 ? 2 : 3, v);
    return out;
}

char *lw_svg_range(char *out, size_t size, double lo, double hi) {
    char from[32], to[32];
    lw_svg_number(from, sizeof from, lo);
    lw_svg_number(to, sizeof to, hi);
    if (strcmp(from, to) == 0 && lo < hi) { /* close values need all digits */
        lw_format_f64(from, sizeof from, lo);
        lw_format_f64(to, sizeof to, hi);
    }
    snprintf(out, size, "%s to %s", from, to);
    return out;
}

char *lw_svg_percent(char *out, size_t size, double share) {
    double p = 100 * share;
    if (p != 0 && fabs(p) < 0.005)
        snprintf(out, size, "<0.01 %%");
    else
        snprintf(out, size, "%.*f %%", p == 0 ? 0 : fabs(p) >= 1 ? 1 : 2, p);
    return out;
}

static void x_axis(const struct lw_svg_axes *a, int max, struct lw_buf *out) {
    double tick[LW_TICKS_MAX];
    char text[32];
    int n = lw_svg_ticks(a->x0, a->x1, max, tick);
    for (int i = 0; i < n; i++) {
        double x = lw_svg_axes_x(a, tick[i]);
        lw_buf_printf(out,
                      "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>"
                      "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" "
                      "text-anchor=\"middle\">%s</text>\n",
                      x, a->y, a->y + a->h, x, a->y + a->h + 16,
                      lw_svg_number(text, sizeof text, tick[i]));
    }
}

static void y_axis(const struct lw_svg_axes *a, int max, bool percent,
                   struct lw_buf *out) {
    double tick[LW_TICKS_MAX];
    char text[32];
    int n = lw_svg_ticks(a->y0, a->y1, max, tick);
    for (int i = 0; i < n; i++) {
        double y = lw_svg_axes_y(a, tick[i]);
        if (percent)
            snprintf(text, sizeof text, "%.4g %%", 100 * tick[i]);
        else
            lw_svg_number(text, sizeof text, tick[i]);
        lw_buf_printf(out,
                      "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>"
                      "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" "
                      "text-anchor=\"end\">%s</text>\n",
                      a->x, y, a->x + a->w, a->x - 6, y + 4, text);
    }
}

void lw_svg_axes_draw(const struct lw_svg_axes *a,
                      const struct lw_svg_axes_labels *labels, struct lw_buf *out) {
    const char *x_title = labels->x, *y_title = labels->y;
    x_axis(a, labels->nx, out);
    y_axis(a, labels->ny, labels->percent, out);
    if (x_title) {
        lw_buf_printf(out,
                      "<text class=\"label\" x=\"%.1f\" y=\"%.1f\" "
                      "text-anchor=\"middle\">",
                      a->x + a->w / 2, a->y + a->h + 36);
        lw_html_str(out, x_title);
        lw_buf_printf(out, "</text>\n");
    }
    if (y_title) {
        lw_buf_printf(out, "<text class=\"label\" x=\"%.1f\" y=\"%.1f\">", a->x,
                      a->y - 10);
        lw_html_str(out, y_title);
        lw_buf_printf(out, "</text>\n");
    }
}

void lw_svg_axes_steps(const struct lw_svg_axes *a, const double *edges,
                       const double *height, size_t n, const char *class_name,
                       struct lw_buf *out) {
    double bottom = a->y + a->h;
    lw_buf_printf(out, "<path class=\"%s\" d=\"M%.1f %.1f", class_name,
                  lw_svg_axes_x(a, edges[0]), bottom);
    for (size_t i = 0; i < n; i++)
        lw_buf_printf(out, "V%.1fH%.1f", lw_svg_axes_y(a, height[i]),
                      lw_svg_axes_x(a, edges[i + 1]));
    lw_buf_printf(out, "V%.1f\"/>\n", bottom);
}
