/* The cache of schemas, and the threads that fill it.
 *
 * There is one entry per id. The first request for an id creates its entry, wakes a
 * thread and gets LW_EAGAIN; the thread looks on disk, then asks the registry. One thread
 * runs at first, and up to FETCHERS while more ids wait than are being fetched; an
 * unavailable registry gets one request at a time. The lock is never held across I/O. A
 * decoder is compiled under it, in time linear in the schema, once per id and worker.
 *
 * There are two queues: ids that a partition waits for come before ids requested ahead.
 * So a partition full of garbage, which requests thousands of ids ahead, does not delay
 * a partition that meets a new schema.
 *
 * An outage is logged when it begins, every minute while it lasts, and when it ends.
 * Requests then back off from 250 ms, doubling up to `retry_max`, or for as long as
 * Retry-After says, up to a minute.
 *
 * An id without an answer, or unknown to the registry, is requested again only while
 * messages with it still arrive.
 *
 * An id that the registry does not know is MISSING. It is retried from 250 ms on,
 * doubling, for `missing_wait` (a producer may be ahead of the replica that answers),
 * then after a minute, doubling up to an hour. The caller decides how long to wait for it.
 *
 * Entries and bytes of schemas are limited. The least recently used entry is evicted
 * first; unknown ids have a limit of their own, so that garbage evicts no schema. */
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
#define FETCHERS        32
#define BYTES_MAX       ((size_t)64 * 1024 * 1024)
#define BACKOFF_FIRST   INT64_C(250)
#define RETRY_AFTER_MAX LW_MINUTE
#define AGAIN_FIRST     LW_MINUTE /* for an id that is unknown after missing_wait */
#define AGAIN_MAX       LW_HOUR
#define TELL_EVERY      LW_MINUTE

/* WANTED: never answered. KNOWN and UNREADABLE are answered for good. */
enum entry_state { FREE, WANTED, MISSING, KNOWN, UNREADABLE };
enum entry_queue { NOWHERE, AHEAD, URGENT, ASKED };

struct schema_entry {
    enum entry_state state;
    enum entry_queue place; /* which queue; ASKED: a thread has it */
    struct lw_frame frame;  /* by, id, guid; no payload */
    struct lw_schema *schema;
    char *why;                           /* of MISSING and UNREADABLE */
    bool looked;                         /* on disk */
    int64_t due_ms;                      /* monotonic: not asked for again before */
    int64_t wait_ms;                     /* from the last answer until then */
    int64_t began_ms;                    /* first "not known", */
    int64_t last_ms;                     /* and the last */
    struct schema_entry *chain;          /* of the bucket */
    struct schema_entry *before, *after; /* in a queue, or by use within the class */
};

/* Entries in order: a queue, or a class by its last use (the first goes first). */
struct entry_list {
    struct schema_entry *first, *last;
    size_t n;
};

struct schema_fetcher {
    struct lw_registry *registry;
    struct lw_registry_client *client;
    pthread_t thread;
};

struct lw_registry {
    struct lw_registry_options options;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct schema_fetcher fetcher[FETCHERS];
    size_t nfetchers, nasked; /* threads; ids with one of them */
    bool stop;
    struct schema_entry entry[ENTRIES_MAX];
    struct schema_entry *bucket[BUCKETS];
    size_t nfresh;                             /* entries that were ever used */
    struct entry_list idle, queue[URGENT + 1]; /* FREE ones; by place */
    struct entry_list known, unknown;          /* at rest, by last use */
    size_t nknown, nunknown, bytes;
    uint64_t requests, failures, unknown_reported;
    bool away, reported;
    int64_t backoff_ms, next_ms; /* outage: the last wait; no request before */
    int64_t away_ms;             /* when the last failure was */
    int64_t reported_ms;         /* when an outage was last logged; 0: never */
    int64_t unknown_ms;          /* when an unknown id was last logged */
};

static bool is_unanswered(enum entry_state state) {
    return state == WANTED || state == MISSING;
}

/* ---- lists ---- */

static void list_push(struct entry_list *l, struct schema_entry *e) {
    e->before = l->last;
    e->after = NULL;
    if (l->last)
        l->last->after = e;
    else
        l->first = e;
    l->last = e;
    l->n++;
}

static void list_pull(struct entry_list *l, struct schema_entry *e) {
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

/* The list that an entry is in: a queue, or its class; NULL: a thread has it. */
static struct entry_list *list_of(struct lw_registry *r, const struct schema_entry *e) {
    if (e->place == ASKED)
        return NULL;
    if (e->place != NOWHERE)
        return &r->queue[e->place];
    return e->state == FREE          ? &r->idle
           : is_unanswered(e->state) ? &r->unknown
                                     : &r->known;
}

static void entry_move(struct lw_registry *r, struct schema_entry *e,
                       enum entry_state state, enum entry_queue place) {
    struct entry_list *from = list_of(r, e);
    if (from)
        list_pull(from, e);
    e->state = state;
    e->place = place;
    struct entry_list *to = list_of(r, e);
    if (to)
        list_push(to, e);
}

/* ---- entries ---- */

static void entry_count(struct lw_registry *r, enum entry_state state, size_t n) {
    if (is_unanswered(state))
        r->nunknown += n;
    else if (state != FREE)
        r->nknown += n;
}

static bool frame_same(const struct lw_frame *a, const struct lw_frame *b) {
    if (a->by != b->by)
        return false;
    return a->by == LW_SCHEMA_ID ? a->id == b->id
                                 : memcmp(a->guid, b->guid, sizeof a->guid) == 0;
}

static struct schema_entry **bucket_of(struct lw_registry *r,
                                       const struct lw_frame *frame) {
    uint64_t word[2] = {frame->id, 0};
    if (frame->by == LW_SCHEMA_GUID)
        memcpy(word, frame->guid, sizeof word);
    return &r->bucket[lw_mix64(word[0] ^ lw_mix64(word[1] + (uint64_t)frame->by)) %
                      BUCKETS];
}

static struct schema_entry *entry_find(struct lw_registry *r,
                                       const struct lw_frame *frame) {
    struct schema_entry *e = *bucket_of(r, frame);
    while (e && !frame_same(&e->frame, frame))
        e = e->chain;
    return e;
}

static void entry_clear(struct lw_registry *r, struct schema_entry *e) {
    struct schema_entry **at = bucket_of(r, &e->frame);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    if (e->schema)
        r->bytes -= strlen(lw_schema_json(e->schema));
    lw_schema_free(e->schema);
    free(e->why);
    list_pull(list_of(r, e), e);
    entry_count(r, e->state, (size_t)-1);
    *e = (struct schema_entry){0};
    list_push(&r->idle, e);
}

/* Evicts an unknown id for a new one; NULL when all of them are waited for. */
static struct schema_entry *entry_make(struct lw_registry *r,
                                       const struct lw_frame *frame) {
    if (r->nunknown >= UNKNOWN_MAX && r->unknown.first)
        entry_clear(r, r->unknown.first);
    if (r->nunknown >= UNKNOWN_MAX)
        return NULL;
    struct schema_entry *e = r->idle.first;
    struct schema_entry **at = bucket_of(r, frame);
    if (e) {
        list_pull(&r->idle, e);
    } else {
        lw_assert(r->nfresh < ENTRIES_MAX);
        e = &r->entry[r->nfresh++];
    }
    *e = (struct schema_entry){.state = WANTED, .frame = *frame, .chain = *at};
    e->frame.payload = NULL;
    *at = e;
    e->place = AHEAD;
    list_push(&r->queue[AHEAD], e);
    entry_count(r, WANTED, 1);
    return e;
}

/* Stores a thread's result. */
static void entry_settle(struct lw_registry *r, struct schema_entry *e,
                         enum entry_state state, const char *why) {
    free(e->why);
    e->why = why ? lw_strdup(why) : NULL;
    entry_count(r, e->state, (size_t)-1);
    entry_count(r, state, 1);
    while (!is_unanswered(state) && r->nknown > KNOWN_MAX && r->known.first)
        entry_clear(r, r->known.first);
    entry_move(r, e, state, NOWHERE);
}

static void entry_keep(struct lw_registry *r, struct schema_entry *e,
                       struct lw_schema *schema) {
    size_t len = strlen(lw_schema_json(schema));
    while (r->bytes + len > BYTES_MAX && r->known.first)
        entry_clear(r, r->known.first);
    entry_settle(r, e, KNOWN, NULL);
    e->schema = schema;
    r->bytes += len;
}

/* ---- results ---- */

static int64_t longer_wait(const struct lw_registry *r, int64_t wait_ms) {
    wait_ms = wait_ms ? 2 * wait_ms : BACKOFF_FIRST;
    return wait_ms < r->options.retry_max_ms ? wait_ms : r->options.retry_max_ms;
}

/* Backs off from the registry, and longer from this id if it alone fails. Of requests
 * that ran at the same time, one counts. */
static void registry_outage(struct lw_registry *r, struct schema_entry *e,
                            int64_t asked_ms, int64_t retry_after,
                            const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    r->failures++;
    e->wait_ms = longer_wait(r, e->wait_ms);
    e->due_ms = now + e->wait_ms;
    entry_move(r, e, e->state, NOWHERE);
    if (asked_ms >= r->away_ms) {
        r->backoff_ms = longer_wait(r, r->backoff_ms);
        r->away_ms = now;
    }
    if (retry_after > RETRY_AFTER_MAX)
        retry_after = RETRY_AFTER_MAX;
    if (now + r->backoff_ms > r->next_ms)
        r->next_ms = now + r->backoff_ms;
    if (now + retry_after > r->next_ms)
        r->next_ms = now + retry_after;
    r->away = true;
    if (!r->reported_ms || now - r->reported_ms >= TELL_EVERY) {
        lw_log(registry_away, LW_QUOTE(why->msg));
        r->reported_ms = now;
        r->reported = true;
    }
}

static void registry_answered(struct lw_registry *r) {
    if (r->reported)
        lw_log(registry_back, r->options.url);
    r->away = r->reported = false;
    r->backoff_ms = r->next_ms = 0;
}

/* Logs at each power of two, so that garbage does not fill the log; the count restarts
 * after a quiet hour. */
static void log_unknown_id(struct lw_registry *r, int64_t now, const char *why) {
    if (now - r->unknown_ms >= LW_HOUR)
        r->unknown_reported = 0;
    r->unknown_ms = now;
    r->unknown_reported++;
    if ((r->unknown_reported & (r->unknown_reported - 1)) == 0)
        lw_log(schema_unknown, LW_QUOTE(why));
}

/* The registry does not know the id (yet). */
static void entry_not_found(struct lw_registry *r, struct schema_entry *e,
                            const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    if (e->state == WANTED) {
        e->began_ms = now;
        e->wait_ms = 0;
        log_unknown_id(r, now, why->msg);
    }
    e->last_ms = now;
    int64_t left = e->began_ms + r->options.missing_wait_ms - now;
    if (left > 0) {
        e->wait_ms = longer_wait(r, e->wait_ms);
        e->due_ms = now + (e->wait_ms < left ? e->wait_ms : left);
    } else {
        e->wait_ms = e->wait_ms < AGAIN_FIRST     ? AGAIN_FIRST
                     : 2 * e->wait_ms < AGAIN_MAX ? 2 * e->wait_ms
                                                  : AGAIN_MAX;
        e->due_ms = now + e->wait_ms;
    }
    entry_settle(r, e, MISSING, why->msg);
}

static void entry_found(struct lw_registry *r, struct schema_entry *e,
                        struct lw_schema *schema, const char *where) {
    char name[48];
    lw_log(schema_known, lw_frame_name(name, sizeof name, &e->frame),
           lw_schema_name(schema), where);
    entry_keep(r, e, schema);
}

/* ---- the threads ---- */

/* The next entry to fetch; NULL, and *wait_ms until there may be one (-1: no entry). */
static struct schema_entry *queue_next(struct lw_registry *r, int64_t *wait_ms) {
    struct schema_entry *e =
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
static struct lw_schema *disk_look(struct lw_registry *r, const struct lw_frame *frame) {
    struct lw_err err = {0};
    struct lw_schema *schema = lw__disk_load(&r->options, frame, &err);
    if (!schema && err.code != LW_ENOTFOUND)
        lw_log(schema_cache_ignored, LW_QUOTE(err.msg));
    return schema;
}

static struct lw_schema *fetcher_ask(struct schema_fetcher *a,
                                     const struct lw_frame *frame, struct lw_err *err) {
    struct lw_registry *r = a->registry;
    struct lw_schema *schema = lw_registry_client_schema(a->client, frame, err);
    struct lw_err why = {0};
    if (schema && r->options.cache_dir[0] &&
        lw__disk_save(&r->options, frame, schema, &why))
        lw_log(schema_not_cached, LW_QUOTE(why.msg));
    return schema;
}

/* Fetches one entry, which cannot be evicted meanwhile. The lock is held on entry and
 * exit. */
static void fetcher_serve(struct schema_fetcher *a, struct schema_entry *e) {
    struct lw_registry *r = a->registry;
    struct lw_frame frame = e->frame;
    struct lw_err err = {0};
    bool disk = !e->looked && r->options.cache_dir[0];
    int64_t began = lw_mono_ms();
    enum entry_queue place = e->place;
    entry_move(r, e, e->state, ASKED);
    e->looked = true;
    r->requests += !disk;
    r->nasked += !disk;
    pthread_mutex_unlock(&r->lock);
    struct lw_schema *schema = disk ? disk_look(r, &frame) : fetcher_ask(a, &frame, &err);
    int64_t retry_after = lw_registry_client_retry_after(a->client);
    pthread_mutex_lock(&r->lock);
    bool away = r->away;
    r->nasked -= !disk;
    if (!disk && err.code != LW_EAGAIN)
        registry_answered(r);
    if (schema)
        entry_found(r, e, schema, disk ? "cache" : "registry");
    else if (err.code == LW_ENOTFOUND)
        entry_not_found(r, e, &err);
    else if (err.code == LW_EINPUT) {
        lw_log(schema_unreadable, LW_QUOTE(err.msg));
        entry_settle(r, e, UNREADABLE, err.msg);
    } else if (disk)
        entry_move(r, e, e->state, place);
    else
        registry_outage(r, e, began, retry_after, &err);
    if (away || disk) /* others may have waited for this one */
        pthread_cond_broadcast(&r->wake);
}

static void *fetcher_run(void *arg);

/* Starts one more thread. A failure only slows fetching down. */
static int fetcher_start(struct lw_registry *r, struct lw_err *err) {
    struct schema_fetcher *a = &r->fetcher[r->nfetchers];
    a->registry = r;
    a->client = lw_registry_client_new(&r->options, err);
    if (!a->client)
        return -1;
    int rc = pthread_create(&a->thread, NULL, fetcher_run, a);
    if (rc == 0) {
        r->nfetchers++;
        return 0;
    }
    lw_registry_client_free(a->client);
    a->client = NULL;
    return lw_fail(err, LW_ESTOP, "cannot start a thread: %s", strerror(rc));
}

static void *fetcher_run(void *arg) {
    struct schema_fetcher *a = arg;
    struct lw_registry *r = a->registry;
    int64_t wait;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct schema_entry *e = queue_next(r, &wait);
        if (!e) {
            wait_for(r, wait);
            continue;
        }
        if (!r->away && r->nfetchers < FETCHERS && r->nfetchers == r->nasked + 1 &&
            r->queue[AHEAD].n + r->queue[URGENT].n > 1)
            fetcher_start(r, NULL);
        fetcher_serve(a, e);
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
    int rc = fetcher_start(r, err);
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
    for (size_t i = 0; i < r->nfetchers; i++)
        lw__client_stop(r->fetcher[i].client);
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->nfetchers; i++) { /* none is added any more */
        pthread_join(r->fetcher[i].thread, NULL);
        lw_registry_client_free(r->fetcher[i].client);
    }
    for (size_t i = 0; i < r->nfresh; i++) {
        lw_schema_free(r->entry[i].schema);
        free(r->entry[i].why);
    }
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- requests ---- */

static struct lw_decoder *entry_compile(const struct schema_entry *e,
                                        const struct lw_schema *reader,
                                        const struct lw_fields *fields,
                                        struct lw_err *err) {
    char name[48];
    struct lw_err why = {0};
    struct lw_decoder *d = lw_decoder_new_avro(e->schema, reader, fields, &why);
    if (!d)
        lw_fail(err, LW_EINPUT,
                "written with schema %s (%.100s), which cannot be read with ours: %s",
                lw_frame_name(name, sizeof name, &e->frame), lw_schema_name(e->schema),
                why.msg);
    return d;
}

/* The queue for an unknown id: urgent while a caller waits for it, otherwise ahead, once
 * per minute at most. */
static enum entry_queue place_again(const struct schema_entry *e,
                                    const struct lw_asking *how, int64_t now) {
    bool waits = !how->ahead && e->last_ms - e->began_ms < how->patience_ms;
    if (now < e->due_ms || (!waits && now - e->last_ms < AGAIN_FIRST))
        return NOWHERE;
    return waits ? URGENT : AHEAD;
}

/* Queues an entry that a caller needs, now or ahead. */
static void entry_enqueue(struct lw_registry *r, struct schema_entry *e,
                          const struct lw_asking *how) {
    int64_t now = lw_mono_ms();
    enum entry_queue place = e->place;
    if (place == AHEAD && !how->ahead)
        place = URGENT;
    else if (place == NOWHERE && e->state == MISSING)
        place = place_again(e, how, now);
    else if (place == NOWHERE && e->state == WANTED && now >= e->due_ms)
        place = how->ahead ? AHEAD : URGENT;
    if (place != e->place || place == NOWHERE) /* at rest: the one used last */
        entry_move(r, e, e->state, place);
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
        lw_fail(err, LW_EINPUT,
                "schema id %" PRIu32 " is not an id that a registry assigns", frame->id);
        return NULL;
    }
    pthread_mutex_lock(&r->lock);
    struct schema_entry *e = entry_find(r, frame);
    if (!e)
        e = entry_make(r, frame);
    if (e)
        entry_enqueue(r, e, how ? how : &patient);
    if (e && e->state == KNOWN)
        d = entry_compile(e, reader, fields, err);
    else if (e && e->state != WANTED)
        lw_fail(err, e->state == MISSING ? LW_ENOTFOUND : LW_EINPUT, "%s", e->why);
    else
        lw_fail(err, LW_EAGAIN, "schema %s has been requested from the registry",
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
