/* See damage.h. */
#include "store/damage.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/guard.h"
#include "store/lease.h"
#include "store/models.h"
#include "store/scripts.h"
#include "store/state_private.h"
#include "store/unreadable.h"

/* model versions that are checked: every few seconds, and by `leeway repair` */
#define NEWEST 100
#define EVERY  5000

/* Every key that each step reads or writes. Not listed: keys that every evaluation
 * replaces (window:...), and panes, which unreadable.c handles. */
static const struct {
    const char *name, *type, *follows;
} fixed[] = {
    {"unreadable", "hash", "Earlier notes about unreadable keys are lost."},
    {"audit", "stream", "The audit starts empty."},
    {"meta", "hash", "The next leader writes it again."},
    {"models", "hash",
     "The champion keeps scoring; `leeway models list` shows the other "
     "versions."},
    {"monitor", "hash",
     "The monitor starts empty: rule counts, cooldown, probation and "
     "quarantine are lost; panes and models are kept."},
    {"panes", "zset", "The index is rebuilt from the panes."},
    {"now", "hash", "The next evaluation writes it again."},
    {"history", "stream", "The history of figures starts empty."},
    {"evaluations", "stream", "The list of evaluations starts empty."},
    {"alerts", "hash", "Firing alerts are sent again when they change."},
    {"alerts:message", "hash", "Firing alerts are sent again when they change."},
    {"alerts:notified", "hash", "Receivers may get notifications a second time."},
    {"outbox", "stream", "Pending deliveries are lost."},
    {"outbox:tries", "hash", "Failed deliveries are retried at once."},
    {"outbox:parked", "stream", "Deliveries that were given up are no longer listed."},
    {"silences", "hash", "All silences are lost; add them again."},
    {"lease", "string", "Another leader takes over."},
    {"fence", "string", "Another leader takes over."},
    {"asks", "list", "Pending requests are lost; repeat them."},
    {"health", "hash", "Each process writes its entry again within seconds."},
    {"privacy", "string", "Names and identifiers are hashed with a new key from now on."},
};
#define FIXED (sizeof fixed / sizeof *fixed)

const char *lw_damage_follows(const char *name) {
    for (size_t i = 0; i < FIXED; i++)
        if (strcmp(name, fixed[i].name) == 0)
            return fixed[i].follows;
    static const struct {
        const char *prefix, *follows;
    } some[] = {
        {"part:", "The partition continues after the last offset in its panes; its "
                  "counters may restart."},
        {"offsets:", "Trainings skip the events of its older panes."},
        {"model:", "The version cannot score."},
        {"monitor:sealed_until", "The monitor continues after the newest figures."},
        {"monitor:state",
         "The monitor starts empty: rule counts, cooldown, probation and "
         "quarantine are lost; panes and models are kept."},
        {"reference:", "Drift is not judged against this version."},
    };
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (strncmp(name, some[i].prefix, strlen(some[i].prefix)) == 0)
            return some[i].follows;
    return "";
}

static void put_one(struct lw_cmd *keys, struct lw_cmd *args, const struct lw_spec *spec,
                    const char *name, const char *type) {
    lw_key_arg(keys, spec, "%s", name);
    lw_key_arg(keys, spec, "unreadable:%s", name);
    lw_cmd_str(args, type);
    lw_cmd_str(args, name);
}

static void put_version(struct lw_cmd *keys, struct lw_cmd *args,
                        const struct lw_spec *spec, uint32_t version) {
    char name[40];
    snprintf(name, sizeof name, "model:%u", version);
    put_one(keys, args, spec, name, "hash");
    snprintf(name, sizeof name, "reference:%u", version);
    put_one(keys, args, spec, name, "hash");
}

/* Versions that have an alias, and the newest. */
static void put_versions(struct lw_cmd *keys, struct lw_cmd *args,
                         const struct lw_spec *spec, const struct lw_aliases *a,
                         uint32_t newest) {
    const uint32_t version[] = {a->champion, a->previous, a->challenger, a->first};
    for (size_t i = 0; i < sizeof version / sizeof *version; i++)
        if (version[i])
            put_version(keys, args, spec, version[i]);
    for (uint32_t v = a->next; v-- > 1 && newest-- > 0;)
        put_version(keys, args, spec, v);
}

static void put_all(struct lw_cmd *keys, struct lw_cmd *args, const struct lw_spec *spec,
                    const char *topic, int32_t npartitions) {
    char name[300];
    for (size_t i = 0; i < FIXED; i++)
        put_one(keys, args, spec, fixed[i].name, fixed[i].type);
    for (int32_t p = 0; p < npartitions; p++) {
        snprintf(name, sizeof name, "part:%s:%d", topic, p);
        put_one(keys, args, spec, name, "hash");
        snprintf(name, sizeof name, "offsets:%d", p);
        put_one(keys, args, spec, name, "zset");
    }
}

static bool is_pane(const char *name) {
    size_t n = strspn(name, "-0123456789");
    return n > 0 && name[n] == ':' && strspn(name + n + 1, "0123456789") > 0;
}

static void read_notes(const struct lw_reply *notes, int64_t since_ms, bool panes,
                       struct lw_damages *out) {
    size_t fields = lw_reply_count(notes);
    out->item = lw_calloc(fields / 2 + 1, sizeof *out->item);
    for (size_t i = 0; i + 1 < fields; i += 2) {
        const char *name = lw_reply_text(lw_reply_at(notes, i), NULL);
        const char *note = lw_reply_text(lw_reply_at(notes, i + 1), NULL);
        struct lw_damage *d = &out->item[out->n];
        if (!name || !note || (!panes && is_pane(name)))
            continue;
        size_t n = strspn(note, "0123456789");
        d->at_ms = n && n < 16 ? strtoll(note, NULL, 10) : 0;
        lw_copy(d->name, sizeof d->name, name);
        lw_copy(d->why, sizeof d->why, note[n] == ' ' ? note + n + 1 : note + n);
        out->n += d->at_ms >= since_ms;
    }
}

static int notes_since(struct lw_redis *r, const struct lw_spec *spec, int64_t since_ms,
                       bool panes, struct lw_damages *out, struct lw_err *err) {
    char key[LW_KEY_MAX];
    *out = (struct lw_damages){0};
    struct lw_reply *notes =
        lw_redis_do(r, err, "HGETALL %s", lw_key(key, spec, "unreadable"));
    if (!notes)
        return lw_err_context(err, "unreadable keys");
    read_notes(notes, since_ms, panes, out);
    lw_reply_free(notes);
    return 0;
}

int lw_damage_list(struct lw_redis *r, const struct lw_spec *spec, struct lw_damages *out,
                   struct lw_err *err) {
    return notes_since(r, spec, 0, true, out, err);
}

/* The script's command up to its keys. */
static struct lw_cmd *mend_begin(struct lw_redis *r, const struct lw_spec *spec,
                                 const char *who, bool dry) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_clear(&r->keys);
    lw_key_arg(&r->keys, spec, "unreadable");
    lw_key_arg(&r->keys, spec, "audit");
    lw_cmd_int(c, lw_wall_ms());
    lw_cmd_int(c, LW_UNREADABLE_KEEP_MS);
    lw_cmd_str(c, who);
    lw_cmd_int(c, LW_AUDIT_CAP);
    lw_cmd_str(c, dry ? "1" : "");
    return c;
}

static struct lw_reply *run_mend(struct lw_redis *r, const struct lw_spec *spec,
                                 const struct lw_damage_of *of, bool dry,
                                 struct lw_err *err) {
    struct lw_err none = {0}; /* the aliases themselves may be damaged */
    struct lw_aliases aliases = {0};
    lw_models_aliases(r, spec, &aliases, &none);
    struct lw_cmd *c = mend_begin(r, spec, of->who, dry);
    put_all(&r->keys, c, spec, of->topic, of->npartitions);
    put_versions(&r->keys, c, spec, &aliases, of->thorough ? EVERY : NEWEST);
    struct lw_reply *reply = lw_redis_eval_keys(r, &lw_script_mend, &r->keys, c, err);
    if (!reply)
        lw_err_context(err, "checking for damage");
    return reply;
}

int lw_damage_mend(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_damage_of *of, struct lw_damages *out,
                   struct lw_err *err) {
    *out = (struct lw_damages){0};
    struct lw_reply *reply = run_mend(r, spec, of, false, err);
    if (!reply)
        return -1;
    lw_reply_free(reply);
    return notes_since(r, spec, of->since_ms, false, out, err);
}

int lw_damage_look(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_damage_of *of, struct lw_damages *out,
                   struct lw_err *err) {
    *out = (struct lw_damages){0};
    struct lw_reply *reply = run_mend(r, spec, of, true, err);
    if (!reply)
        return -1;
    size_t n = lw_reply_count(reply);
    out->item = lw_calloc(n / 2 + 1, sizeof *out->item);
    for (size_t i = 0; i + 1 < n; i += 2) {
        const char *name = lw_reply_text(lw_reply_at(reply, i), NULL);
        const char *why = lw_reply_text(lw_reply_at(reply, i + 1), NULL);
        if (!name || !why)
            continue;
        lw_copy(out->item[out->n].name, sizeof out->item->name, name);
        lw_copy(out->item[out->n++].why, sizeof out->item->why, why);
    }
    lw_reply_free(reply);
    return 0;
}

int lw_damage_move(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err) {
    if (!*name || strlen(name) > sizeof((struct lw_damage *)0)->name - 1)
        return lw_fail(err, LW_ENOTFOUND, "stream %s has no key \"%.80s\"", spec->stream,
                       name);
    struct lw_cmd *c = mend_begin(r, spec, who, false);
    put_one(&r->keys, c, spec, name, "!");
    struct lw_reply *reply = lw_redis_eval_keys(r, &lw_script_mend, &r->keys, c, err);
    if (!reply)
        return -1;
    bool moved = lw_reply_count(reply) > 0;
    lw_reply_free(reply);
    return moved ? 0
                 : lw_fail(err, LW_ENOTFOUND, "stream %s has no key \"%.80s\"",
                           spec->stream, name);
}

int lw_damage_keep(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_lease *lease, const struct lw_unreadable_field *what,
                   struct lw_err *err) {
    char name[128], text[400];
    int64_t now = lw_wall_ms();
    snprintf(name, sizeof name, "%.60s:%.60s", what->key, what->field);
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "SET");
    lw_key_arg(c, spec, "unreadable:%s", name);
    lw_cmd_arg(c, what->data, what->len);
    lw_cmd_str(c, "PX");
    lw_cmd_int(c, LW_UNREADABLE_KEEP_MS);
    lw_cmd_fill(c, slot);
    slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "unreadable");
    lw_cmd_str(c, name);
    snprintf(text, sizeof text, "%" PRId64 " %.300s", now, what->why);
    lw_cmd_str(c, text);
    lw_cmd_fill(c, slot);
    slot = lw_cmd_slot(c);
    lw_cmd_str(c, "PEXPIRE");
    lw_key_arg(c, spec, "unreadable");
    lw_cmd_int(c, LW_UNREADABLE_KEEP_MS);
    lw_cmd_fill(c, slot);
    slot = lw_cmd_slot(c);
    snprintf(text, sizeof text, "%s: %.260s", name, what->why);
    lw__audit_words(c, spec,
                    &(struct lw_audit_line){"unreadable", lease->who, text, 0, now});
    lw_cmd_fill(c, slot);
    return lw_guard_run(r, c, "move to unreadable", err);
}

static int add_to_index(struct lw_redis *r, const struct lw_spec *spec,
                        const struct lw_reply *keys, struct lw_err *err) {
    char prefix[LW_KEY_MAX];
    size_t skip = strlen(lw_key(prefix, spec, "pane:"));
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_str(c, "ZADD");
    lw_key_arg(c, spec, "panes");
    for (size_t i = 0; i < lw_reply_count(keys); i++) {
        size_t len;
        const char *key = lw_reply_text(lw_reply_at(keys, i), &len);
        int64_t start = key && len > skip && strncmp(key, prefix, skip) == 0
                            ? lw__state_pane_start(spec, key + skip, NULL)
                            : INT64_MIN;
        if (start == INT64_MIN)
            continue;
        lw_cmd_int(c, start);
        lw_cmd_str(c, key + skip);
    }
    struct lw_reply *reply = lw_cmd_count(c) > 2 ? lw_redis_call(r, c, err) : NULL;
    bool failed = lw_cmd_count(c) > 2 && !reply;
    lw_reply_free(reply);
    return failed ? -1 : 0;
}

int lw_damage_index(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err) {
    char key[LW_KEY_MAX], at[32] = "0";
    int64_t has = 1;
    struct lw_reply *reply = lw_redis_do(r, err, "ZCARD %s", lw_key(key, spec, "panes"));
    if (!reply)
        return -1;
    has = lw_reply_int(reply);
    lw_reply_free(reply);
    while (has == 0) {
        reply = lw_redis_do(r, err, "SCAN %s MATCH %s COUNT 1000", at,
                            lw_key(key, spec, "pane:*"));
        if (!reply)
            return -1;
        const char *next = lw_reply_text(lw_reply_at(reply, 0), NULL);
        lw_copy(at, sizeof at, next ? next : "0");
        int rc = add_to_index(r, spec, lw_reply_at(reply, 1), err);
        lw_reply_free(reply);
        if (rc || strcmp(at, "0") == 0)
            return rc;
    }
    return 0;
}
