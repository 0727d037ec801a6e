/* The health thread judges this process and its stream once a second, for readiness,
 * metrics, alerts, and other processes (by its entry in Redis).
 *
 * It judges effects, not causes: offsets in Redis that advance or equal the broker's
 * end offset, passes of the leader, deliveries that leave the outbox. So unforeseen
 * causes are detected too; causes that the threads report only explain them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/health.h"
#include "engine/self_alert.h"

#define LOOK_MS    1000
#define STOPPED_MS 5000 /* between two checks: the process was stopped */

#define KAFKA_MS  15000 /* without an answer: longer than a broker restart */
#define REDIS_MS  20000 /* without a write: longer than a failover */
#define SENT_MS   20000 /* dead letters or predictions without acknowledgement */
#define MUTE_MS   10000 /* without a write: heartbeats cannot arrive */
#define PASS_MS   10000 /* between two passes of the leader */
#define LEADER_MS 30000 /* for a successor, in addition to the lease */
#define CLOCK_MS  60000
#define OUTBOX_MS 60000 /* age of the oldest pending delivery */

static double seconds_since(const struct lw_watch *w, int64_t mono_ms) {
    int64_t from = mono_ms ? mono_ms : w->began.mono_ms;
    return (double)(w->now.mono_ms - from) / (double)LW_SECOND;
}

static void judge_component(struct lw_watch *w, enum lw_component c, bool known,
                            const char *wrong, int64_t patience_ms) {
    struct lw_health_item *item = &w->health.item[c];
    enum lw_condition was = item->condition;
    const struct lw_health_found finding = {known, wrong && *wrong ? wrong : NULL,
                                            patience_ms};
    lw_health_judge(item, &finding, w->now);
    if (item->condition == was)
        return;
    if (item->condition == LW_ILL)
        lw_log(component_unhealthy, lw_health_component_name(c),
               (long long)item->since_ms, LW_QUOTE(item->text));
    else if (was == LW_ILL)
        lw_log(component_healthy, lw_health_component_name(c));
}

static void judge_kafka(struct lw_watch *w) {
    const struct lw_brokers *b = &w->brokers;
    struct lw_health_figures *f = &w->health.figure;
    char text[LW_HEALTH_TEXT];
    bool answers = b->answered_ms && b->answered_ms == b->asked_ms &&
                   w->now.mono_ms - b->asked_ms < KAFKA_MS;
    const char *why = b->why[0] ? b->why : "the brokers take too long";
    f->kafka_age = b->asked_ms ? seconds_since(w, b->answered_ms) : NAN;
    f->kafka_up = !b->asked_ms
                      ? NAN
                      : answers || (b->answered_ms &&
                                    seconds_since(w, b->answered_ms) * 1000 < KAFKA_MS);
    snprintf(text, sizeof text, "%s%.250s", b->gone ? "" : "no broker answers: ", why);
    judge_component(w, LW_COMPONENT_KAFKA, b->asked_ms != 0,
                    answers && !b->gone ? NULL : text, KAFKA_MS);
}

static void judge_redis(struct lw_watch *w) {
    struct lw_health_figures *f = &w->health.figure;
    char text[LW_HEALTH_TEXT];
    bool wrote = w->wrote_ms && w->redis_err.code == LW_OK;
    f->redis_age = seconds_since(w, w->wrote_ms);
    f->redis_writable = wrote ? 1 : w->redis_err.code ? 0 : NAN;
    snprintf(text, sizeof text, "Redis %s: %.280s",
             w->read ? "takes no writes" : "does not answer",
             w->redis_err.code ? w->redis_err.msg : "nothing was written");
    judge_component(w, LW_COMPONENT_REDIS, wrote || w->redis_err.code,
                    wrote ? NULL : text, REDIS_MS);
}

static void judge_leader(struct lw_watch *w) {
    char text[LW_HEALTH_TEXT];
    int64_t patience = LEADER_MS + w->config->lease_ms;
    double since = seconds_since(w, w->passed_ms);
    w->health.figure.evaluation_age = since;
    bool late = !w->passed_ms || since * (double)LW_SECOND > PASS_MS;
    /* If nothing can be written, another leader cannot report its passes. */
    bool mute = w->now.mono_ms - w->wrote_ms > MUTE_MS &&
                strcmp(w->facts.leader, w->engine->who) != 0;
    if (!w->read || mute) {
        judge_component(w, LW_COMPONENT_LEADER, false, NULL, patience);
        return;
    }
    const char *why = atomic_load(&w->engine->leading) ? w->leader_why : "";
    if (w->facts.leader[0])
        snprintf(text, sizeof text, "the leader %.60s completes no pass%s%.200s",
                 w->facts.leader, *why ? ": " : "", why);
    else
        snprintf(text, sizeof text,
                 "no process leads: nothing is evaluated and no alert is sent");
    judge_component(w, LW_COMPONENT_LEADER, true,
                    late || !w->facts.leader[0] ? text : NULL, patience);
}

/* Other processes take it from the leader's entry. */
static void judge_clock(struct lw_watch *w) {
    const char *wrong = w->sealing_block.since_ms ? w->sealing_block.why : NULL;
    bool lead = atomic_load(&w->engine->leading);
    if (!lead)
        wrong = NULL;
    for (size_t i = 0; !lead && w->read && i < w->facts.nprocesses; i++)
        for (size_t k = 0; k < w->facts.process[i].ntroubles; k++)
            if (strcmp(w->facts.process[i].who, w->facts.leader) == 0 &&
                w->facts.process[i].trouble[k].component == LW_COMPONENT_CLOCK)
                wrong = w->facts.process[i].trouble[k].text;
    w->health.figure.clock_age =
        lead ? (w->sealing_block.since_ms ? seconds_since(w, w->sealing_block.since_ms)
                                          : 0)
             : NAN;
    bool known = lead || (w->read && w->passed_ms);
    judge_component(w, LW_COMPONENT_CLOCK, known, wrong, lead ? CLOCK_MS : 0);
}

static double judge_sent(struct lw_watch *w, enum lw_component c,
                         enum lw_worker_trouble_kind h, bool wanted) {
    const struct lw_worker_trouble *word = &w->word[h];
    char text[LW_HEALTH_TEXT];
    snprintf(text, sizeof text, "%s are not delivered: %.250s",
             c == LW_COMPONENT_DEAD_LETTERS ? "dead letters" : "predictions", word->text);
    judge_component(w, c, true, word->text[0] ? text : NULL, SENT_MS);
    return !wanted ? NAN : word->text[0] ? seconds_since(w, word->since_ms) : 0;
}

static void judge_outbox(struct lw_watch *w) {
    char text[LW_HEALTH_TEXT], waited[40];
    if (!w->read) {
        judge_component(w, LW_COMPONENT_OUTBOX, false, NULL, 0);
        return;
    }
    int64_t ms = w->facts.oldest_ms ? w->facts.server_ms - w->facts.oldest_ms : 0;
    ms = ms < 0 ? 0 : ms;
    w->health.figure.outbox_age = (double)ms / (double)LW_SECOND;
    snprintf(
        text, sizeof text,
        "%llu deliveries of alerts wait, the oldest for %s: the log names receiver and reason",
        (unsigned long long)w->facts.waiting,
        lw_format_duration(waited, sizeof waited, ms / LW_SECOND * LW_SECOND));
    judge_component(w, LW_COMPONENT_OUTBOX, true, ms > OUTBOX_MS ? text : NULL, 0);
}

static void judge_partitions(struct lw_watch *w) {
    char text[LW_HEALTH_TEXT];
    bool known = lw__health_partitions(w, text, sizeof text);
    judge_component(w, LW_COMPONENT_PARTITIONS, known, text, 0);
}

static void add_trouble(struct lw_health *h, const struct lw_trouble *t) {
    for (size_t i = 0; i < h->ntroubles; i++) /* also reported by another process */
        if (h->trouble[i].component == t->component &&
            strcmp(h->trouble[i].text, t->text) == 0)
            return;
    if (h->ntroubles < LW_TROUBLES_MAX)
        h->trouble[h->ntroubles++] = *t;
}

/* Troubles of this process, and those that others reported last. */
static void gather_troubles(struct lw_watch *w) {
    struct lw_health *h = &w->health;
    h->ntroubles = 0;
    for (int c = 0; c < LW_COMPONENTS; c++) {
        struct lw_trouble t = {.component = (enum lw_component)c,
                               .since_ms = h->item[c].since_ms};
        lw_copy(t.who, sizeof t.who, w->engine->who);
        lw_copy(t.text, sizeof t.text, h->item[c].text);
        if (h->item[c].condition == LW_ILL)
            add_trouble(h, &t);
    }
    for (size_t i = 0; w->read && i < w->facts.nprocesses; i++)
        if (strcmp(w->facts.process[i].who, w->engine->who) != 0)
            for (size_t k = 0; k < w->facts.process[i].ntroubles; k++)
                add_trouble(h, &w->facts.process[i].trouble[k]);
}

static void judge_all(struct lw_watch *w) {
    struct lw_health_figures *f = &w->health.figure;
    judge_kafka(w);
    judge_redis(w);
    judge_partitions(w);
    judge_leader(w);
    judge_clock(w);
    f->letters_age = judge_sent(w, LW_COMPONENT_DEAD_LETTERS, LW_WORKER_TROUBLE_LETTERS,
                                w->config->source.dead_letters[0]);
    f->predictions_age =
        judge_sent(w, LW_COMPONENT_PREDICTIONS, LW_WORKER_TROUBLE_PREDICTIONS,
                   w->config->source.scored[0]);
    judge_outbox(w);
    gather_troubles(w);
    w->health.looked_ms = lw_mono_ms();
}

/* The process was stopped or blocked: nothing is judged for that time. */
static void forgive_gap(struct lw_watch *w, int64_t ms) {
    for (int c = 0; c < LW_COMPONENTS; c++)
        lw_health_forgive(&w->health.item[c], ms);
    for (int32_t p = 0; p < w->n; p++)
        lw_health_flow_forgive(&w->flow[p], ms);
    if (w->passed_ms)
        w->passed_ms += ms;
}

static void one_look(struct lw_watch *w) {
    int64_t before = w->now.mono_ms;
    w->now = (struct lw_moment){lw_mono_ms(), lw_wall_ms()};
    int64_t gap = w->now.mono_ms - before - LOOK_MS;
    if (before && gap > STOPPED_MS + w->config->redis.timeout_ms)
        forgive_gap(w, gap);
    lw__health_look(w);
    for (int32_t p = 0; before && !w->view_read && p < w->n; p++)
        lw_health_flow_forgive(&w->flow[p], w->now.mono_ms - before);
    judge_all(w);
    pthread_mutex_lock(&w->engine->lock);
    w->engine->health = w->health;
    pthread_mutex_unlock(&w->engine->lock);
    lw__self_alert_direct(w);
}

void *lw__health_main(void *engine) {
    struct lw_engine *e = engine;
    struct lw_err err = {0};
    struct lw_watch *w = lw_calloc(1, sizeof *w);
    w->engine = e;
    w->config = e->config;
    w->began = (struct lw_moment){lw_mono_ms(), lw_wall_ms()};
    lw_health_init(&w->health);
    w->redis = lw_redis_new(&e->config->redis, &err);
    if (!w->redis)
        lw__engine_request_shutdown(e, &err);
    while (w->redis && lw__engine_sleep(e, LOOK_MS))
        one_look(w);
    if (w->redis && w->wrote_ms) /* else its entry expires by itself */
        lw_health_leave(w->redis, &e->config->spec, e->who, &err);
    lw_redis_free(w->redis);
    free(w->brokers.end);
    free(w->view);
    free(w->silence);
    free(w->flow);
    free(w->verdict);
    free(w);
    return NULL;
}
