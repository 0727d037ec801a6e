/* Connections. */
#ifndef LW_HTTP_ACCEPT_H
#define LW_HTTP_ACCEPT_H

#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "http/address.h"

enum lw_peer_state {
    LW_PEER_WAITS,  /* for a request, or the rest of one */
    LW_PEER_ASKS,   /* its request is being answered */
    LW_PEER_SENDS,  /* the client takes the answer */
    LW_PEER_LISTENS /* it is subscribed to events */
};

struct lw_peer { /* a connection */
    int fd;
    struct lw_address *address;
    struct sockaddr_storage from;
    socklen_t from_len;
    bool health;  /* answered by the health thread, then closed */
    bool extra;   /* beyond http.connections */
    bool handed;  /* libmicrohttpd owns and closes it */
    bool leaving; /* it is being replaced */
    _Atomic enum lw_peer_state state;
    _Atomic int64_t since_ms; /* monotonic: start of this state */
    struct lw_peer *prev, *next;
};

int lw_accept_open(struct lw_server *s, struct lw_err *err);
void *lw_accept_main(void *arg);
void lw_accept_close(struct lw_server *s);
void lw_accept_notify(void *arg, struct MHD_Connection *connection, void **context,
                      enum MHD_ConnectionNotificationCode what);
struct lw_peer *lw_accept_peer(struct MHD_Connection *connection);
void lw_accept_peer_set(struct lw_peer *p, enum lw_peer_state state);

#endif
