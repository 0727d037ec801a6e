/* One request and its answer (route.c). */
#ifndef LW_HTTP_CALL_H
#define LW_HTTP_CALL_H

#include <jansson.h>
#include <microhttpd.h>

#include "base/buf.h"
#include "http/server.h"
#include "http/tokens.h"
#include "leeway/model.h"
#include "store/models.h"
#include "json/json.h"

struct lw_call;
typedef void lw_handler(struct lw_call *c);

enum {
    LW_ROUTE_REDIS = 1,  /* answered by a thread of ask.c */
    LW_ROUTE_TAIL = 2,   /* the path has a name between prefix and suffix */
    LW_ROUTE_HEALTH = 4, /* a connection beyond http.connections may request it */
    LW_ROUTE_OPEN = 8,   /* needs no token */
};

struct lw_route {
    const char *method, *prefix, *suffix;
    lw_handler *run;
    unsigned flags;
    unsigned scope; /* of the token that a change needs; 0: no change */
};
extern const struct lw_route lw_routes[];
extern const size_t lw_nroutes;
#define LW_ROUTES_MAX 32 /* the table's, the page, and unknown paths */

struct lw_call {
    struct lw_server *server;
    struct MHD_Connection *connection;
    struct lw_peer *peer;
    const char *target; /* as received, in libmicrohttpd's buffer, before `begun` */
    size_t target_len;
    const char *fault;            /* what is wrong with the target, or NULL */
    bool begun;                   /* the headers are parsed */
    bool closes;                  /* the connection closes after the answer */
    struct lw_redis *redis;       /* if it needs Redis */
    struct lw_http_thread *asker; /* the thread that answers it */
    char token[LW_TOKEN_NAME];    /* the token's name; "" if it has none */
    bool reads;                   /* reading needed a token, and it was right */
    bool login;                   /* a 401 makes a browser ask for a password */
    const struct lw_route *route; /* NULL: an asset, or refused */
    size_t counted_as;            /* row of the request counters */
    char tail[2 * LW_NAME_MAX];
    struct lw_buf body;
    int64_t began_us;
    bool suspended, answered;
    bool sent; /* the answer is this server's, not libmicrohttpd's */
    /* the answer */
    unsigned status;
    const char *type;
    struct lw_buf out;
    struct MHD_Response *response; /* instead of out */
    const char *allow;             /* of a 405 */
    int retry_s;                   /* of a 429; else 0 */
    struct lw_call *next;          /* in the queue */
};

/* Sets an error answer: {"error": text, "code": word by status}. */
void lw_call_fail(struct lw_call *c, unsigned status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The answer to an error of the store: 404, 503 (down), 400 or 500. */
void lw_call_err(struct lw_call *c, const struct lw_err *err);
/* 200 with this value (taken). */
void lw_call_json(struct lw_call *c, json_t *value);
/* A query argument, or NULL. */
const char *lw_call_arg(struct lw_call *c, const char *name);
/* A whole number of a query argument within [lo, hi]; *out stays if it is absent. False:
 * answered with 400. */
bool lw_call_int(struct lw_call *c, const char *name, int64_t lo, int64_t hi,
                 int64_t *out);
/* The window in ?window=, by default the longest; NULL: answered with 400. */
const struct lw_window_spec *lw_call_window(struct lw_call *c);

/* The version in the path; false: answered with 400. */
bool lw_call_version(struct lw_call *c, uint32_t *out);
/* "http:<address>", or "http:<token's name>@<address>", for the audit. */
void lw_call_asker(struct lw_call *c, char *out, size_t size);

/* Finds the route and checks everything that does not need the body; false: answered. */
bool lw_call_route(struct lw_call *c, const char *path, const char *method);
void lw_call_headers(const struct lw_call *c, struct MHD_Response *r);

#endif
