/* What a rule with `except` reads: a window without the days of a calendar.
 *
 * The error on a holiday says how little the model knows of holidays, and nothing about
 * drift. Figures are of the whole window; only the rule's own reading leaves them out. */
#include "core/monitor_private.h"
#include "core/reference.h"

/* Index of the window's first pane. */
static size_t first_pane(const struct lw_windows *w, int64_t from_ms) {
    size_t i = lw_windows_panes(w);
    while (i > 0 && lw_windows_pane(w, i - 1)->start_ms >= from_ms)
        i--;
    return i;
}

static void counts_add(struct lw_counts *c, const struct lw_scores *s) {
    lw_losses_merge(&c->champion, lw_scores_served(s));
    lw_losses_merge(&c->plain, &s->losses);
    lw_losses_merge(&c->tracked, lw_scores_tracked(s));
}

const struct lw_view *lw__monitor_view_of(const struct lw_monitor *m,
                                          const struct lw_rule *rule,
                                          struct lw_view *own) {
    const struct lw_spec *spec = m->spec;
    const struct lw_windows *w = m->windows;
    const struct lw_view *view = &m->view[rule->window];
    if (!rule->except)
        return view;
    const struct lw_calendar *calendar = &spec->calendars.of[rule->except - 1];
    int64_t end = lw_windows_end(w), length = spec->window[rule->window].length_ms;
    double expected = 0, n = 0;
    *own = *view;
    own->counts.champion = own->counts.plain = own->counts.tracked =
        (struct lw_losses){0};
    for (size_t i = first_pane(w, end - length); i < lw_windows_panes(w); i++) {
        const struct lw_pane *pane = lw_windows_pane(w, i);
        const struct lw_scores *s = lw_pane_scores(pane, m->policy.champion);
        int64_t day = lw_zone_day(spec->zone, pane->start_ms);
        if (!s || lw_calendar_day(calendar, day) == LW_DAY_HOLIDAY)
            continue;
        counts_add(&own->counts, s);
        if (m->reference)
            expected +=
                (double)s->losses.n *
                m->reference->hour_loss[lw_hour_of_week(spec->zone, pane->start_ms)];
        n += (double)s->losses.n;
    }
    own->expected_error = m->reference && n > 0 ? spec->task->error_of(expected / n) : 0;
    return own;
}
