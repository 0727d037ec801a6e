/* Error by segment: bounded, mergeable, equal bytes for equal events, and not trusted
 * when read; and the segments whose error rose are found. */
#include "support/core_fixture.h"

#include "core/partition.h"
#include "core/segment_regression.h"
#include "core/segments.h"

static struct lw_buf bytes_of(const struct lw_segments *s) {
    struct lw_buf out = {0};
    lw_segments_write(s, &out);
    return out;
}

static void sums_are_kept_by_value(void **state) {
    (void)state;
    struct lw_segments s = {0}, half[2] = {{0}, {0}};
    struct lw_rng rng;
    lw_rng_seed(&rng, 7);
    for (int i = 0; i < 5000; i++) {
        uint64_t key = lw_rng_below(&rng, 300);
        double loss = (double)lw_rng_below(&rng, 64); /* integers: exact sums */
        lw_segments_add(&s, key, 1, loss);
        lw_segments_add(&half[i % 2], key, 1, loss);
    }
    assert_int_equal(s.n, 300);
    assert_int_equal(s.rest.n, 0);
    lw_segments_merge(&half[0], &half[1]);
    struct lw_buf a = bytes_of(&s), b = bytes_of(&half[0]);
    core_assert_same(&a, &b); /* in any order and any parts */
    struct lw_segments back = {0};
    struct lw_reader r = lw_reader_of(a.data, a.len);
    lw_segments_read(&back, &r);
    assert_true(!r.bad && lw_reader_left(&r) == 0);
    assert_true(lw_segments_find(&back, 17)->loss == lw_segments_find(&s, 17)->loss);
    assert_null(lw_segments_find(&back, 300));
    lw_segments_reset(&s);
    assert_null(lw_segments_find(&s, 17));
    for (int i = 0; i < 2; i++)
        lw_segments_fini(&half[i]);
    lw_segments_fini(&s);
    lw_segments_fini(&back);
    lw_buf_fini(&a);
    lw_buf_fini(&b);
}

static void values_past_the_limit_are_counted_together(void **state) {
    (void)state;
    struct lw_segments s = {0};
    for (uint64_t key = 0; key < 2 * LW_SEGMENTS_MAX; key++)
        lw_segments_add(&s, key, 1, 2);
    assert_int_equal(s.n, LW_SEGMENTS_MAX);
    assert_int_equal(s.rest.n, LW_SEGMENTS_MAX);
    assert_true(s.rest.loss == 2 * LW_SEGMENTS_MAX);
    lw_segments_add(&s, 0, 1, 2); /* values already present stay */
    assert_int_equal(lw_segments_find(&s, 0)->n, 2);
    lw_segments_fini(&s);
}

static void damaged_segments_are_refused(void **state) {
    (void)state;
    struct lw_segments s = {0};
    lw_segments_add(&s, 1, 3, 4);
    lw_segments_add(&s, 2, 3, 4);
    struct lw_buf good = bytes_of(&s);
    for (size_t cut = 0; cut < good.len; cut++) {
        struct lw_segments back = {0};
        struct lw_reader r = lw_reader_of(good.data, cut);
        lw_segments_read(&back, &r);
        assert_true(r.bad);
        lw_segments_fini(&back);
    }
    const struct {
        size_t at;
        uint8_t byte;
    } wrong[] = {{0, 3}, {3, 1}, {4, 9}, {12, 0}, {27, 0xff}, {19, 0xff}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lw_segments back = {0};
        struct lw_buf bad = {0};
        lw_buf_put(&bad, good.data, good.len);
        bad.data[wrong[i].at] = wrong[i].byte;
        struct lw_reader r = lw_reader_of(bad.data, bad.len);
        lw_segments_read(&back, &r);
        if (!r.bad)
            fail_msg("case %zu was accepted", i);
        lw_segments_fini(&back);
        lw_buf_fini(&bad);
    }
    lw_buf_fini(&good);
    lw_segments_fini(&s);
}

static void the_worst_events_are_kept_in_order(void **state) {
    (void)state;
    struct lw_examples x = {0}, y = {0};
    char id[80];
    const double loss[] = {4, 9, 1, 9, 16, 2};
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof id, "trip-%d", i);
        struct lw_cell cell = lw_cell_text(id, strlen(id));
        lw_examples_add(i % 2 ? &y : &x, &cell, loss[i]);
    }
    lw_examples_merge(&x, &y);
    assert_int_equal(x.n, LW_EXAMPLES_MAX);
    assert_string_equal(x.worst[0].id, "trip-4");
    assert_string_equal(x.worst[1].id, "trip-1"); /* of equals, the first */
    assert_string_equal(x.worst[2].id, "trip-3");
    struct lw_cell none = lw_cell_missing(), number = lw_cell_int(-7);
    lw_examples_add(&x, &none, 1e9);
    lw_examples_add(&x, &number, 1e9);
    assert_string_equal(x.worst[0].id, "-7");
    memset(id, 'z', sizeof id);
    struct lw_cell longer = lw_cell_text(id, sizeof id);
    lw_examples_add(&x, &longer, 2e9);
    assert_int_equal(strlen(x.worst[0].id), LW_EXAMPLE_BYTES - 1);
    struct lw_cell strange = lw_cell_text("caf\xe9\0", 5);
    lw_examples_add(&x, &strange, 3e9);
    assert_string_equal(x.worst[0].id, "caf\\xe9\\x00");
    strange = lw_cell_text(id, 16);
    strange.form = LW_FORM_UUID;
    lw_examples_add(&x, &strange, 4e9);
    assert_string_equal(x.worst[0].id, "7a7a7a7a-7a7a-7a7a-7a7a-7a7a7a7a7a7a");
    struct lw_buf bytes = {0};
    lw_examples_write(&x, &bytes);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        struct lw_examples back;
        struct lw_reader r = lw_reader_of(bytes.data, cut);
        lw_examples_read(&back, &r);
        assert_int_equal(r.bad, cut < bytes.len);
        if (!r.bad)
            assert_memory_equal(&back, &x, sizeof x);
    }
    lw_buf_fini(&bytes);
}

static void add_losses(struct lw_pane *pane, int zone, uint32_t version, int n,
                       double loss) {
    struct lw_cell watched[3] = {
        [CORE_F_ZONE] = lw_cell_int(zone), [CORE_F_X] = lw_cell_num(1)};
    struct lw_cell id = lw_cell_int(zone * 100);
    for (int i = 0; i < n; i++)
        lw_pane_add_loss(pane, version, watched, &id, loss);
}

static void a_pane_has_the_segments_of_its_newest_version(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_pane *a = lw_pane_new(spec, CORE_START, 1);
    struct lw_pane *b = lw_pane_new(spec, CORE_START, 1);
    struct lw_pane *back = lw_pane_new(spec, CORE_START, 1);
    struct lw_buf one = {0}, two = {0};
    add_losses(a, 1, 1, 5, 4);
    add_losses(a, 2, 2, 5, 4);
    add_losses(a, 3, 1, 5, 4); /* an older version than the newest, ignored */
    assert_int_equal(a->segments_version, 2);
    assert_null(lw_segments_find(&a->segments[CORE_F_ZONE], 1));
    assert_null(lw_segments_find(&a->segments[CORE_F_ZONE], 3));
    assert_int_equal(lw_segments_find(&a->segments[CORE_F_ZONE], 2)->n, 5);
    assert_int_equal(a->segments[CORE_F_X].n, 0); /* not a category */
    add_losses(b, 2, 1, 7, 4);
    lw_pane_merge(a, b);
    assert_int_equal(lw_segments_find(&a->segments[CORE_F_ZONE], 2)->n, 5);
    core_pane_bytes(a, &one);
    core_pane_fill(back, &one);
    core_pane_bytes(back, &two);
    core_assert_same(&one, &two);
    assert_int_equal(back->segments_version, 2);
    assert_string_equal(back->examples.worst[0].id, "200");
    lw_pane_merge(b, a);
    assert_int_equal(b->segments_version, 2);
    assert_int_equal(lw_segments_find(&b->segments[CORE_F_ZONE], 2)->n, 5);
    lw_pane_reset(a, CORE_START, 1);
    assert_int_equal(a->segments_version, 0);
    lw_buf_fini(&one);
    lw_buf_fini(&two);
    lw_pane_free(a);
    lw_pane_free(b);
    lw_pane_free(back);
    core_spec_free(spec);
}

static void segments_with_a_higher_error_are_found(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    struct lw_reference *ref = lw_reference_new(spec);
    struct lw_pane *pane = lw_pane_new(spec, CORE_START, 1);
    struct lw_segment_regression rise[2];
    for (uint64_t zone = 1; zone <= 4; zone++)
        lw_segments_add(&ref->segments[CORE_F_ZONE], zone, 1000, 4000);
    for (int i = 0; i < 4000; i++)
        lw_losses_add(&ref->losses, &lw_task_regression, 0, 2);
    for (int zone = 1; zone <= 4; zone++)
        add_losses(pane, zone, 3, 100, zone == 2 ? 16 : zone == 4 ? 10 : 4);
    add_losses(pane, 9, 3, 5, 400); /* few events, but part of the increase */
    assert_int_equal(lw_segment_regression_find(spec, ref, pane, 3, rise, 2), 2);
    assert_string_equal(rise[0].value, "2");
    assert_string_equal(rise[1].value, "4");
    assert_int_equal(rise[0].n, 100);
    assert_true(fabs(rise[0].error - 4) < 1e-9 &&
                fabs(rise[0].reference_error - 2) < 1e-9);
    double total = 1200 + 600 + 5 * 396;
    assert_true(fabs(rise[0].share - 1200 / total) < 1e-9);
    assert_true(fabs(rise[1].share - 600 / total) < 1e-9);
    assert_int_equal(lw_segment_regression_find(spec, ref, pane, 2, rise, 2),
                     0); /* not its errors */
    assert_int_equal(lw_segment_regression_find(spec, NULL, pane, 3, rise, 2), 0);
    struct lw_buf bytes = {0};
    lw_reference_write(ref, &bytes);
    struct lw_reference *back = lw_reference_read(spec, bytes.data, bytes.len, NULL);
    assert_non_null(back);
    assert_int_equal(lw_segments_find(&back->segments[CORE_F_ZONE], 2)->n, 1000);
    lw_buf_fini(&bytes);
    lw_reference_free(back);
    lw_reference_free(ref);
    lw_pane_free(pane);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_kept_by_value),
        cmocka_unit_test(values_past_the_limit_are_counted_together),
        cmocka_unit_test(damaged_segments_are_refused),
        cmocka_unit_test(the_worst_events_are_kept_in_order),
        cmocka_unit_test(a_pane_has_the_segments_of_its_newest_version),
        cmocka_unit_test(segments_with_a_higher_error_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
