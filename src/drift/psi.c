/* PSI = sum over cells of (r - c) ln(r / c), r and c the two samples' shares: the
 * symmetrised Kullback-Leibler divergence (Jeffreys 1946), 0 for equal shares, unbounded.
 *
 * An empty cell would make it infinite. Peers floor shares at 1e-4 or at the smallest
 * double, so that their PSI depends on the floor (one documents 134.95). Here a cell that
 * is empty on one side counts half a row there: the figure then says what n rows can say,
 * and grows with n. A cell empty on both sides says nothing and counts nothing.
 *
 * With nothing changed PSI is about (1/n + 1/m) times a chi-square of cells - 1 degrees
 * of freedom; the caller subtracts that expectation (lw_chi_square: null_psi). */
#include "drift/stats.h"

#include <math.h>

double lw_psi(const struct lw_cells *c) {
    double sum = 0.0;
    for (size_t i = 0; i < c->n; i++) {
        if (c->ref[i] <= 0.0 && c->cur[i] <= 0.0)
            continue;
        double r = fmax(c->ref[i], 0.5) / c->n_ref;
        double q = fmax(c->cur[i], 0.5) / c->n_cur;
        sum += (r - q) * log(r / q);
    }
    return sum;
}
