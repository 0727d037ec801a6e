/* Dictionaries of category levels: from a cell to a dense code, and back. */
#ifndef LW_MODEL_DICT_H
#define LW_MODEL_DICT_H

#include "base/table.h"
#include "leeway/row.h"

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

#endif
