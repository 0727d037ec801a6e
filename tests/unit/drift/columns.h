/* Two profiles, reference and current, filled column by column for the comparison
 * tests. */
#ifndef LW_TESTS_UNIT_DRIFT_COLUMNS_H
#define LW_TESTS_UNIT_DRIFT_COLUMNS_H

#include "base/rng.h"
#include "leeway/drift.h"

#define COLUMNS_MAX 8

struct columns {
    struct lw_column column[COLUMNS_MAX];
    struct lw_profile *ref, *cur;
};

static inline void columns_init(struct columns *c, const char *kinds) {
    size_t n = strlen(kinds);
    for (size_t i = 0; i < n; i++) {
        c->column[i] = (struct lw_column){
            .kind = kinds[i] == 'n' ? LW_NUMERIC : LW_CATEGORY, .lo = -1e6, .hi = 1e6};
        snprintf(c->column[i].name, sizeof c->column[i].name, "column%zu", i);
    }
    c->ref = lw_profile_new(c->column, n, 11);
    c->cur = lw_profile_new(c->column, n, 12);
}

static inline void columns_fini(struct columns *c) {
    lw_profile_free(c->ref);
    lw_profile_free(c->cur);
}

static inline void put_num(struct lw_profile *p, size_t i, double v) {
    lw_profile_add_numeric(p, i, v);
}

static inline void put_cat(struct lw_profile *p, size_t i, int64_t key, uint64_t count) {
    lw_cats_add_int(p->members[i].cats, key, count);
}

#endif
