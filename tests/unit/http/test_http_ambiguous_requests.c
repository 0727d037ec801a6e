/* Requests that two parsers read differently are refused with 400 and the connection is
 * closed, so that the bytes that follow are not interpreted as a request. */
#include "http_test.h"

static int start(void **state) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    fixture_load(f, "redis://127.0.0.1:1");
    fixture_token(f, TOKEN "\n");
    fixture_start(f);
    *state = f;
    return 0;
}

static int stop(void **state) {
    fixture_stop(*state);
    free(*state);
    return 0;
}

#define H    "Host: localhost\r\n"
#define GET  "GET /api/v1/now HTTP/1.1\r\n"
#define POST "POST /api/v1/predict HTTP/1.1\r\n" H JSON
#define TE   "Transfer-Encoding: chunked\r\n"
#define NEXT "GET /healthz HTTP/1.1\r\n" H "\r\n" /* the request to smuggle */
#define RAW(text)                                                                        \
    { text, sizeof(text) - 1 }

struct bytes {
    const char *text;
    size_t len;
};

/* Sends the bytes; returns the status of the first answer, and whether the connection
 * ends. */
static int status_of(struct fixture *f, const struct bytes *b, bool *ended) {
    struct http_client c;
    struct http_answer a, next;
    http_connect(&c, f->port);
    http_send(&c, b->text, b->len);
    http_answer(&c, &a, false);
    *ended = a.closed;
    if (a.status == 400 && !a.closed) { /* libmicrohttpd closes after its own answers */
        http_answer(&c, &next, false);
        *ended = next.status == 0;
        http_answer_fini(&next);
    }
    http_answer_fini(&a);
    http_close(&c);
    return a.status;
}

static void ambiguous_requests_are_refused(void **state) {
    static const struct bytes bad[] = {
        RAW(POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 2, 2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: +2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 0x2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 2 2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: \r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 4\r\n" TE "\r\n2\r\n{}\r\n0\r\n\r\n" NEXT),
        RAW(POST TE "Content-Length: 4\r\n\r\n2\r\n{}\r\n0\r\n\r\n" NEXT),
        RAW(POST TE TE "\r\n2\r\n{}\r\n0\r\n\r\n" NEXT),
        RAW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        RAW(POST "Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        RAW(POST "Transfer-Encoding : chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        RAW("POST /api/v1/predict HTTP/1.0\r\n" JSON TE "\r\n2\r\n{}\r\n0\r\n\r\n"),
        RAW(POST TE "\r\nzz\r\n{}\r\n0\r\n\r\n"),
        RAW(POST TE "\r\n-2\r\n{}\r\n0\r\n\r\n"),
        RAW(POST TE "\r\n0x2\r\n{}\r\n0\r\n\r\n"),
        RAW(POST TE "\r\n 2\r\n{}\r\n0\r\n\r\n"),
        RAW(POST TE "\r\n2\r\n{}XX0\r\n\r\n"),
        RAW(GET H H "\r\n" NEXT),
        RAW(GET H "Host: evil.example\r\n\r\n" NEXT),
        RAW(GET "\r\n" NEXT),
        RAW(GET "Host: a@localhost\r\n\r\n" NEXT),
        RAW(GET "Host: localhost, evil.example\r\n\r\n" NEXT),
        RAW(GET "Host: localhost\0.evil.example\r\n\r\n" NEXT),
        RAW("GET /api/v1/now%00x HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now?x=%00 HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now\0x HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GE\0T /api/v1/now HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now%zz HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/n\001ow HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now#x HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now x HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET  /api/v1/now HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET http://localhost/api/v1/now HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET http://evil.example/api/v1/now HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("OPTIONS * HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("CONNECT localhost:1 HTTP/1.1\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now HTTP/1.2\r\n" H "\r\n" NEXT),
        RAW("GET /api/v1/now\r\n" H "\r\n" NEXT),
        RAW(GET H "X: a\0b\r\n\r\n" NEXT),
        RAW(GET "X: a\0b\r\n" H "\r\n" NEXT),
        RAW(GET H "X\0Y: a\r\n\r\n" NEXT),
        RAW(GET H "X: a\001b\r\n\r\n" NEXT),
        RAW(GET H "X: a\033b\r\n\r\n" NEXT),
        RAW(GET H "X: a\177b\r\n\r\n" NEXT),
        RAW(GET H "X: a\rb\r\n\r\n" NEXT),
        RAW(GET H "X: a\r\n b\r\n\r\n" NEXT),
        RAW(GET "Host:\r\n localhost\r\n\r\n" NEXT),
        RAW(GET " X: a\r\n" H "\r\n" NEXT),
        RAW(GET "X: a\n" H "\r\n" NEXT),
        RAW(GET H "X: a\n\r\n" NEXT),
        RAW(GET H "X: a\n\r\n"),
        RAW(GET H "X: a\0\r\n\r\n"),
        RAW("GET /api/v1/now HTTP/1.1\nHost: localhost\n\n" NEXT),
        RAW(GET H "X Y: a\r\n\r\n" NEXT),
        RAW(GET H ": a\r\n\r\n" NEXT),
        RAW(GET H "nonsense\r\n\r\n" NEXT),
        RAW(GET H AUTH AUTH "\r\n" NEXT),
    };
    bool ended;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status = status_of(*state, &bad[i], &ended);
        if (status && status / 100 != 4 && status != 505) /* 0: just closed */
            fail_msg("%zu, \"%.60s\": %d", i, bad[i].text, status);
        if (!ended)
            fail_msg("%zu, \"%.60s\": the connection stays open", i, bad[i].text);
    }
}

static uint64_t counted(struct fixture *f) {
    static const char name[] = "leeway_http_refused_total{reason=\"malformed\"} ";
    struct http_answer a;
    http_ask(f->port, "GET", "/metrics", "", NULL, &a);
    const char *at = a.body ? strstr(a.body, name) : NULL;
    assert_non_null(at);
    uint64_t n = strtoull(at + sizeof name - 1, NULL, 10);
    http_answer_fini(&a);
    return n;
}

/* Also if libmicrohttpd refuses it before we see it. */
static void refused_requests_are_counted(void **state) {
    static const struct bytes bad[] = {
        RAW(POST "Content-Length: +2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: abc\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 0x2\r\n\r\n{}" NEXT),
        RAW(POST "Content-Length: 99999999999999999999999\r\n\r\n{}" NEXT),
        RAW(POST TE "\r\nzz\r\n{}\r\n0\r\n\r\n"),
        RAW(GET H H "\r\n" NEXT),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t before = counted(*state);
        struct http_client c;
        http_connect(&c, ((struct fixture *)*state)->port);
        http_send(&c, bad[i].text, bad[i].len);
        assert_true(http_closes(&c, 10000));
        http_close(&c);
        if (counted(*state) != before + 1)
            fail_msg("%zu, \"%.90s\": not counted once", i, bad[i].text);
    }
}

static void unambiguous_requests_are_answered(void **state) {
    static const struct bytes good[] = {
        RAW(GET H "\r\n"),
        RAW(GET H "X:  a b\t\r\nY:\r\nZ: \303\244\r\n\r\n"),
        RAW("GET /api/v1/now HTTP/1.0\r\n\r\n"),
        RAW("GET /api/v1/now?a=%20&b=c+d HTTP/1.1\r\n" H "\r\n"),
        RAW(POST "Content-Length: 2\r\n\r\n{}"),
        RAW(POST "Content-Length: 002\r\n\r\n{}"),
        RAW(POST TE "\r\n1\r\n{\r\n01\r\n}\r\n0\r\n\r\n"),
    };
    bool ended;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int status = status_of(*state, &good[i], &ended);
        if (status != 503) /* without Redis */
            fail_msg("%zu, \"%.60s\": %d", i, good[i].text, status);
    }
}

/* The head is contiguous in memory, at any size, over many requests. */
static void large_heads_are_read_in_place(void **state) {
    struct fixture *f = *state;
    struct http_client c;
    struct http_answer a;
    char *line = lw_malloc(28001);
    memset(line, 'a', 28000);
    http_connect(&c, f->port);
    for (size_t n = 1; n <= 28000; n = n * 3 / 2 + 1) {
        line[n] = '\0';
        http_say(&c, GET "X: ");
        http_say(&c, line);
        http_say(&c, "\r\n" H "\r\n");
        http_answer(&c, &a, false);
        line[n] = 'a';
        if (a.status != 503)
            fail_msg("a header of %zu bytes: %d", n, a.status);
        http_answer_fini(&a);
    }
    http_close(&c);
    free(line);
}

/* With any byte at any position of a valid head, the answer is the usual one or a
 * refusal; a NUL, a bare CR or a bare LF is always refused. */
static void any_byte_anywhere_is_refused_or_harmless(void **state) {
    static const char head[] = GET H "Accept: a/b\r\n\r\n";
    static const char hard[] = {'\0', '\r', '\n', '\001', '\177', '\v'};
    char text[sizeof head];
    bool ended;
    for (size_t at = 0; at + 4 < sizeof head - 1; at++)
        for (size_t k = 0; k < sizeof hard; k++) {
            struct bytes b = {text, sizeof head - 1};
            memcpy(text, head, sizeof head);
            if (text[at] == '\r' || text[at] == '\n')
                continue;
            text[at] = hard[k];
            int status = status_of(*state, &b, &ended);
            bool leading = at == 0 && (hard[k] == '\n' || hard[k] == '\r');
            if (status && status / 100 != 4 && status != 505 && !leading)
                fail_msg("byte %d at %zu: %d", hard[k], at, status);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ambiguous_requests_are_refused),
        cmocka_unit_test(refused_requests_are_counted),
        cmocka_unit_test(unambiguous_requests_are_answered),
        cmocka_unit_test(large_heads_are_read_in_place),
        cmocka_unit_test(any_byte_anywhere_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
