/* Access: tokens with names and scopes, read tokens, wrong tokens that slow down their
 * address, names and origins behind a proxy and in a container, and connection limits.
 * Nothing listens at the address of Redis, so an admitted request gets 503. */
#include "http_test.h"

#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "http/tokens.h"

#define NOBODY  "redis://127.0.0.1:1"
#define RETRAIN "/api/v1/retrain"
#define SILENCE "/api/v1/alerts/silence"
#define HUSH    "{\"for\": \"1h\", \"comment\": \"x\"}"
#define BEARER  "Authorization: Bearer "

struct files {
    struct fixture f;
    char read_path[80];
};

static void begin(struct files *s, const char *tokens, const char *readers) {
    struct lw_err err = {0};
    fixture_load(&s->f, NOBODY);
    if (tokens)
        fixture_token(&s->f, tokens);
    snprintf(s->read_path, sizeof s->read_path, "%s.read", s->f.token_path);
    if (readers) {
        lw_write_file(s->read_path, readers, strlen(readers), &err);
        lw_copy(s->f.config->http.read_token_file,
                sizeof s->f.config->http.read_token_file, s->read_path);
    }
}

static void end(struct files *s) {
    fixture_stop(&s->f);
    unlink(s->read_path);
}

static int status_of(struct fixture *f, const char *method, const char *path,
                     const char *headers, const char *body) {
    struct http_answer a;
    http_ask(f->port, method, path, headers, body, &a);
    int status = a.status;
    http_answer_fini(&a);
    return status;
}

/* ---- the file ---- */

static int read_text(const char *text, unsigned allowed, struct lw_token_set *set,
                     struct lw_err *err) {
    char path[64];
    struct lw_err ignored = {0};
    snprintf(path, sizeof path, "/tmp/leeway-tokens.%d", (int)getpid());
    lw_write_file(path, text, strlen(text), &ignored);
    int rc = lw_tokens_read(path, allowed, set, err);
    unlink(path);
    return rc;
}

static void a_file_has_one_token_per_line(void **state) {
    (void)state;
    struct lw_token_set set;
    struct lw_err err = {0};
    unsigned char digest[LW_DIGEST];
    assert_int_equal(
        read_text(
            "# who may what\n"
            "a-token-of-nobody-in-particular\r\n"
            "\n"
            "  ops  silence,models  a-token-of-those-on-call \n"
            "ci models "
            "sha256:6d2c2d04de7a5bf03b0e8fd51b1d06b6a6bb5fd9ad9d7e6ed6a9a4df5f1a2b3c\n"
            "grafana read a-token-that-only-reads",
            LW_SCOPE_ALL, &set, &err),
        0);
    assert_int_equal(set.n, 4);
    assert_string_equal(set.token[0].name, "");
    assert_int_equal(set.token[0].scopes, LW_SCOPE_ALL);
    assert_string_equal(set.token[1].name, "ops");
    assert_int_equal(set.token[1].scopes,
                     LW_SCOPE_SILENCE | LW_SCOPE_MODELS | LW_SCOPE_READ);
    assert_int_equal(set.token[2].digest[0], 0x6d);
    assert_int_equal(set.token[3].scopes, LW_SCOPE_READ);
    lw_token_digest("a-token-of-those-on-call", 24, digest);
    assert_memory_equal(set.token[1].digest, digest, LW_DIGEST);
}

static void a_bad_file_is_named_but_not_quoted(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
        unsigned allowed;
    } bad[] = {
        {"", "is empty", LW_SCOPE_ALL},
        {"\n# only words\n", "no token", LW_SCOPE_ALL},
        {"SECRET-short", ":1: a token must have at least 16", LW_SCOPE_ALL},
        {"\nSECRET-SECRET-SECRET x", ":2: must be TOKEN", LW_SCOPE_ALL},
        {"a all SECRET-SECRET-SECRET x", ":1: must be TOKEN", LW_SCOPE_ALL},
        {"a sing SECRET-SECRET-SECRET", "scopes are", LW_SCOPE_ALL},
        {"a , SECRET-SECRET-SECRET", "scopes are", LW_SCOPE_ALL},
        {"a silence, SECRET-SECRET-SECRET\na all SECRET-SECRET-SECRET-2", "same name",
         LW_SCOPE_ALL},
        {"a@b all SECRET-SECRET-SECRET", "a name has", LW_SCOPE_ALL},
        {"a all sha256:SECRET", "64 hexadecimal", LW_SCOPE_ALL},
        {"a models SECRET-SECRET-SECRET", "file is read", LW_SCOPE_READ},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lw_token_set set;
        struct lw_err err = {0};
        assert_int_equal(read_text(bad[i].text, bad[i].allowed, &set, &err), -1);
        if (!strstr(err.msg, bad[i].says) || strstr(err.msg, "SECRET"))
            fail_msg("%zu: %s", i, err.msg);
    }
}

/* ---- scopes ---- */

static void a_token_has_only_its_scopes(void **state) {
    (void)state;
    struct files s;
    static const struct {
        const char *token;
        int retrain, silence, unsilence, promote;
    } cases[] = {{"plain-token-for-everything", 503, 503, 503, 503},
                 {"the-token-of-the-ops-team", 403, 503, 503, 403},
                 {"the-token-of-continuous-i", 503, 403, 403, 503},
                 {"a-token-that-only-reads-1", 403, 403, 403, 403},
                 {"the-token-hashed-for-all-", 503, 503, 503, 503},
                 {"a-token-that-nobody-knows", 401, 401, 401, 401}};
    char text[600], hex[65], header[200];
    unsigned char digest[LW_DIGEST];
    lw_token_digest("the-token-hashed-for-all-", 25, digest);
    for (size_t i = 0; i < LW_DIGEST; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(
        text, sizeof text,
        "plain-token-for-everything\nops silence the-token-of-the-ops-team\n"
        "ci models the-token-of-continuous-i\nviewer read a-token-that-only-reads-1\n"
        "root all sha256:%s\n",
        hex);
    begin(&s, text, NULL);
    fixture_start(&s.f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(header, sizeof header, BEARER "%s\r\n", cases[i].token);
        assert_int_equal(status_of(&s.f, "POST", RETRAIN, header, ""), cases[i].retrain);
        assert_int_equal(status_of(&s.f, "POST", SILENCE, header, HUSH),
                         cases[i].silence);
        assert_int_equal(status_of(&s.f, "DELETE", SILENCE "/abc", header, NULL),
                         cases[i].unsilence);
        assert_int_equal(status_of(&s.f, "POST", "/api/v1/models/3/promote", header, ""),
                         cases[i].promote);
        assert_int_equal(status_of(&s.f, "GET", "/api/v1/now", header, NULL), 503);
    }
    end(&s);
}

/* ---- reading ---- */

static void basic(const char *user, const char *password, char *out, size_t size) {
    char plain[180];
    unsigned char coded[248];
    int n = snprintf(plain, sizeof plain, "%s:%s", user, password);
    EVP_EncodeBlock(coded, (const unsigned char *)plain, n);
    snprintf(out, size, "Authorization: Basic %.240s\r\n", (const char *)coded);
}

static void reading_needs_a_token_if_one_is_configured(void **state) {
    (void)state;
    struct files s;
    static const char *const closed[] = {"/",        "/metrics",       "/api/v1/now",
                                         "/nothing", "/api/v1/events", "/api/v1/models"};
    char login[300], wrong[300], changer[300], value[100];
    struct http_answer a;
    begin(&s, "ops all the-token-of-the-ops-team\n", "a-token-that-only-reads-1\n");
    fixture_start(&s.f);
    basic("", "a-token-that-only-reads-1", login, sizeof login);
    basic("me", "a-token-that-nobody-knows", wrong, sizeof wrong);
    basic("ops", "the-token-of-the-ops-team", changer, sizeof changer);
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++) {
        http_ask(s.f.port, "GET", closed[i], "", NULL, &a);
        assert_int_equal(a.status, 401);
        assert_non_null(strstr(a.head, "WWW-Authenticate: Basic realm=\"leeway\""));
        assert_non_null(http_header(&a, "WWW-Authenticate", value, sizeof value));
        http_answer_fini(&a);
    }
    assert_int_equal(status_of(&s.f, "GET", "/healthz", "", NULL), 200);
    assert_int_equal(status_of(&s.f, "GET", "/readyz", "", NULL), 503);
    assert_int_equal(status_of(&s.f, "GET", "/", login, NULL), 200);
    assert_int_equal(status_of(&s.f, "GET", "/", changer, NULL), 200);
    assert_int_equal(status_of(&s.f, "GET", "/", wrong, NULL), 401);
    assert_int_equal(status_of(&s.f, "GET", "/", "Authorization: Basic ????\r\n", NULL),
                     401);
    assert_int_equal(
        status_of(&s.f, "GET", "/metrics", BEARER "a-token-that-only-reads-1\r\n", NULL),
        200);
    assert_int_equal(status_of(&s.f, "POST", "/api/v1/predict", JSON, TRIP), 401);
    assert_int_equal(
        status_of(&s.f, "POST", RETRAIN, BEARER "a-token-that-only-reads-1\r\n", ""),
        403);
    assert_int_equal(
        status_of(&s.f, "POST", RETRAIN, BEARER "the-token-of-the-ops-team\r\n", ""),
        503);
    /* what a browser sends on its own changes nothing */
    assert_int_equal(status_of(&s.f, "POST", RETRAIN, changer, ""), 401);
    unlink(s.read_path); /* reading stays protected after the file is gone */
    assert_int_equal(status_of(&s.f, "GET", "/", login, NULL), 403);
    assert_int_equal(status_of(&s.f, "GET", "/healthz", "", NULL), 200);
    end(&s);
}

/* ---- wrong tokens ---- */

static void wrong_tokens_slow_down_their_address(void **state) {
    (void)state;
    struct files s;
    char header[120], value[32];
    int seen[600] = {0};
    begin(&s, "ops all the-token-of-the-ops-team\nnew all the-token-of-a-newcomer\n",
          NULL);
    fixture_start(&s.f);
    assert_int_equal(
        status_of(&s.f, "POST", RETRAIN, BEARER "the-token-of-the-ops-team\r\n", ""),
        503);
    for (int i = 0; i < 60; i++) {
        snprintf(header, sizeof header, BEARER "a-guess-of-somebody-%d\r\n", i);
        seen[status_of(&s.f, "POST", RETRAIN, header, "")]++;
    }
    assert_true(seen[401] >= 10 &&
                seen[429] > 0); /* ten are free, then there are pauses */
    assert_int_equal(seen[401] + seen[429], 60);
    /* a token used before is still accepted; a correct new one waits like the others */
    assert_int_equal(
        status_of(&s.f, "POST", RETRAIN, BEARER "the-token-of-the-ops-team\r\n", ""),
        503);
    for (int i = 0; i < 200 && status_of(&s.f, "POST", RETRAIN,
                                         BEARER "another-guess-000\r\n", "") != 401;
         i++)
        lw_sleep_ms(50); /* until one is checked, which starts a longer pause */
    struct http_answer a;
    http_ask(s.f.port, "POST", RETRAIN, BEARER "the-token-of-a-newcomer\r\n", "", &a);
    assert_int_equal(a.status, 429);
    assert_non_null(http_header(&a, "Retry-After", value, sizeof value));
    http_answer_fini(&a);
    http_ask(s.f.port, "GET", "/metrics", "", NULL, &a);
    assert_non_null(strstr(a.body, "leeway_http_refused_total{reason=\"token\"} "));
    assert_null(strstr(a.body, "leeway_http_refused_total{reason=\"slowed\"} 0\n"));
    http_answer_fini(&a);
    end(&s);
}

/* A browser with an old token does not lock out others. */
static void a_repeated_wrong_token_slows_down_only_itself(void **state) {
    (void)state;
    struct files s;
    int seen[600] = {0};
    begin(&s, "new all the-token-of-a-newcomer\n", NULL);
    fixture_start(&s.f);
    for (int i = 0; i < 60; i++)
        seen[status_of(&s.f, "POST", RETRAIN, BEARER "the-token-of-yesterday\r\n", "")]++;
    assert_true(seen[401] >= 10 && seen[429] > 0);
    assert_int_equal(seen[401] + seen[429], 60);
    assert_int_equal(
        status_of(&s.f, "POST", RETRAIN, BEARER "the-token-of-a-newcomer\r\n", ""), 503);
    end(&s);
}

/* ---- names ---- */

static int as(struct fixture *f, const char *host, const char *more, const char *method) {
    struct http_client c;
    struct http_answer a;
    char text[600];
    snprintf(text, sizeof text,
             "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n%s\r\n", method,
             strcmp(method, "GET") == 0 ? "/api/v1/now" : RETRAIN, host, more);
    http_connect(&c, f->port);
    http_say(&c, text);
    http_answer(&c, &a, false);
    int status = a.status;
    http_answer_fini(&a);
    http_close(&c);
    return status;
}

static void the_public_url_is_an_accepted_name(void **state) {
    (void)state;
    struct files s;
    begin(&s, TOKEN "\n", NULL);
    assert_true(
        lw_config_origin_parse("https://leeway.example.org/x", &s.f.config->http.public));
    fixture_start(&s.f);
    assert_int_equal(as(&s.f, "leeway.example.org", "", "GET"), 503);
    assert_int_equal(as(&s.f, "LEEWAY.example.org.:443", "", "GET"), 503);
    assert_int_equal(as(&s.f, "localhost:9", "", "GET"), 503);
    assert_int_equal(as(&s.f, "leeway.example.org:8443", "", "GET"), 421);
    assert_int_equal(as(&s.f, "leeway.example.org:80", "", "GET"), 421);
    assert_int_equal(as(&s.f, "evil.example", "", "GET"), 421);
    assert_int_equal(as(&s.f, "leeway.example.org.evil.example", "", "GET"), 421);
    static const struct {
        const char *origin;
        int status;
    } origins[] = {{"https://leeway.example.org", 503},
                   {"https://leeway.example.org:443", 503},
                   {"http://leeway.example.org", 403},
                   {"https://leeway.example.org:8443", 403},
                   {"https://evil.example", 403},
                   {"https://leeway.example.org@evil.example", 403},
                   {"null", 403}};
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        char more[200];
        snprintf(more, sizeof more, AUTH "Origin: %s\r\n", origins[i].origin);
        assert_int_equal(as(&s.f, "leeway.example.org", more, "POST"), origins[i].status);
    }
    end(&s);
}

static void origins_are_compared_by_their_parts(void **state) {
    (void)state;
    static const struct {
        const char *text, *host;
        bool tls;
        int port;
    } cases[] = {{"http://a", "a", false, 80},
                 {"https://A.example./x?y", "A.example", true, 443},
                 {"https://a:8443", "a", true, 8443},
                 {"http://[::1]:8080/", "[::1]", false, 8080},
                 {"a", NULL, false, 0},
                 {"ftp://a", NULL, false, 0},
                 {"http://", NULL, false, 0},
                 {"http://:80", NULL, false, 0},
                 {"http://a:0", NULL, false, 0},
                 {"http://a:65536", NULL, false, 0},
                 {"http://a:80x", NULL, false, 0},
                 {"http://a:", NULL, false, 0},
                 {"http://u@a", NULL, false, 0},
                 {"http://[::1", NULL, false, 0},
                 {"http://.", NULL, false, 0},
                 {"null", NULL, false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_config_origin o;
        bool ok = lw_config_origin_parse(cases[i].text, &o);
        if (ok != (cases[i].host != NULL))
            fail_msg("%s: %d", cases[i].text, ok);
        if (!ok)
            continue;
        assert_string_equal(o.host, cases[i].host);
        assert_int_equal(o.tls, cases[i].tls);
        assert_int_equal(o.port, cases[i].port);
    }
}

/* In a container the server listens on all addresses. */
static void names_are_checked_on_all_addresses(void **state) {
    (void)state;
    struct files s;
    char host[256] = "";
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"localhost:8080", 503},
                 {"10.1.2.3:8080", 503},
                 {"[fd00::1]:8080", 503},
                 {"leeway:8080", 503},
                 {"evil.example:8080", 421},
                 {"10.1.2.3.evil.example", 421},
                 {"0x0a.1", 421},
                 {"leeway.evil.example", 421}};
    begin(&s, TOKEN "\n", "a-token-that-only-reads-1\n");
    s.f.config->http.read_token_file[0] = '\0';
    lw_copy(s.f.config->http.host, sizeof s.f.config->http.host, "0.0.0.0");
    fixture_start(&s.f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (as(&s.f, cases[i].host, "", "GET") != cases[i].status)
            fail_msg("Host %s", cases[i].host);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_int_equal(as(&s.f, host, "", "GET"), 503);
    assert_int_equal(as(&s.f, "evil.example", AUTH, "POST"), 421);
    end(&s);
}

/* ---- connections ---- */

/* With all connections taken, every request is still answered, health checks included. */
static void idle_connections_make_room(void **state) {
    (void)state;
    enum { HELD = 60 };
    static const char *const held[] = {
        "", "GET /api/v1/now HTTP/1.1\r\nHost: localh", "GET /healthz HTTP/1.1\r\nX: ",
        "POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\n" JSON
        "Content-Length: 1000\r\n\r\n{"};
    struct files s;
    begin(&s, TOKEN "\n", NULL);
    s.f.config->http.connections = 8;
    s.f.config->http.timeout_ms = LW_HOUR; /* so that no deadline applies */
    fixture_start(&s.f);
    for (size_t k = 0; k < sizeof held / sizeof *held; k++) {
        struct http_client c[HELD];
        for (int i = 0; i < HELD; i++) {
            http_connect(&c[i], s.f.port);
            http_say(&c[i], held[k]);
        }
        for (int i = 0; i < 5; i++) {
            assert_int_equal(status_of(&s.f, "GET", "/healthz", "", NULL), 200);
            assert_int_equal(status_of(&s.f, "GET", "/api/v1/now", "", NULL), 503);
            assert_int_equal(status_of(&s.f, "GET", "/", "", NULL), 200);
        }
        for (int i = 0; i < HELD; i++)
            http_close(&c[i]);
    }
    end(&s);
}

/* An address may use two seconds' worth at once; another address has its own
 * allowance. */
static void requests_per_address_are_rate_limited(void **state) {
    (void)state;
    enum { RATE = 5, ASKED = 60 };
    struct files s;
    struct http_client c;
    struct http_answer a;
    int seen[600] = {0};
    begin(&s, TOKEN "\n", NULL);
    s.f.config->http.rate = RATE;
    int64_t began = lw_mono_ms();
    fixture_start(&s.f);
    for (int i = 0; i < ASKED; i++)
        seen[status_of(&s.f, "GET", "/api/v1/now", "", NULL)]++;
    int64_t most = 2 * RATE + 1 + (lw_mono_ms() - began) * RATE / 1000;
    assert_true(seen[503] >= 2 * RATE && seen[503] <= most);
    assert_int_equal(seen[503] + seen[429], ASKED);
    assert_int_equal(status_of(&s.f, "GET", "/healthz", "", NULL), 200);
    http_connect_from(&c, s.f.port, "127.0.0.2");
    http_say(&c, "GET /api/v1/now HTTP/1.1\r\nHost: localhost\r\n\r\n");
    http_answer(&c, &a, false);
    assert_int_equal(a.status, 503);
    http_answer_fini(&a);
    http_close(&c);
    end(&s);
}

/* One address may have all subscriptions only while no other wants one. */
static void subscribers_make_room_for_others(void **state) {
    (void)state;
    enum { ALL = 32, OTHERS = 4 };
    struct files s;
    struct http_client c[ALL], other[OTHERS];
    int ended = 0;
    begin(&s, TOKEN "\n", NULL);
    fixture_start(&s.f);
    for (int i = 0; i < ALL; i++) {
        http_connect(&c[i], s.f.port);
        http_say(&c[i], "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_true(http_wait_text(&c[i], "retry: 2000"));
    }
    for (int i = 0; i < OTHERS; i++) {
        http_connect_from(&other[i], s.f.port, "127.0.0.2");
        http_say(&other[i], "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_true(http_wait_text(&other[i], "retry: 2000"));
        assert_true(http_wait_text(&c[i], "\r\n0\r\n")); /* the oldest has ended */
        ended++;
    }
    assert_int_equal(status_of(&s.f, "GET", "/api/v1/events", "", NULL), 503);
    for (int i = 0; i < ALL; i++)
        http_close(&c[i]);
    for (int i = 0; i < OTHERS; i++)
        http_close(&other[i]);
    assert_int_equal(ended, OTHERS);
    end(&s);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_one_token_per_line),
        cmocka_unit_test(a_bad_file_is_named_but_not_quoted),
        cmocka_unit_test(a_token_has_only_its_scopes),
        cmocka_unit_test(reading_needs_a_token_if_one_is_configured),
        cmocka_unit_test(wrong_tokens_slow_down_their_address),
        cmocka_unit_test(a_repeated_wrong_token_slows_down_only_itself),
        cmocka_unit_test(the_public_url_is_an_accepted_name),
        cmocka_unit_test(origins_are_compared_by_their_parts),
        cmocka_unit_test(names_are_checked_on_all_addresses),
        cmocka_unit_test(idle_connections_make_room),
        cmocka_unit_test(requests_per_address_are_rate_limited),
        cmocka_unit_test(subscribers_make_room_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
