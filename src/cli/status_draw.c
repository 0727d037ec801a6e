/* The status as text. Each sparkline has its own scale, with its lowest and highest value
 * at its ends. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "cli/quarantine.h"
#include "cli/status.h"
#include "core/observe.h"
#include "core/task.h"

#define SPARK 20
#define DRAWN (SPARK + 16) /* columns of a sparkline with its ends */

/* "-" for unknown values. */
static void put_figure(struct lw_buf *out, int width, int decimals, double v) {
    lw_buf_printf(out, " %*s", width, lw_digits(v, decimals).text);
}

/* Lowest value, line, highest value; padded by hand because printf counts bytes. */
static void put_spark(struct lw_buf *out, const struct lw_status_series *s,
                      int decimals) {
    char line[3 * SPARK + 1];
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < s->n; i++) {
        least = fmin(least, s->value[i]);
        most = fmax(most, s->value[i]);
    }
    if (s->n < 2 || least > most) {
        lw_buf_printf(out, "%*s", DRAWN, "");
        return;
    }
    lw_sparkline(line, sizeof line, s->value, s->n, SPARK);
    lw_buf_printf(out, " %7s %s%*s %-6s", lw_digits(least, decimals).text, line,
                  s->n < SPARK ? (int)(SPARK - s->n) : 0, "",
                  lw_digits(most, decimals).text);
}

static void put_head(const struct lw_status *s, struct lw_buf *out) {
    char when[32], age[40];
    double at = lw_status_figure(s, "", "at");
    double champion = lw_status_figure(s, "", "champion");
    double hours = lw_status_figure(s, "", "champion_age_hours");
    lw_buf_printf(out, "%s: %s, ", s->config->spec.stream,
                  at > 0 ? lw_format_time(when, sizeof when, (int64_t)at)
                         : "no pane sealed yet");
    if (champion > 0)
        lw_buf_printf(out, "champion version %.0f", champion);
    else
        lw_buf_printf(out, "no champion yet");
    if (champion > 0 && hours >= 1 && hours < 1e6)
        lw_buf_printf(
            out, " (for %s)",
            lw_format_duration(age, sizeof age, (int64_t)llround(hours) * LW_HOUR));
    double firing = fmax(lw_status_figure(s, "", "alerts_firing"), 0);
    lw_buf_printf(out, ", %.0f alert%s firing%s\n", firing, firing == 1 ? "" : "s",
                  lw_status_figure(s, "", "training") > 0 ? ", training" : "");
}

/* "tracking: served since ...; to a prediction p of version 2 it adds 0.412 - 0.031 (p -
 * 15.800)" */
static void put_tracking(const struct lw_status *s, struct lw_buf *out) {
    char when[32];
    uint32_t champion = (uint32_t)fmax(lw_status_figure(s, "", "champion"), 0);
    const struct lw_tracking *t = lw_tracking_find(&s->tracking, champion);
    if (!t)
        return;
    lw_buf_printf(out, "  tracking: %s", s->tracking.served ? "served" : "not served");
    if (s->tracking_since_ms)
        lw_buf_printf(out, " since %s",
                      lw_format_time(when, sizeof when, s->tracking_since_ms));
    lw_buf_printf(out, "; to a prediction p of version %u it adds %s", champion,
                  lw_digits(t->a, 3).text);
    lw_buf_printf(out, " %c %s (p - %s)\n", t->b < 0 ? '-' : '+',
                  lw_digits(fabs(t->b), 3).text, lw_digits(t->c, 3).text);
}

#define WINDOW_COLUMNS_MAX (LW_TASK_FIGURES_MAX + 3)

struct window_column {
    struct lw_task_name key;
    const char *heading;
};

/* The error with its expectation, the figures that say in which direction it is, and the
 * error of version 1. */
static size_t window_columns(const struct lw_task *task,
                             struct window_column out[WINDOW_COLUMNS_MAX]) {
    static const char *const of_error[][2] = {{"_expected", "expected"},
                                              {"_ratio", "ratio"}};
    size_t n = 0;
    out[n++] =
        (struct window_column){lw_task_error_key(task, "", ""), task->figure[0].key};
    for (size_t i = 0; i < 2; i++)
        out[n++] = (struct window_column){lw_task_error_key(task, "", of_error[i][0]),
                                          of_error[i][1]};
    for (const struct lw_task_figure *f = task->figure + 1; f->key; f++)
        if (f->with_sign) {
            snprintf(out[n].key.text, sizeof out[n].key.text, "%s", f->key);
            out[n++].heading = f->key;
        }
    out[n++] = (struct window_column){lw_task_error_key(task, "", "_first"), "first"};
    return n;
}

static void put_windows(const struct lw_status *s, struct lw_buf *out) {
    const struct lw_spec *spec = &s->config->spec;
    if (lw_observe_is_all(spec)) {
        lw_buf_printf(out, "  no errors: the stream has no %s\n",
                      lw_spec_labelled(spec) ? "predictions" : "target");
        return;
    }
    const char *error = spec->task->figure[0].key;
    struct window_column column[WINDOW_COLUMNS_MAX];
    size_t ncolumns = window_columns(spec->task, column);
    lw_buf_printf(out, "\n  %-12s %9s", "window", "n");
    for (size_t k = 0; k < ncolumns; k++)
        lw_buf_printf(out, " %9s", column[k].heading);
    if (s->at.n > 1)
        lw_buf_printf(out, "%*s%-*s%*s%s", 9, "", DRAWN - 9, error, 9, "", "ratio");
    lw_buf_printf(out, "\n");
    for (size_t i = 0; i < spec->nwindows; i++) {
        const char *w = spec->window[i].name;
        double n = lw_status_figure(s, w, "n");
        lw_buf_printf(out, "  %s", lw_text_column(w, 12, 40).text);
        put_figure(out, 9, 0, n);
        for (size_t k = 0; k < ncolumns; k++)
            put_figure(out, 9, 3,
                       n > 0 ? lw_status_figure(s, w, column[k].key.text) : NAN);
        put_spark(out, &s->error[i], 2);
        put_spark(out, &s->ratio[i], 2);
        lw_buf_printf(out, "\n");
    }
}

/* "   DRIFT: median 12.1 → 25.3 (× 2.09)", "   shifted: 75: 0.5 → 2.5 %" */
static void put_verdict(const struct lw_status *s, const char *window,
                        const char *feature, struct lw_buf *out) {
    char name[LW_NAME_MAX + 16], safe[2 * LW_SHIFT_TEXT];
    snprintf(name, sizeof name, "drift:%s", feature);
    bool drift = lw_status_figure(s, window, name) > 0;
    snprintf(name, sizeof name, "shifted:%s", feature);
    bool shifted = lw_status_figure(s, window, name) > 0;
    snprintf(name, sizeof name, "shift:%s", feature);
    const char *what = lw_status_text(s, window, name);
    if (drift || shifted)
        lw_buf_printf(out, "   %s", drift ? "DRIFT" : "shifted");
    if ((drift || shifted) && what)
        lw_buf_printf(out, ": %s", lw_text_safe(safe, sizeof safe, what, strlen(what)));
    lw_buf_printf(out, "\n");
}

static void put_features(const struct lw_status *s, struct lw_buf *out) {
    const struct lw_metric *metric;
    const struct lw_spec *spec = &s->config->spec;
    const char *w = spec->window[spec->nwindows - 1].name;
    char span[40], name[LW_NAME_MAX + 16];
    lw_buf_printf(out, "\n  %-24s", "feature");
    for (size_t k = 0; (metric = lw_metric_at(k)); k++)
        if (metric->flags & LW_METRIC_IN_STATUS)
            lw_buf_printf(out, " %9s", metric->name);
    if (s->at.n > 1)
        lw_buf_printf(out, "%*s%-*s", 9, "", DRAWN - 9, "psi");
    lw_buf_printf(out, "   over %s\n", w);
    for (size_t i = 0; i < spec->nfeatures; i++) {
        lw_buf_printf(out, "  %s", lw_text_column(spec->feature[i].name, 24, 40).text);
        for (size_t k = 0; (metric = lw_metric_at(k)); k++) {
            if (!(metric->flags & LW_METRIC_IN_STATUS))
                continue;
            snprintf(name, sizeof name, "%s:%s", metric->name, spec->feature[i].name);
            put_figure(out, 9, 3, lw_status_figure(s, w, name));
        }
        if (s->at.n > 1)
            put_spark(out, &s->psi[i], 2);
        put_verdict(s, w, spec->feature[i].name, out);
    }
    if (s->at.n > 1)
        lw_buf_printf(out, "  sparklines: the last %s of event time\n",
                      lw_format_duration(span, sizeof span, s->last_ms - s->first_ms));
}

/* Events left out of all windows because of their time. */
static void put_uncounted(const struct lw_status *s, struct lw_buf *out) {
    uint64_t n = 0, late = 0, suspect = 0;
    for (int32_t p = 0; p < s->nparts; p++) {
        n += s->part[p].counter[LW_COUNT_MESSAGES];
        late += s->part[p].counter[LW_COUNT_LATE];
        suspect += s->part[p].counter[LW_COUNT_SUSPECT];
    }
    if (n == 0 || late + suspect == 0)
        return;
    lw_buf_printf(out, "; %.1f%% of the messages were late, %.1f%% had suspect times",
                  100 * (double)late / (double)n, 100 * (double)suspect / (double)n);
}

/* Problems of leeway itself. */
static void put_troubles(const struct lw_status *s, struct lw_buf *out) {
    char when[32], ill[200], safe[2 * LW_HEALTH_TEXT];
    if (*lw_status_problem(s, ill, sizeof ill))
        lw_buf_printf(out, "  stalled: %s\n", ill);
    for (size_t i = 0; i < s->facts->nprocesses; i++)
        for (size_t k = 0; k < s->facts->process[i].ntroubles; k++) {
            const struct lw_trouble *t = &s->facts->process[i].trouble[k];
            lw_buf_printf(out, "  stalled: %s: %s",
                          lw_health_component_name(t->component),
                          lw_text_safe(safe, sizeof safe, t->text, strlen(t->text)));
            lw_buf_printf(out, " (%s, since %s)\n", lw_text_column(t->who, 0, 96).text,
                          lw_format_time(when, sizeof when, t->since_ms));
        }
}

static void put_partitions(const struct lw_status *s, struct lw_buf *out) {
    char when[32], count[32], why[300], safe[600];
    lw_buf_printf(out, "\n  %-9s %12s %9s %10s %8s %13s %8s  %-20s %s\n", "partition",
                  "next offset", "lag", "messages", "rejected", "dead-lettered", "late",
                  "watermark", "owner");
    for (int32_t p = 0; p < s->nparts; p++) {
        const struct lw_partition_view *v = &s->part[p];
        bool stalled = lw_status_stalled(s, p, why, sizeof why);
        if (!v->known && !stalled)
            continue;
        lw_buf_printf(out, "  %-9d", p);
        put_figure(out, 12, 0, v->known ? (double)v->next_offset : NAN);
        put_figure(out, 9, 0, lw_status_lag_of(s, p));
        lw_buf_printf(
            out, " %10" PRIu64 " %8" PRIu64 " %13" PRIu64 " %8" PRIu64 "  %-20s %s%s\n",
            v->counter[LW_COUNT_MESSAGES], v->counter[LW_COUNT_REJECTED],
            v->counter[LW_COUNT_DEAD_LETTERED], v->counter[LW_COUNT_LATE],
            v->watermark_ms == INT64_MIN
                ? "-"
                : lw_format_time(when, sizeof when, v->watermark_ms),
            lw_text_column(v->owner, 0, 96).text,
            stalled   ? " (stalled)"
            : v->idle ? " (idle)"
                      : "");
        if (stalled && s->facts->nprocesses) /* otherwise reported once, above */
            lw_buf_printf(out, "%12s%s\n", "",
                          lw_text_safe(safe, sizeof safe, why, strlen(why)));
    }
    double lag = lw_status_lag(s);
    if (isfinite(lag))
        lw_buf_printf(out, "  total lag %s",
                      lw_format_count(count, sizeof count, (uint64_t)lag));
    else if (s->kafka_away[0])
        lw_buf_printf(out, "  lag unknown: %s", s->kafka_away);
    put_uncounted(s, out);
    if (s->lag.n > 1) {
        lw_buf_printf(out, "   while watched");
        put_spark(out, &s->lag, 0);
    }
    lw_buf_printf(out, "\n");
}

void lw_status_draw(const struct lw_status *s, struct lw_buf *out) {
    put_head(s, out);
    put_tracking(s, out);
    put_troubles(s, out);
    lw_cli_quarantine_text(s->quarantine, out);
    if (lw_status_figure(s, "", "at") > 0) {
        put_windows(s, out);
        put_features(s, out);
    }
    put_partitions(s, out);
}
