/* The leader seals panes, evaluates and decides; one process of the stream at a time.
 *
 * It keeps the monitor in memory while it holds the lease, and writes every step with
 * the fencing token and the sealed_until that the step is based on. When the outcome
 * of a write is unknown or the lease is lost, it reads the monitor from Redis again:
 * written steps count, others are repeated from the same panes with the same result. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "core/clock.h"
#include "engine/leader.h"
#include "engine/leader_private.h"
#include "store/access.h"
#include "store/audit.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/privacy.h"
#include "store/requests.h"

#define TICK_MS        100
#define AWAY_MS        1000
#define TELL_MS        10000 /* between log lines about retries */
#define STEPS_PER_TICK 256

/* Redis may be away for hours, and the leader retries each second: true when a line
 * in the log is due. */
static bool log_due(struct lw_leader *l) {
    int64_t now = lw_mono_ms();
    if (now < l->tell_at_ms)
        return false;
    l->tell_at_ms = now + TELL_MS;
    return true;
}

void lw__leader_drop(struct lw_leader *l) {
    lw_monitor_free(l->monitor);
    lw_notification_plan_free(l->plan);
    lw_unreadable_fini(&l->unread);
    l->monitor = NULL;
    l->plan = NULL;
    l->checked = l->unusable = 0;
    l->lost = false;
    memset(l->trouble_ms, 0, sizeof l->trouble_ms);
}

/* ---- taking over ---- */

static struct lw_reference *load_reference(struct lw_leader *l, uint32_t version,
                                           struct lw_err *err) {
    struct lw_version v;
    struct lw_reply *reply = lw_models_get(l->redis, l->spec, version, &v, err);
    struct lw_reference *ref =
        reply && v.reference_len
            ? lw_reference_read(l->spec, v.reference, v.reference_len, err)
            : NULL;
    if (ref)
        ref->version = version;
    else if (reply && !v.reference_len)
        lw_fail(err, LW_ENOTFOUND, "version %u has no reference", version);
    lw_reply_free(reply);
    return ref;
}

void lw__leader_first(struct lw_leader *l) {
    struct lw_err why = {0};
    uint32_t first = lw_monitor_first_version(l->monitor);
    if (!first || first == lw_monitor_champion_version(l->monitor))
        return;
    struct lw_reference *ref = load_reference(l, first, &why);
    if (!ref)
        lw_log(first_reference_unusable,
               LW_QUOTE(why.msg)); /* its figures compare with the champion's */
    lw_monitor_first(l->monitor, ref);
}

int lw__leader_set_champion(struct lw_leader *l, uint32_t version, int64_t at_ms,
                            struct lw_err *err) {
    struct lw_err why = {0};
    struct lw_reference *ref = load_reference(l, version, &why);
    if (!ref && why.code == LW_EAGAIN)
        return lw_fail(err, LW_EAGAIN, "%s", why.msg);
    if (!ref) {
        lw_log(reference_unusable, LW_QUOTE(why.msg));
        lw__leader_report_unreadable(
            l, &why,
            "Drift is not judged until the next promotion; `leeway models "
            "retrain` asks for one.");
    }
    lw_monitor_champion(l->monitor, version, ref, at_ms);
    lw__leader_first(l);
    return 0;
}

static int refill_windows(struct lw_leader *l, int64_t sealed_until, struct lw_err *err) {
    int64_t pane = l->spec->pane_ms;
    for (int64_t at = sealed_until - lw_spec_longest_window(l->spec); at < sealed_until;
         at += pane) {
        struct lw_pane *p = lw__leader_pane(l, at, true, err);
        if (!p)
            return -1;
        lw_monitor_refill(l->monitor, p);
    }
    return 0;
}

static int restore_monitor(struct lw_leader *l, const struct lw_monitor_state *state,
                           struct lw_err *err) {
    struct lw_err why = {0};
    if (state->len && lw_monitor_read(l->monitor, state->state, state->len, &why)) {
        lw_monitor_free(l->monitor); /* panes and models are still there */
        l->monitor = lw_monitor_new(l->spec);
        const struct lw_unreadable_field was = {"monitor", "state", why.msg, state->state,
                                                state->len};
        if (lw_damage_keep(l->redis, l->spec, &l->lease, &was, err))
            return -1;
        lw_log(monitor_state_unusable, LW_QUOTE(why.msg));
        lw__leader_report_unreadable(
            l, &why,
            "It starts empty: rule counts, cooldown, probation and the "
            "error by month are lost; panes and models are kept.");
    }
    if (state->sealed_until_ms != INT64_MIN &&
        refill_windows(l, state->sealed_until_ms, err))
        return -1;
    uint32_t champion = lw_monitor_champion_version(l->monitor);
    if (champion && lw__leader_set_champion(l, champion, 0, err))
        return -1;
    atomic_store(&l->engine->training, lw_monitor_pending(l->monitor) != 0);
    return 0;
}

static int take_over(struct lw_leader *l, struct lw_err *err) {
    struct lw_monitor_state state = {0};
    if (lw_monitor_state_load(l->redis, l->spec, &state, err))
        return -1;
    if (state.damaged[0] &&
        lw_monitor_state_restore(l->redis, l->spec, &l->lease, &state, err)) {
        free(state.state);
        return -1;
    }
    l->monitor = lw_monitor_new(l->spec);
    l->plan = lw_notification_plan_new(l->config);
    l->written_ms = state.updated_ms;
    int rc = restore_monitor(l, &state, err);
    if (rc == 0)
        rc = lw_notification_plan_load(l->plan, l->redis, err);
    l->privacy = l->config->privacy;
    if (rc == 0 && lw_privacy_hashes(&l->privacy))
        rc = lw_privacy_key(l->redis, l->spec, l->privacy.key, err);
    if (rc == 0)
        rc = lw__leader_orphans(l, err);
    if (l->looked_ms == 0)
        l->noted_ms = state.updated_ms; /* earlier damage was reported */
    free(state.state);
    if (rc) {
        lw__leader_drop(l);
        return -1;
    }
    l->sealed_until_ms = state.sealed_until_ms;
    l->served = lw_monitor_tracking(l->monitor)->served;
    for (int32_t p = 0; p < l->n; p++)
        l->heartbeat[p] = (struct owner_heartbeat){0};
    lw__leader_live_begin(l, &state);
    atomic_store(&l->engine->sealed_until_ms, l->sealed_until_ms);
    lw_log(leading, l->lease.who, l->lease.token, lw_monitor_champion_version(l->monitor),
           l->sealed_until_ms == INT64_MIN ? 0 : l->sealed_until_ms);
    return 0;
}

/* ---- sealing ---- */

/* A partition counts as idle only while its owner keeps saying so: the flag in Redis
 * may be from a process that died while events wait in Kafka. Measured by this
 * process's clock, from the moment it became leader. */
static void follow_owners(struct lw_leader *l) {
    int64_t now = lw_mono_ms();
    for (int32_t p = 0; p < l->n; p++) {
        struct lw_partition_view *v = &l->view[p];
        struct owner_heartbeat *t = &l->heartbeat[p];
        if (t->heard_ms && v->updated_ms != t->updated_ms)
            t->again = true;
        if (!t->heard_ms || v->updated_ms != t->updated_ms)
            *t = (struct owner_heartbeat){v->updated_ms, now,         t->again,
                                          t->low_ms,     t->since_ms, t->stood_ms};
        v->idle &= t->again && now - t->heard_ms <= 3 * LW_VERIFY_MS;
    }
}

/* A partition's clock is trusted once it has kept its value for an idle_timeout of
 * real time, the shortest quiet period of a live stream that counts. */
static void follow_clock(const struct lw_leader *l, const struct lw_partition_view *v,
                         struct owner_heartbeat *t) {
    int64_t now = lw_mono_ms();
    if (t->since_ms == 0) {
        *t = (struct owner_heartbeat){t->updated_ms, t->heard_ms, t->again,
                                      v->newest_ms,  now,         INT64_MIN};
        return;
    }
    t->low_ms = v->newest_ms < t->low_ms ? v->newest_ms : t->low_ms;
    if (now - t->since_ms < l->spec->idle_timeout_ms)
        return;
    t->stood_ms = t->low_ms;
    t->low_ms = v->newest_ms;
    t->since_ms = now;
}

/* Event time up to which a partition is complete. */
static int64_t partition_complete_until(const struct lw_leader *l, int32_t partition) {
    const struct lw_partition_view *v = &l->view[partition];
    const struct owner_heartbeat *t = &l->heartbeat[partition];
    int64_t stood = t->stood_ms < t->low_ms ? t->stood_ms : t->low_ms;
    if (!v->known || v->watermark_ms == INT64_MIN)
        return INT64_MIN;
    if (stood == INT64_MIN || stood - l->spec->lateness_ms <= v->watermark_ms)
        return v->watermark_ms;
    return stood - l->spec->lateness_ms;
}

struct progress {
    int64_t slowest, furthest; /* of the partitions that block sealing; of all */
    int64_t newest, oldest;
};

/* Does its clock rest on a crowd? In a partition with hardly any events nothing
 * contradicts a few wrong clocks, so such a partition does not advance the others when
 * all are idle. */
static bool partition_established(const struct lw_partition_view *v) {
    return v->counter[LW_COUNT_MESSAGES] - v->counter[LW_COUNT_DEAD_LETTERED] >= LW_CROWD;
}

static bool any_established(const struct lw_leader *l) {
    for (int32_t i = 0; i < l->n; i++)
        if (partition_established(&l->view[i]))
            return true;
    return false;
}

static struct progress measure_progress(struct lw_leader *l) {
    struct progress p = {INT64_MAX, INT64_MIN, INT64_MIN, INT64_MAX};
    int32_t live = atomic_load(&l->engine->npartitions);
    int64_t *untils = lw_calloc((size_t)l->n + 1, sizeof *untils), newest = INT64_MIN;
    bool any = any_established(l);
    for (int32_t i = 0; i < l->n; i++) {
        const struct lw_partition_view *v = &l->view[i];
        follow_clock(l, v, &l->heartbeat[i]);
        int64_t until = untils[i] = partition_complete_until(l, i);
        bool leads = !any || partition_established(v);
        if (v->oldest_pane_ms != INT64_MIN && v->oldest_pane_ms < p.oldest)
            p.oldest = v->oldest_pane_ms;
        if (leads && v->newest_ms > p.newest)
            p.newest = v->newest_ms;
        if (leads && until > p.furthest)
            p.furthest = until;
        if (i < live && !(v->known && v->idle) && until < p.slowest)
            p.slowest = until;
        if (leads && !v->idle && v->newest_ms > newest)
            newest = v->newest_ms;
    }
    lw__leader_sealing_block(l, untils, newest);
    free(untils);
    return p;
}

/* Event time up to which every partition is complete; INT64_MIN: nothing can be
 * sealed. An idle partition does not block sealing: it counts as being at the furthest
 * partition's time, because its next events are hardly older. When all are idle, all
 * panes are sealed except those that may still be filled according to the wall clock.
 * When the stream has ended, everything is complete. */
static int64_t complete_until(const struct lw_leader *l, const struct progress *p) {
    if (p->slowest != INT64_MAX)
        return p->slowest;
    if (p->newest == INT64_MIN || p->furthest == INT64_MIN)
        return p->furthest;
    int64_t all = lw_spec_pane_start(l->spec, p->newest) + l->spec->pane_ms;
    int64_t wall = lw_spec_pane_start(l->spec, lw_wall_ms() - l->spec->lateness_ms);
    if (p->newest - p->furthest > l->spec->max_jump_ms) /* an implausible leap */
        all = p->furthest;
    if (l->flow == LW_QUIET) /* the sender waits for the leader */
        all = l->complete_ms;
    if (l->flow == LW_FLOWS && all > wall)
        all = wall;
    if (l->flow == LW_FLOWS && /* it was quiet a moment ago; Redis may not know yet */
        lw_mono_ms() - l->flow_since_ms < l->spec->idle_timeout_ms)
        all = p->furthest;
    return all > p->furthest ? all : p->furthest;
}

/* Before the view is read, so that the view is at least as new. */
static void read_flow(struct lw_leader *l) {
    int flow = atomic_load(&l->engine->flow);
    if (flow != l->flow)
        l->flow_since_ms = lw_mono_ms();
    l->flow = flow;
    l->complete_ms = atomic_load(&l->engine->complete_ms);
}

static int seal_one(struct lw_leader *l, int64_t start, struct lw_err *err) {
    struct lw_pane *pane = lw__leader_pane(l, start, false, err);
    if (!pane)
        return -1;
    if (lw_redis_dials(l->redis) != l->dials) {
        lw_pane_free(pane);
        return lw_fail(err, LW_EAGAIN,
                       "Redis reconnected while a pane was being read; reading it again");
    }
    struct lw_evaluation *e = l->evaluation;
    lw_monitor_seal(l->monitor, pane, e);
    const struct lw_decision *rolled = NULL;
    for (size_t i = 0; i < e->ndecisions; i++)
        if (e->decision[i].kind == LW_DECIDED_ROLL_BACK)
            rolled = &e->decision[i];
    if (rolled && lw__leader_set_champion(l, rolled->other, e->at_ms, err))
        return -1;
    if (lw__leader_write(l, rolled, true, err))
        return -1;
    l->sealed_until_ms = e->at_ms;
    /* In this order: a reader that sees the sealed pane must see the pending
     * training. */
    atomic_store(&l->engine->training, lw_monitor_pending(l->monitor) != 0);
    atomic_store(&l->engine->sealed_until_ms, e->at_ms);
    if (l->engine->hooks.evaluated)
        l->engine->hooks.evaluated(l->engine->hooks.arg, e, l->monitor);
    return 0;
}

/* Room for n partitions. New ones are unknown, which blocks sealing until a worker
 * claims them. */
static void make_room(struct lw_leader *l, int32_t n) {
    if (n <= l->n)
        return;
    l->view = lw_realloc(l->view, (size_t)n, sizeof *l->view);
    l->heartbeat = lw_realloc(l->heartbeat, (size_t)n, sizeof *l->heartbeat);
    l->pace = lw_realloc(l->pace, (size_t)n, sizeof *l->pace);
    memset(l->view + l->n, 0, (size_t)(n - l->n) * sizeof *l->view);
    memset(l->heartbeat + l->n, 0, (size_t)(n - l->n) * sizeof *l->heartbeat);
    memset(l->pace + l->n, 0, (size_t)(n - l->n) * sizeof *l->pace);
    l->n = n;
}

/* `meta` has the number of partitions that have been read: it grows when the last of
 * the new ones has state. Until then, a worker that finds no state for a partition
 * knows that the partition is newer than the stream, and reads it from its first
 * message. */
static int record_growth(struct lw_leader *l, struct lw_err *err) {
    char detail[360];
    int32_t known = l->recorded;
    while (known < l->n && l->view[known].known)
        known++;
    if (l->recorded == 0 || known < l->n || known == l->recorded)
        return 0;
    snprintf(detail, sizeof detail, "%s has grown from %d to %d partitions",
             l->config->source.topic, l->recorded, l->n);
    if (lw_meta_write(l->redis, l->spec,
                      &(struct lw_meta){l->config->source.topic, l->n, LW_CODE_VERSION,
                                        lw_wall_ms()},
                      err) ||
        lw_audit_write(l->redis, l->spec,
                       &(struct lw_audit_line){"partitions", l->engine->who, detail, 0,
                                               lw_wall_ms()},
                       err))
        return -1;
    l->recorded = l->n;
    lw_log(partitions_added, l->config->source.topic, l->n);
    return 0;
}

static bool renewal_due(const struct lw_leader *l) {
    return lw_mono_ms() - l->renewed_ms >= l->config->lease_ms / 4;
}

/* Where sealing continues; *returns: event time has to be rewound first. */
static int64_t next_to_seal(const struct lw_leader *l, const struct progress *p,
                            bool *returns) {
    *returns = l->sealed_until_ms != INT64_MIN && p->newest != INT64_MIN &&
               l->sealed_until_ms - p->newest > l->spec->max_jump_ms;
    if (l->sealed_until_ms != INT64_MIN)
        return l->sealed_until_ms;
    return p->oldest == INT64_MAX ? INT64_MAX : lw_spec_pane_start(l->spec, p->oldest);
}

/* Once all windows are empty, empty panes are skipped in one step. */
static int skip_empty(struct lw_leader *l, int64_t *next, struct lw_err *err) {
    int64_t start;
    if (!lw_monitor_blank(l->monitor))
        return 0;
    if (lw_state_next_pane(l->redis, l->spec, *next, &start, err))
        return -1;
    *next = start;
    return 0;
}

static bool must_wait(const struct lw_leader *l) {
    /* A pending training stops sealing: later panes are judged with its outcome
     * known, as in a backtest; scoring continues. Catching up must not cost the
     * lease. */
    return lw_monitor_pending(l->monitor) || atomic_load(&l->engine->stop) ||
           renewal_due(l);
}

static int seal_panes(struct lw_leader *l, int64_t next, int64_t until,
                      struct lw_err *err) {
    int64_t pane = l->spec->pane_ms;
    for (int i = 0; i < STEPS_PER_TICK && next + pane <= until && !must_wait(l); i++) {
        if (skip_empty(l, &next, err))
            return -1;
        if (next > until - pane)
            break;
        if (seal_one(l, next, err))
            return -1;
        next += pane;
    }
    return 0;
}

static int seal_due(struct lw_leader *l, struct lw_err *err) {
    bool returns;
    make_room(l, atomic_load(&l->engine->npartitions));
    read_flow(l);
    if (lw_state_view(l->redis, l->spec, l->config->source.topic, l->n, l->view, err))
        return -1;
    l->dials = lw_redis_dials(l->redis);
    follow_owners(l);
    if (record_growth(l, err))
        return -1;
    struct progress p = measure_progress(l);
    int64_t until = complete_until(l, &p), next = next_to_seal(l, &p, &returns);
    if (until == INT64_MIN || next == INT64_MAX)
        return 0;
    if (returns && !must_wait(l)) {
        next = lw_monitor_return(l->monitor, until);
        lw_log(event_time_rewound, l->sealed_until_ms, next);
    }
    return seal_panes(l, next, until, err);
}

/* ---- commands ---- */

static int answer_requests(struct lw_leader *l, struct lw_err *err) {
    struct lw_aliases aliases;
    struct lw_requested asked_for;
    if (lw_models_aliases(l->redis, l->spec, &aliases, err) ||
        lw__leader_aliases(l, &aliases, err))
        return -1;
    if (aliases.champion && aliases.champion != lw_monitor_champion_version(l->monitor)) {
        int64_t at = l->sealed_until_ms == INT64_MIN ? 0 : l->sealed_until_ms;
        lw_monitor_crowned(l->monitor, aliases.champion, l->evaluation);
        if (lw__leader_set_champion(l, aliases.champion, at, err) ||
            lw__leader_write(l, NULL, false, err))
            return -1;
    }
    l->imported = aliases.imported;
    int asked = lw_requests_first(l->redis, l->spec, &asked_for, err);
    if (asked < 0)
        return -1;
    if (!asked || l->sealed_until_ms == INT64_MIN)
        return 0;
    /* The step that answers the command also removes it, so a crash loses none. */
    *l->evaluation = (struct lw_evaluation){.at_ms = l->sealed_until_ms};
    if (strcmp(asked_for.what, "retrain") == 0 ||
        strncmp(asked_for.what, "import:", 7) == 0)
        lw_monitor_ask(l->monitor, asked_for.who, l->evaluation);
    else if (strncmp(asked_for.what, "release:", 8) == 0)
        lw_monitor_release(l->monitor, asked_for.what + 8, asked_for.who, l->evaluation);
    if (l->evaluation->postponed[0])
        lw_log(training_postponed, l->evaluation->postponed);
    l->asked = true;
    int rc = lw__leader_write(l, NULL, false, err);
    l->asked = false;
    return rc;
}

/* ---- the loop ---- */

static bool hold_lease(struct lw_leader *l) {
    struct lw_err err = {0};
    int64_t now = lw_mono_ms();
    if (l->lease.token && !renewal_due(l))
        return true;
    uint64_t token = l->lease.token;
    int held = lw_lease_hold(l->redis, l->spec, &l->lease, &err);
    if (held < 0 &&
        err.code == LW_EINPUT) /* of another type: any process may move it away */
        lw__leader_move_damaged(l, &(struct lw_err){0});
    if (held <= 0 || l->lease.token != token)
        lw__leader_drop(l);
    if (held < 0 &&
        log_due(
            l)) /* the token is kept: the lease may still be valid when Redis answers */
        lw_log(lease_retry, LW_QUOTE(err.msg));
    l->renewed_ms = held > 0 ? now : now - l->config->lease_ms;
    pthread_mutex_lock(&l->engine->lock);
    l->engine->lease = l->lease;
    if (held < 0)
        l->engine->lease.token = 0;
    pthread_mutex_unlock(&l->engine->lock);
    atomic_store(&l->engine->leading, held > 0);
    return held > 0;
}

/* Permissions that the Redis user lacks: an error at the start, retried later. */
static int check_access(struct lw_leader *l, struct lw_err *err) {
    struct lw_access a;
    char text[sizeof a.refused + sizeof a.remedy + 4];
    if (lw_access_look(l->redis, l->spec, l->config->source.topic, &a, err))
        return -1;
    if (a.denied)
        return lw_access_fail(l->redis, &a, l->announced ? LW_EAGAIN : LW_ECONFIG, err);
    if (a.silent && !l->announced) {
        snprintf(text, sizeof text, "%s; %s", a.refused, a.remedy);
        lw_log(models_publish_failed, LW_QUOTE(text));
    }
    return 0;
}

/* Writes the stream's metadata and checks the Redis server: at the start and by each
 * new leader, because a failover may bring another or an emptied server. */
static int announce_stream(struct lw_leader *l, struct lw_err *err) {
    int32_t had = check_access(l, err)
                      ? -1
                      : lw_meta_partitions(l->redis, l->spec, l->config->source.topic,
                                           atomic_load(&l->engine->npartitions), err);
    if (had < 0)
        return -1;
    make_room(l, had);
    l->recorded = had ? had : l->n;
    if (lw_meta_write(l->redis, l->spec,
                      &(struct lw_meta){l->config->source.topic, l->recorded,
                                        LW_CODE_VERSION, lw_wall_ms()},
                      err))
        return -1;
    struct lw_err none = {0}; /* some servers do not report it */
    const char *policy = lw_redis_info(l->redis, "maxmemory_policy", &none);
    if (policy && strcmp(policy, "noeviction") != 0)
        lw_log(redis_may_evict, policy);
    l->announced = true;
    return 0;
}

/* Redis may have been emptied or restored to an older state while the token is still
 * valid. */
static int check_stamp(struct lw_leader *l, struct lw_err *err) {
    int64_t sealed_until_ms, written_ms;
    if (lw_monitor_state_stamp(l->redis, l->spec, &sealed_until_ms, &written_ms, err))
        return -1;
    return sealed_until_ms == l->sealed_until_ms && written_ms == l->written_ms
               ? 0
               : lw_fail(
                     err, LW_EFENCED,
                     "fenced: the monitor's state in Redis is not the one written last; reading it again");
}

static int leader_tick(struct lw_leader *l, struct lw_err *err) {
    if (!l->monitor && (announce_stream(l, err) || take_over(l, err)))
        return -1;
    if (lw__leader_check_damage(l, err) || check_stamp(l, err) ||
        lw__leader_answer(l, err) || answer_requests(l, err) ||
        lw__leader_request(l, err))
        return -1;
    return seal_due(l, err) || lw__leader_live_step(l, err) ||
                   lw__leader_notify_due(l, err)
               ? -1
               : 0;
}

static bool round_trip(struct lw_leader *l) {
    struct lw_err err = {0};
    if (!hold_lease(l))
        return false;
    bool passed = leader_tick(l, &err) == 0;
    pthread_mutex_lock(&l->engine->lock);
    lw_copy(l->engine->leader_why, sizeof l->engine->leader_why, passed ? "" : err.msg);
    pthread_mutex_unlock(&l->engine->lock);
    if (passed) {
        atomic_store(&l->engine->passed_ms, lw_mono_ms());
        atomic_store(&l->engine->passed_wall_ms, lw_wall_ms());
        return true;
    }
    if (err.code == LW_ECONFIG)
        lw__engine_request_shutdown(l->engine, &err);
    if (err.code == LW_EINPUT || err.code == LW_ESTOP)
        lw__leader_move_damaged(l, &(struct lw_err){0});
    if (err.code == LW_EFENCED)
        lw_log(leader_fenced, LW_QUOTE(err.msg));
    else if (log_due(l))
        lw_log(leader_retry, LW_QUOTE(err.msg));
    lw__leader_drop(l);         /* the outcome is unknown: read it again */
    if (err.code == LW_EFENCED) /* is the lease ours? */
        l->renewed_ms = lw_mono_ms() - l->config->lease_ms;
    return false;
}

static int leader_prepare(struct lw_leader *l, struct lw_err *err) {
    l->redis = lw_redis_new(&l->config->redis, err);
    if (!l->redis)
        return -1;
    make_room(l, atomic_load(&l->engine->npartitions));
    l->evaluation = lw_calloc(1, sizeof *l->evaluation);
    l->lease.ttl_ms = l->config->lease_ms;
    snprintf(l->lease.who, sizeof l->lease.who, "%s", l->engine->who);
    return 0;
}

void *lw__leader_main(void *engine) {
    struct lw_engine *e = engine;
    struct lw_leader l = {.engine = e,
                          .config = e->config,
                          .spec = &e->config->spec,
                          .flow = -1,
                          .sealed_until_ms = INT64_MIN};
    struct lw_err err = {0};
    if (leader_prepare(&l, &err)) {
        lw__engine_request_shutdown(e, &err);
    } else {
        while (announce_stream(&l, &err) && lw__engine_sleep(e, AWAY_MS)) {
            if (err.code == LW_ECONFIG)
                lw__engine_request_shutdown(e, &err);
            else if (log_due(&l))
                lw_log(redis_retry, LW_QUOTE(err.msg));
            if (err.code == LW_EINPUT)
                lw__leader_move_damaged(&l, &(struct lw_err){0});
            lw_err_clear(&err);
        }
        lw_err_clear(&err);
        while (!atomic_load(&e->stop))
            lw__engine_sleep_leader(e, round_trip(&l)
                                           ? e->config->source.flush_interval_ms < TICK_MS
                                                 ? e->config->source.flush_interval_ms
                                                 : TICK_MS
                                           : AWAY_MS);
        if (l.lease.token && lw_lease_release(l.redis, l.spec, &l.lease, &err))
            lw_log(lease_release_failed, LW_QUOTE(err.msg)); /* it expires by itself */
    }
    lw__leader_drop(&l);
    lw_redis_free(l.redis);
    free(l.view);
    free(l.heartbeat);
    free(l.pace);
    free(l.evaluation);
    return NULL;
}
