/* Internals of a dataset: one column per atom, for the inner loops of a fit. */
#ifndef LW_MODEL_DATASET_PRIVATE_H
#define LW_MODEL_DATASET_PRIVATE_H

#include "model/dataset.h"
#include "model/dict.h"
#include "model/plan_private.h"

/* Columns of an atom; both NULL for a learned one, which reads its root's. */
const double *lw_dataset_numbers(const struct lw_dataset *ds, size_t atom);
const uint32_t *lw_dataset_codes(const struct lw_dataset *ds, size_t atom);
const struct lw_dict *lw_dataset_dict(const struct lw_dataset *ds, size_t atom);
const int64_t *lw_dataset_times(const struct lw_dataset *ds);
const double *lw_dataset_targets(const struct lw_dataset *ds);

#endif
