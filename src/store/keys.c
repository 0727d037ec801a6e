/* One function writes every key, so that no key lacks the hash tag: a script may only
 * access keys of one slot, and {stream} determines the slot. */
#include "store/keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static size_t print_key(char *out, const struct lw_spec *spec, const char *fmt,
                        va_list ap) __attribute__((format(printf, 3, 0)));

static size_t print_key(char *out, const struct lw_spec *spec, const char *fmt,
                        va_list ap) {
    int n = snprintf(out, LW_KEY_MAX, "leeway:{%s}:", spec->stream);
    int m = vsnprintf(out + n, LW_KEY_MAX - (size_t)n, fmt, ap);
    lw_assert(n > 0 && m > 0 &&
              n + m < LW_KEY_MAX); /* names are bounded: 96 + 249 + 32 */
    return (size_t)n + (size_t)m;
}

void lw_key_arg(struct lw_cmd *c, const struct lw_spec *spec, const char *fmt, ...) {
    char key[LW_KEY_MAX];
    va_list ap;
    va_start(ap, fmt);
    size_t n = print_key(key, spec, fmt, ap);
    va_end(ap);
    lw_cmd_arg(c, key, n);
    if (c->keys)
        lw_cmd_arg(c->keys, key, n);
}

char *lw_key(char *out, const struct lw_spec *spec, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    print_key(out, spec, fmt, ap);
    va_end(ap);
    return out;
}

size_t lw_keys_scan_versions(const char *text, uint32_t *out, size_t max) {
    size_t n = 0;
    while (n < max && *text) {
        char *end;
        unsigned long v = strtoul(text, &end, 10);
        if (end == text || v == 0 || v > UINT32_MAX)
            break;
        out[n++] = (uint32_t)v;
        text = end;
    }
    return n;
}
