/* A partition's progress as bytes. */
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "core/partition.h"
#include "core/partition_private.h"

#define PROGRESS_VERSION 2
#define OPEN_PANES_MAX   100000

void lw_partition_write(const struct lw_partition *p, struct lw_buf *out) {
    lw_buf_u8(out, PROGRESS_VERSION);
    lw_clock_write(&p->clock, out);
    lw_buf_i64(out, p->oldest_ms);
    lw_buf_u8(out, LW_COUNTERS);
    for (int i = 0; i < LW_COUNTERS; i++)
        lw_buf_u64(out, p->counter[i]);
    uint32_t open = 0;
    for (size_t i = 0; i < p->npanes; i++)
        open += lw_partition_is_open(p, i);
    lw_buf_u32(out, open);
    for (size_t i = 0; i < p->npanes; i++)
        if (lw_partition_is_open(p, i))
            lw_buf_i64(out, p->pane[i]->start_ms);
}

/* A time that a partition can have written: bounded, or "not known" where that is
 * allowed. */
static int64_t read_time(struct lw_reader *r, bool may_be_unknown) {
    int64_t t = lw_reader_i64(r);
    if (t >= -LW_TIME_LIMIT - LW_DAY && t <= LW_TIME_LIMIT + LW_DAY)
        return t;
    r->bad |= !(may_be_unknown && t == INT64_MIN);
    return INT64_MIN;
}

int lw_partition_read(struct lw_partition *p, const void *data, size_t len,
                      struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    uint8_t version = lw_reader_u8(&r);
    if (version != PROGRESS_VERSION)
        return lw_fail(err, LW_EINPUT,
                       "partition %d: progress of version %u, this program reads %d",
                       p->number, version, PROGRESS_VERSION);
    lw_clock_read(&p->clock, &r);
    p->oldest_ms = read_time(&r, true);
    uint8_t counters = lw_reader_u8(&r);
    for (uint8_t i = 0; i < counters; i++) {
        uint64_t n = lw_reader_u64(&r);
        if (i < LW_COUNTERS)
            p->counter[i] = n;
    }
    uint32_t open = lw_reader_u32(&r);
    if (r.bad || open > OPEN_PANES_MAX || lw_reader_left(&r) != 8 * (size_t)open)
        return lw_fail(err, LW_EINPUT, "partition %d: progress is damaged (%zu bytes)",
                       p->number, len);
    for (uint32_t i = 0; i < open && !r.bad; i++) {
        int64_t start = read_time(&r, false);
        r.bad |= start % p->spec->pane_ms != 0;
        if (!r.bad)
            lw_partition_open(p, start);
    }
    p->flushed_newest_ms = lw_clock_newest(&p->clock);
    if (p->npanes)
        p->shut_ms = p->pane[0]->start_ms + p->spec->pane_ms;
    return r.bad
               ? lw_fail(err, LW_EINPUT,
                         "partition %d: progress has an impossible pane start", p->number)
               : 0;
}

void lw_partition_reopen(struct lw_partition *p, int64_t start_ms) {
    lw_partition_open(p, start_ms);
    p->shut_ms = lw_earlier(p->shut_ms, start_ms + p->spec->pane_ms);
    if (p->oldest_ms == INT64_MIN || start_ms < p->oldest_ms)
        p->oldest_ms = start_ms;
}

void lw_partition_resume(struct lw_partition *p, int64_t mark_ms, int64_t newest_ms,
                         const uint64_t counter[LW_COUNTERS]) {
    for (size_t i = 0; i < p->npanes; i++)
        lw_pane_free(p->pane[i]);
    p->npanes = 0;
    p->oldest_ms = p->flushed_newest_ms = INT64_MIN;
    p->shut_ms = INT64_MAX;
    memset(p->counter, 0, sizeof p->counter);
    if (counter)
        memcpy(p->counter, counter, sizeof p->counter);
    if (mark_ms == INT64_MIN || newest_ms == INT64_MIN)
        lw_clock_init(&p->clock, p->spec);
    else
        lw_clock_resume(&p->clock, p->spec, mark_ms, lw_later(newest_ms, mark_ms));
    p->flushed_newest_ms = lw_clock_newest(&p->clock);
}
