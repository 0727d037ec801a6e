/* Laws of faults over distributions, sizes and seeds: a broken feed is detected, and
 * changes in the real world are not reported as one. All draws are seeded; a failure
 * prints its case. */
#include "drift_test.h"

#include "columns.h"
#include "leeway/fault.h"

enum { SEEDS = 30 };

enum shape { LOGNORMAL_3, LOGNORMAL_5, LOGNORMAL_10, GAMMA, EXPONENTIAL, NORMAL, SHAPES };

static double draw(struct lw_rng *rng, enum shape shape) {
    switch (shape) {
    case LOGNORMAL_3:
        return 8.0 * exp(0.3 * lw_rng_normal(rng));
    case LOGNORMAL_5:
        return 8.0 * exp(0.5 * lw_rng_normal(rng));
    case LOGNORMAL_10:
        return 8.0 * exp(lw_rng_normal(rng));
    case GAMMA:
        return -4.0 * (log(1.0 - lw_rng_unit(rng)) + log(1.0 - lw_rng_unit(rng)));
    case EXPONENTIAL:
        return -9.0 * log(1.0 - lw_rng_unit(rng));
    default:
        return 12.0 + 3.0 * lw_rng_normal(rng);
    }
}

struct change {
    enum shape shape;
    int n_ref, n_cur;
    double factor, offset;
    double before, after; /* rounded to multiples of these; 0: not rounded */
};

static double rounded(double v, double step) {
    return step > 0.0 ? nearbyint(v / step) * step : v;
}

static struct lw_fault fault_after(const struct change *a, uint64_t seed) {
    struct columns c;
    struct lw_rng rng;
    columns_init(&c, "n");
    c.column[0].lo = -INFINITY;
    c.column[0].hi = INFINITY;
    lw_rng_seed(&rng, seed);
    for (int i = 0; i < a->n_ref; i++)
        put_num(c.ref, 0, rounded(draw(&rng, a->shape), a->before));
    for (int i = 0; i < a->n_cur; i++) {
        double v = rounded(draw(&rng, a->shape), a->before);
        put_num(c.cur, 0, rounded(v * a->factor + a->offset, a->after));
    }
    struct lw_fault f = lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
    columns_fini(&c);
    return f;
}

/* The number of seeds for which a fault of the kind is found. */
static int found(const struct change *a, enum lw_fault_kind kind) {
    int n = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        n += fault_after(a, seed).kind == kind;
    return n;
}

static void check_found(const struct change *a, enum lw_fault_kind kind, int least,
                        int most) {
    int n = found(a, kind);
    if (n < least || n > most)
        fail_msg("shape %d, n %d and %d, x %g + %g, steps %g > %g: %s in %d of %d",
                 a->shape, a->n_ref, a->n_cur, a->factor, a->offset, a->before, a->after,
                 lw_fault_name(kind), n, SEEDS);
}

static void growth_is_no_change_of_unit(void **state) {
    (void)state;
    const double factors[] = {0.625, 0.66, 1.5, 1.6, 1.7};
    const int sizes[] = {200, 1000, 5000};
    for (size_t f = 0; f < COUNT(factors); f++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            for (int shape = LOGNORMAL_5; shape < NORMAL; shape++) {
                struct change a = {.shape = (enum shape)shape,
                                   .n_ref = 3000,
                                   .n_cur = sizes[s],
                                   .factor = factors[f]};
                check_found(&a, LW_FAULT_NONE, SEEDS, SEEDS);
            }
            /* With digits, at any size and however narrow. A larger unit that is rounded
             * to the same number of digits reaches every step, so 0.625 is ambiguous. */
            for (int shape = 0; shape < SHAPES && factors[f] != 0.625; shape++) {
                struct lw_rng rng;
                struct columns c;
                columns_init(&c, "n");
                lw_rng_seed(&rng, (uint64_t)shape + 50);
                for (int i = 0; i < 20000; i++) {
                    put_num(c.ref, 0, rounded(draw(&rng, (enum shape)shape), 0.01));
                    if (i < 4 * sizes[s])
                        put_num(
                            c.cur, 0,
                            rounded(draw(&rng, (enum shape)shape) * factors[f], 0.01));
                }
                struct lw_fault fault =
                    lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
                if (fault.kind != LW_FAULT_NONE)
                    fail_msg("shape %d x %g, n %d, steps of 0.01: %s", shape, factors[f],
                             4 * sizes[s], fault.text);
                columns_fini(&c);
            }
        }
}

static void a_change_of_unit_is_found(void **state) {
    (void)state;
    const double factors[] = {60.0, 100.0, 1000.0, 1e6};
    const int sizes[] = {100, 2000};
    for (int shape = 0; shape < SHAPES; shape++)
        for (size_t f = 0; f < 2 * COUNT(factors); f++)
            for (size_t s = 0; s < COUNT(sizes); s++) {
                double factor = factors[f / 2];
                struct change a = {.shape = (enum shape)shape,
                                   .n_ref = 3000,
                                   .n_cur = sizes[s],
                                   .factor = f % 2 ? 1.0 / factor : factor};
                check_found(&a, LW_FAULT_UNIT, SEEDS - 1, SEEDS);
            }
}

static void kilometres_for_miles_are_found_by_their_digits(void **state) {
    (void)state;
    for (int shape = 0; shape < SHAPES; shape++)
        for (int down = 0; down < 2; down++)
            for (int round = 0; round < 2 - down; round++) {
                struct change a = {.shape = (enum shape)shape,
                                   .n_ref = 3000,
                                   .n_cur = 500,
                                   .factor = down ? 1.0 / 1.609344 : 1.609,
                                   .before = 0.01,
                                   .after = round ? 0.01 : 0.0};
                check_found(&a, LW_FAULT_UNIT, SEEDS - 1, SEEDS);
            }
    /* Without digits it is growth, however precise the data. */
    for (int shape = 0; shape < SHAPES; shape++) {
        struct change growth = {.shape = (enum shape)shape,
                                .n_ref = 20000,
                                .n_cur = 2000,
                                .factor = 1.609344};
        check_found(&growth, LW_FAULT_NONE, SEEDS, SEEDS);
    }
}

static void ordinary_factors_are_no_change_of_unit(void **state) {
    (void)state;
    const double factors[] = {1.0, 1.2, 3.0, 10.0, 30.0, 250.0};
    for (int shape = 0; shape < SHAPES; shape++)
        for (size_t f = 0; f < COUNT(factors); f++) {
            struct change a = {.shape = (enum shape)shape,
                               .n_ref = 3000,
                               .n_cur = 300,
                               .factor = factors[f]};
            check_found(&a, LW_FAULT_NONE, SEEDS, SEEDS);
            a.offset = 9.2;
            check_found(&a, LW_FAULT_NONE, SEEDS, SEEDS);
        }
}

static void celsius_to_fahrenheit_and_kelvin_is_found(void **state) {
    (void)state;
    struct change c = {.shape = NORMAL, .n_ref = 2000, .n_cur = 300};
    const double maps[][2] = {{1.8, 32.0}, {1.0, 273.15}};
    for (size_t i = 0; i < COUNT(maps); i++) {
        c.factor = maps[i][0];
        c.offset = maps[i][1];
        check_found(&c, LW_FAULT_UNIT, SEEDS, SEEDS);
    }
    c.factor = 1.0;
    for (c.offset = -20.0; c.offset <= 20.0; c.offset += 4.0) /* seasons */
        if (c.offset != -20.0 && c.offset != -16.0)
            check_found(&c, LW_FAULT_NONE, SEEDS, SEEDS);
}

/* Fahrenheit, 30 to 100, converted to Celsius. */
static void fahrenheit_to_celsius_is_found(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct columns c;
        struct lw_rng rng;
        columns_init(&c, "n");
        lw_rng_seed(&rng, seed);
        for (int i = 0; i < 2000; i++)
            put_num(c.ref, 0, 65.0 + 12.0 * lw_rng_normal(&rng));
        for (int i = 0; i < 300; i++)
            put_num(c.cur, 0, (68.0 + 10.0 * lw_rng_normal(&rng) - 32.0) / 1.8);
        struct lw_fault f = lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
        assert_int_equal(f.kind, LW_FAULT_UNIT);
        assert_string_equal(f.text, "degrees Fahrenheit sent as Celsius");
        columns_fini(&c);
    }
}

/* Never below 0, and now half of it is: a fault if 0 was the lower bound, otherwise
 * frost. */
static void negative_values_are_a_fault_where_zero_was_the_bound(void **state) {
    (void)state;
    for (int shape = 0; shape < NORMAL; shape++) {
        struct change a = {.shape = (enum shape)shape,
                           .n_ref = 2000,
                           .n_cur = 300,
                           .factor = 1.0,
                           .offset = -30.0};
        /* A lognormal with sigma .3 does not come near 0. */
        int most = shape == LOGNORMAL_3 ? 0 : SEEDS,
            least = shape == LOGNORMAL_3 ? 0 : 29;
        check_found(&a, LW_FAULT_NEGATIVE, least, most);
        a.factor = -1.0; /* reversed sign */
        a.offset = 0.0;
        check_found(&a, LW_FAULT_NEGATIVE, least, most);
    }
    struct change frost = {
        .shape = NORMAL, .n_ref = 2000, .n_cur = 300, .factor = 1.2, .offset = -18.0};
    check_found(&frost, LW_FAULT_NONE, SEEDS, SEEDS);
}

/* A column with many zeros: a day of zeros alone is plausible, a day of another value
 * alone is a fault. */
static void a_day_of_a_common_value_is_not_stuck(void **state) {
    (void)state;
    const double zeros[] = {0.12, 0.3, 0.45, 0.6, 0.9};
    for (size_t k = 0; k < COUNT(zeros); k++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct columns c;
            struct lw_rng rng;
            columns_init(&c, "nncc");
            lw_rng_seed(&rng, seed);
            for (int i = 0; i < 7000; i++) {
                double v = lw_rng_unit(&rng) < zeros[k] ? 0.0 : draw(&rng, EXPONENTIAL);
                put_num(c.ref, 0, v);
                put_num(c.ref, 1, v);
                put_cat(c.ref, 2, v > 0.0 ? 1 + (int64_t)lw_rng_below(&rng, 40) : 0, 1);
                put_cat(c.ref, 3, (int64_t)lw_rng_below(&rng, 40), 1);
            }
            for (int i = 0; i < 500; i++) {
                put_num(c.cur, 0, 0.0);
                put_num(c.cur, 1, 7.0);
                put_cat(c.cur, 2, 0, 1);
                put_cat(c.cur, 3, 17, 1);
            }
            const enum lw_fault_kind want[] = {LW_FAULT_NONE, LW_FAULT_STUCK,
                                               LW_FAULT_NONE, LW_FAULT_STUCK};
            for (size_t i = 0; i < 4; i++)
                assert_int_equal(
                    lw_fault_find(&c.ref->members[i], &c.cur->members[i]).kind, want[i]);
            columns_fini(&c);
        }
}

/* The target is judged like a feature: values outside its range count as out of range. */
static void faults_of_the_target_are_found(void **state) {
    (void)state;
    const struct {
        double value, factor;
        enum lw_fault_kind kind;
    } cases[] = {{7.0, 0.0, LW_FAULT_STUCK},         {NAN, 0.0, LW_FAULT_NULLS},
                 {0.0, 0.0, LW_FAULT_OUT_OF_RANGE},  {0.0, 1.0, LW_FAULT_NONE},
                 {0.0, 60.0, LW_FAULT_OUT_OF_RANGE}, {0.0, -1.0, LW_FAULT_OUT_OF_RANGE},
                 {0.0, 1.609344, LW_FAULT_UNIT}};
    for (size_t k = 0; k < COUNT(cases); k++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct columns c;
            struct lw_rng rng;
            columns_init(&c, "n");
            c.column[0].lo = 1.0; /* minutes */
            c.column[0].hi = 60.0;
            lw_rng_seed(&rng, seed);
            for (int i = 0; i < 5000; i++)
                put_num(c.ref, 0, rounded(2.0 + draw(&rng, GAMMA), 0.1));
            for (int i = 0; i < 700; i++) {
                double v = cases[k].factor * rounded(2.0 + draw(&rng, GAMMA), 0.1);
                put_num(c.cur, 0, cases[k].value + v);
            }
            struct lw_fault f = lw_fault_find(&c.ref->members[0], &c.cur->members[0]);
            if (f.kind != cases[k].kind)
                fail_msg("target %g + %g t: %s", cases[k].value, cases[k].factor,
                         lw_fault_name(f.kind));
            columns_fini(&c);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_no_change_of_unit),
        cmocka_unit_test(a_change_of_unit_is_found),
        cmocka_unit_test(kilometres_for_miles_are_found_by_their_digits),
        cmocka_unit_test(ordinary_factors_are_no_change_of_unit),
        cmocka_unit_test(celsius_to_fahrenheit_and_kelvin_is_found),
        cmocka_unit_test(fahrenheit_to_celsius_is_found),
        cmocka_unit_test(negative_values_are_a_fault_where_zero_was_the_bound),
        cmocka_unit_test(a_day_of_a_common_value_is_not_stuck),
        cmocka_unit_test(faults_of_the_target_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
