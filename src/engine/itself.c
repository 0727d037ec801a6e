/* "leeway itself: ...": troubles of leeway as alerts, by the receivers and in the form of
 * all others, so that whoever is paged for the model is paged for its monitor too.
 *
 * The leader tells what any live process reports, through the outbox: once, whoever
 * reports it, and ended by whoever leads then. What takes the outbox away, a Redis that
 * fails or a leader that does not get on, is told directly by the process that led last,
 * or a little later by each other one that sees it. All of them give it the same
 * incident, so that a receiver which knows incidents has it once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/health.h"
#include "engine/leader_private.h"

#define OTHERS_MS 30000 /* later than the one that led */
#define LASTS_MS  10000 /* a trouble that is told has lasted so long, .. */
#define AFTER_MS  20000 /* .. and longer where what it followed from has just ended */
#define PASSES_MS 8000  /* a leader that gets on has passed since */

static bool is_direct(enum lw_component c) {
    return c == LW_COMPONENT_REDIS || c == LW_COMPONENT_LEADER;
}

/* The part that all messages about a component have in common. */
static struct lw_alert alert_of(const struct lw_spec *spec, enum lw_component c) {
    const char *name = lw_component_alert(c);
    struct lw_alert a = {.severity = LW_SEVERITY_CRITICAL, .firing = true};
    a.fingerprint = lw_mix64(lw_text_key(spec->stream, strlen(spec->stream)) ^
                             lw_text_key(name, strlen(name)));
    lw_copy(a.name, sizeof a.name, name);
    return a;
}

static void fire(struct lw_alert *a, const struct lw_trouble *t, uint64_t incident) {
    a->since_ms = t->since_ms;
    a->at_ms = lw_wall_ms();
    a->incident = incident;
    snprintf(a->summary, sizeof a->summary, "leeway itself: %.*s (%.60s)", 230, t->text,
             t->who);
}

static void resolve(struct lw_alert *a, uint64_t incident, int64_t since_ms) {
    a->firing = false;
    a->incident = incident;
    a->since_ms = since_ms;
    a->at_ms = lw_wall_ms();
    snprintf(a->summary, sizeof a->summary, "leeway itself: %s %s well again.",
             a->name + strlen("leeway-"),
             a->name[strlen(a->name) - 1] == 's' ? "are" : "is");
}

static bool form(const struct lw_engine *e, const struct lw_alert *a,
                 struct lw_buf *json) {
    struct lw_err err = {0};
    const struct lw_alert_context context = {.now_ms = lw_wall_ms(),
                                             .host = e->who,
                                             .page_url = e->config->page_url,
                                             .runbook_url = e->config->runbook_url};
    lw_log(a->firing ? LW_WARN : LW_INFO, a->firing ? "alert_firing" : "alert_resolved",
           "rule=%s", a->name);
    if (lw_alert_json(&e->config->spec, a, &context, json, &err) == 0)
        return true;
    lw_log(LW_ERROR, "alert_unformed", "error=\"%s\"", err.msg);
    return false;
}

/* ---- by the leader, through the outbox ---- */

/* What follows from what: a person is told of the cause. */
static bool follows(enum lw_component c, enum lw_component cause) {
    bool sent = c == LW_COMPONENT_LETTERS || c == LW_COMPONENT_PREDICTIONS;
    if (cause == LW_COMPONENT_KAFKA)
        return sent || c == LW_COMPONENT_PARTITIONS;
    return c == LW_COMPONENT_PARTITIONS &&
           (cause == LW_COMPONENT_REDIS || cause == LW_COMPONENT_LETTERS ||
            cause == LW_COMPONENT_PREDICTIONS);
}

static bool explained(const struct lw_health *h, const struct lw_trouble *t) {
    for (size_t i = 0; i < h->ntroubles; i++)
        if (follows(t->component, h->trouble[i].component) &&
            strcmp(t->who, h->trouble[i].who) == 0)
            return true;
    return false;
}

/* One that nothing explains; *followed: there is one that only follows. */
static const struct lw_trouble *trouble_of(const struct lw_health *h, enum lw_component c,
                                           bool *followed) {
    *followed = false;
    for (size_t i = 0; i < h->ntroubles; i++) {
        if (h->trouble[i].component != c)
            continue;
        if (!explained(h, &h->trouble[i]))
            return &h->trouble[i];
        *followed = true;
    }
    return NULL;
}

static int tell(struct lw_leader *l, const struct lw_alert *a, struct lw_err *err) {
    struct lw_buf json = {0};
    int rc = 0;
    if (form(l->engine, a, &json))
        rc =
            lw__leader_put_out(l, lw_pager_itself(l->pager, a, &json, lw_wall_ms()), err);
    lw_buf_fini(&json);
    return rc;
}

static int tell_one(struct lw_leader *l, const struct lw_health *h, enum lw_component c,
                    struct lw_err *err) {
    struct lw_alert a = alert_of(l->spec, c);
    bool followed;
    const struct lw_trouble *t = trouble_of(h, c, &followed);
    const struct lw_alert_status *s = lw_pager_standing(l->pager, a.fingerprint);
    bool fires = s && s->firing;
    int64_t now = lw_mono_ms();
    if (followed && !t)
        l->trouble_ms[c] = now + AFTER_MS;
    else if (!t || !l->trouble_ms[c])
        l->trouble_ms[c] = t ? now : 0;
    if (t && !fires && now - l->trouble_ms[c] >= LASTS_MS)
        fire(&a, t, lw_mix64(a.fingerprint ^ (uint64_t)t->since_ms));
    else if (!t && fires && h->item[c].condition == LW_WELL)
        resolve(&a, s->incident, s->since_ms);
    else
        return 0;
    return tell(l, &a, err);
}

int lw__leader_itself(struct lw_leader *l, struct lw_err *err) {
    struct lw_health *h = lw_malloc(sizeof *h);
    int rc = 0;
    lw_engine_health(l->engine, h);
    for (int c = 0; c < LW_COMPONENTS && h->looked_ms && rc == 0; c++)
        if (!is_direct((enum lw_component)c))
            rc = tell_one(l, h, (enum lw_component)c, err);
    free(h);
    return rc;
}

/* ---- without the outbox ---- */

static void post(struct lw_engine *e, enum lw_component c, const struct lw_alert *a) {
    struct lw_buf json = {0};
    struct lw_direct *d = &e->direct[c];
    if (form(e, a, &json)) {
        pthread_mutex_lock(&e->lock);
        free(d->json);
        d->json = lw_strndup((const char *)json.data, json.len);
        d->len = json.len;
        d->firing = a->firing;
        d->number++;
        pthread_mutex_unlock(&e->lock);
    }
    lw_buf_fini(&json);
}

/* A person does not want to hear of it. */
static bool silenced(const struct lw_watch *w, const struct lw_alert *a) {
    struct lw_alert_status s = {.severity = a->severity};
    lw_copy(s.rule, sizeof s.rule, a->name);
    for (size_t i = 0; i < w->nsilences; i++)
        if (lw_silence_covers(&w->silence[i], &s, w->now.wall_ms))
            return true;
    return false;
}

/* The same for all that saw the same leader last, and another after an evaluation. */
static uint64_t incident_of(const struct lw_watch *w, const struct lw_alert *a) {
    const char *lease = w->lease[0] ? w->lease : w->facts.lease;
    uint64_t seen = lw_text_key(lease, strlen(lease));
    return lw_mix64(lw_mix64(a->fingerprint ^ seen) ^ (uint64_t)w->updated_ms);
}

static void direct_one(struct lw_watch *w, enum lw_component c) {
    struct lw_itself *was = &w->itself[c];
    const struct lw_health_item *item = &w->health.item[c];
    struct lw_alert a = alert_of(&w->config->spec, c);
    if (item->condition != LW_ILL) {
        if (was->told && item->condition == LW_WELL) {
            resolve(&a, was->incident, was->since_ms);
            post(w->engine, c, &a);
        }
        if (item->condition == LW_WELL)
            *was = (struct lw_itself){0};
        return;
    }
    if (!was->ill_ms)
        was->ill_ms = w->now.mono_ms;
    bool lasts = item->bad_ms == w->now.mono_ms; /* else it is over, and held */
    if (was->told || !lasts || silenced(w, &a) ||
        w->now.mono_ms - was->ill_ms < (w->led ? 0 : OTHERS_MS))
        return;
    struct lw_trouble t = {.component = c, .since_ms = item->since_ms};
    lw_copy(t.who, sizeof t.who, w->engine->who);
    lw_copy(t.text, sizeof t.text, item->text);
    was->told = true;
    was->incident = incident_of(w, &a);
    was->since_ms = t.since_ms;
    fire(&a, &t, was->incident);
    post(w->engine, c, &a);
}

/* As long as both are well: what all processes have seen before one failed. */
static void remember(struct lw_watch *w) {
    bool passes = w->passed_ms && w->now.mono_ms - w->passed_ms < PASSES_MS &&
                  strcmp(w->passer, w->facts.leader) == 0;
    if (!w->read || w->redis_err.code || !passes)
        return;
    lw_copy(w->lease, sizeof w->lease, w->facts.lease);
    w->updated_ms = w->facts.updated_ms;
    w->led = strcmp(w->facts.leader, w->engine->who) == 0;
}

void lw__itself_direct(struct lw_watch *w) {
    remember(w);
    direct_one(w, LW_COMPONENT_REDIS);
    /* Without Redis nobody can lead: that is one trouble. */
    bool one = w->health.item[LW_COMPONENT_REDIS].condition == LW_ILL;
    if (!one || w->itself[LW_COMPONENT_LEADER].told)
        direct_one(w, LW_COMPONENT_LEADER);
}

/* Whatever a receiver has been told of, it is told the end of. */
static bool wanted(const struct lw_receiver *r, enum lw_component c,
                   const struct lw_direct *d, bool told) {
    return d->firing ? lw_receiver_wants(r, LW_SEVERITY_CRITICAL, lw_component_alert(c))
                     : told && r->resolved;
}

static void deliver(struct lw_notifier *n, enum lw_component c,
                    const struct lw_direct *d) {
    struct lw_handed *h = &n->handed[c];
    const struct lw_receiver *r = &n->engine->config->receiver[n->receiver];
    struct lw_http_result result = {0};
    char quoted[600];
    int64_t now = lw_wall_ms();
    if (h->trying != d->number)
        *h = (struct lw_handed){h->done, d->number, 0, now, 0, h->told};
    if (now < h->not_before_ms)
        return;
    lw_alert_send(r, d->json, d->len, now, &result);
    struct lw_next_step next = lw_notifier_next(r, lw_component_alert(c), &result,
                                                ++h->attempts, h->put_ms, now);
    bool delivered = result.verdict == LW_DELIVERED;
    lw_log(delivered ? LW_INFO : LW_WARN, delivered ? "delivered" : "delivery_waits",
           "receiver=%s id=%s status=%d reason=%s", r->name, lw_component_alert(c),
           result.status, lw_log_quote(quoted, sizeof quoted, result.reason));
    h->not_before_ms = next.not_before_ms;
    if (next.what == LW_NEXT_RETRY)
        return;
    h->done = d->number;
    h->told = d->firing && delivered;
}

void lw__itself_deliver(struct lw_notifier *n) {
    const struct lw_receiver *r = &n->engine->config->receiver[n->receiver];
    for (int c = 0; c < LW_COMPONENTS; c++) {
        struct lw_direct d;
        pthread_mutex_lock(&n->engine->lock);
        d = n->engine->direct[c];
        bool news = d.number != n->handed[c].done;
        d.json = news && d.json ? lw_memdup(d.json, d.len + 1) : NULL;
        pthread_mutex_unlock(&n->engine->lock);
        if (news && !wanted(r, (enum lw_component)c, &d, n->handed[c].told))
            n->handed[c].done = d.number;
        else if (news)
            deliver(n, (enum lw_component)c, &d);
        free(d.json);
    }
}
