/* Boosted trees as flat arrays, and the walk that scores them. */
#ifndef LW_FOREST_H
#define LW_FOREST_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

struct lw_forest;
struct lw_model;
struct lw_buf;
struct lw_reader;

void lw_forest_free(struct lw_forest *forest);
size_t lw_forest_nodes(const struct lw_forest *forest);

/* The sum of leaves and base for a row of the model's bound fields. */
struct lw_values;
double lw_forest_score(const struct lw_forest *forest, const struct lw_values *v);

/* The record "Forest" of schemas/model.avsc. */
void lw_forest_write(const struct lw_forest *forest, const struct lw_model *m,
                     struct lw_buf *out);
/* Its features must be atoms of the model's plan. NULL and LW_EINPUT. */
struct lw_forest *lw_forest_read(const struct lw_model *m, struct lw_reader *in,
                                 struct lw_err *err);

#endif
