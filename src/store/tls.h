/* TLS to Redis, over a connected socket. hiredis 0.14 (Debian 12) has no TLS, and
 * later versions do not verify the host name; this works with both.
 *
 * The server's certificate must be trusted and match the host, by name or address.
 * Nothing, least of all a password, is sent before that. Thread: the connection's. */
#ifndef LW_STORE_TLS_H
#define LW_STORE_TLS_H

#include "leeway/err.h"
#include "store/redis.h"

struct lw_tls;

/* Checks that the files can be read and fit together. LW_ECONFIG. */
int lw_tls_check(const struct lw_redis_options *files, struct lw_err *err);
/* The handshake; the files are read each time. NULL with LW_EAGAIN and the reason. The
 * descriptor remains the caller's. */
struct lw_tls *lw_tls_open(const struct lw_redis_options *files, int fd, const char *host,
                           struct lw_err *err);
void lw_tls_close(struct lw_tls *t);
/* Writes everything; 0, or -1 with why. */
int lw_tls_write(struct lw_tls *t, const void *data, size_t len, char *why, size_t size);
/* Reads at least one byte; returns how many, or -1 with why. */
long lw_tls_read(struct lw_tls *t, void *data, size_t len, char *why, size_t size);

#endif
