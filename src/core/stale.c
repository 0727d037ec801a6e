/* See stale.h. */
#include "core/stale.h"

#include <math.h>

#include "base/time.h"

size_t lw_stale_blocks(const struct lw_windows *w, size_t i, uint32_t version,
                       struct lw_losses block[LW_STALE_BLOCKS]) {
    const struct lw_spec *spec = lw_windows_spec(w);
    int64_t days = spec->window[i].length_ms / LW_DAY + 2, newest = INT64_MIN;
    int64_t length = (days + LW_STALE_BLOCKS - 1) / LW_STALE_BLOCKS;
    size_t n = 0;
    for (size_t k = lw_windows_first(w, i); k < lw_windows_panes(w); k++) {
        const struct lw_pane *pane = lw_windows_pane(w, k);
        const struct lw_scores *s = lw_pane_scores(pane, version);
        if (!s || s->losses.n == 0)
            continue;
        int64_t at = lw_floor_div(lw_zone_day(spec->zone, pane->start_ms), length);
        if (at != newest && n < LW_STALE_BLOCKS)
            block[n++] = (struct lw_losses){0};
        newest = at;
        lw_losses_merge(&block[n - 1], &s->losses);
    }
    return n;
}

/* Of all blocks but one; SIZE_MAX: of all. */
static double gain_without(const struct lw_losses *block, size_t n, size_t one) {
    struct lw_losses sum = {0};
    for (size_t i = 0; i < n; i++)
        if (i != one)
            lw_losses_merge(&sum, &block[i]);
    return lw_losses_recalibration_gain(&sum);
}

double lw_stale_gain(const struct lw_losses *block, size_t n) {
    double gain = gain_without(block, n, SIZE_MAX), mean = 0, squares = 0;
    if (n < 2)
        return gain;
    for (size_t i = 0; i < n; i++) {
        double without = gain_without(block, n, i), apart = without - mean;
        mean += apart / (double)(i + 1);
        squares += apart * (without - mean);
    }
    double rest = (double)(n - 1);
    return gain - rest * (mean - gain) - sqrt(rest / (double)n * squares);
}
