/* Secrets: passwords, tokens, keys. A configuration never holds one; it names the source:
 * the path of a file, or "env:NAME" for an environment variable. Errors are LW_ECONFIG,
 * name the source and never show the contents. Thread: any. */
#ifndef LW_BASE_SECRET_H
#define LW_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "leeway/err.h"

/* The largest file of a secret. */
#define LW_SECRET_MAX ((size_t)64 * 1024)

/* Is the source "env:NAME", not a path? */
bool lw_secret_in_env(const char *source);

/* The whole text without the white space at its end; neither empty nor with a NUL inside.
 * max: bytes read at most. Free with lw_secret_free_text. */
char *lw_secret_text(const char *source, size_t max, struct lw_err *err);
/* The first line, 1 to max bytes without its end. Free with lw_secret_free_text. */
char *lw_secret_line(const char *source, size_t max, struct lw_err *err);
/* The first line, into size bytes. On error out is unchanged. */
int lw_secret_copy(const char *source, char *out, size_t size, struct lw_err *err);

/* Overwrites len bytes in a way that no compiler removes. */
void lw_secret_wipe(void *p, size_t len);
/* Overwrites len bytes and frees them. NULL: nothing. */
void lw_secret_free(void *p, size_t len);
/* The same up to the NUL. */
void lw_secret_free_text(char *text);

#endif
