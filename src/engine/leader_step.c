/* Writes of the leader: steps with their alerts, and outcomes of trainings. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert_json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "core/segment_regression.h"
#include "engine/leader.h"
#include "engine/leader_private.h"
#include "engine/retrainer.h"
#include "engine/self_alert.h"
#include "store/imports.h"
#include "store/outbox.h"

/* ---- alerts ---- */

static const char *action_of(const struct lw_evaluation *e, const struct lw_alert *a,
                             char *out, size_t size) {
    if (e->request.id)
        snprintf(out, size, "A retrain was requested (%.120s).", e->request.reason);
    else if (e->ndecisions)
        snprintf(out, size, "%.200s", e->decision[0].reason);
    else if (a->firing && a->rule && a->severity == LW_SEVERITY_CRITICAL &&
             (a->rule->actions & LW_ACTION_BLOCK))
        snprintf(out, size, "Retraining is blocked while this lasts.");
    else
        return NULL;
    return out;
}

#define SEGMENTS_MAX 5

/* Segments whose error rose, and example events. */
struct alert_segments {
    struct lw_segment_regression rise[SEGMENTS_MAX];
    struct lw_alert_segment segment[SEGMENTS_MAX];
    size_t nsegments, nexamples;
    const char *example[LW_EXAMPLES_MAX];
};

static void find_segments(const struct lw_leader *l, const struct lw_alert *a,
                          struct lw_pane *window, struct alert_segments *out) {
    out->nsegments =
        lw_segment_regression_find(l->spec, lw_monitor_reference(l->monitor), window,
                                   a->model_version, out->rise, SEGMENTS_MAX);
    for (size_t i = 0; i < out->nsegments; i++) {
        const struct lw_segment_regression *r = &out->rise[i];
        out->segment[i] =
            (struct lw_alert_segment){.name = l->spec->feature[r->feature].name,
                                      .value = r->value,
                                      .n = r->n,
                                      .error = r->error,
                                      .reference_error = r->reference_error,
                                      .share = r->share};
    }
    out->nexamples =
        window && window->segments_version == a->model_version ? window->examples.n : 0;
    for (size_t i = 0; i < out->nexamples; i++)
        out->example[i] = window->examples.worst[i].id;
}

/* Renders the message; empty if that fails. */
static void render_alert(struct lw_leader *l, const struct lw_evaluation *e,
                         const struct lw_alert *a, unsigned repeat, struct lw_buf *json) {
    struct lw_err err = {0};
    char action[240];
    struct alert_segments segments = {0};
    const struct lw_rule *rule = a->rule;
    bool windowed = rule && !lw_metric_live(rule->metric);
    struct lw_alert_context context = {
        .now_ms = lw_wall_ms(),
        .repeat = repeat,
        .host = l->engine->who,
        .reference = lw_monitor_reference(l->monitor),
        .window = windowed ? lw_monitor_window(l->monitor, (size_t)rule->window) : NULL,
        .action = action_of(e, a, action, sizeof action),
        .privacy = &l->privacy,
        .page_url = l->config->page_url,
        .runbook_url = l->config->runbook_url};
    if (windowed && a->firing && !lw_metric_per_feature(rule->metric) &&
        !lw_metric_of_feed(rule->metric))
        find_segments(l, a, context.window, &segments);
    context.segment = segments.segment;
    context.nsegments = segments.nsegments;
    context.example = segments.example;
    context.nexamples = segments.nexamples;
    if (lw_alert_json_write(l->spec, a, &context, json, &err)) {
        lw_log(alert_render_failed, err.msg);
        lw_buf_clear(json);
    }
}

void lw__leader_log_alert(const struct lw_alert *a) {
    const char *feature = a->feature[0] ? a->feature : "-";
    const char *severity = lw_alert_severity_name(a->severity);
    unsigned long long n = a->n;
    if (a->firing)
        lw_log(alert_firing, a->name, feature, severity, a->value, a->threshold, n,
               a->model_version);
    else
        lw_log(alert_resolved, a->name, feature, severity, a->value, a->threshold, n,
               a->model_version);
}

/* Messages and notifications for the changes of an evaluation, valid until _free. */
struct alert_messages {
    struct lw_buf json[LW_ALERTS_MAX];
    const struct lw_notifications *notifications;
};

static struct alert_messages *alert_messages_new(struct lw_leader *l) {
    const struct lw_evaluation *e = l->evaluation;
    struct alert_messages *out = lw_calloc(1, sizeof *out);
    for (size_t i = 0; i < e->nalerts; i++) {
        const struct lw_alert *a = &e->alert[i];
        lw__leader_log_alert(a);
        render_alert(l, e, a, 0, &out->json[i]);
    }
    out->notifications = lw_notification_plan_changes(l->plan, e->alert, e->nalerts,
                                                      out->json, lw_wall_ms());
    return out;
}

static void alert_messages_free(struct alert_messages *messages) {
    for (size_t i = 0; i < LW_ALERTS_MAX; i++)
        lw_buf_fini(&messages->json[i]);
    free(messages);
}

/* ---- by the clock ---- */

#define ROUND_MS    1000
#define WAITING_MAX 256

static bool render_again(void *arg, uint64_t fingerprint, unsigned repeat,
                         struct lw_buf *json) {
    struct lw_leader *l = arg;
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    bool known = lw_monitor_alert(l->monitor, fingerprint, e);
    if (known)
        render_alert(l, e, &e->alert[0], repeat, json);
    free(e);
    return known && json->len;
}

/* True while a delivery of the alert to the receiver is pending, or when Redis does
 * not answer: a repetition may be late. */
static bool delivery_pending(void *arg, const struct lw_receiver *r,
                             uint64_t fingerprint) {
    struct lw_leader *l = arg;
    struct lw_delivery *d = lw_calloc(WAITING_MAX, sizeof *d);
    struct lw_err err = {0};
    size_t n = 0;
    struct lw_reply *reply = lw_outbox_read(
        l->redis, l->spec, (struct lw_outbox_of){r->name, WAITING_MAX}, d, &n, &err);
    bool found = !reply || n == WAITING_MAX;
    for (size_t i = 0; i < n && !found; i++)
        found = d[i].alert == fingerprint;
    lw_reply_free(reply);
    free(d);
    return found;
}

int lw__leader_write_notifications(struct lw_leader *l,
                                   const struct lw_notifications *notifications,
                                   struct lw_err *err) {
    int64_t now = lw_wall_ms();
    if (!notifications)
        return 0;
    if (lw_notifications_write(l->redis, l->spec, &l->lease, notifications, now, err))
        return -1;
    l->written_ms = now;
    return 0;
}

int lw__leader_notify_due(struct lw_leader *l, struct lw_err *err) {
    const struct lw_notification_hooks hooks = {l, render_again, delivery_pending};
    int64_t now = lw_mono_ms();
    if (now - l->plan_round_ms < ROUND_MS)
        return 0;
    l->plan_round_ms = now;
    if (lw_notification_plan_silences(l->plan, l->redis, err) ||
        lw__self_alert_step(l, err))
        return -1;
    return lw__leader_write_notifications(
        l, lw_notification_plan_round(l->plan, &hooks, lw_wall_ms()), err);
}

int lw__leader_orphans(struct lw_leader *l, struct lw_err *err) {
    return lw__leader_write_notifications(
        l, lw_notification_plan_orphans(l->plan, l->monitor, lw_wall_ms()), err);
}

/* ---- steps ---- */

static struct lw_evaluation_step
step_of(const struct lw_leader *l, const struct alert_messages *messages, bool sealed) {
    return (struct lw_evaluation_step){.lease = &l->lease,
                                       .was_sealed_until_ms = l->sealed_until_ms,
                                       .monitor = l->monitor,
                                       .evaluation = l->evaluation,
                                       .sealed = sealed,
                                       .served = l->served,
                                       .asked = l->asked,
                                       .notifications = messages->notifications,
                                       .unread = sealed ? &l->unread : NULL,
                                       .now_ms = lw_wall_ms()};
}

/* Listeners miss the change of the champion; workers read the alias anyway. */
static void log_publish_failed(const struct lw_leader *l) {
    if (*lw_models_unheard(l->redis))
        lw_log(models_publish_failed, LW_QUOTE(lw_models_unheard(l->redis)));
}

static void span_log(const struct lw_span_change *change) {
    char text[300];
    lw_quarantine_span_text(text, sizeof text, &change->span);
    if (change->what == LW_SPAN_BEGINS)
        lw_log(quarantined, text);
    else if (change->what == LW_SPAN_ENDS)
        lw_log(quarantine_ended, text);
    else
        lw_log(released, text);
}

/* The step is written. */
static void step_done(struct lw_leader *l, const struct lw_evaluation_step *step) {
    bool served = lw_monitor_tracking(l->monitor)->served;
    uint32_t champion = lw_monitor_champion_version(l->monitor);
    char until[32];
    l->written_ms = step->now_ms;
    lw_format_time(until, sizeof until, step->evaluation->at_ms);
    if (served && !l->served)
        lw_log(tracking_served, champion, until);
    else if (l->served && !served)
        lw_log(tracking_stopped, champion, until);
    l->served = served;
}

int lw__leader_write(struct lw_leader *l, const struct lw_decision *rolled, bool sealed,
                     struct lw_err *err) {
    struct alert_messages *messages = alert_messages_new(l);
    struct lw_evaluation_step step = step_of(l, messages, sealed);
    int rc = rolled ? lw_models_promote(l->redis, l->spec,
                                        &(struct lw_promotion){rolled->other, "leeway",
                                                               rolled->reason, &step},
                                        err)
                    : lw_evaluation_write(l->redis, l->spec, &step, err);
    if (rc == 0)
        step_done(l, &step);
    if (rc == 0 && rolled)
        log_publish_failed(l);
    if (rc == 0 && sealed && l->unread.n)
        lw__retrainer_rebuild_panes(l->engine); /* now that they are recorded */
    if (rc == 0 && sealed)
        lw_unreadable_fini(&l->unread);
    alert_messages_free(messages);
    for (size_t i = 0; rc == 0 && i < l->evaluation->nspans; i++)
        span_log(&l->evaluation->span[i]);
    for (size_t i = 0; rc == 0 && i < l->evaluation->ndecisions; i++)
        lw_log(decided, lw_decision_name(l->evaluation->decision[i].kind),
               l->evaluation->decision[i].version, l->evaluation->decision[i].other,
               l->evaluation->decision[i].reason);
    return rc;
}

/* ---- trainings ---- */

int lw__leader_request(struct lw_leader *l, struct lw_err *err) {
    (void)err;
    uint64_t id = lw_monitor_pending(l->monitor);
    atomic_store(&l->engine->training, id != 0);
    if (!id || lw__retrainer_busy(l->engine))
        return 0;
    struct lw_job *job = lw_calloc(1, sizeof *job);
    job->request = lw_monitor_request(l->monitor);
    job->champion = lw_monitor_champion_version(l->monitor);
    job->imported = l->imported != job->champion ? l->imported : 0;
    job->quarantine = *lw_monitor_quarantine(l->monitor);
    job->recent = lw_monitor_recent(l->monitor, l->spec->retrain.reference_ms);
    lw_log(training, (unsigned long long)id, job->request.reason);
    lw__retrainer_post(l->engine, job);
    return 0;
}

static int publish_version(struct lw_leader *l, struct lw_job *job, uint32_t number,
                           const struct alert_messages *messages, bool promote,
                           struct lw_err *err) {
    struct lw_buf model = {0}, reference = {0};
    struct lw_evaluation_step step = step_of(l, messages, false);
    struct lw_version v = {.version = number,
                           .parent = job->champion,
                           .created_ms = lw_wall_ms(),
                           .as_of_ms = job->request.as_of_ms,
                           .promoted_ms = promote ? lw_wall_ms() : 0,
                           .facts = job->facts,
                           .imported = job->imported};
    lw_copy(v.status, sizeof v.status, promote ? "champion" : "rejected");
    lw_copy(v.reason, sizeof v.reason, job->request.reason);
    lw_copy(v.verdict, sizeof v.verdict, job->training.gate.reason);
    job->training.reference->version = number;
    lw_reference_write(job->training.reference, &reference);
    int rc = lw_model_encode(job->training.model, &model, err);
    v.model = model.data;
    v.model_len = model.len;
    v.reference = reference.data;
    v.reference_len = reference.len;
    if (rc == 0)
        rc = lw_models_publish(l->redis, l->spec, &v, promote, &step, err);
    if (rc == 0)
        step_done(l, &step);
    if (rc == 0 && promote)
        log_publish_failed(l);
    lw_buf_fini(&model);
    lw_buf_fini(&reference);
    return rc;
}

/* The monitor gets a copy of the reference: the job's own is published later. */
static void set_trained_champion(struct lw_leader *l, struct lw_job *job,
                                 uint32_t number) {
    struct lw_buf bytes = {0};
    job->training.reference->version = number;
    lw_reference_write(job->training.reference, &bytes);
    struct lw_reference *ref = lw_reference_read(l->spec, bytes.data, bytes.len, NULL);
    lw_buf_fini(&bytes);
    lw_monitor_champion(l->monitor, number, ref, l->evaluation->at_ms);
    lw__leader_first(l);
}

/* Failed candidates take part in no comparison, so they are logged. */
static void log_failed(uint32_t number, const struct lw_training *t) {
    for (size_t i = 0; i < t->ntrials; i++)
        if (isnan(t->trial[i].error))
            lw_log(candidate_failed, number, t->trial[i].name,
                   LW_QUOTE(t->trial[i].note));
}

static void log_promoted(const struct lw_leader *l, uint32_t number,
                         const struct lw_training *t) {
    const struct lw_reference *ref = lw_monitor_reference(l->monitor);
    const char *lacks = ref ? lw_reference_lacks(ref) : NULL;
    lw_log(promoted, number, t->gate.reason);
    if (lacks)
        lw_log(reference_short, number, lacks);
}

/* An imported version has its number already. */
static int version_number(struct lw_leader *l, const struct lw_job *job, uint32_t *number,
                          struct lw_err *err) {
    *number = job->failed ? 0 : job->imported;
    return job->failed || *number
               ? 0
               : lw_models_reserve(l->redis, l->spec, &l->lease, number, err);
}

/* With too few rows, an imported version waits for the next training; otherwise it would
 * fail again, and no candidate would be trained. */
static int write_failure(struct lw_leader *l, const struct lw_job *job,
                         struct lw_err *err) {
    if (lw__leader_write(l, NULL, false, err))
        return -1;
    if (!job->imported || job->training.early)
        return 0;
    l->imported = 0;
    return lw_imports_drop(l->redis, l->spec, &l->lease, job->imported, job->err.msg,
                           err);
}

static int conclude_training(struct lw_leader *l, struct lw_job *job, uint32_t *number,
                             struct lw_err *err) {
    const struct lw_evaluation *e = l->evaluation;
    if (version_number(l, job, number, err))
        return -1;
    bool reported = !job->failed || job->training.early;
    lw_monitor_trained(l->monitor, job->request.id, *number,
                       reported ? &job->training : NULL, job->err.msg, l->evaluation);
    if (job->failed)
        return write_failure(l, job, err);
    l->imported = 0;
    bool promote = e->ndecisions && e->decision[0].kind == LW_DECIDED_PROMOTE;
    struct alert_messages *messages = alert_messages_new(l);
    if (promote)
        set_trained_champion(l, job, *number);
    int rc = publish_version(l, job, *number, messages, promote, err);
    alert_messages_free(messages);
    if (rc == 0)
        log_failed(*number, &job->training);
    if (rc == 0 && promote)
        log_promoted(l, *number, &job->training);
    else if (rc == 0)
        lw_log(rejected, *number, job->training.gate.reason);
    return rc;
}

int lw__leader_answer(struct lw_leader *l, struct lw_err *err) {
    struct lw_job *job = lw__retrainer_collect(l->engine);
    if (!job)
        return 0;
    uint32_t number = 0;
    int rc = 0;
    if (job->request.id == lw_monitor_pending(l->monitor)) /* else: another leader's */
        rc = conclude_training(l, job, &number, err);
    if (rc == 0) {
        atomic_store(&l->engine->training, lw_monitor_pending(l->monitor) != 0);
        if (l->engine->hooks.trained)
            l->engine->hooks.trained(l->engine->hooks.arg, &job->request, number,
                                     job->failed ? NULL : &job->training, job->err.msg);
    }
    lw__retrainer_job_free(job);
    return rc;
}
