/* Shared by pane.c and pane_codec.c only. */
#ifndef LW_CORE_PANE_PRIVATE_H
#define LW_CORE_PANE_PRIVATE_H

#include "core/pane.h"

/* The scores of a version, made empty if the pane has none yet. NULL when LW_VERSIONS_MAX
 * newer ones are held: that version is the oldest, so it is the one to drop. */
struct lw_scores *lw__pane_scores(struct lw_pane *pane, uint32_t version);

#endif
