/* Replaces trees.c in a build without XGBoost. */
#include "model/trees.h"

bool lw_trees_available(void) {
    return false;
}

int lw_trees_fit(struct lw_model *m, struct lw_chunk *feed, const struct lw_rows *rows,
                 const double *linear, const struct lw_tree_params *params,
                 struct lw_err *err) {
    (void)linear;
    (void)m;
    (void)feed;
    (void)rows;
    (void)params;
    return lw_fail(err, LW_ECONFIG,
                   "this build cannot fit trees: it was made without libxgboost-dev");
}
