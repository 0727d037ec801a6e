/* See privacy.h. */
#include "store/privacy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "store/keys.h"
#include "store/scripts.h"

#define DIGITS (2 * LW_PRIVACY_KEY_BYTES)

static int key_generate(char hex[DIGITS + 1], struct lw_err *err) {
    uint8_t bytes[LW_PRIVACY_KEY_BYTES];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return lw_fail(err, LW_ESTOP, "no random numbers: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

static bool key_parse(const char *hex, uint8_t key[LW_PRIVACY_KEY_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGITS; i++) {
        const char *at = hex[i] ? strchr(digits, hex[i]) : NULL;
        if (!at)
            return false;
        uint8_t v = (uint8_t)(at - digits);
        key[i / 2] = (uint8_t)(i % 2 ? key[i / 2] << 4 | v : v);
    }
    return hex[DIGITS] == '\0';
}

int lw_privacy_key(struct lw_redis *r, const struct lw_spec *spec,
                   uint8_t key[LW_PRIVACY_KEY_BYTES], struct lw_err *err) {
    char hex[DIGITS + 1];
    if (key_generate(hex, err))
        return -1;
    struct lw_cmd *c = lw_cmd_scratch(r);
    lw_cmd_int(c, 1);
    lw_key_arg(c, spec, "privacy");
    lw_cmd_str(c, hex);
    struct lw_reply *reply = lw_redis_eval(r, &lw_script_privacy, c, err);
    if (!reply)
        return lw_err_context(err, "key of the privacy hash");
    const char *text = lw_reply_text(reply, NULL);
    int rc = text && key_parse(text, key)
                 ? 0
                 : lw_fail(err, LW_EINPUT,
                           "Redis returned an invalid key of the privacy hash");
    lw_reply_free(reply);
    return rc;
}
