/* See observe.h. */
#include "core/observe.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/week.h"

bool lw_observe_is_all(const struct lw_spec *spec) {
    return !lw_spec_labelled(spec) || !lw_spec_predicts(spec);
}

void lw_observe_verdict(const struct lw_spec *spec, bool first, struct lw_gate *gate) {
    const char *first_of = spec->predictor == LW_PREDICTOR_NONE
                               ? "first reference of the stream"
                               : "first reference of the predictions made elsewhere";
    gate->passed = true;
    lw_copy(gate->reason, sizeof gate->reason,
            first ? first_of : "the reference was renewed");
}

/* Distribution of the predictions that the rows carry, whole and by part of the week. */
static void take_predictions(const struct lw_spec *spec, const struct lw_model *model,
                             const struct lw_fit_rows *rows, struct lw_reference *ref) {
    size_t n = rows->end - rows->begin;
    double *predicted = lw_malloc((n + 1) * sizeof *predicted);
    lw_model_predict_rows(model, rows->ds, rows->begin, rows->end, predicted);
    for (size_t i = 0; i < n; i++) {
        int64_t at = lw_dataset_time(rows->ds, rows->begin + i);
        lw_profile_add_numeric(ref->scores, 0, predicted[i]);
        if (ref->score_week)
            lw_week_add_numeric(ref->score_week,
                                lw_week_part(spec, lw_spec_pane_start(spec, at)), 0,
                                predicted[i]);
    }
    free(predicted);
}

int lw_observe(const struct lw_spec *spec, const struct lw_dataset *ds, bool first,
               const struct lw_pane *recent, struct lw_training *out,
               struct lw_err *err) {
    const struct lw_fit_spec *fit = &spec->candidate[0];
    size_t from = lw_dataset_lower_bound(ds, out->as_of_ms - spec->retrain.reference_ms);
    size_t end = lw_dataset_lower_bound(ds, out->as_of_ms);
    char when[32];
    out->rows = end - from;
    out->early = end - from < 2;
    if (out->early)
        return lw_fail(err, LW_EINPUT, "%zu usable rows for a reference before %s",
                       end - from, lw_format_time(when, sizeof when, out->as_of_ms));
    out->rows_from_ms = lw_dataset_time(ds, from);
    out->trial[0] /* chosen, but not tried */
        = (struct lw_trial){.fit = fit, .rows = out->rows, .error = NAN};
    lw_copy(out->trial[0].name, sizeof out->trial[0].name, fit->name);
    const struct lw_fit_rows rows = {
        .ds = ds, .begin = from, .end = end, .as_of_ms = out->as_of_ms};
    out->model = lw_fit(&rows, fit, NULL, err);
    if (!out->model)
        return -1;
    out->gate = (struct lw_gate){.n = out->rows,
                                 .champion_error = NAN,
                                 .challenger_error = NAN,
                                 .gain = NAN,
                                 .z = NAN};
    lw_observe_verdict(spec, first, &out->gate);
    out->reference = lw_reference_new(spec);
    out->reference->until_ms = out->as_of_ms;
    out->reference->from_ms = out->as_of_ms - spec->retrain.reference_ms;
    if (spec->predictor == LW_PREDICTOR_EVENTS)
        take_predictions(spec, out->model, &rows, out->reference);
    lw_reference_take(out->reference, spec, recent);
    if (lw_reference_check(spec, out->reference, err) == 0)
        return 0;
    lw_training_fini(out);
    return -1;
}
