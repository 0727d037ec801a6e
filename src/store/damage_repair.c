/* Repairs of damaged state by a person: deleting it, or reading a partition again.
 *
 * All of them are safe while processes run. Nobody reads unreadable keys. A partition
 * that is read again gets a new epoch in the same step, so flushes of its owner are
 * refused, and the owner claims it again as after a rebalance. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/audit.h"
#include "store/damage.h"
#include "store/guard.h"
#include "store/models.h"
#include "store/scripts.h"
#include "store/state_private.h"

bool lw_damage_is_pane(const struct lw_spec *spec, const char *name, int64_t *start_ms,
                       int32_t *partition) {
    *start_ms = lw__state_pane_start(spec, name, partition);
    return *start_ms != INT64_MIN;
}

static int find_lineage(struct lw_redis *r, const struct lw_spec *spec, int64_t start_ms,
                        int32_t partition, struct lw_lost_pane *out, struct lw_err *err) {
    char key[LW_KEY_MAX], when[32];
    struct lw_reply *lines = lw_redis_do(r, err, "ZRANGEBYSCORE %s %ld %ld",
                                         lw_key(key, spec, "offsets:%d", partition),
                                         (long)start_ms, (long)start_ms);
    if (!lines)
        return -1;
    struct lw_offsets_line of = {0};
    bool known = lw__state_offsets_line(lw_reply_at(lines, 0), &of) == 4 &&
                 of.last < LW_OFFSET_MAX;
    lw_reply_free(lines);
    out->first = of.first;
    out->last = of.last;
    out->events = of.events;
    return known ? 0
                 : lw_fail(err, LW_ENOTFOUND,
                           "no offsets are stored for the pane of %s of partition %d",
                           lw_format_time(when, sizeof when, start_ms), partition);
}

/* The versions in its fields "s:<version>", newest first. */
static void read_versions(const struct lw_reply *fields, struct lw_active_versions *out) {
    *out = (struct lw_active_versions){0};
    for (size_t i = 0; i + 1 < lw_reply_count(fields); i += 2) {
        const char *name = lw_reply_text(lw_reply_at(fields, i), NULL);
        unsigned long v =
            name && strncmp(name, "s:", 2) == 0 ? strtoul(name + 2, NULL, 10) : 0;
        if (v == 0 || v >= UINT32_MAX || out->nshadows == LW_VERSIONS_MAX)
            continue;
        uint32_t was = out->champion, is = (uint32_t)v;
        out->champion = is > was ? is : was;
        if (was)
            out->shadow[out->nshadows++] = is > was ? was : is;
    }
}

/* How the versions that the fields name were tracked. True: it is known of the newest. */
static bool read_tracking(const struct lw_spec *spec, const struct lw_reply *fields,
                          struct lw_active_versions *out) {
    struct lw_pane *pane = lw_pane_new(spec, 0, 0);
    struct lw_tracking_set *set = &out->tracking;
    bool known = false;
    for (size_t i = 0; i + 1 < lw_reply_count(fields); i += 2) {
        struct lw_err none = {0};
        size_t len;
        const char *name = lw_reply_text(lw_reply_at(fields, i), NULL);
        const char *data = lw_reply_text(lw_reply_at(fields, i + 1), &len);
        if (!name || !data || strncmp(name, "s:", 2) != 0 ||
            lw_pane_read(pane, name, data, len, &none) || pane->nscores == 0)
            continue;
        const struct lw_scores *s = &pane->scores[pane->nscores - 1];
        known |= s->version == out->champion;
        if (!s->tracks || set->n == LW_VERSIONS_MAX || lw_tracking_find(set, s->version))
            continue;
        set->served |= s->serves_tracked;
        set->version[set->n] = s->version;
        set->of[set->n++] = s->tracking;
    }
    lw_pane_free(pane);
    return known;
}

/* The same pane of other partitions was nearly always tracked alike. */
static int borrow_tracking(struct lw_redis *r, const struct lw_spec *spec,
                           int64_t start_ms, struct lw_active_versions *out,
                           struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *names =
        lw_redis_do(r, err, "ZRANGEBYSCORE %s %ld %ld LIMIT 0 20",
                    lw_key(key, spec, "panes"), (long)start_ms, (long)start_ms);
    bool known = false;
    for (size_t i = 0; i < lw_reply_count(names) && !known; i++) {
        struct lw_err none = {0}; /* it may be unreadable too */
        const char *name = lw_reply_text(lw_reply_at(names, i), NULL);
        struct lw_reply *fields =
            lw_redis_do(r, &none, "HGETALL %s", lw_key(key, spec, "pane:%s", name));
        known = read_tracking(spec, fields, out);
        lw_reply_free(fields);
    }
    lw_reply_free(names);
    return names ? 0 : -1;
}

int lw_damage_pane(struct lw_redis *r, const struct lw_spec *spec, int64_t start_ms,
                   int32_t partition, struct lw_lost_pane *out, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_err none = {0}; /* the unreadable key may hold another type */
    struct lw_reply *pane =
        lw_redis_do(r, err, "EXISTS %s",
                    lw_key(key, spec, "pane:%" PRId64 ":%d", start_ms, partition));
    if (!pane)
        return -1;
    out->remainder = lw_reply_int(pane) == 1;
    lw_reply_free(pane);
    if (find_lineage(r, spec, start_ms, partition, out, err))
        return -1;
    struct lw_reply *fields =
        lw_redis_do(r, &none, "HGETALL %s",
                    lw_key(key, spec, "unreadable:%" PRId64 ":%d", start_ms, partition));
    read_versions(fields, &out->active);
    bool known = read_tracking(spec, fields, &out->active);
    lw_reply_free(fields);
    if (!fields && none.code == LW_EAGAIN)
        return lw_fail(err, none.code, "%s", none.msg);
    struct lw_aliases aliases;
    if (out->active.champion == 0 && lw_models_aliases(r, spec, &aliases, err))
        return -1;
    if (out->active.champion == 0)
        out->active.champion = aliases.champion;
    return known || !spec->tracking.time_constant_ms
               ? 0
               : borrow_tracking(r, spec, start_ms, &out->active, err);
}

static void put_field(void *arg, const char *field, const void *data, size_t len) {
    lw_cmd_str(arg, field);
    lw_cmd_arg(arg, data, len);
}

int lw_damage_fill(struct lw_redis *r, const struct lw_spec *spec, struct lw_pane *pane,
                   int32_t partition, const char *who, struct lw_err *err) {
    char detail[200], when[32];
    int64_t now = lw_wall_ms();
    lw_format_time(when, sizeof when, pane->start_ms);
    snprintf(detail, sizeof detail,
             "the pane of %s of partition %d is rebuilt from Kafka, of %" PRIu64
             " events",
             when, partition, pane->events);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 5);
    lw_key_arg(c, spec, "pane:%" PRId64 ":%d", pane->start_ms, partition);
    lw_key_arg(c, spec, "panes");
    lw_key_arg(c, spec, "unreadable");
    lw_key_arg(c, spec, "monitor");
    lw_key_arg(c, spec, "audit");
    lw_cmd_int(c, pane->start_ms);
    lw_cmd_int(c, partition);
    lw_cmd_int(c, pane->start_ms + spec->pane_ms);
    lw_cmd_int(c, lw__state_pane_expiry_ms(spec));
    lw_cmd_int(c, now);
    size_t slot = lw_cmd_slot(c);
    lw__audit_words(c, spec, &(struct lw_audit_line){"repaired", who, detail, 0, now});
    lw_cmd_fill(c, slot);
    lw_pane_write(pane, lw_cmd_bytes(r), put_field, c);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_fill, c, err);
    if (!reply)
        return -1;
    bool done = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return done ? 0
                : lw_fail(err, LW_EFENCED,
                          "the pane of %s of partition %d is not sealed yet, or is not "
                          "marked unreadable",
                          when, partition);
}

int lw_damage_drop(struct lw_redis *r, const struct lw_spec *spec, const char *name,
                   const char *who, struct lw_err *err) {
    if (!*name || strlen(name) > sizeof((struct lw_damage *)0)->name - 1)
        return lw_fail(err, LW_ENOTFOUND, "no unreadable key is named \"%.80s\"", name);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "unreadable:%s", name);
    lw_key_arg(c, spec, "unreadable");
    lw_key_arg(c, spec, "audit");
    lw_cmd_str(c, name);
    lw__audit_words(c, spec,
                    &(struct lw_audit_line){"repaired", who, name, 0, lw_wall_ms()});
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_drop, c, err);
    if (!reply)
        return -1;
    bool was = lw_reply_int(reply) > 0;
    lw_reply_free(reply);
    return was ? 0
               : lw_fail(err, LW_ENOTFOUND, "no unreadable key is named \"%.80s\"", name);
}

int lw_damage_offset(struct lw_redis *r, const struct lw_spec *spec, int32_t partition,
                     int64_t from_ms, int64_t *out, struct lw_err *err) {
    char key[LW_KEY_MAX], from[32] = "-inf";
    *out = -1;
    if (from_ms != INT64_MIN)
        snprintf(from, sizeof from, "%" PRId64, from_ms);
    struct lw_reply *lines =
        lw_redis_do(r, err, "ZRANGEBYSCORE %s %s +inf",
                    lw_key(key, spec, "offsets:%d", partition), from);
    if (!lines)
        return -1;
    for (size_t i = 0; i < lw_reply_count(lines); i++) {
        struct lw_offsets_line of;
        if (lw__state_offsets_line(lw_reply_at(lines, i), &of) &&
            (*out < 0 || of.first < *out))
            *out = of.first;
    }
    lw_reply_free(lines);
    return 0;
}

static void put_progress(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                         const struct lw_reread *what) {
    struct lw_partition *p = lw_partition_new(spec, what->partition);
    struct lw_buf *bytes = lw_cmd_bytes(r);
    lw_partition_resume(p, what->sealed_ms, what->sealed_ms, NULL);
    lw__state_put_progress(bytes, p, what->offset);
    lw_cmd_arg(c, bytes->data, bytes->len);
    lw_partition_free(p);
}

int lw_damage_reread(struct lw_redis *r, const struct lw_spec *spec,
                     const struct lw_reread *what, const char *who, struct lw_err *err) {
    char name[300], detail[400], prefix[LW_KEY_MAX];
    snprintf(name, sizeof name, "part:%s:%d", what->topic, what->partition);
    snprintf(detail, sizeof detail, "%s is reread from offset %" PRId64, name,
             what->offset);
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 6);
    lw_key_arg(c, spec, "%s", name);
    lw_key_arg(c, spec, "unreadable:%s", name);
    lw_key_arg(c, spec, "unreadable");
    lw_key_arg(c, spec, "audit");
    lw_key_arg(c, spec, "panes");
    lw_key_arg(c, spec, "offsets:%d", what->partition);
    lw_cmd_uint(c, what->base_epoch);
    lw_cmd_str(c, name);
    lw_cmd_int(c, lw_wall_ms());
    lw_cmd_int(c, LW_UNREADABLE_KEEP_MS);
    lw_cmd_int(c, what->offset);
    put_progress(r, c, spec, what);
    lw_cmd_str(c, lw_key(prefix, spec, "pane:"));
    lw_cmd_int(c, what->partition);
    if (what->sealed_ms == INT64_MIN)
        lw_cmd_str(c, "-inf");
    else
        lw_cmd_int(c, what->sealed_ms);
    lw__audit_words(c, spec,
                    &(struct lw_audit_line){"repaired", who, detail, 0, lw_wall_ms()});
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_reread, c, err);
    if (!reply)
        return -1;
    bool done = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return done ? 0
                : lw_fail(
                      err, LW_EAGAIN,
                      "partition %d was claimed in the meantime; run the command again",
                      what->partition);
}
