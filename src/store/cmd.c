/* Commands under construction.
 *
 * A command is written directly in its wire format, so that a flush of a few hundred
 * kilobytes is copied once. The buffer is reused and allocates nothing after the first
 * command. The number of arguments precedes them on the wire but is known last, so it
 * is sent separately (lw_conn_exchange). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/conn.h"

struct lw_cmd *lw_cmd_new(void) {
    return lw_calloc(1, sizeof(struct lw_cmd));
}

void lw_cmd_free(struct lw_cmd *c) {
    if (!c)
        return;
    lw_buf_fini(&c->body);
    free(c);
}

void lw_cmd_clear(struct lw_cmd *c) {
    lw_buf_clear(&c->body);
    c->argc = 0;
    c->keys = NULL;
}

size_t lw_cmd_count(const struct lw_cmd *c) {
    return c->argc;
}

void lw_cmd_arg(struct lw_cmd *c, const void *data, size_t len) {
    char head[32];
    int n = snprintf(head, sizeof head, "$%zu\r\n", len);
    lw_buf_put(&c->body, head, (size_t)n);
    lw_buf_put(&c->body, data, len);
    lw_buf_put(&c->body, "\r\n", 2);
    c->argc++;
}

void lw_cmd_str(struct lw_cmd *c, const char *text) {
    lw_cmd_arg(c, text, strlen(text));
}

void lw_cmd_int(struct lw_cmd *c, int64_t v) {
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)v);
    lw_cmd_arg(c, text, (size_t)n);
}

void lw_cmd_uint(struct lw_cmd *c, uint64_t v) {
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    lw_cmd_arg(c, text, (size_t)n);
}

void lw_cmd_f64(struct lw_cmd *c, double v) {
    char text[40];
    if (v > -1e15 && v < 1e15 && v == (double)(int64_t)v)
        lw_cmd_int(c, (int64_t)v); /* a count or a time: never 1.6e+12 */
    else
        lw_cmd_str(c, lw_format_f64(text, sizeof text, v));
}

/* Reserves a number that counts the arguments after it. It has six digits with leading
 * zeros, because filling it in must not change its length. */
size_t lw_cmd_slot(struct lw_cmd *c) {
    lw_cmd_arg(c, "000000", 6);
    c->slot_argc = c->argc;
    return c->body.len - 8;
}

void lw_cmd_fill(struct lw_cmd *c, size_t slot) {
    char digits[24];
    size_t n = c->argc - c->slot_argc;
    lw_assert(n < 1000000);
    snprintf(digits, sizeof digits, "%06zu", n);
    memcpy(c->body.data + slot, digits, 6);
}

struct lw_cmd *lw_cmd_scratch(struct lw_redis *r) {
    lw_cmd_clear(&r->verb);
    return &r->verb;
}

struct lw_buf *lw_cmd_bytes(struct lw_redis *r) {
    lw_buf_clear(&r->bytes);
    return &r->bytes;
}
