/* A worker's step: dirty panes, progress and offset, written together.
 *
 * Panes are written as a whole and absolute, never as increments. So sending twice
 * equals sending once, and after any number of crashes Redis holds what one
 * undisturbed run would have written. A pane's hash is replaced, so that no field of
 * an older version survives. The command's memory belongs to the connection and is
 * reused. */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "store/keys.h"
#include "store/scripts.h"
#include "store/state_private.h"

/* The leader deletes panes that have left all windows. Expiry by the wall clock only
 * cleans up after an abandoned stream; event time may be slower or faster than the
 * wall clock, hence the wide margin. */
int64_t lw__state_pane_expiry_ms(const struct lw_spec *spec) {
    int64_t twice = 2 * lw_spec_longest_window(spec);
    return twice > 2 * LW_WEEK ? twice : 2 * LW_WEEK;
}

/* "<start> <first> <last> <events>": the offsets that a training reads from Kafka. */
static void put_lineage(struct lw_cmd *c, const struct lw_pane *pane) {
    char text[100];
    int n = pane->first_offset < 0
                ? 0
                : snprintf(text, sizeof text,
                           "%" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64, pane->start_ms,
                           pane->first_offset, pane->last_offset, pane->events);
    lw_cmd_arg(c, text, (size_t)n);
}

static void put_field(void *arg, const char *field, const void *data, size_t len) {
    lw_cmd_str(arg, field);
    lw_cmd_arg(arg, data, len);
}

static void put_pane(struct lw_cmd *c, struct lw_pane *pane, struct lw_buf *scratch) {
    lw_cmd_int(c, pane->start_ms);
    put_lineage(c, pane);
    size_t slot = lw_cmd_slot(c);
    lw_pane_write(pane, scratch, put_field, c);
    lw_cmd_fill(c, slot);
}

static void put_time(struct lw_cmd *c, const char *field, int64_t ms) {
    lw_cmd_str(c, field);
    if (ms == INT64_MIN) /* unknown: empty, because no number means it */
        lw_cmd_str(c, "");
    else
        lw_cmd_int(c, ms);
}

/* Starts of the panes in memory, or of the open ones only. */
static void put_starts(struct lw_cmd *c, const struct lw_partition *p, bool open_only,
                       struct lw_buf *text) {
    lw_buf_clear(text);
    for (size_t i = 0; i < lw_partition_panes(p); i++)
        if (!open_only || lw_partition_is_open(p, i))
            lw_buf_printf(text, "%s%" PRId64, text->len ? " " : "",
                          lw_partition_pane(p, i)->start_ms);
    lw_cmd_arg(c, text->data, text->len);
}

/* "<offset> <id>": shows whether the topic is still the same. */
static void put_last(struct lw_cmd *c, const struct lw_flush *flush) {
    char text[48];
    int n = snprintf(text, sizeof text, "%" PRId64 " %016" PRIx64, flush->last_offset,
                     flush->last_id);
    lw_cmd_str(c, "last");
    lw_cmd_arg(c, text, flush->last_offset < 0 ? 0 : (size_t)n);
}

static void put_part(struct lw_cmd *c, const struct lw_flush *flush,
                     const struct lw_partition *p, struct lw_buf *scratch) {
    lw_cmd_str(c, "next_offset");
    lw_cmd_int(c, flush->next_offset);
    lw_cmd_str(c, "end_offset");
    if (flush->end_offset < 0)
        lw_cmd_str(c, "");
    else
        lw_cmd_int(c, flush->end_offset);
    put_last(c, flush);
    put_time(c, "watermark", lw_partition_watermark(p));
    put_time(c, "newest", lw_partition_newest(p));
    put_time(c, "oldest_pane", lw_partition_oldest(p));
    lw_cmd_str(c, "idle");
    lw_cmd_int(c, flush->idle);
    put_time(c, "updated", flush->now_ms);
    const uint64_t *counter = lw_partition_counters(p);
    for (int i = 0; i < LW_COUNTERS; i++) {
        lw_cmd_str(c, lw_counter_name((enum lw_counter)i));
        lw_cmd_uint(c, counter[i]);
    }
    lw_cmd_str(c, "open");
    put_starts(c, p, true, scratch);
    lw_cmd_str(c, "progress");
    lw_buf_clear(scratch);
    lw__state_put_progress(scratch, p, flush->next_offset);
    lw_cmd_arg(c, scratch->data, scratch->len);
}

static void put_keys(struct lw_cmd *c, const struct lw_spec *spec,
                     const struct lw_flush *flush, const struct lw_partition *p) {
    size_t dirty = 0;
    for (size_t i = 0; i < lw_partition_panes(p); i++)
        dirty += lw_partition_pane(p, i)->dirty;
    lw_cmd_uint(c, 5 + dirty);
    lw_key_arg(c, spec, "part:%s:%d", flush->topic, flush->partition);
    lw_key_arg(c, spec, "models");
    lw_key_arg(c, spec, "monitor");
    lw_key_arg(c, spec, "offsets:%d", flush->partition);
    lw_key_arg(c, spec, "panes");
    for (size_t i = 0; i < lw_partition_panes(p); i++)
        if (lw_partition_pane(p, i)->dirty)
            lw_key_arg(c, spec, "pane:%" PRId64 ":%d", lw_partition_pane(p, i)->start_ms,
                       flush->partition);
}

/* "<from> <until>", starts of panes; "": none. */
static void put_struck(struct lw_cmd *c, const struct lw_partition *p) {
    char text[48];
    int64_t from, until;
    int n = 0;
    if (lw_partition_struck(p, &from, &until))
        n = snprintf(text, sizeof text, "%" PRId64 " %" PRId64, from, until);
    lw_cmd_arg(c, text, (size_t)n);
}

/* The leader's sealed_until, if it was ahead of this partition and accepted; "": not. */
static void put_believed(struct lw_cmd *c, const struct lw_partition *p) {
    int64_t limit = lw_partition_heeds(p);
    if (limit == INT64_MIN)
        lw_cmd_str(c, "");
    else
        lw_cmd_int(c, limit);
}

static void flush_build(struct lw_redis *r, struct lw_cmd *c, const struct lw_spec *spec,
                        const struct lw_flush *flush, struct lw_partition *p) {
    struct lw_buf *scratch = lw_cmd_bytes(r);
    char prefix[LW_KEY_MAX];
    put_keys(c, spec, flush, p);
    lw_cmd_uint(c, flush->epoch);
    lw_cmd_int(c, flush->base_offset);
    lw_cmd_int(c, flush->next_offset);
    lw_cmd_int(c, lw__state_pane_expiry_ms(spec));
    put_starts(c, p, false, scratch);
    lw_cmd_str(c, lw_key(prefix, spec, "pane:"));
    lw_cmd_int(c, flush->partition);
    put_struck(c, p);
    lw_cmd_int(c, spec->pane_ms);
    put_believed(c, p);
    lw_cmd_str(c, flush->unsure ? "1" : "");
    size_t slot = lw_cmd_slot(c);
    put_part(c, flush, p, scratch);
    lw_cmd_fill(c, slot);
    for (size_t i = 0; i < lw_partition_panes(p); i++)
        if (lw_partition_pane(p, i)->dirty)
            put_pane(c, lw_partition_pane(p, i), scratch);
}

int lw_state_flush(struct lw_redis *r, const struct lw_spec *spec,
                   const struct lw_flush *flush, struct lw_partition *p,
                   struct lw_active_versions *active, struct lw_err *err) {
    if (flush->next_offset < flush->base_offset) /* both come from Kafka or Redis */
        return lw_fail(err, LW_EFENCED,
                       "flush of %s/%d: offset %" PRId64 " is before %" PRId64
                       ", the offset in Redis",
                       flush->topic, flush->partition, flush->next_offset,
                       flush->base_offset);
    struct lw_cmd *c = lw_cmd_scratch(r);
    flush_build(r, c, spec, flush, p);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_flush, c, err);
    if (!reply)
        return lw_err_context(err, "flush of %s/%d", flush->topic, flush->partition);
    int rc = 0;
    int64_t answer = lw_reply_int(lw_reply_at(reply, 0));
    if (answer == 1) {
        lw__state_read_active(&(struct lw_adopted){lw_reply_at(reply, 1),
                                                   lw_reply_at(reply, 2),
                                                   lw_reply_at(reply, 4)},
                              active);
        for (size_t i = 0; i < lw_partition_panes(p); i++)
            lw_partition_pane(p, i)->dirty = false;
        lw_partition_forget(p);
        lw__state_read_sealed(p, lw_reply_at(reply, 3));
    } else if (answer == 2) {
        char when[32];
        lw_format_time(when, sizeof when, lw_reply_int(lw_reply_at(reply, 1)));
        rc = lw_fail(err, LW_EFENCED,
                     "flush of %s/%d: panes until %s were sealed while it was silent; "
                     "its events are read again and count as late",
                     flush->topic, flush->partition, when);
    } else {
        const char *found = lw_reply_text(lw_reply_at(reply, 1), NULL);
        rc = lw_fail(err, LW_EFENCED,
                     "flush of %s/%d: expected epoch %" PRIu64 " and offset %" PRId64
                     ", but Redis has %s",
                     flush->topic, flush->partition, flush->epoch, flush->base_offset,
                     found ? found : "something else");
    }
    lw_reply_free(reply);
    return rc;
}
