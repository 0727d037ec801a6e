/* Counts of categories: exact up to a cap, then two summaries in one table.
 *
 * Up to `cap` distinct keys every count is exact. Beyond that the heavy categories are
 * kept as frequent items (Misra-Gries as in Anderson et al., IMC 2017: a reported count
 * is at most the true one, and at least the true one less `error`), and a random one in
 * 2^depth of all categories stays exact (lw_cats_sampled), which tests of change rely
 * on. Missing values are counted separately. Keys are 64-bit: an integer category's own
 * value, or lw_text_key() of a text, which is stored once. A text of more than
 * LW_CATS_TEXT_MAX bytes is stored as its beginning, an ellipsis, '#' and its key in
 * hex, so that two long texts stay distinct. Memory is bounded by cap and
 * LW_CATS_TEXT_MAX. Deterministic: no seed. Thread: one at a time. Cost: add O(1), no
 * allocation for a known key. */
#ifndef LEEWAY_CATEGORIES_H
#define LEEWAY_CATEGORIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leeway/err.h"
#include "leeway/row.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LW_CATS_CAP_DEFAULT 1024
#define LW_CATS_CAP_MAX     65536
#define LW_CATS_TEXT_MAX    128

struct lw_cats;

struct lw_cats *lw_cats_new(uint32_t cap);
void lw_cats_free(struct lw_cats *c);
void lw_cats_reset(struct lw_cats *c);
struct lw_cats *lw_cats_clone(const struct lw_cats *c);

void lw_cats_add(struct lw_cats *c,
                 const struct lw_cell *cell); /* missing cells count as missing */
void lw_cats_add_int(struct lw_cats *c, int64_t key, uint64_t count);
void lw_cats_add_text(struct lw_cats *c, const char *text, size_t len, uint64_t count);
void lw_cats_add_missing(struct lw_cats *c, uint64_t count);
void lw_cats_merge(struct lw_cats *c, const struct lw_cats *other);

uint32_t lw_cats_cap(const struct lw_cats *c);
uint64_t lw_cats_n(const struct lw_cats *c); /* present values, all categories */
uint64_t lw_cats_missing(const struct lw_cats *c);
uint64_t lw_cats_error(const struct lw_cats *c); /* 0 while exact */
size_t lw_cats_size(const struct lw_cats *c);    /* number of keys */
uint64_t lw_cats_count(const struct lw_cats *c,
                       uint64_t key); /* lower bound; 0 for an unknown key */

/* The true count is at most this. */
uint64_t lw_cats_upper(const struct lw_cats *c, uint64_t key);
/* Present values that are counted under no key because of the cap. O(size). */
uint64_t lw_cats_dropped(const struct lw_cats *c);
/* Keys sampled at the summary's depth have exact counts, also 0. Several summaries
 * share the greatest of their depths. 0: all counts are exact. */
unsigned lw_cats_depth(const struct lw_cats *c);
bool lw_cats_sampled(uint64_t key, unsigned depth);

struct lw_cat {
    uint64_t key, count;
    const char *text; /* NULL for integers; borrowed until the next change */
    uint32_t len;
};
/* The commonest category, the first in order of key of several; its count is 0 if there
 * is none. Seals. O(size). */
struct lw_cat lw_cats_top(struct lw_cats *c);
/* The i-th category, i < lw_cats_size, in order of key, so that equal sets have equal
 * orders. Call _seal after the last change and before _at. */
void lw_cats_seal(struct lw_cats *c);
struct lw_cat lw_cats_at(const struct lw_cats *c, size_t i);
/* The i of lw_cats_at with that key; SIZE_MAX: none. Sealed. O(log size). */
size_t lw_cats_index(const struct lw_cats *c, uint64_t key);
/* A category's name for people: one line of printable UTF-8 in size bytes (24 at
 * least). Different categories have different names; unprintable bytes are escaped as
 * \xHH or \uHHHH, the empty one is "", and a long one ends in a checksum. Returns out. */
char *lw_cat_name(const struct lw_cat *cat, char *out, size_t size);

/* Versioned serial form, little-endian, in order of key: equal contents, equal bytes. */
size_t lw_cats_serial_size(const struct lw_cats *c);
size_t lw_cats_write(struct lw_cats *c, uint8_t *out); /* seals */
struct lw_cats *lw_cats_read(const uint8_t *data, size_t len, struct lw_err *err);

#ifdef __cplusplus
}
#endif
#endif
