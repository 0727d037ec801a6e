/* See secret.h. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define SCHEME     "env:"
#define SCHEME_LEN (sizeof SCHEME - 1)

bool lw_secret_in_env(const char *source) {
    return strncmp(source, SCHEME, SCHEME_LEN) == 0;
}

static char *secret_from_env(const char *name, size_t max, size_t *len,
                             struct lw_err *err) {
    const char *value = getenv(name);
    *len = value ? strlen(value) : 0;
    if (value && *len <= max)
        return lw_strdup(value);
    if (value)
        lw_fail(err, LW_ECONFIG,
                "the environment variable %s is larger than the %zu bytes allowed here",
                name, max);
    else
        lw_fail(err, LW_ECONFIG, "the environment variable %s is not set", name);
    return NULL;
}

/* As it is, without a NUL inside. */
static char *secret_read(const char *source, size_t max, size_t *len,
                         struct lw_err *err) {
    struct lw_err why = {0};
    if (lw_secret_in_env(source))
        return secret_from_env(source + SCHEME_LEN, max, len, err);
    char *text = lw_read_file(source, max, len, &why);
    if (!text) {
        lw_fail(err, LW_ECONFIG, "%s", why.msg);
        return NULL;
    }
    if (strlen(text) == *len)
        return text;
    lw_secret_free(text, *len);
    lw_fail(err, LW_ECONFIG, "%s holds a NUL byte", source);
    return NULL;
}

char *lw_secret_text(const char *source, size_t max, struct lw_err *err) {
    size_t len;
    char *text = secret_read(source, max, &len, err);
    if (!text)
        return NULL;
    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    if (len > 0)
        return text;
    free(text);
    lw_fail(err, LW_ECONFIG, "%s is empty", source);
    return NULL;
}

char *lw_secret_line(const char *source, size_t max, struct lw_err *err) {
    size_t all;
    char *text = secret_read(source, LW_SECRET_MAX, &all, err);
    if (!text)
        return NULL;
    size_t len = strcspn(text, "\r\n");
    lw_secret_wipe(text + len, all - len);
    if (len >= 1 && len <= max)
        return text;
    lw_secret_free(text, len);
    lw_fail(err, LW_ECONFIG, "the first line of %s must have 1 to %zu bytes", source,
            max);
    return NULL;
}

int lw_secret_copy(const char *source, char *out, size_t size, struct lw_err *err) {
    char *line = lw_secret_line(source, size - 1, err);
    if (!line)
        return -1;
    lw_copy(out, size, line);
    lw_secret_free_text(line);
    return 0;
}

void lw_secret_wipe(void *p, size_t len) {
    explicit_bzero(p, len);
}

void lw_secret_free(void *p, size_t len) {
    if (p)
        lw_secret_wipe(p, len);
    free(p);
}

void lw_secret_free_text(char *text) {
    lw_secret_free(text, text ? strlen(text) : 0);
}
