/* What the user of a connection must be allowed to do, and whether it is.
 *
 * The list is the least ACL (docs/redis.md shows it): `leeway check` and the start of
 * `leeway run` look at all of it, so that nobody learns of a missing permission by what
 * does not happen a month later. Asking needs no permission of its own. */
#ifndef LW_STORE_ACCESS_H
#define LW_STORE_ACCESS_H

#include "core/spec.h"
#include "store/redis.h"

struct lw_access {
    bool asked;  /* false: a server older than Redis 7 does not tell */
    bool denied; /* a command or a key that the stream cannot do without */
    bool silent; /* PUBLISH or its channel: listeners hear nothing, all else goes on */
    /* What is refused, and the words that give it; "" when nothing is. */
    char refused[400], remedy[480];
};
/* 0, or -1 when Redis could not be asked at all. Three round trips. */
int lw_access_look(struct lw_redis *r, const struct lw_spec *spec, const char *topic,
                   struct lw_access *out, struct lw_err *err);

/* What is refused as an error, with the remedy. -1. */
int lw_access_fail(const struct lw_redis *r, const struct lw_access *a, enum lw_errc code,
                   struct lw_err *err);

/* Whether Redis takes a write now: a full, locked or read-only one does not. */
int lw_access_write(struct lw_redis *r, const struct lw_spec *spec, struct lw_err *err);

/* The rules of the least ACL as words of ACL SETUSER: commands, keys, channels. The text
 * is the caller's to free. */
char *lw_access_rules(const struct lw_redis *r, const char *stream);

#endif
