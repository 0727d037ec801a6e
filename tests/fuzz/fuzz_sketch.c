/* Stored sketches: the first byte selects the kind, the rest are its bytes. Any bytes are
 * refused with LW_EINPUT and a reason, or give a sketch that answers queries, accepts
 * values, merges, and survives a round trip byte for byte. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "leeway/categories.h"
#include "leeway/distinct.h"
#include "leeway/err.h"
#include "leeway/errors.h"
#include "leeway/kll.h"
#include "leeway/profile.h"
#include "leeway/tail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refused(const struct lw_err *err) {
    lw_assert(err->code == LW_EINPUT && err->msg[0]);
}

static void same(const void *a, size_t na, const void *b, size_t nb) {
    lw_assert(na == nb && (na == 0 || memcmp(a, b, na) == 0));
}

static uint8_t *kll_bytes(const struct lw_kll *k, size_t *len) {
    *len = lw_kll_serial_size(k);
    uint8_t *out = lw_malloc(*len);
    lw_assert(lw_kll_write(k, out) == *len);
    return out;
}

static void kll(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    size_t len, again_len;
    struct lw_kll *k = lw_kll_read(data, size, 1, &err);
    if (!k) {
        refused(&err);
        return;
    }
    uint8_t *bytes = kll_bytes(k, &len);
    struct lw_kll *copy = lw_kll_read(bytes, len, 1, &err);
    lw_assert(copy);
    uint8_t *again = kll_bytes(copy, &again_len);
    same(bytes, len, again, again_len);
    struct lw_kll_view *view = lw_kll_view_new(k);
    double median = lw_kll_view_quantile(view, 0.5);
    lw_assert(lw_kll_n(k) == 0 ? isnan(median) != 0
                               : median >= lw_kll_min(k) && median <= lw_kll_max(k));
    lw_kll_view_free(view);
    uint64_t n = lw_kll_n(k);
    lw_kll_update(k, 1);
    lw_assert(lw_kll_n(k) == n + 1);
    if (n < UINT64_MAX / 4)
        lw_kll_merge(k, copy);
    lw_kll_free(copy);
    lw_kll_free(k);
    free(bytes);
    free(again);
}

static uint8_t *cats_bytes(struct lw_cats *c, size_t *len) {
    *len = lw_cats_serial_size(c);
    uint8_t *out = lw_malloc(*len);
    lw_assert(lw_cats_write(c, out) == *len);
    return out;
}

static void cats(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    size_t len, again_len;
    struct lw_cats *c = lw_cats_read(data, size, &err);
    if (!c) {
        refused(&err);
        return;
    }
    uint8_t *bytes = cats_bytes(c, &len);
    struct lw_cats *copy = lw_cats_read(bytes, len, &err);
    lw_assert(copy);
    uint8_t *again = cats_bytes(copy, &again_len);
    same(bytes, len, again, again_len);
    for (size_t i = 0; i < lw_cats_size(c); i++) {
        char name[64];
        struct lw_cat cat = lw_cats_at(c, i);
        lw_assert(strlen(lw_cat_name(&cat, name, sizeof name)) < sizeof name);
    }
    lw_cats_top(c);
    lw_cats_dropped(c);
    lw_cats_merge(c, copy);
    lw_cats_free(copy);
    lw_cats_free(c);
    free(bytes);
    free(again);
}

static void hll(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_hll *h = lw_hll_read(data, size, &err);
    if (!h) {
        refused(&err);
        return;
    }
    size_t len = lw_hll_serial_size(h);
    uint8_t *bytes = lw_malloc(len), *again;
    lw_assert(lw_hll_write(h, bytes) == len);
    struct lw_hll *copy = lw_hll_read(bytes, len, &err);
    lw_assert(copy && lw_hll_serial_size(copy) == len);
    again = lw_malloc(len);
    lw_hll_write(copy, again);
    same(bytes, len, again, len);
    lw_assert(lw_hll_estimate(h) >= 0);
    lw_hll_add_int(h, 1);
    lw_hll_merge(h, copy);
    lw_hll_free(copy);
    lw_hll_free(h);
    free(bytes);
    free(again);
}

static void tail(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_buf bytes = {0}, again = {0};
    struct lw_tail *t = lw_tail_read(data, size, &err);
    if (!t) {
        refused(&err);
        return;
    }
    lw_tail_write(t, &bytes);
    struct lw_tail *copy = lw_tail_read(bytes.data, bytes.len, &err);
    lw_assert(copy);
    lw_tail_write(copy, &again);
    same(bytes.data, bytes.len, again.data, again.len);
    lw_tail_quantile(t, 0.5);
    lw_tail_add(t, 1);
    lw_tail_merge(t, copy);
    lw_tail_free(copy);
    lw_tail_free(t);
    lw_buf_fini(&bytes);
    lw_buf_fini(&again);
}

static void errors(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_errors e;
    uint8_t out[LW_ERRORS_BYTES];
    if (lw_errors_read(&e, data, size, &err)) {
        refused(&err);
        return;
    }
    lw_errors_write(&e, out);
    lw_assert(lw_errors_read(&e, out, sizeof out, &err) == 0);
    lw_errors_recalibration_gain(&e);
}

static void use(struct lw_profile *p) {
    for (size_t i = 0; i < p->n; i++)
        if (p->columns[i].kind == LW_NUMERIC)
            lw_numeric_quantile(&p->members[i].num, 0.5);
}

static void profile(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_buf bytes = {0}, again = {0};
    struct lw_profile *p = lw_profile_read(data, size, &err);
    if (!p) {
        refused(&err);
        return;
    }
    lw_profile_write(p, &bytes);
    struct lw_profile *copy = lw_profile_read(bytes.data, bytes.len, &err);
    lw_assert(copy);
    lw_profile_write(copy, &again);
    same(bytes.data, bytes.len, again.data, again.len);
    use(p);
    lw_profile_merge(p, copy);
    use(p);
    lw_profile_free(copy);
    lw_profile_free(p);
    lw_buf_fini(&bytes);
    lw_buf_fini(&again);
}

static void member(const uint8_t *data, size_t size) {
    static const struct lw_column column[] = {
        {.name = "x", .kind = LW_NUMERIC, .k = 20, .lo = 0, .hi = 9},
        {.name = "c", .kind = LW_CATEGORY, .lo = -INFINITY, .hi = INFINITY, .cap = 20}};
    struct lw_profile *p = lw_profile_new(column, 2, 1);
    for (size_t i = 0; i < 2; i++) {
        struct lw_err err = {0};
        struct lw_buf bytes = {0}, again = {0};
        if (lw_profile_read_member(p, i, data, size, &err)) {
            lw_assert(err.code == LW_ECONFIG || err.code == LW_EINPUT); /* other kind */
            continue;
        }
        lw_profile_write_member(p, i, &bytes);
        lw_assert(lw_profile_read_member(p, i, bytes.data, bytes.len, &err) == 0);
        lw_profile_write_member(p, i, &again);
        same(bytes.data, bytes.len, again.data, again.len);
        lw_buf_fini(&bytes);
        lw_buf_fini(&again);
    }
    use(p);
    lw_profile_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(const uint8_t *, size_t) = {kll,    cats,    hll,   tail,
                                                             errors, profile, member};
    if (size > 0)
        kinds[data[0] % (sizeof kinds / sizeof *kinds)](data + 1, size - 1);
    return 0;
}
