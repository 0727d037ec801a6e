/* What a backtest keeps of a run: a line a day, every change of an alert, every training.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/backtest.h"
#include "engine/trials.h"

static void say(const struct lw_bt *b, int64_t at_ms, const char *what,
                const char *text) {
    char when[32];
    if (b->say)
        lw_cli_line(stdout, "%.16s  %-9s %s", lw_format_time(when, sizeof when, at_ms),
                    what, text);
}

static void note_event(struct lw_bt *b, int64_t at_ms, const char *kind, json_t *o) {
    char when[32];
    json_object_set_new(o, "at", json_string(lw_format_time(when, sizeof when, at_ms)));
    json_object_set_new(o, "event", json_string(kind));
    json_array_append_new(b->log, o);
}

/* ---- alerts ---- */

static void note_found(struct lw_bt *b, const struct lw_alert *a) {
    for (size_t i = 0; i < b->injections.n; i++) {
        struct lw_bt_found *f = &b->found[i];
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

static void note_alert(struct lw_bt *b, const struct lw_alert *a) {
    json_t *o = json_object();
    json_object_set_new(o, "status", json_string(a->firing ? "firing" : "resolved"));
    json_object_set_new(o, "rule", lw_cli_text(a->name));
    json_object_set_new(o, "feature", lw_cli_text(a->feature));
    json_object_set_new(o, "severity", json_string(lw_severity_name(a->severity)));
    json_object_set_new(o, "value", lw_json_number(a->value));
    json_object_set_new(o, "threshold", lw_json_number(a->threshold));
    json_object_set_new(o, "n", json_integer((json_int_t)a->n));
    json_object_set_new(o, "summary", lw_cli_text(a->summary));
    note_event(b, a->at_ms, "alert", o);
    say(b, a->at_ms, a->firing ? lw_severity_name(a->severity) : "resolved", a->summary);
    if (b->nalerts == b->alerts_cap) {
        b->alerts_cap = b->alerts_cap ? 2 * b->alerts_cap : 64;
        b->alert = lw_realloc(b->alert, b->alerts_cap, sizeof *b->alert);
    }
    b->alert[b->nalerts++] = *a;
    if (a->firing)
        note_found(b, a);
}

/* ---- days ---- */

static struct lw_errors since(const struct lw_errors *now,
                              const struct lw_errors *before) {
    struct lw_errors s = {.n = now->n - before->n};
    s.e2 = now->e2 - before->e2;
    return s;
}

/* What a day adds to the ledger is that day's error, whichever versions answered. */
static void note_day(struct lw_bt *b, int64_t at_ms) {
    struct lw_month total;
    lw_ledger_totals(lw_backtest_ledger(b->backtest), &total);
    struct lw_bt_day day = {
        .day_ms = at_ms - LW_DAY,
        .managed = since(&total.answered, &b->answered),
        .frozen = since(&total.first, &b->first),
        .champion = lw_monitor_champion_version(lw_backtest_monitor(b->backtest))};
    b->answered = total.answered;
    b->first = total.first;
    if (day.managed.n == 0) /* nothing was scored, or the day is told already */
        return;
    if (b->ndays == b->days_cap) {
        b->days_cap = b->days_cap ? 2 * b->days_cap : 128;
        b->day = lw_realloc(b->day, b->days_cap, sizeof *b->day);
    }
    b->day[b->ndays++] = day;
}

static void note_decision(struct lw_bt *b, const struct lw_decision *d) {
    bool back = d->kind == LW_DECIDED_ROLL_BACK;
    if (d->kind == LW_DECIDED_PROMOTE || d->kind == LW_DECIDED_REJECT)
        return; /* told with the training */
    json_t *o = json_object();
    json_object_set_new(
        o, "decision", json_string(back ? "rolled back" : lw_cli_decision_word(d->kind)));
    json_object_set_new(o, "version", json_integer(d->version));
    json_object_set_new(o, "reason", lw_cli_text(d->reason));
    note_event(b, d->at_ms, "probation", o);
    say(b, d->at_ms, lw_cli_decision_word(d->kind), d->reason);
    for (size_t i = 0; back && i < b->ntrainings; i++)
        b->training[i].rolled_back |= b->training[i].version == d->version;
}

static void note_span(struct lw_bt *b, const struct lw_evaluation *e,
                      const struct lw_span_change *change) {
    static const char *const names[] = {"begins", "ends", "released"};
    const struct lw_span *span = &change->span;
    json_t *o = json_object();
    char text[300], when[32];
    json_object_set_new(o, "quarantine", json_string(names[change->what]));
    json_object_set_new(o, "id", json_integer(span->id));
    json_object_set_new(o, "feature", json_string(span->feature));
    json_object_set_new(o, "from",
                        json_string(lw_format_time(when, sizeof when, span->from_ms)));
    json_object_set_new(
        o, "until",
        span->open ? json_null()
                   : json_string(lw_format_time(when, sizeof when, span->until_ms)));
    json_object_set_new(o, "why", json_string(span->why));
    note_event(b, e->at_ms, "quarantine", o);
    say(b, e->at_ms, change->what == LW_SPAN_RELEASED ? "released" : "held back",
        lw_span_text(text, sizeof text, span));
}

static void on_evaluated(void *arg, const struct lw_evaluation *e) {
    struct lw_bt *b = arg;
    for (size_t i = 0; i < e->nalerts; i++)
        note_alert(b, &e->alert[i]);
    for (size_t i = 0; i < e->ndecisions; i++)
        note_decision(b, &e->decision[i]);
    for (size_t i = 0; i < e->nspans; i++)
        note_span(b, e, &e->span[i]);
    if (e->at_ms % LW_DAY == 0)
        note_day(b, e->at_ms);
}

/* ---- trainings ---- */

static void training_json(json_t *o, uint32_t version, const struct lw_training *t) {
    char from[32];
    json_object_set_new(o, "version", json_integer(version));
    json_object_set_new(o, "candidate", lw_cli_text(t->trial[t->chosen].name));
    json_object_set_new(o, "rows", json_integer((json_int_t)t->rows));
    json_object_set_new(o, "rows_from",
                        json_string(lw_format_time(from, sizeof from, t->rows_from_ms)));
    json_object_set_new(
        o, "heldout_from",
        json_string(lw_format_time(from, sizeof from, t->holdout_from_ms)));
    json_object_set_new(o, "heldout_rows", json_integer((json_int_t)t->holdout_rows));
    json_object_set_new(o, "heldout_rmse", lw_json_number(t->gate.challenger_rmse));
    json_object_set_new(o, "champion_rmse",
                        t->gate.blocks ? lw_json_number(t->gate.champion_rmse)
                                       : json_null());
    json_object_set_new(o, "gain", lw_json_number(t->gate.gain));
    json_object_set_new(o, "z", lw_json_number(t->gate.z));
    json_object_set_new(o, "promoted", json_boolean(t->gate.passed));
    json_object_set_new(o, "verdict", lw_cli_text(t->gate.reason));
    json_object_set_new(o, "trials", lw_trials_json(t));
    json_object_set_new(o, "left_out", lw_left_out_json(t));
}

/* A candidate that takes part in no comparison would otherwise not be missed. */
static void say_failed(const struct lw_bt *b, int64_t at_ms,
                       const struct lw_training *t) {
    char text[LW_NAME_MAX + LW_TRIAL_NOTE + 32];
    for (size_t i = 0; i < t->ntrials; i++) {
        const struct lw_trial *trial = &t->trial[i];
        if (!isnan(trial->rmse))
            continue;
        snprintf(text, sizeof text, "candidate %s: %s", trial->name, trial->note);
        say(b, at_ms, "failed", text);
    }
}

static struct lw_bt_training *new_training(struct lw_bt *b) {
    if (b->ntrainings == b->trainings_cap) {
        b->trainings_cap = b->trainings_cap ? 2 * b->trainings_cap : 16;
        b->training = lw_realloc(b->training, b->trainings_cap, sizeof *b->training);
    }
    struct lw_bt_training *r = &b->training[b->ntrainings++];
    *r = (struct lw_bt_training){0};
    return r;
}

static void on_trained(void *arg, const struct lw_request *request, uint32_t version,
                       const struct lw_training *t, const char *failure) {
    struct lw_bt *b = arg;
    struct lw_bt_training *r = new_training(b);
    char text[800];
    r->request = *request;
    r->log = json_object();
    json_object_set_new(r->log, "reason", lw_cli_text(request->reason));
    if (t) {
        r->version = version;
        r->t = *t;
        r->t.model = NULL;
        r->t.reference = NULL;
        training_json(r->log, version, t);
        say_failed(b, request->as_of_ms, t);
        snprintf(text, sizeof text, "v%u %s (%s): %s", version, t->trial[t->chosen].name,
                 request->reason, t->gate.reason);
    } else {
        r->failed = true;
        lw_copy(r->failure, sizeof r->failure, failure);
        json_object_set_new(r->log, "failure", lw_cli_text(failure));
        snprintf(text, sizeof text, "%s: %s", request->reason, failure);
    }
    say(b, request->as_of_ms,
        !t               ? "failed"
        : t->gate.passed ? "promoted"
                         : "rejected",
        text);
    note_event(b, request->as_of_ms, "training", r->log);
}

static void on_followed(void *arg, const struct lw_followed *f) {
    struct lw_bt *b = arg;
    char text[160];
    double now = lw_errors_rmse(&f->now), before = lw_errors_rmse(&f->before);
    for (size_t i = 0; i < b->ntrainings; i++) {
        struct lw_bt_training *r = &b->training[i];
        if (r->version != f->version || f->now.n == 0)
            continue;
        r->followed = *f;
        json_t *o = json_object();
        json_object_set_new(o, "n", json_integer((json_int_t)f->now.n));
        json_object_set_new(o, "rmse", lw_json_number(now));
        json_object_set_new(o, "previous_rmse", lw_json_number(before));
        json_object_set_new(r->log, "following_week", o);
        snprintf(text, sizeof text, "version %u: RMSE %s, version %u's would be %s",
                 f->version, lw_digits(now, 3).text, f->previous,
                 lw_digits(before, 3).text);
        say(b, f->until_ms, "week", text);
    }
}

static void on_scored(void *arg, const struct lw_row *row, const struct lw_cell *watched,
                      const struct lw_scored *scored, size_t nscored) {
    (void)watched;
    lw_bt_segments_row(arg, row, scored, nscored);
}

struct lw_backtest_hooks lw_bt_hooks(struct lw_bt *b) {
    return (struct lw_backtest_hooks){.arg = b,
                                      .evaluated = on_evaluated,
                                      .trained = on_trained,
                                      .followed = on_followed,
                                      .scored = b->nsegments ? on_scored : NULL};
}

int lw_bt_prepare(struct lw_bt *b, const struct lw_bt_options *options,
                  struct lw_err *err) {
    const struct lw_event_spec *event = &b->config->spec.event;
    b->log = json_array();
    if (lw_injections_parse(&options->injections, event, &b->injections, err))
        return lw_err_context(err, "--inject");
    return lw_bt_segments_open(b, &options->segments, err);
}

void lw_bt_close(struct lw_bt *b, const struct lw_backtest *backtest) {
    b->ledger = *lw_backtest_ledger(backtest);
    memcpy(b->counter, lw_backtest_counters(backtest), sizeof b->counter);
    lw_bt_segments_close(b);
}

void lw_bt_fini(struct lw_bt *b) {
    json_decref(b->log);
    free(b->day);
    free(b->alert);
    free(b->training);
    lw_bt_segments_fini(b);
}

/* ---- months ---- */

static bool in_month(int64_t ms, const struct lw_month *m) {
    struct lw_civil c = lw_civil(ms);
    return c.year == m->year && c.month == m->month;
}

/* The worst that the incident of alert i came to. */
static enum lw_severity worst(const struct lw_bt *b, size_t i) {
    enum lw_severity severity = b->alert[i].severity;
    for (size_t j = i + 1; j < b->nalerts; j++)
        if (b->alert[j].firing && b->alert[j].incident == b->alert[i].incident &&
            b->alert[j].severity > severity)
            severity = b->alert[j].severity;
    return severity;
}

static bool told_before(const struct lw_bt *b, size_t i) {
    for (size_t j = 0; j < i; j++)
        if (b->alert[j].firing && b->alert[j].incident == b->alert[i].incident)
            return true;
    return false;
}

void lw_bt_month(const struct lw_bt *b, const struct lw_month *m,
                 struct lw_bt_month *out) {
    *out = (struct lw_bt_month){0};
    for (size_t i = 0; i < b->ntrainings; i++) {
        const struct lw_bt_training *t = &b->training[i];
        if (t->request.bootstrap || !in_month(t->request.as_of_ms, m))
            continue;
        out->retrains++;
        out->promotions += !t->failed && t->t.gate.passed;
    }
    for (size_t i = 0; i < b->nalerts; i++) {
        const struct lw_alert *a = &b->alert[i];
        if (!a->firing || !a->rule || !in_month(a->at_ms, m) || told_before(b, i))
            continue;
        out->alerts++;
        out->criticals += worst(b, i) == LW_SEVERITY_CRITICAL;
    }
}
