/* Rebuilds a partition whose part hash is unreadable.
 *
 * The hash holds the partition's offset. The partition does not wait for a repair, and
 * reading everything again would count events twice. What else is known:
 *
 *   - `next_offset` and `last` of the hash, if they are readable;
 *   - offsets:<p>, whose lines are written with the panes: no event after the largest
 *     offset is in a pane. Messages between it and the lost offset were late, suspect or
 *     dead-lettered, and are counted once more;
 *   - the counters and the watermark of the hash, as far as they are plausible;
 *   - the index of panes: panes that the watermark has not passed are open.
 *
 * So panes stay exact, whatever is damaged. If nothing is left, the partition is a new
 * one. */
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
#include "store/scripts.h"
#include "store/state_private.h"
#include "store/tracking_text.h"

#define LINES_MAX 1000 /* of offsets:<p>, the newest; open panes are among them */

struct partition_evidence {
    int64_t watermark_ms, newest_ms; /* INT64_MIN: unknown */
    uint64_t counter[LW_COUNTERS];
    int64_t behind; /* the largest offset in a pane; -1: none */
};

static int64_t time_of(const struct lw_reply *reply) {
    const char *text = lw_reply_text(reply, NULL);
    int64_t limit = LW_DAY * 365 * 400, t;
    return text && lw_parse_i64(text, &t) && t >= -limit && t <= limit ? t : INT64_MIN;
}

/* They must add up, or none is used. */
static void read_counters(const struct lw_reply *fields, struct partition_evidence *e) {
    uint64_t *c = e->counter;
    for (size_t i = 0; i < LW_COUNTERS; i++) {
        int64_t n = lw_reply_int(lw_reply_at(fields, 2 + i));
        c[i] = n > 0 ? (uint64_t)n : 0;
    }
    if (c[LW_COUNT_MESSAGES] !=
        c[LW_COUNT_GOOD] + c[LW_COUNT_REJECTED] + c[LW_COUNT_DEAD_LETTERED])
        memset(c, 0, sizeof e->counter);
}

static void read_lines(const struct lw_reply *lines, struct partition_evidence *e) {
    for (size_t i = 0; i < lw_reply_count(lines); i++) {
        struct lw_offsets_line of;
        if (lw__state_offsets_line(lw_reply_at(lines, i), &of) &&
            of.last < LW_OFFSET_MAX && of.last > e->behind)
            e->behind = of.last;
    }
}

static int evidence_read(struct lw_redis *r, const struct lw_claim_target *of,
                         struct partition_evidence *e, struct lw_err *err) {
    struct lw_batch b;
    *e = (struct partition_evidence){INT64_MIN, INT64_MIN, {0}, -1};
    lw_batch_init(&b, 2);
    lw_cmd_str(b.cmd[0], "HMGET");
    lw_key_arg(b.cmd[0], of->spec, "part:%s:%d", of->topic, of->number);
    lw_cmd_str(b.cmd[0], "watermark");
    lw_cmd_str(b.cmd[0], "newest");
    for (int i = 0; i < LW_COUNTERS; i++)
        lw_cmd_str(b.cmd[0], lw_counter_name((enum lw_counter)i));
    lw_cmd_str(b.cmd[1], "ZREVRANGE");
    lw_key_arg(b.cmd[1], of->spec, "offsets:%d", of->number);
    lw_cmd_int(b.cmd[1], 0);
    lw_cmd_int(b.cmd[1], LINES_MAX - 1);
    int rc = lw_batch_send(r, &b, err);
    if (rc == 0) {
        e->watermark_ms = time_of(lw_reply_at(b.reply[0], 0));
        e->newest_ms = time_of(lw_reply_at(b.reply[0], 1));
        read_counters(b.reply[0], e);
        read_lines(b.reply[1], e);
    }
    lw_batch_fini(&b);
    return rc;
}

/* Panes of the index that the watermark has not passed. */
static int open_panes(struct lw_redis *r, const struct lw_claim_target *of,
                      struct partition_evidence *e, int64_t sealed_ms,
                      struct lw_err *err) {
    char key[LW_KEY_MAX], from[32] = "-inf";
    int64_t *start,
        watermark = e->watermark_ms == INT64_MIN ? sealed_ms : e->watermark_ms;
    if (watermark != INT64_MIN)
        snprintf(from, sizeof from, "(%" PRId64, watermark - of->spec->pane_ms);
    struct lw_reply *reply = lw_redis_do(r, err, "ZRANGEBYSCORE %s %s +inf",
                                         lw_key(key, of->spec, "panes"), from);
    if (!reply)
        return -1;
    size_t n = 0;
    start = lw_calloc(lw_reply_count(reply) + 1, sizeof *start);
    for (size_t i = 0; i < lw_reply_count(reply); i++) {
        int32_t partition = -1;
        int64_t t = lw__state_pane_start(
            of->spec, lw_reply_text(lw_reply_at(reply, i), NULL), &partition);
        if (t != INT64_MIN && partition == of->number)
            start[n++] = t;
    }
    if (watermark != INT64_MIN && e->newest_ms == INT64_MIN)
        e->newest_ms = n ? start[n - 1] : watermark;
    lw_partition_resume(of->p, watermark, e->newest_ms, e->counter);
    for (size_t i = 0; i < n; i++)
        lw_partition_reopen(of->p, start[i]);
    free(start);
    lw_reply_free(reply);
    return 0;
}

static int sealed_until(struct lw_redis *r, const struct lw_spec *spec, int64_t *out,
                        struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HGET %s sealed_until", lw_key(key, spec, "monitor"));
    if (!reply)
        return -1;
    *out = time_of(reply);
    lw_reply_free(reply);
    return 0;
}

static int part_replace(struct lw_redis *r, const struct lw_claim_target *of,
                        const struct lw_claim *claim, struct lw_err *err) {
    char name[300], tracking[LW_TRACKING_TEXT_MAX];
    struct lw_buf shadows = {0};
    struct lw_cmd *c = lw_cmd_scratch(r);
    snprintf(name, sizeof name, "part:%s:%d", of->topic, of->number);
    lw_cmd_int(c, 4);
    lw_key_arg(c, of->spec, "%s", name);
    lw_key_arg(c, of->spec, "unreadable:%s", name);
    lw_key_arg(c, of->spec, "unreadable");
    lw_key_arg(c, of->spec, "audit");
    lw_cmd_uint(c, claim->epoch);
    lw_cmd_str(c, name);
    lw_cmd_int(c, lw_wall_ms());
    lw_cmd_str(c, claim->rebuilt);
    lw_cmd_int(c, LW_UNREADABLE_KEEP_MS);
    lw_cmd_str(c, of->owner);
    if (claim->next_offset >= 0)
        lw_cmd_int(c, claim->next_offset);
    else
        lw_cmd_str(c, "");
    lw_cmd_int(c, LW_AUDIT_CAP);
    lw_cmd_uint(c, claim->active.champion);
    for (size_t i = 0; i < claim->active.nshadows; i++)
        lw_buf_printf(&shadows, "%s%u", i ? " " : "", claim->active.shadow[i]);
    lw_cmd_arg(c, shadows.data, shadows.len);
    lw_buf_fini(&shadows);
    lw_cmd_str(c, lw_tracking_text(&claim->active.tracking, tracking));
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_rebuild, c, err);
    if (!reply)
        return -1;
    bool ours = lw_reply_int(reply) == 1;
    lw_reply_free(reply);
    return ours ? 0 : lw_fail(err, LW_EAGAIN, "another process has claimed it");
}

int lw__state_restore_offset(struct lw_redis *r, const struct lw_claim_target *of,
                             struct lw_claim *out, struct lw_err *err) {
    return part_replace(r, of, out, err);
}

void lw__state_put_progress(struct lw_buf *out, const struct lw_partition *p,
                            int64_t next_offset) {
    lw_partition_write(p, out);
    lw_buf_i64(out, next_offset);
    lw_buf_u64(out, lw_text_key((const char *)out->data, out->len));
}

int lw__state_open_progress(const char *data, size_t *len, int64_t *next_offset,
                            struct lw_err *err) {
    if (*len < 16)
        return lw_fail(err, LW_EINPUT, "progress is damaged (%zu bytes)", *len);
    struct lw_reader r = lw_reader_of(data + *len - 16, 16);
    *next_offset = lw_reader_i64(&r);
    if (lw_reader_u64(&r) != lw_text_key(data, *len - 8) || *next_offset < -1 ||
        *next_offset > LW_OFFSET_MAX)
        return lw_fail(err, LW_EINPUT, "progress is damaged (%zu bytes)", *len);
    *len -= 16;
    return 0;
}

int lw__state_rebuild(struct lw_redis *r, const struct lw_claim_target *of,
                      struct lw_claim *out, const char *why, struct lw_err *err) {
    struct partition_evidence e;
    int64_t sealed_ms;
    if (evidence_read(r, of, &e, err) || sealed_until(r, of->spec, &sealed_ms, err) ||
        open_panes(r, of, &e, sealed_ms, err))
        return -1;
    if (out->next_offset < 0 && out->last_offset >= 0)
        out->next_offset = out->last_offset + 1;
    if (out->next_offset < 0 && e.behind >= 0)
        out->next_offset = e.behind + 1;
    lw_copy(out->rebuilt, sizeof out->rebuilt, why);
    return part_replace(r, of, out, err);
}
