/* The trials of a training as JSON: a version's facts, `train --json` and the log of a
 * backtest have the same list. */
#ifndef LW_ENGINE_TRAINING_JSON_H
#define LW_ENGINE_TRAINING_JSON_H

#include <jansson.h>

#include "core/train.h"

/* Array of objects, in the order of trying: name, kind, features, the parameters that
 * are in use (alpha, l1_ratio, window, half_life, correction, trees), round, rows,
 * seconds, the error (null when the fit failed) under error_key, chosen, note. New
 * reference. */
json_t *lw_training_json_trials(const struct lw_training *t, const char *error_key);
/* The spans that the quarantine excluded: array of {id, feature, from, until (null:
 * open), why, rows}. New reference. */
json_t *lw_training_json_left_out(const struct lw_training *t);

#endif
