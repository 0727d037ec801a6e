/* Certificates for tests, made on the spot: an authority, and what it signs. */
#ifndef LW_TESTS_SUPPORT_PKI_H
#define LW_TESTS_SUPPORT_PKI_H

struct pki;

/* An authority of that name; its certificate is dir/NAME.pem. */
struct pki *pki_new(const char *dir, const char *name);
void pki_free(struct pki *ca);
/* dir/NAME.pem and dir/NAME.key: a certificate of the authority's, good from from_s until
 * until_s, relative to now. san: "DNS:localhost,IP:127.0.0.1". */
void pki_issue(struct pki *ca, const char *name, const char *san, long from_s,
               long until_s);

#endif
