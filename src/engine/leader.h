/* The leader's thread (leader.c), and what its parts share with other files. */
#ifndef LW_ENGINE_LEADER_H
#define LW_ENGINE_LEADER_H

#include "engine/engine_private.h"

void *lw__leader_main(void *engine);
/* Logs that an alert fires or is resolved. */
void lw__leader_log_alert(const struct lw_alert *a);

#endif
