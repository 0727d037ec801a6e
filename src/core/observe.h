/* A training of a stream whose predictions have no errors here: because the truth never
 * comes, or because nobody predicts. Nothing is fitted or judged: the result is the
 * reference that the stream is compared with from now on. */
#ifndef LW_CORE_OBSERVE_H
#define LW_CORE_OBSERVE_H

#include "core/train.h"

/* Has the stream no errors at all? */
bool lw_observe_is_all(const struct lw_spec *spec);
/* As lw_train, which calls it: rows without those in quarantine, its other arguments the
 * same. first: there is no reference yet. */
int lw_observe(const struct lw_spec *spec, const struct lw_dataset *ds, bool first,
               const struct lw_pane *recent, struct lw_training *out, struct lw_err *err);
/* The verdict on a version that is a new reference only. */
void lw_observe_verdict(const struct lw_spec *spec, bool first, struct lw_gate *gate);

#endif
