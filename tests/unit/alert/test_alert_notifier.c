/* Order, rate and completion of deliveries. */
#include "alert/alert_json.h"
#include "alert/notifier.h"
#include "alert/post.h"
#include "alert_test.h"
#include "base/rng.h"
#include "base/time.h"

static void backoff_is_within_its_bounds(void **state) {
    (void)state;
    for (uint64_t attempts = 0; attempts < 100; attempts++) {
        int64_t cap = attempts < 11 ? (2 * LW_SECOND) << attempts : LW_HOUR;
        cap = cap > LW_HOUR ? LW_HOUR : cap;
        int64_t lowest = INT64_MAX, highest = 0;
        for (uint64_t seed = 0; seed < 2000; seed++) {
            int64_t ms = lw_notifier_backoff_ms(attempts, seed);
            assert_int_equal(ms, lw_notifier_backoff_ms(attempts, seed));
            assert_true(ms >= LW_SECOND && ms <= cap);
            lowest = ms < lowest ? ms : lowest;
            highest = ms > highest ? ms : highest;
        }
        /* Full jitter: the whole range is used. */
        assert_true(lowest < LW_SECOND + (cap - LW_SECOND) / 50 + 1);
        assert_true(highest > cap - (cap - LW_SECOND) / 50 - 1);
    }
    assert_true(lw_notifier_backoff_ms(UINT64_MAX, 1) <= LW_HOUR);
}

static void outbox_ids_name_alert_and_receiver(void **state) {
    (void)state;
    char id[LW_ALERT_ID_MAX];
    size_t len = 0;
    struct lw_receiver r[2] = {receiver("oncall", LW_FORMAT_JSON),
                               receiver("call", LW_FORMAT_JSON)};
    lw_notifier_outbox_id(id, sizeof id, "00000000000000ab-critical", "call");
    assert_string_equal(id, "00000000000000ab-critical@call");
    assert_string_equal(lw_notifier_outbox_receiver(id, &len), "call");
    assert_int_equal(len, 25);
    assert_int_equal(lw_notifier_find_receiver(r, 2, id), 1);
    assert_int_equal(lw_notifier_find_receiver(r, 1, id), -1);
    assert_int_equal(lw_notifier_find_receiver(r, 2, "00000000000000ab-critical"), -1);
    assert_int_equal(lw_notifier_find_receiver(r, 2, "00000000000000ab-critical@"), -1);
    assert_null(lw_notifier_outbox_receiver("", &len));
}

/* The longest alert id with the longest receiver name fits the store's field. */
static void the_longest_id_fits(void **state) {
    (void)state;
    struct lw_alert a = {
        .incident = UINT64_MAX, .firing = true, .severity = LW_SEVERITY_CRITICAL};
    char alert[LW_ALERT_ID_MAX], out[LW_ALERT_ID_MAX], name[LW_RECEIVER_NAME_MAX];
    memset(name, 'r', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    lw_alert_json_id(alert, sizeof alert, &a, 9999);
    lw_notifier_outbox_id(out, sizeof out, alert, name);
    assert_int_equal(strlen(out), strlen(alert) + 1 + strlen(name));
}

static void messages_about_an_alert_stay_in_order(void **state) {
    (void)state;
    const struct lw_notifier_entry w[] = {
        {"000000000000000a-critical@slow", 1, 1000}, /* waits for its next attempt */
        {"000000000000000a-critical@fast", 1, 0},
        {"000000000000000a-resolved@slow", 1, 0}, /* behind the first */
        {"000000000000000b-warning@slow", 2, 0},  /* another alert: not delayed */
        {"000000000000000a-resolved@fast", 1, 0}, /* behind the second */
        {"000000000000000b-resolved@slow", 2, 0}};
    size_t out[8];
    assert_int_equal(lw_notifier_due(w, 6, 10, out, 8), 2);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 3);
    assert_int_equal(lw_notifier_due(w, 6, 1000, out, 8), 2);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[1], 1);
    assert_int_equal(lw_notifier_due(w, 6, 1000, out, 1), 1);
    assert_int_equal(lw_notifier_due(w + 4, 2, 0, out, 8), 2);
    assert_int_equal(lw_notifier_due(w, 0, 0, out, 8), 0);
    /* The next incident of an alert waits for the resolution of the one before. */
    const struct lw_notifier_entry next[] = {{"0a-resolved@x", 1, 1000},
                                             {"0b-critical@x", 1, 0}};
    assert_int_equal(lw_notifier_due(next, 2, 0, out, 8), 0);
    assert_int_equal(lw_notifier_due(next, 2, 1000, out, 8), 1);
    assert_int_equal(out[0], 0);
}

/* With any failures, each receiver gets the messages about each alert in order, and all
 * are delivered in the end. */
static void any_failures_keep_the_order(void **state) {
    (void)state;
    enum { ENTRIES = 40, RECEIVERS = 3, ALERTS = 4 };
    const uint64_t seed = 9;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 300; round++) {
        struct lw_notifier_entry w[ENTRIES];
        char id[ENTRIES][64];
        int order[ENTRIES], last[RECEIVERS][ALERTS] = {{0}};
        size_t n = ENTRIES, out[RECEIVERS];
        for (size_t i = 0; i < n; i++) {
            snprintf(id[i], sizeof id[i], "%02x-%s@r%d", (unsigned)lw_rng_below(&rng, 9),
                     lw_rng_below(&rng, 2) ? "resolved" : "critical",
                     (int)lw_rng_below(&rng, RECEIVERS));
            w[i] = (struct lw_notifier_entry){id[i], lw_rng_below(&rng, ALERTS), 0};
            order[i] = (int)i + 1;
        }
        for (int64_t now = 0; n > 0; now++) {
            assert_true(now < 10000);
            size_t due = lw_notifier_due(w, n, now, out, RECEIVERS);
            for (size_t k = due; k-- > 0;) { /* backwards: indices stay valid */
                size_t i = out[k];
                if (lw_rng_below(&rng, 3)) {
                    w[i].not_before_ms = now + (int64_t)lw_rng_below(&rng, 20);
                    continue;
                }
                int *seen = &last[w[i].id[strlen(w[i].id) - 1] - '0'][w[i].alert];
                assert_true(order[i] > *seen);
                *seen = order[i];
                memmove(&w[i], &w[i + 1], (n - i - 1) * sizeof *w);
                memmove(&order[i], &order[i + 1], (n - i - 1) * sizeof *order);
                n--;
            }
        }
    }
}

/* One receiver never answers and another does: rounds continue, the order is kept, and
 * each message is sent once. */
static void rounds_empty_the_outbox(void **state) {
    (void)state;
    struct lw_notifier_entry w[] = {{"0a-critical@x", 1, 0}, {"0a-critical@y", 1, 0},
                                    {"0a-resolved@x", 1, 0}, {"0a-resolved@y", 1, 0},
                                    {"0b-warning@y", 2, 0},  {"0b-resolved@y", 2, 0}};
    const char *sent[6];
    size_t n = 6, nsent = 0;
    for (int round = 0; round < 10; round++) {
        size_t out[6];
        size_t due = lw_notifier_due(w, n, 0, out, 6);
        for (size_t k = due; k-- > 0;) { /* backwards: indices stay valid */
            if (strstr(w[out[k]].id, "@x") != NULL) {
                w[out[k]].not_before_ms = 1;
                continue;
            }
            sent[nsent++] = w[out[k]].id;
            memmove(&w[out[k]], &w[out[k] + 1], (n - out[k] - 1) * sizeof *w);
            n--;
        }
    }
    assert_int_equal(nsent, 4);
    assert_int_equal(n, 2);
    assert_string_equal(sent[0], "0a-critical@y");
    assert_string_equal(sent[1], "0a-resolved@y");
    assert_string_equal(sent[2], "0b-warning@y");
    assert_string_equal(sent[3], "0b-resolved@y");
}

static void verdicts_determine_the_next_step(void **state) {
    (void)state;
    struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
    const char *id = "000000000000000a-critical@oncall";
    const struct {
        enum lw_post_verdict verdict;
        int status;
        enum lw_notifier_action next;
    } c[] = {{LW_POST_DELIVERED, 202, LW_NOTIFIER_DONE},
             {LW_POST_RETRY, 0, LW_NOTIFIER_RETRY},
             {LW_POST_RETRY, 503, LW_NOTIFIER_RETRY},
             {LW_POST_REFUSED, 400, LW_NOTIFIER_PARK},
             {LW_POST_REFUSED, 413, LW_NOTIFIER_PARK},
             {LW_POST_REFUSED, 410, LW_NOTIFIER_PARK},
             {LW_POST_REFUSED, 0, LW_NOTIFIER_PARK},
             {LW_POST_REFUSED, 401, LW_NOTIFIER_RETRY},
             {LW_POST_REFUSED, 404, LW_NOTIFIER_RETRY},
             {LW_POST_REFUSED, 302, LW_NOTIFIER_RETRY}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_post_result res = {.verdict = c[i].verdict, .status = c[i].status};
        struct lw_notifier_step s = lw_notifier_next(&r, id, &res, 1, 0, 1000);
        assert_int_equal(s.what, c[i].next);
        if (s.what == LW_NOTIFIER_RETRY)
            assert_true(s.not_before_ms > 1000 && s.not_before_ms <= 1000 + LW_HOUR);
        if (s.what == LW_NOTIFIER_RETRY && c[i].verdict == LW_POST_REFUSED)
            assert_int_equal(s.not_before_ms, 1000 + LW_HOUR);
        s = lw_notifier_next(&r, id, &res, 1, 0, r.give_up_ms);
        assert_int_equal(s.what, c[i].verdict == LW_POST_DELIVERED ? LW_NOTIFIER_DONE
                                                                   : LW_NOTIFIER_PARK);
    }
}

static void retry_after_is_honoured(void **state) {
    (void)state;
    struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
    struct lw_post_result res = {
        .verdict = LW_POST_RETRY, .status = 429, .retry_after_ms = 30 * LW_MINUTE};
    struct lw_notifier_step s = lw_notifier_next(&r, "a-b@oncall", &res, 0, 0, 0);
    assert_int_equal(s.not_before_ms, 30 * LW_MINUTE);
    res.retry_after_ms = 1;
    s = lw_notifier_next(&r, "a-b@oncall", &res, 3, 0, 0);
    assert_true(s.not_before_ms >= LW_SECOND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backoff_is_within_its_bounds),
        cmocka_unit_test(outbox_ids_name_alert_and_receiver),
        cmocka_unit_test(the_longest_id_fits),
        cmocka_unit_test(messages_about_an_alert_stay_in_order),
        cmocka_unit_test(any_failures_keep_the_order),
        cmocka_unit_test(rounds_empty_the_outbox),
        cmocka_unit_test(verdicts_determine_the_next_step),
        cmocka_unit_test(retry_after_is_honoured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
