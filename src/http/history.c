/* GET /api/v1/history and /api/v1/heatmap: figures of past evaluations. */
#include "store/history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/task.h"
#include "http/now.h"
#include "http/private.h"
#include "http/serve.h"

#define FIELDS_MAX 32 /* per request */

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

/* "n,psi:trip_distance" */
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
            lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "fields is not valid UTF-8");
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

/* The metric of "week:psi:trip_distance", or NULL. */
static const struct lw_metric *metric_of(const char *field) {
    char name[LW_NAME_MAX];
    const char *at = strchr(field, ':');
    at = at ? at + 1 : field;
    size_t len = strcspn(at, ":");
    lw_copy(name, len + 1 < sizeof name ? len + 1 : sizeof name, at);
    return lw_metric_find(name);
}

/* Some unknown figures are stored as 0. Whether a comparison was made at that time is not
 * in the row, so a figure of a column counts as known if it was written. */
static json_t *value_json(const char *field, double v, double n) {
    const struct lw_metric *metric = metric_of(field);
    bool known = metric ? lw_metric_known(metric, v, n, 1, true) : isfinite(v);
    return known ? lw_json_number(v) : json_null();
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
    const struct lw_task *task = c->server->spec->task;
    char standard[160];
    snprintf(standard, sizeof standard, "%s,%s", task->figure[0].key,
             lw_task_error_key(task, "", "_expected").text);
    json_t *list = json_array();
    if (!w || !parse_span(c, &q, 2000, 20000) ||
        !parse_fields(c, w->name, fields && *fields ? fields : standard, &names, list)) {
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
    lw_json_set_text(o, "window", w->name);
    lw_json_set(o, "fields", list);
    lw_json_set(o, "rows", rows_json(&h, &names, champions));
    lw_json_set(o, "champion", champions);
    lw_json_set_bool(o, "truncated", h.thinned);
    lw_history_fini(&h);
    lw_call_json(c, o);
}

/* ---- heat map ---- */

static void refuse_heat(struct lw_call *c, const char *got) {
    char names[400] = "";
    const struct lw_metric *metric;
    for (size_t i = 0, len = 0; (metric = lw_metric_at(i)) && len < sizeof names; i++)
        if (lw_metric_per_feature(metric))
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s",
                                    len ? ", " : "", metric->name);
    lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "metric must be one of %s (got \"%.60s\")",
                 names, got);
}

static json_t *heat_json(const struct lw_history *h, size_t n, json_t *at) {
    json_t *values = json_array();
    for (size_t i = 0; i < h->n; i++) {
        const double *v = &h->value[i * (n + 1)];
        json_t *row = json_array();
        for (size_t k = 0; k < n; k++) /* without a champion there was no comparison */
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
    const struct lw_window_spec *w = lw_call_window(c);
    const char *name = lw_call_arg(c, "metric");
    name = name && *name ? name : "psi";
    const struct lw_metric *metric = lw_metric_find(name);
    if (!w || !parse_span(c, &q, 400, 4000))
        return;
    if (!metric || !lw_metric_per_feature(metric)) {
        refuse_heat(c, name);
        return;
    }
    json_t *features = json_array();
    for (size_t i = 0; i < spec->nfeatures + 2; i++) {
        const char *f = lw_now_column_name(spec, i);
        if (i >= spec->nfeatures && !lw_metric_has_column(metric, spec, i))
            continue;
        int len = snprintf(field, sizeof field, "%s:%s", name, f);
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
    lw_json_set_text(o, "metric", name);
    lw_json_set_text(o, "window", w->name);
    lw_json_set(o, "features", features);
    lw_json_set(o, "values", heat_json(&h, shown, at));
    lw_json_set(o, "at_ms", at);
    lw_history_fini(&h);
    lw_call_json(c, o);
}
