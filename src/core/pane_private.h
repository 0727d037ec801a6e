/* Shared by pane.c and pane_codec.c only. */
#ifndef LW_CORE_PANE_PRIVATE_H
#define LW_CORE_PANE_PRIVATE_H

#include "core/pane.h"

/* The scores of a version, created empty if the pane has none. NULL when the pane holds
 * LW_VERSIONS_MAX newer versions, so that this one is the oldest and is dropped. */
struct lw_scores *lw__pane_scores(struct lw_pane *pane, uint32_t version);

#endif
