/* The feature language: the meaning of expressions, and the errors of invalid ones. */
#include "model_test.h"

static struct lw_fields fields;

static double number(const char *text, const struct sample *s) {
    struct lw_err err = {0};
    struct lw_cell cells[LW_ATOMS_MAX];
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    int at = lw_plan_atom(plan, text, &err);
    if (at < 0)
        fail_msg("%s", err.msg);
    lw_plan_eval(plan, &s->row, cells);
    double v = lw_plan_atom_kind(plan, (size_t)at) == LW_NUMERIC ? cells[at].num
               : cells[at].present                               ? (double)cells[at].key
                                                                 : -1;
    lw_plan_free(plan);
    return v;
}

static void expressions_of_numbers_evaluate(void **state) {
    (void)state;
    struct sample s;
    lw_sample(&s, 0, 3, 4, 9, -2, 0);
    assert_near(number("x", &s), 9, 0);
    assert_near(number("sqrt(x)", &s), 3, 0);
    assert_near(number("sqrt(z)", &s), 0, 0);
    assert_near(number("log1p(x)", &s), log(10), 1e-15);
    assert_near(number("square(z)", &s), 4, 0);
    assert_near(number("abs(z)", &s), 2, 0);
    assert_near(number("clip(x, 0, 5)", &s), 5, 0);
    assert_near(number("clip(z, -1.5, 5)", &s), -1.5, 0);
    assert_near(number("hinge(x, 7.5)", &s), 1.5, 0);
    assert_near(number("hinge(z, 7.5)", &s), 0, 0);
    assert_near(number("zero(x)", &s), 0, 0);
    assert_near(number("zero(clip(z, 0, 5))", &s), 1, 0);
    assert_near(number("missing(x)", &s), 0, 0);
    assert_near(number("missing(s)", &s), 1, 0);
    assert_near(number("same(a, b)", &s), 0, 0);
    assert_near(number("same(a, a)", &s), 1, 0);
    assert_near(number("sqrt(abs(clip(square(z), 0, 3.61)))", &s), 1.9, 1e-15);
}

static void infinite_numbers_count_as_missing(void **state) {
    (void)state;
    struct sample s;
    lw_sample(&s, 0, 3, 4, NAN, INFINITY, 0);
    assert_true(isnan(number("x", &s)));
    assert_true(isnan(number("sqrt(x)", &s)));
    assert_true(isnan(number("zero(x)", &s))); /* missing differs from zero */
    assert_near(number("missing(sqrt(x))", &s), 1, 0);
    assert_true(isnan(number("clip(z, 0, 5)", &s)));
    assert_near(number("missing(z)", &s), 1, 0);
    assert_near(number("bins(x, 1, 2)", &s), -1, 0);
    s.cell[T] = lw_cell_missing();
    assert_near(number("hour(t)", &s), -1, 0);
    s.cell[A] = s.cell[B] = lw_cell_missing();
    assert_near(number("same(a, b)", &s), 0, 0);
}

static void calendar_functions_evaluate(void **state) {
    (void)state;
    struct sample s;
    int64_t ms; /* a Sunday */
    assert_true(lw_parse_time("2024-03-10T23:30:00Z", &ms));
    lw_sample(&s, ms, 0, 0, 0, 0, 0);
    assert_near(number("hour(t)", &s), 23, 0);
    assert_near(number("weekday(t)", &s), 6, 0);
    assert_near(number("weekend(t)", &s), 1, 0);
    assert_near(number("month(t)", &s), 3, 0);
    assert_near(number("hour_of_week(t)", &s), 6 * 24 + 23, 0);
    lw_sample(&s, -1, 0, 0, 0, 0, 0); /* the last millisecond of 1969, a Wednesday */
    assert_near(number("hour(t)", &s), 23, 0);
    assert_near(number("weekday(t)", &s), 2, 0);
    assert_near(number("month(t)", &s), 12, 0);
}

static void minutes_between_two_times_evaluate(void **state) {
    (void)state;
    struct lw_fields two = {0};
    struct lw_err err = {0};
    lw_fields_add(&two, "from", LW_TIMESTAMP, true, NULL);
    lw_fields_add(&two, "to", LW_TIMESTAMP, true, NULL);
    struct lw_plan *plan = lw_plan_new(&two, NULL);
    assert_int_equal(lw_plan_atom(plan, "minutes(from, to)", &err), 0);
    struct lw_cell cells[2] = {lw_cell_int(60000), lw_cell_int(30000)}, out[1];
    struct lw_row row = {.cells = cells};
    lw_plan_eval(plan, &row, out);
    assert_near(out[0].num, -0.5, 0);
    lw_plan_free(plan);
}

static void calendar_functions_use_the_zone(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_zone *zone = lw_zone_new("America/New_York", &err);
    if (!zone)
        skip();
    struct lw_plan *plan = lw_plan_new(&fields, zone);
    struct lw_cell out[2];
    struct sample s;
    int64_t ms;
    assert_int_equal(lw_plan_atom(plan, "hour(t)", &err), 0);
    assert_int_equal(lw_plan_atom(plan, "weekday(t)", &err), 1);
    lw_parse_time("2024-03-10T06:59:00Z", &ms); /* 01:59 EST, a Sunday */
    lw_sample(&s, ms, 0, 0, 0, 0, 0);
    lw_plan_eval(plan, &s.row, out);
    assert_int_equal(out[0].key, 1);
    lw_sample(&s, ms + LW_MINUTE, 0, 0, 0, 0, 0); /* 03:00 EDT */
    lw_plan_eval(plan, &s.row, out);
    assert_int_equal(out[0].key, 3);
    lw_sample(&s, ms - 2 * LW_HOUR, 0, 0, 0, 0, 0); /* 23:59 on Saturday */
    lw_plan_eval(plan, &s.row, out);
    assert_int_equal(out[1].key, 5);
    lw_plan_free(plan);
    lw_zone_free(zone);
}

static void bins_include_their_lower_edge(void **state) {
    (void)state;
    struct sample s;
    static const double x[] = {-5, 0, 0.5, 1, 9.99, 10, 1e9};
    static const int want[] = {0, 1, 1, 2, 2, 3, 3};
    for (size_t i = 0; i < 7; i++) {
        lw_sample(&s, 0, 0, 0, x[i], 0, 0);
        assert_near(number("bins(x, 0, 1, 10)", &s), want[i], 0);
    }
}

static void equal_texts_are_one_atom(void **state) {
    (void)state;
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    struct lw_err err = {0};
    int a = lw_plan_atom(plan, "clip( x ,0, 50.0)", &err);
    assert_int_equal(lw_plan_atom(plan, "clip(x, 0, 5e1)", &err), a);
    assert_string_equal(lw_plan_atom_text(plan, (size_t)a), "clip(x, 0, 50)");
    int t = lw_plan_term(plan, "sqrt(x)*a * hour(t)", 2, 5, &err);
    const struct lw_term *term = lw_plan_term_at(plan, (size_t)t);
    assert_string_equal(term->text, "a * hour(t) * sqrt(x)");
    assert_int_equal(term->ncat, 2);
    assert_int_equal(term->nnum, 1);
    assert_int_equal(lw_plan_term(plan, "a*hour(t)*sqrt(x)", 2, 5, &err), t);
    assert_int_not_equal(lw_plan_term(plan, "a*hour(t)*sqrt(x)", 3, 5, &err), t);
    assert_int_equal(lw_plan_atoms(plan), 4);
    lw_plan_free(plan);
}

/* Learned atoms evaluate to their raw input, and the atoms they read come before them.
 */
static void learned_atoms_evaluate_to_their_input(void **state) {
    (void)state;
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    struct lw_err err = {0};
    struct lw_cell out[LW_ATOMS_MAX];
    struct sample s;
    int at = lw_plan_atom(plan, "qbins(sqrt(impute(x, a, b)), 4)", &err);
    if (at < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(lw_plan_atom_kind(plan, (size_t)at), LW_CATEGORY);
    assert_int_equal(lw_plan_atoms(plan), 6); /* x, a, b, impute, sqrt, qbins */
    lw_sample(&s, 0, 1, 2, 16, 0, 0);
    lw_plan_eval(plan, &s.row, out);
    assert_near(out[at].num, 16, 0);
    lw_plan_free(plan);
}

struct wrong {
    const char *text, *says;
};

static void errors_name_position_and_reason(void **state) {
    (void)state;
    static const struct wrong wrong[] = {
        {"", "position 1: a field or function is expected"},
        {"weekdy(t)", "did you mean \"weekday\"?"},
        {"sqrt(xx)", "position 6: there is no field \"xx\""},
        {"sqrt(a)", "position 6: a number is expected here; \"a\" is a category"},
        {"hour(x)", "hour needs a timestamp"},
        {"t", "\"t\" is a timestamp: use hour(t)"},
        {"clip(x, 5, 1)", "lower bound below its upper"},
        {"clip(x, 5)", "',' is expected here, not ')'"},
        {"sqrt(x", "')' is expected, but the text ends"},
        {"x + z", "position 3: '+' is not expected here"},
        {"bins(x)", "at least one edge"},
        {"bins(x, 1, 1)", "must be in ascending order"},
        {"bins(bins(x, 1), 2)", "a number is expected"},
        {"qbins(x, 1)", "whole number of bins"},
        {"qbins(x, 2.5)", "whole number of bins"},
        {"impute(x)", "at least one category"},
        {"impute(x, z)", "a category is expected here"},
        {"same(a, x)", "same compares"},
        {"hinge(x, nan)", "a number is expected here"},
        {"abs(abs(abs(abs(abs(abs(abs(abs(abs(x)))))))))", "nest more than"},
        {"((((", "a field or function is expected"},
    };
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lw_err err = {0};
        if (lw_plan_atom(plan, wrong[i].text, &err) >= 0)
            fail_msg("\"%s\" was accepted", wrong[i].text);
        assert_int_equal(err.code, LW_ECONFIG);
        if (!strstr(err.msg, wrong[i].says))
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", wrong[i].text, err.msg,
                     wrong[i].says);
    }
    lw_plan_free(plan);
}

static void wrong_terms_are_refused(void **state) {
    (void)state;
    struct lw_plan *plan = lw_plan_new(&fields, NULL);
    struct lw_err err = {0};
    assert_int_equal(lw_plan_term(plan, "a *", 1, 0, &err), -1);
    assert_non_null(strstr(err.msg, "position 4"));
    lw_err_clear(&err);
    assert_int_equal(lw_plan_term(plan, "a", -1, 0, &err), -1);
    lw_err_clear(&err);
    assert_int_equal(lw_plan_term(plan, "a", NAN, 0, &err), -1);
    lw_err_clear(&err);
    assert_int_equal(lw_plan_term(plan, "a*b*s*x*z*x*z", 1, 0, &err), -1);
    assert_non_null(strstr(err.msg, "factors"));
    lw_err_clear(&err);
    char edges[4096] = "bins(x";
    for (int i = 0; i < 300; i++)
        snprintf(edges + strlen(edges), 16, ", %d", i);
    assert_int_equal(lw_plan_term(plan, edges, 1, 0, &err), -1);
    assert_non_null(strstr(err.msg, "too long"));
    lw_plan_free(plan);
}

/* The compiler survives any text: the canonical text of an accepted expression compiles
 * to the same atom. */
static void any_text_compiles_or_is_refused(void **state) {
    (void)state;
    static const char *const pieces[] = {
        "x",      "a",    "t", "(",    ")",     ",", "*",    "sqrt",    "bins",
        "impute", "hour", "1", "-2.5", "qbins", " ", "same", "missing", "\xFF"};
    struct lw_rng rng;
    lw_rng_seed(&rng, 7);
    for (int i = 0; i < 20000; i++) {
        char text[128] = "";
        struct lw_plan *plan = lw_plan_new(&fields, NULL);
        for (uint64_t n = lw_rng_below(&rng, 9); n < 9; n++)
            strcat(text, pieces[lw_rng_below(&rng, 18)]);
        int at = lw_plan_term(plan, text, 1, 0, NULL);
        if (at >= 0) {
            char canonical[LW_NAME_MAX * 2];
            lw_copy(canonical, sizeof canonical, lw_plan_term_at(plan, (size_t)at)->text);
            assert_int_equal(lw_plan_term(plan, canonical, 1, 0, NULL), at);
        }
        lw_plan_free(plan);
    }
}

static int setup(void **state) {
    (void)state;
    lw_test_fields(&fields);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_of_numbers_evaluate),
        cmocka_unit_test(infinite_numbers_count_as_missing),
        cmocka_unit_test(calendar_functions_evaluate),
        cmocka_unit_test(minutes_between_two_times_evaluate),
        cmocka_unit_test(calendar_functions_use_the_zone),
        cmocka_unit_test(bins_include_their_lower_edge),
        cmocka_unit_test(equal_texts_are_one_atom),
        cmocka_unit_test(learned_atoms_evaluate_to_their_input),
        cmocka_unit_test(errors_name_position_and_reason),
        cmocka_unit_test(wrong_terms_are_refused),
        cmocka_unit_test(any_text_compiles_or_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
