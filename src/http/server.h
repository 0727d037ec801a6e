/* The HTTP server of a process: predictions, metrics, health, the API and the page.
 *
 * libmicrohttpd's threads answer from memory (predictions, metrics, health, the newest
 * evaluation, the page). A watcher thread keeps that memory current from Redis, and
 * further threads answer requests that must ask Redis. Each has its own Redis connection,
 * and no worker waits for any of them. docs/http.md is the manual. */
#ifndef LW_HTTP_SERVER_H
#define LW_HTTP_SERVER_H

#include "config/config.h"
#include "core/health.h"
#include "core/process_counter.h"

/* What the process around the server reports about itself. */
struct lw_vitals {
    char who[96];     /* host:pid, as in Redis */
    const char *code; /* the program's version */
    bool started;     /* its engine runs; else all that follows is 0 */
    bool leading, training, stalled;
    int64_t since_poll_ms; /* of the worker that has not polled for longest */
    struct lw_process_counts counts;
    uint64_t trainings, trainings_failed;
    int partitions; /* owned now */
    int held;       /* of those, waiting for a schema */
    bool registry;  /* there is one; else the following are 0 */
    bool registry_away;
    uint64_t registry_requests, registry_failures;
    char failure[256];       /* "" or why a thread cannot continue */
    char waits[256];         /* not started: what it waits for; "" unknown */
    struct lw_health health; /* as last judged; unknown until started */
    bool live_known;         /* it leads and has measured the running stream: */
    struct lw_live_facts live;
};

struct lw_server_options {
    const struct lw_config *config; /* borrowed until stopped */
    void *arg;
    void (*vitals)(void *arg, struct lw_vitals *out); /* any thread; must not wait */
};

struct lw_server;

/* Listens on http.listen, which must not be off. LW_ECONFIG: the address is taken or its
 * name unknown. Services may be down. */
struct lw_server *lw_server_start(const struct lw_server_options *options,
                                  struct lw_err *err);
/* Ends all requests and joins the threads; NULL is allowed. */
void lw_server_stop(struct lw_server *s);
/* "http://127.0.0.1:8080/", for people. */
char *lw_server_address(const struct lw_server *s, char *out, size_t size);

#endif
