/* What counts as ill, what as well, and what is not known: laws over random courses of
 * events, and the cases that a person on call would ask about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/health.h"

#define PATIENCE 20000
#define WALL     INT64_C(1796000000000) /* ahead of the monotonic clock by so much */

static struct lw_moment at(int64_t ms) {
    return (struct lw_moment){ms, WALL + ms};
}

static void find(struct lw_health_item *item, int64_t ms, bool known, const char *wrong) {
    const struct lw_health_found f = {known, wrong, PATIENCE};
    lw_health_judge(item, &f, at(ms));
}

static void nothing_is_known_at_first(void **state) {
    (void)state;
    struct lw_health h;
    lw_health_init(&h);
    assert_false(lw_health_ready(&h, 1000));
    for (int c = 0; c < LW_COMPONENTS; c++)
        assert_int_equal(h.item[c].condition, LW_UNKNOWN);
    for (int c = 0; c < LW_COMPONENTS; c++)
        find(&h.item[c], 1000, true, NULL);
    assert_false(lw_health_ready(&h, 1000)); /* nobody has said that all were looked at */
    h.looked_ms = 1000;
    assert_true(lw_health_ready(&h, 1000));
    assert_false(lw_health_ready(&h, 1000 + LW_HEALTH_STALE_MS)); /* nobody looks */
    find(&h.item[LW_COMPONENT_REDIS], 2000, true, "full");
    assert_true(lw_health_ready(&h, 1000)); /* a moment is no trouble */
    find(&h.item[LW_COMPONENT_REDIS], 21000, true, "full");
    assert_false(lw_health_ready(&h, 1000));
}

static void what_was_never_well_is_not_ready(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 0, true, "no leader");
    assert_int_equal(item.condition, LW_UNKNOWN); /* it has just been started */
    assert_string_equal(item.text, "no leader");
    find(&item, PATIENCE - 1, true, "no leader");
    assert_int_equal(item.condition, LW_UNKNOWN);
    find(&item, PATIENCE, true, "no leader");
    assert_int_equal(item.condition, LW_ILL);
    assert_int_equal(item.since_ms, WALL);
}

static void it_tells_since_when(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 1000, true, NULL);
    find(&item, 7000, true, NULL);
    for (int64_t t = 8000; t <= 40000; t += 1000)
        find(&item, t, true, t < 30000 ? "first" : "then");
    assert_int_equal(item.condition, LW_ILL);
    assert_int_equal(item.since_ms, WALL + 7000); /* last found well */
    assert_string_equal(item.text, "then");       /* and why now */
}

static void a_mended_one_must_stay_so(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 0, true, NULL);
    find(&item, PATIENCE, true, "x");
    assert_int_equal(item.condition, LW_ILL);
    find(&item, PATIENCE + 1000, true, NULL);
    find(&item, PATIENCE + 2000, true, "x");
    find(&item, PATIENCE + LW_HEALTH_HOLD_MS + 1000, true, NULL);
    assert_int_equal(item.condition, LW_ILL); /* since the relapse */
    assert_int_equal(item.since_ms, WALL);
    find(&item, PATIENCE + LW_HEALTH_HOLD_MS + 2000, true, NULL);
    assert_int_equal(item.condition, LW_WELL);
    assert_int_equal(item.since_ms, 0);
    assert_string_equal(item.text, "");
}

static void what_cannot_be_looked_at_stays(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 0, true, NULL);
    for (int64_t t = 1000; t < 100000; t += 1000)
        find(&item, t, false, NULL);
    find(&item, 100000, true, "x"); /* patience begins now */
    assert_int_equal(item.condition, LW_WELL);
    find(&item, 119000, true, "x");
    assert_int_equal(item.condition, LW_ILL);
    find(&item, 120000, false, NULL);
    assert_int_equal(item.condition, LW_ILL);
}

/* Whatever happens: never ill before it was wrong for all of its patience, always ill
 * once it was, never well again sooner than the hold. */
static void patience_is_a_law(void **state) {
    uint64_t seed = *(uint64_t *)*state;
    for (uint64_t run = 0; run < 2000; run++) {
        struct lw_rng rng;
        lw_rng_seed(&rng, seed + run);
        struct lw_health_item item = {0};
        int64_t now = 1, good = 1, bad = -1;
        find(&item, now, true, NULL);
        for (int i = 0; i < 200; i++) {
            enum lw_condition was = item.condition;
            bool wrong = lw_rng_below(&rng, 10) < 1 + run % 9;
            now += 1 + (int64_t)lw_rng_below(&rng, 6000);
            find(&item, now, true, wrong ? "x" : NULL);
            if (wrong)
                bad = now;
            bool rests = !wrong && (was != LW_ILL || now - bad >= LW_HEALTH_HOLD_MS);
            if (rests)
                good = now;
            assert_int_equal(item.condition == LW_ILL,
                             !rests && (was == LW_ILL || now - good >= PATIENCE));
            if (item.condition == LW_ILL)
                assert_int_equal(item.since_ms, WALL + good);
        }
    }
}

/* ---- partitions ---- */

static enum lw_flow_verdict see(struct lw_partition_flow *s, int64_t ms, int64_t next,
                                int64_t updated, int64_t end) {
    const struct lw_health_flow_check look = {next, updated, end, -1};
    return lw_health_flow_check(s, &look, PATIENCE, at(ms));
}

static void a_partition_at_rest_flows(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    assert_int_equal(see(&s, 0, 7, 100, 7), LW_FLOW_UNKNOWN); /* a dead owner's word? */
    assert_int_equal(see(&s, 5000, 7, 105, 7), LW_FLOW_OK);
    for (int64_t t = 10; t < 600; t += 5)
        assert_int_equal(see(&s, t * 1000, 7, 100 + t, 7), LW_FLOW_OK);
}

static void a_moving_one_flows_whatever_its_lag(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 1000000);
    for (int64_t t = 1; t < 600; t++)
        assert_int_equal(see(&s, t * 1000, 7 + t, 100 + t, 1000000), LW_FLOW_OK);
}

static void one_with_messages_that_does_not_move_is_found(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 7);
    see(&s, 1000, 7, 101, 7);
    for (int64_t t = 2; t < 21; t++)
        assert_int_equal(see(&s, t * 1000, 7, 100 + t, 8), LW_FLOW_OK);
    assert_int_equal(see(&s, 21000, 7, 121, 8), LW_FLOW_STALLED);
    assert_int_equal(s.good.wall_ms, WALL + 1000);
    assert_int_equal(see(&s, 22000, 8, 122, 8), LW_FLOW_OK);
}

/* All brokers dead: no offset moves, no lag shows, and nobody says where it ends. */
static void an_end_that_nobody_tells_is_no_rest(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 7);
    see(&s, 1000, 7, 101, 7);
    for (int64_t t = 2; t < 21; t++)
        see(&s, t * 1000, 7, 100 + t, -1);
    assert_int_equal(see(&s, 21000, 7, 121, -1), LW_FLOW_STALLED);
}

/* The group gives it to nobody, or its owner is dead: what stands in Redis is old. */
static void one_without_a_live_owner_is_found(void **state) {
    (void)state;
    struct lw_partition_flow s = {0}, never = {0};
    for (int64_t t = 0; t < 20; t++) {
        assert_int_equal(see(&s, t * 1000, 7, 100, 7), LW_FLOW_UNKNOWN);
        assert_int_equal(see(&never, t * 1000, -1, 0, 0), LW_FLOW_UNKNOWN);
    }
    assert_int_equal(see(&s, 20000, 7, 100, 7), LW_FLOW_DESERTED);
    assert_int_equal(see(&never, 20000, -1, 0, 0), LW_FLOW_DESERTED);
    assert_int_equal(see(&s, 21000, 7, 121, 7), LW_FLOW_OK);
}

static void what_nobody_saw_is_forgiven(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 7);
    see(&s, 1000, 7, 101, 7);
    lw_health_flow_forgive(&s, 3600000);
    assert_int_equal(see(&s, 3602000, 7, 101, 9), LW_FLOW_OK);
    assert_int_equal(see(&s, 3621000, 7, 101, 9), LW_FLOW_DESERTED);
}

/* What is behind a transaction that hangs is not the end. */
static void an_open_transaction_is_waited_for_and_then_reported(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    struct lw_health_flow_check look = {.updated_ms = 100, .high_offset = 9};
    for (int64_t t = 0; t < LW_FLOW_TRANSACTION_MS; t += 5000) {
        look.updated_ms++;
        look.next_offset = look.end_offset = t < 600000 ? 6 : 7; /* one was ended */
        enum lw_flow_verdict v = lw_health_flow_check(&s, &look, PATIENCE, at(t));
        assert_true(v == LW_FLOW_OK || (t == 0 && v == LW_FLOW_UNKNOWN));
    }
    for (int64_t t = 0; t < 2; t++) {
        look.updated_ms++;
        assert_int_equal(lw_health_flow_check(&s, &look, PATIENCE,
                                              at(600000 + t + LW_FLOW_TRANSACTION_MS)),
                         LW_FLOW_TRANSACTION_OPEN);
    }
    look.next_offset = look.end_offset = 9;
    look.updated_ms++;
    assert_int_equal(
        lw_health_flow_check(&s, &look, PATIENCE, at(700000 + LW_FLOW_TRANSACTION_MS)),
        LW_FLOW_OK);
}

static void names_go_both_ways(void **state) {
    (void)state;
    for (int c = 0; c < LW_COMPONENTS; c++) {
        assert_int_equal(
            lw_health_component_find(lw_health_component_name((enum lw_component)c)), c);
        assert_int_equal(
            lw_health_component_of_alert(lw_health_component_alert((enum lw_component)c)),
            c);
    }
    assert_int_equal(lw_health_component_find("kafk"), LW_COMPONENTS);
    assert_int_equal(lw_health_component_of_alert("kafka"), LW_COMPONENTS);
}

static void lists_are_short(void **state) {
    (void)state;
    const int32_t p[] = {0, 1, 2, 3, 4, 5, 6};
    char out[80], little[10];
    assert_string_equal(lw_health_list(out, sizeof out, p, 0), "");
    assert_string_equal(lw_health_list(out, sizeof out, p, 1), "0");
    assert_string_equal(lw_health_list(out, sizeof out, p, 2), "0 and 1");
    assert_string_equal(lw_health_list(out, sizeof out, p, 5), "0, 1, 2, 3 and 4");
    assert_string_equal(lw_health_list(out, sizeof out, p, 7), "0, 1, 2, 3 and 3 more");
    assert_int_equal(strlen(lw_health_list(little, sizeof little, p, 7)), 9);
}

int main(void) {
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    uint64_t *state = &seed;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_transaction_is_waited_for_and_then_reported),
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(what_was_never_well_is_not_ready),
        cmocka_unit_test(it_tells_since_when),
        cmocka_unit_test(a_mended_one_must_stay_so),
        cmocka_unit_test(what_cannot_be_looked_at_stays),
        cmocka_unit_test_prestate(patience_is_a_law, &state),
        cmocka_unit_test(a_partition_at_rest_flows),
        cmocka_unit_test(a_moving_one_flows_whatever_its_lag),
        cmocka_unit_test(one_with_messages_that_does_not_move_is_found),
        cmocka_unit_test(an_end_that_nobody_tells_is_no_rest),
        cmocka_unit_test(one_without_a_live_owner_is_found),
        cmocka_unit_test(what_nobody_saw_is_forgiven),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(lists_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
