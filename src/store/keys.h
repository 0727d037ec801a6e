/* Names of the keys, all with the hash tag {stream}. docs/redis.md lists
 * the keys. */
#ifndef LW_STORE_KEYS_H
#define LW_STORE_KEYS_H

#include "core/spec.h"
#include "store/batch.h"
#include "store/conn.h"

#define LW_KEY_MAX 640

/* Appends "leeway:{stream}:" and the formatted rest as one argument. */
void lw_key_arg(struct lw_cmd *c, const struct lw_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same as text; out has LW_KEY_MAX bytes. */
char *lw_key(char *out, const struct lw_spec *spec, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Scans numbers such as "17 4 2", at most max; returns how many. */
size_t lw_keys_scan_versions(const char *text, uint32_t *out, size_t max);

#endif
