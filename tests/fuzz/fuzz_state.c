/* State in Redis: the first byte selects a pane's field (its name, a zero byte, its
 * bytes), a partition's progress, the monitor's state or a reference. Any bytes are
 * refused with LW_EINPUT and a reason, or give usable state that survives a round trip
 * byte for byte. */
#include "support/core_fixture.h"

#include "core/monitor.h"
#include "core/pane.h"
#include "core/partition.h"
#include "core/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void refused(const struct lw_err *err) {
    lw_assert(err->code == LW_EINPUT && err->msg[0]);
}

static void same(struct lw_buf *a, struct lw_buf *b) {
    lw_assert(a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0));
    lw_buf_fini(a);
    lw_buf_fini(b);
}

static const struct lw_spec *spec_of(void) {
    static struct lw_spec *spec;
    if (!spec) {
        spec = core_spec_new();
        core_rule(spec, "error", "rmse", -1, 3);
        core_rule(spec, "drift", "psi", LW_RULE_EACH, 0.25);
    }
    return spec;
}

struct reread {
    struct lw_pane *pane;
};

static void read_field(void *arg, const char *field, const void *data, size_t len) {
    struct lw_err err = {0};
    struct reread *r = arg;
    lw_assert(lw_pane_read(r->pane, field, data, len, &err) == 0);
}

/* One field after the other, as written by core_pane_bytes. */
static bool read_pane(struct lw_pane *p, const uint8_t *data, size_t size) {
    struct lw_reader r = lw_reader_of(data, size);
    while (lw_reader_left(&r)) {
        struct lw_err err = {0};
        size_t len;
        const char *field = (const char *)r.at;
        const uint8_t *zero = memchr(r.at, 0, lw_reader_left(&r));
        lw_reader_bytes(&r, zero ? (size_t)(zero - r.at) + 1 : SIZE_MAX);
        const void *bytes = lw_reader_blob(&r, &len);
        if (r.bad)
            return true; /* no further field */
        if (lw_pane_read(p, field, bytes, len, &err)) {
            /* LW_ECONFIG: valid, but of a feature of another kind */
            lw_assert((err.code == LW_ECONFIG || err.code == LW_EINPUT) && err.msg[0]);
            return false; /* as in the store: the pane is unreadable */
        }
    }
    return true;
}

static void pane(const struct lw_spec *spec, const uint8_t *data, size_t size) {
    struct lw_pane *p = lw_pane_new(spec, CORE_START, 1);
    struct lw_buf scratch = {0}, bytes = {0}, again = {0};
    if (read_pane(p, data, size)) {
        struct reread r = {lw_pane_new(spec, CORE_START, 1)};
        lw_pane_write(p, &scratch, read_field, &r);
        core_pane_bytes(p, &bytes);
        core_pane_bytes(r.pane, &again);
        same(&bytes, &again);
        lw_pane_merge(p, r.pane);
        lw_pane_free(r.pane);
    }
    lw_pane_free(p);
    lw_buf_fini(&scratch);
}

static void partition(const struct lw_spec *spec, const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_buf bytes = {0}, again = {0};
    struct lw_partition *p = lw_partition_new(spec, 3), *copy;
    if (lw_partition_read(p, data, size, &err)) {
        refused(&err);
    } else {
        lw_partition_write(p, &bytes);
        copy = lw_partition_new(spec, 3);
        lw_assert(lw_partition_read(copy, bytes.data, bytes.len, &err) == 0);
        lw_partition_write(copy, &again);
        same(&bytes, &again);
        lw_partition_free(copy);
    }
    lw_partition_free(p);
}

static void monitor(const struct lw_spec *spec, const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_buf bytes = {0}, again = {0};
    struct lw_monitor *m = lw_monitor_new(spec), *copy;
    if (lw_monitor_read(m, data, size, &err)) {
        refused(&err);
    } else {
        lw_monitor_write(m, &bytes);
        copy = lw_monitor_new(spec);
        lw_assert(lw_monitor_read(copy, bytes.data, bytes.len, &err) == 0);
        lw_monitor_write(copy, &again);
        same(&bytes, &again);
        lw_monitor_free(copy);
        lw_monitor_next(m, CORE_START);
        lw_monitor_blank(m);
    }
    lw_monitor_free(m);
}

static void reference(const struct lw_spec *spec, const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    struct lw_buf bytes = {0}, again = {0};
    struct lw_reference *ref = lw_reference_read(spec, data, size, &err);
    if (!ref) {
        refused(&err);
        return;
    }
    lw_reference_write(ref, &bytes);
    struct lw_reference *copy = lw_reference_read(spec, bytes.data, bytes.len, &err);
    lw_assert(copy);
    lw_reference_write(copy, &again);
    same(&bytes, &again);
    lw_reference_free(copy);
    struct lw_monitor *m = lw_monitor_new(spec);
    lw_monitor_champion(m, 1, ref, CORE_START);
    lw_monitor_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(const struct lw_spec *, const uint8_t *,
                                 size_t) = {pane, partition, monitor, reference};
    if (size > 0)
        kinds[data[0] % (sizeof kinds / sizeof *kinds)](spec_of(), data + 1, size - 1);
    return 0;
}
