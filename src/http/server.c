/* Starting and stopping, connections, and the way of a request through libmicrohttpd.
 *
 * A request comes in several calls: headers, body in parts, end. What needs Redis is then
 * suspended and queued for the asking thread, which resumes it with the answer. A
 * connection has `http.timeout` for its next request to be complete: libmicrohttpd's own
 * timeout starts again with every byte, so that a client that sends one now and then
 * would hold its place for ever. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "event/json.h"
#include "http/private.h"

#define THREADS_MAX 4
#define BACKLOG     512

/* ---- connections ---- */

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    struct lw_server *s = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct lw_peer *p = lw_calloc(1, sizeof *p);
        p->fd = fd ? fd->connect_fd : -1;
        atomic_store(&p->since_ms, lw_mono_ms());
        *context = p;
        pthread_mutex_lock(&s->peers_lock);
        p->next = s->peers;
        if (p->next)
            p->next->prev = p;
        s->peers = p;
        pthread_mutex_unlock(&s->peers_lock);
        return;
    }
    struct lw_peer *p = *context;
    if (!p)
        return;
    pthread_mutex_lock(&s->peers_lock); /* before its descriptor is closed */
    if (p->prev)
        p->prev->next = p->next;
    else
        s->peers = p->next;
    if (p->next)
        p->next->prev = p->prev;
    pthread_mutex_unlock(&s->peers_lock);
    free(p);
    *context = NULL;
}

void lw_peers_expire(struct lw_server *s) {
    int64_t oldest = lw_mono_ms() - s->config->http.timeout_ms;
    pthread_mutex_lock(&s->peers_lock);
    for (struct lw_peer *p = s->peers; p; p = p->next)
        if (!atomic_load(&p->busy) && atomic_load(&p->since_ms) < oldest)
            shutdown(p->fd, SHUT_RDWR); /* its thread sees the end and closes it */
    pthread_mutex_unlock(&s->peers_lock);
}

static struct lw_peer *peer_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- a request ---- */

static enum MHD_Result send_answer(struct lw_call *c) {
    struct MHD_Response *r = c->response;
    c->response = NULL;
    if (!r) {
        size_t len = c->out.len;
        void *data = len ? c->out.data : NULL;
        r = MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
        if (len)
            c->out = (struct lw_buf){0}; /* given away */
    }
    if (!r)
        return MHD_NO;
    lw_call_headers(c, r);
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

static enum MHD_Result begin(struct lw_server *s, struct MHD_Connection *connection,
                             const char *url, const char *method, void **context) {
    struct lw_call *c = lw_calloc(1, sizeof *c);
    struct lw_peer *p = peer_of(connection);
    c->server = s;
    c->connection = connection;
    c->began_us = lw_mono_us();
    c->status = MHD_HTTP_OK;
    c->type = "application/json";
    *context = c;
    if (p)
        atomic_store(&p->since_ms, lw_mono_ms());
    if (lw_call_route(c, url, method) || !has_body(connection))
        return MHD_YES; /* a refusal without a body to come keeps the connection */
    return send_answer(c);
}

/* More of the body; what is too much has been refused by its Content-Length, unless it
 * came in chunks. */
static void take_body(struct lw_call *c, const char *data, size_t *size) {
    if ((int64_t)(c->body.len + *size) > c->server->config->http.body_max)
        lw_call_fail(c, MHD_HTTP_CONTENT_TOO_LARGE,
                     "the body is larger than http.body_max (%lld bytes)",
                     (long long)c->server->config->http.body_max);
    else if (!c->answered)
        lw_buf_put(&c->body, data, *size);
    *size = 0;
}

static enum MHD_Result finish(struct lw_call *c) {
    struct lw_peer *p = peer_of(c->connection);
    if (p)
        atomic_store(&p->busy, true);
    if (!c->answered && c->route && c->route->flags & LW_ROUTE_REDIS) {
        if (lw_ask_queue(c))
            return MHD_YES; /* suspended: called again when answered */
    } else if (!c->answered && c->route) {
        c->route->run(c);
    }
    return send_answer(c);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *url, const char *method,
                                  const char *version, const char *upload, size_t *size,
                                  void **context) {
    (void)version;
    struct lw_call *c = *context;
    if (!c)
        return begin(arg, connection, url, method, context);
    if (*size) {
        take_body(c, upload, size);
        return MHD_YES;
    }
    return finish(c);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why) {
    (void)arg;
    (void)why;
    struct lw_call *c = *context;
    struct lw_peer *p = peer_of(connection);
    if (p) {
        atomic_store(&p->since_ms, lw_mono_ms());
        atomic_store(&p->busy, false);
    }
    if (!c)
        return;
    lw_buf_fini(&c->body);
    lw_buf_fini(&c->out);
    if (c->response)
        MHD_destroy_response(c->response);
    free(c);
    *context = NULL;
}

/* ---- listening ---- */

static int bind_one(const struct addrinfo *a, struct lw_server *s, int *fd) {
    int one = 1;
    *fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                 a->ai_protocol);
    if (*fd < 0)
        return -1;
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(*fd, a->ai_addr, a->ai_addrlen) == 0 && listen(*fd, BACKLOG) == 0) {
        struct sockaddr_storage at;
        socklen_t len = sizeof at;
        getsockname(*fd, (struct sockaddr *)&at, &len);
        bool six = at.ss_family == AF_INET6;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&at;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&at;
        s->port = ntohs(six ? v6->sin6_port : v4->sin_port);
        s->loopback = six ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)
                          : ntohl(v4->sin_addr.s_addr) >> 24 == 127;
        return 0;
    }
    int why = errno;
    close(*fd);
    errno = why;
    return -1;
}

static int listen_on(struct lw_server *s, int *fd, struct lw_err *err) {
    const struct lw_config_http *http = &s->config->http;
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char port[16];
    snprintf(port, sizeof port, "%d", http->port);
    int rc = getaddrinfo(http->host, port, &want, &found);
    if (rc)
        return lw_fail(err, LW_ECONFIG, "http.listen %s: %s", http->listen,
                       gai_strerror(rc));
    rc = -1;
    for (const struct addrinfo *a = found; a && rc; a = a->ai_next)
        rc = bind_one(a, s, fd);
    int why = errno;
    freeaddrinfo(found);
    return rc == 0 ? 0
                   : lw_fail(err, LW_ECONFIG,
                             "http.listen %s: %s (each process on a machine needs a port "
                             "of its own, or `listen: off`)",
                             http->listen, strerror(why));
}

static int start_mhd(struct lw_server *s, int fd, struct lw_err *err) {
    const struct lw_config_http *http = &s->config->http;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = cores < 1             ? 1
                       : cores > THREADS_MAX ? THREADS_MAX
                                             : (unsigned)cores;
    if (threads > (unsigned)http->connections)
        threads = (unsigned)http->connections;
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, http->connections, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)LW_MEMORY_REQUEST, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (http->timeout_ms + 999) / 1000, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, s},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, s},
        /* a pool of one is refused: then the daemon has its one thread without a pool */
        {threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
        {MHD_OPTION_END, 0, NULL}};
    s->mhd = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
                              NULL, NULL, on_request, s, MHD_OPTION_ARRAY, options,
                              MHD_OPTION_END);
    if (s->mhd)
        return 0;
    close(fd);
    return lw_fail(err, LW_ESTOP, "libmicrohttpd does not start on %s", http->listen);
}

/* ---- starting and stopping ---- */

static int start_thread(pthread_t *thread, void *(*main)(void *), struct lw_server *s,
                        bool *runs, struct lw_err *err) {
    int rc = pthread_create(thread, NULL, main, s);
    *runs = rc == 0;
    return rc ? lw_fail(err, LW_ESTOP, "cannot start a thread: %s", strerror(rc)) : 0;
}

static int start_all(struct lw_server *s, struct lw_err *err) {
    int fd = -1;
    const struct lw_schema *schema = s->config->source.schema;
    const struct lw_fields *fields = &s->spec->event.fields;
    s->decoder = lw_decoder_new(schema, schema, fields, err);
    s->json = s->decoder ? lw_json_decoder_new(schema, fields, err) : NULL;
    if (!s->json || !(s->watch_redis = lw_redis_new(&s->config->redis, err)) ||
        !(s->ask_redis = lw_redis_new(&s->config->redis, err)))
        return -1;
    if (listen_on(s, &fd, err) || start_mhd(s, fd, err))
        return -1;
    return start_thread(&s->watch_thread, lw_watch_main, s, &s->watches, err) ||
                   start_thread(&s->ask_thread, lw_ask_main, s, &s->asks, err)
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
    s->queue_end = &s->queue;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->peers_lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_cond_init(&s->stopping, NULL);
    lw_guard_init(s);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = start_all(s, err);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return s;
    lw_server_stop(s);
    return NULL;
}

void lw_server_stop(struct lw_server *s) {
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->stop, true);
    pthread_cond_broadcast(&s->changed);
    pthread_cond_broadcast(&s->stopping);
    pthread_mutex_unlock(&s->lock);
    if (s->watches)
        pthread_join(s->watch_thread, NULL);
    if (s->asks)
        pthread_join(s->ask_thread, NULL);
    lw_events_end(s);
    if (s->mhd)
        MHD_stop_daemon(s->mhd); /* nothing is suspended any more */
    lw_snapshot_put(s->snapshot);
    lw_champion_put(s->champion);
    lw_redis_free(s->watch_redis);
    lw_redis_free(s->ask_redis);
    lw_decoder_free(s->decoder);
    lw_json_decoder_free(s->json);
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->stopping);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->peers_lock);
    free(s);
}

int lw_server_port(const struct lw_server *s) {
    return s->port;
}

char *lw_server_address(const struct lw_server *s, char *out, size_t size) {
    const char *host = s->config->http.host;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        host = "localhost";
    bool six = strchr(host, ':') != NULL;
    snprintf(out, size, "http://%s%s%s:%d/", six ? "[" : "", host, six ? "]" : "",
             s->port);
    return out;
}
