/* Sides of a report from files with a configuration: decoding, target and features are
 * those of the stream. Features include rejected events; predictions and errors do not. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/report.h"

struct report_reading {
    const struct lw_spec *spec;
    const struct lw_model *model; /* NULL: none */
    struct lw_report_side *side;
};

static void grow_rows(struct lw_report_rows *rows) {
    rows->cap = rows->cap ? 2 * rows->cap : 4096;
    rows->target = lw_realloc(rows->target, rows->cap, sizeof *rows->target);
    rows->prediction = lw_realloc(rows->prediction, rows->cap, sizeof *rows->prediction);
    rows->value = lw_realloc(rows->value, rows->cap * rows->width, sizeof *rows->value);
    rows->present =
        lw_realloc(rows->present, rows->cap * rows->width, sizeof *rows->present);
}

static void add_row(struct lw_report_rows *rows, const struct lw_spec *spec,
                    const struct lw_cell *watched, double target, double prediction) {
    if (rows->n == rows->cap)
        grow_rows(rows);
    rows->target[rows->n] = target;
    rows->prediction[rows->n] = prediction;
    for (size_t i = 0; i < rows->width; i++) {
        size_t at = rows->n * rows->width + i;
        rows->present[at] = watched[i].present;
        rows->value[at] = watched[i].key;
        if (spec->column[i].kind == LW_NUMERIC)
            memcpy(&rows->value[at], &watched[i].num, sizeof rows->value[at]);
    }
    rows->n++;
}

static int add_event(void *arg, const struct lw_feed_event *event, struct lw_err *err) {
    struct report_reading *in = arg;
    struct lw_report_side *side = in->side;
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    (void)err;
    if (event->reason < 0)
        return 0;
    lw_spec_watch(in->spec, &event->row, watched);
    lw_profile_add(side->profile, watched);
    lw_kll_update(side->times, (double)event->row.time_ms);
    if (!in->model || event->reason != LW_GOOD)
        return 0;
    double p = lw_model_predict(in->model, &event->row), y = event->row.target;
    lw_losses_add(&side->errors, in->spec->task, y, p);
    lw_profile_add_numeric(side->scores, 0, p);
    lw_profile_add_numeric(side->scores, 1, p - y);
    add_row(&side->rows, in->spec, watched, y, p);
    return 0;
}

/* The configured columns with larger sketches. */
static void make_columns(struct lw_report *r) {
    const struct lw_spec *spec = &r->config->spec;
    size_t n = spec->nfeatures + 1;
    r->columns = lw_calloc(n + 2, sizeof *r->columns);
    memcpy(r->columns, spec->column, n * sizeof *r->columns);
    memcpy(r->columns + n, spec->score_column, 2 * sizeof *r->columns);
    for (size_t i = 0; i < n + 2; i++)
        r->columns[i].k = LW_REPORT_K;
}

static int read_side(struct lw_report *r, int which, const struct lw_model *model,
                     struct lw_err *err) {
    const struct lw_spec *spec = &r->config->spec;
    struct lw_report_side *side = &r->side[which];
    struct report_reading in = {.spec = spec, .model = model, .side = side};
    side->profile = lw_profile_new(r->columns, spec->nfeatures + 1, 0);
    side->scores = lw_profile_new(r->columns + spec->nfeatures + 1, 2, 0);
    side->times = lw_kll_new(LW_REPORT_K, 0);
    side->rows.width = spec->nfeatures;
    struct lw_input reader = {.paths = side->files,
                              .n = side->nfiles,
                              .what = which == LW_REF ? "reference" : "current",
                              .take = add_event,
                              .arg = &in};
    if (lw_input_read(r->config, &reader, &side->tally, err))
        return -1;
    if (side->tally.records == side->tally.unusable)
        return lw_fail(err, LW_EINPUT, "%s: none of its records could be read%s%s",
                       side->files[0], side->tally.unusable ? ": " : "",
                       side->tally.first_unusable);
    return 0;
}

int lw_report_read_configured(struct lw_report *r, const struct lw_model *model,
                              struct lw_err *err) {
    json_t *schema[LW_SIDES] = {NULL};
    int rc = lw_report_schemas(r, &schema[LW_REF], &schema[LW_CUR], err);
    json_decref(schema[LW_REF]);
    json_decref(schema[LW_CUR]);
    make_columns(r);
    if (rc || read_side(r, LW_REF, model, err) || read_side(r, LW_CUR, model, err))
        return -1;
    const struct lw_spec *spec = &r->config->spec;
    struct lw_report_side *ref = &r->side[LW_REF], *cur = &r->side[LW_CUR];
    for (size_t i = 0; i <= spec->nfeatures; i++)
        lw_report_add_column(r, &r->columns[i], &ref->profile->members[i],
                             &cur->profile->members[i]);
    if (!model)
        return 0;
    lw_report_segments(r);
    lw_report_add_column(r, &r->columns[spec->nfeatures + 1], &ref->scores->members[0],
                         &cur->scores->members[0]);
    snprintf(r->model, sizeof r->model, "%s (%s)", lw_model_name(model),
             lw_model_kind(model));
    return 0;
}
