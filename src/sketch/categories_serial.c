/* Category counts: sorted order and serial form.
 *
 *   u8 version 2, varint cap, n, missing, error, depth, number of categories; then for
 *   each, in order of key: varint key, varint count, varint 0 for an integer or 1 + the
 *   length of its text, the text
 *
 * The reader checks that keys ascend, that counts are positive and sum to n (to at most n
 * if there is an error), and that each text hashes to its key, or ends with it if it was
 * too long to keep. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/varint.h"
#include "categories_impl.h"

enum { VERSION = 2 };
#define N_MAX (UINT64_C(1) << 56)

static void entry_take(void *arg, const struct lw_cat *cat) {
    struct lw_cat **to = arg;
    *(*to)++ = *cat;
}

static int by_key(const void *a, const void *b) {
    const struct lw_cat *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

void lw_cats_seal(struct lw_cats *c) {
    if (c->order || c->size == 0)
        return;
    c->order = lw_calloc(c->size, sizeof *c->order);
    struct lw_cat *end = c->order;
    lw__cats_each(c, entry_take, &end);
    /* The counters were visited in order, and their keys are the smallest. */
    struct lw_cat *hashed = end - c->hashed;
    if (c->size == c->hashed || c->hashed == 0 || hashed->key >= LW_CATS_DENSE)
        qsort(hashed, c->hashed, sizeof *hashed, by_key);
    else
        qsort(c->order, c->size, sizeof *c->order, by_key);
}

struct lw_cat lw_cats_at(const struct lw_cats *c, size_t i) {
    lw_assert(c->order && i < c->size);
    return c->order[i];
}

size_t lw_cats_index(const struct lw_cats *c, uint64_t key) {
    size_t lo = 0, hi = lw_cats_size(c);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (lw_cats_at(c, mid).key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < lw_cats_size(c) && lw_cats_at(c, lo).key == key ? lo : SIZE_MAX;
}

struct lw_cat lw_cats_top(struct lw_cats *c) {
    struct lw_cat top = {0};
    lw_cats_seal(c);
    for (size_t i = 0; i < lw_cats_size(c); i++) {
        struct lw_cat cat = lw_cats_at(c, i);
        if (cat.count > top.count)
            top = cat;
    }
    return top;
}

static size_t category_size(const struct lw_cat *cat) {
    size_t text = cat->text ? lw_varint_size(cat->len + 1) + cat->len : 1;
    return lw_varint_size(cat->key) + lw_varint_size(cat->count) + text;
}

static void add_size(void *arg, const struct lw_cat *cat) {
    *(size_t *)arg += category_size(cat);
}

size_t lw_cats_serial_size(const struct lw_cats *c) {
    size_t size = 1 + lw_varint_size(c->cap) + lw_varint_size(c->n) +
                  lw_varint_size(c->missing) + lw_varint_size(c->error) +
                  lw_varint_size(c->depth) + lw_varint_size(c->size);
    lw__cats_each(c, add_size, &size);
    return size;
}

static uint8_t *put_category(uint8_t *at, const struct lw_cat *cat) {
    at = lw_varint_write(at, cat->key);
    at = lw_varint_write(at, cat->count);
    at = lw_varint_write(at, cat->text ? (uint64_t)cat->len + 1 : 0);
    if (cat->text && cat->len > 0)
        memcpy(at, cat->text, cat->len);
    return at + cat->len;
}

size_t lw_cats_write(struct lw_cats *c, uint8_t *out) {
    lw_cats_seal(c);
    uint8_t *at = out;
    *at++ = VERSION;
    at = lw_varint_write(at, c->cap);
    at = lw_varint_write(at, c->n);
    at = lw_varint_write(at, c->missing);
    at = lw_varint_write(at, c->error);
    at = lw_varint_write(at, c->depth);
    at = lw_varint_write(at, c->size);
    for (size_t i = 0; i < c->size; i++)
        at = put_category(at, &c->order[i]);
    return (size_t)(at - out);
}

static bool ends_in(const char *text, size_t len, uint64_t key) {
    char tail[LW_CATS_TAIL + 1];
    lw__cats_tail(tail, key);
    return len > LW_CATS_TEXT_MAX - 4 &&
           memcmp(text + len - LW_CATS_TAIL, tail, LW_CATS_TAIL) == 0;
}

/* Reads one category into the sketch; -1 if no sketch could have written it. */
static int read_category(struct lw_cats *c, struct lw_reader *r, uint64_t *left) {
    uint64_t key = lw_varint_get_shortest(r), count = lw_varint_get_shortest(r);
    uint64_t len1 = lw_varint_get_shortest(r);
    if (r->bad || count == 0 || count > *left || len1 > LW_CATS_TEXT_MAX + 1)
        return -1;
    const char *text = NULL;
    size_t len = len1 > 0 ? (size_t)len1 - 1 : 0;
    if (len1 > 0) {
        text = len > 0 ? lw_reader_bytes(r, len) : "";
        if (!text || key < LW_CATS_DENSE)
            return -1;
        if (lw_text_key(text, len) != key && !ends_in(text, len, key))
            return -1;
    }
    lw__cats_bump(c, key, text, len, count);
    *left -= count;
    return 0;
}

static int read_categories(struct lw_cats *c, struct lw_reader *r, uint64_t n,
                           uint64_t size) {
    uint64_t left = n, before = 0;
    for (uint64_t i = 0; i < size; i++) {
        struct lw_reader ahead = *r;
        uint64_t key = lw_varint_get_shortest(&ahead);
        if ((i > 0 && key <= before) || read_category(c, r, &left))
            return -1;
        before = key;
    }
    c->n = n;
    return c->error == 0 && left > 0 ? -1 : 0;
}

struct lw_cats *lw_cats_read(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    unsigned version = lw_reader_u8(&r);
    uint64_t cap = lw_varint_get_shortest(&r), n = lw_varint_get_shortest(&r);
    uint64_t missing = lw_varint_get_shortest(&r), error = lw_varint_get_shortest(&r);
    uint64_t depth = lw_varint_get_shortest(&r), size = lw_varint_get_shortest(&r);
    if (r.bad || version != VERSION) {
        lw_fail(err, LW_EINPUT,
                "category counts: version %u, or cut off; want version %d", version,
                VERSION);
        return NULL;
    }
    if (cap < 1 || cap > LW_CATS_CAP_MAX || size > cap || n > N_MAX || missing > N_MAX ||
        error > n || depth > LW_CATS_DEPTH || (error == 0) != (depth == 0)) {
        lw_fail(err, LW_EINPUT, "category counts: %llu of at most %llu, %llu values",
                (unsigned long long)size, (unsigned long long)cap, (unsigned long long)n);
        return NULL;
    }
    struct lw_cats *c = lw_cats_new((uint32_t)cap);
    c->missing = missing;
    c->error = error;
    c->depth = (uint32_t)depth;
    if (!read_categories(c, &r, n, size) && lw_reader_left(&r) == 0)
        return c;
    lw_fail(err, LW_EINPUT, "category counts: keys or counts are damaged before byte %zu",
            len - lw_reader_left(&r));
    lw_cats_free(c);
    return NULL;
}
