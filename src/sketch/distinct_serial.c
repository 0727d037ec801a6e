/* The DataSketches HLL serial form.
 *
 *   byte 0   preamble ints: 2 list, 3 set, 10 registers
 *   1, 2     serial version 1, family 7
 *   3        log2 of the number of registers
 *   4        log2 of the size of the array of coupons (0 with registers)
 *   5        flags: 4 empty, 8 compact, 16 out of order
 *   6        list: number of coupons; registers: 0
 *   7        mode 0 list, 1 set, 2 registers; plus 8: the target is HLL_8
 *   list     u32 coupons from byte 8, at most 7
 *   set      u32 number at byte 8, u32 coupons from 12
 *   else     doubles: HIP estimate, sums of 2^-register below and from 32; u32 number of
 *            zero registers, u32 0; from byte 40 one byte per register
 *
 * We write the compact form with coupons in ascending order. In the updatable form, lists
 * and sets have zeros among their coupons. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "distinct_impl.h"

enum { FAMILY = 7, LIST = 0, SET = 1, REGISTERS = 2, HLL_8 = 8 };
enum { EMPTY = 4, COMPACT = 8, OUT_OF_ORDER = 16 };
enum { LIST_MAX = 7, LIST_START = 8, SET_START = 12, REGISTERS_START = 40 };

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

size_t lw_hll_serial_size(const struct lw_hll *h) {
    if (h->dense)
        return REGISTERS_START + LW_HLL_REGISTERS;
    return (h->ncoupons > LIST_MAX ? SET_START : LIST_START) + 4 * (size_t)h->ncoupons;
}

static int coupons_ascending(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint8_t *write_coupons(const struct lw_hll *h, uint8_t *at) {
    uint32_t sorted[LW_HLL_COUPONS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < h->nslots; i++)
        if (h->slots[i])
            sorted[n++] = h->slots[i];
    qsort(sorted, n, sizeof *sorted, coupons_ascending);
    for (size_t i = 0; i < n; i++)
        at = bytes_put(at, sorted[i], 4);
    return at;
}

static uint8_t *write_registers(const struct lw_hll *h, uint8_t *at) {
    double small = 0, large = 0;
    uint32_t zeros = 0;
    for (uint32_t i = 0; i < LW_HLL_REGISTERS; i++) {
        int value = h->registers[i];
        *(value < 32 ? &small : &large) += ldexp(1, -value);
        zeros += value == 0;
    }
    at = put_f64(at, lw_hll_estimate(h));
    at = put_f64(at, small);
    at = put_f64(at, large);
    at = bytes_put(at, zeros, 4);
    at = bytes_put(at, 0, 4);
    memcpy(at, h->registers, LW_HLL_REGISTERS);
    return at + LW_HLL_REGISTERS;
}

/* log2 of the size of the library's array for a set: at least 32, at most 3/4 full. */
static int lg_array(uint32_t ncoupons) {
    int lg = 5;
    while (4 * ncoupons > 3 * (UINT32_C(1) << lg))
        lg++;
    return lg;
}

size_t lw_hll_write(const struct lw_hll *h, uint8_t *out) {
    int mode = h->dense ? REGISTERS : h->ncoupons > LIST_MAX ? SET : LIST;
    static const uint8_t ints[] = {2, 3, 10};
    uint8_t *at = out;
    at = bytes_put(at, ints[mode], 1);
    at = bytes_put(at, 1, 1);
    at = bytes_put(at, FAMILY, 1);
    at = bytes_put(at, LW_HLL_LG_K, 1);
    at = bytes_put(at,
                   mode == LIST  ? 3
                   : mode == SET ? (uint64_t)lg_array(h->ncoupons)
                                 : 0,
                   1);
    int empty = mode == LIST && h->ncoupons == 0;
    at = bytes_put(
        at, COMPACT | (empty ? EMPTY : 0) | (mode == REGISTERS ? OUT_OF_ORDER : 0), 1);
    at = bytes_put(at, mode == LIST ? h->ncoupons : 0, 1);
    at = bytes_put(at, (uint64_t)(mode | HLL_8), 1);
    if (mode == SET)
        at = bytes_put(at, h->ncoupons, 4);
    at = mode == REGISTERS ? write_registers(h, at) : write_coupons(h, at);
    return (size_t)(at - out);
}

struct hll_header {
    uint8_t ints, version, family, lg_k, lg_array, flags, count, mode;
};

static int read_header(struct lw_reader *r, struct hll_header *h, struct lw_err *err) {
    const uint8_t *bytes = lw_reader_bytes(r, sizeof *h);
    if (!bytes)
        return lw_fail(err, LW_EINPUT, "HLL sketch: shorter than its header of 8 bytes");
    memcpy(h, bytes, sizeof *h);
    int mode = h->mode & 3;
    if (h->family != FAMILY || h->version != 1 || mode > REGISTERS ||
        h->ints != (mode == LIST  ? 2
                    : mode == SET ? 3
                                  : 10))
        return lw_fail(err, LW_EINPUT, "HLL sketch: preamble %d, family %d, mode %d",
                       h->ints, h->family, h->mode);
    if (h->lg_k != LW_HLL_LG_K || (h->mode & ~3) != HLL_8)
        return lw_fail(err, LW_EINPUT,
                       "HLL sketch: 2^%d registers of type %d; want 2^%d of HLL_8",
                       h->lg_k, h->mode >> 2, LW_HLL_LG_K);
    return 0;
}

/* Reads `slots` coupons, skipping zeros if the form is not compact; -1 unless there are
 * `count` different ones. */
static int read_coupons(struct lw_hll *h, struct lw_reader *r, uint32_t slots,
                        uint32_t count, int compact) {
    if (r->bad || count > LW_HLL_COUPONS_MAX || lw_reader_left(r) != 4 * (size_t)slots)
        return -1;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t coupon = lw_reader_u32(r);
        if (coupon >> 26 != 0)
            lw__hll_add_coupon(h, coupon);
        else if (coupon != 0 || compact)
            return -1;
    }
    return h->ncoupons == count ? 0 : -1;
}

static int read_registers(struct lw_hll *h, struct lw_reader *r) {
    for (int i = 0; i < 3; i++)
        if (!(lw_reader_f64(r) >= 0))
            return -1;
    uint32_t zeros = lw_reader_u32(r), aux = lw_reader_u32(r);
    const uint8_t *registers = lw_reader_bytes(r, LW_HLL_REGISTERS);
    if (!registers || aux != 0 || lw_reader_left(r) != 0)
        return -1;
    h->registers = lw_memdup(registers, LW_HLL_REGISTERS);
    h->dense = 1;
    for (uint32_t i = 0; i < LW_HLL_REGISTERS; i++) {
        if (registers[i] > 63)
            return -1;
        zeros -= registers[i] == 0;
    }
    return zeros == 0 ? 0 : -1;
}

static int read_body(struct lw_hll *h, struct lw_reader *r,
                     const struct hll_header *head) {
    int mode = head->mode & 3, compact = head->flags & COMPACT;
    if (mode == REGISTERS)
        return read_registers(h, r);
    uint32_t count = mode == LIST ? head->count : lw_reader_u32(r);
    if (mode == LIST ? head->count > LIST_MAX : head->lg_array > 9)
        return -1;
    uint32_t array = mode == LIST ? 8 : UINT32_C(1) << head->lg_array;
    return read_coupons(h, r, compact ? count : array, count, compact);
}

struct lw_hll *lw_hll_read(const uint8_t *data, size_t len, struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    struct hll_header head = {0};
    if (read_header(&r, &head, err))
        return NULL;
    struct lw_hll *h = lw_hll_new();
    if (!read_body(h, &r, &head))
        return h;
    lw_fail(err, LW_EINPUT, "HLL sketch: its %zu bytes do not fit mode %d", len,
            head.mode & 3);
    lw_hll_free(h);
    return NULL;
}
