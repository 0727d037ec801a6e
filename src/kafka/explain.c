/* See explain.h.
 *
 * The texts that are matched here are librdkafka's and the broker's; if none matches,
 * librdkafka's text is passed on unchanged. Certificate errors are recorded during
 * verification (log.c), where OpenSSL's error code is available. */
#include "kafka/explain.h"

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define SCRAM_MENDED 0x020601ff
#define SCRAM_WORDS                                                                             \
    "this librdkafka cannot log in to Kafka 3.9 or later by SCRAM: before "                     \
    "2.6.1 it repeats its nonce, which Kafka reports as a wrong password; build leeway with a " \
    "newer one (docs/dependencies.md), or use another kafka.sasl.mechanism"
#define OIDC_WORDS                                                                       \
    "this librdkafka is built without OIDC, like Debian 12's: build leeway with "        \
    "another one (docs/dependencies.md), or use another kafka.sasl.mechanism"

static bool text_has(const char *text, const char *part) {
    size_t len = strlen(part);
    while (*text && strncasecmp(text, part, len) != 0)
        text++;
    return *text != '\0';
}

/* The value of a property in a running client. */
static const char *client_setting(rd_kafka_t *rk, const char *key, char *out,
                                  size_t size) {
    out[0] = '\0';
    if (rk && rd_kafka_conf_get(rd_kafka_conf(rk), key, out, &size) != RD_KAFKA_CONF_OK)
        out[0] = '\0';
    return out;
}

/* ---- certificates ---- */

static void name_of(char *out, size_t size, X509_NAME *name) {
    if (!name || X509_NAME_get_text_by_NID(name, NID_commonName, out, (int)size) < 0)
        X509_NAME_oneline(name, out, (int)size);
}

static void time_of(char *out, size_t size, const ASN1_TIME *time) {
    struct tm tm = {0};
    out[0] = '\0';
    if (time && ASN1_TIME_to_tm(time, &tm))
        strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* The hosts of a certificate, as many as fit. */
static void hosts_of(char *out, size_t size, X509 *x) {
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        char one[128] = "";
        if (n->type == GEN_DNS)
            snprintf(one, sizeof one, "%.100s", ASN1_STRING_get0_data(n->d.dNSName));
        else if (n->type == GEN_IPADD && ASN1_STRING_length(n->d.iPAddress) == 4) {
            const uint8_t *ip = ASN1_STRING_get0_data(n->d.iPAddress);
            snprintf(one, sizeof one, "%d.%d.%d.%d", ip[0], ip[1], ip[2], ip[3]);
        }
        if (one[0] && len + strlen(one) + 3 < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len ? ", " : "", one);
    }
    GENERAL_NAMES_free(names);
    if (len == 0)
        name_of(out, size, X509_get_subject_name(x));
}

static void certificate_describe(char *out, size_t size, const char *broker, int code,
                                 X509 *x) {
    char one[160] = "", two[64] = "";
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        name_of(one, sizeof one, X509_get_subject_name(x));
        time_of(two, sizeof two, X509_get0_notAfter(x));
        snprintf(out, size, "%s: the broker's certificate (%s) expired on %s: renew it",
                 broker, one, two);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        time_of(two, sizeof two, X509_get0_notBefore(x));
        snprintf(out, size,
                 "%s: the broker's certificate is not valid before %s: check this "
                 "machine's clock",
                 broker, two);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        hosts_of(one, sizeof one, x);
        snprintf(out, size,
                 "%s: the broker's certificate is for another host (%s): use that "
                 "name in kafka.bootstrap.servers and in the broker's "
                 "advertised.listeners, or issue a certificate for this host",
                 broker, one);
        break;
    default:
        name_of(one, sizeof one, X509_get_issuer_name(x));
        snprintf(out, size,
                 "%s: the broker's certificate is issued by an untrusted authority "
                 "(%s; %s): set kafka.ssl.ca.location to the authority's certificate",
                 broker, one, X509_verify_cert_error_string(code));
    }
}

char *lw_kafka_certificate(char *out, size_t size, const char *broker, int code,
                           const void *der, size_t len) {
    const unsigned char *at = der;
    X509 *x = der && len < (1 << 20) ? d2i_X509(NULL, &at, (long)len) : NULL;
    char safe[LW_KAFKA_WORDS];
    if (x)
        certificate_describe(safe, sizeof safe, broker, code, x);
    else
        snprintf(safe, sizeof safe, "%s: the broker's certificate is refused: %s", broker,
                 X509_verify_cert_error_string(code));
    X509_free(x);
    return lw_text_safe(out, size, safe, strlen(safe));
}

/* ---- everything else ---- */

const char *lw_kafka_unable(const struct lw_kafka_options *options, int version) {
    const char *mechanism = lw_kafka_property(options, "sasl.mechanism");
    const char *method = lw_kafka_property(options, "sasl.oauthbearer.method");
    char why[128];
    if (!mechanism)
        mechanism = lw_kafka_property(options, "sasl.mechanisms");
    if (mechanism && strncasecmp(mechanism, "SCRAM-", 6) == 0 && version < SCRAM_MENDED)
        return SCRAM_WORDS;
    if (!method || strcasecmp(method, "oidc") != 0)
        return NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    bool able = rd_kafka_conf_set(conf, "sasl.oauthbearer.method", "oidc", why,
                                  sizeof why) == RD_KAFKA_CONF_OK;
    rd_kafka_conf_destroy(conf);
    return able ? NULL : OIDC_WORDS;
}

static const char *about_login(rd_kafka_t *rk, const char *reason) {
    char mechanism[64];
    client_setting(rk, "sasl.mechanisms", mechanism, sizeof mechanism);
    if (text_has(reason, "unsupported sasl mechanism") ||
        text_has(reason, "supported mechanisms") ||
        text_has(reason, "not enabled in the server"))
        return "the broker does not support this kafka.sasl.mechanism";
    if (strncasecmp(mechanism, "SCRAM-", 6) == 0 && rd_kafka_version() < SCRAM_MENDED)
        return SCRAM_WORDS;
    if (text_has(reason, "token"))
        return "the broker accepts no token: check "
               "kafka.sasl.oauthbearer.token.endpoint.url, .client.id, "
               ".client.secret and .scope";
    if (text_has(reason, "timed out") || text_has(reason, "disconnected"))
        return "the login did not complete: check that kafka.security.protocol "
               "matches the listener";
    return "the broker rejects the login: check kafka.sasl.username and "
           "kafka.sasl.password_file";
}

/* A TLS alert of the broker, which rejects our certificate. */
static bool refuses_ours(const char *reason) {
    static const char *const alerts[] = {
        "alert number 116", "certificate required",    "alert bad certificate",
        "alert unknown ca", "alert certificate",       "alert number 42",
        "alert number 46",  "alert handshake failure", "alert number 48"};
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (text_has(reason, alerts[i]))
            return true;
    return false;
}

static const char *explain_error(rd_kafka_t *rk, int code, const char *reason) {
    char protocol[32];
    client_setting(rk, "security.protocol", protocol, sizeof protocol);
    if (refuses_ours(reason))
        return "the broker requires a client certificate that it trusts: check "
               "kafka.ssl.certificate.location and kafka.ssl.key.location (or "
               "kafka.ssl.keystore.location), and that it has not expired";
    if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
        return about_login(rk, reason);
    if (code == RD_KAFKA_RESP_ERR__RESOLVE)
        return "the host does not exist: check kafka.bootstrap.servers, and the "
               "broker's advertised.listeners";
    if (text_has(reason, "wrong version number") ||
        text_has(reason, "packet length too long") ||
        text_has(reason, "incorrect security.protocol") ||
        text_has(reason, "unexpected eof") ||
        (!text_has(protocol, "ssl") && text_has(reason, "disconnected") &&
         text_has(reason, "state APIVERSION_QUERY")))
        return "the listener speaks another protocol: check "
               "kafka.security.protocol, and the port in kafka.bootstrap.servers";
    if (code == RD_KAFKA_RESP_ERR__SSL)
        return "the TLS handshake failed: check kafka.ssl.ca.location";
    if (text_has(reason, "connection refused"))
        return "nothing listens there: check that the broker runs, and "
               "kafka.bootstrap.servers";
    if (text_has(protocol, "ssl") && text_has(reason, "disconnected"))
        return "the broker closes the connection: check that "
               "kafka.security.protocol matches the listener, and whether it "
               "requires a client certificate (kafka.ssl.certificate.location, "
               "kafka.ssl.key.location)";
    return NULL;
}

char *lw_kafka_explain(char *out, size_t size, rd_kafka_t *rk, int code,
                       const char *reason, const char *certificate) {
    char text[2 * LW_KAFKA_WORDS];
    if (*certificate && text_has(reason, "certificate verify failed"))
        return lw_text_safe(out, size, certificate, strlen(certificate));
    const char *words = explain_error(rk, code, reason);
    if (words)
        snprintf(text, sizeof text, "%s [%.300s]", words, reason);
    else
        snprintf(text, sizeof text, "%.400s", reason);
    return lw_text_safe(out, size, text, strlen(text));
}

/* Our principal in the broker's ACLs. */
static void client_principal(char *out, size_t size, rd_kafka_t *rk) {
    char user[128], protocol[32];
    client_setting(rk, "sasl.username", user, sizeof user);
    client_setting(rk, "security.protocol", protocol, sizeof protocol);
    if (*user)
        snprintf(out, size, "User:%s", user);
    else if (strcasecmp(protocol, "ssl") == 0)
        snprintf(out, size, "User:<the certificate's subject>");
    else
        snprintf(out, size, "User:<this user>");
}

char *lw_kafka_refusal(char *out, size_t size, rd_kafka_t *rk, int code,
                       const char *operation, const char *what) {
    char who[160], text[2 * LW_KAFKA_WORDS];
    const char *kind = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED   ? "topic"
                       : code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ? "group"
                                                                              : NULL;
    client_principal(who, sizeof who, rk);
    if (kind)
        snprintf(text, sizeof text,
                 LW_KAFKA_NO_RIGHT "%s %s %s: kafka-acls.sh --add --allow-principal '%s' "
                                   "--operation %c%s --%s '%s'",
                 operation, kind, what, who, operation[0] - 'a' + 'A', operation + 1,
                 kind, what);
    else if (code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        snprintf(text, sizeof text,
                 LW_KAFKA_NO_RIGHT
                 "write to any topic: kafka-acls.sh --add --allow-principal "
                 "'%s' --operation Write --topic '%s'",
                 who, what);
    else
        return NULL;
    return lw_text_safe(out, size, text, strlen(text));
}
