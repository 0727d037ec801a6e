/* See tokens.h. Only digests are kept and compared: two different SHA-256 digests reveal
 * nothing about the tokens, or about how much of one was right. */
#include "http/tokens.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

static const struct {
    const char *name;
    unsigned scope;
} scopes[] = {{"read", LW_SCOPE_READ},
              {"silence", LW_SCOPE_SILENCE},
              {"models", LW_SCOPE_MODELS},
              {"all", LW_SCOPE_ALL}};
#define SCOPES (sizeof scopes / sizeof *scopes)

const char *lw_token_scope_name(unsigned scope) {
    for (size_t i = 0; i < SCOPES; i++)
        if (scopes[i].scope == scope)
            return scopes[i].name;
    return "all";
}

void lw_token_digest(const char *token, size_t len, unsigned char out[LW_DIGEST]) {
    unsigned n = LW_DIGEST;
    lw_assert(EVP_Digest(token, len, out, &n, EVP_sha256(), NULL) == 1);
}

/* ---- a line ---- */

/* "silence,models"; 0: one of them is unknown, or not allowed here. */
static unsigned read_scopes(const char *text, unsigned allowed) {
    unsigned all = 0;
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ","), i = 0;
        while (i < SCOPES &&
               (strlen(scopes[i].name) != len || strncmp(at, scopes[i].name, len) != 0))
            i++;
        if (i == SCOPES || scopes[i].scope & ~allowed)
            return 0;
        all |= scopes[i].scope;
        at += len + (at[len] == ',');
    }
    return all ? all | LW_SCOPE_READ : 0;
}

static bool read_name(const char *text, char *out, size_t size) {
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    lw_copy(out, size, text);
    return len > 0 && len < size;
}

static bool read_hex(const char *text, unsigned char out[LW_DIGEST]) {
    if (strlen(text) != (size_t)2 * LW_DIGEST ||
        text[strspn(text, "0123456789abcdefABCDEF")])
        return false;
    for (size_t i = 0; i < LW_DIGEST; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return true;
}

/* NULL, or why the line is invalid. */
static const char *read_line(char *line, unsigned allowed, struct lw_token *out) {
    char *word[4], *rest = NULL;
    size_t n = 0;
    for (char *at = strtok_r(line, " \t", &rest); at && n < 4;
         at = strtok_r(NULL, " \t", &rest))
        word[n++] = at;
    if (n != 1 && n != 3)
        return "must be TOKEN, or NAME SCOPES TOKEN";
    *out = (struct lw_token){.scopes = allowed};
    if (n == 3 && !read_name(word[0], out->name, sizeof out->name))
        return "a name has 1 to 32 letters, digits, dots, dashes or underscores";
    if (n == 3 && !(out->scopes = read_scopes(word[1], allowed)))
        return allowed == LW_SCOPE_READ ? "the only scope of a token in this file is "
                                          "read"
                                        : "scopes are read, silence, models and all, "
                                          "separated by commas";
    const char *token = word[n - 1];
    if (strncmp(token, "sha256:", 7) == 0)
        return read_hex(token + 7, out->digest) ? NULL
                                                : "sha256: must be followed by 64 "
                                                  "hexadecimal digits";
    if (strlen(token) < LW_TOKEN_MIN)
        return "a token must have at least 16 characters";
    lw_token_digest(token, strlen(token), out->digest);
    return NULL;
}

static int add_line(char *line, unsigned allowed, struct lw_token_set *out,
                    const char **why) {
    struct lw_token token;
    line[strcspn(line, "\r")] = '\0';
    line += strspn(line, " \t");
    if (!*line || *line == '#')
        return 0;
    *why = read_line(line, allowed, &token);
    if (!*why && out->n == LW_TOKENS_MAX)
        *why = "there are more than 64 tokens";
    for (size_t i = 0; !*why && i < out->n; i++)
        if (token.name[0] && strcmp(out->token[i].name, token.name) == 0)
            *why = "another token has the same name";
    if (*why)
        return -1;
    out->token[out->n++] = token;
    return 0;
}

int lw_tokens_read(const char *path, unsigned allowed, struct lw_token_set *out,
                   struct lw_err *err) {
    *out = (struct lw_token_set){0};
    char *text = lw_secret_text(path, LW_TOKEN_MAX, err), *rest = NULL;
    if (!text)
        return -1;
    size_t len = strlen(text);
    const char *why = NULL;
    size_t number = 0;
    for (char *line = text; !why && line; line = rest) {
        number++;
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        if (add_line(line, allowed, out, &why))
            break;
    }
    lw_secret_free(text, len);
    if (!why && out->n == 0)
        return lw_fail(err, LW_ECONFIG, "%s: it contains no token", path);
    return why ? lw_fail(err, LW_ECONFIG, "%s:%zu: %s", path, number, why) : 0;
}

/* ---- a file ---- */

void lw_token_file_init(struct lw_token_file *f, const char *path, unsigned allowed) {
    *f = (struct lw_token_file){.path = path, .allowed = allowed};
    pthread_mutex_init(&f->lock, NULL);
}

void lw_token_file_fini(struct lw_token_file *f) {
    if (f->path)
        pthread_mutex_destroy(&f->lock);
}

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* Needs the lock. A file changed just now may change again without a new time stamp, so
 * it is then read each time. */
static void file_reload(struct lw_token_file *f) {
    struct stat st = {0};
    struct timespec now;
    bool there = stat(f->path, &st) == 0;
    if (there && f->known && same_time(st.st_ctim, f->changed) && st.st_ino == f->inode &&
        st.st_size == f->size)
        return;
    lw_err_clear(&f->err);
    lw_tokens_read(f->path, f->allowed, &f->set, &f->err);
    clock_gettime(CLOCK_REALTIME, &now);
    f->known = there && now.tv_sec - st.st_ctim.tv_sec > 1;
    f->changed = st.st_ctim;
    f->inode = st.st_ino;
    f->size = st.st_size;
}

int lw_token_find(struct lw_token_file *f, const unsigned char digest[LW_DIGEST],
                  struct lw_token *out, struct lw_err *err) {
    int found = 0;
    pthread_mutex_lock(&f->lock);
    file_reload(f);
    if (f->err.code != LW_OK)
        found = lw_fail(err, f->err.code, "%s", f->err.msg);
    for (size_t i = 0; found >= 0 && i < f->set.n; i++)
        if (CRYPTO_memcmp(f->set.token[i].digest, digest, LW_DIGEST) == 0) {
            *out = f->set.token[i];
            found = 1;
        }
    pthread_mutex_unlock(&f->lock);
    return found;
}
