/* What is usual is learned as SciPy says, rules on a budget keep it whatever they read, and
 * they still find what is not usual. */
#include "support/core_fixture.h"

#include "core/rule.h"
#include "core/usual.h"
#include "data/core/golden_usual.h"

static const struct lw_usual_terms ratio_terms = {
    .scale = {1, 0.1}, .least = {1.1, 1.2}, .period_ms = LW_DAY, .rate = {0.03, 0.01}};

static void assert_close(double got, double expected, double tolerance) {
    if (!(fabs(got - expected) <= tolerance * fabs(expected)))
        fail_msg("%.17g, expected %.17g", got, expected);
}

static void observe(struct lw_usual *u, const struct lw_usual_terms *terms, double value,
                    int64_t at_ms) {
    lw_usual_observe(
        u, terms,
        &(struct lw_usual_reading){.value = value, .bound = 1e9, .at_ms = at_ms});
}

/* One reading in the middle of each day; the last day is completed by another. */
static struct lw_usual learned(const struct lw_usual_terms *terms, const double *value,
                               size_t n) {
    struct lw_usual u = lw_usual_empty();
    for (size_t i = 0; i <= n; i++)
        observe(&u, terms, i < n ? value[i] : 1, (int64_t)i * LW_DAY + LW_DAY / 2);
    return u;
}

static void the_tail_is_that_of_scipy(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof golden_usual / sizeof *golden_usual; i++) {
        const struct golden_usual *g = &golden_usual[i];
        struct lw_usual_terms terms = {
            .scale = {g->neutral, g->effect}, .period_ms = LW_DAY, .rate = {g->rate, 0}};
        struct lw_usual u = learned(&terms, g->value, g->n);
        assert_close(lw_usual_threshold(&u, &terms, LW_USUAL_WARN).quantile, g->threshold,
                     1e-6);
        assert_close(lw_usual_periods(&u, &terms, g->at), g->periods, 1e-6);
        assert_true(isinf(lw_usual_threshold(&u, &terms, LW_USUAL_CRITICAL).quantile));
    }
}

static void assert_same_usual(const struct lw_usual *a, const struct lw_usual *b) {
    struct lw_buf one = {0}, two = {0};
    lw_usual_write(a, &one);
    lw_usual_write(b, &two);
    core_assert_same(&one, &two);
    lw_buf_fini(&one);
    lw_buf_fini(&two);
}

static void the_largest_reading_of_a_period_counts(void **state) {
    (void)state;
    static const double daily[] = {1.1, 1.3, 0.9};
    struct lw_usual once = learned(&ratio_terms, daily, 3), often = lw_usual_empty();
    for (size_t day = 0; day < 4; day++)
        for (int64_t hour = 0; hour < 24; hour++) {
            double value = day == 3 ? 1 : hour == 7 ? daily[day] : 0.8;
            observe(&often, &ratio_terms, value, (int64_t)day * LW_DAY + hour * LW_HOUR);
        }
    assert_same_usual(&once, &often);
}

static void a_clock_that_goes_back_starts_the_period_again(void **state) {
    (void)state;
    struct lw_usual u = learned(&ratio_terms, (const double[]){1, 1.2, 1.1}, 3);
    double before = u.all.weight;
    observe(&u, &ratio_terms, 1.5, LW_DAY);
    assert_true(u.all.weight == before && u.period == 1);
    observe(&u, &ratio_terms, 1, 2 * LW_DAY);
    assert_true(u.all.weight > before);
}

static void bytes_are_the_same_after_reading(void **state) {
    (void)state;
    struct lw_usual u = learned(&ratio_terms, (const double[]){1, 1.2, 1.1}, 3), again;
    struct lw_buf bytes = {0};
    lw_usual_incident(&u, LW_USUAL_CRITICAL, 1);
    lw_usual_write(&u, &bytes);
    struct lw_reader r = lw_reader_of(bytes.data, bytes.len);
    lw_usual_read(&again, &r);
    assert_false(r.bad);
    assert_same_usual(&u, &again);
    memset(bytes.data, 0xff, sizeof(double)); /* a weight that is not a number */
    r = lw_reader_of(bytes.data, bytes.len);
    lw_usual_read(&again, &r);
    assert_true(r.bad);
    lw_buf_fini(&bytes);
}

/* ---- a rule on a budget, day by day ---- */

struct days {
    struct lw_rule rule;
    struct lw_rule_state state;
    int64_t day;
    unsigned incidents, criticals, asked;
};

static struct days days_new(double rate) {
    return (struct days){.rule = {.metric = lw_metric_find("rmse_ratio"),
                                  .warn = NAN,
                                  .critical = NAN,
                                  .clear_below = NAN,
                                  .for_count = 1,
                                  .clear_count = 1,
                                  .rate = {rate, rate / 3},
                                  .period_ms = LW_DAY,
                                  .actions = LW_ACTION_RETRAIN},
                         .state = {.usual = lw_usual_empty()}};
}

static enum lw_transition days_read(struct days *d, double value) {
    struct lw_reading r = {.value = value, .n = 1000, .known = true, .significant = true};
    enum lw_transition change = lw_rule_step(&d->rule, &d->state, &r, ++d->day * LW_DAY);
    d->incidents += change == LW_FIRES;
    d->criticals += change == LW_WORSENS ||
                    (change == LW_FIRES && d->state.severity == LW_SEVERITY_CRITICAL);
    d->asked += lw_rule_asks(&d->rule, &d->state);
    return change;
}

typedef double day_maker(struct lw_rng *rng, int day);

static double steady(struct lw_rng *rng, int day) {
    (void)day;
    return exp(0.05 * lw_rng_normal(rng));
}

static double stormy(struct lw_rng *rng, int day) {
    (void)day;
    return exp(0.1 * lw_rng_normal(rng) + (lw_rng_unit(rng) < 0.2 ? 0.4 : 0));
}

static double heavy(struct lw_rng *rng, int day) {
    double square = 0;
    (void)day;
    for (int i = 0; i < 3; i++) {
        double z = lw_rng_normal(rng);
        square += z * z / 3;
    }
    return exp(0.1 * lw_rng_normal(rng) / sqrt(square)); /* Student's, 3 degrees */
}

static double weekend(struct lw_rng *rng, int day) {
    return (day % 7 > 4 ? 1.35 : 1) * exp(0.04 * lw_rng_normal(rng));
}

static double rising(struct lw_rng *rng, int day) {
    return exp(0.003 * day + 0.05 * lw_rng_normal(rng));
}

static double alternating(struct lw_rng *rng, int day) {
    (void)rng;
    return day % 2 ? 3 : 1;
}

static double quiet_then_wild(struct lw_rng *rng, int day) {
    return exp((day < 200 ? 0.01 : 0.3) * lw_rng_normal(rng));
}

/* Readings that were chosen to break it: each is just above the threshold. */
static void an_adversary_gets_no_more_than_the_budget_and_a_constant(void **state) {
    (void)state;
    struct days d = days_new(1 / 30.0);
    for (int day = 0; day < 1000; day++) {
        struct lw_rule_bounds b = lw_rule_bounds(&d.rule, &d.state);
        bool firing = d.state.state == LW_ALERT_FIRING;
        days_read(&d, firing ? 0.9 : b.warn < 4 ? b.warn * 1.001 : 1);
    }
    assert_in_range(d.incidents, 10, 1000 / 30 + 12);
}

static void no_stream_sends_more_than_the_budget_and_a_constant(void **state) {
    (void)state;
    static day_maker *const makers[] = {steady, stormy,      heavy,          weekend,
                                        rising, alternating, quiet_then_wild};
    for (size_t k = 0; k < sizeof makers / sizeof *makers; k++)
        for (uint64_t seed = 1; seed <= 20; seed++) {
            struct lw_rng rng;
            struct days d = days_new(1 / 30.0);
            lw_rng_seed(&rng, seed);
            for (int day = 0; day < 730; day++)
                days_read(&d, makers[k](&rng, day));
            if (d.incidents > 730 / 30 + 6 || d.criticals > 730 / 90 + 6)
                fail_msg("stream %zu, seed %d: %u incidents, %u critical", k, (int)seed,
                         d.incidents, d.criticals);
        }
}

/* Of readings that are what the model of them says, the share that fires is the rate. */
static void false_alarms_come_at_the_rate(void **state) {
    (void)state;
    unsigned incidents = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct lw_rng rng;
        struct days d = days_new(1 / 30.0);
        lw_rng_seed(&rng, seed);
        for (int day = 0; day < 365; day++)
            days_read(&d, exp(0.15 * lw_rng_normal(&rng)));
        incidents += d.incidents;
    }
    assert_in_range(incidents, 40 * 365 / 30 / 3, 40 * 365 / 30 * 1.3);
}

static void an_unusual_day_fires_at_once_also_after_storms(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct lw_rng rng;
        struct days calm = days_new(1 / 30.0), storms = days_new(1 / 30.0);
        lw_rng_seed(&rng, seed);
        for (int day = 0; day < 60; day++) {
            days_read(&calm, steady(&rng, day));
            days_read(&storms, stormy(&rng, day));
        }
        if (calm.state.state != LW_ALERT_FIRING)
            assert_int_equal(days_read(&calm, 1.5), LW_FIRES);
        days_read(&storms, 1);
        days_read(&storms, 1);
        assert_int_equal(days_read(&storms, 4), LW_FIRES);
    }
}

/* An incident keeps the thresholds that it began with, and what lasts does not become
 * usual by lasting. */
static void an_incident_lasts_until_the_reading_is_usual_again(void **state) {
    (void)state;
    struct days d = days_new(1 / 30.0);
    for (int day = 0; day < 40; day++)
        days_read(&d, 1 + 0.02 * (day % 3 - 1));
    assert_int_equal(days_read(&d, 1.6), LW_FIRES);
    double begun = lw_rule_bounds(&d.rule, &d.state).warn;
    for (int day = 0; day < 200; day++)
        assert_int_equal(days_read(&d, 1.6), LW_STAYS);
    assert_int_equal(d.state.state, LW_ALERT_FIRING);
    assert_true(lw_rule_bounds(&d.rule, &d.state).warn == begun);
    assert_int_equal(days_read(&d, 1), LW_RESOLVES);
    assert_true(lw_rule_bounds(&d.rule, &d.state).warn > begun); /* one of the budget */
}

/* Whether a training is needed does not depend on how many messages there were. */
static void a_training_is_asked_for_although_the_budget_is_spent(void **state) {
    (void)state;
    struct days d = days_new(1 / 30.0);
    for (int day = 0; day < 40; day++)
        days_read(&d, 1 + 0.02 * (day % 3 - 1));
    double usual = lw_rule_bounds(&d.rule, &d.state).warn;
    for (int i = 0; i < 6; i++)
        lw_usual_incident(&d.state.usual, LW_USUAL_WARN, 1);
    assert_true(lw_rule_bounds(&d.rule, &d.state).warn > usual * 1.05);
    assert_int_equal(days_read(&d, usual * 1.01), LW_STAYS);
    assert_int_equal(d.asked, 1);
    assert_int_equal(d.state.state, LW_ALERT_OK);
}

/* Days of drift that a new version repairs do not make drift usual. */
static void what_a_promotion_repaired_is_forgotten(void **state) {
    (void)state;
    struct days d = days_new(1 / 30.0);
    for (int day = 0; day < 40; day++)
        days_read(&d, 1 + 0.02 * (day % 3 - 1));
    double usual = lw_rule_bounds(&d.rule, &d.state).warn;
    d.state.usual.raised[0] = d.state.usual.raised[1] = 100; /* so that none fires */
    for (int day = 0; day < 5; day++)
        days_read(&d, 1.5);
    assert_int_equal(d.asked, 5);
    d.state.usual.raised[0] = d.state.usual.raised[1] = 0;
    assert_true(lw_rule_bounds(&d.rule, &d.state).warn > 1.1 * usual);
    lw_rule_end(&d.rule, &d.state, true);
    assert_true(fabs(lw_rule_bounds(&d.rule, &d.state).warn / usual - 1) < 0.02);
    days_read(&d, 1);
    days_read(&d, 1);
    assert_true(fabs(lw_rule_bounds(&d.rule, &d.state).warn / usual - 1) < 0.02);
}

/* A rule's own thresholds are the least that counts, however rare less would be. */
static void less_than_the_rules_own_threshold_never_fires(void **state) {
    (void)state;
    struct days d = days_new(1 / 30.0);
    d.rule.warn = 1.5;
    d.rule.critical = 2;
    for (int day = 0; day < 60; day++)
        days_read(&d, 1 + 0.001 * (day % 3));
    assert_int_equal(days_read(&d, 1.49), LW_STAYS);
    assert_int_equal(days_read(&d, 1.6), LW_FIRES);
    assert_int_equal(d.state.severity, LW_SEVERITY_WARN);
    assert_int_equal(days_read(&d, 2.2), LW_WORSENS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_is_that_of_scipy),
        cmocka_unit_test(the_largest_reading_of_a_period_counts),
        cmocka_unit_test(a_clock_that_goes_back_starts_the_period_again),
        cmocka_unit_test(bytes_are_the_same_after_reading),
        cmocka_unit_test(an_adversary_gets_no_more_than_the_budget_and_a_constant),
        cmocka_unit_test(no_stream_sends_more_than_the_budget_and_a_constant),
        cmocka_unit_test(false_alarms_come_at_the_rate),
        cmocka_unit_test(an_unusual_day_fires_at_once_also_after_storms),
        cmocka_unit_test(an_incident_lasts_until_the_reading_is_usual_again),
        cmocka_unit_test(a_training_is_asked_for_although_the_budget_is_spent),
        cmocka_unit_test(what_a_promotion_repaired_is_forgotten),
        cmocka_unit_test(less_than_the_rules_own_threshold_never_fires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
