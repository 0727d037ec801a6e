/* Signatures of the Standard Webhooks specification. */
#ifndef LW_ALERT_SIGN_H
#define LW_ALERT_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"

struct lw_sign_key {
    size_t len;
    uint8_t byte[64];
};

struct lw_sign_input {
    const char *id;
    int64_t timestamp_s;
    const void *body;
    size_t len;
};

#define LW_SIGNATURE_MAX 128
/* "v1,<base64(HMAC-SHA256(key, id.timestamp.body))>" for each key, space-separated. */
void lw_sign_message(const struct lw_sign_key *keys, size_t nkeys,
                     const struct lw_sign_input *in, char out[LW_SIGNATURE_MAX]);
/* One key from "whsec_<base64>" (24 to 64 bytes); LW_ECONFIG without showing it. */
int lw_sign_key_parse(const char *text, struct lw_sign_key *out, struct lw_err *err);

#endif
