/* leeway check: everything that `leeway run` needs of Redis. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/check.h"
#include "store/access.h"
#include "store/meta.h"
#include "store/state.h"

#define MIB (INT64_C(1) << 20)

/* Free memory needed for a few models with their references and for the windows. */
#define LEAST_FREE (16 * MIB)
#define SHORT_FREE (64 * MIB)

static void report_outcome(struct lw_check_findings *f, const char *what, bool ok,
                           const char *detail) {
    lw_check_report(f, what, ok ? LW_CHECK_OK : LW_CHECK_FAILED, detail);
}

/* Commands, keys and the channel. Returns 0; -1: Redis does not answer; 1: a required
 * permission is missing. */
static int check_permissions(struct lw_check_findings *f, struct lw_redis *r,
                             const struct lw_config *config) {
    struct lw_access a;
    struct lw_err err = {0};
    char text[1000];
    if (lw_access_look(r, &config->spec, config->source.topic, &a, &err)) {
        report_outcome(f, "redis", false, err.msg);
        return -1;
    }
    if (!a.asked)
        lw_check_report(
            f, "permissions", LW_CHECK_WARNING,
            "Redis before version 7 does not report permissions; for the required "
            "list see docs/redis.md");
    else if (a.denied || a.silent)
        snprintf(text, sizeof text, "the user %s; ask an administrator to run: %s",
                 a.refused, a.remedy);
    else
        snprintf(text, sizeof text, "all commands on leeway:{%s}:*", config->spec.stream);
    if (a.asked)
        report_outcome(f, "permissions", !a.denied && !a.silent, text);
    return a.denied;
}

/* A replica refuses writes. */
static bool check_role(struct lw_check_findings *f, struct lw_redis *r) {
    struct lw_err none = {0};
    const char *role = lw_redis_info(r, "role", &none);
    bool master = !role || strcmp(role, "master") == 0;
    if (!master)
        report_outcome(
            f, "role", false,
            "this Redis is a replica and refuses writes: configure the master, or "
            "sentinel:// with its name");
    return master;
}

/* Without an append-only file, a restarted Redis loses writes. */
static void check_persistence(struct lw_check_findings *f, struct lw_redis *r) {
    struct lw_err none = {0};
    const char *aof = lw_redis_info(r, "aof_enabled", &none);
    if (!aof)
        return;
    bool on = strcmp(aof, "1") == 0;
    lw_check_report(
        f, "persistence", on ? LW_CHECK_OK : LW_CHECK_WARNING,
        on ? "appendonly is yes"
           : "appendonly is no: a restart loses everything since the last snapshot, models "
             "and audit included, and events are read again");
}

static void check_eviction(struct lw_check_findings *f, struct lw_redis *r) {
    struct lw_err none = {0};
    char text[200];
    const char *policy = lw_redis_info(r, "maxmemory_policy", &none);
    bool keeps = policy && strcmp(policy, "noeviction") == 0;
    snprintf(
        text, sizeof text, "maxmemory-policy is %.40s%s", policy ? policy : "unknown",
        keeps
            ? ""
            : "; only noeviction is safe: other policies can delete the stream's state");
    report_outcome(f, "eviction", keeps, text);
}

static int64_t info_number(struct lw_redis *r, const char *field) {
    struct lw_err none = {0};
    int64_t v = 0;
    const char *text = lw_redis_info(r, field, &none);
    return text && lw_parse_i64(text, &v) ? v : 0;
}

static void check_writes(struct lw_check_findings *f, struct lw_redis *r,
                         const struct lw_config *config) {
    struct lw_err err = {0};
    char text[700];
    bool ok = lw_access_write(r, &config->spec, &err) == 0;
    snprintf(text, sizeof text, "%s%s",
             ok ? "Lua scripts can run and write" : "a Lua script cannot write: ",
             ok ? "" : err.msg);
    report_outcome(f, "scripts", ok, text);
}

/* Redis refuses every write when it is full. */
static void check_memory(struct lw_check_findings *f, struct lw_redis *r) {
    char text[300];
    int64_t max = info_number(r, "maxmemory");
    int64_t used =
        info_number(r, "used_memory") - info_number(r, "mem_not_counted_for_evict");
    int64_t left = max > used ? max - used : 0;
    if (max <= 0) {
        report_outcome(f, "memory", true, "maxmemory is not set");
        return;
    }
    bool fits = left >= LEAST_FREE, ample = left >= SHORT_FREE;
    snprintf(
        text, sizeof text, "%" PRId64 " of %" PRId64 " MiB are free%s", left / MIB,
        max / MIB,
        fits && ample ? ""
        : fits
            ? "; with noeviction a full Redis refuses every write"
            : ": a full Redis refuses every write and the stream stops; raise maxmemory");
    lw_check_report(f, "memory",
                    !fits    ? LW_CHECK_FAILED
                    : !ample ? LW_CHECK_WARNING
                             : LW_CHECK_OK,
                    text);
}

/* The stream's state in Redis must belong to this configuration. */
static void check_stream(struct lw_check_findings *f, struct lw_redis *r,
                         const struct lw_config *config) {
    struct lw_err err = {0};
    if (lw_meta_check(r, &config->spec, config->source.topic, &err))
        report_outcome(f, "stream", false, err.msg);
}

static void check_server(struct lw_check_findings *f, struct lw_redis *r,
                         const struct lw_config *config) {
    struct lw_err err = {0};
    char text[700];
    int denied = check_permissions(f, r, config);
    const char *version = denied < 0 ? NULL : lw_redis_info(r, "redis_version", &err);
    bool master = true;
    if (version) {
        snprintf(text, sizeof text, "%s, version %.40s", lw_redis_where(r), version);
        report_outcome(f, "redis", true, text);
        check_eviction(f, r);
        check_persistence(f, r);
        master = check_role(f, r);
    } else if (denied == 0) {
        report_outcome(f, "redis", false, err.msg);
    }
    if (denied) /* the remaining checks would fail for the same reason */
        return;
    if (master)
        check_writes(f, r, config);
    if (version)
        check_memory(f, r);
    check_stream(f, r, config);
}

void lw_check_redis(struct lw_check_findings *f, const struct lw_config *config) {
    struct lw_err err = {0};
    struct lw_redis *r = lw_redis_new(&config->redis, &err);
    if (r)
        check_server(f, r, config);
    else
        report_outcome(f, "redis", false, err.msg);
    lw_redis_free(r);
}
