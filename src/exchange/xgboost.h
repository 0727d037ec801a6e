/* Shared by the reader and the writer of XGBoost's files. */
#ifndef LW_EXCHANGE_XGBOOST_H
#define LW_EXCHANGE_XGBOOST_H

#include "exchange/private.h"

/* The attribute of the learner with the model's record, but for the nodes. */
#define LW_XGBOOST_ATTRIBUTE "leeway"

/* Sets the lists of nodes in the record's forest; NULL: empties them. */
void lw__xgboost_put_nodes(const struct lw_forest *forest, json_t *part);

#endif
