/* Whether the user of a connection has the permissions that leeway needs.
 *
 * The required permissions are the least ACL (shown in docs/redis.md). `leeway check`
 * and the start of `leeway run` check all of it, so that a missing permission is found
 * before it is needed. The check itself needs no permission. */
#ifndef LW_STORE_ACCESS_H
#define LW_STORE_ACCESS_H

#include "core/spec.h"
#include "store/redis.h"

struct lw_access {
    bool asked;  /* false: the server is older than Redis 7 and cannot be asked */
    bool denied; /* a command or key that the stream needs */
    bool silent; /* PUBLISH or its channel is denied: listeners hear nothing */
    /* What is denied, and the ACL rules that grant it; "" when nothing is. */
    char refused[400], remedy[480];
};
/* 0, or -1 when Redis could not be asked. Three round trips. */
int lw_access_look(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                   struct lw_access *out, struct lw_err *err);

/* Reports what is denied as an error, with the remedy. Returns -1. */
int lw_access_fail(const struct lw_redis *r, const struct lw_access *a, enum lw_errc code,
                   struct lw_err *err);

/* Whether Redis accepts writes now: a full, locked or read-only server does not. */
int lw_access_write(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err);

/* The least ACL as arguments of ACL SETUSER: commands, keys, channels. The caller
 * frees the text. */
char *lw_access_rules(const struct lw_redis *r, const char *stream);

#endif
