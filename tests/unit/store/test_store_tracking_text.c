/* The text of how predictions are tracked: exact, and nothing damaged is accepted. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "store/tracking_text.h"

/* Any finite number. */
static double any_number(struct lw_rng *rng) {
    double v = NAN;
    while (!isfinite(v)) {
        uint64_t bits = lw_rng_next(rng);
        memcpy(&v, &bits, sizeof v);
    }
    return v;
}

static struct lw_tracking_set any_set(struct lw_rng *rng) {
    struct lw_tracking_set set = {.n = lw_rng_below(rng, LW_VERSIONS_MAX + 1)};
    set.served = set.n && lw_rng_below(rng, 2);
    for (size_t i = 0; i < set.n; i++) {
        set.version[i] =
            (uint32_t)(lw_rng_below(rng, 100000) * LW_VERSIONS_MAX * 7000 + i + 1);
        set.of[i] =
            (struct lw_tracking){any_number(rng), any_number(rng), any_number(rng)};
    }
    return set;
}

static void assert_same(const struct lw_tracking_set *a,
                        const struct lw_tracking_set *b) {
    assert_int_equal(a->served, b->served);
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        assert_int_equal(a->version[i], b->version[i]);
        assert_memory_equal(&a->of[i], &b->of[i], sizeof a->of[i]);
    }
}

static void any_set_reads_back_exactly(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 16);
    for (int i = 0; i < 3000; i++) {
        char text[LW_TRACKING_TEXT_MAX], again[LW_TRACKING_TEXT_MAX];
        struct lw_tracking_set set = any_set(&rng), read = any_set(&rng);
        lw_tracking_text(&set, text);
        assert_true(lw_tracking_parse(text, &read));
        assert_same(&set, &read);
        assert_string_equal(lw_tracking_text(&read, again), text);
    }
}

/* A changed byte: refused without an effect, or the text of another set. */
static void a_damaged_text_is_refused_or_a_set(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 17);
    for (int i = 0; i < 6000; i++) {
        char text[LW_TRACKING_TEXT_MAX];
        struct lw_tracking_set set = any_set(&rng), kept = any_set(&rng), read = kept;
        size_t len = strlen(lw_tracking_text(&set, text));
        if (!len)
            continue;
        text[lw_rng_below(&rng, len)] = "\0 0e+-.x9"[lw_rng_below(&rng, 9)];
        if (!lw_tracking_parse(text, &read))
            assert_same(&read, &kept);
        for (size_t k = 0; k < read.n; k++) {
            assert_true(isfinite(read.of[k].a + 0) && isfinite(read.of[k].b));
            assert_true(isfinite(read.of[k].c) && read.version[k] > 0);
        }
    }
}

static void what_is_not_a_set_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "served",
        "shadow ",
        "plain 1 0 0 0",
        "served 1 0 0",
        "served 1 0 0 0 ",
        "served  1 0 0 0",
        "served 0 0 0 0",
        "served -1 0 0 0",
        "served 1.5 0 0 0",
        "served 4294967295 0 0 0",
        "served 18446744073709551617 0 0 0",
        "served 1 nan 0 0",
        "served 1 0 inf 0",
        "served 1 0 0 1e999",
        "served 1 0 0x1p3 0",
        "served 1 0 0 0 1 0 0 0",
        "served 1 0 0 0 2 0 0 0 3 0 0 0 4 0 0 0 5 0 0 0 6 0 0 0 7 0 0 0",
        "served\t1 0 0 0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lw_tracking_set set = {.n = 1, .version = {9}};
        if (lw_tracking_parse(bad[i], &set))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(set.version[0], 9);
    }
}

static void the_text_is_readable(void **state) {
    (void)state;
    char text[LW_TRACKING_TEXT_MAX];
    struct lw_tracking_set set = {
        .served = true, .n = 2, .version = {3, 1}, .of = {{.5, -.25, 14}, {-1, 0, 12}}};
    assert_string_equal(lw_tracking_text(&set, text), "served 3 0.5 -0.25 14 1 -1 0 12");
    set.served = false;
    set.n = 1;
    assert_string_equal(lw_tracking_text(&set, text), "shadow 3 0.5 -0.25 14");
    set.n = 0;
    assert_string_equal(lw_tracking_text(&set, text), "");
    assert_true(lw_tracking_parse("", &set));
    assert_int_equal(set.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_set_reads_back_exactly),
        cmocka_unit_test(a_damaged_text_is_refused_or_a_set),
        cmocka_unit_test(what_is_not_a_set_is_refused),
        cmocka_unit_test(the_text_is_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
