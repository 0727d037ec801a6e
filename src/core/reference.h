/* What a model version is compared with: the profile of the rows that it was proved on,
 * its error on them, and the expected loss by hour of the week. Stored with the version
 * and renewed at each promotion. */
#ifndef LW_CORE_REFERENCE_H
#define LW_CORE_REFERENCE_H

#include "core/losses.h"
#include "core/pane.h"
#include "core/segments.h"
#include "core/spec.h"
#include "core/week.h"
#include "leeway/drift.h"

#define LW_HOURS_OF_WEEK 168

struct lw_reference {
    const struct lw_task *task;
    uint32_t version;
    int64_t from_ms, until_ms;  /* rows of the profile */
    struct lw_profile *profile; /* features, target */
    struct lw_profile *scores;  /* prediction, error on the held-out rows */
    /* The same by part of the week, for windows that are shorter than one; NULL: there are
     * none. The scores are those of the reference's rows, by models that had not seen
     * them. */
    struct lw_week *week, *score_week;
    struct lw_losses losses;   /* of the version on the held-out rows */
    uint64_t events, rejected; /* rows read, and how many of them were rejected */
    /* Expected mean loss by hour of the week (UTC, or local if the events are), shrunk
     * towards the overall mean; all positive. */
    double hour_loss[LW_HOURS_OF_WEEK];
    struct lw_bins bins[LW_FEATURES_MAX + 1];
    size_t nfeatures;
    /* By feature: losses on the held-out rows by value of a category. Empty where the
     * models do not use the feature, and for numeric features. */
    struct lw_segments *segments;
};

struct lw_reference *lw_reference_new(const struct lw_spec *spec);
void lw_reference_free(struct lw_reference *ref);
/* The profile and counts of the stream's newest panes, merged, and their bins. NULL:
 * empty. */
void lw_reference_take(struct lw_reference *ref, const struct lw_spec *spec,
                       const struct lw_pane *recent);
/* Checks that the reference can be read back, as the monitor will read it. */
int lw_reference_check(const struct lw_spec *spec, struct lw_reference *ref,
                       struct lw_err *err);
void lw_reference_write(struct lw_reference *ref, struct lw_buf *out);
/* NULL and LW_EINPUT when damaged, or made for other features than the spec's. */
struct lw_reference *lw_reference_read(const struct lw_spec *spec, const void *data,
                                       size_t len, struct lw_err *err);

/* What a pane or window is compared with: the reference, or, if it is shorter than a week,
 * the reference's parts of the week in its own proportions. */
struct lw_match {
    struct lw_week_mixture features, scores; /* without a profile: the whole reference */
};
void lw_match_make(const struct lw_reference *ref, const struct lw_pane *pane,
                   struct lw_match *out);
/* The same for one column of the features and the target. */
void lw_match_column(const struct lw_reference *ref, const struct lw_pane *pane,
                     size_t column, struct lw_match *out);
void lw_match_fini(struct lw_match *m);
/* The days that the parts of the week lack: "Saturday and Sunday" or "Monday to Friday",
 * where windows are not judged; NULL: none. */
const char *lw_reference_lacks(const struct lw_reference *ref);
/* The two as lw_drift_compare_to reads them; `ref` is the one that made the match. */
struct lw_drift_reference lw_match_features(const struct lw_match *m,
                                            const struct lw_reference *ref);
struct lw_drift_reference lw_match_scores(const struct lw_match *m,
                                          const struct lw_reference *ref);

/* Monday 00:00 in that zone (NULL: UTC) is 0. */
int lw_hour_of_week(const struct lw_zone *zone, int64_t ms);

#endif
