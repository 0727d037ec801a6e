/* leeway check: what others can reach, read or intercept. Only unusable tokens and
 * certificates are failures; everything else is a warning. */
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "alert/secrets.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/check.h"
#include "http/tls.h"
#include "http/tokens.h"

#define SOON_DAYS 14

static void report_format(struct lw_check_findings *f, const char *what,
                          enum lw_check_outcome v, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void report_format(struct lw_check_findings *f, const char *what,
                          enum lw_check_outcome v, const char *fmt, ...) {
    char text[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    lw_check_report(f, what, v, text);
}

static bool is_loopback(const struct sockaddr *a) {
    if (a->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)a;
        return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)a;
    return a->sa_family != AF_INET || ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

/* A loopback address or "localhost"; host names are not resolved. */
static bool is_local_host(const char *host) {
    char bare[256];
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    lw_copy(bare, sizeof bare, host[0] == '[' ? host + 1 : host);
    bare[strcspn(bare, "]")] = '\0';
    if (getaddrinfo(bare, NULL, &want, &found))
        return false;
    bool here = is_loopback(found->ai_addr);
    freeaddrinfo(found);
    return here;
}

/* http:// to another machine. */
static bool is_clear_text(const char *url) {
    struct lw_config_origin origin;
    char plain[LW_URL_MAX];
    const char *at = strstr(url, "://"), *user;
    if (strncasecmp(url, "http://", 7) != 0)
        return false;
    user = at ? strchr(at + 3, '@') : NULL;
    snprintf(plain, sizeof plain, "http://%s", user ? user + 1 : url + 7);
    return !lw_config_origin_parse(plain, &origin) || !is_local_host(origin.host);
}

/* ---- files ---- */

static void check_file(struct lw_check_findings *f, const char *key, const char *path) {
    struct stat st;
    if (!*path || lw_secret_in_env(path) || stat(path, &st))
        return;
    if (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
        report_format(f, "exposed", LW_CHECK_WARNING,
                      "%s %s: other users can %s it (mode %04o); run chmod 600", key,
                      path, st.st_mode & (S_IWOTH | S_IWGRP) ? "change" : "read",
                      (unsigned)st.st_mode & 07777U);
}

static void check_files(struct lw_check_findings *f, const struct lw_config *config) {
    const struct lw_registry_options *registry = &config->source.registry;
    static const char *const kafka[] = {"ssl.key.location", "ssl.keystore.location"};
    check_file(f, "http.token_file", config->http.token_file);
    check_file(f, "http.read_token_file", config->http.read_token_file);
    check_file(f, "http.tls.key_file", config->http.tls.key_file);
    check_file(f, "redis.password_file", config->redis.password_file);
    check_file(f, "source.registry.password_file", registry->password_file);
    check_file(f, "source.registry.token_file", registry->token_file);
    for (size_t i = 0; i < sizeof kafka / sizeof *kafka; i++) {
        const char *path = lw_kafka_property(&config->kafka, kafka[i]);
        check_file(f, kafka[i], path ? path : "");
    }
    for (size_t i = 0; i < config->nreceivers; i++) {
        const struct lw_receiver *r = &config->receiver[i];
        check_file(f, "url_file", r->url_file);
        check_file(f, "secret_file", r->secret_file);
        check_file(f, "token_file", r->token_file);
        check_file(f, "headers_file", r->headers_file);
    }
}

/* ---- network ---- */

static bool is_off(const char *value) {
    return value && (strcasecmp(value, "false") == 0 || strcasecmp(value, "f") == 0 ||
                     strcmp(value, "0") == 0);
}

static void check_kafka(struct lw_check_findings *f,
                        const struct lw_kafka_options *kafka) {
    const char *verify = lw_kafka_property(kafka, "enable.ssl.certificate.verification");
    const char *name = lw_kafka_property(kafka, "ssl.endpoint.identification.algorithm");
    const char *protocol = lw_kafka_property(kafka, "security.protocol");
    const char *oidc = lw_kafka_property(kafka, "sasl.oauthbearer.token.endpoint.url");
    const char *mechanism = lw_kafka_property(kafka, "sasl.mechanism");
    mechanism = mechanism ? mechanism : lw_kafka_property(kafka, "sasl.mechanisms");
    if (is_off(verify))
        report_format(
            f, "exposed", LW_CHECK_WARNING,
            "kafka.enable.ssl.certificate.verification is %s: an attacker in the network "
            "can pose as the broker and read the password; set ssl.ca.location instead",
            verify);
    if (name && strcasecmp(name, "none") == 0)
        report_format(
            f, "exposed", LW_CHECK_WARNING,
            "kafka.ssl.endpoint.identification.algorithm is none: any certificate of the "
            "authority is accepted as the broker's");
    if (protocol && strcasecmp(protocol, "sasl_plaintext") == 0 &&
        (!mechanism || strncasecmp(mechanism, "SCRAM", 5) != 0))
        report_format(
            f, "exposed", LW_CHECK_WARNING,
            "kafka.security.protocol is sasl_plaintext: the password or token is sent in "
            "clear text; use sasl_ssl");
    if (oidc && is_clear_text(oidc))
        report_format(
            f, "exposed", LW_CHECK_WARNING,
            "kafka.sasl.oauthbearer.token.endpoint.url is http://: the client secret is "
            "sent in clear text");
}

static void check_receiver(struct lw_check_findings *f, const struct lw_receiver *r) {
    struct lw_secrets secrets;
    const char *what = *r->token_file     ? "its token"
                       : *r->headers_file ? "the content of headers_file"
                       : *r->url_file     ? "its secret URL"
                                          : NULL;
    if (!what || lw_secrets_load(r, &secrets, NULL)) /* reported by check_receivers */
        return;
    if (is_clear_text(secrets.url))
        report_format(f, "exposed", LW_CHECK_WARNING,
                      "receiver %s: %s is sent in clear text over http://; use https://",
                      r->name, what);
    lw_secrets_fini(&secrets);
}

/* ---- the HTTP server ---- */

static bool check_tokens(struct lw_check_findings *f, const char *key, const char *path,
                         unsigned allowed, size_t *n) {
    struct lw_token_set set;
    struct lw_err err = {0};
    *n = 0;
    if (!*path)
        return true;
    if (lw_tokens_read(path, allowed, &set, &err)) {
        report_format(f, "http", LW_CHECK_FAILED, "%s: %s", key, err.msg);
        return false;
    }
    *n = set.n;
    return true;
}

static bool check_certificate(struct lw_check_findings *f,
                              const struct lw_config_tls *tls) {
    struct lw_err err = {0};
    int64_t ends = 0, now = lw_wall_ms() / LW_SECOND;
    char when[40];
    if (!tls->on)
        return true;
    if (lw_http_tls_check(tls->cert_file, tls->key_file, &ends, &err)) {
        lw_check_report(f, "http", LW_CHECK_FAILED, err.msg);
        return false;
    }
    lw_format_time(when, sizeof when, ends * LW_SECOND);
    if (ends < now)
        report_format(f, "http", LW_CHECK_FAILED, "http.tls.cert_file %s expired at %s",
                      tls->cert_file, when);
    else if (ends - now < SOON_DAYS * LW_DAY / LW_SECOND)
        report_format(f, "http", LW_CHECK_WARNING, "http.tls.cert_file %s expires at %s",
                      tls->cert_file, when);
    return ends >= now;
}

/* The address that others connect to. */
static void check_listener(struct lw_check_findings *f,
                           const struct lw_config_http *http) {
    bool wrapped = http->tls.on || http->public.tls; /* by a proxy */
    if (is_local_host(http->host))
        return;
    if (!*http->read_token_file)
        report_format(
            f, "exposed", LW_CHECK_WARNING,
            "http.listen %s: anyone who can connect can read everything and request predictions; "
            "set http.read_token_file, or listen on 127.0.0.1",
            http->listen);
    if (!wrapped && (*http->token_file || *http->read_token_file))
        report_format(
            f, "exposed", LW_CHECK_WARNING,
            "http.listen %s: tokens are sent in clear text over http://; set http.tls, or "
            "http.public_url if a proxy provides https://",
            http->listen);
}

static void check_http(struct lw_check_findings *f, const struct lw_config_http *http) {
    size_t n, readers;
    char changes[80], reads[80];
    if (!http->on) {
        lw_check_report(f, "http", LW_CHECK_OK, "off");
        return;
    }
    bool ok = check_tokens(f, "http.token_file", http->token_file, LW_SCOPE_ALL, &n);
    ok &= check_tokens(f, "http.read_token_file", http->read_token_file, LW_SCOPE_READ,
                       &readers);
    ok &= check_certificate(f, &http->tls);
    snprintf(changes, sizeof changes,
             n == 1 ? "changes require the token" : "changes require one of %zu tokens",
             n);
    snprintf(reads, sizeof reads, "; reading requires one too");
    if (ok)
        report_format(f, "http", LW_CHECK_OK, "%s%s; %s%s", http->listen,
                      http->tls.on ? " with TLS" : "",
                      n ? changes : "changes are disabled without a token_file",
                      readers ? reads : "");
    check_listener(f, http);
}

void lw_check_exposed(struct lw_check_findings *f, const struct lw_config *config) {
    const struct lw_registry_options *registry = &config->source.registry;
    check_http(f, &config->http);
    check_files(f, config);
    check_kafka(f, &config->kafka);
    if ((*registry->token_file || *registry->user) && is_clear_text(registry->url))
        report_format(f, "exposed", LW_CHECK_WARNING,
                      "source.registry.url is http://: its %s is sent in clear text",
                      *registry->token_file ? "token" : "password");
    for (size_t i = 0; i < config->nreceivers; i++)
        check_receiver(f, &config->receiver[i]);
}
