/* Collects the facts for health from brokers, workers and Redis, which is also
 * written to. Blocks no longer than Redis's timeout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/health.h"
#include "store/silences.h"

#define WRITE_MS 5000

#define PARTITIONS_MS 60000 /* longer than a group needs to notice that a member died */

/* ---- this process ---- */

static void read_engine(struct lw_watch *w) {
    struct lw_engine *e = w->engine;
    int64_t *end = w->brokers.end;
    pthread_mutex_lock(&e->lock);
    w->brokers = e->brokers;
    w->sealing_block = e->sealing_block;
    lw_copy(w->leader_why, sizeof w->leader_why, e->leader_why);
    w->brokers.end = lw_realloc(end, (size_t)w->brokers.n + 1, sizeof *end);
    if (w->brokers.n)
        memcpy(w->brokers.end, e->brokers.end, (size_t)w->brokers.n * sizeof *end);
    pthread_mutex_unlock(&e->lock);
}

/* Of each kind, the trouble that has lasted longest. */
static void read_workers(struct lw_watch *w) {
    struct lw_worker_trouble word[LW_WORKER_TROUBLES];
    memset(w->word, 0, sizeof w->word);
    w->owned = w->schemas = 0;
    for (int i = 0; i < w->engine->nworkers; i++) {
        struct lw_worker_status s = lw__worker_status(w->engine->worker[i]);
        lw__worker_troubles(w->engine->worker[i], word);
        w->owned += s.owned;
        w->schemas += s.npaused;
        for (int k = 0; k < LW_WORKER_TROUBLES; k++)
            if (word[k].text[0] &&
                (!w->word[k].text[0] || word[k].since_ms < w->word[k].since_ms))
                w->word[k] = word[k];
    }
}

/* ---- Redis ---- */

static void write_heartbeat(struct lw_watch *w) {
    struct lw_process *me = lw_calloc(1, sizeof *me);
    const struct lw_health *h = &w->health;
    bool leading = atomic_load(&w->engine->leading);
    lw_copy(me->who, sizeof me->who, w->engine->who);
    me->at_ms = w->now.wall_ms + w->offset_ms;
    me->passed_ms = leading ? atomic_load(&w->engine->passed_wall_ms) : 0;
    for (int c = 0; c < LW_COMPONENTS; c++) {
        struct lw_trouble *t = &me->trouble[me->ntroubles];
        if (h->item[c].condition != LW_ILL)
            continue;
        t->component = (enum lw_component)c;
        t->since_ms = h->item[c].since_ms;
        lw_copy(t->text, sizeof t->text, h->item[c].text);
        me->ntroubles++;
    }
    if (lw_health_put(w->redis, &w->config->spec, me, &w->redis_err) == 0)
        w->wrote_ms = w->now.mono_ms;
    free(me);
}

static void remove_expired(struct lw_watch *w) {
    struct lw_err err = {0};
    for (size_t i = 0; i < w->facts.ngone; i++)
        lw_health_leave(w->redis, &w->config->spec, w->facts.gone[i], &err);
}

static void make_room(struct lw_watch *w, int32_t n) {
    if (n <= w->n)
        return;
    w->view = lw_realloc(w->view, (size_t)n, sizeof *w->view);
    w->flow = lw_realloc(w->flow, (size_t)n, sizeof *w->flow);
    w->verdict = lw_realloc(w->verdict, (size_t)n, sizeof *w->verdict);
    for (int32_t p = w->n; p < n; p++) {
        w->flow[p] = (struct lw_partition_flow){0};
        w->verdict[p] = LW_FLOW_UNKNOWN;
    }
    w->n = n;
}

static void read_redis(struct lw_watch *w) {
    struct lw_err err = {0};
    const struct lw_spec *spec = &w->config->spec;
    int32_t n = atomic_load(&w->engine->npartitions);
    make_room(w, n);
    w->n = n < w->n ? n : w->n;
    w->read = lw_health_facts(w->redis, spec, &w->facts, &err) == 0;
    w->view_read =
        w->read && w->n > 0 &&
        lw_state_view(w->redis, spec, w->config->source.topic, w->n, w->view, &err) == 0;
    if (w->read) {
        w->read_ms = w->now.mono_ms;
        w->offset_ms = w->facts.server_ms - lw_wall_ms();
        w->offset_known = true;
        remove_expired(w);
    } else {
        w->redis_err = err;
    }
}

/* While Redis is unreachable, the last known silences apply. */
static void read_silences(struct lw_watch *w) {
    struct lw_err err = {0};
    struct lw_silence *fresh = NULL;
    size_t n = 0;
    if (lw_silences_load(w->redis, &w->config->spec, w->now.wall_ms, &fresh, &n, &err))
        return;
    free(w->silence);
    w->silence = fresh;
    w->nsilences = n;
}

/* Time of the leader's last pass: this process's own, or when its entry last changed. */
static void follow_leader(struct lw_watch *w) {
    int64_t reported = 0;
    if (!w->read)
        return;
    if (strcmp(w->facts.leader, w->engine->who) == 0) {
        int64_t passed = atomic_load(&w->engine->passed_ms);
        if (passed > w->passed_ms) {
            w->passed_ms = passed;
            lw_copy(w->passer, sizeof w->passer, w->facts.leader);
        }
        return;
    }
    for (size_t i = 0; i < w->facts.nprocesses; i++)
        if (strcmp(w->facts.process[i].who, w->facts.leader) == 0)
            reported = w->facts.process[i].passed_ms;
    bool same = strcmp(w->leader, w->facts.leader) == 0;
    if (same && reported && reported != w->passed_reported) {
        w->passed_ms = w->now.mono_ms;
        lw_copy(w->passer, sizeof w->passer, w->facts.leader);
    }
    lw_copy(w->leader, sizeof w->leader, w->facts.leader);
    w->passed_reported = reported;
}

void lw__health_look(struct lw_watch *w) {
    read_engine(w);
    read_workers(w);
    lw_err_clear(&w->redis_err);
    read_redis(w);
    bool due = !w->wrote_ms || w->now.mono_ms - w->wrote_ms >= WRITE_MS;
    if (w->read && due)
        read_silences(w);
    if (w->read && w->offset_known && due)
        write_heartbeat(w);
    follow_leader(w);
}

/* ---- partitions ---- */

static bool is_of(const char *owner, const char *who) {
    size_t len = strlen(who);
    return strncmp(owner, who, len) == 0 && owner[len] == ':';
}

static bool owned_here(const struct lw_watch *w, int32_t p) {
    return w->owned && is_of(w->view[p].owner, w->engine->who);
}

static bool owner_lives(const struct lw_watch *w, int32_t p) {
    for (size_t i = 0; i < w->facts.nprocesses; i++)
        if (strcmp(w->facts.process[i].who, w->engine->who) != 0 &&
            is_of(w->view[p].owner, w->facts.process[i].who))
            return true;
    return owned_here(w, p);
}

static void judge_partitions(struct lw_watch *w) {
    struct lw_health *h = &w->health;
    bool fresh = w->brokers.asked_ms && w->now.mono_ms - w->brokers.asked_ms < 15000;
    double stalled = 0, deserted = 0;
    h->nstalled = 0;
    for (int32_t p = 0; p < w->n; p++) {
        const struct lw_health_flow_check look = {
            .next_offset = w->view[p].next_offset,
            .updated_ms = w->view[p].updated_ms,
            .end_offset = fresh && p < w->brokers.n ? w->brokers.end[p] : -1,
            .high_offset = w->view[p].end_offset};
        w->verdict[p] = lw_health_flow_check(&w->flow[p], &look, PARTITIONS_MS, w->now);
        if (w->verdict[p] == LW_FLOW_DESERTED && owner_lives(w, p))
            w->verdict[p] = LW_FLOW_STALLED; /* it is read but cannot be flushed */
        bool gone = w->verdict[p] == LW_FLOW_DESERTED;
        bool open = w->verdict[p] == LW_FLOW_TRANSACTION_OPEN;
        bool stuck = open || w->verdict[p] == LW_FLOW_STALLED;
        stalled += stuck || gone;
        deserted += gone;
        if ((stuck || gone) && h->nstalled < LW_STALLED_LIST)
            h->stalled[h->nstalled++] =
                (struct lw_stalled_partition){p,
                                              gone   ? w->flow[p].owned.wall_ms
                                              : open ? w->flow[p].free.wall_ms
                                                     : w->flow[p].good.wall_ms,
                                              gone};
    }
    h->figure.stalled = w->n ? stalled : NAN;
    h->figure.deserted = w->n ? deserted : NAN;
}

/* What blocks this process's partitions. */
static const char *blocking_reason(const struct lw_watch *w) {
    static const enum lw_worker_trouble_kind order[] = {
        LW_WORKER_TROUBLE_LETTERS, LW_WORKER_TROUBLE_PREDICTIONS,
        LW_WORKER_TROUBLE_STALLED, LW_WORKER_TROUBLE_GROUP};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (w->word[order[i]].text[0])
            return w->word[order[i]].text;
    if (w->schemas)
        return "the schema registry has not returned a schema yet";
    return w->brokers.why;
}

static size_t collect_partitions(const struct lw_watch *w, enum lw_flow_verdict which,
                                 int32_t *out) {
    size_t n = 0;
    for (int32_t p = 0; p < w->n; p++) /* others report their own */
        if (w->verdict[p] == which &&
            (which == LW_FLOW_DESERTED || which == LW_FLOW_UNKNOWN || owned_here(w, p)))
            out[n++] = p;
    return n;
}

struct partition_list {
    size_t n;
    char text[80];
};

static struct partition_list list_partitions(const struct lw_watch *w,
                                             enum lw_flow_verdict which) {
    struct partition_list list = {0};
    int32_t *number = lw_calloc((size_t)w->n + 1, sizeof *number);
    list.n = collect_partitions(w, which, number);
    lw_health_list(list.text, sizeof list.text, number, list.n);
    free(number);
    return list;
}

/* Each appends its sentence, unless the list is empty. */

static void add_unread(const struct partition_list *list, const char *reason, char *out,
                       size_t size) {
    size_t at = strlen(out);
    if (list->n)
        snprintf(out + at, size - at, "no live process reads partition%s %s%s%s",
                 list->n > 1 ? "s" : "", list->text, *reason ? ": " : "", reason);
}

static void add_stalled(const struct partition_list *list, const char *reason, char *out,
                        size_t size) {
    size_t at = strlen(out);
    if (list->n)
        snprintf(out + at, size - at,
                 "%spartition%s %s do%s not advance: there are messages to read, or no "
                 "broker reports the end%s%s",
                 at ? "; " : "", list->n > 1 ? "s" : "", list->text,
                 list->n > 1 ? "" : "es", *reason ? ": " : "", reason);
}

static void add_transaction_open(const struct partition_list *list, char *out,
                                 size_t size) {
    size_t at = strlen(out);
    if (list->n)
        snprintf(
            out + at, size - at,
            "%spartition%s %s wait%s behind a transaction that its producer neither commits nor aborts",
            at ? "; " : "", list->n > 1 ? "s" : "", list->text, list->n > 1 ? "" : "s");
}

bool lw__health_partitions(struct lw_watch *w, char *out, size_t size) {
    out[0] = '\0';
    if (!w->view_read)
        return false;
    judge_partitions(w);
    struct partition_list unread = list_partitions(w, LW_FLOW_DESERTED);
    struct partition_list stalled = list_partitions(w, LW_FLOW_STALLED);
    struct partition_list open = list_partitions(w, LW_FLOW_TRANSACTION_OPEN);
    const char *reason = blocking_reason(w);
    add_unread(&unread, reason, out, size);
    add_stalled(&stalled, unread.n ? "" : reason, out, size);
    add_transaction_open(&open, out, size);
    return *out || list_partitions(w, LW_FLOW_UNKNOWN).n == 0;
}
