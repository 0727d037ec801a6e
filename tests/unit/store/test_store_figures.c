/* The figures of columns are not those of every pane (lw_spec_publish_ms). */
#include "store_test.h"

#include <math.h>

#include "store/evaluation.h"
#include "store/history.h"
#include "store/keys.h"
#include "store/lease.h"

#define MISSING "2d:missing:x"

/* Seals the next pane and writes the step. */
static void seal_pane(struct lw_redis *r, const struct lw_spec *spec,
                      const struct lw_lease *lease, struct lw_monitor *m,
                      struct lw_evaluation *e) {
    struct lw_err err = {0};
    int64_t sealed = lw_monitor_sealed_until(m);
    int64_t start = sealed == INT64_MIN ? T0 : sealed;
    lw_monitor_seal(m, lw_pane_new(spec, start, 1), e);
    const struct lw_evaluation_step step = {.lease = lease,
                                            .was_sealed_until_ms = sealed,
                                            .monitor = m,
                                            .evaluation = e,
                                            .sealed = true,
                                            .now_ms = 1700000000000};
    if (lw_evaluation_write(r, spec, &step, &err))
        fail_msg("%s", err.msg);
}

/* `now` has all figures, those of columns as of the last evaluation that had them. */
static void assert_now(struct lw_redis *r, const struct lw_evaluation *e, size_t all) {
    struct lw_reply *now = MUST(r, "HGETALL leeway:{columns}:now");
    assert_int_equal(lw_reply_count(now), 2 * (all + 1));
    assert_int_equal(lw_reply_int(lw_reply_field(now, "at")), e->at_ms);
    assert_non_null(lw_reply_field(now, MISSING));
    lw_reply_free(now);
}

/* The newest entry of the history, and a chart of it. */
static void assert_history(struct lw_redis *r, const struct lw_spec *spec,
                           const struct lw_evaluation *e, size_t all) {
    static const char *const fields[] = {MISSING, "nothing"};
    const struct lw_history_query q = {.from_ms = INT64_MIN,
                                       .until_ms = INT64_MAX,
                                       .max = 9,
                                       .nfields = 2,
                                       .field = fields};
    struct lw_err err = {0};
    struct lw_history h;
    struct lw_reply *last = MUST(r, "XREVRANGE leeway:{columns}:history + - COUNT 1");
    const struct lw_reply *entry = lw_reply_at(lw_reply_at(last, 0), 1);
    assert_int_equal(lw_reply_count(entry), 2 * (all + 1));
    assert_non_null(lw_reply_field(entry, MISSING));
    assert_int_equal(lw_reply_int(lw_reply_field(entry, "at")), e->at_ms);
    lw_reply_free(last);
    assert_int_equal(lw_history_read(r, spec, &q, &h, &err), 0);
    assert_true(h.n >= 1 && h.at_ms[h.n - 1] == e->at_ms);
    assert_true(h.value[2 * (h.n - 1)] == 0);
    assert_true(isnan(h.value[2 * (h.n - 1) + 1]));
    lw_history_fini(&h);
}

/* With a shortest window of two days every second pane has them: `now` and the sketches
 * keep them until the next, and the history repeats them at the panes between. */
static void figures_of_columns_stay_until_the_next(void **state) {
    struct lw_spec *spec = test_spec("columns");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_lease lease = {.ttl_ms = 60000, .who = "a"};
    struct lw_evaluation *e = lw_malloc(sizeof *e);
    struct lw_err err = {0};
    size_t all = 0;
    spec->window[0] = (struct lw_window_spec){.name = "2d", .length_ms = 2 * LW_DAY};
    assert_int_equal(lw_lease_hold(r, spec, &lease, &err), 1);
    struct lw_monitor *m = lw_monitor_new(spec);
    for (int pane = 0; pane < 6; pane++) {
        seal_pane(r, spec, &lease, m, e);
        assert_int_equal(e->columns, e->at_ms % (2 * LW_HOUR) == 0);
        all = e->columns ? e->nfigures : all;
        if (!all)
            continue;
        assert_now(r, e, all);
        assert_history(r, spec, e, all);
        struct lw_reply *sketch = MUST(r, "GET leeway:{columns}:window:2d:x");
        assert_int_equal(strcmp(lw_reply_text(sketch, NULL), "mark") != 0, e->columns);
        lw_reply_free(sketch);
        lw_reply_free(MUST(r, "SET leeway:{columns}:window:2d:x mark"));
    }
    lw_monitor_free(m);
    free(e);
    lw_redis_free(r);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_columns_stay_until_the_next),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
