/* A profile: one summary per watched column, as a window, a pane or a reference holds it.
 *
 * A numeric column has moments, a KLL sketch, a tail sketch (values far out within a
 * stated relative error, where KLL only bounds ranks), and counts of missing and
 * out-of-range values; a category column has category counts and, if requested, a
 * distinct count (HLL). Each column is encoded separately ("member"), because a store
 * keeps one field per member; all loaders validate. Merging is associative up to the
 * sketches' stated errors, exact in all counts. */
#ifndef LEEWAY_PROFILE_H
#define LEEWAY_PROFILE_H

#include "leeway/categories.h"
#include "leeway/distinct.h"
#include "leeway/kll.h"
#include "leeway/moments.h"
#include "leeway/row.h"
#include "leeway/tail.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lw_column {
    char name[LW_NAME_MAX];
    enum lw_kind kind; /* LW_NUMERIC or LW_CATEGORY */
    double lo,
        hi;       /* valid range of a numeric one, inclusive; -INFINITY, INFINITY: none */
    uint16_t k;   /* KLL size; 0: LW_KLL_K_DEFAULT */
    uint32_t cap; /* categories kept exactly; 0: LW_CATS_CAP_DEFAULT */
    bool distinct; /* count distinct values of a category too */
};

/* Every present value enters n; one outside [lo, hi], or too large to be summed
 * (lw_summable), is counted as out of range and kept out of moments and sketches, so
 * that one absurd value cannot move them. */
struct lw_numeric {
    uint64_t n, missing, out_of_range;
    struct lw_moments moments;
    struct lw_kll *kll;
    struct lw_tail *tail;
};

struct lw_member {
    enum lw_kind kind;
    struct lw_numeric num; /* LW_NUMERIC */
    struct lw_cats *cats;  /* LW_CATEGORY */
    struct lw_hll *hll;    /* LW_CATEGORY with distinct, else NULL */
};

struct lw_profile {
    size_t n;
    const struct lw_column *columns; /* borrowed: outlives the profile */
    struct lw_member *members;
    uint64_t seed;
    struct lw_column *own; /* the columns, when lw_profile_read made them; else NULL */
};

struct lw_profile *lw_profile_new(const struct lw_column *columns, size_t n,
                                  uint64_t seed);
void lw_profile_free(struct lw_profile *p);
void lw_profile_reset(struct lw_profile *p, uint64_t seed); /* empty again, memory kept */
struct lw_profile *lw_profile_clone(const struct lw_profile *p);

/* One event: cells[i] is the value of column i. Hot path: no allocation once categories
 * are known. */
void lw_profile_add(struct lw_profile *p, const struct lw_cell *cells);
void lw_profile_add_numeric(struct lw_profile *p, size_t column, double v);
/* The same in two parts: the categories of an event, and n numbers of one numeric
 * column in order (NAN: missing). Together they produce the same bytes as
 * lw_profile_add for each event; batches of numbers keep one column's sketches in the
 * first-level cache. */
void lw_profile_add_categories(struct lw_profile *p, const struct lw_cell *cells);
void lw_profile_add_numbers(struct lw_profile *p, size_t column, const double *v,
                            size_t n);

/* Columns must be the same (an assertion). */
void lw_profile_merge(struct lw_profile *p, const struct lw_profile *other);
int lw_profile_find(const struct lw_profile *p, const char *column); /* index or -1 */
/* Events of a member, and how many of them had no value. */
uint64_t lw_member_rows(const struct lw_member *m);
uint64_t lw_member_missing(const struct lw_member *m);

/* Appends the versioned bytes of one member. */
struct lw_buf;
void lw_profile_write_member(struct lw_profile *p, size_t column, struct lw_buf *out);
/* Replaces member `column` by the bytes' contents. If they are damaged, foreign or of
 * another kind: LW_EINPUT with column and reason, and the member is left empty. */
int lw_profile_read_member(struct lw_profile *p, size_t column, const void *data,
                           size_t len, struct lw_err *err);

/* The whole profile with its column list as one blob, for files and model versions.
 * _read creates its own column list, owned by the profile. */
void lw_profile_write(struct lw_profile *p, struct lw_buf *out);
struct lw_profile *lw_profile_read(const void *data, size_t len, struct lw_err *err);

/* The value at a rank in [0, 1] of a numeric member; NAN when empty, the exact minimum
 * and maximum at 0 and 1. Exact while the KLL sketch holds every value. After that the
 * true value lies in one bucket of the tail sketch, and with 99 % confidence between
 * KLL's values at a rank error below and above: the result is the middle of the
 * intersection. In the tails that is the bucket's middle, within 1 %; where values are
 * dense it is KLL's. Monotonic in the rank. Cost: O(retained log retained + buckets). */
double lw_numeric_quantile(const struct lw_numeric *num, double rank);

#ifdef __cplusplus
}
#endif
#endif
