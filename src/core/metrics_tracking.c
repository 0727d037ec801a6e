/* Metrics of tracking: what the champion's error is with and without it, and how far it
 * leans. */
#include <math.h>

#include "core/monitor_private.h"

double lw__metric_untracked(const struct lw_metric_input *in) {
    return lw_losses_error(&in->view->counts.plain);
}

double lw__metric_tracked(const struct lw_metric_input *in) {
    return lw_losses_error(&in->view->counts.tracked);
}

/* The mean shift of the window in sizes that it usually has: a model that leans on
 * tracking more than ever is due for a training, although its error still looks good. */
struct lw_reading lw__metric_shift_read(const struct lw_metric_input *in) {
    const struct lw_counts *c = &in->view->counts;
    int64_t length = in->m->spec->window[in->window].length_ms;
    int64_t from = lw_windows_end(in->m->windows) - length;
    double usual = lw_tracking_usual_shift(&in->m->tracking, in->m->spec, from);
    double shift = c->plain.n ? lw_losses_figure(&c->tracked, "bias") -
                                    lw_losses_figure(&c->plain, "bias")
                              : NAN;
    double value = fabs(shift) / usual;
    bool known = isfinite(value);
    return (struct lw_reading){
        .n = c->plain.n, .known = known, .significant = true, .value = known ? value : 0};
}

double lw__metric_shift(const struct lw_metric_input *in) {
    struct lw_reading r = lw__metric_shift_read(in);
    return r.known ? r.value : NAN;
}
