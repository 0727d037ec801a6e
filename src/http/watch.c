/* The watcher: every half second it reads from Redis what the page and metrics show and
 * which version is champion, and loads that version.
 *
 * Both are shared by reference count: a request keeps what it began with, and a swap does
 * not wait. While Redis is down, the last known state stays, and the last champion
 * continues to predict. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "http/now.h"
#include "http/private.h"
#include "store/alerts.h"
#include "store/keys.h"
#include "store/models.h"
#include "store/tracking_text.h"

#define RATE_SAMPLES 20 /* ten seconds */

/* ---- handing out ---- */

struct lw_snapshot *lw_watch_snapshot(struct lw_server *s) {
    pthread_mutex_lock(&s->lock);
    struct lw_snapshot *n = s->snapshot;
    if (n)
        atomic_fetch_add(&n->refs, 1);
    pthread_mutex_unlock(&s->lock);
    return n;
}

void lw_watch_snapshot_put(struct lw_snapshot *n) {
    if (!n || atomic_fetch_sub(&n->refs, 1) != 1)
        return;
    lw_reply_free(n->now);
    free(n->view);
    free(n);
}

uint64_t lw_watch_firing(const struct lw_snapshot *n) {
    return n->firing[LW_SEVERITY_WARN] + n->firing[LW_SEVERITY_CRITICAL];
}

struct lw_champion *lw_watch_champion(struct lw_server *s) {
    pthread_mutex_lock(&s->lock);
    struct lw_champion *c = s->champion;
    if (c)
        atomic_fetch_add(&c->refs, 1);
    pthread_mutex_unlock(&s->lock);
    return c;
}

void lw_watch_champion_put(struct lw_champion *c) {
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
        return;
    lw_model_free(c->model);
    free(c);
}

bool lw_watch_redis_away(struct lw_server *s, char *out, size_t size) {
    pthread_mutex_lock(&s->lock);
    lw_copy(out, size, s->away);
    pthread_mutex_unlock(&s->lock);
    return out[0] != '\0';
}

/* ---- looking ---- */

struct watcher {
    struct lw_server *server;
    struct lw_redis *redis;
    int64_t sample_ms[RATE_SAMPLES];
    uint64_t sample[RATE_SAMPLES];
    size_t nsamples;
    struct lw_aliases refused; /* of the champion that failed to load */
};

static const char *const unreadable[] = {"unreadable-pane", "unreadable-state"};

/* The alerts' states, and the deliveries that wait. */
static int look_alerts(struct watcher *w, struct lw_snapshot *n, struct lw_err *err) {
    struct lw_alerts all;
    if (lw_alerts_read(w->redis, w->server->spec, lw_wall_ms(), &all, err))
        return -1;
    for (size_t i = 0; i < all.nalerts; i++) {
        const struct lw_alert_status *a = &all.alert[i];
        n->firing[a->severity] += a->firing;
        for (int k = 0; k < 2; k++)
            if (a->firing && strcmp(a->rule, unreadable[k]) == 0)
                lw_copy(n->unreadable[k], sizeof n->unreadable[k], a->summary);
    }
    n->outbox = all.waiting;
    n->parked = all.parked;
    lw_alerts_fini(&all);
    return 0;
}

enum {
    ASK_PARTITIONS,
    ASK_NOW,
    ASK_LEASE,
    ASK_SEALED,
    ASK_TRACKING,
    ASK_TRACKING_SINCE,
    ASKS
};

static void put_asks(struct lw_batch *b, const struct lw_spec *spec) {
    static const char *const words[ASKS][3] = {
        [ASK_PARTITIONS] = {"HGET", "meta", "partitions"},
        [ASK_NOW] = {"HGETALL", "now", NULL},
        [ASK_LEASE] = {"GET", "lease", NULL},
        [ASK_SEALED] = {"HGET", "monitor", "sealed_until"},
        [ASK_TRACKING] = {"HGET", "monitor", "tracking"},
        [ASK_TRACKING_SINCE] = {"HGET", "monitor", "tracking_since"},
    };
    for (size_t i = 0; i < ASKS; i++) {
        lw_cmd_str(b->cmd[i], words[i][0]);
        lw_key_arg(b->cmd[i], spec, "%s", words[i][1]);
        if (words[i][2])
            lw_cmd_str(b->cmd[i], words[i][2]);
    }
}

/* A damaged text changes nothing. */
static void read_tracking(struct lw_batch *b, const struct lw_snapshot *was,
                          struct lw_snapshot *n) {
    const char *text = lw_reply_text(b->reply[ASK_TRACKING], NULL);
    int64_t since = lw_reply_int(b->reply[ASK_TRACKING_SINCE]);
    if (text && !lw_tracking_parse(text, &n->tracking) && was)
        n->tracking = was->tracking;
    n->tracking_since_ms = since > 0 ? since : 0;
}

static void read_asks(struct lw_batch *b, struct lw_snapshot *n) {
    const char *lease = lw_reply_text(b->reply[ASK_LEASE], NULL);
    const char *sealed = lw_reply_text(b->reply[ASK_SEALED], NULL);
    const char *who = lease ? strchr(lease, ' ') : NULL; /* "<token> <who>" */
    int64_t partitions = lw_reply_int(b->reply[ASK_PARTITIONS]);
    lw_copy(n->leader, sizeof n->leader, who ? who + 1 : "");
    n->npartitions = partitions > 0 && partitions < 100000 ? (int32_t)partitions : 0;
    n->sealed_until_ms =
        sealed && *sealed ? lw_reply_int(b->reply[ASK_SEALED]) : INT64_MIN;
    n->now = b->reply[ASK_NOW];
    b->reply[ASK_NOW] = NULL;
}

static double rate_of(struct watcher *w, const struct lw_snapshot *n) {
    int64_t now = lw_mono_ms();
    uint64_t total = 0;
    for (int32_t p = 0; p < n->npartitions; p++)
        total += n->view[p].counter[LW_COUNT_MESSAGES];
    if (w->nsamples == RATE_SAMPLES) {
        w->nsamples--;
        memmove(w->sample, w->sample + 1, w->nsamples * sizeof *w->sample);
        memmove(w->sample_ms, w->sample_ms + 1, w->nsamples * sizeof *w->sample_ms);
    }
    if (w->nsamples && total < w->sample[w->nsamples - 1])
        w->nsamples = 0; /* Redis was restored to an older state */
    w->sample[w->nsamples] = total;
    w->sample_ms[w->nsamples++] = now;
    int64_t span = now - w->sample_ms[0];
    return span < LW_SECOND ? NAN : (double)(total - w->sample[0]) * 1000 / (double)span;
}

static struct lw_snapshot *snapshot_read(struct watcher *w, struct lw_err *err) {
    const struct lw_spec *spec = w->server->spec;
    struct lw_snapshot *n = lw_calloc(1, sizeof *n);
    struct lw_batch b;
    atomic_store(&n->refs, 1);
    lw_batch_init(&b, ASKS);
    put_asks(&b, spec);
    int rc = lw_batch_send(w->redis, &b, err);
    if (rc == 0)
        read_asks(&b, n);
    if (rc == 0) /* only this thread changes the snapshot */
        read_tracking(&b, w->server->snapshot, n);
    lw_batch_fini(&b);
    rc = rc ? rc : look_alerts(w, n, err);
    rc = rc ? rc : lw_models_aliases(w->redis, spec, &n->aliases, err);
    if (rc == 0 && n->npartitions) {
        n->view = lw_calloc((size_t)n->npartitions, sizeof *n->view);
        rc = lw_state_view(w->redis, spec, w->server->config->source.topic,
                           n->npartitions, n->view, err);
    }
    if (rc) {
        lw_watch_snapshot_put(n);
        return NULL;
    }
    n->rate = rate_of(w, n);
    n->taken_ms = lw_wall_ms();
    return n;
}

/* ---- the champion ---- */

static struct lw_champion *champion_load(struct watcher *w, const struct lw_aliases *a,
                                         struct lw_err *err) {
    const struct lw_fields *fields = &w->server->spec->event.fields;
    struct lw_version v;
    struct lw_reply *reply =
        lw_models_get(w->redis, w->server->spec, a->champion, &v, err);
    if (!reply)
        return NULL;
    struct lw_model *model = lw_model_decode(v.model, v.model_len, err);
    lw_reply_free(reply);
    if (!model || lw_model_bind(model, fields, err)) {
        lw_model_free(model);
        return NULL;
    }
    struct lw_champion *c = lw_calloc(1, sizeof *c);
    atomic_store(&c->refs, 1);
    c->version = a->champion;
    c->epoch = a->epoch;
    c->since_ms = a->champion_since_ms;
    c->model = model;
    const struct lw_fields *read = lw_model_fields(model);
    for (size_t i = 0; i < read->n; i++) {
        int at = lw_fields_find(fields, read->field[i].name);
        if (at >= 0)
            c->needed[at] = true;
    }
    return c;
}

static void champion_swap(struct lw_server *s, struct lw_champion *next) {
    pthread_mutex_lock(&s->lock);
    struct lw_champion *old = s->champion;
    s->champion = next;
    pthread_mutex_unlock(&s->lock);
    if (old)
        atomic_fetch_add(&s->swaps, 1);
    lw_watch_champion_put(old);
}

/* After Redis was emptied, a version number may mean another model; the epoch and the
 * time of promotion differ then. */
static bool champion_same(const struct lw_aliases *a, uint32_t version, uint64_t epoch,
                          int64_t since_ms) {
    return a->champion == version && a->epoch == epoch &&
           a->champion_since_ms == since_ms;
}

/* Follows the alias. A damaged one, or an unusable version, leaves the last one in place.
 */
static int champion_follow(struct watcher *w, const struct lw_aliases *a,
                           struct lw_err *err) {
    struct lw_server *s = w->server;
    const struct lw_champion *c = s->champion; /* only this thread changes it */
    const struct lw_aliases *r = &w->refused;
    if (a->damaged)
        return 0;
    if (c ? champion_same(a, c->version, c->epoch, c->since_ms) : a->champion == 0)
        return 0;
    if (a->champion && champion_same(a, r->champion, r->epoch, r->champion_since_ms))
        return 0;
    struct lw_err why = {0};
    struct lw_champion *next = a->champion ? champion_load(w, a, &why) : NULL;
    if (a->champion && !next && why.code == LW_EAGAIN)
        return lw_fail(err, LW_EAGAIN, "%s", why.msg);
    if (a->champion && !next) {
        w->refused = *a;
        lw_log(http_model_unusable, a->champion, LW_QUOTE(why.msg));
        return 0;
    }
    champion_swap(s, next);
    lw_log(http_model, a->champion);
    return 0;
}

/* ---- the thread ---- */

static bool snapshot_changed(const struct lw_snapshot *was, const struct lw_snapshot *n) {
    return !was || was->aliases.champion != n->aliases.champion ||
           lw_now_figure(was->now, "at") != lw_now_figure(n->now, "at") ||
           memcmp(was->firing, n->firing, sizeof n->firing) != 0;
}

/* NAN (nothing sealed yet) compares as different and would only publish too often. */
static void snapshot_publish(struct lw_server *s, struct lw_snapshot *n) {
    pthread_mutex_lock(&s->lock);
    struct lw_snapshot *was = s->snapshot;
    atomic_fetch_add(&n->refs, 1);
    s->snapshot = n;
    s->away[0] = '\0';
    pthread_mutex_unlock(&s->lock);
    if (snapshot_changed(was, n))
        lw_events_publish(s, n);
    lw_watch_snapshot_put(was);
}

static void one_look(struct watcher *w) {
    struct lw_server *s = w->server;
    struct lw_err err = {0};
    struct lw_snapshot *n = snapshot_read(w, &err);
    if (n && champion_follow(w, &n->aliases, &err) == 0) {
        const struct lw_aliases *r = &w->refused;
        bool refused =
            n->aliases.champion &&
            champion_same(&n->aliases, r->champion, r->epoch, r->champion_since_ms);
        n->unusable = refused ? r->champion : 0;
        snapshot_publish(s, n);
    }
    lw_watch_snapshot_put(n);
    if (err.code == LW_OK)
        return;
    pthread_mutex_lock(&s->lock);
    bool news = !s->away[0];
    lw_copy(s->away, sizeof s->away, err.msg);
    pthread_mutex_unlock(&s->lock);
    if (news)
        lw_log(http_redis_away, LW_QUOTE(err.msg));
}

static bool sleep_until_next(struct lw_server *s) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LW_WATCH_MS % 1000 * 1000000;
    until.tv_sec += LW_WATCH_MS / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->lock);
    int rc = 0;
    while (!atomic_load(&s->stop) && rc == 0)
        rc = pthread_cond_timedwait(&s->stopping, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
    return !atomic_load(&s->stop);
}

void *lw_watch_main(void *arg) {
    struct watcher w = {.server = arg, .redis = ((struct lw_server *)arg)->watch_redis};
    int64_t beat = lw_mono_ms();
    do {
        one_look(&w);
        if (lw_mono_ms() - beat >= LW_HEARTBEAT_MS) {
            lw_events_beat(w.server);
            beat = lw_mono_ms();
        }
    } while (sleep_until_next(w.server));
    return NULL;
}
