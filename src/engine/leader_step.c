/* What the leader writes: steps with their alerts, and the outcome of trainings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/leader_private.h"

#define OUTGOING_MAX (LW_ALERTS_MAX * LW_RECEIVERS_MAX)

/* ---- alerts ---- */

struct outbox {
    struct lw_outgoing item[OUTGOING_MAX];
    struct lw_buf json[LW_ALERTS_MAX];
    size_t n;
};

static const char *action_of(const struct lw_evaluation *e, const struct lw_alert *a,
                             char *out, size_t size) {
    if (e->request.id)
        snprintf(out, size, "A retrain was requested (%.120s).", e->request.reason);
    else if (e->ndecisions)
        snprintf(out, size, "%.200s", e->decision[0].reason);
    else if (a->rule && (a->rule->actions & LW_ACTION_BLOCK))
        snprintf(out, size, "Retraining is blocked while this lasts.");
    else
        return NULL;
    return out;
}

static void put_alert(struct lw_leader *l, const struct lw_alert *a, struct lw_buf *json,
                      struct outbox *box) {
    struct lw_err err = {0};
    char action[240], id[LW_ALERT_ID_MAX];
    const struct lw_rule *rule = a->rule;
    struct lw_alert_context context = {
        .now_ms = lw_wall_ms(),
        .host = l->engine->who,
        .reference = lw_monitor_reference(l->monitor),
        .window = rule ? lw_monitor_window(l->monitor, (size_t)rule->window) : NULL,
        .action = action_of(l->evaluation, a, action, sizeof action),
        .page_url = l->config->page_url,
        .runbook_url = l->config->runbook_url};
    lw_log(a->firing ? LW_WARN : LW_INFO, a->firing ? "alert_firing" : "alert_resolved",
           "rule=%s feature=%s severity=%s value=%.4g threshold=%.4g n=%llu version=%u",
           a->name, a->feature[0] ? a->feature : "-", lw_severity_name(a->severity),
           a->value, a->threshold, (unsigned long long)a->n, a->model_version);
    if (lw_alert_json(l->spec, a, &context, json, &err)) {
        lw_log(LW_ERROR, "alert_unformed", "error=\"%s\"", err.msg);
        return;
    }
    lw_alert_id(id, sizeof id, a, 0);
    for (size_t r = 0; r < l->config->nreceivers; r++) {
        const struct lw_receiver *receiver = &l->config->receiver[r];
        if (!lw_receiver_wants(receiver, a->severity, a->name) ||
            (!a->firing && !receiver->resolved))
            continue;
        struct lw_outgoing *o = &box->item[box->n++];
        lw_outbox_id(o->id, sizeof o->id, id, receiver->name);
        o->json = lw_buf_str(json);
        o->len = json->len;
    }
}

static struct outbox *make_outbox(struct lw_leader *l) {
    struct outbox *box = lw_calloc(1, sizeof *box);
    for (size_t i = 0; i < l->evaluation->nalerts; i++)
        put_alert(l, &l->evaluation->alert[i], &box->json[i], box);
    return box;
}

static void free_outbox(struct outbox *box) {
    for (size_t i = 0; i < LW_ALERTS_MAX; i++)
        lw_buf_fini(&box->json[i]);
    free(box);
}

/* ---- steps ---- */

static struct lw_step step_of(const struct lw_leader *l, const struct outbox *box,
                              bool sealed) {
    return (struct lw_step){.lease = &l->lease,
                            .was_sealed_until_ms = l->sealed_until_ms,
                            .monitor = l->monitor,
                            .evaluation = l->evaluation,
                            .sealed = sealed,
                            .outgoing = box->item,
                            .noutgoing = box->n,
                            .now_ms = lw_wall_ms()};
}

int lw__leader_write(struct lw_leader *l, const struct lw_decision *rolled, bool sealed,
                     struct lw_err *err) {
    struct outbox *box = make_outbox(l);
    struct lw_step step = step_of(l, box, sealed);
    int rc = rolled ? lw_models_promote(l->redis, l->spec, rolled->other, "leeway",
                                        rolled->reason, &step, err)
                    : lw_step_write(l->redis, l->spec, &step, err);
    if (rc == 0)
        l->written_ms = step.now_ms;
    free_outbox(box);
    for (size_t i = 0; rc == 0 && i < l->evaluation->ndecisions; i++)
        lw_log(LW_INFO, "decided", "kind=%d version=%u other=%u reason=\"%s\"",
               (int)l->evaluation->decision[i].kind, l->evaluation->decision[i].version,
               l->evaluation->decision[i].other, l->evaluation->decision[i].reason);
    return rc;
}

/* ---- trainings ---- */

int lw__leader_request(struct lw_leader *l, struct lw_err *err) {
    (void)err;
    uint64_t id = lw_monitor_pending(l->monitor);
    atomic_store(&l->engine->training, id != 0);
    if (!id || lw__job_busy(l->engine))
        return 0;
    struct lw_job *job = lw_calloc(1, sizeof *job);
    job->request = lw_monitor_request(l->monitor);
    job->champion = lw_monitor_champion_version(l->monitor);
    job->recent = lw_monitor_recent(l->monitor, l->spec->retrain.reference_ms);
    lw_log(LW_INFO, "training", "request=%llu reason=\"%s\"", (unsigned long long)id,
           job->request.reason);
    lw__job_post(l->engine, job);
    return 0;
}

static int publish(struct lw_leader *l, struct lw_job *job, uint32_t number,
                   const struct outbox *box, bool promote, struct lw_err *err) {
    struct lw_buf model = {0}, reference = {0};
    struct lw_step step = step_of(l, box, false);
    struct lw_version v = {.version = number,
                           .parent = job->champion,
                           .created_ms = lw_wall_ms(),
                           .as_of_ms = job->request.as_of_ms,
                           .promoted_ms = promote ? lw_wall_ms() : 0,
                           .facts = job->facts};
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
        l->written_ms = step.now_ms;
    lw_buf_fini(&model);
    lw_buf_fini(&reference);
    return rc;
}

/* The reference goes to the monitor as a copy: the job's own is still to be published. */
static void crown_trained(struct lw_leader *l, struct lw_job *job, uint32_t number) {
    struct lw_buf bytes = {0};
    job->training.reference->version = number;
    lw_reference_write(job->training.reference, &bytes);
    struct lw_reference *ref = lw_reference_read(l->spec, bytes.data, bytes.len, NULL);
    lw_buf_fini(&bytes);
    lw_monitor_champion(l->monitor, number, ref, l->evaluation->at_ms);
    lw__leader_first(l);
}

static int conclude(struct lw_leader *l, struct lw_job *job, uint32_t *number,
                    struct lw_err *err) {
    const struct lw_evaluation *e = l->evaluation;
    if (!job->failed && lw_models_reserve(l->redis, l->spec, &l->lease, number, err))
        return -1;
    lw_monitor_trained(l->monitor, job->request.id, *number,
                       job->failed ? NULL : &job->training, job->err.msg, l->evaluation);
    if (job->failed)
        return lw__leader_write(l, NULL, false, err);
    bool promote = e->ndecisions && e->decision[0].kind == LW_DECIDED_PROMOTE;
    struct outbox *box = make_outbox(l);
    if (promote)
        crown_trained(l, job, *number);
    int rc = publish(l, job, *number, box, promote, err);
    free_outbox(box);
    if (rc == 0)
        lw_log(LW_INFO, promote ? "promoted" : "rejected", "version=%u verdict=\"%s\"",
               *number, job->training.gate.reason);
    return rc;
}

int lw__leader_answer(struct lw_leader *l, struct lw_err *err) {
    struct lw_job *job = lw__job_collect(l->engine);
    if (!job)
        return 0;
    uint32_t number = 0;
    int rc = 0;
    if (job->request.id == lw_monitor_pending(l->monitor)) /* else: another leader's */
        rc = conclude(l, job, &number, err);
    if (rc == 0) {
        atomic_store(&l->engine->training, lw_monitor_pending(l->monitor) != 0);
        if (l->engine->hooks.trained)
            l->engine->hooks.trained(l->engine->hooks.arg, &job->request, number,
                                     job->failed ? NULL : &job->training, job->err.msg);
    }
    lw__job_free(job);
    return rc;
}
