/* The registry of model versions.
 *
 * Only the status of a version ever changes. The aliases change in the step that
 * decided it. Workers read the aliases with each flush and record the offset from
 * which they follow them, so every prediction can be traced to its version. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/evaluation.h"
#include "store/guard.h"
#include "store/imports.h"
#include "store/lease.h"
#include "store/models.h"
#include "store/scripts.h"

#define SKIPPED_MAX 100000 /* versions after the last one that has an alias */

int lw_models_reserve(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint32_t *version,
                      struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 2);
    lw_key_arg(c, spec, "fence");
    lw_key_arg(c, spec, "models");
    char prefix[LW_KEY_MAX];
    lw_cmd_uint(c, lease->token);
    lw_cmd_str(c, lw_key(prefix, spec, "model:"));
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_reserve, c, err);
    if (!reply)
        return -1;
    int64_t n = lw_reply_int(reply);
    lw_reply_free(reply);
    if (n <= 0 || n >= UINT32_MAX)
        return lw_fail(err, LW_EFENCED,
                       "model version: fenced: another process holds the lease");
    *version = (uint32_t)n;
    return 0;
}

static void put_text(struct lw_cmd *c, const char *field, const char *text) {
    lw_cmd_str(c, field);
    lw_cmd_str(c, text ? text : "");
}

static void put_number(struct lw_cmd *c, const char *field, int64_t v) {
    lw_cmd_str(c, field);
    lw_cmd_int(c, v);
}

static void put_version(struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_version *v) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "model:%u", v->version);
    put_number(c, "version", v->version);
    put_number(c, "parent", v->parent);
    put_text(c, "status", v->status);
    put_text(c, "reason", v->reason);
    put_text(c, "verdict", v->verdict);
    put_number(c, "created", v->created_ms);
    put_number(c, "as_of", v->as_of_ms);
    put_number(c, "promoted", v->promoted_ms);
    put_text(c, "facts", v->facts);
    lw_cmd_str(c, "model");
    lw_cmd_arg(c, v->model, v->model_len);
    lw_cmd_fill(c, slot);

    slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "reference:%u", v->version);
    put_number(c, "version", v->version);
    lw_cmd_str(c, "profile");
    lw_cmd_arg(c, v->reference, v->reference_len);
    lw_cmd_fill(c, slot);
}

static void put_promote(struct lw_cmd *c, const struct lw_spec *spec, uint32_t version,
                        const struct lw_evaluation_step *step) {
    char text[LW_KEY_MAX];
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "PROMOTE");
    lw_key_arg(c, spec, "models");
    lw_cmd_str(c, lw_key(text, spec, "model:"));
    lw_cmd_uint(c, version);
    lw_cmd_int(c, step->evaluation->at_ms);
    lw_cmd_int(c, step->now_ms);
    lw_cmd_fill(c, slot);
}

static void put_challenger(struct lw_cmd *c, const struct lw_spec *spec,
                           uint32_t version) {
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "models");
    put_number(c, "challenger", version);
    lw_cmd_fill(c, slot);
}

static void announce_champion(struct lw_redis *r, const struct lw_spec *spec,
                              uint32_t version) {
    char channel[LW_KEY_MAX];
    struct lw_err err = {0};
    lw_reply_free(lw_redis_do(r, &err, "PUBLISH %s %u",
                              lw_key(channel, spec, "models-changed"), version));
    lw_copy(r->unheard, sizeof r->unheard, err.msg);
}

const char *lw_models_unheard(const struct lw_redis *r) {
    return r->unheard;
}

struct version_write {
    uint32_t version;
    const struct lw_version *v; /* to be stored, or NULL */
    bool promote;
};

/* One step: stores a version and, if promote, makes it champion. */
static int write_version(struct lw_redis *r, const struct lw_spec *spec,
                         const struct version_write *what,
                         const struct lw_evaluation_step *step, struct lw_err *err) {
    const struct lw_version *v = what->v;
    uint32_t version = what->version;
    bool promote = what->promote;
    struct lw_buf state = {0};
    char id[17], extra[40];
    lw_monitor_write(step->monitor, &state);
    snprintf(extra, sizeof extra, "%s%s %u", v ? "publish" : "", promote ? "promote" : "",
             version);
    lw__evaluation_id(step, &state, extra, id);
    struct lw_cmd *c = lw_guard_begin(r, spec, step->lease, step, id);
    if (v)
        put_version(c, spec, v);
    if (promote)
        put_promote(c, spec, version, step);
    else
        put_challenger(c, spec, version);
    if (v && v->imported)
        lw__imports_clear(c, spec);
    lw__evaluation_put(r, c, spec, step, &state, id);
    lw_buf_fini(&state);
    if (lw_guard_run(r, c, promote ? "promotion" : "storing of a model", err))
        return -1;
    if (promote)
        announce_champion(r, spec, version);
    return 0;
}

int lw_models_publish(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_version *v, bool promote,
                      const struct lw_evaluation_step *step, struct lw_err *err) {
    lw_assert(v->version > 0 && step);
    return write_version(r, spec, &(struct version_write){v->version, v, promote}, step,
                         err);
}

int lw_models_promote(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_promotion *to, struct lw_err *err) {
    if (to->step)
        return write_version(r, spec, &(struct version_write){to->version, NULL, true},
                             to->step, err);
    struct lw_cmd *c = lw_cmd_scratch(r);
    char text[LW_KEY_MAX];
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "models");
    lw_key_arg(c, spec, "audit");
    lw_key_arg(c, spec, "monitor");
    lw_cmd_uint(c, to->version);
    lw_cmd_str(c, lw_key(text, spec, "model:"));
    lw_cmd_int(c, lw_wall_ms());
    lw_cmd_str(c, to->who);
    lw_cmd_str(c, to->reason);
    lw_cmd_int(c, LW_AUDIT_CAP);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_promote, c, err);
    if (!reply)
        return -1;
    int64_t done = lw_reply_int(reply);
    lw_reply_free(reply);
    if (!done)
        return lw_fail(err, LW_ENOTFOUND, "%s has no model version %u", spec->stream,
                       to->version);
    announce_champion(r, spec, to->version);
    return 0;
}

int lw_models_usable(struct lw_redis *r, const struct lw_spec *spec, uint32_t version,
                     struct lw_err *err) {
    struct lw_version v;
    struct lw_reply *reply = lw_models_get(r, spec, version, &v, err);
    if (!reply)
        return -1;
    struct lw_model *model = lw_model_decode(v.model, v.model_len, err);
    if (!model)
        r->why = LW_REDIS_DAMAGED;
    int rc = model ? lw_model_bind(model, &spec->event.fields, err) : -1;
    lw_model_free(model);
    lw_reply_free(reply);
    return rc ? lw_err_context(err, "version %u cannot score this stream", version) : 0;
}

/* A version number; 0: none, or damaged. */
static uint32_t version_at(const struct lw_reply *v, size_t i) {
    int64_t n = lw_reply_int(lw_reply_at(v, i));
    return n > 0 && n < UINT32_MAX ? (uint32_t)n : 0;
}

static bool is_damaged(const struct lw_reply *v, size_t i) {
    const char *text = lw_reply_text(lw_reply_at(v, i), NULL);
    return text && strcmp(text, "0") != 0 && !version_at(v, i);
}

/* Readers that list versions count up to `next`. A value that is not larger than all
 * known versions, or far larger, is damaged. */
static void believe_next(struct lw_aliases *a) {
    const uint32_t known[] = {a->champion, a->previous, a->challenger, a->first};
    uint32_t top = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        top = known[i] > top ? known[i] : top;
    if (a->next <= top || a->next - top > SKIPPED_MAX)
        a->next = top + 1;
}

int lw_models_aliases(struct lw_redis *r, const struct lw_spec *spec,
                      struct lw_aliases *out, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *v = lw_redis_do(
        r, err,
        "HMGET %s champion previous challenger first next champion_since epoch imported",
        lw_key(key, spec, "models"));
    if (!v)
        return lw_err_context(err, "model aliases");
    int64_t next = lw_reply_int(lw_reply_at(v, 4));
    *out = (struct lw_aliases){
        .champion = version_at(v, 0),
        .previous = version_at(v, 1),
        .challenger = version_at(v, 2),
        .first = version_at(v, 3),
        .next = next > 0 && next < UINT32_MAX ? (uint32_t)next : 1,
        .champion_since_ms = lw_reply_int(lw_reply_at(v, 5)),
        .epoch = (uint64_t)lw_reply_int(lw_reply_at(v, 6)),
        .imported = version_at(v, 7),
        .damaged = is_damaged(v, 0),
    };
    lw_reply_free(v);
    believe_next(out);
    return 0;
}

int lw_models_restore(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, uint32_t champion, uint32_t first,
                      struct lw_err *err) {
    char text[96];
    struct lw_cmd *c = lw_guard_begin(r, spec, lease, NULL, "");
    size_t slot = lw_cmd_slot(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "models");
    put_number(c, "champion", champion);
    if (first)
        put_number(c, "first", first);
    lw_cmd_fill(c, slot);
    slot = lw_cmd_slot(c);
    snprintf(text, sizeof text, "models: the alias champion is restored to version %u",
             champion);
    lw__audit_words(
        c, spec,
        &(struct lw_audit_line){"unreadable", lease->who, text, 0, lw_wall_ms()});
    lw_cmd_fill(c, slot);
    return lw_guard_run(r, c, "alias champion", err);
}

static void copy_text(char *out, size_t size, const struct lw_reply *reply) {
    const char *text = lw_reply_text(reply, NULL);
    lw_copy(out, size, text ? text : "");
}

static const char *const head_fields[] = {"version", "parent",   "status",
                                          "reason",  "verdict",  "created",
                                          "as_of",   "promoted", "facts"};
#define HEAD_FIELDS (sizeof head_fields / sizeof *head_fields)

static void read_head(const struct lw_reply *v, struct lw_version *out) {
    *out = (struct lw_version){
        .version = version_at(v, 0),
        .parent = version_at(v, 1),
        .created_ms = lw_reply_int(lw_reply_at(v, 5)),
        .as_of_ms = lw_reply_int(lw_reply_at(v, 6)),
        .promoted_ms = lw_reply_int(lw_reply_at(v, 7)),
        .facts = lw_reply_text(lw_reply_at(v, 8), NULL),
    };
    copy_text(out->status, sizeof out->status, lw_reply_at(v, 2));
    copy_text(out->reason, sizeof out->reason, lw_reply_at(v, 3));
    copy_text(out->verdict, sizeof out->verdict, lw_reply_at(v, 4));
}

static bool is_empty(const struct lw_reply *v) {
    for (size_t i = 0; i < lw_reply_count(v); i++)
        if (lw_reply_text(lw_reply_at(v, i), NULL))
            return false;
    return true;
}

/* Returns the reply if it holds the head of the version. */
static struct lw_reply *version_found(struct lw_redis *r, struct lw_reply *reply,
                                      const struct lw_reply *head,
                                      const struct lw_spec *spec, uint32_t version,
                                      struct lw_err *err) {
    if (!reply || version_at(head, 0) == version)
        return reply;
    if (is_empty(head)) {
        lw_fail(err, LW_ENOTFOUND, "%s has no model version %u", spec->stream, version);
    } else {
        r->why = LW_REDIS_DAMAGED;
        lw_fail(err, LW_EINPUT,
                "model:%u of stream %s is damaged: its field version is not %u; `leeway "
                "repair` shows what is damaged",
                version, spec->stream, version);
    }
    lw_reply_free(reply);
    return NULL;
}

struct lw_reply *lw_models_head(struct lw_redis *r, const struct lw_spec *spec,
                                uint32_t version, struct lw_version *out,
                                struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_str(c, "HMGET");
    lw_key_arg(c, spec, "model:%u", version);
    for (size_t i = 0; i < HEAD_FIELDS; i++)
        lw_cmd_str(c, head_fields[i]);
    struct lw_reply *reply = lw_redis_call(r, c, err);
    read_head(reply, out);
    return version_found(r, reply, reply, spec, version, err);
}

struct lw_reply *lw_models_get(struct lw_redis *r, const struct lw_spec *spec,
                               uint32_t version, struct lw_version *out,
                               struct lw_err *err) {
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 2);
    lw_key_arg(c, spec, "model:%u", version);
    lw_key_arg(c, spec, "reference:%u", version);
    for (size_t i = 0; i < HEAD_FIELDS; i++)
        lw_cmd_str(c, head_fields[i]);
    lw_cmd_str(c, "model");
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_fetch, c, err);
    const struct lw_reply *v = lw_reply_at(reply, 0);
    read_head(v, out);
    out->model = lw_reply_text(lw_reply_at(v, HEAD_FIELDS), &out->model_len);
    out->reference = lw_reply_text(lw_reply_at(reply, 1), &out->reference_len);
    return version_found(r, reply, v, spec, version, err);
}
