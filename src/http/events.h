/* Subscribers of server-sent events. */
#ifndef LW_HTTP_EVENTS_H
#define LW_HTTP_EVENTS_H

#include <microhttpd.h>

#include "base/buf.h"
#include "http/address.h"
#include "http/watch.h"

struct lw_subscriber {
    struct lw_server *server;
    struct MHD_Connection *connection;
    struct lw_address *address;
    struct lw_buf pending;
    bool waiting; /* suspended */
    bool ended;   /* another subscription replaces it */
    struct lw_subscriber *next;
};

void lw_events_publish(struct lw_server *s, const struct lw_snapshot *n);
void lw_events_beat(struct lw_server *s);
void lw_events_end(struct lw_server *s);

#endif
