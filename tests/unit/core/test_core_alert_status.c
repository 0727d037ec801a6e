/* Which alerts are notified: a silence covers the alerts that it matches, for its
 * duration, and a fault of the feed suppresses its consequences and nothing else. */
#include "support/core_fixture.h"

#include "core/alert_status.h"

#define NOW 1000000

static struct lw_alert_status standing(const char *rule, const char *feature,
                                       enum lw_severity severity) {
    struct lw_alert_status s = {.firing = true, .severity = severity};
    lw_copy(s.rule, sizeof s.rule, rule);
    lw_copy(s.feature, sizeof s.feature, feature);
    return s;
}

static void a_silence_covers_the_alerts_that_it_matches(void **state) {
    (void)state;
    const struct {
        const char *rule, *feature;
        enum lw_severity severity;
        int64_t from, until;
        bool covers;
    } c[] = {{"", "", 0, 0, NOW + 1, true},
             {"", "", 0, 0, NOW, false}, /* the end is exclusive */
             {"", "", 0, NOW + 1, NOW + 2, false},
             {"drift", "", 0, 0, NOW + 1, true},
             {"dri*", "x", LW_SEVERITY_WARN, 0, NOW + 1, true},
             {"dri", "", 0, 0, NOW + 1, false},
             {"drift", "zone", 0, 0, NOW + 1, false},
             {"", "", LW_SEVERITY_CRITICAL, 0, NOW + 1, false}};
    struct lw_alert_status alert = standing("drift", "x", LW_SEVERITY_WARN);
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct lw_silence s = {
            .severity = c[i].severity, .from_ms = c[i].from, .until_ms = c[i].until};
        lw_copy(s.rule, sizeof s.rule, c[i].rule);
        lw_copy(s.feature, sizeof s.feature, c[i].feature);
        if (lw_silence_covers(&s, &alert, NOW) != c[i].covers)
            fail_msg("case %zu", i);
    }
}

struct world {
    struct lw_spec *spec;
    struct lw_alert_status alert[6];
};

/* Drift of x and of zone, of the predictions, the error, few events; and the cause. */
static void world(struct world *w, const char *cause, const char *feature,
                  enum lw_severity severity) {
    w->spec = core_spec_new();
    core_rule(w->spec, "drift", "psi", LW_RULE_EACH, 0.2);
    core_rule(w->spec, "error", "rmse", LW_RULE_MODEL, 2);
    core_rule(w->spec, "few", "events", LW_RULE_MODEL, 5);
    core_rule(w->spec, "fault", "fault", LW_RULE_EACH, 1)->actions = LW_ACTION_INHIBIT;
    core_rule(w->spec, "quiet", "silence", LW_RULE_MODEL, 5)->actions = LW_ACTION_INHIBIT;
    w->alert[0] = standing("drift", "x", LW_SEVERITY_WARN);
    w->alert[1] = standing("drift", "zone", LW_SEVERITY_WARN);
    w->alert[2] = standing("drift", "prediction", LW_SEVERITY_CRITICAL);
    w->alert[3] = standing("error", "", LW_SEVERITY_CRITICAL);
    w->alert[4] = standing("few", "", LW_SEVERITY_CRITICAL);
    w->alert[5] = standing(cause, feature, severity);
    lw_alert_status_judge(w->spec, w->alert, 6, NULL, 0, NOW);
}

static void assert_explained(const struct world *w, const char *which, const char *by) {
    for (size_t i = 0; i < 6; i++)
        if (strcmp(w->alert[i].inhibited_by, which[i] == '1' ? by : "") != 0)
            fail_msg("alert %zu: \"%s\"", i, w->alert[i].inhibited_by);
    core_spec_free(w->spec);
}

static void a_broken_feature_suppresses_its_own_and_the_models_alerts(void **state) {
    (void)state;
    struct world w;
    world(&w, "fault", "x", LW_SEVERITY_CRITICAL);
    assert_explained(&w, "101100", "fault of x");
}

static void a_broken_feed_suppresses_all_but_feed_alerts(void **state) {
    (void)state;
    struct world w;
    world(&w, "quiet", "", LW_SEVERITY_CRITICAL);
    assert_explained(&w, "111100", "quiet");
}

static void only_a_critical_cause_with_the_action_suppresses(void **state) {
    (void)state;
    struct world w;
    world(&w, "quiet", "", LW_SEVERITY_WARN);
    assert_explained(&w, "000000", "");
    world(&w, "few", "", LW_SEVERITY_CRITICAL); /* does not have this action */
    assert_explained(&w, "000000", "");
    world(&w, "rollback", "", LW_SEVERITY_CRITICAL); /* not a rule */
    assert_explained(&w, "000000", "");
    world(&w, "fault", "x", LW_SEVERITY_CRITICAL);
    w.alert[5].firing = false;
    lw_alert_status_judge(w.spec, w.alert, 6, NULL, 0, NOW);
    assert_explained(&w, "000000", "");
}

static void the_most_severe_alerts_are_listed_first(void **state) {
    (void)state;
    struct lw_alert_status a[4] = {standing("old", "", LW_SEVERITY_CRITICAL),
                                   standing("warns", "", LW_SEVERITY_WARN),
                                   standing("pages", "", LW_SEVERITY_CRITICAL),
                                   standing("new", "", LW_SEVERITY_WARN)};
    a[0].firing = a[3].firing = false;
    a[0].at_ms = 1;
    a[3].at_ms = 2;
    lw_alert_status_sort(a, 4);
    assert_string_equal(a[0].rule, "pages");
    assert_string_equal(a[1].rule, "warns");
    assert_string_equal(a[2].rule, "new");
    assert_string_equal(a[3].rule, "old");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silence_covers_the_alerts_that_it_matches),
        cmocka_unit_test(a_broken_feature_suppresses_its_own_and_the_models_alerts),
        cmocka_unit_test(a_broken_feed_suppresses_all_but_feed_alerts),
        cmocka_unit_test(only_a_critical_cause_with_the_action_suppresses),
        cmocka_unit_test(the_most_severe_alerts_are_listed_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
