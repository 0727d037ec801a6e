/* The memory of schemas, and the thread that fills it.
 *
 * An entry an id. Whoever asks for one that is not there makes it, wakes the thread, and
 * is told LW_EAGAIN; the thread looks on disk, then asks the registry, one id after
 * another, so that a registry in trouble meets one request at a time. The lock is never
 * held across I/O; a decoder is compiled under it, which costs as much as the schema is
 * long and happens once an id and worker.
 *
 * An outage is told once when it begins and each minute while it lasts, and once when it
 * ends. Requests then wait from 250 ms, doubling to `retry_max`, or as long as
 * Retry-After says, up to a minute.
 *
 * An id that the registry does not know is asked for again for `missing_wait`: a producer
 * may be a moment ahead of a follower that we ask. Then the entry says "never". Were
 * every such id waited for in full, a topic with garbage in it would stand still, so each
 * one that is given up in a row halves the wait of the next, and one that is found
 * restores it. A given-up id that is met again is asked for once more in the background,
 * after a minute, doubling to an hour.
 *
 * Everything is bounded: entries, and bytes of schemas. What was used longest ago goes
 * first, and comes back from disk or from the registry. */
#include "registry/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "registry/registry_private.h"

#define ENTRIES_MAX     1024
#define BYTES_MAX       ((size_t)64 * 1024 * 1024)
#define BACKOFF_FIRST   INT64_C(250)
#define RETRY_AFTER_MAX LW_MINUTE
#define AGAIN_FIRST     LW_MINUTE /* for an id that was given up */
#define AGAIN_MAX       LW_HOUR
#define TELL_EVERY      LW_MINUTE

enum state { FREE, WANTED, KNOWN, MISSING, UNREADABLE };

struct entry {
    enum state state;
    struct lw_frame frame; /* by, id, guid; no payload */
    struct lw_schema *schema;
    char *why;        /* of MISSING and UNREADABLE */
    bool looked;      /* on disk */
    bool again;       /* MISSING, and asked for once more */
    int64_t due_ms;   /* monotonic: WANTED, not before; MISSING, may be asked again */
    int64_t began_ms; /* first "not known"; 0: none yet */
    int64_t wait_ms;  /* the last wait */
    uint64_t used;    /* a clock of lookups */
};

struct lw_registry {
    struct lw_registry_options options;
    struct lw_registry_client *client; /* the thread's */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool stop;
    struct entry entry[ENTRIES_MAX];
    size_t n, bytes;
    uint64_t clock, requests, failures;
    bool away, told;
    int64_t backoff_ms, next_ms; /* outage: the last wait; no request before */
    int64_t told_ms;             /* when an outage was last told; 0: never */
    unsigned given_up;           /* ids in a row */
};

/* ---- entries ---- */

static bool same(const struct lw_frame *a, const struct lw_frame *b) {
    if (a->by != b->by)
        return false;
    return a->by == LW_SCHEMA_ID ? a->id == b->id
                                 : memcmp(a->guid, b->guid, sizeof a->guid) == 0;
}

static struct entry *find(struct lw_registry *r, const struct lw_frame *frame) {
    for (size_t i = 0; i < r->n; i++)
        if (r->entry[i].state != FREE && same(&r->entry[i].frame, frame))
            return &r->entry[i];
    return NULL;
}

static void clear(struct lw_registry *r, struct entry *e) {
    if (e->schema)
        r->bytes -= strlen(lw_schema_json(e->schema));
    lw_schema_free(e->schema);
    free(e->why);
    *e = (struct entry){0};
}

/* What was used longest ago; with schemas_only, of those that hold one. */
static struct entry *oldest(struct lw_registry *r, bool schemas_only) {
    struct entry *found = NULL;
    for (size_t i = 0; i < r->n; i++) {
        struct entry *e = &r->entry[i];
        bool counts = e->state != FREE && e->state != WANTED && !e->again;
        if (counts && (!schemas_only || e->schema) && (!found || e->used < found->used))
            found = e;
    }
    return found;
}

/* Room for one more; NULL when all are being waited for. */
static struct entry *make(struct lw_registry *r, const struct lw_frame *frame) {
    struct entry *e = NULL;
    for (size_t i = 0; i < r->n && !e; i++)
        if (r->entry[i].state == FREE)
            e = &r->entry[i];
    if (!e && r->n < ENTRIES_MAX)
        e = &r->entry[r->n++];
    if (!e && (e = oldest(r, false)))
        clear(r, e);
    if (e)
        *e = (struct entry){.state = WANTED, .frame = *frame, .used = ++r->clock};
    if (e)
        e->frame.payload = NULL;
    return e;
}

static void settle(struct entry *e, enum state state, const char *why) {
    free(e->why);
    e->why = why ? lw_strdup(why) : NULL;
    e->state = state;
    e->again = false;
}

static void keep(struct lw_registry *r, struct entry *e, struct lw_schema *schema) {
    struct entry *old;
    size_t len = strlen(lw_schema_json(schema));
    settle(e, KNOWN, NULL);
    while (r->bytes + len > BYTES_MAX && (old = oldest(r, true)))
        clear(r, old);
    e->schema = schema;
    r->bytes += len;
}

/* ---- what comes back ---- */

static void say(enum lw_level level, const char *event, const char *text) {
    char quoted[600];
    lw_log(level, event, "reason=%s", lw_log_quote(quoted, sizeof quoted, text));
}

static int64_t longer(const struct lw_registry *r, int64_t wait_ms) {
    wait_ms = wait_ms ? 2 * wait_ms : BACKOFF_FIRST;
    return wait_ms < r->options.retry_max_ms ? wait_ms : r->options.retry_max_ms;
}

/* The registry rests, and this id longer if it alone is the trouble. */
static void outage(struct lw_registry *r, struct entry *e, const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    int64_t asked = lw_registry_client_retry_after(r->client);
    r->failures++;
    r->backoff_ms = longer(r, r->backoff_ms);
    e->wait_ms = longer(r, e->wait_ms);
    if (asked > RETRY_AFTER_MAX)
        asked = RETRY_AFTER_MAX;
    r->next_ms = now + (asked > r->backoff_ms ? asked : r->backoff_ms);
    e->due_ms = now + (asked > e->wait_ms ? asked : e->wait_ms);
    r->away = true;
    if (!r->told_ms || now - r->told_ms >= TELL_EVERY) {
        say(LW_WARN, "registry_away", why->msg);
        r->told_ms = now;
        r->told = true;
    }
}

static void answered(struct lw_registry *r) {
    if (r->told)
        lw_log(LW_INFO, "registry_back", "url=%s", r->options.url);
    r->away = r->told = false;
    r->backoff_ms = r->next_ms = 0;
}

/* The registry does not know the id (yet). */
static void missing(struct lw_registry *r, struct entry *e, const struct lw_err *why) {
    int64_t now = lw_mono_ms();
    int64_t patience =
        r->options.missing_wait_ms >> (r->given_up < 30 ? r->given_up : 30);
    if (e->state == MISSING) { /* still */
        e->again = false;
        e->wait_ms = 2 * e->wait_ms < AGAIN_MAX ? 2 * e->wait_ms : AGAIN_MAX;
        e->due_ms = now + e->wait_ms;
        return;
    }
    if (!e->began_ms)
        e->began_ms = now;
    e->wait_ms = longer(r, e->wait_ms);
    int64_t left = e->began_ms + patience - now;
    if (left > 0) {
        e->due_ms = now + (e->wait_ms < left ? e->wait_ms : left);
        return;
    }
    if ((r->given_up & (r->given_up - 1)) == 0) /* garbage must not fill the log too */
        say(LW_WARN, "schema_unknown", why->msg);
    settle(e, MISSING, why->msg);
    e->wait_ms = AGAIN_FIRST;
    e->due_ms = now + AGAIN_FIRST;
    r->given_up++;
}

static void found(struct lw_registry *r, struct entry *e, struct lw_schema *schema,
                  const char *where) {
    char name[48];
    lw_log(LW_INFO, "schema_known", "schema=\"%s\" record=%s from=%s",
           lw_frame_name(name, sizeof name, &e->frame), lw_schema_name(schema), where);
    keep(r, e, schema);
    r->given_up = 0;
}

/* ---- the thread ---- */

/* The entry whose turn it is; NULL, and *wait_ms until one may be (-1: none). */
static struct entry *next(struct lw_registry *r, int64_t *wait_ms) {
    struct entry *first = NULL;
    int64_t now = lw_mono_ms();
    for (size_t i = 0; i < r->n; i++) {
        struct entry *e = &r->entry[i];
        if ((e->state == WANTED || e->again) && (!first || e->due_ms < first->due_ms))
            first = e;
    }
    *wait_ms = -1;
    if (!first)
        return NULL;
    int64_t due = first->due_ms;
    bool disk = !first->looked && r->options.cache_dir[0];
    if (!disk && r->next_ms > due)
        due = r->next_ms;
    *wait_ms = due > now ? due - now : 0;
    return *wait_ms == 0 ? first : NULL;
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
        say(LW_WARN, "schema_cache_ignored", err.msg);
    return schema;
}

static struct lw_schema *ask(struct lw_registry *r, const struct lw_frame *frame,
                             struct lw_err *err) {
    struct lw_schema *schema = lw_registry_client_schema(r->client, frame, err);
    struct lw_err why = {0};
    if (schema && r->options.cache_dir[0] &&
        lw__disk_save(&r->options, frame, schema, &why))
        say(LW_WARN, "schema_not_cached", why.msg);
    return schema;
}

/* One entry, with the lock on entry and exit. It stays where it is meanwhile: what is
 * being waited for is never evicted. */
static void serve(struct lw_registry *r, struct entry *e) {
    struct lw_frame frame = e->frame;
    struct lw_err err = {0};
    struct lw_schema *schema = NULL;
    bool disk = !e->looked && r->options.cache_dir[0];
    e->looked = true;
    r->requests += !disk;
    pthread_mutex_unlock(&r->lock);
    schema = disk ? look(r, &frame) : ask(r, &frame, &err);
    pthread_mutex_lock(&r->lock);
    if (!disk && err.code != LW_EAGAIN)
        answered(r);
    if (schema)
        found(r, e, schema, disk ? "cache" : "registry");
    else if (err.code == LW_ENOTFOUND)
        missing(r, e, &err);
    else if (err.code == LW_EINPUT) {
        say(LW_WARN, "schema_unreadable", err.msg);
        settle(e, UNREADABLE, err.msg);
    } else if (!disk && !r->stop)
        outage(r, e, &err);
}

static void *run(void *arg) {
    struct lw_registry *r = arg;
    int64_t wait;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        struct entry *e = next(r, &wait);
        if (e)
            serve(r, e);
        else
            wait_for(r, wait);
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
    r->client = lw_registry_client_new(o, err);
    int rc = r->client ? pthread_create(&r->thread, NULL, run, r) : 0;
    if (rc)
        lw_fail(err, LW_ESTOP, "cannot start a thread: %s", strerror(rc));
    r->runs = r->client && !rc;
    if (r->runs)
        return r;
    lw_registry_free(r);
    return NULL;
}

void lw_registry_free(struct lw_registry *r) {
    if (!r)
        return;
    if (r->client)
        lw__client_stop(r->client);
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    if (r->runs)
        pthread_join(r->thread, NULL);
    for (size_t i = 0; i < r->n; i++)
        clear(r, &r->entry[i]);
    lw_registry_client_free(r->client);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

/* ---- asking ---- */

static struct lw_decoder *compile(const struct entry *e, const struct lw_schema *reader,
                                  const struct lw_fields *fields, struct lw_err *err) {
    char name[48];
    struct lw_err why = {0};
    struct lw_decoder *d = lw_decoder_new(e->schema, reader, fields, &why);
    if (!d)
        lw_fail(err, LW_EINPUT, "written with schema %s (%.100s), which does not do: %s",
                lw_frame_name(name, sizeof name, &e->frame), lw_schema_name(e->schema),
                why.msg);
    return d;
}

static struct lw_decoder *answer(struct lw_registry *r, struct entry *e,
                                 const struct lw_frame *frame,
                                 const struct lw_schema *reader,
                                 const struct lw_fields *fields, struct lw_err *err) {
    char name[48];
    if (!e && (e = make(r, frame)))
        pthread_cond_broadcast(&r->wake);
    if (e)
        e->used = ++r->clock;
    if (e && e->state == KNOWN)
        return compile(e, reader, fields, err);
    if (e && e->state == MISSING && !e->again && lw_mono_ms() >= e->due_ms) {
        e->again = true;
        pthread_cond_broadcast(&r->wake);
    }
    if (e && e->state != WANTED)
        lw_fail(err, e->state == MISSING ? LW_ENOTFOUND : LW_EINPUT, "%s", e->why);
    else
        lw_fail(err, LW_EAGAIN, "schema %s is being asked for",
                lw_frame_name(name, sizeof name, frame));
    return NULL;
}

struct lw_decoder *lw_registry_decoder(struct lw_registry *r,
                                       const struct lw_frame *frame,
                                       const struct lw_schema *reader,
                                       const struct lw_fields *fields,
                                       struct lw_err *err) {
    lw_assert(frame->by == LW_SCHEMA_ID || frame->by == LW_SCHEMA_GUID);
    if (frame->by == LW_SCHEMA_ID && frame->id > INT32_MAX) {
        lw_fail(err, LW_EINPUT, "schema id %" PRIu32 " is none that a registry gives",
                frame->id);
        return NULL;
    }
    pthread_mutex_lock(&r->lock);
    struct lw_decoder *d = answer(r, find(r, frame), frame, reader, fields, err);
    pthread_mutex_unlock(&r->lock);
    return d;
}

struct lw_registry_status lw_registry_status(struct lw_registry *r) {
    pthread_mutex_lock(&r->lock);
    struct lw_registry_status s = {
        .away = r->away, .requests = r->requests, .failures = r->failures};
    for (size_t i = 0; i < r->n; i++) {
        s.known += r->entry[i].state == KNOWN;
        s.waited_for += r->entry[i].state == WANTED;
        s.missing += r->entry[i].state == MISSING;
    }
    pthread_mutex_unlock(&r->lock);
    return s;
}
