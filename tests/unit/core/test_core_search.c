/* The search among candidates: which one wins, on how many rows, and that the hold-out is
 * not used. */
#include "support/core_fixture.h"

#include "core/train.h"

#define AS_OF (CORE_START + 5 * LW_DAY)
#define HOLD  (AS_OF - 12 * LW_HOUR)
#define MANY  8

struct fixture {
    struct lw_spec *spec;
    struct lw_dataset *ds;
    struct lw_training t;
    size_t before; /* rows before the hold-out */
};

/* y = 10 + 2 zone + x / 2 + noise, plus `shift` in the hold-out. */
static void make_rows(struct fixture *f, double shift) {
    struct core_stream s;
    struct core_event e;
    lw_dataset_free(f->ds);
    f->ds = lw_dataset_new(f->spec->train);
    core_stream_init(&s, 7);
    while (s.now_ms < AS_OF) {
        core_stream_next(&s, f->spec, &e);
        if (e.row.time_ms >= HOLD)
            e.row.target += shift;
        lw_dataset_add(f->ds, &e.row);
    }
    lw_dataset_sort(f->ds);
    f->before = lw_dataset_lower_bound(f->ds, HOLD);
}

/* Penalties from 10^6 down: the smaller, the clearly better; number 5 is best. */
static int setup(void **state) {
    static const double alpha[MANY] = {1e6, 3e5, 1e5, 3e4, 1e4, .1, 3e3, 2e5};
    struct fixture *f = lw_calloc(1, sizeof *f);
    f->spec = core_spec_new();
    struct lw_fit_spec both = f->spec->candidate[1];
    f->spec->ncandidates = MANY;
    for (size_t i = 0; i < MANY; i++) {
        f->spec->candidate[i] = both;
        f->spec->candidate[i].alpha = alpha[i];
        snprintf(f->spec->candidate[i].name, LW_NAME_MAX, "c%zu", i);
    }
    make_rows(f, 0);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    lw_training_fini(&f->t);
    lw_dataset_free(f->ds);
    core_spec_free(f->spec);
    free(f);
    return 0;
}

static void train(struct fixture *f, enum lw_search_kind kind, int64_t as_of) {
    struct lw_err err = {0};
    lw_training_fini(&f->t);
    f->spec->retrain.search.kind = kind;
    f->t.as_of_ms = as_of;
    if (lw_train(f->spec, f->ds, NULL, NULL, &f->t, &err))
        fail_msg("%s", err.msg);
}

static uint64_t fitted_rows(const struct fixture *f) {
    uint64_t sum = 0;
    for (size_t i = 0; i < f->t.ntrials; i++)
        sum += f->t.trial[i].rows;
    return sum;
}

static void halving_finds_the_winner_of_the_grid_with_fewer_rows(void **state) {
    struct fixture *f = *state;
    train(f, LW_SEARCH_GRID, AS_OF);
    assert_int_equal(f->t.ntrials, MANY);
    assert_int_equal(f->t.chosen, 5);
    uint64_t grid = fitted_rows(f), print = lw_model_fingerprint(f->t.model);
    double rmse = f->t.trial[5].error;
    train(f, LW_SEARCH_HALVING, AS_OF);
    const struct lw_trial *won = &f->t.trial[f->t.chosen];
    assert_string_equal(won->name, "c5");
    assert_ptr_equal(won->fit, &f->spec->candidate[5]);
    assert_true(won->error == rmse); /* the last round has all rows */
    assert_true(lw_model_fingerprint(f->t.model) == print);
    assert_true(f->t.gate.challenger_error == rmse);
    assert_true(fitted_rows(f) < grid);
}

static void each_round_has_the_better_half_on_more_rows(void **state) {
    struct fixture *f = *state;
    static const int round_of[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2};
    train(f, LW_SEARCH_HALVING, AS_OF);
    assert_int_equal(f->t.ntrials, 14);
    for (size_t i = 0; i < 14; i++) {
        assert_int_equal(f->t.trial[i].round, round_of[i]);
        assert_int_equal(f->t.trial[i].rows, f->before >> (2 - round_of[i]));
    }
    static const char *const better[] = {"c5", "c6", "c4", "c3"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(f->t.trial[8 + i].name, better[i]);
    assert_string_equal(f->t.trial[12].name, "c5");
    assert_string_equal(f->t.trial[13].name, "c6");
}

/* A single candidate always wins, and one that cannot be fitted always loses. */
static void halving_of_one_and_of_failures(void **state) {
    struct fixture *f = *state;
    f->spec->candidate[0].window_ms = 1; /* no row is that recent */
    f->spec->ncandidates = 2;
    train(f, LW_SEARCH_HALVING, AS_OF);
    assert_int_equal(f->t.ntrials, 3);
    assert_true(isnan(f->t.trial[0].error) && f->t.trial[0].note[0]);
    assert_string_equal(f->t.trial[2].name, "c1");
    assert_int_equal(f->t.trial[2].rows, f->before);
    f->spec->ncandidates = 1;
    f->spec->candidate[0].window_ms = 0;
    train(f, LW_SEARCH_HALVING, AS_OF);
    assert_int_equal(f->t.ntrials, 1);
    assert_int_equal(f->t.trial[0].rows, f->before);
}

/* The cost is estimated from the model, so the same candidates are costly everywhere. */
static void a_costly_candidate_is_tried_but_not_chosen(void **state) {
    struct fixture *f = *state;
    struct lw_err err = {0};
    for (size_t i = 0; i < MANY; i++) /* the best, on both features */
        f->spec->candidate[i].nterms = i == 5 ? 2 : 1;
    train(f, LW_SEARCH_GRID, AS_OF);
    assert_int_equal(f->t.chosen, 5);
    double cost = f->t.trial[5].predict_us, other = f->t.trial[0].predict_us;
    assert_true(other > 0 && cost > other);
    f->spec->retrain.predict_us = (cost + other) / 2;
    for (int kind = LW_SEARCH_GRID; kind <= LW_SEARCH_HALVING; kind++) {
        train(f, (enum lw_search_kind)kind, AS_OF);
        assert_int_not_equal(strcmp(f->t.trial[f->t.chosen].name, "c5"), 0);
        assert_true(f->t.trial[5].costly && !isnan(f->t.trial[5].error));
        assert_non_null(strstr(f->t.trial[5].note, "retrain.budget.predict_us"));
    }
    lw_training_fini(&f->t);
    f->spec->retrain.predict_us = other / 2;
    assert_int_equal(lw_train(f->spec, f->ds, NULL, NULL, &f->t, &err), -1);
    assert_non_null(strstr(err.msg, "retrain.budget.predict_us"));
}

static void names(const struct fixture *f, char *out) {
    out[0] = '\0';
    for (size_t i = 0; i < f->t.ntrials; i++)
        strcat(out, f->t.trial[i].name);
}

static void random_search_draws_by_its_seed(void **state) {
    struct fixture *f = *state;
    char a[64], b[64];
    f->spec->retrain.search.budget = 3;
    unsigned seen = 0;
    int differ = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        f->spec->retrain.search.seed = seed;
        train(f, LW_SEARCH_RANDOM, AS_OF);
        names(f, a);
        assert_int_equal(f->t.ntrials, 3);
        assert_string_not_equal(f->t.trial[0].name, f->t.trial[1].name);
        assert_string_not_equal(f->t.trial[0].name, f->t.trial[2].name);
        assert_string_not_equal(f->t.trial[1].name, f->t.trial[2].name);
        for (size_t i = 0; i < 3; i++)
            seen |= 1u << (f->t.trial[i].name[1] - '0');
        train(f, LW_SEARCH_RANDOM, AS_OF);
        names(f, b);
        assert_string_equal(a, b);
        train(f, LW_SEARCH_RANDOM, AS_OF - LW_HOUR);
        names(f, b);
        differ += strcmp(a, b) != 0;
    }
    assert_int_equal(seen, 0xff); /* 36 draws of 8 cover all of them */
    assert_true(differ > 6);      /* another time, another draw */
    f->spec->retrain.search.budget = 20;
    train(f, LW_SEARCH_RANDOM, AS_OF);
    assert_int_equal(f->t.ntrials, MANY);
    assert_string_equal(f->t.trial[f->t.chosen].name, "c5");
}

/* A fit that had used a target of the hold-out would not have the whole shift as its
 * error. */
static void no_round_uses_the_hold_out(void **state) {
    struct fixture *f = *state;
    const double n = 1, shift = 5;
    double before[LW_TRIALS_MAX];
    for (int kind = LW_SEARCH_GRID; kind <= LW_SEARCH_RANDOM; kind++) {
        f->spec->retrain.search.budget = 4;
        make_rows(f, 0);
        train(f, (enum lw_search_kind)kind, AS_OF);
        struct lw_losses was = f->t.reference->losses;
        size_t tried = f->t.ntrials;
        for (size_t i = 0; i < tried; i++)
            before[i] = f->t.trial[i].error;
        make_rows(f, shift);
        train(f, (enum lw_search_kind)kind, AS_OF);
        const struct lw_losses *is = &f->t.reference->losses;
        assert_true(is->n == was.n && before[0] > n);
        double sum = was.loss + (shift - 2 * was.errors.e.mean) * shift * (double)was.n;
        if (strcmp(f->t.trial[f->t.chosen].name, "c5") == 0)
            assert_true(fabs(is->loss - sum) < 1e-6 * (double)was.n);
        for (size_t i = 0; i < f->t.ntrials; i++)
            assert_true(f->t.trial[i].rows <= f->before);
    }
}

static double ticking(void) {
    static double t;
    return t += 1;
}

static void seconds_come_from_the_given_clock(void **state) {
    struct fixture *f = *state;
    train(f, LW_SEARCH_GRID, AS_OF);
    assert_true(f->t.trial[0].seconds == 0);
    f->spec->seconds = ticking;
    train(f, LW_SEARCH_GRID, AS_OF);
    for (size_t i = 0; i < MANY; i++)
        assert_true(f->t.trial[i].seconds == 1);
}

/* A value that cannot be squared, in one row before the hold-out or in it. */
static void poison(struct fixture *f, int64_t at) {
    struct core_event e;
    core_event_set(f->spec, &e, at, 1, 1e200, 10);
    lw_dataset_add(f->ds, &e.row);
    lw_dataset_sort(f->ds);
}

/* Candidate 0 overflows; the last one does not use x. */
static void errors_that_are_not_finite_lose(void **state) {
    struct fixture *f = *state;
    f->spec->retrain.search.budget = MANY;
    f->spec->candidate[MANY - 1].nterms = 1; /* only zone */
    poison(f, HOLD - LW_HOUR);
    for (int kind = LW_SEARCH_GRID; kind <= LW_SEARCH_RANDOM; kind++) {
        train(f, (enum lw_search_kind)kind, AS_OF);
        assert_string_equal(f->t.trial[f->t.chosen].name, "c7");
        assert_true(isfinite(f->t.trial[f->t.chosen].error));
        assert_true(f->t.gate.passed && isfinite(f->t.gate.challenger_error));
        assert_non_null(strstr(f->t.gate.reason, "; failed: c"));
        size_t failed = 0;
        for (size_t i = 0; i < f->t.ntrials; i++)
            failed += isnan(f->t.trial[i].error) && strstr(f->t.trial[i].note, "\"x\"");
        assert_int_equal(failed, MANY - 1);
    }
}

static void when_all_fail_all_reasons_are_given(void **state) {
    struct fixture *f = *state;
    struct lw_err err = {0};
    f->spec->ncandidates = 3;
    f->spec->candidate[1].window_ms = 1;
    poison(f, HOLD - LW_HOUR);
    f->spec->retrain.search.kind = LW_SEARCH_GRID;
    f->t.as_of_ms = AS_OF;
    assert_int_equal(lw_train(f->spec, f->ds, NULL, NULL, &f->t, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "c0: the values of \"x\""));
    assert_non_null(strstr(err.msg, "c1: 0 usable rows"));
    assert_non_null(strstr(err.msg, "c2: the values"));
}

/* Values that only the hold-out has appear in the second fit: the next best candidate is
 * taken. */
static void a_candidate_that_fails_in_the_refit_is_replaced(void **state) {
    struct fixture *f = *state;
    f->spec->candidate[3].nterms = 1;
    for (size_t i = 0; i < MANY; i++) {
        f->spec->candidate[i].clip_lo = 0;
        f->spec->candidate[i].clip_hi = 40;
    }
    poison(f, HOLD + LW_HOUR);
    train(f, LW_SEARCH_GRID, AS_OF);
    assert_string_equal(f->t.trial[f->t.chosen].name, "c3");
    assert_non_null(f->t.model);
    assert_true(isnan(f->t.trial[5].error) && strstr(f->t.trial[5].note, "\"x\""));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(halving_finds_the_winner_of_the_grid_with_fewer_rows),
        TEST(each_round_has_the_better_half_on_more_rows),
        TEST(halving_of_one_and_of_failures),
        TEST(a_costly_candidate_is_tried_but_not_chosen),
        TEST(random_search_draws_by_its_seed),
        TEST(no_round_uses_the_hold_out),
        TEST(seconds_come_from_the_given_clock),
        cmocka_unit_test_setup_teardown(errors_that_are_not_finite_lose, setup, teardown),
        cmocka_unit_test_setup_teardown(when_all_fail_all_reasons_are_given, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_candidate_that_fails_in_the_refit_is_replaced,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
