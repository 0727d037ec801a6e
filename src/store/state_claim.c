/* Claims a partition.
 *
 * The epoch is raised first, then the panes are read: from the new epoch on, no flush
 * of the old owner succeeds, so the panes cannot change while they are read. An
 * interrupted claim has only raised the epoch. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/keys.h"
#include "store/scripts.h"
#include "store/state_private.h"
#include "store/tracking_text.h"
#include "store/unreadable.h"

void lw__state_read_active(const struct lw_adopted *adopted,
                           struct lw_active_versions *out) {
    const char *text = lw_reply_text(adopted->shadows, NULL);
    const char *tracking = lw_reply_text(adopted->tracking, NULL);
    int64_t version = lw_reply_int(adopted->champion);
    out->champion = version > 0 && version < UINT32_MAX ? (uint32_t)version : 0;
    out->nshadows = text ? lw_keys_scan_versions(text, out->shadow, LW_VERSIONS_MAX) : 0;
    if (tracking)
        lw_tracking_parse(tracking, &out->tracking);
}

void lw__state_read_sealed(struct lw_partition *p, const struct lw_reply *reply) {
    const char *text = lw_reply_text(reply, NULL);
    if (text && *text)
        lw_partition_sealed(p, lw_reply_int(reply));
}

/* Reads the fields of a pane's hash; fields == NULL: the key has another type. */
int lw__state_pane_fill(struct lw_pane *pane, const struct lw_reply *fields,
                        struct lw_err *err) {
    if (!fields || (lw_reply_count(fields) && !lw_reply_field(fields, "meta")))
        return lw_fail(err, LW_EINPUT, "redis: pane %lld: %s", (long long)pane->start_ms,
                       fields ? "the field meta is missing" : "the key is not a hash");
    for (size_t i = 0; i + 1 < lw_reply_count(fields); i += 2) {
        const char *name = lw_reply_text(lw_reply_at(fields, i), NULL);
        size_t len;
        const char *data = lw_reply_text(lw_reply_at(fields, i + 1), &len);
        if (name && data && lw_pane_read(pane, name, data, len, err))
            return lw_err_context(err, "redis: pane %lld", (long long)pane->start_ms);
    }
    return 0;
}

/* One open pane from its hash. An unreadable one becomes empty, and is reported. */
static int load_pane(struct lw_pane *pane, int32_t number, const struct lw_reply *fields,
                     struct lw_unreadable_panes *unread, struct lw_err *err) {
    struct lw_unreadable_pane one = {.start_ms = pane->start_ms, .partition = number};
    struct lw_err why = {0};
    int rc = lw__state_pane_fill(pane, fields, &why);
    if (rc && why.code != LW_EINPUT)
        return lw_fail(err, why.code, "%s", why.msg);
    if (rc) {
        lw_copy(one.why, sizeof one.why, why.msg);
        lw_unreadable_add(unread, &one);
        lw_pane_reset(pane, pane->start_ms, pane->profile->seed);
    }
    pane->dirty = false;
    return 0;
}

static int load_open_panes(struct lw_redis *r, const struct lw_spec *spec,
                           struct lw_partition *p, int32_t number,
                           struct lw_unreadable_panes *unread, struct lw_err *err) {
    struct lw_batch b;
    lw_batch_init(&b, lw_partition_panes(p));
    for (size_t i = 0; i < b.n; i++) {
        lw_cmd_str(b.cmd[i], "HGETALL");
        lw_key_arg(b.cmd[i], spec, "pane:%lld:%d",
                   (long long)lw_partition_pane(p, i)->start_ms, number);
    }
    int rc = lw_batch_send(r, &b, err);
    for (size_t i = 0; i < b.n && rc == 0; i++)
        rc = load_pane(lw_partition_pane(p, i), number, b.reply[i], unread, err);
    lw_batch_fini(&b);
    return rc;
}

/* The events of a pane that starts empty are still in Kafka and useful for training:
 * its lineage continues from its original first offset. */
static int keep_lineage(struct lw_redis *r, const struct lw_spec *spec,
                        struct lw_partition *p, const struct lw_unreadable_pane *one,
                        struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_pane *pane = lw_partition_open(p, one->start_ms);
    struct lw_reply *lines = lw_redis_do(r, err, "ZRANGEBYSCORE %s %ld %ld",
                                         lw_key(key, spec, "offsets:%d", one->partition),
                                         (long)one->start_ms, (long)one->start_ms);
    if (!lines)
        return -1;
    struct lw_offsets_line of;
    if (lw__state_offsets_line(lw_reply_at(lines, 0), &of) && of.last < LW_OFFSET_MAX) {
        pane->first_offset = of.first;
        pane->last_offset = of.last;
    }
    lw_reply_free(lines);
    return 0;
}

static void read_last(const char *text, struct lw_claim *out) {
    char *end = NULL;
    out->last_offset = -1;
    out->last_id = 0;
    if (!text || !*text)
        return;
    int64_t offset = strtoll(text, &end, 10);
    if (*end != ' ')
        return;
    out->last_id = strtoull(end + 1, &end, 16);
    out->last_offset = *end ? -1 : offset;
}

/* Why the part hash cannot be used; false: it can, or it is new. The progress includes
 * its offset; out->rebuilt reports a `next_offset` that differs. */
static bool is_damaged(struct lw_partition *p, const struct lw_reply *reply,
                       struct lw_claim *out, struct lw_err *why) {
    size_t offset_len, len;
    int64_t next = -1, stored = -1;
    const char *offset = lw_reply_text(lw_reply_at(reply, 1), &offset_len);
    const char *progress = lw_reply_text(lw_reply_at(reply, 4), &len);
    bool valid = offset_len && lw_parse_i64(offset, &next) && next >= -1 &&
                 strlen(offset) == offset_len && next <= LW_OFFSET_MAX;
    out->next_offset = valid ? next : -1;
    if (!len && !offset_len)
        return false;
    if (!len)
        return lw_fail(why, LW_EINPUT, "progress is missing");
    if (lw__state_open_progress(progress, &len, &stored, why) ||
        lw_partition_read(p, progress, len, why))
        return true;
    out->next_offset = stored;
    if (!valid || next != stored)
        snprintf(out->rebuilt, sizeof out->rebuilt,
                 "next_offset was \"%.40s\" and is restored to %" PRId64,
                 offset ? offset : "", stored);
    return false;
}

/* Was the partition ever flushed? Its offsets show it even if the hash is missing. */
static int has_offsets(struct lw_redis *r, const struct lw_spec *spec, int32_t number,
                       struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "ZRANGE %s 0 0", lw_key(key, spec, "offsets:%d", number));
    if (!reply)
        return -1;
    int found = lw_reply_count(reply) > 0;
    lw_reply_free(reply);
    return found;
}

static int load_progress(struct lw_redis *r, const struct lw_claim_target *of,
                         const struct lw_reply *reply, struct lw_claim *out,
                         struct lw_err *err) {
    struct lw_err why = {0};
    bool damaged = is_damaged(of->p, reply, out, &why);
    size_t len;
    lw_reply_text(lw_reply_at(reply, 4), &len);
    if (!damaged && len == 0) {
        int found = has_offsets(r, of->spec, of->number, err);
        if (found <= 0)
            return found;
        damaged = true;
        lw_fail(&why, LW_EINPUT,
                "the part hash is missing, and the partition has been read");
    }
    if (!damaged)
        return out->rebuilt[0] ? lw__state_restore_offset(r, of, out, err) : 0;
    if (why.code != LW_EINPUT)
        return lw_fail(err, why.code, "%s", why.msg);
    return lw__state_rebuild(r, of, out, why.msg, err);
}

int lw_state_claim(struct lw_redis *r, const struct lw_claim_target *of,
                   struct lw_claim *out, struct lw_err *err) {
    const struct lw_spec *spec = of->spec;
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "part:%s:%d", of->topic, of->number);
    lw_key_arg(c, spec, "models");
    lw_key_arg(c, spec, "monitor");
    lw_cmd_str(c, of->owner);
    lw_cmd_int(c, lw_wall_ms());
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_claim, c, err);
    if (!reply)
        return -1;
    out->epoch = (uint64_t)lw_reply_int(lw_reply_at(reply, 0));
    out->active = (struct lw_active_versions){0};
    lw__state_read_active(&(struct lw_adopted){lw_reply_at(reply, 2),
                                               lw_reply_at(reply, 3),
                                               lw_reply_at(reply, 7)},
                          &out->active);
    read_last(lw_reply_text(lw_reply_at(reply, 5), NULL), out);
    out->unread = (struct lw_unreadable_panes){0};
    out->rebuilt[0] = '\0';
    int rc = load_progress(r, of, reply, out, err);
    rc = rc ? rc : load_open_panes(r, spec, of->p, of->number, &out->unread, err);
    for (size_t i = 0; i < out->unread.n && rc == 0; i++)
        rc = keep_lineage(r, spec, of->p, &out->unread.item[i], err) ||
                     lw__unreadable_move(r, spec, of->topic, out->epoch,
                                         &out->unread.item[i], err)
                 ? -1
                 : 0;
    if (rc)
        lw_unreadable_fini(&out->unread);
    else
        lw__state_read_sealed(of->p, lw_reply_at(reply, 6));
    lw_reply_free(reply);
    return rc ? lw_err_context(err, "claim of %s/%d", of->topic, of->number) : 0;
}
