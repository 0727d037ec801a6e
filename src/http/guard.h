/* Access checks. */
#ifndef LW_HTTP_GUARD_H
#define LW_HTTP_GUARD_H

#include "http/call.h"

/* Why a request was refused early; leeway_http_refused_total. */
enum lw_refused {
    LW_REFUSED_MALFORMED,
    LW_REFUSED_HOST,
    LW_REFUSED_ORIGIN,
    LW_REFUSED_TOKEN,
    LW_REFUSED_SCOPE,
    LW_REFUSED_SLOWED,
    LW_REFUSED_RATE,
    LW_REFUSED_FULL,
    LW_REFUSALS
};

/* False: refused, the answer is set. */
int lw_guard_init(struct lw_server *s, struct lw_err *err);
bool lw_guard_host(struct lw_call *c);
bool lw_guard_rate(struct lw_call *c);
/* Checks the token of a change, and of a read if reading needs one. */
bool lw_guard_change(struct lw_call *c);
bool lw_guard_read(struct lw_call *c);
/* Refuses, and counts the reason. */
void lw_guard_refuse(struct lw_call *c, enum lw_refused why, unsigned status,
                     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
