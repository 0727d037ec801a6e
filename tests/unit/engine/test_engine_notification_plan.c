/* Each receiver gets the notifications that it asked for, once, and a resolution only
 * after the alert. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "engine/notification_plan.h"

#define NOW       INT64_C(1700000000000)
#define MESSAGE   "{\"status\":\"firing\"}"
#define RECEIVERS 2

struct scene {
    struct lw_config *config;
    struct lw_notification_plan *plan;
    struct lw_alert alert;
    struct lw_buf json;
};

/* Two receivers: all alerts, and critical ones only. */
static int set_up(void **state) {
    struct scene *s = lw_calloc(1, sizeof *s);
    s->config = lw_calloc(1, sizeof *s->config);
    s->config->nreceivers = RECEIVERS;
    for (size_t i = 0; i < RECEIVERS; i++)
        s->config->receiver[i] = lw_receiver_defaults();
    lw_copy(s->config->receiver[0].name, sizeof s->config->receiver[0].name, "all");
    lw_copy(s->config->receiver[1].name, sizeof s->config->receiver[1].name, "critical");
    s->config->receiver[1].least = LW_SEVERITY_CRITICAL;
    s->plan = lw_notification_plan_new(s->config);
    s->alert = (struct lw_alert){.fingerprint = 7,
                                 .incident = 70,
                                 .firing = true,
                                 .severity = LW_SEVERITY_WARN,
                                 .name = "rmse",
                                 .since_ms = NOW,
                                 .at_ms = NOW};
    lw_buf_put(&s->json, MESSAGE, strlen(MESSAGE));
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    struct scene *s = *state;
    lw_notification_plan_free(s->plan);
    lw_buf_fini(&s->json);
    free(s->config);
    free(s);
    return 0;
}

static size_t planned(struct scene *s, int64_t now_ms) {
    return lw_notification_plan_changes(s->plan, &s->alert, 1, &s->json, now_ms)
        ->noutgoing;
}

static void a_receiver_gets_only_alerts_severe_enough(void **state) {
    struct scene *s = *state;
    assert_int_equal(planned(s, NOW), 1);
    s->alert.severity = LW_SEVERITY_CRITICAL;
    s->alert.incident = 71;
    s->alert.fingerprint = 8;
    assert_int_equal(planned(s, NOW), 2);
}

static void a_change_is_sent_once(void **state) {
    struct scene *s = *state;
    assert_int_equal(planned(s, NOW), 1);
    assert_int_equal(planned(s, NOW + 1000), 0);
}

static void a_resolution_goes_to_those_who_got_the_alert(void **state) {
    struct scene *s = *state;
    planned(s, NOW);
    s->alert.firing = false;
    s->alert.at_ms = NOW + 1000;
    assert_int_equal(planned(s, NOW + 1000), 1);
    assert_int_equal(planned(s, NOW + 2000), 0);
}

static void an_alert_that_no_receiver_got_needs_no_resolution(void **state) {
    struct scene *s = *state;
    s->alert.firing = false;
    assert_int_equal(planned(s, NOW), 0);
}

static void an_alert_without_a_message_is_not_sent(void **state) {
    struct scene *s = *state;
    lw_buf_clear(&s->json);
    assert_int_equal(planned(s, NOW), 0);
    assert_non_null(lw_notification_plan_status(s->plan, s->alert.fingerprint));
}

static void nothing_is_due_before_the_repetition(void **state) {
    struct scene *s = *state;
    planned(s, NOW);
    assert_null(lw_notification_plan_round(s->plan, NULL, NOW + 1000));
}

static void the_status_of_an_unknown_alert_is_null(void **state) {
    struct scene *s = *state;
    assert_null(lw_notification_plan_status(s->plan, 1));
    planned(s, NOW);
    assert_true(lw_notification_plan_status(s->plan, 7)->firing);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_receiver_gets_only_alerts_severe_enough),
        CASE(a_change_is_sent_once),
        CASE(a_resolution_goes_to_those_who_got_the_alert),
        CASE(an_alert_that_no_receiver_got_needs_no_resolution),
        CASE(an_alert_without_a_message_is_not_sent),
        CASE(nothing_is_due_before_the_repetition),
        CASE(the_status_of_an_unknown_alert_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
