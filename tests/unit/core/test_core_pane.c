/* A pane: merging equals accumulating, the serial form loses nothing and is not trusted,
 * and equal events under an equal seed give equal bytes. */
#include "support/core_fixture.h"

#include "core/pane.h"

static void buffer(struct lw_pane *pane, const struct lw_spec *spec,
                   const struct core_event *e, int64_t offset, uint32_t version) {
    struct lw_cell watched[LW_FEATURES_MAX + 1];
    struct lw_scored scored[] = {{version, 12 + (double)version, 0},
                                 {version + 1, 15, 0}};
    lw_spec_watch(spec, &e->row, watched);
    const struct lw_pane_event event = {offset,        watched, e->reason,
                                        e->row.target, scored,  2};
    lw_pane_buffer(pane, &event);
}

static void add(struct lw_pane *pane, const struct lw_spec *spec,
                const struct core_event *e, int64_t offset, uint32_t version) {
    buffer(pane, spec, e, offset, version);
    lw_pane_drain(pane);
}

/* Events of every kind: missing and absurd values, targets out of range. */
static void fill(struct lw_pane *pane, const struct lw_spec *spec, uint64_t seed, int n,
                 uint32_t version) {
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (int i = 0; i < n; i++) {
        struct core_event e;
        double x = lw_rng_below(&rng, 9) ? lw_rng_unit(&rng) * 25 : NAN;
        double y = lw_rng_below(&rng, 7) ? lw_rng_unit(&rng) * 60 : -1;
        core_event_set(spec, &e, CORE_START, (int)lw_rng_below(&rng, 9), x, y);
        add(pane, spec, &e, i, version);
    }
}

static struct lw_pane *filled(const struct lw_spec *spec, uint64_t seed, int n,
                              uint32_t version) {
    struct lw_pane *pane = lw_pane_new(spec, CORE_START, seed);
    fill(pane, spec, seed, n, version);
    return pane;
}

static void merged_panes_count_like_a_single_one(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_pane *a = filled(spec, 1, 300, 1), *b = filled(spec, 2, 500, 2);
    struct lw_pane *all = lw_pane_new(spec, CORE_START, 3);
    fill(all, spec, 1, 300, 1);
    fill(all, spec, 2, 500, 2);
    lw_pane_merge(a, b);
    assert_int_equal(a->events, 800);
    for (int i = 0; i < LW_REASONS_MAX; i++)
        assert_int_equal(a->reason[i], all->reason[i]);
    assert_true(a->reason[LW_REJECTED_TARGET_LOW] > 50);
    assert_int_equal(a->answered.n, all->answered.n);
    assert_int_equal(a->answered.n, a->reason[LW_GOOD]);
    assert_true(fabs(a->answered.loss - all->answered.loss) < 1e-9 * all->answered.loss);
    for (uint32_t v = 1; v <= 3; v++) {
        const struct lw_scores *got = lw_pane_scores(a, v),
                               *want = lw_pane_scores(all, v);
        assert_int_equal(got->losses.n, want->losses.n);
        assert_true(fabs(got->losses.errors.e.mean - want->losses.errors.e.mean) <
                    1e-9 * want->losses.errors.abs_e.mean);
        assert_int_equal(got->profile->members[0].num.n, want->losses.n);
    }
    const struct lw_numeric *x = &a->profile->members[CORE_F_X].num;
    assert_int_equal(x->n, all->profile->members[CORE_F_X].num.n);
    assert_int_equal(x->missing, all->profile->members[CORE_F_X].num.missing);
    assert_int_equal(x->out_of_range, all->profile->members[CORE_F_X].num.out_of_range);
    assert_true(x->missing > 50 && x->out_of_range > 50);
    assert_null(lw_pane_scores(a, 9));
    lw_pane_free(a);
    lw_pane_free(b);
    lw_pane_free(all);
    core_spec_free(spec);
}

static void equal_seeds_give_equal_bytes(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_buf one = {0}, two = {0}, other = {0};
    struct lw_pane *a = filled(spec, 7, 900, 1), *b = filled(spec, 7, 900, 1);
    struct lw_pane *c = lw_pane_new(spec, CORE_START, 8);
    fill(c, spec, 7, 900, 1); /* the same events under another seed */
    core_pane_bytes(a, &one);
    core_pane_bytes(b, &two);
    core_pane_bytes(c, &other);
    core_assert_same(&one, &two);
    assert_false(one.len == other.len && memcmp(one.data, other.data, one.len) == 0);
    lw_pane_reset(c, CORE_START, 7); /* reused memory makes no difference */
    fill(c, spec, 7, 900, 1);
    lw_buf_clear(&other);
    core_pane_bytes(c, &other);
    core_assert_same(&one, &other);
    lw_pane_free(a);
    lw_pane_free(b);
    lw_pane_free(c);
    lw_buf_fini(&one);
    lw_buf_fini(&two);
    lw_buf_fini(&other);
    core_spec_free(spec);
}

static void a_restored_pane_continues_bit_identically(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    for (int n = 0; n < 400; n += 37) {
        struct lw_buf one = {0}, two = {0};
        struct lw_pane *a = filled(spec, 7, n, 1);
        struct lw_pane *b = lw_pane_new(spec, CORE_START, 7);
        core_pane_bytes(a, &one);
        core_pane_fill(b, &one);
        core_pane_bytes(b, &two);
        core_assert_same(&one, &two);
        fill(a, spec, 99, 250, 2);
        fill(b, spec, 99, 250, 2);
        lw_buf_clear(&one);
        lw_buf_clear(&two);
        core_pane_bytes(a, &one);
        core_pane_bytes(b, &two);
        core_assert_same(&one, &two);
        lw_pane_free(a);
        lw_pane_free(b);
        lw_buf_fini(&one);
        lw_buf_fini(&two);
    }
    core_spec_free(spec);
}

struct hostile {
    const struct lw_spec *spec;
    int refused, fields;
};

static int try_field(const struct lw_spec *spec, const char *field, const void *data,
                     size_t len) {
    struct lw_err err = {0};
    struct lw_pane *pane = lw_pane_new(spec, CORE_START, 7);
    void *exact = lw_malloc(len + 1); /* exact: a sanitizer detects reads past it */
    memcpy(exact, data, len);
    int rc = lw_pane_read(pane, field, exact, len, &err);
    if (rc) {
        assert_int_equal(err.code, LW_EINPUT);
        assert_true(err.msg[0] != '\0');
    }
    free(exact);
    lw_pane_free(pane);
    return rc;
}

/* Every truncated and every extended field is refused; a flipped byte is refused or
 * harmless. */
static void damage(void *arg, const char *field, const void *data, size_t len) {
    struct hostile *h = arg;
    uint8_t *copy = lw_malloc(len + 1);
    h->fields++;
    memcpy(copy, data, len);
    copy[len] = 0;
    assert_int_equal(try_field(h->spec, field, copy, len), 0);
    assert_int_equal(try_field(h->spec, field, copy, len + 1), -1);
    for (size_t i = 0; i < len; i += 1 + len / 97)
        assert_int_equal(try_field(h->spec, field, copy, i), -1);
    for (size_t i = 0; i < len; i += 1 + len / 199) {
        copy[i] ^= 0x81;
        h->refused += try_field(h->spec, field, copy, len) != 0;
        copy[i] ^= 0x81;
    }
    free(copy);
}

static void hostile_bytes_are_refused(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct hostile h = {.spec = spec};
    struct lw_buf scratch = {0};
    struct lw_pane *pane = filled(spec, 5, 200, 1);
    lw_pane_write(pane, &scratch, damage, &h);
    assert_int_equal(h.fields, 1 + 3 + 2); /* meta, two features and the target, scores */
    assert_true(h.refused > 20);
    assert_int_equal(try_field(spec, "s:0", "", 0), -1);
    assert_int_equal(try_field(spec, "s:1x", "", 0), -1);
    assert_int_equal(try_field(spec, "s:99999999999", "", 0), -1);
    assert_int_equal(try_field(spec, "f:of a newer writer", "abc", 3), 0);
    assert_int_equal(try_field(spec, "novelty", "abc", 3), 0);
    lw_buf_fini(&scratch);
    lw_pane_free(pane);
    core_spec_free(spec);
}

static void the_oldest_version_is_dropped_when_full(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_pane *pane = lw_pane_new(spec, CORE_START, 1);
    struct core_event e;
    core_event_set(spec, &e, CORE_START, 1, 2, 20);
    for (uint32_t v = 2; v <= 2 + LW_VERSIONS_MAX; v++) { /* 2 .. 8, each with the next */
        struct lw_scored scored = {v, 20, 0};
        struct lw_cell watched[LW_FEATURES_MAX + 1];
        lw_spec_watch(spec, &e.row, watched);
        const struct lw_pane_event event = {v, watched, LW_GOOD, 20, &scored, 1};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    assert_int_equal(pane->nscores, LW_VERSIONS_MAX);
    assert_null(lw_pane_scores(pane, 2));
    for (uint32_t v = 3; v <= 2 + LW_VERSIONS_MAX; v++)
        assert_int_equal(lw_pane_scores(pane, v)->losses.n, 1);
    assert_int_equal(pane->answered.n, LW_VERSIONS_MAX + 1);

    /* Merging a pane of an even older version must not push out a newer one. */
    struct lw_pane *old = filled(spec, 3, 50, 1); /* versions 1 and 2 */
    lw_pane_merge(pane, old);
    assert_null(lw_pane_scores(pane, 1));
    assert_null(lw_pane_scores(pane, 2));
    for (uint32_t v = 3; v <= 2 + LW_VERSIONS_MAX; v++)
        assert_int_equal(lw_pane_scores(pane, v)->losses.n, 1);
    lw_pane_free(old);
    lw_pane_free(pane);
    core_spec_free(spec);
}

/* Buffered numbers enter the sketches in batches. Flushes decide when; the bytes must not
 * depend on it. */
static void buffered_numbers_give_the_same_bytes(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_pane *a = lw_pane_new(spec, CORE_START, 5);
    struct lw_pane *b = lw_pane_new(spec, CORE_START, 5);
    struct lw_buf one = {0}, other = {0};
    struct core_event last;
    struct lw_rng rng;
    lw_rng_seed(&rng, 77);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            struct core_event e;
            double x = lw_rng_below(&rng, 9) ? lw_rng_unit(&rng) * 25 : NAN;
            double y = lw_rng_below(&rng, 7) ? lw_rng_unit(&rng) * 60 : -1;
            if (lw_rng_below(&rng, 50) == 0)
                x = INFINITY;
            core_event_set(spec, &e, CORE_START, (int)lw_rng_below(&rng, 9), x, y);
            uint32_t version = 1 + (uint32_t)i / 400; /* the oldest are dropped */
            add(a, spec, &e, i, version);
            buffer(b, spec, &e, i, version);
            if (lw_rng_below(&rng, 40) == 0)
                lw_pane_drain(b);
        }
        lw_pane_drain(b);
        core_pane_bytes(a, &one);
        core_pane_bytes(b, &other);
        core_assert_same(&one, &other);
        core_event_set(spec, &last, CORE_START, 1, 2, 20);
        buffer(b, spec, &last, 1, 9);
        lw_pane_reset(a, CORE_START + LW_HOUR, 6);
        lw_pane_reset(b, CORE_START + LW_HOUR, 6); /* also empties the buffer */
    }
    lw_buf_fini(&one);
    lw_buf_fini(&other);
    lw_pane_free(a);
    lw_pane_free(b);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffered_numbers_give_the_same_bytes),
        cmocka_unit_test(merged_panes_count_like_a_single_one),
        cmocka_unit_test(equal_seeds_give_equal_bytes),
        cmocka_unit_test(a_restored_pane_continues_bit_identically),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(the_oldest_version_is_dropped_when_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
