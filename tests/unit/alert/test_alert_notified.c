/* The next notification of a receiver follows from the last one and from the alert's
 * present status: with any sequence of silences, causes and restarts, each state of an
 * incident is sent once. */
#include "alert/alert_json.h"
#include "alert/message.h"
#include "alert/notified.h"
#include "alert_test.h"

#include "base/rng.h"
#include "base/time.h"

#define NOW INT64_C(1700000000000)

static struct lw_alert_status standing(uint64_t incident, bool firing,
                                       enum lw_severity severity) {
    struct lw_alert_status s = {
        .incident = incident, .firing = firing, .severity = severity};
    lw_copy(s.rule, sizeof s.rule, "drift");
    return s;
}

/* Sends what is due and records it, as the leader does. */
static enum lw_notify step(const struct lw_receiver *r, const struct lw_alert_status *s,
                           struct lw_notified *notified, int64_t now_ms) {
    struct lw_notified_step say = lw_notified_next(r, s, notified, now_ms);
    *notified = say.notified;
    return say.what;
}

static void an_incident_is_opened_raised_and_closed_once(void **state) {
    (void)state;
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    struct lw_notified notified = {0};
    struct lw_alert_status s = standing(1, true, LW_SEVERITY_WARN);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
    s.severity = LW_SEVERITY_CRITICAL;
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
    s.firing = false;
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    assert_int_equal(step(&r, &s, &notified, NOW + LW_DAY), LW_NOTIFY_NOTHING);
}

static void repetitions_are_numbered_by_the_clock(void **state) {
    (void)state;
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    struct lw_notified notified = {0};
    struct lw_alert_status s = standing(1, true, LW_SEVERITY_WARN);
    step(&r, &s, &notified, NOW);
    assert_int_equal(step(&r, &s, &notified, NOW + r.repeat_ms - 1), LW_NOTIFY_NOTHING);
    assert_int_equal(step(&r, &s, &notified, NOW + r.repeat_ms), LW_NOTIFY_REPEAT);
    assert_int_equal(notified.repeat, 1);
    assert_int_equal(step(&r, &s, &notified, NOW + r.repeat_ms), LW_NOTIFY_NOTHING);
    assert_int_equal(step(&r, &s, &notified, NOW + 5 * r.repeat_ms), LW_NOTIFY_REPEAT);
    assert_int_equal(notified.repeat, 2); /* missed repetitions are not sent later */
    s.severity = LW_SEVERITY_CRITICAL;
    assert_int_equal(step(&r, &s, &notified, NOW + 5 * r.repeat_ms), LW_NOTIFY_CHANGE);
    assert_int_equal(notified.repeat, 0); /* the first message of this severity */
    r.repeat_ms = 0;
    assert_int_equal(step(&r, &s, &notified, NOW + 365 * LW_DAY), LW_NOTIFY_NOTHING);
}

static void a_silence_delays_notifications_without_losing_any(void **state) {
    (void)state;
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    struct lw_notified notified = {0};
    struct lw_alert_status s = standing(1, true, LW_SEVERITY_WARN);
    lw_copy(s.silenced_by, sizeof s.silenced_by, "1");
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
    s.silenced_by[0] = '\0'; /* the silence is over, and the alert still fires */
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    lw_copy(s.silenced_by, sizeof s.silenced_by, "2");
    assert_int_equal(step(&r, &s, &notified, NOW + LW_DAY),
                     LW_NOTIFY_NOTHING); /* no repeats */
    s.firing = false;
    assert_int_equal(step(&r, &s, &notified, NOW + LW_DAY), LW_NOTIFY_NOTHING);
    s.silenced_by[0] = '\0'; /* the resolution is sent late */
    assert_int_equal(step(&r, &s, &notified, NOW + LW_DAY), LW_NOTIFY_CHANGE);

    /* an alert within the silence is not sent */
    s = standing(2, false, LW_SEVERITY_WARN);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
}

static void a_delayed_resolution_precedes_the_next_incident(void **state) {
    (void)state;
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    struct lw_notified notified = {1, LW_SEVERITY_WARN, NOW, 0};
    struct lw_alert_status s = standing(2, true, LW_SEVERITY_WARN);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CLOSED);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    assert_int_equal(notified.incident, 2);
}

static void a_cause_suppresses_alerts_but_not_resolutions(void **state) {
    (void)state;
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    struct lw_notified notified = {0};
    struct lw_alert_status s = standing(1, true, LW_SEVERITY_WARN);
    lw_copy(s.inhibited_by, sizeof s.inhibited_by, "fault of x");
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
    s.inhibited_by[0] = '\0';
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    lw_copy(s.inhibited_by, sizeof s.inhibited_by, "fault of x");
    s.severity = LW_SEVERITY_CRITICAL;
    assert_int_equal(step(&r, &s, &notified, NOW + LW_DAY), LW_NOTIFY_NOTHING);
    s.firing = false;
    assert_int_equal(step(&r, &s, &notified, NOW + LW_DAY), LW_NOTIFY_CHANGE);
}

static void a_receiver_gets_only_what_it_asked_for(void **state) {
    (void)state;
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    struct lw_notified notified = {0};
    struct lw_alert_status s = standing(1, true, LW_SEVERITY_WARN);
    r.least = LW_SEVERITY_CRITICAL;
    r.resolved = false;
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
    s.firing = false; /* no resolution without a beginning */
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_NOTHING);
    s = standing(2, true, LW_SEVERITY_CRITICAL);
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_CHANGE);
    s.firing = false;
    assert_int_equal(step(&r, &s, &notified, NOW), LW_NOTIFY_FORGET);
    assert_int_equal(notified.incident, 0);
}

/* For any sequence of states, silences and causes: no change of an incident is sent
 * twice, every resolution follows a beginning, and the incidents open at the end are
 * those that fire. */
static void any_sequence_sends_each_state_once(void **state) {
    (void)state;
    struct lw_rng rng;
    uint64_t seed = 20260814;
    printf("seed %llu\n", (unsigned long long)seed);
    lw_rng_seed(&rng, seed);
    struct lw_receiver r = receiver("hook", LW_FORMAT_JSON);
    for (int walk = 0; walk < 500; walk++) {
        struct lw_alert_status s = standing(1, true, LW_SEVERITY_WARN);
        struct lw_notified notified = {0};
        uint64_t open = 0, begun = 0, ended = 0;
        for (int i = 0; i < 60; i++) {
            uint64_t dice = lw_rng_next(&rng) % 6;
            if (dice == 0 && s.firing)
                s.firing = false;
            else if (dice == 1 && !s.firing)
                s = standing(s.incident + 1, true, LW_SEVERITY_WARN);
            else if (dice == 2 && s.firing)
                s.severity = LW_SEVERITY_CRITICAL;
            else if (dice == 3)
                s.silenced_by[0] = s.silenced_by[0] ? '\0' : 'x';
            else if (dice == 4)
                s.inhibited_by[0] = s.inhibited_by[0] ? '\0' : 'x';
            if (i == 59)
                s.silenced_by[0] = s.inhibited_by[0] = '\0';
            for (enum lw_notify what;
                 (what = step(&r, &s, &notified, NOW)) != LW_NOTIFY_NOTHING;) {
                bool ends = what == LW_NOTIFY_CLOSED || !s.firing;
                uint64_t incident = what == LW_NOTIFY_CLOSED ? open : s.incident;
                if (ends) {
                    assert_int_equal(incident, open);
                    assert_true(incident > ended);
                    ended = incident;
                    open = 0;
                } else {
                    assert_true(open == 0 || open == incident);
                    assert_true(incident > begun || open == incident);
                    begun = open = incident;
                }
            }
        }
        assert_int_equal(open, s.firing ? s.incident : 0);
    }
}

static void the_last_notification_reads_back(void **state) {
    (void)state;
    struct lw_notified notified = {UINT64_MAX, LW_SEVERITY_CRITICAL, NOW, 4000000000u},
                       back;
    char text[LW_NOTIFIED_MAX];
    assert_true(lw_notified_parse(lw_notified_print(text, &notified), &back));
    assert_true(notified.incident == back.incident &&
                notified.severity == back.severity && notified.sent_ms == back.sent_ms &&
                notified.repeat == back.repeat);
    const char *bad[] = {"",
                         "x",
                         "0000000000000000 critical 1 0",
                         "00000000000000ff none 1 0",
                         "00000000000000ff critical 1 0 more",
                         "00000000000000ff critical 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(lw_notified_parse(bad[i], &back));
}

static void a_repetition_has_its_number(void **state) {
    (void)state;
    size_t len;
    char *text = data_file("message_firing.json", &len);
    struct lw_buf again = {0}, closed = {0};
    struct lw_message m;
    struct lw_err err = {0};
    struct lw_restated how = {.notified = {0xabc, LW_SEVERITY_CRITICAL, 0, 3},
                              .now_ms = NOW};
    assert_int_equal(lw_alert_json_restate(text, len, &how, &again, &err), 0);
    assert_int_equal(lw__message_read(&m, (const char *)again.data, again.len, NOW, &err),
                     0);
    assert_string_equal(m.id, "0000000000000abc-critical.3");
    assert_int_equal(m.repeat, 3);
    assert_int_equal(m.raised_ms, NOW);
    assert_true(m.firing);
    assert_non_null(m.top_drifted);
    lw__message_fini(&m);
    how.closed = true;
    how.summary = "Over.";
    assert_int_equal(lw_alert_json_restate(text, len, &how, &closed, &err), 0);
    assert_int_equal(
        lw__message_read(&m, (const char *)closed.data, closed.len, NOW, &err), 0);
    assert_string_equal(m.id, "0000000000000abc-resolved");
    assert_string_equal(m.incident, "0000000000000abc");
    assert_string_equal(m.summary, "Over.");
    assert_false(m.firing);
    lw__message_fini(&m);
    assert_int_equal(lw_alert_json_restate("{}", 2, &how, &closed, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    lw_buf_fini(&again);
    lw_buf_fini(&closed);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_incident_is_opened_raised_and_closed_once),
        cmocka_unit_test(repetitions_are_numbered_by_the_clock),
        cmocka_unit_test(a_silence_delays_notifications_without_losing_any),
        cmocka_unit_test(a_delayed_resolution_precedes_the_next_incident),
        cmocka_unit_test(a_cause_suppresses_alerts_but_not_resolutions),
        cmocka_unit_test(a_receiver_gets_only_what_it_asked_for),
        cmocka_unit_test(any_sequence_sends_each_state_once),
        cmocka_unit_test(the_last_notification_reads_back),
        cmocka_unit_test(a_repetition_has_its_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
