/* Redis over TLS, with real servers: nothing is sent to a server whose certificate is for
 * another host, not valid now, or of an unknown authority; and each error has its own
 * text. */
#include "store_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "support/pki.h"

#define DAY 86400L

struct server {
    struct redis_server *s;
    int port;
};

static char dir[] = "/tmp/leeway-test-pki-XXXXXX";
static struct pki *ca, *foreign;

static const char *file(const char *name) {
    static char path[8][300];
    static int next;
    char *out = path[next++ % 8];
    snprintf(out, sizeof path[0], "%s/%s", dir, name);
    return out;
}

static struct server start(const char *cert, const char *clients) {
    struct server t = {.port = redis_server_free_port()};
    static char port[8], pem[300], key[300], trusted[300]; /* kept for a restart */
    snprintf(port, sizeof port, "%d", t.port);
    snprintf(pem, sizeof pem, "%s/%s.pem", dir, cert);
    snprintf(key, sizeof key, "%s/%s.key", dir, cert);
    snprintf(trusted, sizeof trusted, "%s/ca.pem", dir);
    const char *extra[] = {"--tls-port",
                           port,
                           "--tls-cert-file",
                           pem,
                           "--tls-key-file",
                           key,
                           "--tls-ca-cert-file",
                           trusted,
                           "--tls-auth-clients",
                           clients,
                           "--user",
                           "team",
                           "on",
                           ">pw",
                           "~*",
                           "&*",
                           "+@all",
                           NULL};
    t.s = redis_server_start(extra);
    if (!t.s) {
        fprintf(stderr, "skipped: redis-server is not installed\n");
        exit(77);
    }
    return t;
}

static void stop(struct server *t) {
    redis_server_stop(t->s);
}

/* A typical client configuration. */
static struct lw_redis_options to(const struct server *t, const char *host,
                                  const char *authority) {
    struct lw_redis_options o = {.timeout_ms = 2000, .retry_max_ms = 20};
    snprintf(o.url, sizeof o.url, "rediss://team:pw@%s:%d", host, t->port);
    if (authority)
        lw_copy(o.ca_file, sizeof o.ca_file, file(authority));
    return o;
}

static struct lw_redis *made(const struct lw_redis_options *o) {
    struct lw_err err = {0};
    struct lw_redis *r = lw_redis_new(o, &err);
    if (!r)
        fail_msg("%s", err.msg);
    return r;
}

static void must_ping(const struct lw_redis_options *o) {
    struct lw_redis *r = made(o);
    lw_reply_free(MUST(r, "PING"));
    lw_redis_free(r);
}

/* The number of logins, successful or not. */
static int64_t logins(const struct server *t) {
    struct lw_redis *r = test_connect(redis_server_url(t->s));
    struct lw_reply *info = MUST(r, "INFO commandstats");
    const char *line = strstr(lw_reply_text(info, NULL), "cmdstat_auth:calls=");
    int64_t n = line ? strtoll(line + strlen("cmdstat_auth:calls="), NULL, 10) : 0;
    lw_reply_free(info);
    lw_redis_free(r);
    return n;
}

/* The connection fails with this text and LW_EAGAIN, and no password was sent. */
static void refused(const struct server *t, const struct lw_redis_options *o,
                    const char *words) {
    struct lw_redis *r = made(o);
    struct lw_err err = {0};
    assert_null(lw_redis_do(r, &err, "PING"));
    assert_int_equal(err.code, LW_EAGAIN);
    assert_int_equal(lw_redis_why(r), LW_REDIS_AWAY);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
    assert_null(strstr(err.msg, "pw@"));
    if (t)
        assert_int_equal(logins(t), 0);
    lw_redis_free(r);
}

static void certificates_match_by_name_and_by_address(void **state) {
    (void)state;
    struct server t = start("good", "no");
    struct lw_redis_options o = to(&t, "127.0.0.1", "ca.pem");
    must_ping(&o);
    o = to(&t, "localhost", "ca.pem");
    must_ping(&o);
    setenv("SSL_CERT_FILE", file("ca.pem"), 1);
    o = to(&t, "localhost", NULL);
    must_ping(&o);
    unsetenv("SSL_CERT_FILE");
    assert_true(logins(&t) >= 3);
    stop(&t);
}

static void a_certificate_of_another_host_is_refused(void **state) {
    (void)state;
    struct server t = start("elsewhere", "no"); /* for a name, and for another address */
    struct lw_redis_options o = to(&t, "127.0.0.1", "ca.pem");
    refused(&t, &o, "is not valid for 127.0.0.1");
    o = to(&t, "localhost", "ca.pem");
    refused(&t, &o, "is not valid for localhost");
    stop(&t);
    t = start("address", "no"); /* for the address only, not for a name */
    o = to(&t, "localhost", "ca.pem");
    refused(&t, &o, "is not valid for localhost");
    o = to(&t, "127.0.0.1", "ca.pem");
    must_ping(&o);
    stop(&t);
    t = start("partial", "no"); /* l*host does not match localhost */
    o = to(&t, "localhost", "ca.pem");
    refused(&t, &o, "is not valid for localhost");
    stop(&t);
}

static void a_certificate_that_is_not_valid_now_is_refused(void **state) {
    (void)state;
    struct server t = start("expired", "no");
    struct lw_redis_options o = to(&t, "127.0.0.1", "ca.pem");
    refused(&t, &o, "has expired");
    stop(&t);
    t = start("early", "no");
    o = to(&t, "127.0.0.1", "ca.pem");
    refused(&t, &o, "is not valid yet");
    stop(&t);
}

static void a_certificate_of_another_authority_is_refused(void **state) {
    (void)state;
    struct server t = start("foreign", "no");
    struct lw_redis_options o = to(&t, "127.0.0.1", "ca.pem");
    refused(&t, &o, "issued by an untrusted authority");
    o = to(&t, "127.0.0.1", NULL); /* the system's */
    refused(&t, &o, "redis.ca_file");
    o = to(&t, "127.0.0.1", "other.pem");
    must_ping(&o);
    stop(&t);
}

static void a_server_without_tls_is_refused(void **state) {
    (void)state;
    struct server t = start("good", "no");
    struct server plain = {t.s, redis_server_port(t.s)};
    struct lw_redis_options o = to(&plain, "127.0.0.1", "ca.pem");
    o.timeout_ms = 200;
    refused(&t, &o, "does it speak TLS on this port?");
    stop(&t);
}

/* The peer accepts the connection and never sends anything. */
static void a_hanging_handshake_times_out(void **state) {
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    getsockname(fd, (struct sockaddr *)&a, &len);
    struct server silent = {.port = ntohs(a.sin_port)};
    struct lw_redis_options o = to(&silent, "127.0.0.1", "ca.pem");
    o.timeout_ms = 100;
    refused(NULL, &o, "no answer within the timeout");
    close(fd);
}

static void client_certificates_are_presented(void **state) {
    (void)state;
    struct server t = start("good", "yes");
    struct lw_redis_options o = to(&t, "127.0.0.1", "ca.pem");
    refused(&t, &o, "the server requires a client certificate");
    lw_copy(o.cert_file, sizeof o.cert_file, file("unknown.pem"));
    lw_copy(o.key_file, sizeof o.key_file, file("unknown.key"));
    refused(&t, &o, "the server rejects our certificate");
    lw_copy(o.cert_file, sizeof o.cert_file, file("client.pem"));
    lw_copy(o.key_file, sizeof o.key_file, file("client.key"));
    must_ping(&o);
    stop(&t);
    t = start("good", "optional"); /* requested, but not required */
    o = to(&t, "127.0.0.1", "ca.pem");
    must_ping(&o);
    stop(&t);
}

static void write_all(const char *name, const char *from, const char *and) {
    size_t len;
    FILE *f = fopen(file(name), "w");
    for (int i = 0; i < (and? 2 : 1); i++) {
        char *text = lw_read_file(file(i ? and : from), 1 << 20, &len, NULL);
        assert_non_null(text);
        assert_int_equal(fwrite(text, 1, len, f), len);
        free(text);
    }
    fclose(f);
}

/* Refused when the client is created, because it is a mistake in the configuration. */
static void assert_refused(const struct lw_redis_options *o, const char *words) {
    struct lw_err err = {0};
    assert_null(lw_redis_new(o, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
}

static void unusable_files_are_refused(void **state) {
    (void)state;
    struct server none = {.port = 1};
    struct lw_redis_options o = to(&none, "h", "missing.pem");
    assert_refused(&o, "redis.ca_file");
    o = to(&none, "h", "client.key"); /* no certificate in it */
    assert_refused(&o, "redis.ca_file");
    o = to(&none, "h", "ca.pem");
    lw_copy(o.cert_file, sizeof o.cert_file, file("missing.pem"));
    assert_refused(&o, "redis.cert_file");
    lw_copy(o.cert_file, sizeof o.cert_file, file("client.pem"));
    assert_refused(&o, "redis.key_file"); /* another one than in the certificate's file */
    lw_copy(o.key_file, sizeof o.key_file, file("good.key"));
    assert_refused(&o, "redis.key_file"); /* that of another one */
    o = to(&none, "h", "ca.pem");
    lw_copy(o.key_file, sizeof o.key_file, file("client.key"));
    assert_refused(&o, "redis.cert_file");
}

/* Certificates are replaced while we run: the next connection uses the new ones. */
static void replaced_files_are_used(void **state) {
    (void)state;
    struct server t = start("good", "yes");
    struct lw_redis_options o = to(&t, "127.0.0.1", "rotated-ca.pem");
    lw_copy(o.cert_file, sizeof o.cert_file, file("rotated.pem")); /* with its key */
    write_all("rotated-ca.pem", "other.pem", NULL);
    write_all("rotated.pem", "unknown.pem", "unknown.key");
    struct lw_redis *r = made(&o);
    struct lw_err err = {0};
    assert_null(lw_redis_do(r, &err, "PING"));
    assert_non_null(strstr(err.msg, "untrusted"));
    write_all("rotated-ca.pem", "ca.pem", NULL);
    struct lw_reply *pong = NULL;
    for (int i = 0; i < 200 && !strstr(err.msg, "our certificate"); i++, usleep(10000)) {
        lw_err_clear(&err);
        assert_null(lw_redis_do(r, &err, "PING"));
    }
    assert_non_null(strstr(err.msg, "our certificate"));
    remove(file("rotated.pem")); /* half-way through the replacement */
    for (int i = 0; i < 200 && !strstr(err.msg, "redis.cert_file /");
         i++, usleep(10000)) {
        lw_err_clear(&err);
        assert_null(lw_redis_do(r, &err, "PING"));
        assert_int_equal(err.code, LW_EAGAIN);
    }
    assert_non_null(strstr(err.msg, "redis.cert_file /"));
    write_all("rotated.pem", "client.pem", "client.key");
    for (int i = 0; i < 200 && !pong; i++, usleep(10000))
        pong = lw_redis_do(r, NULL, "PING");
    assert_non_null(pong);
    lw_reply_free(pong);
    lw_redis_free(r);
    stop(&t);
}

/* Values larger than any TLS record, many commands at once, scripts. */
static void large_values_and_pipelines_pass(void **state) {
    (void)state;
    enum { SIZE = 3000000, MANY = 300 };
    static const struct lw_script twice = {"twice", "return {ARGV[1], ARGV[1]}"};
    struct server t = start("good", "no");
    struct lw_redis_options o = to(&t, "localhost", "ca.pem");
    struct lw_redis *r = made(&o);
    struct lw_err err = {0};
    char *bytes = lw_malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_int(c, 0);
    lw_cmd_arg(c, bytes, SIZE);
    struct lw_reply *reply = must(r, lw_redis_eval(r, &twice, c, &err), &err);
    for (size_t i = 0; i < 2; i++) {
        size_t len;
        const char *back = lw_reply_text(lw_reply_at(reply, i), &len);
        assert_int_equal(len, SIZE);
        assert_memory_equal(back, bytes, SIZE);
    }
    lw_reply_free(reply);
    struct lw_cmd *many[MANY];
    struct lw_reply *replies[MANY];
    for (int i = 0; i < MANY; i++) {
        many[i] = lw_cmd_new();
        lw_cmd_str(many[i], "ECHO");
        lw_cmd_int(many[i], i);
    }
    assert_int_equal(lw_redis_pipeline(r, many, MANY, replies, &err), 0);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(lw_reply_int(replies[i]), i);
        lw_reply_free(replies[i]);
        lw_cmd_free(many[i]);
    }
    lw_cmd_free(c);
    free(bytes);
    lw_redis_free(r);
    stop(&t);
}

static void the_client_reconnects_to_a_restarted_server(void **state) {
    (void)state;
    struct server t = start("good", "no");
    struct lw_redis_options o = to(&t, "localhost", "ca.pem");
    struct lw_redis *r = made(&o);
    struct lw_err err = {0};
    lw_reply_free(MUST(r, "SET kept 42"));
    redis_server_freeze(t.s, true);
    assert_null(lw_redis_do(r, &err, "GET kept"));
    assert_non_null(strstr(err.msg, "no answer within the timeout"));
    redis_server_freeze(t.s, false);
    redis_server_kill(t.s);
    lw_err_clear(&err);
    assert_null(lw_redis_do(r, &err, "GET kept"));
    assert_int_equal(err.code, LW_EAGAIN);
    redis_server_restart(t.s);
    struct lw_reply *reply = NULL;
    for (int i = 0; i < 200 && !reply; i++, usleep(10000))
        reply = lw_redis_do(r, NULL, "GET kept");
    assert_int_equal(must_int(r, reply), 42);
    lw_redis_free(r);
    stop(&t);
}

/* A sentinel that only knows the master: `openssl s_server` sends the same answer to
 * every client. */
static FILE *sentinel(int port, int master, const char *cert) {
    char command[1200], digits[8];
    snprintf(digits, sizeof digits, "%d", master);
    snprintf(
        command, sizeof command,
        "(printf '*2\\r\\n$9\\r\\n127.0.0.1\\r\\n$%zu\\r\\n%s\\r\\n'; cat) 2>/dev/null | "
        "exec openssl s_server -quiet -naccept 1 -accept 127.0.0.1:%d -cert %s/%s.pem "
        "-key %s/%s.key >/dev/null 2>&1",
        strlen(digits), digits, port, dir, cert, dir, cert);
    return popen(command, "w");
}

/* sentinels://: both the sentinel and the master must have a valid certificate. */
static void sentinel_and_master_are_both_verified(void **state) {
    static const struct {
        const char *sentinel, *master, *refused;
    } cases[] = {{"good", "good", NULL},
                 {"elsewhere", "good", "is not valid for 127.0.0.1"},
                 {"good", "expired", "has expired"}};
    (void)state;
    if (system("openssl version >/dev/null 2>&1"))
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server t = start(cases[i].master, "no");
        struct lw_redis_options o = to(&t, "127.0.0.1", "ca.pem");
        struct lw_err err = {0};
        struct lw_reply *pong = NULL;
        int port = redis_server_free_port();
        FILE *asked = sentinel(port, t.port, cases[i].sentinel);
        assert_non_null(asked);
        snprintf(o.url, sizeof o.url, "sentinels://team:pw@127.0.0.1:%d/m", port);
        struct lw_redis *r = made(&o);
        for (int k = 0; k < 500 && !pong && !strstr(err.msg, "certificate"); k++) {
            lw_err_clear(&err); /* until it listens */
            pong = lw_redis_do(r, &err, "PING");
            usleep(20000);
        }
        if (cases[i].refused ? !strstr(err.msg, cases[i].refused) : !pong)
            fail_msg("%s and %s: %s", cases[i].sentinel, cases[i].master, err.msg);
        if (cases[i].refused)
            assert_int_equal(logins(&t), 0);
        lw_reply_free(pong);
        lw_redis_free(r);
        pclose(asked);
        stop(&t);
    }
}

static int setup(void **state) {
    (void)state;
    assert_non_null(mkdtemp(dir));
    ca = pki_new(dir, "ca");
    foreign = pki_new(dir, "other");
    pki_issue(ca, "good", "DNS:localhost,IP:127.0.0.1", -DAY, DAY);
    pki_issue(ca, "elsewhere", "DNS:redis.example.com,IP:192.0.2.1", -DAY, DAY);
    pki_issue(ca, "address", "IP:127.0.0.1", -DAY, DAY);
    pki_issue(ca, "partial", "DNS:l*host", -DAY, DAY);
    pki_issue(ca, "expired", "DNS:localhost,IP:127.0.0.1", -2 * DAY, -DAY);
    pki_issue(ca, "early", "DNS:localhost,IP:127.0.0.1", DAY, 2 * DAY);
    pki_issue(ca, "client", "DNS:client", -DAY, DAY);
    pki_issue(foreign, "foreign", "DNS:localhost,IP:127.0.0.1", -DAY, DAY);
    pki_issue(foreign, "unknown", "DNS:client", -DAY, DAY);
    unsetenv("SSL_CERT_FILE");
    return 0;
}

static int teardown(void **state) {
    char command[100];
    (void)state;
    pki_free(ca);
    pki_free(foreign);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_match_by_name_and_by_address),
        cmocka_unit_test(a_certificate_of_another_host_is_refused),
        cmocka_unit_test(a_certificate_that_is_not_valid_now_is_refused),
        cmocka_unit_test(a_certificate_of_another_authority_is_refused),
        cmocka_unit_test(a_server_without_tls_is_refused),
        cmocka_unit_test(a_hanging_handshake_times_out),
        cmocka_unit_test(client_certificates_are_presented),
        cmocka_unit_test(unusable_files_are_refused),
        cmocka_unit_test(replaced_files_are_used),
        cmocka_unit_test(large_values_and_pipelines_pass),
        cmocka_unit_test(the_client_reconnects_to_a_restarted_server),
        cmocka_unit_test(sentinel_and_master_are_both_verified),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
