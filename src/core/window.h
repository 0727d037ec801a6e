/* The sealed panes of the longest window, and every window merged from them.
 *
 * A window is merged from whole panes, so it depends only on its panes and not on
 * anything that happened before: a new leader that loads the same panes computes the
 * same figures. Parts that several evaluations share are merged once and kept, so a
 * week of panes of 15 minutes costs some 10 merges, not 672. */
#ifndef LW_CORE_WINDOW_H
#define LW_CORE_WINDOW_H

#include "core/pane.h"
#include "core/quarantine.h"

struct lw_windows;

struct lw_windows *lw_windows_new(const struct lw_spec *spec);
void lw_windows_free(struct lw_windows *w);
/* Adds the next pane (taken); starts must increase. Drops panes older than the longest
 * window. */
void lw_windows_push(struct lw_windows *w, struct lw_pane *pane);
/* The clock that sealed these panes has been taken back: drops those that start at
 * until_ms or later. */
void lw_windows_return(struct lw_windows *w, int64_t until_ms);
/* No pane in the windows has an event. */
bool lw_windows_empty(const struct lw_windows *w);
/* End of the newest pane; INT64_MIN when there is none. */
int64_t lw_windows_end(const struct lw_windows *w);
/* Start of the oldest pane ever pushed, INT64_MAX if there was none; _reach sets what
 * it was in a predecessor whose panes are pushed again (only the newest of them, with
 * empty ones where there were none). */
int64_t lw_windows_oldest(const struct lw_windows *w);
void lw_windows_reach(struct lw_windows *w, int64_t oldest_ms);
/* Merges window i (borrowed until the next call for the same window). */
struct lw_pane *lw_windows_merge(struct lw_windows *w, size_t i);
/* The panes from that moment on merged, without those that a quarantine touches, also by
 * part of the week; the caller frees. */
struct lw_pane *lw_windows_since(const struct lw_windows *w, int64_t from_ms,
                                 const struct lw_quarantine *q);
/* The panes, oldest first (borrowed). */
size_t lw_windows_panes(const struct lw_windows *w);
const struct lw_pane *lw_windows_pane(const struct lw_windows *w, size_t i);
/* The index of the first pane of window i. */
size_t lw_windows_first(const struct lw_windows *w, size_t i);
const struct lw_spec *lw_windows_spec(const struct lw_windows *w);
/* The counts of window i, without its sketches, from its panes without a merge. */
struct lw_counts {
    uint64_t events, good;
    bool filled; /* the panes cover the whole window */
    /* The champion's answers, its plain and its tracked predictions, and the plain ones
     * of the first version. */
    struct lw_losses champion, plain, tracked, first;
};
void lw_windows_counts(const struct lw_windows *w, size_t i, uint32_t champion,
                       uint32_t first, struct lw_counts *out);
/* The expected mean loss of a version over the window: the mean of hour_loss, weighted
 * by the version's events in each pane's hour; 0 without events. */
double lw_windows_expected_loss(const struct lw_windows *w, size_t i, uint32_t version,
                                const double *hour_loss);

#endif
