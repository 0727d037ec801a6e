/* KLL: the Apache DataSketches serial form, writing and reading.
 *
 *   byte 0   preamble ints: 2 for empty or one item, else 5
 *   1        serial version: 2 for one item, else 1
 *   2        family: 15
 *   3        flags: 1 empty, 2 level zero is sorted, 4 one item
 *   4..5     k
 *   6        m = 8
 *   8..15    n                 (absent, as all below, when empty; one item: the item)
 *   16..17   smallest k merged in
 *   18       number of levels, 19 unused
 *   20..     u32 per level: where it starts in an array whose size follows from k and the
 *            number of levels, filled from its end; then min, max, and the items of level
 *            0 (newest first, as the library's array grows downwards), 1, ...
 *
 * All little-endian. Below k values our bytes equal those that the library writes. The
 * input is not trusted, so the reader checks everything that later code relies on: the
 * order and bounds of the levels; that weights sum to n; that levels are sorted, free of
 * NaN and within min and max; and that no byte is missing or left over. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "kll_impl.h"

enum { FAMILY = 15, FLAG_EMPTY = 1, FLAG_SORTED = 2, FLAG_SINGLE = 4 };
/* Leaves room for the levels that merging such sketches adds. */
#define N_MAX (UINT64_C(1) << 56)
enum { HEADER = 8, PREAMBLE = 20 };

static uint8_t *bytes_put(uint8_t *out, uint64_t v, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> (8 * i));
    return out + bytes;
}

static uint8_t *put_f64(uint8_t *out, double v) {
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bytes_put(out, bits, 8);
}

size_t lw_kll_serial_size(const struct lw_kll *s) {
    if (s->n == 0)
        return HEADER;
    if (s->n == 1)
        return HEADER + 8;
    return PREAMBLE + 4 * (size_t)s->levels + 16 + 8 * (size_t)s->end[0];
}

static uint8_t *write_body(const struct lw_kll *s, uint8_t *at) {
    at = bytes_put(at, s->n, 8);
    at = bytes_put(at, s->min_k, 2);
    at = bytes_put(at, s->levels, 1);
    at = bytes_put(at, 0, 1);
    for (uint32_t h = 0; h < s->levels; h++)
        at = bytes_put(at, s->capacity - s->end[h], 4);
    at = put_f64(at, s->min);
    at = put_f64(at, s->max);
    for (uint32_t i = s->end[0]; i-- > s->end[1];)
        at = put_f64(at, s->items[i]);
    for (uint32_t h = 1; h < s->levels; h++)
        for (uint32_t i = s->end[h + 1]; i < s->end[h]; i++)
            at = put_f64(at, s->items[i]);
    return at;
}

size_t lw_kll_write(const struct lw_kll *s, uint8_t *out) {
    int single = s->n == 1;
    uint8_t *at = out;
    at = bytes_put(at, s->n < 2 ? 2 : 5, 1);
    at = bytes_put(at, single ? 2 : 1, 1);
    at = bytes_put(at, FAMILY, 1);
    at = bytes_put(at, s->n == 0 ? FLAG_EMPTY : single ? FLAG_SINGLE : 0, 1);
    at = bytes_put(at, s->k, 2);
    at = bytes_put(at, LW_KLL_M, 2);
    if (single)
        at = put_f64(at, s->items[0]);
    else if (s->n > 1)
        at = write_body(s, at);
    return (size_t)(at - out);
}

struct kll_header {
    uint8_t ints, version, family, flags, m;
    uint16_t k;
};

static int read_header(struct lw_reader *r, struct kll_header *h, struct lw_err *err) {
    h->ints = lw_reader_u8(r);
    h->version = lw_reader_u8(r);
    h->family = lw_reader_u8(r);
    h->flags = lw_reader_u8(r);
    h->k = lw_reader_u16(r);
    h->m = lw_reader_u8(r);
    lw_reader_u8(r);
    if (r->bad)
        return lw_fail(err, LW_EINPUT, "KLL sketch: shorter than its header of 8 bytes");
    if (h->family != FAMILY)
        return lw_fail(err, LW_EINPUT, "KLL sketch: family %d, want %d", h->family,
                       FAMILY);
    if (h->k < LW_KLL_K_MIN || h->m != LW_KLL_M)
        return lw_fail(err, LW_EINPUT, "KLL sketch: k = %d, m = %d; want k >= 8, m = 8",
                       h->k, h->m);
    int empty = h->flags & FLAG_EMPTY, single = h->flags & FLAG_SINGLE;
    int fits = (h->flags & ~(FLAG_EMPTY | FLAG_SORTED | FLAG_SINGLE)) == 0 &&
               !(empty && single) && h->ints == (empty || single ? 2 : 5) &&
               h->version == (single ? 2 : 1);
    if (!fits)
        return lw_fail(err, LW_EINPUT,
                       "KLL sketch: preamble %d, version %d and flags %d do not fit",
                       h->ints, h->version, h->flags);
    return 0;
}

/* Reads the level offsets and turns them into ends; -1 unless they ascend within the
 * array. */
static int read_levels(struct lw_kll *s, struct lw_reader *r, uint32_t levels) {
    while (s->levels < levels)
        lw__kll_add_level(s);
    uint32_t before = 0;
    for (uint32_t h = 0; h < levels; h++) {
        uint32_t offset = lw_reader_u32(r);
        if (r->bad || offset < before || offset > s->capacity)
            return -1;
        s->end[h] = s->capacity - offset;
        before = offset;
    }
    return 0;
}

static int weights_sum(const struct lw_kll *s) {
    uint64_t sum = 0;
    for (uint32_t h = 0; h < s->levels; h++) {
        uint64_t size = lw__kll_size(s, h);
        if (size > (UINT64_MAX >> h) || (size << h) > UINT64_MAX - sum)
            return -1;
        sum += size << h;
    }
    return sum == s->n && sum <= LW_KLL_N_MAX ? 0 : -1;
}

/* Reads one level's items; `order` 1: they ascend, -1: they descend, 0: any. */
static int read_items(struct lw_kll *s, struct lw_reader *r, double *to, uint32_t n,
                      int order) {
    for (uint32_t i = 0; i < n; i++) {
        to[i] = lw_reader_f64(r) + 0.0;
        if (!(to[i] >= s->min && to[i] <= s->max))
            return -1;
        if (i > 0 && order != 0 && (order > 0 ? to[i - 1] > to[i] : to[i - 1] < to[i]))
            return -1;
    }
    return 0;
}

static void items_reverse(double *v, uint32_t n) {
    for (uint32_t i = 0; i < n / 2; i++) {
        double t = v[i];
        v[i] = v[n - 1 - i];
        v[n - 1 - i] = t;
    }
}

static int read_all_items(struct lw_kll *s, struct lw_reader *r, int sorted) {
    double *level0 = s->items + s->end[1];
    if (read_items(s, r, level0, lw__kll_size(s, 0), sorted))
        return -1;
    items_reverse(level0, lw__kll_size(s, 0));
    for (uint32_t h = 1; h < s->levels; h++)
        if (read_items(s, r, s->items + s->end[h + 1], lw__kll_size(s, h), 1))
            return -1;
    return 0;
}

/* While there is only one level, min and max are among the items. */
static int extremes_are_held(const struct lw_kll *s) {
    int min = s->levels > 1, max = s->levels > 1;
    for (uint32_t i = 0; i < s->end[0] && s->levels == 1; i++) {
        min |= s->items[i] == s->min;
        max |= s->items[i] == s->max;
    }
    return min && max;
}

static int read_body(struct lw_kll *s, struct lw_reader *r, int flags,
                     struct lw_err *err) {
    s->n = lw_reader_u64(r);
    s->min_k = lw_reader_u16(r);
    uint32_t levels = lw_reader_u8(r);
    lw_reader_u8(r);
    if (r->bad || s->min_k < LW_KLL_K_MIN || s->min_k > s->k)
        return lw_fail(err, LW_EINPUT, "KLL sketch: smallest k %d is not in 8..%d",
                       s->min_k, s->k);
    if (levels < 1 || levels > LW_KLL_LEVELS_MAX || read_levels(s, r, levels) ||
        lw__kll_size(s, levels - 1) == 0)
        return lw_fail(err, LW_EINPUT, "KLL sketch: the %u levels are not in order",
                       levels);
    if (s->n < 2 || s->n > N_MAX || weights_sum(s))
        return lw_fail(err, LW_EINPUT, "KLL sketch: weights do not sum to n = %llu",
                       (unsigned long long)s->n);
    if (lw_reader_left(r) != 16 + 8 * (size_t)s->end[0])
        return lw_fail(err, LW_EINPUT, "KLL sketch: %zu bytes for %u items",
                       lw_reader_left(r), s->end[0]);
    lw__kll_reserve(s, s->end[0]);
    s->min = lw_reader_f64(r) + 0.0;
    s->max = lw_reader_f64(r) + 0.0;
    if (!(s->min <= s->max) || read_all_items(s, r, flags & FLAG_SORTED ? 1 : 0) ||
        !extremes_are_held(s))
        return lw_fail(err, LW_EINPUT,
                       "KLL sketch: items are not in order or not within min and max");
    return 0;
}

static int read_single(struct lw_kll *s, struct lw_reader *r, struct lw_err *err) {
    double v = lw_reader_f64(r);
    if (r->bad || isnan(v))
        return lw_fail(err, LW_EINPUT, "KLL sketch: the single item is %s",
                       r->bad ? "cut off" : "NaN");
    lw_kll_update(s, v);
    return 0;
}

struct lw_kll *lw_kll_read(const uint8_t *data, size_t len, uint64_t seed,
                           struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    struct kll_header h;
    if (read_header(&r, &h, err))
        return NULL;
    struct lw_kll *s = lw_kll_new(h.k, seed);
    int failed = 0;
    if (h.flags & FLAG_SINGLE)
        failed = read_single(s, &r, err);
    else if (!(h.flags & FLAG_EMPTY))
        failed = read_body(s, &r, h.flags, err);
    if (!failed && lw_reader_left(&r) != 0)
        failed =
            lw_fail(err, LW_EINPUT, "KLL sketch: %zu bytes too many", lw_reader_left(&r));
    if (!failed)
        return s;
    lw_kll_free(s);
    return NULL;
}
