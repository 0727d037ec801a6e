/* Reading partition state as the monitor and the retrainer need it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/text.h"
#include "store/keys.h"
#include "store/state_private.h"
#include "store/unreadable.h"

static const char *const view_fields[] = {
    "next_offset", "idle",  "watermark", "newest",   "oldest_pane",
    "updated",     "epoch", "owner",     "champion", "end_offset"};
#define LW_VIEW_TIME_MAX (LW_DAY * 365 * 400) /* either side of 1970 */
#define NEXT_MAX         100 /* members that are searched for one that is a pane */
#define VIEW_FIELDS      (sizeof view_fields / sizeof *view_fields)

/* A number that may be absent, empty or damaged; INT64_MIN: unknown. */
static int64_t number_of(const struct lw_reply *reply) {
    const char *text = lw_reply_text(reply, NULL);
    int64_t v;
    return text && lw_parse_i64(text, &v) ? v : INT64_MIN;
}

/* An event time. Implausible values are rejected, because the leader seals by them. */
static int64_t time_of(const struct lw_reply *reply) {
    int64_t t = number_of(reply);
    return t >= -LW_VIEW_TIME_MAX && t <= LW_VIEW_TIME_MAX ? t : INT64_MIN;
}

static uint64_t count_of(const struct lw_reply *reply) {
    int64_t n = number_of(reply);
    return n > 0 ? (uint64_t)n : 0;
}

static void read_view(const struct lw_reply *v, struct lw_partition_view *out) {
    const char *owner = lw_reply_text(lw_reply_at(v, 7), NULL);
    out->next_offset = number_of(lw_reply_at(v, 0));
    out->known = out->next_offset >= -1;
    out->next_offset = out->known ? out->next_offset : -1;
    out->idle = lw_reply_int(lw_reply_at(v, 1)) != 0;
    out->watermark_ms = time_of(lw_reply_at(v, 2));
    out->newest_ms = time_of(lw_reply_at(v, 3));
    out->oldest_pane_ms = time_of(lw_reply_at(v, 4));
    out->updated_ms = lw_reply_int(lw_reply_at(v, 5));
    out->epoch = (uint64_t)lw_reply_int(lw_reply_at(v, 6));
    int64_t champion = lw_reply_int(lw_reply_at(v, 8));
    out->champion = champion > 0 && champion < UINT32_MAX ? (uint32_t)champion : 0;
    int64_t end = number_of(lw_reply_at(v, 9));
    out->end_offset = end < 0 ? -1 : end;
    lw_copy(out->owner, sizeof out->owner, owner ? owner : "");
    for (size_t i = 0; i < LW_COUNTERS; i++)
        out->counter[i] = count_of(lw_reply_at(v, VIEW_FIELDS + i));
}

int lw_state_view(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                  int32_t npartitions, struct lw_partition_view *out,
                  struct lw_err *err) {
    struct lw_batch b;
    lw_batch_init(&b, (size_t)npartitions);
    for (size_t i = 0; i < b.n; i++) {
        lw_cmd_str(b.cmd[i], "HMGET");
        lw_key_arg(b.cmd[i], spec, "part:%s:%zu", topic, i);
        for (size_t k = 0; k < VIEW_FIELDS; k++)
            lw_cmd_str(b.cmd[i], view_fields[k]);
        for (int k = 0; k < LW_COUNTERS; k++)
            lw_cmd_str(b.cmd[i], lw_counter_name((enum lw_counter)k));
    }
    int rc = lw_batch_send(r, &b, err);
    for (size_t i = 0; i < b.n && rc == 0; i++) {
        out[i] = (struct lw_partition_view){.partition = (int32_t)i};
        read_view(b.reply[i], &out[i]);
    }
    lw_batch_fini(&b);
    return rc ? lw_err_context(err, "state of %s", topic) : 0;
}

/* The random seed of what is merged over partitions: from the stream and the pane, not
 * from a partition. */
static uint64_t merged_seed(const struct lw_spec *spec, int64_t start_ms) {
    uint64_t stream = lw_text_key(spec->stream, strlen(spec->stream));
    return lw_mix64(lw_mix64(stream ^ UINT64_MAX) ^ (uint64_t)start_ms);
}

/* 0: the pane is left out and noted; -1: an error. */
static int leave_out(int64_t start_ms, size_t partition, const struct lw_err *why,
                     struct lw_unreadable_panes *unread, struct lw_err *err) {
    struct lw_unreadable_pane one = {.start_ms = start_ms,
                                     .partition = (int32_t)partition};
    if (!unread || why->code != LW_EINPUT)
        return lw_fail(err, why->code, "%s", why->msg);
    lw_copy(one.why, sizeof one.why, why->msg);
    lw_unreadable_add(unread, &one);
    return 0;
}

static int merge_replies(const struct lw_spec *spec, const struct lw_batch *b,
                         struct lw_pane *merged, struct lw_unreadable_panes *unread,
                         struct lw_err *err) {
    uint64_t seed = merged->profile->seed;
    struct lw_pane *one = lw_pane_new(spec, merged->start_ms, seed);
    int rc = 0;
    for (size_t i = 0; i + 1 < b->n && rc == 0; i++) {
        struct lw_err why = {0};
        if (b->reply[i] && lw_reply_count(b->reply[i]) == 0)
            continue;
        lw_pane_reset(one, merged->start_ms, lw_mix64(seed + i + 1));
        if (lw__state_pane_fill(one, b->reply[i], &why))
            rc = leave_out(merged->start_ms, i, &why, unread, err);
        else
            lw_pane_merge(merged, one);
    }
    lw_pane_free(one);
    return rc;
}

struct lw_pane *lw_state_pane(struct lw_redis *r, const struct lw_spec *spec,
                              int32_t npartitions, int64_t start_ms,
                              struct lw_unreadable_panes *unread, struct lw_err *err) {
    struct lw_batch b;
    size_t n = (size_t)npartitions;
    lw_batch_init(&b, n + 1);
    for (size_t i = 0; i < n; i++) {
        lw_cmd_str(b.cmd[i], "HGETALL");
        lw_key_arg(b.cmd[i], spec, "pane:%" PRId64 ":%zu", start_ms, i);
    }
    lw__unreadable_query(b.cmd[n], spec, npartitions, start_ms);
    struct lw_pane *merged = NULL;
    if (lw_batch_send(r, &b, err) == 0) {
        merged = lw_pane_new(spec, start_ms, merged_seed(spec, start_ms));
        if (merge_replies(spec, &b, merged, unread, err)) {
            lw_pane_free(merged);
            merged = NULL;
        } else if (unread) {
            lw__unreadable_notes(b.reply[n], start_ms, unread);
        }
    }
    lw_batch_fini(&b);
    return merged;
}

int lw_state_next_pane(struct lw_redis *r, const struct lw_spec *spec, int64_t from_ms,
                       int64_t *start_ms, struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "ZRANGEBYSCORE %s %ld +inf LIMIT 0 %d",
                    lw_key(key, spec, "panes"), (long)from_ms, NEXT_MAX);
    if (!reply)
        return -1;
    *start_ms = INT64_MAX;
    for (size_t i = 0; i < lw_reply_count(reply) && *start_ms == INT64_MAX; i++) {
        const char *name = lw_reply_text(lw_reply_at(reply, i), NULL);
        int64_t start = lw__state_pane_start(spec, name, NULL);
        if (start >= from_ms) /* otherwise the member does not name a pane */
            *start_ms = start;
    }
    lw_reply_free(reply);
    return 0;
}

int64_t lw__state_pane_start(const struct lw_spec *spec, const char *name,
                             int32_t *number) {
    char *end = NULL, *last = NULL;
    int64_t start = name ? strtoll(name, &end, 10) : INT64_MIN;
    if (!name || end == name || *end != ':' || start % spec->pane_ms != 0 ||
        start > LW_VIEW_TIME_MAX || start < -LW_VIEW_TIME_MAX)
        return INT64_MIN;
    long p = strtol(end + 1, &last, 10);
    if (last == end + 1 || *last || p < 0 || p > INT32_MAX)
        return INT64_MIN;
    if (number)
        *number = (int32_t)p;
    return start;
}

int lw__state_offsets_line(const struct lw_reply *line, struct lw_offsets_line *out) {
    const char *text = lw_reply_text(line, NULL);
    int64_t *const number[] = {&out->start_ms, &out->first, &out->last};
    char *end;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        if (!text)
            return 0;
        *number[i] = strtoll(text, &end, 10);
        if (end == text)
            return 0;
        text = end;
    }
    out->events = strtoull(text, &end, 10);
    if (out->first < 0 || out->first > out->last)
        return 0;
    return end == text ? 3 : 4;
}

static void range_widen(struct lw_range *range, const struct lw_reply *lines) {
    for (size_t i = 0; i < lw_reply_count(lines); i++) {
        struct lw_offsets_line of;
        if (lw__state_offsets_line(lw_reply_at(lines, i), &of) != 4)
            continue;
        if (range->first < 0 || of.first < range->first)
            range->first = of.first;
        range->last = of.last > range->last ? of.last : range->last;
        range->events += of.events;
    }
}

int lw_state_ranges(struct lw_redis *r, const struct lw_spec *spec, int32_t npartitions,
                    struct lw_time_range time, struct lw_range *out, struct lw_err *err) {
    struct lw_batch b;
    lw_batch_init(&b, (size_t)npartitions);
    for (size_t i = 0; i < b.n; i++) {
        lw_cmd_str(b.cmd[i], "ZRANGEBYSCORE");
        lw_key_arg(b.cmd[i], spec, "offsets:%zu", i);
        /* Panes that start in (from - pane, until) overlap [from, until). */
        char edge[32];
        snprintf(edge, sizeof edge, "(%" PRId64, time.from_ms - spec->pane_ms);
        lw_cmd_str(b.cmd[i], edge);
        snprintf(edge, sizeof edge, "(%" PRId64, time.until_ms);
        lw_cmd_str(b.cmd[i], edge);
    }
    int rc = lw_batch_send(r, &b, err);
    for (size_t i = 0; i < b.n && rc == 0; i++) {
        out[i] = (struct lw_range){.partition = (int32_t)i, .first = -1, .last = -1};
        range_widen(&out[i], b.reply[i]);
    }
    lw_batch_fini(&b);
    return rc;
}
