/* A load generator for HTTP/1.1 with keep-alive: one thread, epoll, a fixed number of
 * connections, one outstanding request each (no pipelining). Every response is read
 * completely and checked: status 200 and a model version.
 *
 *   bench_http_load PORT PATH BODIES CONNECTIONS SECONDS [PROMOTE]
 *
 * BODIES is a file with one JSON record per line; connections use them in turn.
 * PROMOTE is a file that is created at half time, so that a script waiting for it can
 * promote a version in the middle. Prints one JSON object. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODIES_MAX 10000
#define BUCKETS    2000000 /* microseconds */
#define VERSIONS   16

struct request {
    char *text;
    size_t len;
};

struct connection {
    int fd;
    const struct request *request;
    size_t sent, got;
    int64_t began_us;
    char in[4096];
};

static struct request requests[BODIES_MAX];
static size_t nrequests, next_request;
static uint32_t histogram[BUCKETS + 1];
static uint64_t done, failed, by_version[VERSIONS];

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void load_die(const char *what) {
    fprintf(stderr, "bench_http_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_bodies(const char *file, const char *path) {
    static char line[65536], head[512];
    FILE *f = fopen(file, "r");
    if (!f)
        load_die(file);
    while (nrequests < BODIES_MAX && fgets(line, sizeof line, f)) {
        size_t len = strcspn(line, "\n");
        int n = snprintf(head, sizeof head,
                         "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                         path, len);
        struct request *r = &requests[nrequests++];
        r->len = (size_t)n + len;
        r->text = malloc(r->len);
        if (!r->text)
            load_die("memory");
        memcpy(r->text, head, (size_t)n);
        memcpy(r->text + n, line, len);
    }
    fclose(f);
    if (nrequests == 0)
        load_die("no bodies");
}

static int open_connection(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        load_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static bool connection_send(struct connection *c) {
    while (c->sent < c->request->len) {
        ssize_t n = send(c->fd, c->request->text + c->sent, c->request->len - c->sent,
                         MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        c->sent += (size_t)n;
    }
    return true;
}

static bool connection_begin(struct connection *c) {
    c->request = &requests[next_request++ % nrequests];
    c->sent = c->got = 0;
    c->began_us = now_us();
    return connection_send(c);
}

/* 0: incomplete, 1: a valid response, -1: an invalid one. */
static int response_check(const struct connection *c) {
    const char *end = strstr(c->in, "\r\n\r\n"), *length;
    if (!end)
        return 0;
    length = strstr(c->in, "\r\nContent-Length: ");
    if (!length)
        length = strstr(c->in, "\r\ncontent-length: ");
    if (!length || length > end)
        return -1;
    size_t whole = (size_t)(end + 4 - c->in) + strtoul(length + 18, NULL, 10);
    if (c->got < whole)
        return 0;
    const char *version = strstr(end, "\"model_version\":");
    unsigned long v = version ? strtoul(version + 16, NULL, 10) : 0;
    if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0 || v == 0 || v >= VERSIONS ||
        c->got != whole)
        return -1;
    by_version[v]++;
    return 1;
}

/* False: the connection cannot be used any more. */
static bool connection_receive(struct connection *c) {
    for (;;) {
        ssize_t n = recv(c->fd, c->in + c->got, sizeof c->in - 1 - c->got, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        c->got += (size_t)n;
        c->in[c->got] = '\0';
        int good = response_check(c);
        if (good == 0)
            continue;
        int64_t took = now_us() - c->began_us;
        histogram[took < BUCKETS ? took : BUCKETS]++;
        done++;
        failed += good < 0;
        if (good < 0 || !connection_begin(c))
            return false;
    }
}

static double latency_percentile(double share) {
    uint64_t want = (uint64_t)((double)done * share), sum = 0;
    for (size_t i = 0; i <= BUCKETS; i++) {
        sum += histogram[i];
        if (sum > want)
            return (double)i / 1000;
    }
    return 0;
}

static void mark_half(const char *path) {
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

static void load_run(struct connection *c, int n, int port, double seconds,
                     const char *promote) {
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[256];
    for (int i = 0; i < n; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &c[i]};
        c[i].fd = open_connection(port);
        if (epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e) != 0 || !connection_begin(&c[i]))
            load_die("connection");
    }
    int64_t began = now_us(), half = began + (int64_t)(seconds * 5e5);
    int64_t end = began + (int64_t)(seconds * 1e6), now = began;
    while (now < end) {
        int ready = epoll_wait(ep, events, 256, 100);
        for (int i = 0; i < ready; i++) {
            struct connection *at = events[i].data.ptr;
            if (connection_receive(at))
                continue;
            failed++;
            close(at->fd);
            at->fd = open_connection(port);
            struct epoll_event e = {.events = EPOLLIN, .data.ptr = at};
            if (epoll_ctl(ep, EPOLL_CTL_ADD, at->fd, &e) != 0 || !connection_begin(at))
                load_die("connection");
        }
        now = now_us();
        if (promote && now >= half) {
            mark_half(promote);
            promote = NULL;
        }
    }
    double took = (double)(now - began) / 1e6;
    printf(
        "{\"requests\": %llu, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, "
        "\"p999_ms\": %.3f, \"failed\": %llu, \"by_version\": {",
        (unsigned long long)done, (double)done / took, latency_percentile(0.5),
        latency_percentile(0.99), latency_percentile(0.999), (unsigned long long)failed);
    const char *comma = "";
    for (int v = 0; v < VERSIONS; v++)
        if (by_version[v]) {
            printf("%s\"%d\": %llu", comma, v, (unsigned long long)by_version[v]);
            comma = ", ";
        }
    printf("}}\n");
    close(ep);
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(
            stderr,
            "usage: bench_http_load PORT PATH BODIES CONNECTIONS SECONDS [PROMOTE]\n");
        return 2;
    }
    int n = atoi(argv[4]);
    read_bodies(argv[3], argv[2]);
    struct connection *c = calloc((size_t)(n > 0 ? n : 1), sizeof *c);
    if (!c || n < 1)
        load_die("connections");
    load_run(c, n, atoi(argv[1]), atof(argv[5]), argc > 6 ? argv[6] : NULL);
    for (int i = 0; i < n; i++)
        close(c[i].fd);
    free(c);
    for (size_t i = 0; i < nrequests; i++)
        free(requests[i].text);
    return failed ? 1 : 0;
}
