/* A reference by parts of the week, for windows that are shorter than one.
 *
 * Hours differ from hours and weekends from other days, so a window of some of them is
 * compared with the same parts of the reference, in the window's own proportions. A part
 * is a block of the local day, on Saturday and Sunday or on another day. Panes belong to
 * the part in which they begin, in the reference as in a window. */
#ifndef LW_CORE_WEEK_H
#define LW_CORE_WEEK_H

#include "base/buf.h"
#include "core/spec.h"

#define LW_BLOCKS_MAX     24
#define LW_WEEK_PARTS_MAX (2 * LW_BLOCKS_MAX)

struct lw_week {
    const struct lw_column *columns; /* borrowed */
    size_t n, blocks;                /* columns; blocks of a day */
    /* The blocks of Monday to Friday, then those of the weekend. NULL: no rows. */
    struct lw_profile *part[LW_WEEK_PARTS_MAX];
};

/* Parts of n columns (borrowed); NULL for 0 blocks. */
struct lw_week *lw_week_new(const struct lw_column *columns, size_t n, size_t blocks);
void lw_week_free(struct lw_week *week);
/* The part of a pane that starts then, below 2 * lw_spec_blocks(spec). Needs at least one
 * block. */
size_t lw_week_part(const struct lw_spec *spec, int64_t start_ms);
void lw_week_merge(struct lw_week *week, size_t part, const struct lw_profile *rows);
void lw_week_add(struct lw_week *week, const struct lw_week *other);
/* Adds a number to a column of a part. */
void lw_week_add_numeric(struct lw_week *week, size_t part, size_t column, double v);

/* What is known of the week's parts for a window. */
struct lw_week_mixture {
    struct lw_profile *profile; /* owned */
    /* Rows that the comparison rests on: as many as the profile counts, but half a row
     * for a part without rows, whose place another part or the whole takes. */
    double rows;
};
/* The whole's rows in other proportions: those of the parts' weights, which are not all
 * 0. whole: of all rows, with at least one. column: the only one that is wanted, or -1. */
struct lw_week_mixture lw_week_mix(const struct lw_week *week,
                                   const struct lw_profile *whole, const double *weight,
                                   int column);

/* Does it have no rows on these days, although there are others? */
bool lw_week_lacks(const struct lw_week *week, bool weekend);
void lw_week_write(const struct lw_week *week, struct lw_buf *out); /* NULL too */
/* The parts as they were written, which may have other blocks than the spec; *out is NULL
 * where there were none. LW_EINPUT when damaged; *out may then be freed, too. */
int lw_week_read(struct lw_week **out, const struct lw_column *columns, size_t n,
                 struct lw_reader *r, struct lw_err *err);

#endif
