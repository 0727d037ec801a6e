/* See http_peer.h. The thread waits with poll on its connection and on a pipe, so that
 * stopping never depends on the other side. */
#include "support/http_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)1024 * 1024)

struct lw_peer {
    int listener, port, wake[2];
    pthread_t thread;
    pthread_mutex_t lock;
    enum lw_peer_way way; /* from here on guarded by lock */
    char *reply;
    struct {
        char *start, *reply;
    } route[16];
    size_t nroutes;
    char *request;
    size_t len;
    unsigned count;
};

static void peer_die(const char *what) {
    fprintf(stderr, "http_peer: %s: %s\n", what, strerror(errno));
    abort();
}

static int listen_on_any(int *port) {
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
        listen(fd, 16) < 0 || getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
        peer_die("listen");
    *port = ntohs(addr.sin_port);
    return fd;
}

int lw_peer_free_port(void) {
    int port;
    close(listen_on_any(&port));
    return port;
}

/* Waits until fd is ready; false when the peer is stopped. */
static bool wait_for(const struct lw_peer *p, int fd, short events) {
    struct pollfd set[2] = {{.fd = fd, .events = events},
                            {.fd = p->wake[0], .events = POLLIN}};
    while (poll(set, 2, -1) < 0)
        if (errno != EINTR)
            peer_die("poll");
    return (set[1].revents & POLLIN) == 0;
}

/* Length of head and body once both are complete, else 0. */
static size_t request_length(const char *text, size_t len) {
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL)
        return 0;
    size_t body = 0;
    for (const char *p = text; p < end; p++)
        if (*p == '\n' && strncasecmp(p + 1, "content-length:", 15) == 0)
            body = strtoul(p + 16, NULL, 10);
    size_t all = (size_t)(end - text) + 4 + body;
    return len >= all ? all : 0;
}

static bool read_request(struct lw_peer *p, int fd) {
    char *text = calloc(1, REQUEST_MAX + 1);
    size_t len = 0;
    if (text == NULL)
        peer_die("calloc");
    while (request_length(text, len) == 0 && len < REQUEST_MAX) {
        ssize_t n =
            wait_for(p, fd, POLLIN) ? recv(fd, text + len, REQUEST_MAX - len, 0) : -1;
        if (n <= 0) {
            free(text);
            return false;
        }
        len += (size_t)n;
    }
    pthread_mutex_lock(&p->lock);
    free(p->request);
    p->request = text;
    p->len = len;
    p->count++;
    pthread_mutex_unlock(&p->lock);
    return true;
}

static bool send_all(const struct lw_peer *p, int fd, const char *text, size_t len) {
    while (len > 0) {
        if (!wait_for(p, fd, POLLOUT))
            return false;
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Keeps the connection until the other side or the test ends it. */
static void connection_keep(const struct lw_peer *p, int fd) {
    char byte[256];
    while (wait_for(p, fd, POLLIN))
        if (recv(fd, byte, sizeof byte, 0) <= 0)
            return;
}

static void connection_reset(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void connection_answer(const struct lw_peer *p, int fd, enum lw_peer_way way,
                              const char *reply) {
    static const char line[] = "X-Filler: 0123456789012345678901234567890123456789\r\n";
    static const char status[] = "HTTP/1.1 200 OK\r\n";
    if (way == LW_PEER_ENDLESS_HEADER)
        reply = status;
    if (way == LW_PEER_HANG || way == LW_PEER_DEAF ||
        !send_all(p, fd, reply, strlen(reply))) {
        connection_keep(p, fd);
        return;
    }
    if (way == LW_PEER_RESET)
        connection_reset(fd);
    if (way == LW_PEER_STALL)
        connection_keep(p, fd);
    while (way == LW_PEER_ENDLESS_BODY || way == LW_PEER_ENDLESS_HEADER)
        if (!send_all(p, fd, line, sizeof line - 1))
            return;
    if (way == LW_PEER_REPLY) {
        shutdown(fd, SHUT_WR);
        connection_keep(p, fd);
    }
}

/* The reply to the newest request, if a route matches. */
static void follow_route(struct lw_peer *p, enum lw_peer_way *way, char **reply) {
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->nroutes && p->request != NULL; i++) {
        if (strncmp(p->request, p->route[i].start, strlen(p->route[i].start)) != 0)
            continue;
        free(*reply);
        *reply = strdup(p->route[i].reply);
        *way = LW_PEER_REPLY;
        break;
    }
    pthread_mutex_unlock(&p->lock);
}

static void *peer_serve(void *arg) {
    struct lw_peer *p = arg;
    while (wait_for(p, p->listener, POLLIN)) {
        int fd = accept(p->listener, NULL, NULL);
        if (fd < 0)
            continue;
        pthread_mutex_lock(&p->lock);
        enum lw_peer_way way = p->way;
        char *reply = strdup(p->reply);
        pthread_mutex_unlock(&p->lock);
        if (way == LW_PEER_DEAF) {
            connection_answer(p, fd, way, reply);
        } else if (read_request(p, fd)) {
            follow_route(p, &way, &reply);
            connection_answer(p, fd, way, reply);
        }
        free(reply);
        close(fd);
    }
    return NULL;
}

struct lw_peer *lw_peer_start(enum lw_peer_way way, const char *reply) {
    struct lw_peer *p = calloc(1, sizeof *p);
    if (p == NULL || pipe(p->wake) < 0)
        peer_die("start");
    p->listener = listen_on_any(&p->port);
    p->way = way;
    p->reply = strdup(reply);
    pthread_mutex_init(&p->lock, NULL);
    if (pthread_create(&p->thread, NULL, peer_serve, p) != 0)
        peer_die("thread");
    return p;
}

void lw_peer_stop(struct lw_peer *p) {
    if (write(p->wake[1], "", 1) != 1)
        peer_die("stop");
    pthread_join(p->thread, NULL);
    close(p->listener);
    close(p->wake[0]);
    close(p->wake[1]);
    pthread_mutex_destroy(&p->lock);
    for (size_t i = 0; i < p->nroutes; i++) {
        free(p->route[i].start);
        free(p->route[i].reply);
    }
    free(p->reply);
    free(p->request);
    free(p);
}

int lw_peer_port(const struct lw_peer *p) {
    return p->port;
}

void lw_peer_change(struct lw_peer *p, enum lw_peer_way way, const char *reply) {
    pthread_mutex_lock(&p->lock);
    free(p->reply);
    p->reply = strdup(reply);
    p->way = way;
    pthread_mutex_unlock(&p->lock);
}

void lw_peer_route(struct lw_peer *p, const char *start, const char *reply) {
    pthread_mutex_lock(&p->lock);
    if (p->nroutes == sizeof p->route / sizeof *p->route)
        peer_die("more routes than a peer has");
    p->route[p->nroutes].start = strdup(start);
    p->route[p->nroutes++].reply = strdup(reply);
    pthread_mutex_unlock(&p->lock);
}

unsigned lw_peer_count(struct lw_peer *p) {
    pthread_mutex_lock(&p->lock);
    unsigned n = p->count;
    pthread_mutex_unlock(&p->lock);
    return n;
}

char *lw_peer_request(struct lw_peer *p, size_t *len) {
    pthread_mutex_lock(&p->lock);
    size_t n = p->request != NULL ? p->len : 0;
    char *copy = calloc(1, n + 1);
    if (copy != NULL && n > 0)
        memcpy(copy, p->request, n);
    pthread_mutex_unlock(&p->lock);
    if (len != NULL)
        *len = n;
    return copy;
}
