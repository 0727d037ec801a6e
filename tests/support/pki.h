/* Generates certificates for tests: an authority, and certificates that it signs. */
#ifndef LW_TESTS_SUPPORT_PKI_H
#define LW_TESTS_SUPPORT_PKI_H

struct pki;

/* Creates an authority; its certificate is dir/NAME.pem. */
struct pki *pki_new(const char *dir, const char *name);
void pki_free(struct pki *ca);
/* Writes dir/NAME.pem and dir/NAME.key: a certificate of the authority, valid from from_s
 * until until_s, relative to now. san: "DNS:localhost,IP:127.0.0.1". */
void pki_issue(struct pki *ca, const char *name, const char *san, long from_s,
               long until_s);

#endif
