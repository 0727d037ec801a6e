/* Signatures of the Standard Webhooks specification (standardwebhooks.com). They let a
 * receiver verify that a message comes from leeway, is complete, and is not a replay.
 *
 *   signed text   = webhook-id "." webhook-timestamp "." body
 *   signature     = "v1," base64(HMAC-SHA256(key, signed text))
 *   key           = the base64 decoding of what follows "whsec_"
 *
 * During a rotation the secret file has two lines and the header two signatures,
 * separated by a space; a receiver accepts a message if either matches a key it knows.
 * The timestamp is that of the attempt, the id that of the message, so a retry has a new
 * signature over the same id. Asymmetric "v1a" signatures were left out: no receiver in
 * use requires them. OpenSSL provides HMAC and base64. */
#include "alert/sign.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

#define KEY_MIN 24

/* Decodes base64 with its padding and nothing else; the decoded length, or -1. out needs
 * 3/4 of len, rounded up to a multiple of 3. */
static int base64_decode(const char *text, size_t len, unsigned char *out) {
    if (len == 0 || len % 4 != 0)
        return -1;
    size_t body =
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t pad = len - body;
    if (body > len || pad > 2 || strspn(text + body, "=") < pad)
        return -1;
    int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
    return n < 0 ? -1 : n - (int)pad;
}

int lw_sign_key_parse(const char *text, struct lw_sign_key *out, struct lw_err *err) {
    unsigned char raw[sizeof out->byte + 8];
    size_t len = strlen(text);
    if (strncmp(text, "whsec_", 6) != 0)
        return lw_fail(err, LW_ECONFIG, "a signing key starts with whsec_");
    if (len - 6 > (sizeof out->byte + 2) / 3 * 4)
        return lw_fail(err, LW_ECONFIG, "a signing key has at most %zu bytes",
                       sizeof out->byte);
    int n = base64_decode(text + 6, len - 6, raw);
    if (n < KEY_MIN || (size_t)n > sizeof out->byte) {
        lw_secret_wipe(raw, sizeof raw);
        return lw_fail(err, LW_ECONFIG,
                       "a signing key is whsec_ and the base64 of %d to %zu bytes; make "
                       "one with: echo whsec_$(openssl rand -base64 32)",
                       KEY_MIN, sizeof out->byte);
    }
    out->len = (size_t)n;
    memcpy(out->byte, raw, out->len);
    lw_secret_wipe(raw, sizeof raw);
    return 0;
}

void lw_sign_message(const struct lw_sign_key *keys, size_t nkeys,
                     const struct lw_sign_input *in, char out[LW_SIGNATURE_MAX]) {
    struct lw_buf text = {0};
    lw_buf_printf(&text, "%s.%lld.", in->id, (long long)in->timestamp_s);
    lw_buf_put(&text, in->body, in->len);
    size_t used = 0;
    out[0] = '\0';
    for (size_t k = 0; k < nkeys; k++) {
        unsigned char mac[EVP_MAX_MD_SIZE], code[64];
        unsigned int maclen = 0;
        const unsigned char *made = HMAC(EVP_sha256(), keys[k].byte, (int)keys[k].len,
                                         text.data, text.len, mac, &maclen);
        lw_assert(made != NULL && maclen == 32);
        EVP_EncodeBlock(code, mac, (int)maclen);
        int n = snprintf(out + used, LW_SIGNATURE_MAX - used, "%sv1,%s", k > 0 ? " " : "",
                         (const char *)code);
        lw_assert(n > 0 && (size_t)n < LW_SIGNATURE_MAX - used);
        used += (size_t)n;
    }
    lw_buf_fini(&text);
}
