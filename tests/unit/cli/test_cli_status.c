/* leeway status: lag, stalled partitions with their reason, and the table of partitions. */
#include "cli_test.h"

#include <math.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/status.h"

#define NOW (INT64_C(1600000000) * 1000)

/* Two partitions: 0 owned by a live process and up to date, 1 behind. */
static struct lw_status *stream(struct lw_config *config) {
    struct lw_status *s = lw_calloc(1, sizeof *s);
    s->config = config;
    s->facts = lw_calloc(1, sizeof *s->facts);
    s->facts->server_ms = NOW;
    s->facts->nprocesses = 1;
    lw_copy(s->facts->process[0].who, sizeof s->facts->process[0].who, "host:1");
    lw_copy(s->facts->leader, sizeof s->facts->leader, "host:1");
    s->nparts = 2;
    s->part = lw_calloc(3, sizeof *s->part);
    s->end = lw_calloc(3, sizeof *s->end);
    for (int p = 0; p < 2; p++) {
        s->part[p] = (struct lw_partition_view){.partition = p,
                                                .known = true,
                                                .next_offset = 100,
                                                .watermark_ms = NOW,
                                                .updated_ms = NOW - LW_SECOND};
        lw_copy(s->part[p].owner, sizeof s->part[p].owner, "host:1:0");
        s->end[p] = 100 + 50 * p;
    }
    return s;
}

static void stream_free(struct lw_status *s) {
    lw_status_fini(s);
    free(s);
}

static void lag_is_the_distance_to_the_end(void **state) {
    (void)state;
    static struct lw_config config;
    struct lw_status *s = stream(&config);
    assert_true(lw_status_lag_of(s, 0) == 0 && lw_status_lag_of(s, 1) == 50);
    assert_true(lw_status_lag(s) == 50);
    s->end[1] = -1;
    assert_true(isnan(lw_status_lag_of(s, 1)) && isnan(lw_status_lag(s)));
    stream_free(s);
}

static void stalled_partitions_have_a_reason(void **state) {
    (void)state;
    static struct lw_config config;
    struct lw_status *s = stream(&config);
    char why[200];
    assert_false(lw_status_stalled(s, 0, why, sizeof why));
    assert_false(lw_status_stalled(s, 1, why, sizeof why)); /* behind, but flushing */
    s->part[1].updated_ms = NOW - LW_MINUTE;
    assert_true(lw_status_stalled(s, 1, why, sizeof why));
    assert_string_equal(why, "not flushed for 1m");
    s->part[0].updated_ms = NOW - LW_MINUTE;
    assert_false(lw_status_stalled(s, 0, why, sizeof why)); /* no messages to read */
    lw_copy(s->part[0].owner, sizeof s->part[0].owner, "host:10:0");
    assert_true(lw_status_stalled(s, 0, why, sizeof why));
    assert_string_equal(why, "no live process reads it; last flushed 1m ago");
    stream_free(s);
}

static void problems_of_the_stream_are_named(void **state) {
    (void)state;
    static struct lw_config config;
    struct lw_status *s = stream(&config);
    char text[200];
    assert_string_equal(lw_status_problem(s, text, sizeof text), "");
    s->facts->leader[0] = '\0';
    assert_non_null(strstr(lw_status_problem(s, text, sizeof text), "no process leads"));
    s->facts->nprocesses = 0;
    assert_non_null(strstr(lw_status_problem(s, text, sizeof text), "heartbeat"));
    stream_free(s);
}

static void a_series_keeps_the_newest_values(void **state) {
    (void)state;
    struct lw_status_series s = {0};
    for (int i = 0; i < LW_STATUS_POINTS + 10; i++)
        lw_status_series_add(&s, i);
    assert_int_equal(s.n, LW_STATUS_POINTS);
    assert_true(s.value[0] == 10 && s.value[s.n - 1] == LW_STATUS_POINTS + 9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lag_is_the_distance_to_the_end),
        cmocka_unit_test(stalled_partitions_have_a_reason),
        cmocka_unit_test(problems_of_the_stream_are_named),
        cmocka_unit_test(a_series_keeps_the_newest_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
