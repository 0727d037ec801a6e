/* The registry's certificate is checked: a schema determines how bytes are read, so it
 * must come from the configured registry. */
#include <openssl/ssl.h>

#include "support.h"
#include "support/tls_peer.h"

#define DAY_S 86400L

/* A request; the peer's certificate is trusted, or only the system's authorities are. */
static struct lw_err tls_ask(const struct lw_tls_options *options, bool trusted,
                             unsigned *count) {
    char path[] = "/tmp/lw-registry-tls-XXXXXX";
    struct lw_registry_options o = {.timeout_ms = 10 * LW_SECOND};
    struct lw_err err = {0};
    close(mkstemp(path));
    struct lw_tls_peer *p = lw_tls_peer_start(options, path);
    snprintf(o.url, sizeof o.url, "https://127.0.0.1:%d", lw_tls_peer_port(p));
    if (trusted)
        snprintf(o.ca_file, sizeof o.ca_file, "%s", path);
    struct lw_registry_client *c = lw_registry_client_new(&o, &err);
    assert_non_null(c);
    assert_int_equal(lw_registry_client_ping(c, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    *count = lw_tls_peer_count(p);
    lw_registry_client_free(c);
    lw_tls_peer_stop(p);
    unlink(path);
    return err;
}

static void a_trusted_certificate_is_accepted(void **state) {
    (void)state;
    struct lw_tls_options o = {"IP:127.0.0.1", -DAY_S, DAY_S, 0};
    unsigned count;
    struct lw_err err = tls_ask(&o, true, &count);
    assert_int_equal(count, 1); /* its answer is not a registry's */
    assert_null(strstr(err.msg, "SSL"));
}

static void other_certificates_are_refused(void **state) {
    (void)state;
    const struct {
        struct lw_tls_options options;
        bool trusted;
    } c[] = {{{"IP:127.0.0.1", -DAY_S, DAY_S, 0}, false},
             {{"DNS:elsewhere.example", -DAY_S, DAY_S, 0}, true},
             {{"IP:127.0.0.1", -2 * DAY_S, -DAY_S, 0}, true},
             {{"IP:127.0.0.1", -DAY_S, DAY_S, TLS1_1_VERSION}, true}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        unsigned count;
        struct lw_err err = tls_ask(&c[i].options, c[i].trusted, &count);
        assert_int_equal(count, 0);
        assert_non_null(strstr(err.msg, "SSL"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_certificate_is_accepted),
        cmocka_unit_test(other_certificates_are_refused),
    };
    unsetenv("https_proxy");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
