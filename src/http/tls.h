/* The certificate of HTTPS, read again when its files change. */
#ifndef LW_HTTP_TLS_H
#define LW_HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

struct lw_http_tls;

/* LW_ECONFIG: a file cannot be read, is not PEM, or the key does not match. One per
 * process: GnuTLS's callback takes no argument. */
struct lw_http_tls *lw_http_tls_new(const char *cert_file, const char *key_file,
                                    struct lw_err *err);
void lw_http_tls_free(struct lw_http_tls *tls);
/* Checks both files as they are now; *expires: when the certificate expires (Unix
 * seconds). */
int lw_http_tls_check(const char *cert_file, const char *key_file, int64_t *ends_s,
                      struct lw_err *err);
/* A gnutls_certificate_retrieve_function2. */
int lw_http_tls_choose(gnutls_session_t session, const gnutls_datum_t *names, int n,
                       const gnutls_pk_algorithm_t *algorithms, int nalgorithms,
                       gnutls_pcert_st **cert, unsigned *ncerts, gnutls_privkey_t *key);

#endif
