/* See redis_liar.h. */
#include "support/redis_liar.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS_MAX 4096

struct redis_liar {
    int fd, port;
    char url[64];
    pthread_t accepting, thread[THREADS_MAX];
    int nthreads;
    atomic_bool stop;
    pthread_mutex_t lock; /* guards the following members */
    const char *verb, *bytes;
    size_t len;
    int lies;
};

/* Bytes read but not yet consumed. */
struct stream {
    int fd;
    char *data;
    size_t at, len, cap;
};

static bool stream_read(struct stream *s) {
    if (s->at > 0) {
        memmove(s->data, s->data + s->at, s->len - s->at);
        s->len -= s->at;
        s->at = 0;
    }
    if (s->cap - s->len < 65536) {
        s->cap = 2 * s->cap + 65536;
        s->data = realloc(s->data, s->cap);
    }
    ssize_t n = read(s->fd, s->data + s->len, s->cap - s->len);
    s->len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The end of the value that begins at `from` (after s->at); 0: the peer closed. */
static size_t value_end(struct stream *s, size_t from) {
    size_t i = from;
    for (;; i++) {
        while (s->at + i + 1 >= s->len)
            if (!stream_read(s))
                return 0;
        if (s->data[s->at + i] == '\r' && s->data[s->at + i + 1] == '\n')
            break;
    }
    char kind = s->data[s->at + from];
    long n = strtol(s->data + s->at + from + 1, NULL, 10);
    size_t end = i + 2;
    if (kind == '$' && n >= 0) {
        end += (size_t)n + 2;
        while (s->at + end > s->len)
            if (!stream_read(s))
                return 0;
    }
    for (long k = 0; kind == '*' && k < n; k++)
        if (!(end = value_end(s, end)))
            return 0;
    return end;
}

static bool send_all(int fd, const char *data, size_t len) {
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static int redis_dial(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Does the command "*3\r\n$4\r\nHGET\r\n..." begin with the verb? */
static bool is_verb(const char *command, const char *verb) {
    const char *word = strchr(command, '\n');
    word = word ? strchr(word + 1, '\n') : NULL;
    size_t n = strlen(verb);
    return word && strncasecmp(word + 1, verb, n) == 0 && (n == 0 || word[1 + n] == '\r');
}

static bool command_answer(struct redis_liar *l, const char *command, int fd,
                           const char *truth, size_t len) {
    pthread_mutex_lock(&l->lock);
    bool lie = l->verb && is_verb(command, l->verb);
    const char *bytes = lie ? l->bytes : truth;
    len = lie ? l->len : len;
    l->lies += lie;
    pthread_mutex_unlock(&l->lock);
    return bytes && send_all(fd, bytes, len);
}

struct pair {
    struct redis_liar *liar;
    int fd;
};

static void *client_serve(void *arg) {
    struct pair *p = arg;
    struct stream in = {.fd = p->fd}, out = {.fd = redis_dial(p->liar->port)};
    bool goes_on = out.fd >= 0;
    while (goes_on) {
        size_t asked = value_end(&in, 0);
        if (!asked || !send_all(out.fd, in.data + in.at, asked))
            break;
        size_t len = value_end(&out, 0);
        goes_on = len &&
                  command_answer(p->liar, in.data + in.at, p->fd, out.data + out.at, len);
        in.at += asked;
        out.at += len;
    }
    close(p->fd);
    close(out.fd);
    free(in.data);
    free(out.data);
    free(p);
    return NULL;
}

static void *accept_all(void *arg) {
    struct redis_liar *l = arg;
    while (!atomic_load(&l->stop) && l->nthreads < THREADS_MAX) {
        int fd = accept(l->fd, NULL, NULL);
        if (fd < 0)
            break;
        struct pair *p = malloc(sizeof *p);
        *p = (struct pair){l, fd};
        pthread_create(&l->thread[l->nthreads++], NULL, client_serve, p);
    }
    return NULL;
}

struct redis_liar *redis_liar_start(int port) {
    struct redis_liar *l = calloc(1, sizeof *l);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    l->port = port;
    pthread_mutex_init(&l->lock, NULL);
    l->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(l->fd, (struct sockaddr *)&a, sizeof a) || listen(l->fd, 64) ||
        getsockname(l->fd, (struct sockaddr *)&a, &size)) {
        perror("redis_liar");
        abort();
    }
    snprintf(l->url, sizeof l->url, "redis://127.0.0.1:%d", ntohs(a.sin_port));
    pthread_create(&l->accepting, NULL, accept_all, l);
    return l;
}

/* All clients must have closed their connections. */
void redis_liar_stop(struct redis_liar *l) {
    atomic_store(&l->stop, true);
    shutdown(l->fd, SHUT_RDWR);
    pthread_join(l->accepting, NULL);
    for (int i = 0; i < l->nthreads; i++)
        pthread_join(l->thread[i], NULL);
    close(l->fd);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

const char *redis_liar_url(const struct redis_liar *l) {
    return l->url;
}

void redis_liar_say(struct redis_liar *l, const char *verb, const char *bytes,
                    size_t len) {
    pthread_mutex_lock(&l->lock);
    l->verb = verb;
    l->bytes = bytes;
    l->len = len;
    l->lies = 0;
    pthread_mutex_unlock(&l->lock);
}

int redis_liar_lies(struct redis_liar *l) {
    pthread_mutex_lock(&l->lock);
    int n = l->lies;
    pthread_mutex_unlock(&l->lock);
    return n;
}
