/* See tls.h.
 *
 * GnuTLS asks for the certificate at each handshake. The files are checked then, at most
 * once a second, and read when one has changed. An unusable pair (half written, or the
 * key of another certificate) leaves the old one in use and is logged. A session may
 * still use an old certificate, so all are kept until the end: there is one per renewal.
 */
#include "http/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"

#define CHAIN_MAX 16
#define PEM_MAX   ((size_t)256 * 1024)

struct pair {
    gnutls_pcert_st cert[CHAIN_MAX];
    unsigned ncerts;
    gnutls_privkey_t key;
    int64_t ends_s;
    struct pair *older;
};

struct lw_http_tls {
    const char *cert_file, *key_file; /* borrowed */
    pthread_mutex_t lock;
    struct pair *pair;
    struct stat seen[2];
    int64_t looked_ms;
};

static _Atomic(struct lw_http_tls *) current;

static void free_pair(struct pair *p) {
    for (unsigned i = 0; i < p->ncerts; i++)
        gnutls_pcert_deinit(&p->cert[i]);
    if (p->key)
        gnutls_privkey_deinit(p->key);
    free(p);
}

static int gnutls_fail(struct lw_err *err, const char *key, const char *path, int rc) {
    return lw_fail(err, LW_ECONFIG, "http.tls.%s %s: %s", key, path, gnutls_strerror(rc));
}

static int read_cert(struct pair *p, const char *path, struct lw_err *err) {
    size_t len;
    char *pem = lw_read_file(path, PEM_MAX, &len, err);
    if (!pem)
        return lw_err_context(err, "http.tls.cert_file");
    gnutls_datum_t data = {(unsigned char *)pem, (unsigned)len};
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0;
    int rc = gnutls_x509_crt_list_import2(&list, &n, &data, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    free(pem);
    if (rc >= 0 && n > 0)
        p->ends_s = (int64_t)gnutls_x509_crt_get_expiration_time(list[0]);
    for (unsigned i = 0; i < n; i++) {
        if (rc >= 0 && i < CHAIN_MAX) {
            rc = gnutls_pcert_import_x509(&p->cert[i], list[i], 0);
            p->ncerts += rc >= 0;
        }
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    return rc < 0 ? gnutls_fail(err, "cert_file", path, rc) : 0;
}

static int read_key(struct pair *p, const char *path, struct lw_err *err) {
    char *pem = lw_secret_text(path, PEM_MAX, err);
    if (!pem)
        return lw_err_context(err, "http.tls.key_file");
    gnutls_datum_t data = {(unsigned char *)pem, (unsigned)strlen(pem)};
    int rc = gnutls_privkey_init(&p->key);
    if (rc >= 0)
        rc = gnutls_privkey_import_x509_raw(p->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    lw_secret_free_text(pem);
    return rc < 0 ? gnutls_fail(err, "key_file", path, rc) : 0;
}

/* Does the key belong to the certificate? Both have an id. */
static int pair_matches(struct pair *p, const char *path, struct lw_err *err) {
    unsigned char id[2][64];
    size_t len[2] = {sizeof id[0], sizeof id[1]};
    gnutls_pubkey_t pub;
    if (gnutls_pubkey_init(&pub) < 0)
        return lw_fail(err, LW_ECONFIG, "GnuTLS is out of memory");
    int rc = gnutls_pubkey_import_privkey(pub, p->key, 0, 0);
    if (rc >= 0)
        rc = gnutls_pubkey_get_key_id(pub, 0, id[0], &len[0]);
    if (rc >= 0)
        rc = gnutls_pubkey_get_key_id(p->cert[0].pubkey, 0, id[1], &len[1]);
    gnutls_pubkey_deinit(pub);
    if (rc < 0)
        return gnutls_fail(err, "key_file", path, rc);
    if (len[0] == len[1] && memcmp(id[0], id[1], len[0]) == 0)
        return 0;
    return lw_fail(err, LW_ECONFIG,
                   "http.tls.key_file %s: not the key of the certificate", path);
}

static struct pair *read_pair(const char *cert_file, const char *key_file,
                              struct lw_err *err) {
    struct pair *p = lw_calloc(1, sizeof *p);
    if (read_cert(p, cert_file, err) || read_key(p, key_file, err) ||
        pair_matches(p, key_file, err)) {
        free_pair(p);
        return NULL;
    }
    return p;
}

int lw_http_tls_check(const char *cert_file, const char *key_file, int64_t *ends_s,
                      struct lw_err *err) {
    struct pair *p = read_pair(cert_file, key_file, err);
    if (!p)
        return -1;
    *ends_s = p->ends_s;
    free_pair(p);
    return 0;
}

static void files_stat(const struct lw_http_tls *t, struct stat out[2]) {
    memset(out, 0, 2 * sizeof *out);
    bool in_env = lw_secret_in_env(t->key_file);
    if (stat(t->cert_file, &out[0]) || (!in_env && stat(t->key_file, &out[1])))
        memset(out, 0, 2 * sizeof *out);
}

static bool stat_same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Needs the lock. */
static void pair_reload(struct lw_http_tls *t) {
    struct stat now[2];
    struct lw_err err = {0};
    if (lw_mono_ms() - t->looked_ms < LW_SECOND)
        return;
    t->looked_ms = lw_mono_ms();
    files_stat(t, now);
    if (stat_same(&now[0], &t->seen[0]) && stat_same(&now[1], &t->seen[1]))
        return;
    memcpy(t->seen, now, sizeof now);
    struct pair *p = read_pair(t->cert_file, t->key_file, &err);
    if (!p) {
        lw_log(http_certificate_unusable, LW_QUOTE(err.msg));
        return;
    }
    p->older = t->pair;
    t->pair = p;
    lw_log(http_certificate, (long long)p->ends_s);
}

/* NOLINTNEXTLINE(readability-function-size) the library's signature */
int lw_http_tls_choose(gnutls_session_t session, const gnutls_datum_t *names, int n,
                       const gnutls_pk_algorithm_t *algorithms, int nalgorithms,
                       gnutls_pcert_st **cert, unsigned *ncerts, gnutls_privkey_t *key) {
    (void)session;
    (void)names;
    (void)n;
    (void)algorithms;
    (void)nalgorithms;
    struct lw_http_tls *t = atomic_load(&current);
    if (!t)
        return -1;
    pthread_mutex_lock(&t->lock);
    pair_reload(t);
    *cert = t->pair->cert;
    *ncerts = t->pair->ncerts;
    *key = t->pair->key;
    pthread_mutex_unlock(&t->lock);
    return 0;
}

struct lw_http_tls *lw_http_tls_new(const char *cert_file, const char *key_file,
                                    struct lw_err *err) {
    struct lw_http_tls *t = lw_calloc(1, sizeof *t), *none = NULL;
    t->cert_file = cert_file;
    t->key_file = key_file;
    pthread_mutex_init(&t->lock, NULL);
    files_stat(t, t->seen);
    t->pair = read_pair(cert_file, key_file, err);
    if (t->pair && atomic_compare_exchange_strong(&current, &none, t))
        return t;
    if (t->pair)
        lw_fail(err, LW_ECONFIG, "a process can have only one server with http.tls");
    lw_http_tls_free(t);
    return NULL;
}

void lw_http_tls_free(struct lw_http_tls *t) {
    if (!t)
        return;
    struct lw_http_tls *this = t;
    atomic_compare_exchange_strong(&current, &this, NULL);
    while (t->pair) {
        struct pair *older = t->pair->older;
        free_pair(t->pair);
        t->pair = older;
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}
