/* Profiles as bytes.
 *
 * A member: u8 version 1, u8 kind; then for a number u64 n, missing, out of range; u64
 * and four f64 of moments; the KLL and tail sketches as blobs; for a category its counts
 * and its distinct count (empty if there is none) as blobs.
 *
 * A profile: "LWPF", u8 version 1, u64 seed, u32 number of columns; then for each column
 * its name as a blob, u8 kind, f64 lo and hi, u16 k, u32 cap, u8 distinct, and the member
 * as a blob.
 *
 * The parts of a member must agree: moments, KLL and tail have seen the same values. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "profile_impl.h"

enum { VERSION = 1, COLUMNS_MAX = 1024 };
#define N_MAX (UINT64_C(1) << 56)

static const uint8_t magic[4] = {'L', 'W', 'P', 'F'};

/* Leaves room for a u32 length, which end_blob sets. */
static size_t begin_blob(struct lw_buf *out) {
    lw_buf_u32(out, 0);
    return out->len;
}

static void end_blob(struct lw_buf *out, size_t begin) {
    size_t len = out->len - begin;
    for (size_t i = 0; i < 4; i++)
        out->data[begin - 4 + i] = (uint8_t)(len >> (8 * i));
}

static void write_numeric(const struct lw_numeric *num, struct lw_buf *out) {
    const struct lw_moments *m = &num->moments;
    lw_buf_u64(out, num->n);
    lw_buf_u64(out, num->missing);
    lw_buf_u64(out, num->out_of_range);
    lw_buf_u64(out, m->n);
    lw_buf_f64(out, m->mean);
    lw_buf_f64(out, m->m2);
    lw_buf_f64(out, m->n > 0 ? m->min : 0);
    lw_buf_f64(out, m->n > 0 ? m->max : 0);
    size_t begin = begin_blob(out);
    lw_kll_write(num->kll, lw_buf_extend(out, lw_kll_serial_size(num->kll)));
    end_blob(out, begin);
    begin = begin_blob(out);
    lw_tail_write(num->tail, out);
    end_blob(out, begin);
}

static void write_category(const struct lw_member *m, struct lw_buf *out) {
    size_t begin = begin_blob(out);
    lw_cats_write(m->cats, lw_buf_extend(out, lw_cats_serial_size(m->cats)));
    end_blob(out, begin);
    begin = begin_blob(out);
    if (m->hll)
        lw_hll_write(m->hll, lw_buf_extend(out, lw_hll_serial_size(m->hll)));
    end_blob(out, begin);
}

void lw_profile_write_member(struct lw_profile *p, size_t column, struct lw_buf *out) {
    lw_assert(column < p->n);
    const struct lw_member *m = &p->members[column];
    lw_buf_u8(out, VERSION);
    lw_buf_u8(out, (uint8_t)m->kind);
    if (m->kind == LW_NUMERIC)
        write_numeric(&m->num, out);
    else
        write_category(m, out);
}

/* Moments and sketches of the same values agree in number and extremes. */
static int parts_agree(const struct lw_numeric *num) {
    const struct lw_moments *m = &num->moments;
    if (num->n > N_MAX || num->missing > N_MAX || num->out_of_range > num->n ||
        m->n != num->n - num->out_of_range || m->n != lw_kll_n(num->kll) ||
        m->n != lw_tail_n(num->tail))
        return 0;
    if (m->n == 0)
        return m->mean == 0 && m->m2 == 0 && m->min == 0 && m->max == 0;
    double slack = 1e-9 * fmax(fabs(m->min), fabs(m->max)) + DBL_MIN;
    return lw_summable(m->min) && lw_summable(m->max) && isfinite(m->m2) && m->m2 >= 0 &&
           m->min == lw_kll_min(num->kll) && m->max == lw_kll_max(num->kll) &&
           m->mean >= m->min - slack && m->mean <= m->max + slack;
}

static int read_numeric(struct lw_numeric *num, struct lw_reader *r, uint64_t seed,
                        struct lw_err *err) {
    struct lw_moments *m = &num->moments;
    num->n = lw_reader_u64(r);
    num->missing = lw_reader_u64(r);
    num->out_of_range = lw_reader_u64(r);
    m->n = lw_reader_u64(r);
    m->mean = lw_reader_f64(r);
    m->m2 = lw_reader_f64(r);
    m->min = lw_reader_f64(r);
    m->max = lw_reader_f64(r);
    size_t kll_len, tail_len;
    const uint8_t *kll = lw_reader_blob(r, &kll_len);
    const uint8_t *tail = lw_reader_blob(r, &tail_len);
    if (r->bad || lw_reader_left(r) > 0)
        return lw_fail(err, LW_EINPUT, "the member is cut off or too long");
    num->kll = lw_kll_read(kll, kll_len, seed, err);
    num->tail = num->kll ? lw_tail_read(tail, tail_len, err) : NULL;
    if (!num->tail)
        return -1;
    if (!parts_agree(num))
        return lw_fail(err, LW_EINPUT, "counts, moments and sketches do not agree");
    return 0;
}

static int read_category(struct lw_member *m, struct lw_reader *r, int distinct,
                         struct lw_err *err) {
    size_t cats_len, hll_len;
    const uint8_t *cats = lw_reader_blob(r, &cats_len);
    const uint8_t *hll = lw_reader_blob(r, &hll_len);
    if (r->bad || lw_reader_left(r) > 0)
        return lw_fail(err, LW_EINPUT, "the member is cut off or too long");
    m->cats = lw_cats_read(cats, cats_len, err);
    if (!m->cats)
        return -1;
    if (hll_len > 0 && !(m->hll = lw_hll_read(hll, hll_len, err)))
        return -1;
    if (!distinct) {
        lw_hll_free(m->hll);
        m->hll = NULL;
    } else if (!m->hll) {
        m->hll = lw_hll_new();
    }
    return 0;
}

static int read_kind(struct lw_member *m, enum lw_kind kind, int distinct,
                     struct lw_reader *r, uint64_t seed, struct lw_err *err) {
    *m = (struct lw_member){.kind = kind};
    return kind == LW_NUMERIC ? read_numeric(&m->num, r, seed, err)
                              : read_category(m, r, distinct, err);
}

/* A valid member of the other kind belongs to another configuration: LW_ECONFIG. */
static int refuse_kind(unsigned kind, enum lw_kind want, struct lw_reader *r,
                       struct lw_err *err) {
    struct lw_member other = {0};
    bool sound = (kind == LW_NUMERIC || kind == LW_CATEGORY) &&
                 read_kind(&other, (enum lw_kind)kind, 0, r, 0, NULL) == 0;
    lw__profile_member_fini(&other);
    return lw_fail(err, sound ? LW_ECONFIG : LW_EINPUT,
                   "the member is of kind %u (%s), want %s", kind,
                   lw_kind_name((enum lw_kind)kind), lw_kind_name(want));
}

static int read_member(struct lw_member *m, const struct lw_column *column,
                       struct lw_reader *r, uint64_t seed, struct lw_err *err) {
    unsigned version = lw_reader_u8(r), kind = lw_reader_u8(r);
    if (r->bad || version != VERSION)
        return lw_fail(err, LW_EINPUT, "member version %u, want %d", version, VERSION);
    if (kind != (unsigned)column->kind)
        return refuse_kind(kind, column->kind, r, err);
    return read_kind(m, column->kind, column->distinct, r, seed, err);
}

int lw_profile_read_member(struct lw_profile *p, size_t column, const void *data,
                           size_t len, struct lw_err *err) {
    lw_assert(column < p->n);
    uint64_t seed = lw__profile_member_seed(p, column);
    struct lw_reader r = lw_reader_of(data, len);
    struct lw_member got = {0};
    lw__profile_member_fini(&p->members[column]);
    if (!read_member(&got, &p->columns[column], &r, seed, err)) {
        p->members[column] = got;
        return 0;
    }
    lw__profile_member_fini(&got);
    lw__profile_member_init(&p->members[column], &p->columns[column], seed);
    return lw_err_context(err, "column %s", p->columns[column].name);
}

static void write_column(const struct lw_column *column, struct lw_buf *out) {
    lw_buf_blob(out, column->name, strlen(column->name));
    lw_buf_u8(out, (uint8_t)column->kind);
    lw_buf_f64(out, column->lo);
    lw_buf_f64(out, column->hi);
    lw_buf_u16(out, column->k);
    lw_buf_u32(out, column->cap);
    lw_buf_u8(out, column->distinct);
}

void lw_profile_write(struct lw_profile *p, struct lw_buf *out) {
    lw_buf_put(out, magic, sizeof magic);
    lw_buf_u8(out, VERSION);
    lw_buf_u64(out, p->seed);
    lw_buf_u32(out, (uint32_t)p->n);
    for (size_t i = 0; i < p->n; i++) {
        write_column(&p->columns[i], out);
        size_t begin = begin_blob(out);
        lw_profile_write_member(p, i, out);
        end_blob(out, begin);
    }
}

static int read_column(struct lw_column *column, struct lw_reader *r) {
    size_t len;
    const char *name = lw_reader_blob(r, &len);
    unsigned kind = lw_reader_u8(r);
    column->lo = lw_reader_f64(r);
    column->hi = lw_reader_f64(r);
    column->k = lw_reader_u16(r);
    column->cap = lw_reader_u32(r);
    unsigned distinct = lw_reader_u8(r);
    if (r->bad || len >= LW_NAME_MAX || (len > 0 && memchr(name, 0, len)) ||
        (kind != LW_NUMERIC && kind != LW_CATEGORY) || distinct > 1 ||
        column->cap > LW_CATS_CAP_MAX || isnan(column->lo) || isnan(column->hi) ||
        (column->k != 0 && column->k < LW_KLL_K_MIN))
        return -1;
    if (len > 0)
        memcpy(column->name, name, len);
    column->kind = (enum lw_kind)kind;
    column->distinct = distinct == 1;
    return 0;
}

/* A first pass over the bytes for the columns, so that all are known before members are
 * read. Returns them, with the bytes of their members in `members`. */
static int read_columns(struct lw_column *columns, struct lw_reader *members, size_t n,
                        struct lw_reader *r, struct lw_err *err) {
    for (size_t i = 0; i < n; i++) {
        size_t len;
        if (read_column(&columns[i], r))
            return lw_fail(err, LW_EINPUT, "profile: column %zu of %zu is damaged", i + 1,
                           n);
        const void *member = lw_reader_blob(r, &len);
        if (r->bad)
            return lw_fail(err, LW_EINPUT, "profile: cut off in column %s",
                           columns[i].name);
        members[i] = lw_reader_of(member, len);
    }
    if (lw_reader_left(r) > 0)
        return lw_fail(err, LW_EINPUT, "profile: %zu bytes too many", lw_reader_left(r));
    return 0;
}

struct lw_profile *lw_profile_read(const void *data, size_t len, struct lw_err *err) {
    struct lw_reader r = lw_reader_of(data, len);
    const void *head = lw_reader_bytes(&r, sizeof magic);
    unsigned version = lw_reader_u8(&r);
    uint64_t seed = lw_reader_u64(&r);
    size_t n = lw_reader_u32(&r);
    if (r.bad || memcmp(head, magic, sizeof magic) != 0 || version != VERSION ||
        n > COLUMNS_MAX) {
        lw_fail(err, LW_EINPUT, "not a profile of version %d (%zu bytes)", VERSION, len);
        return NULL;
    }
    struct lw_column *columns = lw_calloc(n + 1, sizeof *columns);
    struct lw_reader *members = lw_calloc(n + 1, sizeof *members);
    struct lw_profile *p = NULL;
    int failed = read_columns(columns, members, n, &r, err);
    if (failed) {
        free(columns);
    } else {
        p = lw_profile_new(columns, n, seed);
        p->own = columns;
    }
    for (size_t i = 0; i < n && !failed; i++)
        failed =
            lw_profile_read_member(p, i, members[i].at, lw_reader_left(&members[i]), err);
    free(members);
    if (!failed)
        return p;
    if (err && err->code == LW_ECONFIG) /* it contradicts its own columns: damaged */
        err->code = LW_EINPUT;
    lw_profile_free(p);
    return NULL;
}
