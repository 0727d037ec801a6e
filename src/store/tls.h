/* TLS to Redis, over a connected socket. hiredis 0.14 (Debian 12) has none, and that of
 * later versions does not look whether the certificate is for the host that was asked
 * for; so here is the same for both.
 *
 * The server's certificate must be of a trusted authority and for the host, by name or
 * by address: before that, nothing is sent, a password least of all. Thread: the one of
 * the connection. */
#ifndef LW_STORE_TLS_H
#define LW_STORE_TLS_H

#include "leeway/err.h"
#include "store/redis.h"

struct lw_tls;

/* Whether the files can be read and fit together. LW_ECONFIG. */
int lw_tls_check(const struct lw_redis_options *files, struct lw_err *err);
/* The handshake; the files are read anew. NULL with LW_EAGAIN, in words. The descriptor
 * stays the caller's. */
struct lw_tls *lw_tls_open(const struct lw_redis_options *files, int fd, const char *host,
                           struct lw_err *err);
void lw_tls_close(struct lw_tls *t);
/* All of it; 0, or -1 with why. */
int lw_tls_write(struct lw_tls *t, const void *data, size_t len, char *why, size_t size);
/* At least one byte; how many, or -1 with why. */
long lw_tls_read(struct lw_tls *t, void *data, size_t len, char *why, size_t size);

#endif
