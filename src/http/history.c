/* GET /api/v1/history and /api/v1/heatmap: figures of past evaluations. */
#include "store/history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/private.h"

#define FIELDS_MAX 32 /* that a request may name */

struct names {
    size_t n;
    char text[LW_HISTORY_FIELDS_MAX][LW_NAME_MAX + 48];
    const char *at[LW_HISTORY_FIELDS_MAX];
};

static void add_name(struct names *names, const char *window, const char *field,
                     size_t len) {
    static const char *const plain[] = {"at",
                                        "champion",
                                        "champion_age_hours",
                                        "alerts_firing",
                                        "training",
                                        "unreadable_panes",
                                        "updated"};
    bool bare = !window;
    for (size_t i = 0; !bare && i < sizeof plain / sizeof *plain; i++)
        bare = strlen(plain[i]) == len && strncmp(plain[i], field, len) == 0;
    snprintf(names->text[names->n], sizeof names->text[0], "%s%s%.*s", bare ? "" : window,
             bare ? "" : ":", (int)len, field);
    names->at[names->n] = names->text[names->n];
    names->n++;
}

/* "rmse,psi:trip_distance" */
static bool parse_fields(struct lw_call *c, const char *window, const char *text,
                         struct names *out, json_t *list) {
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        if (out->n == FIELDS_MAX || len == 0 || len > LW_NAME_MAX) {
            lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                         "fields must be 1 to %d names of figures, separated by commas",
                         FIELDS_MAX);
            return false;
        }
        json_t *name = json_stringn(at, len);
        if (!name) {
            lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "fields is no UTF-8 text");
            return false;
        }
        json_array_append_new(list, name);
        add_name(out, window, at, len);
        at += len + (at[len] == ',');
    }
    return true;
}

static bool parse_span(struct lw_call *c, struct lw_history_query *q, int64_t standard,
                       int64_t most) {
    int64_t max = standard;
    q->from_ms = INT64_MIN;
    q->until_ms = INT64_MAX;
    if (!lw_call_int(c, "from", 0, INT64_C(1) << 53, &q->from_ms) ||
        !lw_call_int(c, "until", 0, INT64_C(1) << 53, &q->until_ms) ||
        !lw_call_int(c, "max", 1, most, &max))
        return false;
    q->max = (size_t)max;
    return true;
}

/* Figures that are written as 0 when they are unknown: errors over too few rows. */
static json_t *value_json(const char *field, double v, double n) {
    static const char *const never_zero[] = {"rmse", "rmse_se", "mae", "r2"};
    const char *metric = strchr(field, ':');
    metric = metric ? metric + 1 : field;
    if (strcmp(metric, "rmse_expected") == 0 || strcmp(metric, "rmse_ratio") == 0 ||
        strcmp(metric, "rmse_first") == 0)
        return v > 0 ? lw_json_number(v) : json_null();
    for (size_t i = 0; i < sizeof never_zero / sizeof *never_zero; i++)
        if (strcmp(metric, never_zero[i]) == 0 && !(n >= 2))
            return json_null();
    return lw_json_number(v);
}

/* The last two columns are the window's n and the champion. */
static json_t *rows_json(const struct lw_history *h, const struct names *names,
                         json_t *champions) {
    json_t *rows = json_array();
    size_t shown = names->n - 2;
    for (size_t i = 0; i < h->n; i++) {
        const double *v = &h->value[i * names->n];
        json_t *row = json_array();
        json_array_append_new(row, json_integer(h->at_ms[i]));
        for (size_t k = 0; k < shown; k++)
            json_array_append_new(row, value_json(names->at[k], v[k], v[shown]));
        json_array_append_new(rows, row);
        json_array_append_new(champions, v[shown + 1] > 0
                                             ? json_integer((json_int_t)v[shown + 1])
                                             : json_null());
    }
    return rows;
}

void lw_serve_history(struct lw_call *c) {
    struct names names = {0};
    struct lw_history_query q = {0};
    struct lw_history h;
    struct lw_err err = {0};
    const struct lw_window_spec *w = lw_call_window(c);
    const char *fields = lw_call_arg(c, "fields");
    json_t *list = json_array();
    if (!w || !parse_span(c, &q, 2000, 20000) ||
        !parse_fields(c, w->name, fields && *fields ? fields : "rmse,rmse_expected",
                      &names, list)) {
        json_decref(list);
        return;
    }
    add_name(&names, w->name, "n", 1);
    add_name(&names, NULL, "champion", 8);
    q.nfields = names.n;
    q.field = names.at;
    q.pause = lw_ask_yield;
    q.arg = c;
    if (lw_history_read(c->redis, c->server->spec, &q, &h, &err)) {
        json_decref(list);
        lw_call_err(c, &err);
        return;
    }
    lw_ask_done(c);
    json_t *o = json_object(), *champions = json_array();
    json_object_set_new(o, "window", json_string(w->name));
    json_object_set_new(o, "fields", list);
    json_object_set_new(o, "rows", rows_json(&h, &names, champions));
    json_object_set_new(o, "champion", champions);
    json_object_set_new(o, "truncated", json_boolean(h.thinned));
    lw_history_fini(&h);
    lw_call_json(c, o);
}

/* ---- heat map ---- */

/* Metrics that there are of each feature, of the target and the prediction too or not. */
static bool heat_metric(const char *name, bool *of_scores) {
    static const char *const scores[] = {"psi", "js", "drift"};
    static const char *const features[] = {"missing", "out_of_range", "unseen",
                                           "psi_first"};
    *of_scores = false;
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++)
        if (strcmp(name, scores[i]) == 0)
            return *of_scores = true;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        if (strcmp(name, features[i]) == 0)
            return true;
    return false;
}

static json_t *heat_json(const struct lw_history *h, size_t n, json_t *at) {
    json_t *values = json_array();
    for (size_t i = 0; i < h->n; i++) {
        const double *v = &h->value[i * (n + 1)];
        json_t *row = json_array();
        for (size_t k = 0; k < n; k++) /* without a champion nothing was compared */
            json_array_append_new(row, v[n] > 0 ? lw_json_number(v[k]) : json_null());
        json_array_append_new(values, row);
        json_array_append_new(at, json_integer(h->at_ms[i]));
    }
    return values;
}

void lw_serve_heatmap(struct lw_call *c) {
    const struct lw_spec *spec = c->server->spec;
    struct names names = {0};
    struct lw_history_query q = {0};
    struct lw_history h;
    struct lw_err err = {0};
    char field[LW_NAME_MAX + 40];
    bool of_scores = false;
    const struct lw_window_spec *w = lw_call_window(c);
    const char *metric = lw_call_arg(c, "metric");
    metric = metric && *metric ? metric : "psi";
    if (!w || !parse_span(c, &q, 400, 4000))
        return;
    if (!heat_metric(metric, &of_scores)) {
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                     "metric must be psi, js, drift, missing, out_of_range, unseen or "
                     "psi_first (got \"%.60s\")",
                     metric);
        return;
    }
    json_t *features = json_array();
    for (size_t i = 0; i < spec->nfeatures + (of_scores ? 2 : 0); i++) {
        const char *f = i < spec->nfeatures    ? spec->feature[i].name
                        : i == spec->nfeatures ? "target"
                                               : "prediction";
        int len = snprintf(field, sizeof field, "%s:%s", metric, f);
        add_name(&names, w->name, field, (size_t)len);
        json_array_append_new(features, json_string(f));
    }
    size_t shown = names.n;
    add_name(&names, NULL, "champion", 8);
    q.nfields = names.n;
    q.field = names.at;
    q.pause = lw_ask_yield;
    q.arg = c;
    if (lw_history_read(c->redis, spec, &q, &h, &err)) {
        json_decref(features);
        lw_call_err(c, &err);
        return;
    }
    lw_ask_done(c);
    json_t *o = json_object(), *at = json_array();
    json_object_set_new(o, "metric", json_string(metric));
    json_object_set_new(o, "window", json_string(w->name));
    json_object_set_new(o, "features", features);
    json_object_set_new(o, "values", heat_json(&h, shown, at));
    json_object_set_new(o, "at_ms", at);
    lw_history_fini(&h);
    lw_call_json(c, o);
}
