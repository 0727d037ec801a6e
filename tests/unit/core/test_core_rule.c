/* A rule's state machine, reading by reading. */
#include "support/core_fixture.h"

#include "core/rule.h"

struct fixture {
    struct lw_rule rule;
    struct lw_rule_state state;
    int64_t at;
};

static struct fixture fixture(double warn, double critical) {
    return (struct fixture){.rule = {.metric = lw_metric_find("rmse"),
                                     .warn = warn,
                                     .critical = critical,
                                     .clear_below = 4,
                                     .for_count = 3,
                                     .clear_count = 2,
                                     .min_n = 50}};
}

static enum lw_transition step(struct fixture *f, double value) {
    struct lw_reading r = {.value = value, .n = 50, .known = true, .significant = true};
    return lw_rule_step(&f->rule, &f->state, &r, f->at += LW_HOUR);
}

static void fires_after_for_count_in_a_row(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    assert_int_equal(step(&f, 5), LW_STAYS);
    assert_int_equal(f.state.state, LW_ALERT_PENDING);
    assert_int_equal(step(&f, 5), LW_STAYS);
    assert_int_equal(step(&f, 4.9), LW_STAYS); /* the sequence is interrupted */
    assert_int_equal(f.state.state, LW_ALERT_OK);
    assert_int_equal(step(&f, 5), LW_STAYS);
    assert_int_equal(step(&f, 6), LW_STAYS);
    assert_int_equal(step(&f, 5), LW_FIRES);
    assert_int_equal(f.state.severity, LW_SEVERITY_WARN);
    assert_int_equal(f.state.since_ms, 4 * LW_HOUR); /* the first of the sequence */
    assert_int_equal(step(&f, 7), LW_STAYS);         /* reported only once */
}

static void clears_below_the_lower_threshold_only(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    for (int i = 0; i < 3; i++)
        step(&f, 6);
    assert_int_equal(step(&f, 4), LW_STAYS); /* below warn, but not below clear_below */
    assert_int_equal(step(&f, 4), LW_STAYS);
    assert_int_equal(step(&f, 4.5), LW_STAYS);
    assert_int_equal(step(&f, 4.5), LW_STAYS);
    assert_int_equal(f.state.state, LW_ALERT_FIRING);
    assert_int_equal(step(&f, 3.9), LW_STAYS);
    assert_int_equal(step(&f, 4.5), LW_STAYS); /* not two in a row */
    assert_int_equal(step(&f, 3.9), LW_STAYS);
    assert_int_equal(step(&f, 3.9), LW_RESOLVES);
    assert_int_equal(f.state.state, LW_ALERT_OK);
    assert_int_equal(step(&f, 3.9), LW_STAYS);
}

/* A firing rule whose value is still above the threshold continues to fire, even if the
 * value is no longer significant. */
static void insignificant_values_neither_fire_nor_resolve(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    struct lw_reading doubt = {.value = 6, .n = 50, .known = true, .likely = true};
    struct lw_reading chance = {.value = 6, .n = 50, .known = true};
    for (int i = 0; i < 9; i++)
        assert_int_equal(lw_rule_step(&f.rule, &f.state, &doubt, f.at++), LW_STAYS);
    assert_int_equal(f.state.state, LW_ALERT_OK);
    for (int i = 0; i < 3; i++)
        step(&f, 6);
    assert_int_equal(f.state.state, LW_ALERT_FIRING);
    for (int i = 0; i < 9; i++)
        assert_int_equal(lw_rule_step(&f.rule, &f.state, &doubt, f.at++), LW_STAYS);
    assert_int_equal(f.state.state, LW_ALERT_FIRING);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &chance, f.at++), LW_STAYS);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &doubt, f.at++), LW_STAYS);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &chance, f.at++), LW_STAYS);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &chance, f.at++), LW_RESOLVES);
}

static void severity_rises_after_for_count_critical_values(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    assert_int_equal(step(&f, 6), LW_STAYS);
    assert_int_equal(step(&f, 9), LW_STAYS);
    assert_int_equal(step(&f, 9), LW_FIRES);
    assert_int_equal(f.state.severity, LW_SEVERITY_WARN);
    assert_int_equal(step(&f, 9), LW_WORSENS);
    assert_int_equal(f.state.severity, LW_SEVERITY_CRITICAL);
    assert_int_equal(step(&f, 9), LW_STAYS);
    assert_int_equal(step(&f, 6), LW_STAYS); /* it does not become less severe */
    assert_int_equal(f.state.severity, LW_SEVERITY_CRITICAL);
    struct lw_rule_bounds bounds = lw_rule_bounds(&f.rule, &f.state);
    assert_true(lw_rule_threshold(&bounds, LW_SEVERITY_CRITICAL) == 8);
    assert_true(lw_rule_threshold(&bounds, LW_SEVERITY_WARN) == 5);
}

/* An incident lasts from its start to its end, whatever dips there are; its id contains
 * the start. */
static void a_dip_does_not_start_a_new_incident(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    for (int i = 0; i < 3; i++)
        step(&f, 6);
    assert_int_equal(f.state.state, LW_ALERT_FIRING);
    int64_t since = f.state.since_ms;
    assert_int_equal(step(&f, 4.5), LW_STAYS); /* below the threshold, but not clear */
    assert_int_equal(f.state.over, 0);
    assert_int_equal(step(&f, 3.9), LW_STAYS); /* clear only once */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(step(&f, 6), LW_STAYS);
        assert_int_equal(f.state.state, LW_ALERT_FIRING);
        assert_int_equal(f.state.since_ms, since);
    }
    assert_int_equal(step(&f, 3), LW_STAYS);
    assert_int_equal(step(&f, 3), LW_RESOLVES);
    assert_int_equal(f.state.since_ms, since); /* the same incident ends */
    for (int i = 0; i < 2; i++)
        assert_int_equal(step(&f, 6), LW_STAYS);
    assert_int_equal(step(&f, 6), LW_FIRES);
    assert_true(f.state.since_ms > since); /* a new incident */
}

/* A release by a person stays in force until the incident has ended. */
static void a_released_rule_stays_quiet_until_the_incident_ends(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    struct lw_reading unknown = {.value = 0, .n = 500, .known = false};
    f.state.released = true;
    f.state.released_ms = 77;
    for (int i = 0; i < 9; i++)
        assert_int_equal(step(&f, 9), LW_STAYS);
    assert_int_equal(f.state.over, 0);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &unknown, f.at), LW_STAYS);
    assert_true(f.state.released); /* an unknown value does not end it */
    assert_int_equal(step(&f, 4.5), LW_STAYS);
    assert_false(f.state.released);
    for (int i = 0; i < 2; i++)
        assert_int_equal(step(&f, 9), LW_STAYS);
    assert_int_equal(step(&f, 9), LW_FIRES);
    assert_int_equal(f.state.released_ms, 77); /* kept: no span begins before it */
    assert_int_equal(step(&f, 3), LW_STAYS);
    assert_int_equal(step(&f, 3), LW_RESOLVES);
    assert_int_equal(f.state.released_ms, 77);
}

static void too_few_rows_change_nothing(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    struct lw_reading few = {.value = 0, .n = 49, .known = true, .significant = true};
    struct lw_reading unknown = {.value = 0, .n = 500, .known = false};
    step(&f, 6);
    step(&f, 6);
    struct lw_rule_state before = f.state;
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &few, 9 * LW_HOUR), LW_STAYS);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &unknown, 9 * LW_HOUR), LW_STAYS);
    assert_memory_equal(&before, &f.state, sizeof before);
    assert_int_equal(step(&f, 6), LW_FIRES);
}

static void values_within_chance_do_not_fire(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    struct lw_reading chance = {.value = 9, .n = 500, .known = true};
    step(&f, 9);
    step(&f, 9);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &chance, 0), LW_STAYS);
    assert_int_equal(f.state.over, 0);
    for (int i = 0; i < 3; i++)
        step(&f, 9);
    assert_int_equal(f.state.state, LW_ALERT_FIRING);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &chance, 0), LW_STAYS);
    assert_int_equal(lw_rule_step(&f.rule, &f.state, &chance, 0), LW_RESOLVES);
}

static void an_unset_level_never_fires(void **state) {
    (void)state;
    struct fixture warn = fixture(5, NAN), critical = fixture(NAN, 8);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(step(&warn, 1e9), LW_STAYS);
        assert_int_equal(step(&critical, 9), LW_STAYS);
    }
    assert_int_equal(step(&warn, 1e9), LW_FIRES);
    assert_int_equal(warn.state.severity, LW_SEVERITY_WARN);
    assert_int_equal(step(&warn, 1e9), LW_STAYS);
    assert_int_equal(step(&critical, 9), LW_FIRES);
    assert_int_equal(critical.state.severity, LW_SEVERITY_CRITICAL);
    struct fixture none = fixture(NAN, 8);
    for (int i = 0; i < 9; i++)
        assert_int_equal(step(&none, 7.9), LW_STAYS);
    assert_int_equal(none.state.state, LW_ALERT_OK);
}

static void few_events_fire_below_the_threshold(void **state) {
    (void)state;
    struct fixture f = fixture(NAN, 100);
    f.rule.metric = lw_metric_find("events");
    f.rule.clear_below = 200; /* clears above it */
    for (int i = 0; i < 5; i++)
        assert_int_equal(step(&f, 101), LW_STAYS);
    assert_int_equal(step(&f, 100), LW_STAYS);
    assert_int_equal(step(&f, 0), LW_STAYS);
    assert_int_equal(step(&f, 50), LW_FIRES);
    assert_int_equal(step(&f, 150), LW_STAYS);
    assert_int_equal(step(&f, 150), LW_STAYS);
    assert_int_equal(step(&f, 200), LW_STAYS); /* equal is not more */
    assert_int_equal(step(&f, 200), LW_STAYS);
    assert_int_equal(step(&f, 201), LW_STAYS);
    assert_int_equal(step(&f, 201), LW_RESOLVES);
}

static void a_state_survives_its_bytes(void **state) {
    (void)state;
    struct fixture f = fixture(5, 8);
    struct lw_buf out = {0};
    step(&f, 9);
    step(&f, 9);
    lw_rule_state_write(&f.state, &out);
    struct lw_rule_state back = {0};
    struct lw_reader r = lw_reader_of(out.data, out.len);
    lw_rule_state_read(&back, &r);
    assert_false(r.bad);
    assert_int_equal(lw_reader_left(&r), 0);
    f.state = back;
    assert_int_equal(step(&f, 9), LW_FIRES);
    assert_int_equal(f.state.severity, LW_SEVERITY_CRITICAL);
    assert_int_equal(f.state.since_ms, LW_HOUR);
    for (size_t i = 0; i < 2; i++) {
        uint8_t kept = out.data[i];
        out.data[i] = 3; /* no such state or severity */
        r = lw_reader_of(out.data, out.len);
        lw_rule_state_read(&back, &r);
        assert_true(r.bad);
        assert_int_equal(back.state, LW_ALERT_OK);
        out.data[i] = kept;
    }
    r = lw_reader_of(out.data, out.len - 1);
    lw_rule_state_read(&back, &r);
    assert_true(r.bad);
    lw_buf_fini(&out);
}

static void a_firing_state_survives_its_bytes(void **state) {
    (void)state;
    struct lw_rule_state fired = {.state = LW_ALERT_FIRING,
                                  .severity = LW_SEVERITY_CRITICAL,
                                  .over = 4,
                                  .critical = 3,
                                  .under = 2,
                                  .since_ms = -5,
                                  .released = true,
                                  .released_ms = 99,
                                  .fault = 3,
                                  .unit = 1.609344},
                         back = {0};
    struct lw_buf one = {0}, two = {0};
    lw_rule_state_write(&fired, &one);
    struct lw_reader r = lw_reader_of(one.data, one.len);
    lw_rule_state_read(&back, &r);
    assert_false(r.bad);
    assert_int_equal(lw_reader_left(&r), 0);
    assert_int_equal(back.state, LW_ALERT_FIRING);
    assert_int_equal(back.severity, LW_SEVERITY_CRITICAL);
    assert_true(back.released && back.released_ms == 99 && back.since_ms == -5);
    lw_rule_state_write(&back, &two);
    one.data[one.len - 94] = LW_FAULT_STUCK + 1; /* no such fault */
    r = lw_reader_of(one.data, one.len);
    lw_rule_state_read(&back, &r);
    assert_true(r.bad);
    one.data[one.len - 94] = fired.fault;
    core_assert_same(&one, &two);
    lw_buf_fini(&one);
    lw_buf_fini(&two);
}

static void each_feature_has_its_own_state(void **state) {
    (void)state;
    struct lw_spec *spec = core_spec_new();
    assert_int_equal(lw_rule_subjects(spec, core_rule(spec, "a", "psi", LW_RULE_EACH, 1)),
                     2);
    assert_int_equal(
        lw_rule_subjects(spec, core_rule(spec, "b", "psi", LW_RULE_TARGET, 1)), 1);
    core_spec_free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_after_for_count_in_a_row),
        cmocka_unit_test(clears_below_the_lower_threshold_only),
        cmocka_unit_test(insignificant_values_neither_fire_nor_resolve),
        cmocka_unit_test(severity_rises_after_for_count_critical_values),
        cmocka_unit_test(a_dip_does_not_start_a_new_incident),
        cmocka_unit_test(a_released_rule_stays_quiet_until_the_incident_ends),
        cmocka_unit_test(too_few_rows_change_nothing),
        cmocka_unit_test(values_within_chance_do_not_fire),
        cmocka_unit_test(an_unset_level_never_fires),
        cmocka_unit_test(few_events_fire_below_the_threshold),
        cmocka_unit_test(a_state_survives_its_bytes),
        cmocka_unit_test(a_firing_state_survives_its_bytes),
        cmocka_unit_test(each_feature_has_its_own_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
