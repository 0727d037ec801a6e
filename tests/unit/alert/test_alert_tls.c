/* The certificate is checked on every request: an alert is sent to the intended receiver
 * or it waits. */
#include <openssl/ssl.h>
#include <unistd.h>

#include "alert/post.h"
#include "alert_test.h"
#include "base/time.h"
#include "net/curl.h"
#include "support/tls_peer.h"

#define DAY_S 86400L

/* ca_file NULL: the system's certificates; "": the peer's own. */
static struct lw_post_result post(const struct lw_tls_options *options,
                                  const char *ca_file, unsigned *count) {
    char path[] = "/tmp/lw-tls-XXXXXX";
    struct lw_post_request req = {.timeout_ms = 10 * LW_SECOND};
    struct lw_post_result res;
    close(mkstemp(path));
    struct lw_tls_peer *p = lw_tls_peer_start(options, path);
    snprintf(req.url, sizeof req.url, "https://127.0.0.1:%d/SECRET", lw_tls_peer_port(p));
    if (ca_file != NULL)
        lw_copy(req.ca_file, sizeof req.ca_file, ca_file[0] != '\0' ? ca_file : path);
    lw_buf_printf(&req.body, "{}");
    lw_post(&req, &res);
    *count = lw_tls_peer_count(p);
    assert_null(strstr(res.reason, "SECRET"));
    lw_tls_peer_stop(p);
    lw_post_request_fini(&req);
    unlink(path);
    return res;
}

static void a_trusted_certificate_is_accepted(void **state) {
    (void)state;
    struct lw_tls_options o = {"IP:127.0.0.1", -DAY_S, DAY_S, 0};
    unsigned count;
    struct lw_post_result res = post(&o, "", &count);
    assert_int_equal(res.verdict, LW_POST_DELIVERED);
    assert_int_equal(count, 1);
}

/* Nothing of the message is sent if the peer's certificate is wrong. */
static void other_certificates_are_refused(void **state) {
    (void)state;
    const struct {
        struct lw_tls_options options;
        bool trusted;
    } c[] = {{{"IP:127.0.0.1", -DAY_S, DAY_S, 0}, false},         /* unknown authority */
             {{"DNS:elsewhere.example", -DAY_S, DAY_S, 0}, true}, /* another host's */
             {{"IP:127.0.0.2", -DAY_S, DAY_S, 0}, true},
             {{"IP:127.0.0.1", -2 * DAY_S, -DAY_S, 0}, true}, /* expired */
             {{"IP:127.0.0.1", DAY_S, 2 * DAY_S, 0}, true},   /* not yet valid */
             {{"IP:127.0.0.1", -DAY_S, DAY_S, TLS1_1_VERSION}, true}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        unsigned count;
        struct lw_post_result res = post(&c[i].options, c[i].trusted ? "" : NULL, &count);
        assert_int_equal(res.verdict, LW_POST_RETRY);
        assert_int_equal(res.status, 0);
        assert_non_null(strstr(res.reason, "SSL"));
        assert_int_equal(count, 0);
    }
}

static void a_missing_ca_file_is_an_error(void **state) {
    (void)state;
    struct lw_tls_options o = {"IP:127.0.0.1", -DAY_S, DAY_S, 0};
    unsigned count;
    struct lw_post_result res = post(&o, "/nonexistent/ca.pem", &count);
    assert_int_equal(res.verdict, LW_POST_RETRY);
    assert_non_null(strstr(res.reason, "/nonexistent/ca.pem"));
    assert_int_equal(count, 0);
}

static int start(void **state) {
    (void)state;
    unsetenv("https_proxy");
    return lw_curl_init(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_certificate_is_accepted),
        cmocka_unit_test(other_certificates_are_refused),
        cmocka_unit_test(a_missing_ca_file_is_an_error)};
    return cmocka_run_group_tests(tests, start, NULL);
}
