/* Health: when an item is ill, well, or unknown: laws over random sequences of events,
 * and the cases that a person on call would ask about. */
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
#define WALL     INT64_C(1796000000000) /* the wall clock minus the monotonic clock */

static struct lw_moment at(int64_t ms) {
    return (struct lw_moment){ms, WALL + ms};
}

static void find(struct lw_health_item *item, int64_t ms, bool known, const char *wrong) {
    const struct lw_health_found f = {known, wrong, PATIENCE};
    lw_health_judge(item, &f, at(ms));
}

static void all_items_are_unknown_at_first(void **state) {
    (void)state;
    struct lw_health h;
    lw_health_init(&h);
    assert_false(lw_health_ready(&h, 1000));
    for (int c = 0; c < LW_COMPONENTS; c++)
        assert_int_equal(h.item[c].condition, LW_UNKNOWN);
    for (int c = 0; c < LW_COMPONENTS; c++)
        find(&h.item[c], 1000, true, NULL);
    assert_false(lw_health_ready(&h, 1000)); /* not all items have been checked yet */
    h.looked_ms = 1000;
    assert_true(lw_health_ready(&h, 1000));
    assert_false(lw_health_ready(&h, 1000 + LW_HEALTH_STALE_MS)); /* no check since */
    find(&h.item[LW_COMPONENT_REDIS], 2000, true, "full");
    assert_true(lw_health_ready(&h, 1000)); /* a short failure is tolerated */
    find(&h.item[LW_COMPONENT_REDIS], 21000, true, "full");
    assert_false(lw_health_ready(&h, 1000));
}

static void an_item_that_was_never_well_is_not_ready(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 0, true, "no leader");
    assert_int_equal(item.condition, LW_UNKNOWN); /* it has just started */
    assert_string_equal(item.text, "no leader");
    find(&item, PATIENCE - 1, true, "no leader");
    assert_int_equal(item.condition, LW_UNKNOWN);
    find(&item, PATIENCE, true, "no leader");
    assert_int_equal(item.condition, LW_ILL);
    assert_int_equal(item.since_ms, WALL);
}

static void a_condition_has_its_beginning(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 1000, true, NULL);
    find(&item, 7000, true, NULL);
    for (int64_t t = 8000; t <= 40000; t += 1000)
        find(&item, t, true, t < 30000 ? "first" : "then");
    assert_int_equal(item.condition, LW_ILL);
    assert_int_equal(item.since_ms, WALL + 7000); /* last found well */
    assert_string_equal(item.text, "then");       /* and the present reason */
}

static void a_recovered_item_must_stay_well(void **state) {
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

static void an_item_that_cannot_be_checked_keeps_its_condition(void **state) {
    (void)state;
    struct lw_health_item item = {0};
    find(&item, 0, true, NULL);
    for (int64_t t = 1000; t < 100000; t += 1000)
        find(&item, t, false, NULL);
    find(&item, 100000, true, "x"); /* the patience starts now */
    assert_int_equal(item.condition, LW_WELL);
    find(&item, 119000, true, "x");
    assert_int_equal(item.condition, LW_ILL);
    find(&item, 120000, false, NULL);
    assert_int_equal(item.condition, LW_ILL);
}

/* For any sequence: never ill before the item failed for its whole patience, always ill
 * once it has, and never well again before the recovery time. */
static void an_item_is_ill_exactly_after_its_patience(void **state) {
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

static void a_partition_at_its_end_flows(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    assert_int_equal(see(&s, 0, 7, 100, 7), LW_FLOW_UNKNOWN); /* the owner may be dead */
    assert_int_equal(see(&s, 5000, 7, 105, 7), LW_FLOW_OK);
    for (int64_t t = 10; t < 600; t += 5)
        assert_int_equal(see(&s, t * 1000, 7, 100 + t, 7), LW_FLOW_OK);
}

static void a_moving_partition_flows_with_any_lag(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 1000000);
    for (int64_t t = 1; t < 600; t++)
        assert_int_equal(see(&s, t * 1000, 7 + t, 100 + t, 1000000), LW_FLOW_OK);
}

static void a_stalled_partition_is_found(void **state) {
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

/* All brokers are down: no offset moves, no lag is visible, and the end is unknown. */
static void an_unknown_end_is_not_idle(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 7);
    see(&s, 1000, 7, 101, 7);
    for (int64_t t = 2; t < 21; t++)
        see(&s, t * 1000, 7, 100 + t, -1);
    assert_int_equal(see(&s, 21000, 7, 121, -1), LW_FLOW_STALLED);
}

/* The group has no owner for it, or the owner is dead: the entry in Redis is outdated. */
static void a_partition_without_a_live_owner_is_found(void **state) {
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

static void time_without_observation_does_not_count(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    see(&s, 0, 7, 100, 7);
    see(&s, 1000, 7, 101, 7);
    lw_health_flow_forgive(&s, 3600000);
    assert_int_equal(see(&s, 3602000, 7, 101, 9), LW_FLOW_OK);
    assert_int_equal(see(&s, 3621000, 7, 101, 9), LW_FLOW_DESERTED);
}

/* Messages behind a hanging transaction are not the end. */
static void an_open_transaction_is_reported_after_its_patience(void **state) {
    (void)state;
    struct lw_partition_flow s = {0};
    struct lw_health_flow_check look = {.updated_ms = 100, .high_offset = 9};
    for (int64_t t = 0; t < LW_FLOW_TRANSACTION_MS; t += 5000) {
        look.updated_ms++;
        look.next_offset = look.end_offset = t < 600000 ? 6 : 7; /* one has ended */
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

static void names_convert_both_ways(void **state) {
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

static void lists_are_limited(void **state) {
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
        cmocka_unit_test(an_open_transaction_is_reported_after_its_patience),
        cmocka_unit_test(all_items_are_unknown_at_first),
        cmocka_unit_test(an_item_that_was_never_well_is_not_ready),
        cmocka_unit_test(a_condition_has_its_beginning),
        cmocka_unit_test(a_recovered_item_must_stay_well),
        cmocka_unit_test(an_item_that_cannot_be_checked_keeps_its_condition),
        cmocka_unit_test_prestate(an_item_is_ill_exactly_after_its_patience, &state),
        cmocka_unit_test(a_partition_at_its_end_flows),
        cmocka_unit_test(a_moving_partition_flows_with_any_lag),
        cmocka_unit_test(a_stalled_partition_is_found),
        cmocka_unit_test(an_unknown_end_is_not_idle),
        cmocka_unit_test(a_partition_without_a_live_owner_is_found),
        cmocka_unit_test(time_without_observation_does_not_count),
        cmocka_unit_test(names_convert_both_ways),
        cmocka_unit_test(lists_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
