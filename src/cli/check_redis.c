/* leeway check, the Redis side: everything that `run` will need of it, tried now. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/check.h"
#include "store/access.h"
#include "store/meta.h"
#include "store/state.h"

#define MIB (INT64_C(1) << 20)

/* What must be free: a few models with their references, and the windows of a stream
 * while they fill. */
#define LEAST_FREE (16 * MIB)
#define SHORT_FREE (64 * MIB)

static void found(struct lw_findings *f, const char *what, bool ok, const char *detail) {
    lw_tell(f, what, ok ? LW_FINDING_HOLDS : LW_FINDING_FAILED, detail);
}

/* Commands, keys and the channel. 0; -1: Redis does not answer; 1: something that cannot
 * be done without is missing. */
static int check_permissions(struct lw_findings *f, struct lw_redis *r,
                             const struct lw_config *config) {
    struct lw_access a;
    struct lw_err err = {0};
    char text[1000];
    if (lw_access_look(r, &config->spec, config->source.topic, &a, &err)) {
        found(f, "redis", false, err.msg);
        return -1;
    }
    if (!a.asked)
        lw_tell(f, "permissions", LW_FINDING_WARNED,
                "a Redis older than version 7 does not tell what its user may do; the "
                "list is in docs/redis.md");
    else if (a.denied || a.silent)
        snprintf(text, sizeof text, "the user %s; ask an administrator to run: %s",
                 a.refused, a.remedy);
    else
        snprintf(text, sizeof text, "all commands on leeway:{%s}:*", config->spec.stream);
    if (a.asked)
        found(f, "permissions", !a.denied && !a.silent, text);
    return a.denied;
}

/* A server that only follows another takes no writes. */
static bool check_role(struct lw_findings *f, struct lw_redis *r) {
    struct lw_err none = {0};
    const char *role = lw_redis_info(r, "role", &none);
    bool master = !role || strcmp(role, "master") == 0;
    if (!master)
        found(f, "role", false,
              "this Redis is a replica and takes no writes: name the master, or "
              "sentinel:// with its name");
    return master;
}

/* Without a log of its writes, a Redis that starts anew forgets. */
static void check_persistence(struct lw_findings *f, struct lw_redis *r) {
    struct lw_err none = {0};
    const char *aof = lw_redis_info(r, "aof_enabled", &none);
    if (!aof)
        return;
    bool on = strcmp(aof, "1") == 0;
    lw_tell(
        f, "persistence", on ? LW_FINDING_HOLDS : LW_FINDING_WARNED,
        on ? "appendonly is yes"
           : "appendonly is no: when this Redis starts anew, what it was told since its "
             "last snapshot is gone, models and audit too, and events are read again");
}

static void check_eviction(struct lw_findings *f, struct lw_redis *r) {
    struct lw_err none = {0};
    char text[200];
    const char *policy = lw_redis_info(r, "maxmemory_policy", &none);
    bool keeps = policy && strcmp(policy, "noeviction") == 0;
    snprintf(
        text, sizeof text, "maxmemory-policy is %.40s%s", policy ? policy : "unknown",
        keeps ? "" : "; only noeviction is safe: others can delete the stream's state");
    found(f, "eviction", keeps, text);
}

static int64_t number(struct lw_redis *r, const char *field) {
    struct lw_err none = {0};
    int64_t v = 0;
    const char *text = lw_redis_info(r, field, &none);
    return text && lw_parse_i64(text, &v) ? v : 0;
}

static void check_writes(struct lw_findings *f, struct lw_redis *r,
                         const struct lw_config *config) {
    struct lw_err err = {0};
    char text[700];
    bool ok = lw_access_write(r, &config->spec, &err) == 0;
    snprintf(text, sizeof text, "%s%s",
             ok ? "Lua scripts run, and write" : "a script may not write: ",
             ok ? "" : err.msg);
    found(f, "scripts", ok, text);
}

/* A server that is full refuses every write, and one that is nearly so soon will. */
static void check_memory(struct lw_findings *f, struct lw_redis *r) {
    char text[300];
    int64_t max = number(r, "maxmemory");
    int64_t used = number(r, "used_memory") - number(r, "mem_not_counted_for_evict");
    int64_t left = max > used ? max - used : 0;
    if (max <= 0) {
        found(f, "memory", true, "no maxmemory is set");
        return;
    }
    bool fits = left >= LEAST_FREE, ample = left >= SHORT_FREE;
    snprintf(
        text, sizeof text, "%" PRId64 " of %" PRId64 " MiB are free%s", left / MIB,
        max / MIB,
        fits && ample ? ""
        : fits
            ? "; with noeviction a full Redis refuses every write"
            : ": a full Redis refuses every write, and the stream stands; raise maxmemory");
    lw_tell(f, "memory",
            !fits    ? LW_FINDING_FAILED
            : !ample ? LW_FINDING_WARNED
                     : LW_FINDING_HOLDS,
            text);
}

/* Is what the stream has there of this configuration? */
static void check_stream(struct lw_findings *f, struct lw_redis *r,
                         const struct lw_config *config) {
    struct lw_err err = {0};
    if (lw_meta_check(r, &config->spec, config->source.topic, &err))
        found(f, "stream", false, err.msg);
}

static void check_server(struct lw_findings *f, struct lw_redis *r,
                         const struct lw_config *config) {
    struct lw_err err = {0};
    char text[700];
    int denied = check_permissions(f, r, config);
    const char *version = denied < 0 ? NULL : lw_redis_info(r, "redis_version", &err);
    bool master = true;
    if (version) {
        snprintf(text, sizeof text, "%s, version %.40s", lw_redis_where(r), version);
        found(f, "redis", true, text);
        check_eviction(f, r);
        check_persistence(f, r);
        master = check_role(f, r);
    } else if (denied == 0) {
        found(f, "redis", false, err.msg);
    }
    if (denied) /* what follows from that is no news */
        return;
    if (master)
        check_writes(f, r, config);
    if (version)
        check_memory(f, r);
    check_stream(f, r, config);
}

void lw_check_redis(struct lw_findings *f, const struct lw_config *config) {
    struct lw_err err = {0};
    struct lw_redis *r = lw_redis_new(&config->redis, &err);
    if (r)
        check_server(f, r, config);
    else
        found(f, "redis", false, err.msg);
    lw_redis_free(r);
}
