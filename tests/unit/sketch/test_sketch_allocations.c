/* The hot path allocates nothing: every allocation of the program passes through counting
 * wrappers (the linker's --wrap), and after a warm-up the count stays the same. */
#include "sketch_test.h"

#include <math.h>

#include "base/rng.h"
#include "leeway/profile.h"
#include "support/count_allocations.h"

static const struct lw_column columns[] = {
    {.name = "distance", .kind = LW_NUMERIC, .lo = 0, .hi = 50},
    {.name = "zone", .kind = LW_CATEGORY, .distinct = true},
    {.name = "flag", .kind = LW_CATEGORY},
};

static void fill(struct lw_profile *p, struct lw_rng *rng, int rows) {
    for (int i = 0; i < rows; i++) {
        struct lw_cell cells[] = {
            lw_cell_num(1 + 40 * lw_rng_unit(rng)),
            lw_cell_int((int64_t)lw_rng_below(rng, 265)),
            i % 7 == 0 ? lw_cell_missing() : lw_cell_text(i % 2 ? "N" : "Y", 1),
        };
        lw_profile_add(p, cells);
    }
}

static void the_counter_sees_allocations(void **state) {
    (void)state;
    size_t before = allocations;
    struct lw_profile *p = lw_profile_new(columns, 3, 1);
    assert_true(allocations > before + 3);
    lw_profile_free(p);
}

static void adding_allocates_nothing(void **state) {
    (void)state;
    struct lw_profile *p = lw_profile_new(columns, 3, 1);
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    fill(p, &rng, 20000);
    size_t before = allocations;
    fill(p, &rng, 5000);
    assert_int_equal(allocations, before);
    /* a reset profile that is refilled does not allocate either */
    lw_profile_reset(p, 2);
    fill(p, &rng, 20000);
    assert_int_equal(allocations, before);
    lw_profile_free(p);
}

static void merging_small_panes_allocates_nothing(void **state) {
    (void)state;
    struct lw_profile *window = lw_profile_new(columns, 3, 1);
    struct lw_profile *pane = lw_profile_new(columns, 3, 2);
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    fill(window, &rng, 20000);
    fill(pane, &rng, 12);
    size_t before = allocations;
    for (int i = 0; i < 50; i++)
        lw_profile_merge(window, pane);
    assert_int_equal(allocations, before);
    lw_profile_free(window);
    lw_profile_free(pane);
}

/* A pane of a dozen rows is small: its allocated memory has a bound. */
static void small_panes_use_little_memory(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 1);
    size_t before = allocations;
    struct lw_profile *pane = lw_profile_new(columns, 3, 2);
    fill(pane, &rng, 12);
    assert_true(allocations - before <= 20);
    lw_profile_free(pane);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_sees_allocations),
        cmocka_unit_test(adding_allocates_nothing),
        cmocka_unit_test(merging_small_panes_allocates_nothing),
        cmocka_unit_test(small_panes_use_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
