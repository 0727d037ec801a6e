/* See tls_peer.h. One connection at a time, each for at most two seconds, so that a
 * client that stops during the handshake cannot block the thread. */
#include "support/tls_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct lw_tls_peer {
    int listener, port, wake[2];
    SSL_CTX *ctx;
    pthread_t thread;
    atomic_uint count;
};

static void openssl_check(int ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "tls_peer: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static X509 *certificate(EVP_PKEY *key, const struct lw_tls_options *o) {
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), o->from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), o->until_s);
    X509_set_pubkey(x, key);
    X509_NAME *name = X509_get_subject_name(x);
    const unsigned char cn[] = "leeway test";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, cn, -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, o->address);
    openssl_check(e != NULL && X509_add_ext(x, e, -1) == 1, "subjectAltName");
    X509_EXTENSION_free(e);
    openssl_check(X509_sign(x, key, EVP_sha256()) > 0, "sign");
    return x;
}

static void certificate_load(struct lw_tls_peer *p, const struct lw_tls_options *o,
                             const char *path) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    openssl_check(key != NULL, "key");
    X509 *x = certificate(key, o);
    FILE *f = fopen(path, "w");
    openssl_check(f != NULL && PEM_write_X509(f, x) == 1, "pem");
    fclose(f);
    p->ctx = SSL_CTX_new(TLS_server_method());
    openssl_check(SSL_CTX_use_certificate(p->ctx, x) == 1, "certificate");
    openssl_check(SSL_CTX_use_PrivateKey(p->ctx, key) == 1, "private key");
    if (o->newest != 0) {
        SSL_CTX_set_security_level(p->ctx, 0);
        SSL_CTX_set_min_proto_version(p->ctx, 0);
        openssl_check(SSL_CTX_set_max_proto_version(p->ctx, o->newest) == 1, "version");
    }
    X509_free(x);
    EVP_PKEY_free(key);
}

static void connection_answer(struct lw_tls_peer *p, int fd) {
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char text[64 * 1024];
    size_t len = 0;
    SSL *ssl = SSL_new(p->ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        while (len + 1 < sizeof text) {
            int n = SSL_read(ssl, text + len, (int)(sizeof text - 1 - len));
            if (n <= 0)
                break;
            len += (size_t)n;
            text[len] = '\0';
            if (strstr(text, "\r\n\r\n") == NULL)
                continue;
            atomic_fetch_add(&p->count, 1); /* a body may follow; it is ignored */
            SSL_write(ssl, reply, (int)sizeof reply - 1);
            break;
        }
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

static void *peer_serve(void *arg) {
    struct lw_tls_peer *p = arg;
    struct pollfd set[2] = {{.fd = p->listener, .events = POLLIN},
                            {.fd = p->wake[0], .events = POLLIN}};
    while (poll(set, 2, -1) >= 0 && set[1].revents == 0) {
        int fd = accept(p->listener, NULL, NULL);
        struct timeval limit = {.tv_sec = 2};
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        connection_answer(p, fd);
        close(fd);
    }
    return NULL;
}

struct lw_tls_peer *lw_tls_peer_start(const struct lw_tls_options *options,
                                      const char *pem_path) {
    struct lw_tls_peer *p = calloc(1, sizeof *p);
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    signal(SIGPIPE, SIG_IGN);
    openssl_check(p != NULL && pipe(p->wake) == 0, "start");
    certificate_load(p, options, pem_path);
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    openssl_check(bind(p->listener, (struct sockaddr *)&addr, sizeof addr) == 0, "bind");
    openssl_check(listen(p->listener, 16) == 0, "listen");
    openssl_check(getsockname(p->listener, (struct sockaddr *)&addr, &len) == 0, "name");
    p->port = ntohs(addr.sin_port);
    openssl_check(pthread_create(&p->thread, NULL, peer_serve, p) == 0, "thread");
    return p;
}

void lw_tls_peer_stop(struct lw_tls_peer *p) {
    openssl_check(write(p->wake[1], "", 1) == 1, "stop");
    pthread_join(p->thread, NULL);
    close(p->listener);
    close(p->wake[0]);
    close(p->wake[1]);
    SSL_CTX_free(p->ctx);
    free(p);
}

int lw_tls_peer_port(const struct lw_tls_peer *p) {
    return p->port;
}

unsigned lw_tls_peer_count(struct lw_tls_peer *p) {
    return atomic_load(&p->count);
}
