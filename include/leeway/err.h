/* Errors. The caller owns the struct, nothing is allocated, the first error wins.
 *
 * The code says what the caller may do next; the text says what happened, where, and
 * what would help. Functions return 0 or -1 (or NULL) and take `struct lw_err *err`
 * last; NULL is allowed. */
#ifndef LEEWAY_ERR_H
#define LEEWAY_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

enum lw_errc {
    LW_OK = 0,
    LW_EINPUT,    /* this record or file is bad and always will be: skip and name it */
    LW_ECONFIG,   /* the configuration cannot work: refuse to start */
    LW_EAGAIN,    /* a service is down or slow: wait and retry, nothing is lost */
    LW_EFENCED,   /* another process owns this now: drop what you hold */
    LW_ENOTFOUND, /* the requested thing does not exist */
    LW_ESTOP      /* cannot continue: end the process, a supervisor may restart it */
};

struct lw_err {
    enum lw_errc code;
    char msg[512];
};

/* Sets code and text unless err is NULL or already holds an error. Always returns -1, so
 * that a failing path is one line: `return lw_fail(err, LW_EINPUT, "%s: ...", path);` */
int lw_fail(struct lw_err *err, enum lw_errc code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the text that err already holds (no-op for NULL or LW_OK).
 * Returns -1. */
int lw_err_context(struct lw_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

void lw_err_clear(struct lw_err *err);

/* One lower-case word for a code, e.g. "input"; for logs and headers. */
const char *lw_errc_name(enum lw_errc code);

#ifdef __cplusplus
}
#endif
#endif
