/* The contents of a receiver's `*_file` keys. */
#ifndef LW_ALERT_SECRETS_H
#define LW_ALERT_SECRETS_H

#include "alert/receiver.h"
#include "alert/sign.h"

struct lw_secrets {
    char url[LW_URL_MAX];
    char token[512];
    size_t nkeys;
    struct lw_sign_key key[2];
    char *headers, *template_text; /* owned; NULL when not used */
};
/* LW_ECONFIG names receiver, key and path, never the contents. */
int lw_secrets_load(const struct lw_receiver *r, struct lw_secrets *out,
                    struct lw_err *err);
void lw_secrets_fini(struct lw_secrets *s); /* wipes and frees */

#endif
