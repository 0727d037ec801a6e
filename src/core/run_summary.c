/* See run_summary.h. */
#include "core/run_summary.h"

#include <math.h>
#include <string.h>

#include "base/time.h"

static struct lw_month *month_of(struct lw_run_summary *l, const struct lw_zone *zone,
                                 int64_t ms) {
    struct lw_civil c = lw_zone_civil(zone, ms);
    for (size_t i = l->nmonths; i-- > 0;)
        if (l->month[i].year == c.year && l->month[i].month == c.month)
            return &l->month[i];
    if (l->nmonths == LW_MONTHS_MAX)
        memmove(l->month, l->month + 1, --l->nmonths * sizeof *l->month);
    struct lw_month *m = &l->month[l->nmonths++];
    *m = (struct lw_month){.year = c.year, .month = c.month};
    return m;
}

void lw_run_summary_pane(struct lw_run_summary *l, const struct lw_pane *pane,
                         uint32_t first) {
    if (pane->events == 0)
        return;
    struct lw_month *m = month_of(l, pane->spec->zone, pane->start_ms);
    m->events += pane->events;
    lw_losses_merge(&m->answered, &pane->answered);
    lw_losses_merge(&m->untracked, &pane->untracked);
    const struct lw_scores *s = first ? lw_pane_scores(pane, first) : NULL;
    if (!s)
        return;
    lw_losses_merge(&m->first, &s->losses);
    lw_losses_merge(&m->first_tracked, lw_scores_tracked(s));
}

double lw_run_summary_frozen_error(const struct lw_month *m) {
    bool all_along = m->first.n >= m->answered.n - m->answered.n / 10;
    return m->first.n && all_along ? lw_losses_error(&m->first) : NAN;
}

void lw_run_summary_totals(const struct lw_run_summary *l, struct lw_month *out) {
    *out = (struct lw_month){0};
    for (size_t i = 0; i < l->nmonths; i++) {
        out->events += l->month[i].events;
        lw_losses_merge(&out->answered, &l->month[i].answered);
        lw_losses_merge(&out->untracked, &l->month[i].untracked);
        lw_losses_merge(&out->first, &l->month[i].first);
        lw_losses_merge(&out->first_tracked, &l->month[i].first_tracked);
    }
}

void lw_run_summary_write(const struct lw_run_summary *l, const struct lw_task *task,
                          struct lw_buf *out) {
    lw_buf_u64(out, l->warnings);
    lw_buf_u64(out, l->criticals);
    lw_buf_u64(out, l->retrains);
    lw_buf_u64(out, l->promotions);
    lw_buf_u64(out, l->rejections);
    lw_buf_u64(out, l->failures);
    lw_buf_u64(out, l->rollbacks);
    lw_buf_u8(out, (uint8_t)l->nmonths);
    for (size_t i = 0; i < l->nmonths; i++) {
        const struct lw_month *m = &l->month[i];
        lw_buf_u32(out, (uint32_t)m->year);
        lw_buf_u32(out, (uint32_t)m->month);
        lw_buf_u64(out, m->events);
        lw_losses_write(&m->answered, task, out);
        lw_losses_write(&m->untracked, task, out);
        lw_losses_write(&m->first, task, out);
        lw_losses_write(&m->first_tracked, task, out);
    }
}

static void read_losses(struct lw_losses *s, const struct lw_task *task,
                        struct lw_reader *r) {
    r->bad |= lw_losses_read(s, task, r, NULL) != 0;
}

void lw_run_summary_read(struct lw_run_summary *l, const struct lw_task *task,
                         struct lw_reader *r) {
    l->warnings = lw_reader_u64(r);
    l->criticals = lw_reader_u64(r);
    l->retrains = lw_reader_u64(r);
    l->promotions = lw_reader_u64(r);
    l->rejections = lw_reader_u64(r);
    l->failures = lw_reader_u64(r);
    l->rollbacks = lw_reader_u64(r);
    l->nmonths = lw_reader_u8(r);
    if (l->nmonths > LW_MONTHS_MAX) {
        r->bad = true;
        l->nmonths = 0;
    }
    for (size_t i = 0; i < l->nmonths; i++) {
        struct lw_month *m = &l->month[i];
        m->year = (int32_t)lw_reader_u32(r);
        m->month = (int32_t)lw_reader_u32(r);
        m->events = lw_reader_u64(r);
        read_losses(&m->answered, task, r);
        read_losses(&m->untracked, task, r);
        read_losses(&m->first, task, r);
        read_losses(&m->first_tracked, task, r);
    }
}
