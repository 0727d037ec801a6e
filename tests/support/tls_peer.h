/* A TLS receiver for tests, with a generated certificate: valid, expired, or for another
 * host. */
#ifndef LW_TESTS_SUPPORT_TLS_PEER_H
#define LW_TESTS_SUPPORT_TLS_PEER_H

struct lw_tls_options {
    const char *address;  /* the certificate's subjectAltName, e.g. "IP:127.0.0.1" */
    long from_s, until_s; /* validity, relative to now */
    int newest; /* newest protocol version offered, e.g. TLS1_2_VERSION; 0: any */
};

struct lw_tls_peer;

/* Answers every complete request with 200. Writes the certificate to pem_path. */
struct lw_tls_peer *lw_tls_peer_start(const struct lw_tls_options *options,
                                      const char *pem_path);
void lw_tls_peer_stop(struct lw_tls_peer *p);
int lw_tls_peer_port(const struct lw_tls_peer *p);
unsigned lw_tls_peer_count(struct lw_tls_peer *p); /* requests read */

#endif
