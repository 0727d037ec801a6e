/* See tls.h. Sockets have our own BIO: OpenSSL's raises SIGPIPE, whose disposition
 * must not change in commands that print to a pipe. */
#include "store/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"

#define KEY_MAX ((size_t)1 << 20)

struct lw_tls {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    int64_t until_ms; /* end of the handshake, monotonic; 0: completed */
    bool asked;       /* the server asks for a certificate */
    bool shown;       /* ... and received one */
    bool read_any;    /* something was read: the certificate was accepted */
    bool slow;        /* the socket's timeout expired */
    char host[200];
};

/* ---- the socket ---- */

static int bio_write(BIO *bio, const char *data, int len) {
    struct lw_tls *t = BIO_get_data(bio);
    ssize_t n = send(t->fd, data, (size_t)len, MSG_NOSIGNAL);
    t->slow = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return (int)n;
}

static int bio_read(BIO *bio, char *data, int len) {
    struct lw_tls *t = BIO_get_data(bio);
    ssize_t n = -1;
    errno = EAGAIN;
    if (!t->until_ms || lw_mono_ms() < t->until_ms)
        n = recv(t->fd, data, (size_t)len, 0);
    t->slow = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return (int)n;
}

static long bio_control(BIO *bio, int what, long n, void *p) {
    (void)bio, (void)n, (void)p;
    return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method(void) {
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "redis");
    lw_assert(method && BIO_meth_set_write(method, bio_write) &&
              BIO_meth_set_read(method, bio_read) &&
              BIO_meth_set_ctrl(method, bio_control));
}

static BIO *bio_of(struct lw_tls *t) {
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* BIO types are limited */
    pthread_once(&once, make_method);
    BIO *bio = BIO_new(method);
    lw_assert(bio);
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- error texts ---- */

static const char *openssl_reason(void) {
    unsigned long e = ERR_peek_last_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;
    return text ? text : "no reason given";
}

static void name_authority(struct lw_tls *t, long verify, char *out, size_t size) {
    switch (verify) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(out, size,
                 "the server's certificate is not valid for %s: connect by a name "
                 "in the certificate, or issue one for this name",
                 t->host);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(out, size, "the server's certificate has expired");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(out, size,
                 "the server's certificate is not valid yet; check both clocks");
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        snprintf(out, size,
                 "the server's certificate is issued by an untrusted authority "
                 "(%s): set redis.ca_file to the authority's certificate",
                 X509_verify_cert_error_string(verify));
        break;
    default:
        snprintf(out, size, "the server's certificate: %s",
                 X509_verify_cert_error_string(verify));
    }
}

/* A server that rejects or misses our certificate closes the connection; under TLS 1.3
 * this comes after the handshake, and not always with a reason. */
static void name_client(const struct lw_tls *t, char *out, size_t size) {
    int code = ERR_GET_REASON(ERR_peek_last_error());
    bool alert = code > SSL_AD_REASON_OFFSET && code < SSL_AD_REASON_OFFSET + 256;
    const char *why = alert ? openssl_reason() : "the server closed the connection";
    if (!t->shown)
        snprintf(out, size,
                 "the server requires a client certificate (%s): set "
                 "redis.cert_file and redis.key_file",
                 why);
    else
        snprintf(out, size,
                 "the server rejects our certificate (%s): check redis.cert_file", why);
}

static void tls_explain(struct lw_tls *t, int rc, char *out, size_t size) {
    int saved = errno, kind = SSL_get_error(t->ssl, rc);
    long verify = SSL_get_verify_result(t->ssl);
    int code = ERR_GET_REASON(ERR_peek_last_error());
    if (verify != X509_V_OK)
        name_authority(t, verify, out, size);
    else if (t->slow)
        snprintf(out, size, "no answer within the timeout%s",
                 t->until_ms ? "; does it speak TLS on this port?" : "");
    else if (t->asked && !t->read_any)
        name_client(t, out, size);
    else if (kind == SSL_ERROR_SSL && t->until_ms &&
             (code == SSL_R_WRONG_VERSION_NUMBER || code == SSL_R_UNEXPECTED_MESSAGE ||
              code == SSL_R_PACKET_LENGTH_TOO_LONG))
        snprintf(out, size,
                 "the server does not speak TLS on this port: use its TLS port, or "
                 "redis:// for an unencrypted connection");
    else if (kind == SSL_ERROR_SSL)
        snprintf(out, size, "%s", openssl_reason());
    else
        snprintf(out, size, "%s",
                 kind == SSL_ERROR_SYSCALL && saved ? strerror(saved)
                                                    : "the server closed the connection");
}

/* ---- certificates ---- */

/* Keys with a passphrase are refused; no prompt appears on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *arg) {
    (void)out, (void)size, (void)writing, (void)arg;
    return -1;
}

static int fail_file(struct lw_err *err, const char *key, const char *path) {
    return lw_fail(err, LW_ECONFIG, "%s %s: %s", key, path, openssl_reason());
}

static int tls_load_key(SSL_CTX *ctx, const char *source, struct lw_err *err) {
    char *pem = lw_secret_text(source, KEY_MAX, err);
    if (!pem)
        return lw_err_context(err, "redis.key_file");
    BIO *bio = BIO_new_mem_buf(pem, -1);
    lw_assert(bio);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    lw_secret_free_text(pem);
    bool good = key && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
                SSL_CTX_check_private_key(ctx) == 1;
    EVP_PKEY_free(key);
    return good ? 0 : fail_file(err, "redis.key_file", source);
}

static int context_load(SSL_CTX *ctx, const struct lw_redis_options *o,
                        struct lw_err *err) {
    const char *key = *o->key_file ? o->key_file : o->cert_file;
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    if (*o->ca_file && SSL_CTX_load_verify_file(ctx, o->ca_file) != 1)
        return fail_file(err, "redis.ca_file", o->ca_file);
    if (!*o->ca_file && SSL_CTX_set_default_verify_paths(ctx) != 1)
        return lw_fail(err, LW_ECONFIG, "TLS: the system's authorities: %s",
                       openssl_reason());
    if (!*o->cert_file)
        return *o->key_file
                   ? lw_fail(err, LW_ECONFIG,
                             "redis.key_file has no effect without redis.cert_file")
                   : 0;
    if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1)
        return fail_file(err, "redis.cert_file", o->cert_file);
    return tls_load_key(ctx, key, err);
}

static SSL_CTX *context_new(const struct lw_redis_options *o, struct lw_err *err) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    lw_assert(ctx);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    if (context_load(ctx, o, err) == 0)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

int lw_tls_check(const struct lw_redis_options *files, struct lw_err *err) {
    SSL_CTX *ctx = context_new(files, err);
    SSL_CTX_free(ctx);
    return ctx ? 0 : -1;
}

/* ---- a connection ---- */

/* Called when the server asks for a certificate: the loaded one is sent. */
static int certificate_asked(SSL *ssl, void *arg) {
    struct lw_tls *t = arg;
    t->asked = true;
    t->shown = SSL_get_certificate(ssl) != NULL;
    return 1;
}

/* "" would match no name, and ".example.com" any name that ends with it. */
static bool expect_host(struct lw_tls *t) {
    unsigned char address[16];
    bool v4 = inet_pton(AF_INET, t->host, address) == 1;
    bool v6 = inet_pton(AF_INET6, t->host, address) == 1;
    SSL_set_hostflags(t->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!*t->host || *t->host == '.')
        return false;
    if (v4 || v6)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), t->host) == 1;
    return SSL_set1_host(t->ssl, t->host) == 1 &&
           SSL_set_tlsext_host_name(t->ssl, t->host) == 1;
}

struct lw_tls *lw_tls_open(const struct lw_redis_options *files, int fd, const char *host,
                           struct lw_err *err) {
    struct lw_err why = {0};
    SSL_CTX *ctx = context_new(files, &why);
    if (!ctx) { /* the files may be half replaced */
        lw_fail(err, LW_EAGAIN, "%s", why.msg);
        return NULL;
    }
    struct lw_tls *t = lw_calloc(1, sizeof *t);
    t->ctx = ctx;
    t->fd = fd;
    t->until_ms = lw_mono_ms() + files->timeout_ms;
    lw_copy(t->host, sizeof t->host, host);
    SSL_CTX_set_cert_cb(ctx, certificate_asked, t);
    t->ssl = SSL_new(ctx);
    lw_assert(t->ssl);
    BIO *bio = bio_of(t);
    SSL_set_bio(t->ssl, bio, bio);
    char text[400];
    ERR_clear_error();
    errno = 0;
    bool named = expect_host(t);
    int rc = named ? SSL_connect(t->ssl) : -1;
    if (rc == 1) {
        t->until_ms = 0;
        return t;
    }
    if (named)
        tls_explain(t, rc, text, sizeof text);
    else
        snprintf(text, sizeof text, "\"%s\" is not a host name", t->host);
    lw_fail(err, LW_EAGAIN, "TLS: %s", text);
    lw_tls_close(t);
    return NULL;
}

void lw_tls_close(struct lw_tls *t) {
    if (!t)
        return;
    SSL_free(t->ssl);
    SSL_CTX_free(t->ctx);
    ERR_clear_error();
    free(t);
}

int lw_tls_write(struct lw_tls *t, const void *data, size_t len, char *why, size_t size) {
    const char *p = data;
    while (len > 0) {
        ERR_clear_error();
        errno = 0;
        int n = SSL_write(t->ssl, p, len < INT_MAX ? (int)len : INT_MAX);
        if (n <= 0) {
            tls_explain(t, n, why, size);
            return -1;
        }
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

long lw_tls_read(struct lw_tls *t, void *data, size_t len, char *why, size_t size) {
    ERR_clear_error();
    errno = 0;
    int n = SSL_read(t->ssl, data, len < INT_MAX ? (int)len : INT_MAX);
    if (n <= 0) {
        tls_explain(t, n, why, size);
        return -1;
    }
    t->read_any = true;
    return n;
}
