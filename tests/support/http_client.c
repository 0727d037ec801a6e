/* See http_client.h. */
#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

#define WAIT_MS 10000

void http_connect(struct http_client *c, int port) {
    http_connect_from(c, port, "127.0.0.1");
}

void http_connect_from(struct http_client *c, int port, const char *from) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in own = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *c = (struct http_client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    lw_assert(c->fd >= 0 && inet_pton(AF_INET, from, &own.sin_addr) == 1);
    lw_assert(bind(c->fd, (const struct sockaddr *)&own, sizeof own) == 0);
    lw_assert(connect(c->fd, (const struct sockaddr *)&to, sizeof to) == 0);
}

void http_close(struct http_client *c) {
    close(c->fd);
    free(c->data);
    *c = (struct http_client){.fd = -1};
}

/* Some tests expect that the server has already closed. */
void http_send(struct http_client *c, const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

void http_say(struct http_client *c, const char *text) {
    http_send(c, text, strlen(text));
}

/* Receives more bytes; false at the end or after the deadline (monotonic ms). */
static bool client_receive(struct http_client *c, int64_t until) {
    char part[65536];
    int64_t left = until - lw_mono_ms();
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    if (left <= 0 || poll(&p, 1, (int)left) != 1)
        return false;
    ssize_t n = recv(c->fd, part, sizeof part, 0);
    if (n <= 0)
        return false;
    c->data = lw_realloc(c->data, c->len + (size_t)n + 1, 1);
    memcpy(c->data + c->len, part, (size_t)n);
    c->len += (size_t)n;
    c->data[c->len] = '\0';
    return true;
}

static void client_consume(struct http_client *c, size_t n) {
    memmove(c->data, c->data + n, c->len - n + 1);
    c->len -= n;
}

const char *http_header(const struct http_answer *a, const char *name, char *out,
                        size_t size) {
    size_t n = strlen(name);
    for (const char *line = strstr(a->head, "\r\n"); line;
         line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':') {
            const char *value = line + 3 + n + strspn(line + 3 + n, " ");
            snprintf(out, size, "%.*s", (int)strcspn(value, "\r"), value);
            return out;
        }
    return NULL;
}

static void take_head(struct http_client *c, struct http_answer *out) {
    size_t n = (size_t)(strstr(c->data, "\r\n\r\n") + 4 - c->data);
    size_t kept = n < sizeof out->head - 1 ? n : sizeof out->head - 1;
    memcpy(out->head, c->data, kept);
    out->head[kept] = '\0';
    client_consume(c, n);
    if (sscanf(out->head, "HTTP/1.1 %d", &out->status) != 1)
        out->status = -1;
}

void http_answer(struct http_client *c, struct http_answer *out, bool head_only) {
    int64_t until = lw_mono_ms() + WAIT_MS;
    char value[64];
    *out = (struct http_answer){0};
    do { /* skips an interim "100 Continue" */
        while (!c->data || !strstr(c->data, "\r\n\r\n"))
            if (!client_receive(c, until)) {
                out->closed = true;
                return;
            }
        take_head(c, out);
    } while (out->status == 100);
    const char *len = http_header(out, "Content-Length", value, sizeof value);
    out->len = len && !head_only ? strtoul(len, NULL, 10) : 0;
    while (c->len < out->len && client_receive(c, until))
        ;
    if (c->len < out->len)
        out->len = c->len;
    out->body = lw_strndup(c->data ? c->data : "", out->len);
    if (c->data)
        client_consume(c, out->len);
    const char *connection = http_header(out, "Connection", value, sizeof value);
    out->closed = connection && strcasecmp(connection, "close") == 0;
}

void http_answer_fini(struct http_answer *a) {
    free(a->body);
    a->body = NULL;
}

bool http_wait_text(struct http_client *c, const char *text) {
    int64_t until = lw_mono_ms() + WAIT_MS;
    while (!c->data || !strstr(c->data, text))
        if (!client_receive(c, until))
            return false;
    return true;
}

bool http_closes(struct http_client *c, int ms) {
    int64_t until = lw_mono_ms() + ms;
    while (client_receive(c, until))
        ;
    return lw_mono_ms() < until;
}

void http_ask(int port, const char *method, const char *path, const char *headers,
              const char *body, struct http_answer *out) {
    struct http_client c;
    char head[8192], length[64] = "";
    if (body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", method,
             path, headers, length);
    http_connect(&c, port);
    http_say(&c, head);
    if (body)
        http_say(&c, body);
    http_answer(&c, out, strcmp(method, "HEAD") == 0);
    http_close(&c);
}
