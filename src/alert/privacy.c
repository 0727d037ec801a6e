/* Which values of the events a message may contain.
 *
 * A category or an identifier can identify a person: an account, a licence plate, a small
 * place. A hash distinguishes such values without revealing them. A plain hash of a few
 * hundred zones is easily guessed, so this one is keyed (HMAC-SHA256). The key is stored
 * in Redis (store/privacy.h), and a user who can read it there can read the values too.
 * 64 bits are kept: two of a million values collide with a probability of 1 in 37
 * million. Identifiers and categories are hashed differently, so that a value in both
 * cannot be linked. */
#include "alert/privacy.h"

#include <inttypes.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

bool lw_privacy_hashes(const struct lw_privacy *p) {
    return p != NULL &&
           (p->examples == LW_EXAMPLES_HASHED || p->categories == LW_CATEGORIES_HASHED);
}

void lw_privacy_hash(const struct lw_privacy *p, enum lw_privacy_kind what,
                     const char *value, char out[LW_HASHED_MAX]) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    struct lw_buf text = {0};
    lw_buf_u8(&text, (uint8_t)what);
    lw_buf_put(&text, value, strlen(value));
    const unsigned char *done =
        HMAC(EVP_sha256(), p->key, sizeof p->key, text.data, text.len, mac, &len);
    lw_assert(done != NULL && len >= 8);
    size_t n = (size_t)snprintf(out, LW_HASHED_MAX, "h:");
    for (size_t i = 0; i < 8; i++)
        n += (size_t)snprintf(out + n, LW_HASHED_MAX - n, "%02x", mac[i]);
    lw_buf_fini(&text);
}
