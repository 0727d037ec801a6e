/* Byte-exact checks of a request's head. */
#ifndef LW_HTTP_STRICT_H
#define LW_HTTP_STRICT_H

#include "http/call.h"

/* What is wrong with a request's target, or NULL. */
const char *lw_strict_target(const char *target);
/* libmicrohttpd passes its buffer unchanged. */
bool lw_strict_in_place(void);
/* Checks the rest of the head; false: refused. */
bool lw_strict_head(struct lw_call *c, const char *method, const char *version);

#endif
