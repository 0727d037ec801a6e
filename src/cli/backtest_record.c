/* Records a backtest: daily errors, every change of an alert, every training. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "engine/training_json.h"

static void print_event(const struct lw_cli_backtest *b, int64_t at_ms, const char *what,
                        const char *text) {
    char when[32];
    if (b->say)
        lw_cli_line(stdout, "%s  %-9s %s",
                    lw_cli_event_time(when, b->config->spec.zone, at_ms), what, text);
}

static void log_event(struct lw_cli_backtest *b, int64_t at_ms, const char *kind,
                      json_t *o) {
    lw_json_set_time(o, "at", at_ms);
    lw_json_set_text(o, "event", kind);
    json_array_append_new(b->log, o);
}

/* ---- alerts ---- */

static void note_found(struct lw_cli_backtest *b, const struct lw_alert *a) {
    for (size_t i = 0; i < b->injections.n; i++) {
        struct lw_cli_backtest_detection *f = &b->found[i];
        const struct lw_injection *in = &b->injections.list[i];
        if (a->at_ms <= in->from_ms) {
            f->before++;
        } else if (!f->at_ms) {
            f->at_ms = a->at_ms;
            snprintf(f->rule, sizeof f->rule, "%s%s%s", a->name, *a->feature ? " " : "",
                     a->feature);
        }
    }
}

static void note_alert(struct lw_cli_backtest *b, const struct lw_alert *a) {
    json_t *o = json_object();
    lw_json_set_text(o, "status", a->firing ? "firing" : "resolved");
    lw_json_set_text(o, "rule", a->name);
    lw_json_set_text(o, "feature", a->feature);
    lw_json_set_text(o, "severity", lw_alert_severity_name(a->severity));
    lw_json_set_number(o, "value", a->value);
    lw_json_set_number(o, "threshold", a->threshold);
    lw_json_set_number(o, "once_in_days", a->once_in_days);
    lw_json_set_count(o, "n", a->n);
    lw_json_set_text(o, "summary", a->summary);
    log_event(b, a->at_ms, "alert", o);
    print_event(b, a->at_ms, a->firing ? lw_alert_severity_name(a->severity) : "resolved",
                a->summary);
    if (b->nalerts == b->alerts_cap) {
        b->alerts_cap = b->alerts_cap ? 2 * b->alerts_cap : 64;
        b->alert = lw_realloc(b->alert, b->alerts_cap, sizeof *b->alert);
    }
    b->alert[b->nalerts++] = *a;
    if (a->firing)
        note_found(b, a);
}

/* ---- days ---- */

static struct lw_losses errors_since(const struct lw_losses *now,
                                     const struct lw_losses *before) {
    struct lw_losses s = {.task = now->task, .n = now->n - before->n};
    s.loss = now->loss - before->loss;
    return s;
}

/* The difference of two daily totals is the day's error, whichever versions answered. */
static void note_day(struct lw_cli_backtest *b, int64_t at_ms) {
    struct lw_month total;
    lw_run_summary_totals(lw_backtest_run_summary(b->backtest), &total);
    const struct lw_spec *spec = &b->config->spec;
    struct lw_cli_backtest_day day = {
        .day = lw_zone_day(spec->zone, at_ms - spec->pane_ms),
        .managed = errors_since(&total.answered, &b->answered),
        .frozen = errors_since(&total.first, &b->first),
        .champion = lw_monitor_champion_version(lw_backtest_monitor(b->backtest))};
    b->answered = total.answered;
    b->first = total.first;
    if (day.managed.n == 0) /* nothing scored, or already recorded */
        return;
    if (b->ndays == b->days_cap) {
        b->days_cap = b->days_cap ? 2 * b->days_cap : 128;
        b->day = lw_realloc(b->day, b->days_cap, sizeof *b->day);
    }
    b->day[b->ndays++] = day;
}

static void note_decision(struct lw_cli_backtest *b, const struct lw_decision *d) {
    bool back = d->kind == LW_DECIDED_ROLL_BACK;
    if (d->kind == LW_DECIDED_PROMOTE || d->kind == LW_DECIDED_REJECT)
        return; /* recorded with the training */
    json_t *o = json_object();
    lw_json_set_text(o, "decision", back ? "rolled back" : lw_cli_decision_word(d->kind));
    lw_json_set_int(o, "version", d->version);
    lw_json_set_text(o, "reason", d->reason);
    log_event(b, d->at_ms, "probation", o);
    print_event(b, d->at_ms, lw_cli_decision_word(d->kind), d->reason);
    for (size_t i = 0; back && i < b->ntrainings; i++)
        b->training[i].rolled_back |= b->training[i].version == d->version;
}

static void note_span(struct lw_cli_backtest *b, const struct lw_evaluation *e,
                      const struct lw_span_change *change) {
    static const char *const names[] = {"begins", "ends", "released"};
    const struct lw_span *span = &change->span;
    json_t *o = json_object();
    char text[300];
    lw_json_set_text(o, "quarantine", names[change->what]);
    lw_json_set_int(o, "id", span->id);
    lw_json_set_text(o, "feature", span->feature);
    lw_json_set_time(o, "from", span->from_ms);
    lw_json_set_time(o, "until", span->open ? INT64_MAX : span->until_ms);
    lw_json_set_text(o, "why", span->why);
    log_event(b, e->at_ms, "quarantine", o);
    print_event(b, e->at_ms, change->what == LW_SPAN_RELEASED ? "released" : "quarantine",
                lw_quarantine_span_text(text, sizeof text, span));
}

static void on_evaluated(void *arg, const struct lw_evaluation *e) {
    struct lw_cli_backtest *b = arg;
    for (size_t i = 0; i < e->nalerts; i++)
        note_alert(b, &e->alert[i]);
    for (size_t i = 0; i < e->ndecisions; i++)
        note_decision(b, &e->decision[i]);
    for (size_t i = 0; i < e->nspans; i++)
        note_span(b, e, &e->span[i]);
    if (lw_spec_due(&b->config->spec, e->at_ms, LW_DAY))
        note_day(b, e->at_ms);
}

/* ---- trainings ---- */

static void training_json(json_t *o, const struct lw_task *task, uint32_t version,
                          const struct lw_training *t) {
    lw_json_set_int(o, "version", version);
    lw_json_set_text(o, "candidate", t->trial[t->chosen].name);
    lw_json_set_count(o, "rows", t->rows);
    lw_json_set_time(o, "rows_from", t->rows_from_ms);
    lw_json_set_time(o, "heldout_from", t->holdout_from_ms);
    lw_json_set_count(o, "heldout_rows", t->holdout_rows);
    lw_json_set_number(o, lw_task_error_key(task, "heldout_", "").text,
                       t->gate.challenger_error);
    lw_json_set_number(o, lw_task_error_key(task, "champion_", "").text,
                       t->gate.blocks ? t->gate.champion_error : NAN);
    lw_json_set_number(o, "gain", t->gate.gain);
    lw_json_set_number(o, "z", t->gate.z);
    lw_json_set_bool(o, "promoted", t->gate.passed);
    lw_json_set_text(o, "verdict", t->gate.reason);
    lw_json_set(o, "trials", lw_training_json_trials(t, task->figure[0].key));
    lw_json_set(o, "left_out", lw_training_json_left_out(t));
}

/* A failed candidate is in no comparison, so it is reported here. */
static void print_failed_trials(const struct lw_cli_backtest *b, int64_t at_ms,
                                const struct lw_training *t) {
    char text[LW_NAME_MAX + LW_TRIAL_NOTE + 32];
    for (size_t i = 0; i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        if (!isnan(trial->error))
            continue;
        snprintf(text, sizeof text, "candidate %s: %s", trial->name, trial->note);
        print_event(b, at_ms, "failed", text);
    }
}

static struct lw_cli_backtest_training *add_training(struct lw_cli_backtest *b) {
    if (b->ntrainings == b->trainings_cap) {
        b->trainings_cap = b->trainings_cap ? 2 * b->trainings_cap : 16;
        b->training = lw_realloc(b->training, b->trainings_cap, sizeof *b->training);
    }
    struct lw_cli_backtest_training *r = &b->training[b->ntrainings++];
    *r = (struct lw_cli_backtest_training){0};
    return r;
}

static void on_trained(void *arg, const struct lw_request *request, uint32_t version,
                       const struct lw_training *t, const char *failure) {
    struct lw_cli_backtest *b = arg;
    struct lw_cli_backtest_training *r = add_training(b);
    char text[800];
    r->request = *request;
    r->log = json_object();
    lw_json_set_text(r->log, "reason", request->reason);
    if (t) {
        r->version = version;
        r->t = *t;
        r->t.model = NULL;
        r->t.reference = NULL;
        training_json(r->log, b->config->spec.task, version, t);
        print_failed_trials(b, request->as_of_ms, t);
        snprintf(text, sizeof text, "v%u %s (%s): %s", version, t->trial[t->chosen].name,
                 request->reason, t->gate.reason);
    } else {
        r->failed = true;
        lw_copy(r->failure, sizeof r->failure, failure);
        lw_json_set_text(r->log, "failure", failure);
        snprintf(text, sizeof text, "%s: %s", request->reason, failure);
    }
    print_event(b, request->as_of_ms,
                !t               ? "failed"
                : t->gate.passed ? "promoted"
                                 : "rejected",
                text);
    log_event(b, request->as_of_ms, "training", r->log);
}

static void on_followed(void *arg, const struct lw_followed *f) {
    struct lw_cli_backtest *b = arg;
    const struct lw_task *task = b->config->spec.task;
    char text[200];
    double now = lw_losses_error(&f->now), before = lw_losses_error(&f->before);
    for (size_t i = 0; i < b->ntrainings; i++) {
        struct lw_cli_backtest_training *r = &b->training[i];
        if (r->version != f->version || f->now.n == 0)
            continue;
        r->followed = *f;
        json_t *o = json_object();
        lw_json_set_count(o, "n", f->now.n);
        lw_json_set_number(o, task->figure[0].key, now);
        lw_json_set_number(o, lw_task_error_key(task, "previous_", "").text, before);
        lw_json_set_count(o, "days", f->days);
        lw_json_set_number(o, "difference", f->difference);
        lw_json_set_number(o, "se", f->se);
        lw_json_set_bool(o, "worse", f->worse);
        lw_json_set(r->log, "following_week", o);
        snprintf(text, sizeof text,
                 "version %u: %s %s, version %u's would be %s; %s %s by %s ± %s%s",
                 f->version, task->figure[0].label, lw_digits(now, 3).text, f->previous,
                 lw_digits(before, 3).text, task->loss,
                 f->difference > 0 ? "more" : "less",
                 lw_digits(fabs(f->difference), 3).text, lw_digits(f->se, 3).text,
                 f->worse ? ": worse (95 % confidence)" : "");
        print_event(b, f->until_ms, "week", text);
    }
}

struct lw_cli_backtest_following
lw_cli_backtest_following(const struct lw_cli_backtest *b) {
    struct lw_cli_backtest_following out = {0};
    for (size_t i = 0; i < b->ntrainings; i++) {
        const struct lw_followed *f = &b->training[i].followed;
        out.promotions += f->version != 0;
        out.higher += f->version && f->difference > 0;
        out.worse += f->version && f->worse;
    }
    return out;
}

static void on_scored(void *arg, const struct lw_row *row, const struct lw_cell *watched,
                      const struct lw_scored *scored, size_t nscored) {
    (void)watched;
    lw_cli_backtest_segments_row(arg, row, scored, nscored);
}

struct lw_backtest_hooks lw_cli_backtest_hooks(struct lw_cli_backtest *b) {
    return (struct lw_backtest_hooks){.arg = b,
                                      .evaluated = on_evaluated,
                                      .trained = on_trained,
                                      .followed = on_followed,
                                      .scored = b->nsegments ? on_scored : NULL};
}

int lw_cli_backtest_prepare(struct lw_cli_backtest *b,
                            const struct lw_cli_backtest_options *options,
                            struct lw_err *err) {
    const struct lw_event_spec *event = &b->config->spec.event;
    b->log = json_array();
    if (lw_injections_parse(&options->injections, event, &b->injections, err))
        return lw_err_context(err, "--inject");
    return lw_cli_backtest_segments_open(b, &options->segments, err);
}

void lw_cli_backtest_close(struct lw_cli_backtest *b,
                           const struct lw_backtest *backtest) {
    b->summary = *lw_backtest_run_summary(backtest);
    memcpy(b->counter, lw_backtest_counters(backtest), sizeof b->counter);
    lw_cli_backtest_segments_close(b);
}

void lw_cli_backtest_fini(struct lw_cli_backtest *b) {
    json_decref(b->log);
    free(b->day);
    free(b->alert);
    free(b->training);
    lw_cli_backtest_segments_fini(b);
}

/* ---- months ---- */

static bool in_month(const struct lw_cli_backtest *b, int64_t ms,
                     const struct lw_month *m) {
    struct lw_civil c = lw_zone_civil(b->config->spec.zone, ms);
    return c.year == m->year && c.month == m->month;
}

/* The highest severity of the incident of alert i. */
static enum lw_severity incident_severity(const struct lw_cli_backtest *b, size_t i) {
    enum lw_severity severity = b->alert[i].severity;
    for (size_t j = i + 1; j < b->nalerts; j++)
        if (b->alert[j].firing && b->alert[j].incident == b->alert[i].incident &&
            b->alert[j].severity > severity)
            severity = b->alert[j].severity;
    return severity;
}

static bool incident_counted(const struct lw_cli_backtest *b, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (b->alert[j].firing && b->alert[j].incident == b->alert[i].incident)
            return true;
    return false;
}

bool lw_cli_backtest_incident(const struct lw_cli_backtest *b, size_t i,
                              enum lw_severity *severity) {
    if (!b->alert[i].firing || !b->alert[i].rule || incident_counted(b, i))
        return false;
    *severity = incident_severity(b, i);
    return true;
}

void lw_cli_backtest_month(const struct lw_cli_backtest *b, const struct lw_month *m,
                           struct lw_cli_backtest_month *out) {
    *out = (struct lw_cli_backtest_month){0};
    for (size_t i = 0; i < b->ntrainings; i++) {
        const struct lw_cli_backtest_training *t = &b->training[i];
        if (t->request.bootstrap || !in_month(b, t->request.as_of_ms, m))
            continue;
        out->retrains++;
        out->promotions += !t->failed && t->t.gate.passed;
    }
    for (size_t i = 0; i < b->nalerts; i++) {
        const struct lw_alert *a = &b->alert[i];
        enum lw_severity severity;
        if (!in_month(b, a->at_ms, m) || !lw_cli_backtest_incident(b, i, &severity))
            continue;
        out->alerts++;
        out->criticals += severity == LW_SEVERITY_CRITICAL;
    }
}
