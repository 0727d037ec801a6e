/* See pki.h. */
#include "support/pki.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct pki {
    char dir[200];
    EVP_PKEY *key;
    X509 *cert;
    long serial;
};

static void openssl_check(int ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "pki: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static void certificate_extend(X509 *x, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    openssl_check(e != NULL && X509_add_ext(x, e, -1) == 1, value);
    X509_EXTENSION_free(e);
}

static X509 *blank(EVP_PKEY *key, const char *name, long serial, long from_s,
                   long until_s) {
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
    X509_gmtime_adj(X509_getm_notBefore(x), from_s);
    X509_gmtime_adj(X509_getm_notAfter(x), until_s);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    return x;
}

static FILE *create(const struct pki *ca, const char *name, const char *ending) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s.%s", ca->dir, name, ending);
    FILE *f = fopen(path, "w");
    openssl_check(f != NULL, path);
    return f;
}

static void write_cert(const struct pki *ca, const char *name, X509 *x) {
    FILE *f = create(ca, name, "pem");
    openssl_check(PEM_write_X509(f, x) == 1, "certificate");
    fclose(f);
}

struct pki *pki_new(const char *dir, const char *name) {
    struct pki *ca = calloc(1, sizeof *ca);
    openssl_check(ca != NULL, "memory");
    snprintf(ca->dir, sizeof ca->dir, "%s", dir);
    ca->key = EVP_EC_gen("P-256");
    openssl_check(ca->key != NULL, "key");
    ca->cert = blank(ca->key, name, 1, -86400, 86400);
    X509_set_issuer_name(ca->cert, X509_get_subject_name(ca->cert));
    certificate_extend(ca->cert, ca->cert, NID_basic_constraints, "critical,CA:TRUE");
    certificate_extend(ca->cert, ca->cert, NID_subject_key_identifier, "hash");
    openssl_check(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0, "sign");
    write_cert(ca, name, ca->cert);
    ca->serial = 1;
    return ca;
}

void pki_free(struct pki *ca) {
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    free(ca);
}

void pki_issue(struct pki *ca, const char *name, const char *san, long from_s,
               long until_s) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    openssl_check(key != NULL, "key");
    X509 *x = blank(key, name, ++ca->serial, from_s, until_s);
    X509_set_issuer_name(x, X509_get_subject_name(ca->cert));
    certificate_extend(x, ca->cert, NID_subject_alt_name, san);
    certificate_extend(x, ca->cert, NID_authority_key_identifier, "keyid");
    openssl_check(X509_sign(x, ca->key, EVP_sha256()) > 0, "sign");
    write_cert(ca, name, x);
    FILE *f = create(ca, name, "key");
    openssl_check(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1, "key");
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}
