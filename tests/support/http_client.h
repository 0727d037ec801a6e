/* A raw HTTP/1.1 client for tests of the server: it sends exactly the given bytes and
 * reads one response at a time. */
#ifndef LW_TESTS_SUPPORT_HTTP_CLIENT_H
#define LW_TESTS_SUPPORT_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct http_client {
    int fd;
    char *data; /* received, not yet consumed */
    size_t len;
};

struct http_answer {
    int status; /* 0: the connection was closed, or a timeout */
    char head[4096];
    char *body; /* NUL-terminated */
    size_t len;
    bool closed; /* by the server, after this */
};

void http_connect(struct http_client *c, int port);
/* Connects from another address, for instance 127.0.0.2. */
void http_connect_from(struct http_client *c, int port, const char *from);
void http_close(struct http_client *c);
void http_send(struct http_client *c, const void *data, size_t len);
void http_say(struct http_client *c, const char *text);
/* Reads the next response; head_only: without its body. Waits at most 10 s. */
void http_answer(struct http_client *c, struct http_answer *out, bool head_only);
void http_answer_fini(struct http_answer *a);
/* Waits for the text; false after 10 s or at the end of the connection. */
bool http_wait_text(struct http_client *c, const char *text);
/* True if the server closes within ms (data before that is dropped). */
bool http_closes(struct http_client *c, int ms);

/* One request on a new connection. method and path, further header lines each
 * ending in \r\n (or ""), and a body or NULL. */
void http_ask(int port, const char *method, const char *path, const char *headers,
              const char *body, struct http_answer *out);
/* A header's value in the response, or NULL; out has size bytes. */
const char *http_header(const struct http_answer *a, const char *name, char *out,
                        size_t size);

#endif
