/* HyperLogLog: hash, update, merge, estimate.
 *
 * The estimate from registers is algorithm 6 of Ertl, "New cardinality estimation
 * algorithms for HyperLogLog sketches" (arXiv:1702.01284): with C_k registers of value k,
 * m registers and q = 64 - 12 = 52,
 *
 *   m^2 a / (m sigma(C_0 / m) + sum_{k=1..q} C_k 2^-k + m tau(1 - C_{q+1} / m) 2^-q),
 *
 * a = 1 / (2 ln 2). The HIP estimate that DataSketches uses for a sketch that was never
 * merged depends on the order of arrival; this one does not. Its standard error is 1.04 /
 * 64 = 1.6 % instead of HIP's 1.3 %.
 *
 * Up to 384 coupons out of 2^26, the estimate is the number of coupons, corrected for the
 * expected number of collisions. */
#include "distinct_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HASH_SEED 9001 /* as in DataSketches */

struct lw_hll *lw_hll_new(void) {
    return lw_calloc(1, sizeof(struct lw_hll));
}

void lw_hll_free(struct lw_hll *h) {
    if (!h)
        return;
    free(h->slots);
    free(h->registers);
    free(h);
}

void lw_hll_reset(struct lw_hll *h) {
    if (h->slots)
        memset(h->slots, 0, h->nslots * sizeof *h->slots);
    if (h->dense)
        memset(h->registers, 0, LW_HLL_REGISTERS);
    h->ncoupons = 0;
    h->dense = 0;
}

struct lw_hll *lw_hll_clone(const struct lw_hll *h) {
    struct lw_hll *copy = lw_memdup(h, sizeof *h);
    if (h->slots)
        copy->slots = lw_memdup(h->slots, h->nslots * sizeof *h->slots);
    if (h->registers)
        copy->registers = lw_memdup(h->registers, LW_HLL_REGISTERS);
    return copy;
}

static void raise_register(struct lw_hll *h, uint32_t coupon) {
    uint8_t *place = &h->registers[coupon & (LW_HLL_REGISTERS - 1)];
    uint8_t value = (uint8_t)(coupon >> 26);
    *place = value > *place ? value : *place;
}

static void make_dense(struct lw_hll *h) {
    if (!h->registers)
        h->registers = lw_calloc(LW_HLL_REGISTERS, 1);
    h->dense = 1;
    for (uint32_t i = 0; i < h->nslots; i++)
        if (h->slots[i])
            raise_register(h, h->slots[i]);
}

static int hll_insert(uint32_t *slots, uint32_t nslots, uint32_t coupon) {
    uint32_t at = (coupon * UINT32_C(2654435769)) >> 16;
    for (;; at++) {
        uint32_t *slot = &slots[at & (nslots - 1)];
        if (*slot == coupon)
            return 0;
        if (*slot == 0) {
            *slot = coupon;
            return 1;
        }
    }
}

static void hll_grow(struct lw_hll *h) {
    uint32_t nslots = h->nslots ? 2 * h->nslots : 16;
    uint32_t *slots = lw_calloc(nslots, sizeof *slots);
    for (uint32_t i = 0; i < h->nslots; i++)
        if (h->slots[i])
            hll_insert(slots, nslots, h->slots[i]);
    free(h->slots);
    h->slots = slots;
    h->nslots = nslots;
}

void lw__hll_add_coupon(struct lw_hll *h, uint32_t coupon) {
    if (h->dense) {
        raise_register(h, coupon);
        return;
    }
    if (4 * h->ncoupons >= 3 * h->nslots)
        hll_grow(h);
    h->ncoupons += (uint32_t)hll_insert(h->slots, h->nslots, coupon);
    if (h->ncoupons > LW_HLL_COUPONS_MAX)
        make_dense(h);
}

static uint64_t murmur_rotl(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

static uint64_t murmur_fmix(uint64_t k) {
    k ^= k >> 33;
    k *= UINT64_C(0xff51afd7ed558ccd);
    k ^= k >> 33;
    k *= UINT64_C(0xc4ceb9fe1a85ec53);
    return k ^ (k >> 33);
}

static uint64_t murmur_scramble1(uint64_t k) {
    return murmur_rotl(k * UINT64_C(0x87c37b91114253d5), 31) *
           UINT64_C(0x4cf5ad432745937f);
}

static uint64_t murmur_scramble2(uint64_t k) {
    return murmur_rotl(k * UINT64_C(0x4cf5ad432745937f), 33) *
           UINT64_C(0x87c37b91114253d5);
}

/* Up to 8 bytes, little-endian, padded with zeros. */
static uint64_t murmur_load(const uint8_t *p, size_t len) {
    uint64_t v = 0;
    for (size_t i = 0; i < len && i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/* Hashes with MurmurHash3 x64 128 (Appleby, public domain) and makes the coupon that
 * DataSketches would make. */
static uint32_t coupon_of(const void *data, size_t len) {
    const uint8_t *p = data;
    uint64_t h1 = HASH_SEED, h2 = HASH_SEED;
    size_t left = len;
    for (; left >= 16; p += 16, left -= 16) {
        h1 ^= murmur_scramble1(murmur_load(p, 8));
        h1 = (murmur_rotl(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= murmur_scramble2(murmur_load(p + 8, 8));
        h2 = (murmur_rotl(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    if (left > 8)
        h2 ^= murmur_scramble2(murmur_load(p + 8, left - 8));
    if (left > 0)
        h1 ^= murmur_scramble1(murmur_load(p, left));
    h1 ^= len;
    h2 ^= len;
    h1 += h2;
    h2 += h1;
    h1 = murmur_fmix(h1);
    h2 = murmur_fmix(h2);
    h1 += h2;
    h2 += h1;
    uint32_t zeros = h2 ? (uint32_t)__builtin_clzll(h2) : 64;
    uint32_t value = (zeros > 62 ? 62 : zeros) + 1;
    return value << 26 | (uint32_t)(h1 & ((UINT32_C(1) << 26) - 1));
}

void lw_hll_add_int(struct lw_hll *h, int64_t v) {
    uint8_t bytes[8];
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)v >> (8 * i));
    lw__hll_add_coupon(h, coupon_of(bytes, sizeof bytes));
}

void lw_hll_add_text(struct lw_hll *h, const char *text, size_t len) {
    if (len > 0)
        lw__hll_add_coupon(h, coupon_of(text, len));
}

void lw_hll_add(struct lw_hll *h, const struct lw_cell *cell) {
    if (!cell->present)
        return;
    if (cell->text)
        lw_hll_add_text(h, cell->text, cell->len);
    else
        lw_hll_add_int(h, (int64_t)cell->key);
}

void lw_hll_merge(struct lw_hll *h, const struct lw_hll *other) {
    lw_assert(h != other);
    if (!other->dense) {
        for (uint32_t i = 0; i < other->nslots; i++)
            if (other->slots[i])
                lw__hll_add_coupon(h, other->slots[i]);
        return;
    }
    if (!h->dense)
        make_dense(h);
    for (uint32_t i = 0; i < LW_HLL_REGISTERS; i++)
        if (other->registers[i] > h->registers[i])
            h->registers[i] = other->registers[i];
}

static double ertl_sigma(double x) {
    if (x == 1)
        return INFINITY;
    double y = 1, z = x, before;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double ertl_tau(double x) {
    if (x == 0 || x == 1)
        return 0;
    double y = 1, z = 1 - x, before;
    do {
        x = sqrt(x);
        before = z;
        y /= 2;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

double lw_hll_estimate(const struct lw_hll *h) {
    if (!h->dense) {
        double n = h->ncoupons; /* expected number of collisions: n^2 / (2 * 2^26 * 3) */
        return n + n * n * 0x1p-27 / 3;
    }
    enum { Q = 64 - LW_HLL_LG_K };
    const double m = LW_HLL_REGISTERS;
    uint32_t counts[Q + 2] = {0};
    for (uint32_t i = 0; i < LW_HLL_REGISTERS; i++)
        counts[h->registers[i] > Q + 1 ? Q + 1 : h->registers[i]]++;
    double z = m * ertl_tau(1 - counts[Q + 1] / m);
    for (int k = Q; k >= 1; k--)
        z = (z + counts[k]) / 2;
    z += m * ertl_sigma(counts[0] / m);
    return m / (2 * log(2)) * m / z;
}
