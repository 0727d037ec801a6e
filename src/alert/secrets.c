/* What the receivers' `*_file`s hold, read for each delivery: a key that is rotated on
 * disk (or by a secret mount) is used with the next message, and no secret stays in
 * memory between deliveries. Errors name receiver, key and source, never the contents. */
#include "alert/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

#define KEYS_MAX     ((size_t)8 * 1024)
#define TEMPLATE_MAX ((size_t)64 * 1024)

static int secrets_fail(const struct lw_receiver *r, const char *key,
                        const struct lw_err *why, struct lw_err *err) {
    return lw_fail(err, LW_ECONFIG, "receiver %s: `%s`: %s", r->name, key, why->msg);
}

/* Printable ASCII without spaces: an address, a token. */
static int secrets_load_word(const struct lw_receiver *r, const char *key,
                             const char *source, char *out, size_t size,
                             struct lw_err *err) {
    struct lw_err why = {0};
    if (*source == '\0')
        return 0;
    if (lw_secret_copy(source, out, size, &why))
        return secrets_fail(r, key, &why, err);
    for (const char *p = out; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~') {
            lw_fail(&why, LW_ECONFIG,
                    "the first line of %s must be printable ASCII without spaces",
                    source);
            return secrets_fail(r, key, &why, err);
        }
    return 0;
}

static int secrets_load_text(const struct lw_receiver *r, const char *key,
                             const char *source, size_t max, char **out,
                             struct lw_err *err) {
    struct lw_err why = {0};
    if (*source == '\0')
        return 0;
    *out = lw_secret_text(source, max, &why);
    return *out ? 0 : secrets_fail(r, key, &why, err);
}

static int secrets_load_keys(const struct lw_receiver *r, struct lw_secrets *s,
                             struct lw_err *err) {
    char *text = NULL, *save = NULL;
    struct lw_err why = {0};
    if (secrets_load_text(r, "secret_file", r->secret_file, KEYS_MAX, &text, err))
        return -1;
    size_t len = text ? strlen(text) : 0;
    char *line = text ? strtok_r(text, " \t\r\n", &save) : NULL;
    for (; line && why.code == LW_OK; line = strtok_r(NULL, " \t\r\n", &save))
        if (s->nkeys == sizeof s->key / sizeof s->key[0])
            lw_fail(&why, LW_ECONFIG, "more than two keys");
        else
            lw_sign_key_parse(line, &s->key[s->nkeys++], &why);
    lw_secret_free(text, len);
    if (why.code == LW_OK)
        return 0;
    lw_err_context(&why, "%s", r->secret_file);
    return secrets_fail(r, "secret_file", &why, err);
}

int lw_secrets_load(const struct lw_receiver *r, struct lw_secrets *out,
                    struct lw_err *err) {
    memset(out, 0, sizeof *out);
    lw_copy(out->url, sizeof out->url, r->url);
    if (secrets_load_word(r, "url_file", r->url_file, out->url, sizeof out->url, err) ==
            0 &&
        secrets_load_word(r, "token_file", r->token_file, out->token, sizeof out->token,
                          err) == 0 &&
        secrets_load_keys(r, out, err) == 0 &&
        secrets_load_text(r, "headers_file", r->headers_file, KEYS_MAX, &out->headers,
                          err) == 0 &&
        secrets_load_text(r, "template_file", r->template_file, TEMPLATE_MAX,
                          &out->template_text, err) == 0)
        return 0;
    lw_secrets_fini(out);
    return -1;
}

void lw_secrets_fini(struct lw_secrets *s) {
    lw_secret_free_text(s->headers);
    lw_secret_free_text(s->template_text);
    lw_secret_wipe(s, sizeof *s);
}
