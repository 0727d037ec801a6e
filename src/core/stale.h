/* Would a recalibration improve the champion for good, or only on the days of a window?
 *
 * Days differ: where their errors share a level (their weather), even the mean of a week
 * is off, and a recalibration on that week removes it, but a new fit does not remove it
 * from the next one. The jackknife over days takes out what their own spread explains: of a
 * squared level it leaves mean^2 - s^2 / n, which is 0 on average where nothing lasts. */
#ifndef LW_CORE_STALE_H
#define LW_CORE_STALE_H

#include "core/losses.h"
#include "core/window.h"

#define LW_STALE_BLOCKS 28

/* Plain losses of the version over window i, in blocks of whole local days in order of
 * time: of one day unless there would be too many. Returns their number. */
size_t lw_stale_blocks(const struct lw_windows *w, size_t i, uint32_t version,
                       struct lw_losses block[LW_STALE_BLOCKS]);
/* The recalibration gain of all blocks together, less its bias and its standard error by
 * the jackknife; with one block the gain itself. */
double lw_stale_gain(const struct lw_losses *block, size_t n);

#endif
