/* Writes one step of the monitor.
 *
 * The monitor's state and all its decisions are written by one script. A leader that
 * dies has written either nothing (its successor decides the same) or everything (the
 * successor continues after it), so each pane is evaluated once and each alert sent
 * once. A step whose answer was lost is sent again by the caller; the script
 * recognises it by the hash of its content. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/damage.h"
#include "store/evaluation.h"
#include "store/figures.h"
#include "store/guard.h"
#include "store/notifications.h"
#include "store/tracking_text.h"
#include "store/unreadable.h"

void lw__evaluation_id(const struct lw_evaluation_step *step, const struct lw_buf *state,
                       const char *extra, char out[17]) {
    struct lw_buf all = {0};
    lw_buf_put(&all, state->data, state->len);
    lw_buf_printf(&all, "|%" PRId64 "|%d|%s", step->evaluation->at_ms, step->sealed,
                  extra);
    if (step->asked) /* the same request may be made again */
        lw_buf_printf(&all, "|asked %" PRId64, step->now_ms);
    for (size_t i = 0; step->notifications && i < step->notifications->noutgoing; i++)
        lw_buf_printf(&all, "|%s", step->notifications->outgoing[i].id);
    for (size_t i = 0; i < step->evaluation->ndecisions; i++)
        lw_buf_printf(&all, "|%d %u", (int)step->evaluation->decision[i].kind,
                      step->evaluation->decision[i].version);
    snprintf(out, 17, "%016" PRIx64, lw_text_key((const char *)all.data, all.len));
    lw_buf_fini(&all);
}

/* Offsets are kept for the oldest row that a training may read, including a training
 * that was requested earlier and still runs. INT64_MIN: keep all. */
static int64_t keep_from(const struct lw_spec *spec, const struct lw_monitor *m) {
    int64_t at = lw_monitor_sealed_until(m), window = spec->retrain.window_ms;
    struct lw_request request = lw_monitor_request(m);
    if (at == INT64_MIN || window <= 0)
        return INT64_MIN;
    if (request.id && request.as_of_ms < at)
        at = request.as_of_ms;
    if (spec->retrain.reference_ms > window)
        window = spec->retrain.reference_ms;
    return at - window - LW_WEEK - spec->pane_ms;
}

/* The quarantine as JSON, for people and other programs. Names need no escapes
 * (config/read.c). */
static void quarantine_json(const struct lw_monitor *m, struct lw_buf *out) {
    const struct lw_quarantine *q = lw_monitor_quarantine(m);
    lw_buf_printf(out, "[");
    for (size_t i = 0; i < q->n; i++) {
        const struct lw_span *s = &q->span[i];
        lw_buf_printf(out,
                      "%s{\"id\":%u,\"feature\":\"%s\",\"from\":%" PRId64
                      ",\"until\":%" PRId64 ",\"why\":\"%s\"}",
                      i ? "," : "", s->id, s->feature, s->from_ms,
                      s->open ? INT64_C(0) : s->until_ms, s->why);
    }
    lw_buf_printf(out, "]");
}

static bool serving_changes(const struct lw_evaluation_step *step) {
    return lw_monitor_tracking(step->monitor)->served != step->served;
}

static void put_tracking(struct lw_cmd *c, const struct lw_evaluation_step *step) {
    char text[LW_TRACKING_TEXT_MAX];
    lw_cmd_str(c, "tracking");
    lw_cmd_str(c, lw_tracking_text(lw_monitor_tracking(step->monitor), text));
    if (!serving_changes(step))
        return;
    lw_cmd_str(c, "tracking_since");
    lw_cmd_int(c, step->evaluation->at_ms);
}

static void put_monitor(struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, const struct lw_buf *state,
                        const char *id) {
    uint32_t shadow[LW_VERSIONS_MAX];
    size_t n = lw_monitor_shadows(step->monitor, shadow), used = 0;
    char shadows[12 * LW_VERSIONS_MAX] = "";
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(shadows + used, sizeof shadows - used, "%s%u",
                                 i ? " " : "", shadow[i]);
    int64_t keep = keep_from(spec, step->monitor);
    int64_t sealed = lw_monitor_sealed_until(step->monitor);
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "monitor");
    if (sealed != INT64_MIN) {
        lw_cmd_str(c, "sealed_until");
        lw_cmd_int(c, sealed);
    }
    if (keep != INT64_MIN) {
        lw_cmd_str(c, "keep_from");
        lw_cmd_int(c, keep);
    }
    lw_cmd_str(c, "state");
    lw_cmd_arg(c, state->data, state->len);
    lw_cmd_str(c, "quarantine");
    struct lw_buf spans = {0};
    quarantine_json(step->monitor, &spans);
    lw_cmd_arg(c, spans.data, spans.len);
    lw_buf_fini(&spans);
    lw_cmd_str(c, "shadows");
    lw_cmd_str(c, shadows);
    put_tracking(c, step);
    lw_cmd_str(c, "step");
    lw_cmd_str(c, id);
    lw_cmd_str(c, "updated");
    lw_cmd_int(c, step->now_ms);
    lw_cmd_fill(c, slot);
}

/* Deletes panes that have left the longest window. */
static void put_forget(struct lw_cmd *c, const struct lw_spec *spec,
                       const struct lw_monitor *m) {
    int64_t sealed = lw_monitor_sealed_until(m);
    char prefix[LW_KEY_MAX];
    if (sealed == INT64_MIN)
        return;
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "FORGET");
    lw_key_arg(c, spec, "panes");
    lw_cmd_str(c, lw_key(prefix, spec, "pane:"));
    lw_cmd_int(c, sealed - lw_spec_longest_window(spec) - spec->pane_ms);
    lw_cmd_fill(c, slot);
}

static void put_line_by(struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, const char *what,
                        const char *who, const char *detail) {
    size_t slot = lw_cmd_slot(c);
    lw__audit_words(c, spec,
                    &(struct lw_audit_line){what, who, detail, step->evaluation->at_ms,
                                            step->now_ms});
    lw_cmd_fill(c, slot);
}

static void put_line(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_evaluation_step *step, const char *what,
                     const char *detail) {
    put_line_by(c, spec, step, what, step->lease->who, detail);
}

static void put_evaluated(struct lw_cmd *c, const struct lw_spec *spec,
                          const struct lw_evaluation_step *step) {
    char text[64];
    const struct lw_evaluation *e = step->evaluation;
    snprintf(text, sizeof text, "%zu figures, %zu alerts", e->nfigures, e->nalerts);
    size_t slot = lw_cmd_slot(c);
    lw__audit_evaluation_words(c, spec,
                               &(struct lw_audit_line){"evaluated", step->lease->who,
                                                       text, e->at_ms, step->now_ms});
    lw_cmd_fill(c, slot);
}

/* "critical recalibration: 9.7% of the squared error ..." */
static void put_alert(struct lw_cmd *c, const struct lw_spec *spec,
                      const struct lw_evaluation_step *step, const struct lw_alert *a) {
    char text[sizeof a->summary + 2 * LW_NAME_MAX + 32];
    snprintf(text, sizeof text, "%s %s%s%s: %s", lw_alert_severity_name(a->severity),
             a->name, a->feature[0] ? " of " : "", a->feature, a->summary);
    put_line(c, spec, step, a->firing ? "fired" : "resolved", text);
}

static void put_spans(struct lw_cmd *c, const struct lw_spec *spec,
                      const struct lw_evaluation_step *step) {
    static const char *const what[] = {"quarantined", "quarantine_ended", "released"};
    const struct lw_evaluation *e = step->evaluation;
    char text[300];
    for (size_t i = 0; i < e->nspans; i++) {
        lw_quarantine_span_text(text, sizeof text, &e->span[i].span);
        put_line_by(c, spec, step, what[e->span[i].what],
                    e->span[i].what == LW_SPAN_RELEASED ? e->by : step->lease->who, text);
    }
}

static void put_audit(struct lw_cmd *c, const struct lw_spec *spec,
                      const struct lw_evaluation_step *step) {
    const struct lw_evaluation *e = step->evaluation;
    char text[480];
    if (step->sealed)
        put_evaluated(c, spec, step);
    for (size_t i = 0; i < e->nalerts; i++)
        put_alert(c, spec, step, &e->alert[i]);
    if (e->request.id)
        put_line(c, spec, step, "training", e->request.reason);
    for (size_t i = 0; i < e->ndecisions; i++) {
        const struct lw_decision *d = &e->decision[i];
        snprintf(text, sizeof text, "version %u (other: %u): %s", d->version, d->other,
                 d->reason);
        put_line(c, spec, step, lw_decision_name(d->kind), text);
    }
    put_spans(c, spec, step);
    if (serving_changes(step))
        put_line(c, spec, step, step->served ? "tracking_stopped" : "tracking_served",
                 step->served ? "the corrected predictions were not better any more"
                              : "the corrected predictions have the smaller error");
    if (e->postponed[0])
        put_line(c, spec, step, "training_postponed", e->postponed);
}

static void put_taken(struct lw_cmd *c, const struct lw_spec *spec) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "LPOP");
    lw_key_arg(c, spec, "asks");
    lw_cmd_fill(c, slot);
}

void lw__evaluation_put(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, const struct lw_buf *state,
                        const char *id) {
    if (step->sealed) {
        lw__figures_put(c, spec, step);
        if (step->evaluation->columns)
            lw__figures_put_windows(r, c, spec, step->monitor);
        put_forget(c, spec, step->monitor);
    }
    lw__unreadable_put(c, spec, step);
    lw__notifications_put(r, c, spec, step);
    put_audit(c, spec, step);
    if (step->asked)
        put_taken(c, spec);
    put_monitor(c, spec, step, state, id);
}

int lw_evaluation_write(struct lw_redis *r, const struct lw_spec *spec,
                        const struct lw_evaluation_step *step, struct lw_err *err) {
    struct lw_buf state = {0};
    char id[17];
    lw_monitor_write(step->monitor, &state);
    lw__evaluation_id(step, &state, "", id);
    struct lw_cmd *c = lw_guard_begin(r, spec, step->lease, step, id);
    lw__evaluation_put(r, c, spec, step, &state, id);
    lw_buf_fini(&state);
    return lw_guard_run(r, c, "evaluation", err);
}
