/* GET /api/v1/models and audit: from Redis, newest first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/private.h"
#include "http/serve.h"
#include "store/keys.h"

#define MODELS_MAX    200
#define VERSIONS_STEP 20   /* versions read in one turn */
#define AUDIT_STEP    200  /* entries read in one turn ... */
#define AUDIT_LOOK    5000 /* ... and for one answer */
#define AUDIT_TEXT    1999 /* bytes of a field */

/* ---- models ---- */

static json_t *fact_json(json_t *facts, const char *outer, const char *name) {
    json_t *o = outer ? json_object_get(facts, outer) : facts;
    json_t *v = json_object_get(o, name);
    return v ? json_incref(v) : json_null();
}

static json_t *version_json(const struct lw_version *v, bool with_facts) {
    json_error_t ignored;
    json_t *facts = v->facts ? json_loads(v->facts, 0, &ignored) : NULL;
    json_t *o = json_object();
    lw_json_set_int(o, "version", v->version);
    lw_json_set_version(o, "parent", v->parent);
    lw_json_set_text(o, "status", v->status);
    lw_json_set_text(o, "reason", v->reason);
    lw_json_set_text(o, "verdict", v->verdict);
    lw_json_set_ms(o, "created_ms", v->created_ms);
    lw_json_set_ms(o, "promoted_ms", v->promoted_ms);
    lw_json_set_ms(o, "as_of_ms", v->as_of_ms);
    lw_json_set(o, "name", fact_json(facts, NULL, "candidate"));
    lw_json_set(o, "kind", fact_json(facts, NULL, "kind"));
    lw_json_set(o, "rows", fact_json(facts, "lineage", "rows"));
    lw_json_set(o, "error", fact_json(facts, NULL, "heldout_error"));
    json_t *beaten = json_object_get(json_object_get(facts, "gate"), "champion_error");
    double error = json_number_value(beaten); /* 0: there was no champion to beat */
    lw_json_set_number(o, "champion_error", error > 0 ? error : NAN);
    if (with_facts)
        json_object_set(o, "facts", facts ? facts : json_null());
    json_decref(facts);
    return o;
}

/* Version numbers may have gaps. -1: Redis is down. */
static int add_version(struct lw_call *c, uint32_t version, json_t *list,
                       struct lw_err *err) {
    struct lw_version v;
    struct lw_err why = {0};
    struct lw_reply *reply = lw_models_head(c->redis, c->server->spec, version, &v, &why);
    if (!reply &&
        why.code == LW_EINPUT) { /* damaged: the other versions are still listed */
        v = (struct lw_version){.version = version, .status = "unreadable"};
        lw_copy(v.reason, sizeof v.reason, why.msg);
        json_array_append_new(list, version_json(&v, false));
        return 0;
    }
    if (!reply)
        return why.code == LW_ENOTFOUND ? 0 : lw_fail(err, why.code, "%s", why.msg);
    json_array_append_new(list, version_json(&v, false));
    lw_reply_free(reply);
    return 0;
}

void lw_serve_models(struct lw_call *c) {
    struct lw_err err = {0};
    struct lw_aliases a;
    int rc = lw_models_aliases(c->redis, c->server->spec, &a, &err);
    json_t *list = json_array();
    for (uint32_t version = a.next; rc == 0 && version-- > 1;) {
        rc = add_version(c, version, list, &err);
        if (version % VERSIONS_STEP == 0)
            lw_ask_yield(c);
        if (json_array_size(list) == MODELS_MAX)
            break;
    }
    if (rc) {
        json_decref(list);
        lw_call_err(c, &err);
        return;
    }
    json_t *o = json_object();
    lw_json_set_version(o, "champion", a.champion);
    lw_json_set_version(o, "previous", a.previous);
    lw_json_set_version(o, "challenger", a.challenger);
    lw_json_set_version(o, "first", a.first);
    lw_json_set(o, "models", list);
    lw_call_json(c, o);
}

bool lw_call_version(struct lw_call *c, uint32_t *out) {
    int64_t v;
    if (lw_parse_i64(c->tail, &v) && v > 0 && v <= UINT32_MAX) {
        *out = (uint32_t)v;
        return true;
    }
    lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "\"%.60s\" is not a version number", c->tail);
    return false;
}

void lw_serve_model(struct lw_call *c) {
    struct lw_err err = {0};
    struct lw_version v;
    uint32_t version;
    if (!lw_call_version(c, &version))
        return;
    struct lw_reply *reply = lw_models_head(c->redis, c->server->spec, version, &v, &err);
    if (reply)
        lw_call_json(c, version_json(&v, true));
    else
        lw_call_err(c, &err);
    lw_reply_free(reply);
}

/* ---- audit ---- */

/* The greatest id below "<ms>-<number>". */
static bool id_before(const char *id, char *out, size_t size) {
    char *end;
    if (*id < '0' || *id > '9')
        return false;
    unsigned long long ms = strtoull(id, &end, 10);
    if (*end != '-' || end[1] < '0' || end[1] > '9')
        return false;
    unsigned long long number = strtoull(end + 1, &end, 10);
    if (*end)
        return false;
    if (number > 0)
        snprintf(out, size, "%llu-%llu", ms, number - 1);
    else
        snprintf(out, size, "%llu", ms > 0 ? ms - 1 : 0);
    return true;
}

static json_t *field_json(const struct lw_reply *fields, const char *name) {
    return lw_json_text(lw_reply_text(lw_reply_field(fields, name), NULL), AUDIT_TEXT);
}

static json_t *entry_json(const struct lw_reply *entry) {
    const struct lw_reply *fields = lw_reply_at(entry, 1);
    const char *id = lw_reply_text(lw_reply_at(entry, 0), NULL);
    json_t *o = json_object();
    lw_json_set_text(o, "id", id ? id : "");
    lw_json_set(o, "what", field_json(fields, "what"));
    lw_json_set(o, "who", field_json(fields, "who"));
    lw_json_set(o, "detail", field_json(fields, "detail"));
    lw_json_set_ms(o, "event_ms", lw_reply_int(lw_reply_field(fields, "event")));
    lw_json_set_ms(o, "at_ms", lw_reply_int(lw_reply_field(fields, "at")));
    return o;
}

/* Is the entry one of the kinds, as in "promoted,fired"? NULL: all are. */
static bool is_wanted(const struct lw_reply *entry, const char *kinds) {
    const char *what = lw_reply_text(lw_reply_field(lw_reply_at(entry, 1), "what"), NULL);
    for (const char *at = kinds; at && *at;) {
        size_t len = strcspn(at, ",");
        if (what && strlen(what) == len && strncmp(what, at, len) == 0)
            return true;
        at += len + (at[len] == ',');
    }
    return !kinds;
}

struct audit_walk {
    const char *kinds; /* or NULL */
    size_t max;
    char next[48];   /* greatest id not read yet; "+": start at the newest */
    char last[48];   /* of the last entry read */
    size_t looked;   /* entries so far */
    json_t *entries; /* out */
    bool ended;      /* no older entries remain */
};

/* Reads older entries; entries of one kind may be far apart. */
static int walk_audit(struct lw_call *c, struct audit_walk *w, struct lw_err *err) {
    char key[LW_KEY_MAX];
    size_t step = w->kinds ? AUDIT_STEP : w->max;
    struct lw_reply *reply =
        lw_redis_do(c->redis, err, "XREVRANGE %s %s - COUNT %d",
                    lw_key(key, c->server->spec, "audit"), w->next, (int)step);
    if (!reply)
        return -1;
    size_t n = lw_reply_count(reply);
    for (size_t i = 0; i < n && json_array_size(w->entries) < w->max; i++) {
        const struct lw_reply *entry = lw_reply_at(reply, i);
        const char *id = lw_reply_text(lw_reply_at(entry, 0), NULL);
        lw_copy(w->last, sizeof w->last, id ? id : "");
        if (is_wanted(entry, w->kinds))
            json_array_append_new(w->entries, entry_json(entry));
    }
    w->looked += n;
    w->ended = n < step && json_array_size(w->entries) < w->max;
    lw_reply_free(reply);
    if (!w->ended && !id_before(w->last, w->next, sizeof w->next))
        w->ended = true;
    return 0;
}

void lw_serve_audit(struct lw_call *c) {
    struct lw_err err = {0};
    struct audit_walk w = {.kinds = lw_call_arg(c, "what"), .next = "+"};
    int64_t max = 200;
    const char *before = lw_call_arg(c, "before");
    if (!lw_call_int(c, "max", 1, 1000, &max))
        return;
    if (before && !id_before(before, w.next, sizeof w.next)) {
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST,
                     "before must be an entry's id (got \"%.60s\")", before);
        return;
    }
    w.max = (size_t)max;
    w.entries = json_array();
    do {
        if (w.looked)
            lw_ask_yield(c);
        if (walk_audit(c, &w, &err)) {
            json_decref(w.entries);
            lw_call_err(c, &err);
            return;
        }
    } while (w.kinds && !w.ended && w.looked < AUDIT_LOOK &&
             json_array_size(w.entries) < w.max);
    json_t *o = json_object();
    lw_json_set(o, "entries", w.entries);
    lw_json_set_text(o, "next", w.ended ? NULL : w.last);
    lw_call_json(c, o);
}
