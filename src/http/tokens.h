/* Bearer tokens and their scopes.
 *
 * A file has one token per line: `TOKEN`, which has all scopes, or `NAME SCOPES TOKEN`
 * with the scopes separated by commas. `sha256:` and the hexadecimal hash of a token may
 * replace the token. Empty lines and lines that begin with # are ignored. */
#ifndef LW_HTTP_TOKENS_H
#define LW_HTTP_TOKENS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "leeway/err.h"

/* Minimum bytes of a token, and maximum bytes of its file. */
#define LW_TOKEN_MIN  16
#define LW_TOKEN_MAX  65536
#define LW_TOKENS_MAX 64
#define LW_TOKEN_NAME 33
#define LW_DIGEST     32

/* Every token may read. */
enum {
    LW_SCOPE_READ = 1,
    LW_SCOPE_SILENCE = 2,
    LW_SCOPE_MODELS = 4,
    LW_SCOPE_ALL = 7,
};

struct lw_token {
    char name[LW_TOKEN_NAME]; /* "" */
    unsigned scopes;
    unsigned char digest[LW_DIGEST]; /* SHA-256 */
};

struct lw_token_set {
    size_t n;
    struct lw_token token[LW_TOKENS_MAX];
};

/* allowed: the scopes that a line may name, and those of a line that names none.
 * LW_ECONFIG names file and line, never the contents. */
int lw_tokens_read(const char *path, unsigned allowed, struct lw_token_set *out,
                   struct lw_err *err);

/* A file that is reread when it has changed. Thread: any. */
struct lw_token_file {
    const char *path; /* "": no file */
    unsigned allowed;
    pthread_mutex_t lock;
    struct timespec changed;
    ino_t inode;
    off_t size;
    bool known; /* the state that the two below belong to */
    struct lw_err err;
    struct lw_token_set set;
};
void lw_token_file_init(struct lw_token_file *f, const char *path, unsigned allowed);
void lw_token_file_fini(struct lw_token_file *f);
/* 1: *out is the token of that digest; 0: the file has no such token; -1: the file is
 * unusable. Takes the same time in each case. */
int lw_token_find(struct lw_token_file *f, const unsigned char digest[LW_DIGEST],
                  struct lw_token *out, struct lw_err *err);
void lw_token_digest(const char *token, size_t len, unsigned char out[LW_DIGEST]);
/* "silence" or "models", for messages. */
const char *lw_token_scope_name(unsigned scope);

#endif
