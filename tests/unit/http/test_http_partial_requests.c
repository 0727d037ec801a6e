/* Clients that stop within their first bytes, in every way: even more of them than
 * connections leave no descriptor open, and the next client is answered. */
#include "http_test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/pki.h"

#define CLIENTS 60 /* more than a few places and LW_EXTRA_PLACES */
#define FEW     4
#define H       "Host: localhost\r\n"

enum ending { ENDS, RESETS, ENDS_HALF, STAYS };

static void begin(struct fixture *f, int connections, int64_t timeout_ms) {
    fixture_load(f, "redis://127.0.0.1:1");
    f->config->http.connections = connections;
    f->config->http.timeout_ms = timeout_ms;
    fixture_start(f);
}

/* ---- descriptors ---- */

static int open_files(void) {
    DIR *d = opendir("/proc/self/fd");
    int n = -3; /* ., .. and this one */
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* The server's ends: sockets on its port that have a peer. */
static int open_sockets(int port) {
    int n = 0;
    for (int fd = 0; fd < 4096; fd++) {
        struct sockaddr_in at = {0};
        socklen_t len = sizeof at;
        if (getsockname(fd, (struct sockaddr *)&at, &len) || at.sin_family != AF_INET ||
            ntohs(at.sin_port) != port)
            continue;
        int listens = 0;
        len = sizeof listens;
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
        n += !listens;
    }
    return n;
}

static void wait_for_none(int port, const char *what, enum ending ending) {
    int n = 0;
    for (int i = 0; i < 500; i++) {
        n = open_sockets(port);
        if (n == 0)
            return;
        lw_sleep_ms(20);
    }
    fail_msg("\"%s\", ending %d: %d descriptors are still open", what, (int)ending, n);
}

/* ---- clients ---- */

static void disconnect_all(struct http_client *c, enum ending ending) {
    struct linger now = {.l_onoff = 1};
    if (ending == RESETS)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (ending == ENDS_HALF)
        shutdown(c->fd, SHUT_WR);
    else if (ending != STAYS)
        http_close(c);
}

/* All clients at once, then one after the other, with the n texts in turn. */
static void flood(int port, const char *const *text, size_t n, enum ending ending) {
    struct http_client c[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        http_connect(&c[i], port);
        http_say(&c[i], text[i % n]);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        disconnect_all(&c[i], ending);
    wait_for_none(port, text[0], ending);
    for (size_t i = 0; i < CLIENTS && c[i].fd >= 0; i++)
        http_close(&c[i]);
    for (size_t i = 0; i < CLIENTS && ending != STAYS; i++) {
        http_connect(&c[i], port);
        http_say(&c[i], text[i % n]);
        disconnect_all(&c[i], ending);
        if (c[i].fd >= 0)
            http_close(&c[i]);
    }
}

static int status_of(int port, const char *path) {
    struct http_answer a;
    http_ask(port, "GET", path, "", NULL, &a);
    int status = a.status;
    http_answer_fini(&a);
    return status;
}

static void all_answers(int port) {
    for (int i = 0; i < 3; i++) {
        assert_int_equal(status_of(port, "/healthz"), 200);
        assert_int_equal(status_of(port, "/metrics"), 200);
        assert_int_equal(status_of(port, "/"), 200);
        assert_int_equal(status_of(port, "/api/v1/now"), 503); /* Redis is down */
    }
}

static const char *const prefixes[] = {
    "",
    "G",
    "GET /h",
    "GET /metr",
    "HEAD /r",
    "GET /healthz",
    "GET /healthz?", /* from here on another thread handles it */
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n",
    "GET /api/v1/now HTTP/1.1\r\nHo",
    "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    "\r\n",
    "nonsense",
};
#define PREFIXES (sizeof prefixes / sizeof *prefixes)

/* The timeout is an hour, so that the client's close alone must be enough. */
static void clients_that_close_early_are_dropped(void **state) {
    (void)state;
    struct fixture f;
    begin(&f, FEW, LW_HOUR);
    for (size_t i = 0; i < PREFIXES; i++)
        for (enum ending e = ENDS; e < STAYS; e++) {
            flood(f.port, &prefixes[i], 1, e);
            all_answers(f.port);
        }
    wait_for_none(f.port, "the last ones", ENDS);
    fixture_stop(&f);
}

/* With few connections new clients replace old ones; with many the deadline ends them. */
static void clients_that_stall_early_are_disconnected(void **state) {
    (void)state;
    static const int places[] = {FEW, 2 * CLIENTS};
    for (int k = 0; k < 2; k++) {
        struct fixture f;
        begin(&f, places[k], 200);
        for (int i = 0; i < 3; i++)
            flood(f.port, prefixes, PREFIXES, STAYS);
        all_answers(f.port);
        fixture_stop(&f);
    }
}

/* A byte now and then does not extend the deadline. */
static void clients_that_send_single_bytes_are_disconnected(void **state) {
    (void)state;
    static const char text[] = "HEAD /metrics";
    struct fixture f;
    struct http_client c[CLIENTS];
    begin(&f, 2 * CLIENTS, 200);
    for (int i = 0; i < CLIENTS; i++)
        http_connect(&c[i], f.port);
    for (size_t k = 0; text[k]; k++) {
        for (int i = 0; i < CLIENTS; i++)
            http_send(&c[i], &text[k], 1);
        lw_sleep_ms(20);
    }
    wait_for_none(f.port, text, STAYS);
    for (int i = 0; i < CLIENTS; i++)
        http_close(&c[i]);
    all_answers(f.port);
    fixture_stop(&f);
}

/* A complete request is answered although its sender has closed its side. */
static void half_closed_requests_are_answered(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET /healthz HTTP/1.1\r\n" H "\r\n", 200},
        {"GET /metrics HTTP/1.1\r\n" H "\r\n", 200},
        {"GET / HTTP/1.1\r\n" H "\r\n", 200},
        {"GET /api/v1/now HTTP/1.1\r\n" H "\r\n", 503},
        {"POST /api/v1/predict HTTP/1.1\r\n" H JSON "Content-Length: 2\r\n\r\n{}", 503},
    };
    struct fixture f;
    begin(&f, FEW, LW_HOUR);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t cut = 0; cut < 16; cut += 3) { /* in one piece, and in two */
            struct http_client c;
            struct http_answer a;
            http_connect(&c, f.port);
            http_send(&c, cases[i].text, cut);
            http_say(&c, cases[i].text + cut);
            shutdown(c.fd, SHUT_WR);
            http_answer(&c, &a, false);
            if (a.status != cases[i].status)
                fail_msg("%s: %d, wanted %d", cases[i].text, a.status, cases[i].status);
            http_answer_fini(&a);
            http_close(&c);
        }
    wait_for_none(f.port, "requests", ENDS_HALF);
    fixture_stop(&f);
}

/* ---- descriptors run out before connections do ---- */

/* In a separate process, so that the limit applies to the server alone. */
static int stall_and_ask(int port, const char *text) {
    static struct http_client c[2 * CLIENTS];
    for (int i = 0; i < 2 * CLIENTS; i++) {
        http_connect(&c[i], port);
        http_say(&c[i], text);
    }
    for (int i = 0; i < 5; i++)
        if (status_of(port, "/healthz") != 200 || status_of(port, "/") != 200)
            return 1;
    return 0;
}

static void without_descriptors_an_old_client_is_disconnected(void **state) {
    (void)state;
    struct fixture f;
    struct rlimit before, few;
    begin(&f, 1000, LW_HOUR);
    for (size_t i = 2; i < PREFIXES; i += 5) { /* here, and there */
        int status = -1;
        pid_t child = fork();
        if (child == 0)
            _exit(stall_and_ask(f.port, prefixes[i]));
        getrlimit(RLIMIT_NOFILE, &before);
        few = before;
        few.rlim_cur = (rlim_t)open_files() + 20;
        setrlimit(RLIMIT_NOFILE, &few);
        waitpid(child, &status, 0);
        setrlimit(RLIMIT_NOFILE, &before);
        assert_int_equal(status, 0);
        wait_for_none(f.port, prefixes[i], ENDS);
    }
    all_answers(f.port);
    fixture_stop(&f);
}

/* ---- TLS ---- */

static int tls_health(int port) {
    gnutls_session_t session;
    gnutls_certificate_credentials_t any;
    struct http_client c;
    char text[64] = "";
    static const char ask[] = "GET /healthz HTTP/1.1\r\n" H "\r\n";
    http_connect(&c, port);
    gnutls_certificate_allocate_credentials(&any);
    gnutls_init(&session, GNUTLS_CLIENT);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, any);
    gnutls_transport_set_int(session, c.fd);
    gnutls_handshake_set_timeout(session, 10000);
    int rc = gnutls_handshake(session);
    if (rc == 0 && gnutls_record_send(session, ask, sizeof ask - 1) > 0)
        gnutls_record_recv(session, text, sizeof text - 1);
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(any);
    http_close(&c);
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : rc;
}

static void begin_tls(struct fixture *f, const char *dir, int64_t timeout_ms) {
    struct lw_config_tls *tls = NULL;
    fixture_load(f, "redis://127.0.0.1:1");
    tls = &f->config->http.tls;
    tls->on = true;
    snprintf(tls->cert_file, sizeof tls->cert_file, "%s/server.pem", dir);
    snprintf(tls->key_file, sizeof tls->key_file, "%s/server.key", dir);
    f->config->http.connections = FEW;
    f->config->http.timeout_ms = timeout_ms;
    fixture_start(f);
}

static void stalled_tls_handshakes_are_disconnected(void **state) {
    (void)state;
    static const char *const hellos[] = {"", "\x16", "\x16\x03\x01\x02", "GET /h"};
    static const char *const made[] = {"ca.pem", "ca.key", "server.pem", "server.key"};
    char dir[] = "/tmp/leeway-first.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    struct pki *ca = pki_new(dir, "ca");
    pki_issue(ca, "server", "DNS:localhost,IP:127.0.0.1", -60, 3600);
    pki_free(ca);
    for (enum ending e = ENDS; e <= STAYS; e++) {
        struct fixture f;
        begin_tls(&f, dir, e == STAYS ? 500 : LW_HOUR);
        for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
            flood(f.port, &hellos[i], 1, e);
            assert_int_equal(tls_health(f.port), 200);
            wait_for_none(f.port, "health", e);
        }
        fixture_stop(&f);
    }
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, made[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

/* No descriptor is open after the server has stopped. */
static void stopping_closes_all_connections(void **state) {
    (void)state;
    struct fixture f;
    struct http_client c[PREFIXES];
    int before = open_files();
    begin(&f, 2 * CLIENTS, LW_HOUR);
    for (size_t i = 0; i < PREFIXES; i++) {
        http_connect(&c[i], f.port);
        http_say(&c[i], prefixes[i]);
    }
    fixture_stop(&f);
    for (size_t i = 0; i < PREFIXES; i++)
        http_close(&c[i]);
    assert_int_equal(open_files(), before);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_that_close_early_are_dropped),
        cmocka_unit_test(clients_that_stall_early_are_disconnected),
        cmocka_unit_test(clients_that_send_single_bytes_are_disconnected),
        cmocka_unit_test(half_closed_requests_are_answered),
        cmocka_unit_test(without_descriptors_an_old_client_is_disconnected),
        cmocka_unit_test(stalled_tls_handshakes_are_disconnected),
        cmocka_unit_test(stopping_closes_all_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
