/* The tail sketch as bytes: version, n, the number of buckets in use, and for each
 * bucket, in order of value, the difference from the code before (zigzag; the first from
 * 0) and the count. All numbers are LEB128. A month of trip durations takes about a
 * kilobyte. */
#include "base/varint.h"
#include "tail_impl.h"

enum { VERSION = 1 };

struct writer {
    struct lw_buf *out;
    int32_t before;
    uint64_t buckets;
};

static int count_bucket(void *arg, int32_t code, uint64_t count) {
    struct writer *w = arg;
    (void)code;
    (void)count;
    w->buckets++;
    return 0;
}

static int put_bucket(void *arg, int32_t code, uint64_t count) {
    struct writer *w = arg;
    lw_varint_put_long(w->out, code - w->before);
    lw_varint_put(w->out, count);
    w->before = code;
    return 0;
}

void lw_tail_write(const struct lw_tail *t, struct lw_buf *out) {
    struct writer w = {.out = out};
    lw_buf_u8(out, VERSION);
    lw_varint_put(out, t->n);
    lw__tail_each(t, count_bucket, &w);
    lw_varint_put(out, w.buckets);
    lw__tail_each(t, put_bucket, &w);
}

static int read_buckets(struct lw_tail *t, struct lw_reader *r, uint64_t n,
                        uint64_t buckets) {
    int64_t code = 0;
    uint64_t left = n;
    for (uint64_t i = 0; i < buckets; i++) {
        uint64_t step = lw_varint_get_shortest(r), count = lw_varint_get_shortest(r);
        if (r->bad || step > 4 * LW_TAIL_CODE_MAX || count == 0 || count > left)
            return -1;
        code += lw_unzigzag(step);
        if ((i > 0 && lw_unzigzag(step) <= 0) || code > LW_TAIL_CODE_MAX ||
            code < -LW_TAIL_CODE_MAX)
            return -1;
        lw__tail_add_code(t, (int32_t)code, count);
        left -= count;
    }
    return left == 0 ? 0 : -1;
}

struct lw_tail *lw_tail_read(const void *data, size_t len, struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    unsigned version = lw_reader_u8(&r);
    uint64_t n = lw_varint_get_shortest(&r), buckets = lw_varint_get_shortest(&r);
    if (r.bad || version != VERSION) {
        lw_fail(err, LW_EINPUT, "tail sketch: version %u, or cut off; want version %d",
                version, VERSION);
        return NULL;
    }
    struct lw_tail *t = lw_tail_new();
    int failed = 0;
    if (read_buckets(t, &r, n, buckets))
        failed =
            lw_fail(err, LW_EINPUT,
                    "tail sketch: the %llu buckets do not ascend or do not sum to %llu",
                    (unsigned long long)buckets, (unsigned long long)n);
    else if (lw_reader_left(&r) > 0)
        failed = lw_fail(err, LW_EINPUT, "tail sketch: %zu bytes too many",
                         lw_reader_left(&r));
    if (!failed)
        return t;
    lw_tail_free(t);
    return NULL;
}
