/* Shared by the files that read partition state. */
#ifndef LW_STATE_PRIVATE_H
#define LW_STATE_PRIVATE_H

#include "store/state.h"

void lw__force_read(const struct lw_reply *champion, const struct lw_reply *shadows,
                    struct lw_force *out);
/* A leader's sealed_until, where it is believed; "": nothing. */
void lw__sealed_read(struct lw_partition *p, const struct lw_reply *reply);
int lw__pane_fill(struct lw_pane *pane, const struct lw_reply *fields,
                  struct lw_err *err);

#endif
