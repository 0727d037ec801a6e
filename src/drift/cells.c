/* From sketches to cells.
 *
 * Small cells: the limit laws of chi-square and PSI need an expected count of about five
 * (Cochran 1954). With 265 zones and 500 rows most cells are far below that, which is why
 * other tools report drift between two halves of one month. Here every cell whose
 * expected count (from both samples pooled, in the smaller sample) is below LW_CELL_MIN
 * is merged: neighbouring cells for bins, one common "rest" for categories. The choice
 * uses only pooled counts, so under the null hypothesis it does not favour a difference.
 * A growing tail of rare or new categories still shows, as growth of the rest.
 *
 * Sketch noise: once a KLL sketch has compacted, a rank has a zero-mean error. Its
 * standard deviation, measured over k = 50..800, n up to a million, streamed and merged
 * from up to 1,000 panes (bench_drift ranks), is 0.35 to 0.61 over k. The library's 99 %
 * bound over all ranks is 5.5 times the largest of those, and accounts for the coarsest k
 * that was merged in, so the variance is taken as (bound / 5.5)^2. It is 0 for a sketch
 * that holds every item. */
#include "drift/cells.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

void lw_cells_fini(struct lw_cells *c) {
    free(c->ref);
    free(c->cur);
    *c = (struct lw_cells){0};
}

void lw_cells_put(struct lw_cells *c, double ref, double cur) {
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 32;
        c->ref = lw_realloc(c->ref, c->cap, sizeof *c->ref);
        c->cur = lw_realloc(c->cur, c->cap, sizeof *c->cur);
    }
    c->ref[c->n] = ref;
    c->cur[c->n++] = cur;
    c->n_ref += ref;
    c->n_cur += cur;
}

double lw_cells_sketch_variance(const struct lw_kll *kll) {
    if (lw_kll_retained(kll) >= lw_kll_n(kll))
        return 0.0;
    double sd = lw_kll_rank_error(kll, 1) / 5.5;
    return sd * sd;
}

void lw_cells_numeric(struct lw_cells *out, const struct lw_numeric *ref,
                      const struct lw_numeric *cur, const struct lw_bins *bins) {
    double n_ref = (double)lw_kll_n(ref->kll), n_cur = (double)lw_kll_n(cur->kll);
    struct lw_kll_view *vr = lw_kll_view_new(ref->kll), *vc = lw_kll_view_new(cur->kll);
    double at_ref = 0.0, at_cur = 0.0;
    for (int i = 0; i <= bins->nedges; i++) {
        bool last = i == bins->nedges;
        double r = last ? 1.0 : lw_kll_view_rank(vr, bins->edge[i]);
        double c = last ? 1.0 : lw_kll_view_rank(vc, bins->edge[i]);
        r = r > at_ref ? r : at_ref; /* stored edges may be out of order or NaN: */
        c = c > at_cur ? c : at_cur; /* the bin is then empty, not negative */
        lw_cells_put(out, n_ref * (r - at_ref), n_cur * (c - at_cur));
        at_ref = r;
        at_cur = c;
    }
    out->n_ref = n_ref;
    out->n_cur = n_cur;
    out->noise = lw_cells_sketch_variance(ref->kll) + lw_cells_sketch_variance(cur->kll);
    lw_kll_view_free(vr);
    lw_kll_view_free(vc);
}

double lw_cells_expected(double ref, double cur, double n_ref, double n_cur) {
    return (ref + cur) / (n_ref + n_cur) * fmin(n_ref, n_cur);
}

void lw_cells_merge_ordered(struct lw_cells *c) {
    size_t k = 0; /* cells finished */
    double ref = 0.0, cur = 0.0;
    for (size_t i = 0; i < c->n; i++) {
        ref += c->ref[i];
        cur += c->cur[i];
        if (lw_cells_expected(ref, cur, c->n_ref, c->n_cur) < LW_CELL_MIN)
            continue;
        c->ref[k] = ref;
        c->cur[k++] = cur;
        ref = cur = 0.0;
    }
    if (k == 0) { /* all cells together are too small */
        c->ref[k] = ref;
        c->cur[k++] = cur;
    } else { /* a small remainder joins the last cell */
        c->ref[k - 1] += ref;
        c->cur[k - 1] += cur;
    }
    c->n = k;
}
