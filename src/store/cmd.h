/* Commands under construction. */
#ifndef LW_STORE_CMD_H
#define LW_STORE_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A command. Every argument is copied; _clear keeps the memory, so
 * a command that is reused allocates nothing. */
struct lw_cmd;
struct lw_cmd *lw_cmd_new(void);
void lw_cmd_free(struct lw_cmd *c);
void lw_cmd_clear(struct lw_cmd *c);
void lw_cmd_arg(struct lw_cmd *c, const void *data, size_t len);
void lw_cmd_str(struct lw_cmd *c, const char *text);
void lw_cmd_int(struct lw_cmd *c, int64_t v);
void lw_cmd_uint(struct lw_cmd *c, uint64_t v);
/* Shortest decimal text that reads back as v; whole numbers without an exponent. */
void lw_cmd_f64(struct lw_cmd *c, double v);
size_t lw_cmd_count(const struct lw_cmd *c);

/* Reserves an argument for the number of arguments that follow, and fills it in after
 * they were added. One at a time. */
size_t lw_cmd_slot(struct lw_cmd *c);
void lw_cmd_fill(struct lw_cmd *c, size_t slot);

/* A connection's own command and its byte buffer, both emptied. */
struct lw_redis;
struct lw_buf;
struct lw_cmd *lw_cmd_scratch(struct lw_redis *r);
struct lw_buf *lw_cmd_bytes(struct lw_redis *r);

#endif
