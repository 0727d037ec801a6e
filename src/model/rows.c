#include "model/rows.h"

#include <math.h>

#include "model/dataset_private.h"

size_t lw_rows_next(const struct lw_rows *rows, size_t *at, uint32_t idx[LW_CHUNK]) {
    const int64_t *time = lw_dataset_times(rows->ds);
    const double *target = lw_dataset_targets(rows->ds);
    size_t n = 0, i = *at;
    for (; i < rows->end && n < LW_CHUNK; i++) {
        idx[n] = (uint32_t)i;
        n += time[i] >= rows->since && isfinite(target[i]) &&
             lw_fold_has(&rows->fold, time[i]) && lw_fold_has(&rows->part, time[i]);
    }
    *at = i;
    return n;
}

void lw_rows_weights(const struct lw_rows *rows, const uint32_t *idx, size_t n,
                     double *w) {
    const int64_t *time = lw_dataset_times(rows->ds);
    double scale = rows->half_life ? -1.0 / (double)rows->half_life : 0;
    for (size_t i = 0; i < n; i++) {
        double age = (double)(rows->as_of - time[idx[i]]);
        w[i] = scale != 0 ? exp2(scale * (age > 0 ? age : 0)) : 1;
    }
}
