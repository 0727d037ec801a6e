/* The contents of a receiver's `*_file` keys, read again for each delivery: a key rotated
 * on disk (or by a secret mount) is used from the next message on, and no secret stays in
 * memory between deliveries. "env:NAME" reads the environment instead. Errors name
 * receiver, key and path, never contents. */
#include "alert/secrets.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SECRET_MAX   ((size_t)8 * 1024)
#define TEMPLATE_MAX ((size_t)64 * 1024)

/* The text of a `*_file`, owned, without the white space at its end. */
static char *read_source(const struct lw_receiver *r, const char *key, const char *path,
                         size_t max, struct lw_err *err) {
    char *text;
    size_t len = 0;
    if (strncmp(path, "env:", 4) == 0) {
        const char *value = getenv(path + 4);
        if (value == NULL || strlen(value) > max) {
            lw_fail(err, LW_ECONFIG,
                    "receiver %s: `%s`: the environment variable %s is %s", r->name, key,
                    path + 4, value == NULL ? "not set" : "too long");
            return NULL;
        }
        text = lw_strdup(value);
        len = strlen(text);
    } else {
        struct lw_err why = {0};
        text = lw_read_file(path, max, &len, &why);
        if (text == NULL) {
            lw_fail(err, LW_ECONFIG, "receiver %s: `%s`: %s", r->name, key, why.msg);
            return NULL;
        }
    }
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        text[--len] = '\0';
    if (len > 0 && strlen(text) == len)
        return text;
    lw_fail(err, LW_ECONFIG, "receiver %s: `%s`: %s %s", r->name, key, path,
            len == 0 ? "contains a NUL byte" : "holds a NUL byte");
    lw_free_secret(text, len);
    return NULL;
}

static void secret_forget(char *text) {
    lw_free_secret(text, text != NULL ? strlen(text) : 0);
}

static int read_line(const struct lw_receiver *r, const char *key, const char *path,
                     char *out, size_t size, struct lw_err *err) {
    if (path[0] == '\0')
        return 0;
    char *text = read_source(r, key, path, SECRET_MAX, err);
    if (text == NULL)
        return -1;
    int rc = 0;
    for (const char *p = text; *p != '\0' && rc == 0; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p > '~')
            rc = lw_fail(err, LW_ECONFIG,
                         "receiver %s: `%s`: %s must contain one line of printable ASCII "
                         "without spaces",
                         r->name, key, path);
    if (rc == 0 && strlen(text) >= size)
        rc =
            lw_fail(err, LW_ECONFIG, "receiver %s: `%s`: %s contains more than %zu bytes",
                    r->name, key, path, size - 1);
    if (rc == 0)
        lw_copy(out, size, text);
    secret_forget(text);
    return rc;
}

static int read_keys(const struct lw_receiver *r, struct lw_secrets *s,
                     struct lw_err *err) {
    if (r->secret_file[0] == '\0')
        return 0;
    char *text = read_source(r, "secret_file", r->secret_file, SECRET_MAX, err);
    if (text == NULL)
        return -1;
    int rc = 0;
    char *save = NULL;
    size_t len = strlen(text);
    for (char *line = strtok_r(text, " \t\r\n", &save); line != NULL && rc == 0;
         line = strtok_r(NULL, " \t\r\n", &save)) {
        struct lw_err why = {0};
        if (s->nkeys == sizeof s->key / sizeof s->key[0])
            rc = lw_fail(&why, LW_ECONFIG, "more than two keys");
        else
            rc = lw_sign_key_parse(line, &s->key[s->nkeys++], &why);
        if (rc < 0)
            lw_fail(err, LW_ECONFIG, "receiver %s: `secret_file`: %s: %s", r->name,
                    r->secret_file, why.msg);
    }
    lw_free_secret(text, len);
    return rc;
}

static int read_text(const struct lw_receiver *r, const char *key, const char *path,
                     size_t max, char **out, struct lw_err *err) {
    if (path[0] == '\0')
        return 0;
    *out = read_source(r, key, path, max, err);
    return *out == NULL ? -1 : 0;
}

int lw_secrets_load(const struct lw_receiver *r, struct lw_secrets *out,
                    struct lw_err *err) {
    memset(out, 0, sizeof *out);
    lw_copy(out->url, sizeof out->url, r->url);
    if (read_line(r, "url_file", r->url_file, out->url, sizeof out->url, err) == 0 &&
        read_line(r, "token_file", r->token_file, out->token, sizeof out->token, err) ==
            0 &&
        read_keys(r, out, err) == 0 &&
        read_text(r, "headers_file", r->headers_file, SECRET_MAX, &out->headers, err) ==
            0 &&
        read_text(r, "template_file", r->template_file, TEMPLATE_MAX, &out->template_text,
                  err) == 0)
        return 0;
    lw_secrets_fini(out);
    return -1;
}

void lw_secrets_fini(struct lw_secrets *s) {
    secret_forget(s->headers);
    secret_forget(s->template_text);
    OPENSSL_cleanse(s, sizeof *s);
}
