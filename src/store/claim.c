/* Taking a partition over.
 *
 * First the epoch, then the panes: from the moment the new epoch stands, no flush of the
 * old owner goes through, so what is read afterwards cannot change under us. A claim that
 * is cut short has done nothing but raise the epoch. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/keys.h"
#include "store/scripts.h"
#include "store/state_private.h"
#include "store/unread.h"

void lw__force_read(const struct lw_reply *champion, const struct lw_reply *shadows,
                    struct lw_force *out) {
    const char *text = lw_reply_text(shadows, NULL);
    out->champion = (uint32_t)lw_reply_int(champion);
    out->nshadows = text ? lw_scan_versions(text, out->shadow, LW_VERSIONS_MAX) : 0;
}

void lw__sealed_read(struct lw_partition *p, const struct lw_reply *reply) {
    const char *text = lw_reply_text(reply, NULL);
    if (text && *text)
        lw_partition_sealed(p, lw_reply_int(reply));
}

/* Fields of a pane's hash into the pane; fields == NULL: there is something else. */
int lw__pane_fill(struct lw_pane *pane, const struct lw_reply *fields,
                  struct lw_err *err) {
    if (!fields || (lw_reply_count(fields) && !lw_reply_field(fields, "meta")))
        return lw_fail(err, LW_EINPUT, "redis: pane %lld: %s", (long long)pane->start_ms,
                       fields ? "the field meta is missing" : "the key holds no hash");
    for (size_t i = 0; i + 1 < lw_reply_count(fields); i += 2) {
        const char *name = lw_reply_text(lw_reply_at(fields, i), NULL);
        size_t len;
        const char *data = lw_reply_text(lw_reply_at(fields, i + 1), &len);
        if (name && data && lw_pane_read(pane, name, data, len, err))
            return lw_err_context(err, "redis: pane %lld", (long long)pane->start_ms);
    }
    return 0;
}

/* One open pane from its hash. What cannot be read becomes empty, and is told. */
static int load_pane(struct lw_pane *pane, int32_t number, const struct lw_reply *fields,
                     struct lw_unreadables *unread, struct lw_err *err) {
    struct lw_unread one = {.start_ms = pane->start_ms, .partition = number};
    struct lw_err why = {0};
    int rc = lw__pane_fill(pane, fields, &why);
    if (rc && why.code != LW_EINPUT)
        return lw_fail(err, why.code, "%s", why.msg);
    if (rc) {
        lw_copy(one.why, sizeof one.why, why.msg);
        lw_unread_add(unread, &one);
        lw_pane_reset(pane, pane->start_ms, pane->profile->seed);
    }
    pane->dirty = false;
    return 0;
}

static int load_open_panes(struct lw_redis *r, const struct lw_spec *spec,
                           struct lw_partition *p, int32_t number,
                           struct lw_unreadables *unread, struct lw_err *err) {
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

int lw_state_claim(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                   const char *owner, struct lw_partition *p, int32_t number,
                   struct lw_claim *out, struct lw_err *err) {
    struct lw_cmd *c = lw_verb_cmd(r);
    lw_cmd_int(c, 3);
    lw_key_arg(c, spec, "part:%s:%d", topic, number);
    lw_key_arg(c, spec, "models");
    lw_key_arg(c, spec, "detector");
    lw_cmd_str(c, owner);
    lw_cmd_int(c, lw_wall_ms());
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_claim, c, err);
    if (!reply)
        return -1;
    size_t len, offset_len;
    lw_reply_text(lw_reply_at(reply, 1), &offset_len);
    out->epoch = (uint64_t)lw_reply_int(lw_reply_at(reply, 0));
    out->next_offset = offset_len ? lw_reply_int(lw_reply_at(reply, 1)) : -1;
    lw__force_read(lw_reply_at(reply, 2), lw_reply_at(reply, 3), &out->force);
    read_last(lw_reply_text(lw_reply_at(reply, 5), NULL), out);
    const char *progress = lw_reply_text(lw_reply_at(reply, 4), &len);
    int rc = len ? lw_partition_read(p, progress, len, err) : 0;
    out->unread = (struct lw_unreadables){0};
    rc = rc ? rc : load_open_panes(r, spec, p, number, &out->unread, err);
    for (size_t i = 0; i < out->unread.n && rc == 0; i++)
        rc = lw__unread_aside(r, spec, topic, out->epoch, &out->unread.item[i], err);
    if (rc)
        lw_unread_fini(&out->unread);
    else
        lw__sealed_read(p, lw_reply_at(reply, 6));
    lw_reply_free(reply);
    return rc ? lw_err_context(err, "claim of %s/%d", topic, number) : 0;
}
