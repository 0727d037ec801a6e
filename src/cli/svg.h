/* SVG written by hand: axes with round ticks, step curves, numbers as labels. Colours are
 * classes, so the surrounding page or the picture's own style chooses light or dark. */
#ifndef LW_CLI_SVG_H
#define LW_CLI_SVG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A frame in pixels over a range of values. */
struct lw_svg_axes {
    double x, y, w, h; /* the frame: top left, size */
    double x0, x1;     /* left and right value */
    double y0, y1;     /* bottom and top value */
};
double lw_svg_axes_x(const struct lw_svg_axes *a, double v);
double lw_svg_axes_y(const struct lw_svg_axes *a, double v);

#define LW_TICKS_MAX 12
/* Sets at most max round numbers (1, 2 or 5 times a power of ten apart) in [lo, hi] and
 * returns their number. */
int lw_svg_ticks(double lo, double hi, int max, double ticks[LW_TICKS_MAX]);

/* A short number: "12,345", "3.14", "0.0021", "1.2e+09". At most 32 bytes. */
char *lw_svg_number(char *out, size_t size, double v);
/* "1.9 to 2.6", with enough digits to tell neighbouring ranges apart. */
char *lw_svg_range(char *out, size_t size, double lo, double hi);
/* "12.3 %", "0.42 %". */
char *lw_svg_percent(char *out, size_t size, double share);

/* Grid lines, tick labels and titles. */
struct lw_svg_axes_labels {
    const char *x, *y; /* titles, or NULL */
    int nx, ny;        /* maximum numbers of ticks */
    bool percent;      /* y is a share */
};
void lw_svg_axes_draw(const struct lw_svg_axes *a,
                      const struct lw_svg_axes_labels *labels, struct lw_buf *out);
/* A step curve over n bins with edges[0..n] (shares: height values), as one path of the
 * given class, closed to the bottom. */
void lw_svg_axes_steps(const struct lw_svg_axes *a, const double *edges,
                       const double *height, size_t n, const char *class_name,
                       struct lw_buf *out);

#endif
