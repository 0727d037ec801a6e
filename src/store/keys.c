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
    return (size_t)(n + m);
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

struct lw_cmd *lw_cmd_scratch(struct lw_redis *r) {
    lw_cmd_clear(&r->verb);
    return &r->verb;
}

struct lw_buf *lw_cmd_bytes(struct lw_redis *r) {
    lw_buf_clear(&r->bytes);
    return &r->bytes;
}

size_t lw_scan_versions(const char *text, uint32_t *out, size_t max) {
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

void lw_batch_init(struct lw_batch *b, size_t n) {
    b->n = n;
    b->cmd = lw_calloc(n ? n : 1, sizeof *b->cmd);
    b->reply = lw_calloc(n ? n : 1, sizeof *b->reply);
    for (size_t i = 0; i < n; i++)
        b->cmd[i] = lw_cmd_new();
}

void lw_batch_fini(struct lw_batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        lw_cmd_free(b->cmd[i]);
        lw_reply_free(b->reply[i]);
    }
    free(b->cmd);
    free(b->reply);
}

int lw_batch_send(struct lw_redis *r, struct lw_batch *b, struct lw_err *err) {
    return lw_redis_pipeline(r, b->cmd, b->n, b->reply, err);
}
