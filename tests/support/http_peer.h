/* A receiver for tests: a socket server on a free port of 127.0.0.1 that answers or
 * misbehaves as configured, and records its requests. One thread per peer, one connection
 * at a time.
 *
 * It uses plain sockets, because an HTTP library cannot misbehave: half a header, an
 * endless body, a reset in the middle of a reply. */
#ifndef LW_TESTS_SUPPORT_HTTP_PEER_H
#define LW_TESTS_SUPPORT_HTTP_PEER_H

#include <stdbool.h>
#include <stddef.h>

enum lw_peer_way {
    LW_PEER_REPLY,          /* sends `reply` and closes */
    LW_PEER_HANG,           /* reads the request, never answers */
    LW_PEER_DEAF,           /* accepts, reads nothing, answers nothing */
    LW_PEER_RESET,          /* sends `reply`, then resets the connection */
    LW_PEER_ENDLESS_BODY,   /* sends `reply`, then endless bytes */
    LW_PEER_ENDLESS_HEADER, /* sends "HTTP/1.1 200 OK", then endless header lines */
    LW_PEER_STALL           /* sends `reply`, then nothing, and keeps the connection */
};

struct lw_peer;

struct lw_peer *lw_peer_start(enum lw_peer_way way, const char *reply);
/* Ends the thread and all connections, and frees. */
void lw_peer_stop(struct lw_peer *p);
int lw_peer_port(const struct lw_peer *p);
/* Changes the behaviour for later connections. */
void lw_peer_change(struct lw_peer *p, enum lw_peer_way way, const char *reply);
/* LW_PEER_REPLY to requests that begin with `start` ("GET /a HTTP"), whatever others get;
 * the first match of at most 16 applies. */
void lw_peer_route(struct lw_peer *p, const char *start, const char *reply);
/* The number of complete requests, and the newest one (owned by the caller; "": none). */
unsigned lw_peer_count(struct lw_peer *p);
char *lw_peer_request(struct lw_peer *p, size_t *len);
/* An unused port. */
int lw_peer_free_port(void);

#endif
