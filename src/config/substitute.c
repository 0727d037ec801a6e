/* ${NAME} and ${NAME:-default} inside scalars, as a shell would do it: an empty variable
 * takes the default too. A variable that is not set and has no default is refused rather
 * than read as empty: a forgotten variable should not become an empty topic name. `$${`
 * is a literal `${`; a lone `$` is itself. Defaults do not nest.
 *
 * The part of the result that is written in the file is kept as well: it distinguishes a
 * password in the configuration from one in the environment. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "config/tree.h"

#define NAME_FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_REST  NAME_FIRST "0123456789"

struct substituted_text {
    struct lw_buf text, literal;
};

static void put_both(struct substituted_text *h, const char *text, size_t len) {
    lw_buf_put(&h->text, text, len);
    lw_buf_put(&h->literal, text, len);
}

/* at points behind "${"; returns what follows "}", or NULL. */
static const char *parse_variable(const char *at, struct substituted_text *h,
                                  struct lw_err *why) {
    size_t len = strspn(at, NAME_FIRST) ? strspn(at, NAME_REST) : 0;
    const char *end = strchr(at, '}');
    bool has_default = len > 0 && strncmp(at + len, ":-", 2) == 0;
    if (!end || len == 0 || (!has_default && at + len != end)) {
        lw_fail(
            why, LW_ECONFIG,
            "\"${%.40s\" is not a variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${",
            at);
        return NULL;
    }
    char *name = lw_strndup(at, len);
    const char *value = getenv(name);
    if (has_default && (!value || !*value))
        lw_buf_put(&h->text, at + len + 2, (size_t)(end - at) - len - 2);
    else if (value)
        lw_buf_put(&h->text, value, strlen(value));
    else
        lw_fail(
            why, LW_ECONFIG,
            "the environment variable %s is not set; set it, or give a default: ${%s:-default}",
            name, name);
    if (has_default) /* counts as written down even when it is not used this time */
        lw_buf_put(&h->literal, at + len + 2, (size_t)(end - at) - len - 2);
    free(name);
    return why->code == LW_OK ? end + 1 : NULL;
}

int lw_substitute(const char *text, char **out, char **literal, struct lw_err *why) {
    struct substituted_text h = {0};
    for (const char *at = text; at && *at;) {
        if (strncmp(at, "$${", 3) == 0) {
            put_both(&h, "${", 2);
            at += 3;
        } else if (strncmp(at, "${", 2) == 0) {
            at = parse_variable(at + 2, &h, why);
        } else {
            put_both(&h, at++, 1);
        }
        if (at && h.text.len > LW_CONFIG_BYTES_MAX) {
            lw_fail(why, LW_ECONFIG,
                    "larger than %u bytes after its variables are replaced",
                    LW_CONFIG_BYTES_MAX);
            break;
        }
    }
    if (why->code == LW_OK) {
        *out = lw_strdup(lw_buf_str(&h.text));
        *literal = lw_strdup(lw_buf_str(&h.literal));
    }
    lw_buf_wipe(&h.text);
    lw_buf_fini(&h.literal);
    return why->code == LW_OK ? 0 : -1;
}
