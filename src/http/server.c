/* Start, stop, and a request's path through libmicrohttpd.
 *
 * A request arrives in several calls: target, headers, parts of the body, end. A request
 * that needs Redis is then suspended and queued for a thread of ask.c, which resumes it
 * with the answer. Connections come from accept.c. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "event/decoder.h"
#include "http/private.h"
#include "http/serve.h"
#include "http/strict.h"
#include "http/tls.h"

#define THREADS_MAX 4

/* ---- a request ---- */

static enum MHD_Result send_answer(struct lw_call *c) {
    struct MHD_Response *r = c->response;
    c->response = NULL;
    c->sent = true;
    if (!r) {
        size_t len = c->out.len;
        void *data = len ? c->out.data : NULL;
        r = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
        if (len)
            c->out = (struct lw_buf){0}; /* libmicrohttpd owns it now */
    }
    if (!r)
        return MHD_NO;
    lw_call_headers(c, r);
    lw_accept_peer_set(c->peer,
                       c->route && c->route->run == lw_serve_events && c->status == 200
                           ? LW_PEER_LISTENS
                           : LW_PEER_SENDS);
    enum MHD_Result rc = MHD_queue_response(c->connection, c->status, r);
    MHD_destroy_response(r);
    unsigned class = c->status / 100;
    atomic_fetch_add_explicit(&c->server->requests[c->counted_as][class < 6 ? class : 0],
                              1, memory_order_relaxed);
    return rc;
}

static bool has_body(struct MHD_Connection *connection) {
    const char *len =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    return (len && strcmp(len, "0") != 0) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Transfer-Encoding");
}

/* The first call of a request. Returns the request's context. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *connection) {
    struct lw_call *c = lw_calloc(1, sizeof *c);
    c->server = arg;
    c->connection = connection;
    c->peer = lw_accept_peer(connection);
    c->status = MHD_HTTP_OK;
    c->type = "application/json";
    c->counted_as = lw_nroutes + 1;
    c->target = target;
    c->target_len = target ? strlen(target) : 0;
    c->fault = lw_strict_target(target);
    return c;
}

static bool has_place(struct lw_call *c) {
    if (!c->peer->extra || (c->route && c->route->flags & LW_ROUTE_HEALTH))
        return true;
    c->closes = true;
    lw_guard_refuse(c, LW_REFUSED_FULL, MHD_HTTP_SERVICE_UNAVAILABLE,
                    "all %d connections are in use (http.connections)",
                    c->server->config->http.connections);
    return false;
}

static enum MHD_Result call_begin(struct lw_call *c, const char *url, const char *method,
                                  const char *version) {
    c->begun = true;
    c->began_us = lw_mono_us();
    c->closes = c->peer->health || c->peer->extra;
    lw_accept_peer_set(c->peer, LW_PEER_WAITS); /* for the body */
    bool strict = lw_strict_head(c, method, version);
    if (!strict)
        c->closes = true; /* where the next request begins is unknown */
    if ((strict && lw_call_route(c, url, method) && has_place(c)) ||
        !has_body(c->connection))
        return MHD_YES; /* a refusal without a body keeps the connection open */
    return send_answer(c);
}

/* More of the body. A body that is too large was refused by its Content-Length, unless it
 * is chunked. */
static void take_body(struct lw_call *c, const char *data, size_t *size) {
    if ((int64_t)(c->body.len + *size) > c->server->config->http.body_max)
        lw_call_fail(c, MHD_HTTP_CONTENT_TOO_LARGE,
                     "the body is larger than http.body_max (%lld bytes)",
                     (long long)c->server->config->http.body_max);
    else if (!c->answered)
        lw_buf_put(&c->body, data, *size);
    *size = 0;
}

/* The lane of a request; LW_LANES: it is answered at once. */
static enum lw_lane lane_of(const struct lw_call *c) {
    if (c->route && c->route->flags & LW_ROUTE_REDIS)
        return c->route->scope ? LW_LANE_CHANGE : LW_LANE_READ;
    return c->body.len > LW_BATCH_MIN ? LW_LANE_BATCH : LW_LANES;
}

static enum MHD_Result call_finish(struct lw_call *c) {
    lw_accept_peer_set(c->peer, LW_PEER_ASKS);
    enum lw_lane lane = lane_of(c);
    if (!c->answered && c->route && lane != LW_LANES) {
        if (lw_ask_queue(c, lane))
            return MHD_YES; /* suspended: called again when answered */
    } else if (!c->answered && c->route) {
        c->route->run(c);
    }
    return send_answer(c);
}

/* NOLINTNEXTLINE(readability-function-size) the library's signature */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *upload, size_t *size,
                                  void **context) {
    (void)arg;
    (void)connection;
    struct lw_call *c = *context;
    if (!c || !c->peer)
        return MHD_NO;
    if (!c->begun)
        return call_begin(c, url, method, version);
    if (*size) {
        take_body(c, upload, size);
        return MHD_YES;
    }
    return call_finish(c);
}

/* Has libmicrohttpd refused the request by itself? */
static bool refused_there(const struct lw_call *c, struct MHD_Connection *connection) {
    return !c->sent &&
           MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS) != NULL;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why) {
    struct lw_server *s = arg;
    struct lw_call *c = *context;
    (void)why;
    if (!c)
        return;
    if (refused_there(c, connection))
        atomic_fetch_add_explicit(&s->refused[LW_REFUSED_MALFORMED], 1,
                                  memory_order_relaxed);
    if (c->peer)
        lw_accept_peer_set(c->peer, LW_PEER_WAITS);
    lw_buf_fini(&c->body);
    lw_buf_fini(&c->out);
    if (c->response)
        MHD_destroy_response(c->response);
    free(c);
    *context = NULL;
}

/* ---- libmicrohttpd ---- */

/* accept.c limits connections; those being replaced, at most as many, may remain for a
 * moment. libmicrohttpd gives each thread an equal part of its limit and picks the thread
 * by descriptor, so one thread may get all of them; and in 0.9.75 a thread that reaches
 * its limit keeps a lock and hangs. So the limit here is one that no thread can reach. */
static int limit_of(const struct lw_config_http *http, unsigned threads) {
    return 3 * (http->connections + LW_EXTRA_PLACES) * (int)threads;
}

static struct MHD_Daemon *start_mhd(struct lw_server *s, unsigned threads,
                                    struct lw_err *err) {
    const struct lw_config_http *http = &s->config->http;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ITC;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_LIMIT, limit_of(http, threads), NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)LW_MEMORY_REQUEST, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (http->timeout_ms + 999) / 1000, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)lw_accept_notify, s},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, s},
        /* its own checks would close some connections without an answer */
        {MHD_OPTION_STRICT_FOR_CLIENT, lw_strict_in_place() ? 0 : 1, NULL},
        {s->tls ? MHD_OPTION_HTTPS_CERT_CALLBACK : MHD_OPTION_END, 0,
         (void *)(intptr_t)lw_http_tls_choose},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem pool[] = {
        /* a pool of one is refused: the daemon then uses its own thread */
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_Daemon *d = MHD_start_daemon(flags | (s->tls ? MHD_USE_TLS : 0), 0, NULL,
                                            NULL, on_request, s, MHD_OPTION_ARRAY, pool,
                                            MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!d)
        lw_fail(err, LW_ESTOP, "libmicrohttpd cannot start on %s", http->listen);
    return d;
}

static unsigned core_count(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

static int start_answering(struct lw_server *s, struct lw_err *err) {
    const struct lw_config_tls *tls = &s->config->http.tls;
    if (tls->on && !(s->tls = lw_http_tls_new(tls->cert_file, tls->key_file, err)))
        return -1;
    s->mhd = start_mhd(s, core_count(), err);
    if (s->mhd && !s->tls)
        s->health = start_mhd(s, 1, err);
    return s->mhd && (s->tls || s->health) ? 0 : -1;
}

/* ---- starting and stopping ---- */

static int start_thread(pthread_t *thread, void *(*main)(void *), void *arg, bool *runs,
                        struct lw_err *err) {
    int rc = pthread_create(thread, NULL, main, arg);
    *runs = rc == 0;
    return rc ? lw_fail(err, LW_ESTOP, "cannot start a thread: %s", strerror(rc)) : 0;
}

static int start_lane(struct lw_server *s, enum lw_lane lane, unsigned n,
                      struct lw_err *err) {
    while (n-- > 0) {
        struct lw_http_thread *a = &s->asker[s->naskers++];
        a->server = s;
        a->lane = lane;
        if (lane != LW_LANE_BATCH && !(a->redis = lw_redis_new(&s->config->redis, err)))
            return -1;
        if (start_thread(&a->thread, lw_ask_main, a, &a->runs, err))
            return -1;
    }
    return 0;
}

static int start_askers(struct lw_server *s, struct lw_err *err) {
    return start_lane(s, LW_LANE_READ, LW_READERS, err) ||
                   start_lane(s, LW_LANE_CHANGE, 1, err) ||
                   start_lane(s, LW_LANE_BATCH, core_count(), err)
               ? -1
               : 0;
}

static int start_all(struct lw_server *s, struct lw_err *err) {
    if (lw_guard_init(s, err))
        return -1;
    const struct lw_schema *schema = s->config->source.schema;
    const struct lw_fields *fields = &s->spec->event.fields;
    s->avro = lw_decoder_new_avro(schema, schema, fields, err);
    s->json =
        s->avro ? lw_decoder_new(LW_ENCODING_JSON, NULL, schema, fields, err) : NULL;
    if (!s->json || !(s->watch_redis = lw_redis_new(&s->config->redis, err)))
        return -1;
    if (lw_accept_open(s, err) || start_answering(s, err) || start_askers(s, err))
        return -1;
    return start_thread(&s->watch_thread, lw_watch_main, s, &s->watches, err) ||
                   start_thread(&s->accept_thread, lw_accept_main, s, &s->accepts, err)
               ? -1
               : 0;
}

struct lw_server *lw_server_start(const struct lw_server_options *options,
                                  struct lw_err *err) {
    lw_assert(lw_nroutes + 2 <= LW_ROUTES_MAX);
    struct lw_server *s = lw_calloc(1, sizeof *s);
    sigset_t all, before;
    s->options = *options;
    s->config = options->config;
    s->spec = &options->config->spec;
    s->listen = s->epoll = s->wake = -1;
    for (int i = 0; i < LW_LANES; i++)
        s->queue[i].end = &s->queue[i].first;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->peers_lock, NULL);
    pthread_mutex_init(&s->turn_lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_cond_init(&s->stopping, NULL);
    pthread_cond_init(&s->turn_changed, NULL);
    sigfillset(&all); /* the main thread handles signals */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = start_all(s, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return s;
    lw_server_stop(s);
    return NULL;
}

static void join_all(struct lw_server *s) {
    if (s->wake >= 0)
        eventfd_write(s->wake, 1);
    if (s->accepts)
        pthread_join(s->accept_thread, NULL);
    if (s->watches)
        pthread_join(s->watch_thread, NULL);
    for (size_t i = 0; i < s->naskers; i++)
        if (s->asker[i].runs)
            pthread_join(s->asker[i].thread, NULL);
}

void lw_server_stop(struct lw_server *s) {
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->stop, true);
    pthread_cond_broadcast(&s->changed);
    pthread_cond_broadcast(&s->stopping);
    pthread_mutex_unlock(&s->lock);
    join_all(s);
    lw_events_end(s);
    if (s->mhd)
        MHD_stop_daemon(s->mhd); /* no request is suspended any more */
    if (s->health)
        MHD_stop_daemon(s->health);
    lw_accept_close(s);
    lw_http_tls_free(s->tls);
    lw_watch_snapshot_put(s->snapshot);
    lw_watch_champion_put(s->champion);
    lw_redis_free(s->watch_redis);
    for (size_t i = 0; i < s->naskers; i++)
        lw_redis_free(s->asker[i].redis);
    lw_decoder_free(s->avro);
    lw_decoder_free(s->json);
    lw_token_file_fini(&s->tokens);
    lw_token_file_fini(&s->read_tokens);
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->stopping);
    pthread_cond_destroy(&s->turn_changed);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->peers_lock);
    pthread_mutex_destroy(&s->turn_lock);
    free(s);
}

char *lw_server_address(const struct lw_server *s, char *out, size_t size) {
    const char *host = s->config->http.host;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        host = "localhost";
    bool six = strchr(host, ':') != NULL;
    snprintf(out, size, "%s://%s%s%s:%d/", s->config->http.tls.on ? "https" : "http",
             six ? "[" : "", host, six ? "]" : "", s->port);
    return out;
}
