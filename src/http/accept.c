/* Accepting connections, and the limit on how many are open.
 *
 * The accept thread peeks at the first bytes of each new connection. A request for
 * health, readiness or metrics goes to a thread of its own, so these answer however busy
 * the rest is; all others go to libmicrohttpd's pool. With TLS the first bytes are
 * encrypted, and one pool answers everything. A connection that sends nothing, or stops
 * within its first word, stays with this thread, which closes it when the peer does or at
 * the timeout.
 *
 * At most `http.connections` are open. When all are taken, a new connection replaces the
 * one that has waited longest for its next request, or takes its answer too slowly, of
 * the address with the most connections. So one address cannot keep out another, and idle
 * connections cannot keep out anybody. When every connection is being answered, a few
 * extra ones are accepted for health only, and further clients wait in the backlog.
 *
 * A connection has `http.timeout` for its next request, again for the body, and again for
 * taking the answer. libmicrohttpd's own timeout restarts with every byte, so a client
 * that sends one byte now and then would keep its connection forever. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "http/private.h"

#define BACKLOG  512
#define TICK_MS  250 /* between two checks of the deadlines */
#define PAUSE_MS 10  /* until the next attempt to accept */
#define EVENTS   64
#define SLOW_MS                                                                          \
    (2 * LW_SECOND)  /* a client this slow to take its answer may be replaced */
#define FIRST_MAX 16 /* bytes that identify the path */

/* ---- connections ---- */

/* Needs peers_lock. */
static void unlink_peer(struct lw_server *s, struct lw_peer *p) {
    if (p->prev)
        p->prev->next = p->next;
    else
        s->peers = p->next;
    if (p->next)
        p->next->prev = p->prev;
    s->npeers -= !p->leaving;
    s->nleaving -= p->leaving;
    lw_address_give(s, p->address);
}

static void drop_peer(struct lw_server *s, struct lw_peer *p) {
    pthread_mutex_lock(&s->peers_lock);
    unlink_peer(s, p);
    pthread_mutex_unlock(&s->peers_lock);
    free(p);
}

/* Closes a connection that libmicrohttpd does not have yet. Needs peers_lock. */
static void close_peer(struct lw_server *s, struct lw_peer *p) {
    unlink_peer(s, p);
    epoll_ctl(s->epoll, EPOLL_CTL_DEL, p->fd, NULL);
    close(p->fd);
    free(p);
}

/* Needs peers_lock. libmicrohttpd sees the shutdown of its connections and closes them;
 * the others are closed here. */
static void send_away(struct lw_server *s, struct lw_peer *p) {
    if (!p->handed) {
        close_peer(s, p);
        return;
    }
    p->leaving = true;
    s->npeers--;
    s->nleaving++;
    shutdown(p->fd, SHUT_RDWR);
}

static bool may_go(const struct lw_peer *p, int64_t now) {
    enum lw_peer_state state = atomic_load(&p->state);
    return !p->leaving &&
           (state == LW_PEER_WAITS ||
            (state == LW_PEER_SENDS && atomic_load(&p->since_ms) < now - SLOW_MS));
}

/* The connection to replace: of the address with the most, the one idle longest. NULL
 * when all are busy. Needs peers_lock. */
static struct lw_peer *peer_to_drop(struct lw_server *s) {
    struct lw_peer *out = NULL;
    int64_t now = lw_mono_ms();
    for (struct lw_peer *p = s->peers; p; p = p->next) {
        if (!may_go(p, now))
            continue;
        int more = out ? p->address->connections - out->address->connections : 1;
        if (more > 0 ||
            (more == 0 && atomic_load(&p->since_ms) <= atomic_load(&out->since_ms)))
            out = p; /* of equals the later in the list, which is the oldest */
    }
    return out;
}

/* libmicrohttpd may miss the end of a connection: it takes a read that does not fill its
 * buffer for all there is, and within a TLS handshake it acts only on the second notice.
 * So the shutdown is repeated until it closes. A request that has arrived is still
 * answered, unless the connection is being replaced. */
static void tell_end(const struct lw_peer *p) {
    char next;
    ssize_t n = p->leaving ? 0 : recv(p->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        shutdown(p->fd, p->leaving ? SHUT_RDWR : SHUT_RD);
}

/* Closes connections past their deadline, and those that the peer has closed. */
static void peers_expire(struct lw_server *s) {
    int64_t oldest = lw_mono_ms() - s->config->http.timeout_ms;
    pthread_mutex_lock(&s->peers_lock);
    for (struct lw_peer *p = s->peers, *next; p; p = next) {
        enum lw_peer_state state = atomic_load(&p->state);
        next = p->next;
        bool sits = state == LW_PEER_WAITS || state == LW_PEER_SENDS;
        if (!p->leaving && sits && atomic_load(&p->since_ms) < oldest)
            send_away(s, p);
        else if (p->handed && (p->leaving || state == LW_PEER_WAITS))
            tell_end(p);
    }
    pthread_mutex_unlock(&s->peers_lock);
}

void lw_accept_peer_set(struct lw_peer *p, enum lw_peer_state state) {
    atomic_store(&p->since_ms, lw_mono_ms());
    atomic_store(&p->state, state);
}

/* libmicrohttpd starts or ends a connection. */
void lw_accept_notify(void *arg, struct MHD_Connection *connection, void **context,
                      enum MHD_ConnectionNotificationCode what) {
    struct lw_server *s = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        pthread_mutex_lock(&s->peers_lock);
        struct lw_peer *p = s->peers;
        while (fd && p && p->fd != fd->connect_fd)
            p = p->next;
        pthread_mutex_unlock(&s->peers_lock);
        *context = p;
    } else if (*context) {
        drop_peer(s, *context); /* before its descriptor is closed */
        *context = NULL;
    }
}

struct lw_peer *lw_accept_peer(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

/* ---- the first bytes ---- */

enum first { FIRST_LATER, FIRST_HEALTH, FIRST_OTHER };

/* Which thread a request belongs to, by how it begins ("GET /healthz ..."). */
static enum first request_kind(const char *bytes, size_t n) {
    static const char *const methods[] = {"GET ", "HEAD "};
    static const char *const paths[] = {"/healthz", "/readyz", "/metrics"};
    enum first best = FIRST_OTHER;
    for (size_t m = 0; m < 2; m++)
        for (size_t i = 0; i < 3; i++) {
            char want[FIRST_MAX + 1];
            size_t len =
                (size_t)snprintf(want, sizeof want, "%s%s", methods[m], paths[i]);
            if (memcmp(bytes, want, n < len ? n : len) != 0)
                continue;
            if (n <= len)
                best = FIRST_LATER;
            else if (bytes[len] == ' ' || bytes[len] == '?')
                return FIRST_HEALTH;
        }
    return best;
}

/* Gives a connection to the threads that answer it. */
static void hand_over(struct lw_server *s, struct lw_peer *p, enum first first) {
    struct MHD_Daemon *to = first == FIRST_HEALTH ? s->health : s->mhd;
    p->health = first == FIRST_HEALTH;
    p->handed = true;
    epoll_ctl(s->epoll, EPOLL_CTL_DEL, p->fd, NULL);
    if (MHD_add_connection(to, p->fd, (const struct sockaddr *)&p->from, p->from_len) !=
        MHD_YES)
        drop_peer(s, p); /* libmicrohttpd has closed its descriptor */
}

/* Unread bytes hide the end of the stream from recv; the events show it. */
static void first_bytes(struct lw_server *s, struct lw_peer *p, uint32_t events) {
    char bytes[FIRST_MAX];
    ssize_t n = recv(p->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    bool ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    enum first first = n <= 0                   ? FIRST_LATER
                       : s->config->http.tls.on ? FIRST_OTHER
                                                : request_kind(bytes, (size_t)n);
    if (first == FIRST_LATER) /* the peer sends no more */
        ended |= (events & EPOLLRDHUP) != 0;
    if (ended || events & (EPOLLHUP | EPOLLERR)) {
        pthread_mutex_lock(&s->peers_lock);
        close_peer(s, p);
        pthread_mutex_unlock(&s->peers_lock);
    } else if (first != FIRST_LATER) {
        hand_over(s, p, first);
    }
}

/* ---- accepting ---- */

/* Removes a stale entry of this descriptor: libmicrohttpd failed to take it. */
static void forget_fd(struct lw_server *s, int fd) {
    for (struct lw_peer *p = s->peers; p; p = p->next)
        if (p->fd == fd) {
            unlink_peer(s, p);
            free(p);
            return;
        }
}

/* Is a connection free, or can one be replaced? */
static bool is_room(struct lw_server *s) {
    pthread_mutex_lock(&s->peers_lock);
    int places = s->config->http.connections + LW_EXTRA_PLACES;
    bool room = (s->npeers < places || peer_to_drop(s)) && s->nleaving < places;
    pthread_mutex_unlock(&s->peers_lock);
    return room;
}

static void add_peer(struct lw_server *s, struct lw_peer *p) {
    pthread_mutex_lock(&s->peers_lock);
    forget_fd(s, p->fd);
    struct lw_peer *out =
        s->npeers >= s->config->http.connections ? peer_to_drop(s) : NULL;
    if (out)
        send_away(s, out);
    p->extra = s->npeers >= s->config->http.connections;
    p->address = lw_address_take(s, (const struct sockaddr *)&p->from);
    p->next = s->peers;
    if (p->next)
        p->next->prev = p;
    s->peers = p;
    s->npeers++;
    pthread_mutex_unlock(&s->peers_lock);
}

/* Descriptors can run out before connections do. */
static void no_room(struct lw_server *s, int why) {
    if (why != EMFILE && why != ENFILE)
        return;
    pthread_mutex_lock(&s->peers_lock);
    struct lw_peer *out = s->nleaving == 0 ? peer_to_drop(s) : NULL;
    if (out)
        send_away(s, out);
    pthread_mutex_unlock(&s->peers_lock);
    errno = why;
}

/* Waits for the first bytes. */
static void watch_peer(struct lw_server *s, struct lw_peer *p) {
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = p};
    if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, p->fd, &e) == 0)
        return;
    pthread_mutex_lock(&s->peers_lock);
    close_peer(s, p);
    pthread_mutex_unlock(&s->peers_lock);
}

/* False: nothing can be accepted now. */
static bool accept_one(struct lw_server *s) {
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof from;
    errno = EBUSY; /* no connection free */
    int fd = is_room(s) ? accept(s->listen, (struct sockaddr *)&from, &len) : -1;
    if (fd < 0) {
        no_room(s, errno);
        return false;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct lw_peer *p = lw_calloc(1, sizeof *p);
    p->fd = fd;
    p->from = from;
    p->from_len = len;
    lw_accept_peer_set(p, LW_PEER_WAITS);
    add_peer(s, p);
    watch_peer(s, p);
    return true;
}

/* Accepts a few at a time, so that open connections are served in between. When no
 * connection or descriptor is free, the listening socket is not polled for a moment. */
static void accept_some(struct lw_server *s, bool *listening) {
    for (int i = 0; i < EVENTS; i++) {
        if (accept_one(s))
            continue;
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR && *listening) {
            epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->listen, NULL);
            *listening = false;
        }
        return;
    }
}

static void listen_again(struct lw_server *s, bool *listening) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    if (!*listening)
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listen, &e);
    *listening = true;
}

void *lw_accept_main(void *arg) {
    struct lw_server *s = arg;
    struct epoll_event events[EVENTS];
    bool listening = false;
    int64_t ticked = lw_mono_ms();
    listen_again(s, &listening);
    while (!atomic_load(&s->stop)) {
        int n = epoll_wait(s->epoll, events, EVENTS, listening ? TICK_MS : PAUSE_MS);
        bool knocks = false;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == s)
                knocks = true;
            else if (events[i].data.ptr)
                first_bytes(s, events[i].data.ptr, events[i].events);
        }
        if (knocks) /* last: it may close a connection that has an event here */
            accept_some(s, &listening);
        if (n == 0)
            listen_again(s, &listening);
        if (lw_mono_ms() - ticked < TICK_MS)
            continue;
        ticked = lw_mono_ms();
        peers_expire(s);
        listen_again(s, &listening);
    }
    return NULL;
}

/* ---- the socket ---- */

static int bind_one(const struct addrinfo *a, struct lw_server *s) {
    int one = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    a->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        struct sockaddr_storage at = {0};
        socklen_t len = sizeof at;
        getsockname(fd, (struct sockaddr *)&at, &len);
        bool six = at.ss_family == AF_INET6;
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&at;
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&at;
        s->port = ntohs(six ? v6->sin6_port : v4->sin_port);
        s->loopback = six ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr)
                          : ntohl(v4->sin_addr.s_addr) >> 24 == 127;
        s->listen = fd;
        return 0;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int bind_any(struct lw_server *s, struct lw_err *err) {
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
        rc = bind_one(a, s);
    int why = errno;
    freeaddrinfo(found);
    return rc == 0 ? 0
                   : lw_fail(err, LW_ECONFIG,
                             "http.listen %s: %s (each process on a machine needs its "
                             "own port, or `listen: off`)",
                             http->listen, strerror(why));
}

/* Each connection is a descriptor, and the usual soft limit is 1,024. */
static void raise_limit(const struct lw_server *s) {
    rlim_t wanted = 2 * (rlim_t)(s->config->http.connections + LW_EXTRA_PLACES) + 512;
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) || now.rlim_cur >= wanted)
        return;
    now.rlim_cur = now.rlim_max < wanted ? now.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &now);
}

int lw_accept_open(struct lw_server *s, struct lw_err *err) {
    raise_limit(s);
    if (bind_any(s, err))
        return -1;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->epoll >= 0 && s->wake >= 0 &&
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &e) == 0)
        return 0;
    return lw_fail(err, LW_ESTOP, "http.listen %s: epoll: %s", s->config->http.listen,
                   strerror(errno));
}

/* After the thread has ended and libmicrohttpd has closed its connections. */
void lw_accept_close(struct lw_server *s) {
    while (s->peers) {
        struct lw_peer *p = s->peers;
        if (!p->handed)
            close(p->fd);
        unlink_peer(s, p);
        free(p);
    }
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->wake >= 0)
        close(s->wake);
    if (s->listen >= 0)
        close(s->listen);
    lw_address_free_all(s);
}
