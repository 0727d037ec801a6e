#include "model/forest.h"

#include <stdlib.h>

#include "model/scorer.h"

void lw_forest_free(struct lw_forest *forest) {
    free(forest);
}

size_t lw_forest_nodes(const struct lw_forest *forest) {
    (void)forest;
    return 0;
}
void lw_forest_write(const struct lw_forest *forest, const struct lw_model *m,
                     struct lw_buf *out) {
    (void)forest;
    (void)m;
    (void)out;
}
struct lw_forest *lw_forest_read(const struct lw_model *m, struct lw_reader *in,
                                 struct lw_err *err) {
    (void)m;
    (void)in;
    lw_fail(err, LW_EINPUT, "trees are not supported");
    return NULL;
}
double lw_forest_score(const struct lw_forest *forest, const struct lw_values *v) {
    (void)forest;
    (void)v;
    return 0;
}
