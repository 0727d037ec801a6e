/* "leeway itself: ...": troubles of leeway as alerts, to the same receivers and in
 * the same form as all others.
 *
 * The leader sends what any live process reports, through the outbox: once per
 * trouble, and the current leader resolves it. Troubles that disable the outbox
 * (Redis fails, the leader is stuck) are sent directly by the process that led last,
 * and a little later by every other process that sees them. All use the same
 * incident, so that a receiver can deduplicate. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert_json.h"
#include "alert/deliver.h"
#include "alert/notifier.h"
#include "alert/post.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/health.h"
#include "engine/leader.h"
#include "engine/leader_private.h"
#include "engine/notifier.h"
#include "engine/self_alert.h"

#define OTHERS_MS 30000 /* later than the last leader */
#define LASTS_MS  10000 /* a trouble must last this long, .. */
#define AFTER_MS  20000 /* .. and longer after its cause has ended */
#define PASSES_MS 8000  /* a healthy leader has passed since */

static bool is_direct(enum lw_component c) {
    return c == LW_COMPONENT_REDIS || c == LW_COMPONENT_LEADER;
}

/* The fields that all messages about a component share. */
static struct lw_alert alert_of(const struct lw_spec *spec, enum lw_component c) {
    const char *name = lw_health_component_alert(c);
    struct lw_alert a = {.severity = LW_SEVERITY_CRITICAL, .firing = true};
    a.fingerprint = lw_mix64(lw_text_key(spec->stream, strlen(spec->stream)) ^
                             lw_text_key(name, strlen(name)));
    lw_copy(a.name, sizeof a.name, name);
    return a;
}

static void self_alert_fire(struct lw_alert *a, const struct lw_trouble *t,
                            uint64_t incident) {
    a->since_ms = t->since_ms;
    a->at_ms = lw_wall_ms();
    a->incident = incident;
    snprintf(a->summary, sizeof a->summary, "leeway itself: %.*s (%.60s)", 230, t->text,
             t->who);
}

static void self_alert_resolve(struct lw_alert *a, uint64_t incident, int64_t since_ms) {
    a->firing = false;
    a->incident = incident;
    a->since_ms = since_ms;
    a->at_ms = lw_wall_ms();
    snprintf(a->summary, sizeof a->summary, "leeway itself: %s %s healthy again.",
             a->name + strlen("leeway-"),
             a->name[strlen(a->name) - 1] == 's' ? "are" : "is");
}

static bool self_alert_render(const struct lw_engine *e, const struct lw_alert *a,
                              struct lw_buf *json) {
    struct lw_err err = {0};
    const struct lw_alert_context context = {.now_ms = lw_wall_ms(),
                                             .host = e->who,
                                             .page_url = e->config->page_url,
                                             .runbook_url = e->config->runbook_url};
    lw__leader_log_alert(a);
    if (lw_alert_json_write(&e->config->spec, a, &context, json, &err) == 0)
        return true;
    lw_log(alert_render_failed, err.msg);
    return false;
}

/* ---- by the leader, through the outbox ---- */

/* True if a trouble of c follows from one of cause: only the cause is sent. */
static bool component_follows(enum lw_component c, enum lw_component cause) {
    bool sent = c == LW_COMPONENT_DEAD_LETTERS || c == LW_COMPONENT_PREDICTIONS;
    if (cause == LW_COMPONENT_KAFKA)
        return sent || c == LW_COMPONENT_PARTITIONS;
    return c == LW_COMPONENT_PARTITIONS &&
           (cause == LW_COMPONENT_REDIS || cause == LW_COMPONENT_DEAD_LETTERS ||
            cause == LW_COMPONENT_PREDICTIONS);
}

static bool trouble_explained(const struct lw_health *h, const struct lw_trouble *t) {
    for (size_t i = 0; i < h->ntroubles; i++)
        if (component_follows(t->component, h->trouble[i].component) &&
            strcmp(t->who, h->trouble[i].who) == 0)
            return true;
    return false;
}

/* A trouble without a known cause; *followed: there is one with a cause. */
static const struct lw_trouble *trouble_of(const struct lw_health *h, enum lw_component c,
                                           bool *followed) {
    *followed = false;
    for (size_t i = 0; i < h->ntroubles; i++) {
        if (h->trouble[i].component != c)
            continue;
        if (!trouble_explained(h, &h->trouble[i]))
            return &h->trouble[i];
        *followed = true;
    }
    return NULL;
}

static int self_alert_put(struct lw_leader *l, const struct lw_alert *a,
                          struct lw_err *err) {
    struct lw_buf json = {0};
    int rc = 0;
    if (self_alert_render(l->engine, a, &json))
        rc = lw__leader_write_notifications(
            l, lw_notification_plan_itself(l->plan, a, &json, lw_wall_ms()), err);
    lw_buf_fini(&json);
    return rc;
}

static int self_alert_judge(struct lw_leader *l, const struct lw_health *h,
                            enum lw_component c, struct lw_err *err) {
    struct lw_alert a = alert_of(l->spec, c);
    bool followed;
    const struct lw_trouble *t = trouble_of(h, c, &followed);
    const struct lw_alert_status *s = lw_notification_plan_status(l->plan, a.fingerprint);
    bool fires = s && s->firing;
    int64_t now = lw_mono_ms();
    if (followed && !t)
        l->trouble_ms[c] = now + AFTER_MS;
    else if (!t || !l->trouble_ms[c])
        l->trouble_ms[c] = t ? now : 0;
    if (t && !fires && now - l->trouble_ms[c] >= LASTS_MS)
        self_alert_fire(&a, t, lw_mix64(a.fingerprint ^ (uint64_t)t->since_ms));
    else if (!t && fires && h->item[c].condition == LW_WELL)
        self_alert_resolve(&a, s->incident, s->since_ms);
    else
        return 0;
    return self_alert_put(l, &a, err);
}

int lw__self_alert_step(struct lw_leader *l, struct lw_err *err) {
    struct lw_health *h = lw_malloc(sizeof *h);
    int rc = 0;
    lw_engine_health(l->engine, h);
    for (int c = 0; c < LW_COMPONENTS && h->looked_ms && rc == 0; c++)
        if (!is_direct((enum lw_component)c))
            rc = self_alert_judge(l, h, (enum lw_component)c, err);
    free(h);
    return rc;
}

/* ---- without the outbox ---- */

static void direct_post(struct lw_engine *e, enum lw_component c,
                        const struct lw_alert *a) {
    struct lw_buf json = {0};
    struct lw_direct_message *d = &e->direct[c];
    if (self_alert_render(e, a, &json)) {
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

/* A silence covers it. */
static bool alert_silenced(const struct lw_watch *w, const struct lw_alert *a) {
    struct lw_alert_status s = {.severity = a->severity};
    lw_copy(s.rule, sizeof s.rule, a->name);
    for (size_t i = 0; i < w->nsilences; i++)
        if (lw_silence_covers(&w->silence[i], &s, w->now.wall_ms))
            return true;
    return false;
}

/* Equal in all processes that saw the same leader last; changes with each evaluation. */
static uint64_t incident_of(const struct lw_watch *w, const struct lw_alert *a) {
    const char *lease = w->lease[0] ? w->lease : w->facts.lease;
    uint64_t seen = lw_text_key(lease, strlen(lease));
    return lw_mix64(lw_mix64(a->fingerprint ^ seen) ^ (uint64_t)w->updated_ms);
}

static void direct_judge(struct lw_watch *w, enum lw_component c) {
    struct lw_self_alert_state *was = &w->itself[c];
    const struct lw_health_item *item = &w->health.item[c];
    struct lw_alert a = alert_of(&w->config->spec, c);
    if (item->condition != LW_ILL) {
        if (was->notified && item->condition == LW_WELL) {
            self_alert_resolve(&a, was->incident, was->since_ms);
            direct_post(w->engine, c, &a);
        }
        if (item->condition == LW_WELL)
            *was = (struct lw_self_alert_state){0};
        return;
    }
    if (!was->ill_ms)
        was->ill_ms = w->now.mono_ms;
    bool lasts =
        item->bad_ms == w->now.mono_ms; /* else it is over and within its hold time */
    if (was->notified || !lasts || alert_silenced(w, &a) ||
        w->now.mono_ms - was->ill_ms < (w->led ? 0 : OTHERS_MS))
        return;
    struct lw_trouble t = {.component = c, .since_ms = item->since_ms};
    lw_copy(t.who, sizeof t.who, w->engine->who);
    lw_copy(t.text, sizeof t.text, item->text);
    was->notified = true;
    was->incident = incident_of(w, &a);
    was->since_ms = t.since_ms;
    self_alert_fire(&a, &t, was->incident);
    direct_post(w->engine, c, &a);
}

/* While both are healthy: what all processes saw before one failed. */
static void remember_healthy(struct lw_watch *w) {
    bool passes = w->passed_ms && w->now.mono_ms - w->passed_ms < PASSES_MS &&
                  strcmp(w->passer, w->facts.leader) == 0;
    if (!w->read || w->redis_err.code || !passes)
        return;
    lw_copy(w->lease, sizeof w->lease, w->facts.lease);
    w->updated_ms = w->facts.updated_ms;
    w->led = strcmp(w->facts.leader, w->engine->who) == 0;
}

void lw__self_alert_direct(struct lw_watch *w) {
    remember_healthy(w);
    direct_judge(w, LW_COMPONENT_REDIS);
    /* Without Redis no process can lead: that is one trouble. */
    bool one = w->health.item[LW_COMPONENT_REDIS].condition == LW_ILL;
    if (!one || w->itself[LW_COMPONENT_LEADER].notified)
        direct_judge(w, LW_COMPONENT_LEADER);
}

/* A receiver that got an alert also gets its resolution. */
static bool direct_wanted(const struct lw_receiver *r, enum lw_component c,
                          const struct lw_direct_message *d, bool notified) {
    return d->firing
               ? lw_receiver_wants(r, LW_SEVERITY_CRITICAL, lw_health_component_alert(c))
               : notified && r->resolved;
}

static void direct_deliver(struct lw_notifier *n, enum lw_component c,
                           const struct lw_direct_message *d) {
    struct lw_direct_progress *h = &n->handed[c];
    const struct lw_receiver *r = &n->engine->config->receiver[n->receiver];
    struct lw_post_result result = {0};
    int64_t now = lw_wall_ms();
    if (h->trying != d->number)
        *h = (struct lw_direct_progress){h->done, d->number, 0, now, 0, h->notified};
    if (now < h->not_before_ms)
        return;
    lw_deliver(r, d->json, d->len, now, &result);
    struct lw_notifier_step next = lw_notifier_next(
        r, lw_health_component_alert(c), &result, ++h->attempts, h->put_ms, now);
    lw__notifier_log_attempt(r->name, lw_health_component_alert(c), h->attempts, &next,
                             &result);
    h->not_before_ms = next.not_before_ms;
    if (next.what == LW_NOTIFIER_RETRY)
        return;
    h->done = d->number;
    h->notified = d->firing && result.verdict == LW_POST_DELIVERED;
}

void lw__self_alert_deliver(struct lw_notifier *n) {
    const struct lw_receiver *r = &n->engine->config->receiver[n->receiver];
    for (int c = 0; c < LW_COMPONENTS; c++) {
        struct lw_direct_message d;
        pthread_mutex_lock(&n->engine->lock);
        d = n->engine->direct[c];
        bool news = d.number != n->handed[c].done;
        d.json = news && d.json ? lw_memdup(d.json, d.len + 1) : NULL;
        pthread_mutex_unlock(&n->engine->lock);
        if (news && !direct_wanted(r, (enum lw_component)c, &d, n->handed[c].notified))
            n->handed[c].done = d.number;
        else if (news)
            direct_deliver(n, (enum lw_component)c, &d);
        free(d.json);
    }
}
