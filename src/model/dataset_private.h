/* Internals of a dataset: one column per atom, for the inner loops of a fit. */
#ifndef LW_MODEL_DATASET_PRIVATE_H
#define LW_MODEL_DATASET_PRIVATE_H

#include "base/table.h"
#include "model/dataset.h"
#include "model/plan_private.h"

#define LW_CODE_NONE       UINT32_MAX /* a category that no model can learn */
#define LW_LEVELS_ATOM_MAX 1048576    /* distinct categories kept per atom */
#define LW_LEVEL_TEXT_MAX  256        /* longer texts are never levels */

/* One category: its key, and its text where it has one. `missing` is a level too. */
struct lw_dict_level {
    uint64_t key;
    char *text; /* owned; NULL for integers and for missing */
    uint32_t len;
    bool missing;
};

struct lw_dict {
    uint32_t n;
    struct lw_dict_level *level;
    struct lw_table table; /* key to code, of the levels that are not missing */
    uint32_t missing;      /* code of the missing level, or LW_CODE_NONE */
    int texts;             /* 1: levels are texts, 0: integers, -1: not known yet */
};

void lw_dict_init(struct lw_dict *dict);
void lw_dict_fini(struct lw_dict *dict);
/* Code of a cell, added if it is new. LW_CODE_NONE for a text that cannot be a level:
 * too long, not UTF-8, or with a control character (which separates levels). */
uint32_t lw_dict_add(struct lw_dict *dict, const struct lw_cell *cell);
/* Orders codes by key (as signed integers), missing last. */
void lw_dict_sort(struct lw_dict *dict);
uint32_t lw_dict_find(const struct lw_dict *dict, const struct lw_cell *cell);
struct lw_cell lw_dict_cell(const struct lw_dict *dict, uint32_t code);

/* Columns of an atom; both NULL for a learned one, which reads its root's. */
const double *lw_dataset_numbers(const struct lw_dataset *ds, size_t atom);
const uint32_t *lw_dataset_codes(const struct lw_dataset *ds, size_t atom);
const struct lw_dict *lw_dataset_dict(const struct lw_dataset *ds, size_t atom);
const int64_t *lw_dataset_times(const struct lw_dataset *ds);
const double *lw_dataset_targets(const struct lw_dataset *ds);

#endif
