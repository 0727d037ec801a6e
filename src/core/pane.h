/* A pane: a summary of one slice of event time, of one partition or merged over all.
 *
 * Panes are accumulated, stored, merged and sealed as a whole. Sketch seeds derive from
 * (stream, partition, start), so a pane rebuilt after a crash is bit-identical to one
 * that never stopped. */
#ifndef LW_CORE_PANE_H
#define LW_CORE_PANE_H

#include "base/buf.h"
#include "core/losses.h"
#include "core/segments.h"
#include "core/spec.h"
#include "core/tracking.h"

/* Losses of one model version, and the distributions of its predictions and errors, all
 * of the plain predictions but for `tracked` and `served`. */
struct lw_scores {
    uint32_t version;
    struct lw_losses losses;
    /* Fixed when the version first scores in the pane: are predictions tracked, how, and
     * are the tracked ones served? Without `tracks`, all three losses are the same, and
     * only the first is filled. */
    bool tracks, serves_tracked;
    struct lw_tracking tracking;
    struct lw_losses tracked, served;
    struct lw_profile *profile; /* prediction, error */
    double *buffered; /* see lw_pane_buffer: predictions, targets, tracked predictions */
    size_t nbuffered;
};

struct lw_pane {
    const struct lw_spec *spec;
    int64_t start_ms;
    int64_t span_ms; /* event time: of a pane, or of a window of them */
    int64_t first_offset,
        last_offset; /* of the accumulated events; -1 when none or merged */
    uint64_t events; /* good and rejected */
    /* Events of merged panes by part of the week (core/week.h); NULL: none belongs to
     * another part than the pane. */
    uint64_t *elsewhere;
    /* The same rows by part of the week: of lw_windows_since, else NULL. Owned. */
    struct lw_week *week;
    uint64_t reason[LW_REASONS_MAX]; /* by outcome; [LW_GOOD] are the good ones */
    /* of the champion's answers, whichever version it was, and of its plain predictions */
    struct lw_losses answered, untracked;
    struct lw_profile *profile; /* features, target */
    /* Of versions that begin to score in the pane (borrowed); NULL: none is tracked. */
    const struct lw_tracking_set *tracking;
    size_t nscores;
    struct lw_scores scores[LW_VERSIONS_MAX];
    /* Losses by segment, of one version only: the newest that answered. */
    uint32_t segments_version;    /* 0: none yet */
    struct lw_segments *segments; /* by feature; empty for numeric ones */
    struct lw_examples examples;
    bool dirty;       /* changed since it was last written */
    double *buffered; /* see lw_pane_buffer; LW_PANE_BUFFERED for each column */
    size_t nbuffered;
};
#define LW_PANE_BUFFERED 32

/* One version's prediction for an event, and what it answers: the tracked prediction
 * where that is served. */
struct lw_scored {
    uint32_t version;
    double prediction, served;
};

struct lw_pane_event {
    int64_t offset;
    const struct lw_cell *watched; /* see lw_spec_watch */
    int reason;                    /* its outcome; LW_GOOD or why it was rejected */
    double target;
    struct lw_scored *scored; /* the champion comes first; `served` is filled in */
    size_t nscored;
};

struct lw_pane *lw_pane_new(const struct lw_spec *spec, int64_t start_ms, uint64_t seed);
void lw_pane_free(struct lw_pane *pane);
void lw_pane_reset(struct lw_pane *pane, int64_t start_ms,
                   uint64_t seed); /* memory kept */

/* Adds one event; errors are summed for good events only. The numbers of up to
 * LW_PANE_BUFFERED events are buffered and added one column at a time: the sketches of
 * one column fit into the first-level cache, those of all columns do not. Until
 * lw_pane_drain, only lw_pane_buffer and lw_pane_add_loss may be called; the bytes do
 * not depend on when the buffer is drained. Hot path. */
void lw_pane_buffer(struct lw_pane *pane, const struct lw_pane_event *event);
void lw_pane_drain(struct lw_pane *pane);
/* Adds the same event's loss to its segments and to the worst events. version: the one
 * that answered. An event without id is not kept as an example. Hot path. */
void lw_pane_add_loss(struct lw_pane *pane, uint32_t version,
                      const struct lw_cell *watched, const struct lw_cell *id,
                      double loss);
/* Adds the other pane's contents. Versions beyond LW_VERSIONS_MAX are dropped, oldest
 * first. */
void lw_pane_merge(struct lw_pane *pane, const struct lw_pane *other);
/* Events by part of the week; weight has 2 * lw_spec_blocks(spec) entries, at least 2. */
void lw_pane_by_part(const struct lw_pane *pane, double *weight);
const struct lw_scores *lw_pane_scores(const struct lw_pane *pane, uint32_t version);
/* Losses of what the version answered. */
const struct lw_losses *lw_scores_served(const struct lw_scores *s);
const struct lw_losses *lw_scores_tracked(const struct lw_scores *s);

/* The pane as named blobs, one per member ("meta", "f:<feature>", "f:target",
 * "s:<version>", "e:<feature>", "x"): the fields of its Redis hash. Calls emit once for
 * each field. */
typedef void lw_emit(void *arg, const char *field, const void *data, size_t len);
void lw_pane_write(struct lw_pane *pane, struct lw_buf *scratch, lw_emit *emit,
                   void *arg);
/* Reads one field. LW_EINPUT names field and reason; an unknown field is ignored (from
 * a newer writer), a missing one stays empty. */
int lw_pane_read(struct lw_pane *pane, const char *field, const void *data, size_t len,
                 struct lw_err *err);

#endif
