/* The chart of a backtest: daily error, frozen and managed.
 *
 * Vertical lines are trainings (solid: promoted; dashed: rejected or failed), triangles
 * below the frame are alerts (filled: critical). Each mark has a <title> for browsers and
 * screen readers. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "cli/html.h"
#include "cli/svg.h"

#define WIDTH  1040.0
#define HEIGHT 360.0

static double managed_error(const struct lw_cli_backtest_day *d) {
    return lw_losses_error(&d->managed);
}

static double frozen_error(const struct lw_cli_backtest_day *d) {
    return lw_losses_error(&d->frozen);
}

/* Ignores days with less than a tenth of the average events: their error is noisy. */
static void axes_widen(const struct lw_cli_backtest *b, struct lw_svg_axes *a) {
    double usual = 0;
    for (size_t i = 0; i < b->ndays; i++)
        usual += (double)b->day[i].managed.n / (double)b->ndays;
    for (size_t i = 0; i < b->ndays; i++) {
        const struct lw_cli_backtest_day *d = &b->day[i];
        double at = (double)d->day;
        a->x0 = fmin(a->x0, at);
        a->x1 = fmax(a->x1, at + 1);
        if ((double)d->managed.n < usual / 10)
            continue;
        a->y0 = fmin(a->y0, fmin(managed_error(d), frozen_error(d)));
        a->y1 = fmax(a->y1, fmax(managed_error(d), frozen_error(d)));
    }
}

static void month_ticks(const struct lw_svg_axes *a, struct lw_buf *out) {
    static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    enum { LABEL = 36 };
    double last = -1e9;
    for (int64_t day = (int64_t)ceil(a->x0); (double)day <= a->x1; day++) {
        struct lw_civil c = lw_civil(day * LW_DAY);
        double x = lw_svg_axes_x(a, (double)day);
        if (c.day != 1 && !(a->x1 - a->x0 < 45 && c.day % 7 == 1))
            continue;
        /* At the right edge the date fits only left of its line. */
        bool edge = x + LABEL > a->x + a->w;
        if (x - last < (edge ? 2 : 1) * LABEL)
            continue;
        last = x;
        lw_buf_printf(out,
                      "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/><text class=\"tick\" "
                      "x=\"%.1f\" y=\"%.1f\"%s>%d %s",
                      x, a->y, a->y + a->h, edge ? x - 3 : x + 3, a->y + a->h + 34,
                      edge ? " text-anchor=\"end\"" : "", c.day, names[c.month - 1]);
        if (c.month == 1 || last < a->x + 40)
            lw_buf_printf(out, " %d", c.year);
        lw_buf_printf(out, "</text>\n");
    }
}

static void draw_curve(const struct lw_svg_axes *a, const struct lw_cli_backtest *b,
                       double (*value)(const struct lw_cli_backtest_day *),
                       const char *class_name, struct lw_buf *out) {
    bool pen = false;
    int64_t last = 0;
    lw_buf_printf(out, "<path class=\"%s\" d=\"", class_name);
    for (size_t i = 0; i < b->ndays; i++) {
        const struct lw_cli_backtest_day *d = &b->day[i];
        double v = value(d);
        if (isnan(v)) {
            pen = false;
            continue;
        }
        v = fmin(fmax(v, a->y0), a->y1);
        pen = pen && d->day - last <= 1;
        lw_buf_printf(out, "%s%.1f %.1f", pen ? "L" : "M",
                      lw_svg_axes_x(a, (double)d->day + 0.5), lw_svg_axes_y(a, v));
        pen = true;
        last = d->day;
    }
    lw_buf_printf(out, "\"/>\n");
}

/* Where an instant is on the axis of local days. */
static double local_day(const struct lw_cli_backtest *b, int64_t ms) {
    return (double)lw_zone_clock(b->config->spec.zone, ms) / LW_DAY;
}

static void training_marks(const struct lw_svg_axes *a, const struct lw_cli_backtest *b,
                           struct lw_buf *out) {
    char when[32];
    for (size_t i = 0; i < b->ntrainings; i++) {
        const struct lw_cli_backtest_training *t = &b->training[i];
        bool promoted = !t->failed && t->t.gate.passed;
        double x = lw_svg_axes_x(a, local_day(b, t->request.as_of_ms));
        if (x < a->x - 1 || x > a->x + a->w + 1)
            continue;
        lw_buf_printf(out, "<g><title>%s, ",
                      lw_cli_event_time(when, b->config->spec.zone, t->request.as_of_ms));
        if (t->failed)
            lw_buf_printf(out, "training failed");
        else
            lw_buf_printf(out, "version %u %s", t->version,
                          promoted ? "promoted" : "rejected");
        lw_buf_printf(out, ": ");
        lw_html_str(out, t->request.reason);
        lw_buf_printf(out, "</title><path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/>",
                      promoted ? "promoted" : "rejected", x, a->y, a->y + a->h);
        if (!t->failed)
            lw_buf_printf(out, "<text class=\"mark\" x=\"%.1f\" y=\"%.1f\">v%u</text>",
                          x + 3, a->y + 11 + 12 * (double)(i % 3), t->version);
        lw_buf_printf(out, "</g>\n");
    }
}

static void alert_marks(const struct lw_svg_axes *a, const struct lw_cli_backtest *b,
                        struct lw_buf *out) {
    char when[32];
    for (size_t i = 0; i < b->nalerts; i++) {
        const struct lw_alert *alert = &b->alert[i];
        double x = lw_svg_axes_x(a, local_day(b, alert->at_ms)), y = a->y + a->h + 5;
        if (!alert->firing || x < a->x - 1 || x > a->x + a->w + 1)
            continue;
        lw_buf_printf(out, "<g><title>%s, %s: ",
                      lw_cli_event_time(when, b->config->spec.zone, alert->at_ms),
                      lw_alert_severity_name(alert->severity));
        lw_html_str(out, alert->summary);
        lw_buf_printf(out,
                      "</title><path class=\"alert %s\" "
                      "d=\"M%.1f %.1fl5 9h-10z\"/></g>\n",
                      alert->severity == LW_SEVERITY_CRITICAL ? "critical" : "warning", x,
                      y);
    }
}

static void draw_key(double x, const char *class_name, const char *text,
                     struct lw_buf *out) {
    lw_buf_printf(out, "<path class=\"%s\" d=\"M%.1f 14h22\"/><text x=\"%.1f\" y=\"18\">",
                  class_name, x, x + 28);
    lw_html_str(out, text);
    lw_buf_printf(out, "</text>\n");
}

void lw_cli_backtest_chart(const struct lw_cli_backtest *b,
                           const struct lw_cli_backtest *other, struct lw_buf *out) {
    struct lw_svg_axes a = {.x = 44,
                            .y = 34,
                            .w = WIDTH - 54,
                            .h = HEIGHT - 84,
                            .x0 = INFINITY,
                            .x1 = -INFINITY,
                            .y0 = INFINITY,
                            .y1 = -INFINITY};
    axes_widen(b, &a);
    if (other)
        axes_widen(other, &a);
    if (!(a.x1 > a.x0) || !(a.y1 >= a.y0))
        return;
    double margin = 0.06 * (a.y1 - a.y0) + 1e-6 * fabs(a.y1) + 1e-12;
    a.y0 -= margin;
    a.y1 += margin;
    lw_buf_printf(
        out,
        "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"Error of each "
        "day, frozen and managed, with trainings and alerts\">\n",
        WIDTH, HEIGHT);
    lw_svg_axes_draw(&a, &(struct lw_svg_axes_labels){.ny = 6}, out);
    month_ticks(&a, out);
    training_marks(&a, b, out);
    draw_curve(&a, b, frozen_error, "frozenline", out);
    if (other)
        draw_curve(&a, other, managed_error, "otherline", out);
    draw_curve(&a, b, managed_error, "managedline", out);
    alert_marks(&a, b, out);
    draw_key(44, "frozenline", "frozen first model", out);
    draw_key(200, "managedline", other ? "managed, A" : "managed", out);
    if (other)
        draw_key(310, "otherline", "managed, B", out);
    draw_key(430, "promoted", "promoted", out);
    draw_key(540, "rejected", "rejected", out);
    lw_buf_printf(out,
                  "<path class=\"alert critical\" d=\"M656 9l5 9h-10z\"/><text x=\"666\" "
                  "y=\"18\">critical</text><path class=\"alert warning\" d=\"M736 9l5 "
                  "9h-10z\"/><text x=\"746\" y=\"18\">warning</text></svg>\n");
}
