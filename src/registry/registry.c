/* The memory of schemas, and the threads that fill it.
 *
 * An entry an id. Whoever asks for one that is not there makes it, wakes a thread, and is
 * told LW_EAGAIN; the thread looks on disk, then asks the registry. There is one thread,
 * and up to ASKERS of them while more ids wait than are being asked; a registry in
 * trouble meets one request at a time. The lock is never held across I/O; a decoder is
 * compiled under it, which costs as much as the schema is long and happens once an id and
 * worker.
 *
 * Two queues: what somebody waits for comes before what was asked for ahead. So a
 * partition full of garbage, which asks for thousands of ids ahead, holds up nobody who
 * meets a new schema.
 *
 * An outage is told once when it begins and each minute while it lasts, and once when it
 * ends. Requests then wait from 250 ms, doubling to `retry_max`, or as long as
 * Retry-After says, up to a minute.
 *
 * What had no answer, or is not known, is asked for again while somebody wants it: nobody
 * asks for what is met no more.
 *
 * An id that the registry does not know is MISSING, and asked for again from 250 ms on,
 * doubling, for `missing_wait` (a producer may be a moment ahead of a follower that we
 * ask), then after a minute, doubling to an hour. How long an answer is worth waiting for
 * is the caller's to say.
 *
 * Everything is bounded: entries, and bytes of schemas. What was used longest ago goes
 * first, unknown ids among themselves, so that garbage drives out no schema. */
#include "registry/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "registry/registry_private.h"

#define KNOWN_MAX       1024
#define UNKNOWN_MAX     8192
#define ENTRIES_MAX     (KNOWN_MAX + UNKNOWN_MAX)
#define BUCKETS         8192
#define ASKERS          32
#define BYTES_MAX       ((size_t)64 * 1024 * 1024)
#define BACKOFF_FIRST   INT64_C(250)
#define RETRY_AFTER_MAX LW_MINUTE
#define AGAIN_FIRST     LW_MINUTE /* for an id that is unknown after missing_wait */
#define AGAIN_MAX       LW_HOUR
#define TELL_EVERY      LW_MINUTE

/* WANTED: never answered. KNOWN and UNREADABLE are answered for good. */
enum state { FREE, WANTED, MISSING, KNOWN, UNREADABLE };
enum place { NOWHERE, AHEAD, URGENT, ASKED };

struct entry {
    enum state state;
    enum place place;      /* which queue; ASKED: a thread has it */
    struct lw_frame frame; /* by, id, guid; no payload */
    struct lw_schema *schema;
    char *why;                    /* of MISSING and UNREADABLE */
    bool looked;                  /* on disk */
    int64_t due_ms;               /* monotonic: not asked for again before */
    int64_t wait_ms;              /* from the last answer until then */
    int64_t began_ms;             /* first "not known", */
    int64_t last_ms;              /* and the last */
    struct entry *chain;          /* of the bucket */
    struct entry *before, *after; /* in a queue, or by use within the class */
};

/* Entries in order: a queue, or a class by its last use (the first goes first). */
struct list {
    struct entry *first, *last;
    size_t n;
};

struct asker {
    struct lw_registry *registry;
    struct lw_registry_client *client;
    pthread_t thread;
};

struct lw_registry {
    struct lw_registry_options options;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct asker asker[ASKERS];
    size_t naskers, nasked; /* threads; ids with one of them */
    bool stop;
    struct entry entry[ENTRIES_MAX];
    struct entry *bucket[BUCKETS];
    size_t nfresh;                       /* entries that were ever used */
    struct list idle, queue[URGENT + 1]; /* FREE ones; by place */
    struct list known, unknown;          /* at rest, by last use */
    size_t nknown, nunknown, bytes;
    uint64_t requests, failures, told_unknown;
    bool away, told;
    int64_t backoff_ms, next_ms; /* outage: the last wait; no request before */
    int64_t away_ms;             /* when the last failure was */
    int64_t told_ms;             /* when an outage was last told; 0: never */
    int64_t unknown_ms;          /* when an unknown id was last told */
};

static bool unknown(enum state state) {
    return state == WANTED || state == MISSING;
}

/* ---- lists ---- */

static void push(struct list *l, struct entry *e) {
    e->before = l->last;
    e->after = NULL;
    if (l->last)
        l->last->after = e;
    else
        l->first = e;
    l->last = e;
    l->n++;
}

static void pull(struct list *l, struct entry *e) {
    if (e->before)
        e->before->after = e->after;
    else
        l->first = e->after;
    if (e->after)
        e->after->before = e->before;
    else
        l->last = e->before;
    e->before = e->after = NULL;
    l->n--;
}

/* Where an entry stands: in a queue, or at rest in its class; NULL: with a thread. */
static struct list *list_of(struct lw_registry *r, const struct entry *e) {
    if (e->place == ASKED)
        return NULL;
    if (e->place != NOWHERE)
        return &r->queue[e->place];
    return e->state == FREE ? &r->idle : unknown(e->state) ? &r->unknown : &r->known;
}

static void move(struct lw_registry *r, struct entry *e, enum state state,
                 enum place place) {
    struct list *from = list_of(r, e);
    if (from)
        pull(from, e);
    e->state = state;
    e->place = place;
    struct list *to = list_of(r, e);
    if (to)
        push(to, e);
}

/* ---- entries ---- */

static void count(struct lw_registry *r, enum state state, size_t n) {
    if (unknown(state))
        r->nunknown += n;
    else if (state != FREE)
        r->nknown += n;
}

static bool same(const struct lw_frame *a, const struct lw_frame *b) {
    if (a->by != b->by)
        return false;
    return a->by == LW_SCHEMA_ID ? a->id == b->id
                                 : memcmp(a->guid, b->guid, sizeof a->guid) == 0;
}

static struct entry **bucket_of(struct lw_registry *r, const struct lw_frame *frame) {
    uint64_t word[2] = {frame->id, 0};
    if (frame->by == LW_SCHEMA_GUID)
        memcpy(word, frame->guid, sizeof word);
    return &r->bucket[lw_mix64(word[0] ^ lw_mix64(word[1] + (uint64_t)frame->by)) %
                      BUCKETS];
}

static struct entry *find(struct lw_registry *r, const struct lw_frame *frame) {
    struct entry *e = *bucket_of(r, frame);
    while (e && !same(&e->frame, frame))
        e = e->chain;
    return e;
}

static void clear(struct lw_registry *r, struct entry *e) {
    struct entry **at = bucket_of(r, &e->frame);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    if (e->schema)
        r->bytes -= strlen(lw_schema_json(e->schema));
    lw_schema_free(e->schema);
    free(e->why);
    pull(list_of(r, e), e);
    count(r, e->state, (size_t)-1);
    *e = (struct entry){0};
    push(&r->idle, e);
}

/* Room for one more unknown id; NULL when all are being waited for. */
static struct entry *make(struct lw_registry *r, const struct lw_frame *frame) {
    if (r->nunknown >= UNKNOWN_MAX && r->unknown.first)
        clear(r, r->unknown.first);
    if (r->nunknown >= UNKNOWN_MAX)
        return NULL;
    struct entry *e = r->idle.first;
    struct entry **at = bucket_of(r, frame);
    if (e) {
        pull(&r->idle, e);
    } else {
        lw_assert(r->nfresh < ENTRIES_MAX);
        e = &r->entry[r->nfresh++];
    }
    *e = (struct entry){.state = WANTED, .frame = *frame, .chain = *at};
    e->frame.payload = NULL;
    *at = e;
    e->place = AHEAD;
    push(&r->queue[AHEAD], e);
    count(r, WANTED, 1);
    return e;
}

/* What a thread brought: the entry is at rest. */
static void settle(struct lw_registry *r, struct entry *e, enum state state,
                   const char *why) {
    free(e->why);
    e->why = why ? lw_strdup(why) : NULL;
    count(r, e->state, (size_t)-1);
    count(r, state, 1);
    while (!unknown(state) && r->nknown > KNOWN_MAX && r->known.first)
        clear(r, r->known.first);
    move(r, e, state, NOWHERE);
}

static void keep(struct lw_registry *r, struct entry *e, struct lw_schema *schema) {
    size_t len = strlen(lw_schema_json(schema));
    while (r->bytes + len > BYTES_MAX && r->known.first)
        clear(r, r->known.first);
    settle(r, e, KNOWN, NULL);
    e->schema = schema;
    r->bytes += len;
}

/* ---- what comes back ---- */

static int64_t longer(const struct lw_registry *r, int64_t wait_ms) {
    wait_ms = wait_ms ? 2 * wait_ms : BACKOFF_FIRST;
    return wait_ms < r->options.retry_max_ms ? wait_ms : r->options.retry_max_ms;
}

/* The registry rests, and this id longer if it alone is the trouble. Of requests that
 * were under way together, one counts. */
static void outage(struct lw_registry *r, struct entry *e, int64_t asked_ms,
                   int64_t retry_after, const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    r->failures++;
    e->wait_ms = longer(r, e->wait_ms);
    e->due_ms = now + e->wait_ms;
    move(r, e, e->state, NOWHERE);
    if (asked_ms >= r->away_ms) {
        r->backoff_ms = longer(r, r->backoff_ms);
        r->away_ms = now;
    }
    if (retry_after > RETRY_AFTER_MAX)
        retry_after = RETRY_AFTER_MAX;
    if (now + r->backoff_ms > r->next_ms)
        r->next_ms = now + r->backoff_ms;
    if (now + retry_after > r->next_ms)
        r->next_ms = now + retry_after;
    r->away = true;
    if (!r->told_ms || now - r->told_ms >= TELL_EVERY) {
        lw_log(registry_away, LW_QUOTE(why->msg));
        r->told_ms = now;
        r->told = true;
    }
}

static void answered(struct lw_registry *r) {
    if (r->told)
        lw_log(registry_back, r->options.url);
    r->away = r->told = false;
    r->backoff_ms = r->next_ms = 0;
}

/* Garbage must not fill the log too: each time that there are twice as many, anew after a
 * quiet hour. */
static void tell_unknown(struct lw_registry *r, int64_t now, const char *why) {
    if (now - r->unknown_ms >= LW_HOUR)
        r->told_unknown = 0;
    r->unknown_ms = now;
    r->told_unknown++;
    if ((r->told_unknown & (r->told_unknown - 1)) == 0)
        lw_log(schema_unknown, LW_QUOTE(why));
}

/* The registry does not know the id (yet). */
static void missing(struct lw_registry *r, struct entry *e, const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    if (e->state == WANTED) {
        e->began_ms = now;
        e->wait_ms = 0;
        tell_unknown(r, now, why->msg);
    }
    e->last_ms = now;
    int64_t left = e->began_ms + r->options.missing_wait_ms - now;
    if (left > 0) {
        e->wait_ms = longer(r, e->wait_ms);
        e->due_ms = now + (e->wait_ms < left ? e->wait_ms : left);
    } else {
        e->wait_ms = e->wait_ms < AGAIN_FIRST     ? AGAIN_FIRST
                     : 2 * e->wait_ms < AGAIN_MAX ? 2 * e->wait_ms
                                                  : AGAIN_MAX;
        e->due_ms = now + e->wait_ms;
    }
    settle(r, e, MISSING, why->msg);
}

static void found(struct lw_registry *r, struct entry *e, struct lw_schema *schema,
                  const char *where) {
    char name[48];
    lw_log(schema_known, lw_frame_name(name, sizeof name, &e->frame),
           lw_schema_name(schema), where);
    keep(r, e, schema);
}

/* ---- the threads ---- */

/* The entry whose turn it is; NULL, and *wait_ms until one may be (-1: none). */
static struct entry *next(struct lw_registry *r, int64_t *wait_ms) {
    struct entry *e =
        r->queue[URGENT].first ? r->queue[URGENT].first : r->queue[AHEAD].first;
    int64_t now = lw_mono_ms();
    *wait_ms = -1;
    if (!e)
        return NULL;
    bool disk = !e->looked && r->options.cache_dir[0];
    if (!disk && r->away && r->nasked > 0)
        return NULL; /* the one that is under way will wake us */
    if (disk || r->next_ms <= now)
        return e;
    *wait_ms = r->next_ms - now;
    return NULL;
}

static void wait_for(struct lw_registry *r, int64_t ms) {
    struct timespec until;
    if (ms < 0) {
        pthread_cond_wait(&r->wake, &r->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&r->wake, &r->lock, &until);
}

/* From disk, without the lock; NULL: not there. */
static struct lw_schema *look(struct lw_registry *r, const struct lw_frame *frame) {
    struct lw_err err = {0};
    struct lw_schema *schema = lw__disk_load(&r->options, frame, &err);
    if (!schema && err.code != LW_ENOTFOUND)
        lw_log(schema_cache_ignored, LW_QUOTE(err.msg));
    return schema;
}

static struct lw_schema *ask(struct asker *a, const struct lw_frame *frame,
                             struct lw_err *err) {
    struct lw_registry *r = a->registry;
    struct lw_schema *schema = lw_registry_client_schema(a->client, frame, err);
    struct lw_err why = {0};
    if (schema && r->options.cache_dir[0] &&
        lw__disk_save(&r->options, frame, schema, &why))
        lw_log(schema_not_cached, LW_QUOTE(why.msg));
    return schema;
}

/* One entry, with the lock on entry and exit; it is never evicted meanwhile. */
static void serve(struct asker *a, struct entry *e) {
    struct lw_registry *r = a->registry;
    struct lw_frame frame = e->frame;
    struct lw_err err = {0};
    bool disk = !e->looked && r->options.cache_dir[0];
    int64_t began = lw_mono_ms();
    enum place place = e->place;
    move(r, e, e->state, ASKED);
    e->looked = true;
    r->requests += !disk;
    r->nasked += !disk;
    pthread_mutex_unlock(&r->lock);
    struct lw_schema *schema = disk ? look(r, &frame) : ask(a, &frame, &err);
    int64_t retry_after = lw_registry_client_retry_after(a->client);
    pthread_mutex_lock(&r->lock);
    bool away = r->away;
    r->nasked -= !disk;
    if (!disk && err.code != LW_EAGAIN)
        answered(r);
    if (schema)
        found(r, e, schema, disk ? "cache" : "registry");
    else if (err.code == LW_ENOTFOUND)
        missing(r, e, &err);
    else if (err.code == LW_EINPUT) {
        lw_log(schema_unreadable, LW_QUOTE(err.msg));
        settle(r, e, UNREADABLE, err.msg);
    } else if (disk)
        move(r, e, e->state, place);
    else
        outage(r, e, began, retry_after, &err);
    if (away || disk) /* others may have waited for this one */
        pthread_cond_broadcast(&r->wake);
}

static void *run(void *arg);

/* One more thread, if there is work for it; without one it is done more slowly. */
static int start_asker(struct lw_registry *r, struct lw_err *err) {
    struct asker *a = &r->asker[r->naskers];
    a->registry = r;
    a->client = lw_registry_client_new(&r->options, err);
    if (!a->client)
        return -1;
    int rc = pthread_create(&a->thread, NULL, run, a);
    if (rc == 0) {
        r->naskers++;
        return 0;
    }
    lw_registry_client_free(a->client);
    a->client = NULL;
    return lw_fail(err, LW_ESTOP, "cannot start a thread: %s", strerror(rc));
}

static void *run(void *arg) {
    struct asker *a = arg;
    struct lw_registry *r = a->registry;
    int64_t wait;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct entry *e = next(r, &wait);
        if (!e) {
            wait_for(r, wait);
            continue;
        }
        if (!r->away && r->naskers < ASKERS && r->naskers == r->nasked + 1 &&
            r->queue[AHEAD].n + r->queue[URGENT].n > 1)
            start_asker(r, NULL);
        serve(a, e);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void init_lock(struct lw_registry *r) {
    pthread_condattr_t attr;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
}

struct lw_registry *lw_registry_new(const struct lw_registry_options *o,
                                    struct lw_err *err) {
    struct lw_registry *r = lw_calloc(1, sizeof *r);
    r->options = *o;
    init_lock(r);
    pthread_mutex_lock(&r->lock);
    int rc = start_asker(r, err);
    pthread_mutex_unlock(&r->lock);
    if (rc == 0)
        return r;
    lw_registry_free(r);
    return NULL;
}

void lw_registry_free(struct lw_registry *r) {
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    for (size_t i = 0; i < r->naskers; i++)
        lw__client_stop(r->asker[i].client);
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->naskers; i++) { /* none is added any more */
        pthread_join(r->asker[i].thread, NULL);
        lw_registry_client_free(r->asker[i].client);
    }
    for (size_t i = 0; i < r->nfresh; i++) {
        lw_schema_free(r->entry[i].schema);
        free(r->entry[i].why);
    }
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- asking ---- */

static struct lw_decoder *compile(const struct entry *e, const struct lw_schema *reader,
                                  const struct lw_fields *fields, struct lw_err *err) {
    char name[48];
    struct lw_err why = {0};
    struct lw_decoder *d = lw_decoder_new_avro(e->schema, reader, fields, &why);
    if (!d)
        lw_fail(err, LW_EINPUT, "written with schema %s (%.100s), which does not do: %s",
                lw_frame_name(name, sizeof name, &e->frame), lw_schema_name(e->schema),
                why.msg);
    return d;
}

/* Is an id that is not known worth asking for again? For who waits for it; otherwise once
 * in a while, if it is still met. */
static enum place place_again(const struct entry *e, const struct lw_asking *how,
                              int64_t now) {
    bool waits = !how->ahead && e->last_ms - e->began_ms < how->patience_ms;
    if (now < e->due_ms || (!waits && now - e->last_ms < AGAIN_FIRST))
        return NOWHERE;
    return waits ? URGENT : AHEAD;
}

/* It is met, now or ahead. */
static void enqueue(struct lw_registry *r, struct entry *e, const struct lw_asking *how) {
    int64_t now = lw_mono_ms();
    enum place place = e->place;
    if (place == AHEAD && !how->ahead)
        place = URGENT;
    else if (place == NOWHERE && e->state == MISSING)
        place = place_again(e, how, now);
    else if (place == NOWHERE && e->state == WANTED && now >= e->due_ms)
        place = how->ahead ? AHEAD : URGENT;
    if (place != e->place || place == NOWHERE) /* at rest: the one used last */
        move(r, e, e->state, place);
    if (place == AHEAD || place == URGENT)
        pthread_cond_signal(&r->wake);
}

struct lw_decoder *
lw_registry_decoder(struct lw_registry *r, const struct lw_frame *frame,
                    struct lw_asking *how, const struct lw_schema *reader,
                    const struct lw_fields *fields, struct lw_err *err) {
    char name[48];
    static const struct lw_asking patient = {.patience_ms = INT64_MAX};
    struct lw_decoder *d = NULL;
    lw_assert(frame->by == LW_SCHEMA_ID || frame->by == LW_SCHEMA_GUID);
    if (frame->by == LW_SCHEMA_ID && frame->id > INT32_MAX) {
        lw_fail(err, LW_EINPUT, "schema id %" PRIu32 " is none that a registry gives",
                frame->id);
        return NULL;
    }
    pthread_mutex_lock(&r->lock);
    struct entry *e = find(r, frame);
    if (!e)
        e = make(r, frame);
    if (e)
        enqueue(r, e, how ? how : &patient);
    if (e && e->state == KNOWN)
        d = compile(e, reader, fields, err);
    else if (e && e->state != WANTED)
        lw_fail(err, e->state == MISSING ? LW_ENOTFOUND : LW_EINPUT, "%s", e->why);
    else
        lw_fail(err, LW_EAGAIN, "schema %s is being asked for",
                lw_frame_name(name, sizeof name, frame));
    if (how)
        how->unknown_ms = e && e->state == MISSING ? e->last_ms - e->began_ms : 0;
    pthread_mutex_unlock(&r->lock);
    return d;
}

struct lw_registry_status lw_registry_status(struct lw_registry *r) {
    pthread_mutex_lock(&r->lock);
    struct lw_registry_status s = {
        .away = r->away, .requests = r->requests, .failures = r->failures};
    for (size_t i = 0; i < r->nfresh; i++) {
        s.known += r->entry[i].state == KNOWN;
        s.waited_for += r->entry[i].state == WANTED;
        s.missing += r->entry[i].state == MISSING;
    }
    pthread_mutex_unlock(&r->lock);
    return s;
}
