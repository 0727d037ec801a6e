/* The rows that a training would find: those older than the hold-out and within the
 * window. Counted pane by pane, so that no training is requested before it can succeed.
 *
 * Kept in cells of event time. A cell is a 64th of the hold-out, or of the rest of the
 * window: the count is too low by less than one cell. */
#ifndef LW_CORE_SUPPLY_H
#define LW_CORE_SUPPLY_H

#include "base/buf.h"
#include "core/spec.h"

#define LW_SUPPLY_PARTS 64
#define LW_SUPPLY_CELLS (2 * LW_SUPPLY_PARTS + 4)

struct lw_supply_cell {
    int64_t start_ms, end_ms; /* of the first and the last pane in it */
    uint64_t n;
};

struct lw_supply {
    int64_t since_ms; /* of the first pane with rows; INT64_MAX: none yet */
    size_t ncells;
    struct lw_supply_cell cell[LW_SUPPLY_CELLS]; /* in order of time */
};

void lw_supply_init(struct lw_supply *s);
/* A pane's usable rows; panes come in order of time. */
void lw_supply_add(struct lw_supply *s, const struct lw_retrain_spec *r, int64_t start_ms,
                   int64_t end_ms, uint64_t n);
/* Event time had run ahead and is at_ms now: forgets later rows. */
void lw_supply_return(struct lw_supply *s, int64_t at_ms);
/* Rows that a training as of `at_ms` could fit. */
uint64_t lw_supply_rows(const struct lw_supply *s, const struct lw_retrain_spec *r,
                        int64_t at_ms);
/* The window is full, so that waiting brings no more rows. */
bool lw_supply_full(const struct lw_supply *s, const struct lw_retrain_spec *r,
                    int64_t at_ms);

void lw_supply_write(const struct lw_supply *s, struct lw_buf *out);
void lw_supply_read(struct lw_supply *s, struct lw_reader *r);

#endif
