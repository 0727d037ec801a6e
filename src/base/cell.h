/* Writing a cell in place. The constructors of leeway/row.h return a cell, which a
 * compiler builds on the stack from narrow stores and copies by wide loads; such a copy
 * waits until the stores have left the store buffer. That was a third of the time of a
 * decode. Texts and flags are written field by field instead. */
#ifndef LW_BASE_CELL_H
#define LW_BASE_CELL_H

#include <math.h>

#include "leeway/row.h"

static inline void lw_cell_put(struct lw_cell *cell, double num, uint64_t key,
                               bool present) {
    cell->num = num;
    cell->key = key;
    cell->text = NULL;
    cell->len = 0;
    cell->present = present;
    cell->form = LW_FORM_TEXT;
}

/* As lw_cell_num(): NaN is missing. */
static inline void lw_cell_put_num(struct lw_cell *cell, double num) {
    lw_cell_put(cell, num, 0, !isnan(num));
}

/* As lw_cell_int(). */
static inline void lw_cell_put_int(struct lw_cell *cell, int64_t v) {
    lw_cell_put(cell, (double)v, (uint64_t)v, true);
}

#endif
