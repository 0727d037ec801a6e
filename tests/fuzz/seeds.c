/* Writes valid inputs for the harnesses of stored formats, as starting points for the
 * fuzzers:
 *
 *   fuzz_seeds tests/fuzz/corpus
 *
 * They come from a synthetic stream of a few days, with a drift, trainings and a
 * promotion. */
#include "support/core_loop.h"

#include "core/pane.h"
#include "core/reference.h"
#include "leeway/categories.h"
#include "leeway/distinct.h"
#include "leeway/kll.h"
#include "leeway/tail.h"

enum { KLL, CATS, HLL, TAIL, ERRORS, PROFILE, MEMBER }; /* of fuzz_sketch.c */
enum { PANE, PARTITION, MONITOR, REFERENCE };           /* of fuzz_state.c */

static const char *folder;

static void put(const char *corpus, const char *name, int kind, const void *data,
                size_t len) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s/seed-%s", folder, corpus, name);
    FILE *f = fopen(path, "wb");
    lw_assert(f);
    if (kind >= 0)
        fputc(kind, f);
    fwrite(data, 1, len, f);
    fclose(f);
}

static void kll(void) {
    static const int sizes[] = {0, 1, 20, 3000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_kll *k = lw_kll_new(8, 1);
        uint8_t out[4096];
        char name[40];
        for (int v = 0; v < sizes[i]; v++)
            lw_kll_update(k, v * 0.5);
        lw_assert(lw_kll_serial_size(k) <= sizeof out);
        snprintf(name, sizeof name, "kll-%d", sizes[i]);
        put("sketch", name, KLL, out, lw_kll_write(k, out));
        lw_kll_free(k);
    }
}

static void cats(void) {
    struct lw_cats *c = lw_cats_new(20);
    uint8_t out[4096];
    for (int v = 0; v < 100; v++) {
        char text[8];
        snprintf(text, sizeof text, "c%d", v % 30);
        struct lw_cell cell =
            v % 3 ? lw_cell_int(v % 10) : lw_cell_text(text, strlen(text));
        lw_cats_add(c, &cell);
    }
    lw_assert(lw_cats_serial_size(c) <= sizeof out);
    put("sketch", "cats", CATS, out, lw_cats_write(c, out));
    lw_cats_free(c);
}

static void hll(void) {
    static const int sizes[] = {0, 5, 100, 2000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct lw_hll *h = lw_hll_new();
        uint8_t out[8192];
        char name[40];
        for (int v = 0; v < sizes[i]; v++)
            lw_hll_add_int(h, v);
        lw_assert(lw_hll_serial_size(h) <= sizeof out);
        snprintf(name, sizeof name, "hll-%d", sizes[i]);
        put("sketch", name, HLL, out, lw_hll_write(h, out));
        lw_hll_free(h);
    }
}

static void tail(void) {
    struct lw_buf out = {0};
    struct lw_tail *t = lw_tail_new();
    for (int v = -20; v < 100; v++)
        lw_tail_add(t, v * 0.1);
    lw_tail_write(t, &out);
    put("sketch", "tail", TAIL, out.data, out.len);
    lw_tail_free(t);
    lw_buf_fini(&out);
}

static void reference(const struct core_loop *l, uint32_t version) {
    const struct core_version *v = &l->version[version];
    struct lw_err err = {0};
    struct lw_buf out = {0};
    uint8_t errors[LW_ERRORS_BYTES];
    put("state", "reference", REFERENCE, v->reference.data, v->reference.len);
    struct lw_reference *ref =
        lw_reference_read(l->spec, v->reference.data, v->reference.len, &err);
    lw_assert(ref);
    lw_profile_write(ref->profile, &out);
    put("sketch", "profile", PROFILE, out.data, out.len);
    for (size_t i = 0; i < ref->profile->n; i++) {
        char name[40];
        lw_buf_clear(&out);
        lw_profile_write_member(ref->profile, i, &out);
        snprintf(name, sizeof name, "member-%zu", i);
        put("sketch", name, MEMBER, out.data, out.len);
    }
    lw_errors_write(&ref->losses.errors, errors);
    put("sketch", "errors", ERRORS, errors, sizeof errors);
    lw_reference_free(ref);
    lw_buf_clear(&out);
    lw_assert(lw_model_encode(v->model, &out, &err) == 0);
    put("model", "ridge", -1, out.data, out.len);
    lw_buf_fini(&out);
}

int main(int argc, char **argv) {
    struct core_run r = {.spec = core_spec_new()};
    struct lw_buf out = {0};
    folder = argc > 1 ? argv[1] : ".";
    core_rule(r.spec, "error", "rmse", -1, 3); /* those of fuzz_state.c */
    core_rule(r.spec, "drift", "psi", LW_RULE_EACH, 0.25);
    core_loop_init(&r.loop, r.spec);
    core_stream_init(&r.stream, 1);
    core_run_until(&r, 3);
    r.stream.level = 5;
    r.stream.shift = 5;
    core_run_until(&r, 4);
    lw_partition_write(r.loop.partition, &out);
    put("state", "partition", PARTITION, out.data, out.len);
    lw_buf_clear(&out);
    lw_monitor_write(r.loop.monitor, &out);
    put("state", "monitor", MONITOR, out.data, out.len);
    const struct lw_buf *pane = &r.loop.sealed[r.loop.nsealed - 1];
    put("state", "pane", PANE, pane->data, pane->len);
    reference(&r.loop, 1);
    kll();
    cats();
    hll();
    tail();
    lw_buf_fini(&out);
    core_loop_fini(&r.loop);
    core_spec_free(r.spec);
    return 0;
}
