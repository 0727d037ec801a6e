/* Values of one key each; internal to the layer. `at` is where the row puts it. */
#ifndef LW_CONFIG_VALUE_H
#define LW_CONFIG_VALUE_H

#include "config/keys.h"

/* A scalar node of any scalar type. */
int lw_value_text(struct lw_load *load, const struct lw_key *key,
                  const struct lw_yaml *node, void *at);
/* "2 per 30d" into a struct lw_rate. */
int lw_value_rate(struct lw_load *load, const struct lw_yaml *node, void *at);
/* [lo, hi] into a double and the one that follows it. */
int lw_value_range(struct lw_load *load, const struct lw_yaml *node, void *at);

#endif
