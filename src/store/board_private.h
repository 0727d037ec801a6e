/* Shared by board.c and pages.c only. */
#ifndef LW_STORE_BOARD_PRIVATE_H
#define LW_STORE_BOARD_PRIVATE_H

#include "store/alerts.h"

/* One field of `alerts`; false when it is none of ours. */
bool lw__standing_read(const char *fingerprint, const struct lw_reply *value,
                       struct lw_standing *out);
/* The silences of an HGETALL that have not ended, soonest end first; free() them. */
size_t lw__silences_read(const struct lw_reply *hash, int64_t now_ms,
                         struct lw_silence **out);

#endif
