/* Which field is predicted, and which fields would give it away. */
#include "support.h"

static const char *target_name(const struct made *m) {
    if (!m->draft)
        fail_msg("%s", m->err.msg);
    return m->sample->column[m->draft->to].name;
}

static void event_of_numbers(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    c[0] = time_cell(T0 + (int64_t)i * LW_MINUTE);
    for (size_t j = 1; j < 4; j++)
        c[j] = lw_cell_num(lw_rng_normal(rng));
}

static void the_name_of_a_number_is_a_guess_with_its_reason(void **state) {
    (void)state;
    static const struct {
        const char *fields, *target, *others;
    } cases[] = {
        {"at:time a:double tripDuration:double fare:double", "tripDuration", "fare"},
        {"at:time dep_delay:double arr_delay:double x:double", "arr_delay", "dep_delay"},
        {"at:time delay:double label:double y:double", "label", "delay"},
        {"at:time amount:double payload:double z:double", "amount", NULL},
        {"at:time a:double b:double c:double", "c", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made m = made_of(cases[i].fields, 1000, event_of_numbers, NULL);
        assert_string_equal(target_name(&m), cases[i].target);
        assert_int_equal(strncmp(m.draft->target_why, "guessed: ", 9), 0);
        if (cases[i].others)
            assert_non_null(strstr(m.draft->target_why, cases[i].others));
        char *text = text_of(&m);
        assert_non_null(strstr(text, "# guessed: "));
        free(text);
        made_free(&m);
    }
}

/* ---- a trip: two timestamps, and what leaks ---- */

/* start, end, distance, end again, seconds, fare, class, late, minutes */
static void event_of_trip(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    double distance = -3 * log(1 - lw_rng_unit(rng));
    double minutes = 2 + 3 * distance + fabs(lw_rng_normal(rng));
    int64_t end = T0 + (int64_t)i * LW_MINUTE;
    const char *class = minutes < 5 ? "short" : "long";
    c[0] = time_cell(end - (int64_t)(minutes * (double)LW_MINUTE));
    c[1] = time_cell(end);
    c[2] = lw_cell_num(distance);
    c[3] = time_cell(end + (int64_t)(200 * lw_rng_unit(rng)));
    c[4] = lw_cell_num(60 * minutes + 0.1 * lw_rng_unit(rng));
    c[5] = lw_cell_num(3 + 2 * distance + 2 * lw_rng_unit(rng));
    c[6] = lw_cell_text(class, strlen(class));
    c[7] = time_cell(end + LW_HOUR + (int64_t)(lw_rng_unit(rng) * 1e6));
    c[8] = lw_cell_num(minutes / 60);
}
#define TRIP                                                                             \
    "start:time finish:time distance:double meter_off:time x:double fare:double "        \
    "class:string posted:time hours:double"

static const struct lw_draft_wishes trip_wishes = {
    .target = "minutes_between:start,finish", .lo = NAN, .hi = NAN};

static void what_gives_the_target_away_is_left_out(void **state) {
    (void)state;
    struct made m = made_of(TRIP, 5000, event_of_trip, &trip_wishes);
    assert_true(m.draft->from == 0 && m.draft->to == 1);
    assert_role(&m, "start", LW_DRAFT_INSTANT);
    assert_role(&m, "finish", LW_DRAFT_USED);
    assert_role(&m, "distance", LW_DRAFT_NUMBER);
    assert_role(&m, "meter_off", LW_DRAFT_OUT);
    assert_says(&m, "meter_off", "the minutes from start are the target");
    assert_role(&m, "x", LW_DRAFT_OUT);
    assert_says(&m, "x", "it follows the target (correlation 1.0000)");
    assert_role(&m, "hours", LW_DRAFT_OUT);
    assert_role(&m, "fare", LW_DRAFT_OUT);
    assert_says(&m, "fare", "a leak?");
    assert_role(&m, "class", LW_DRAFT_CATEGORY);
    assert_role(&m, "posted", LW_DRAFT_OUT);
    assert_says(&m, "posted", "not before the event time");
    char *text = text_of(&m);
    assert_non_null(strstr(text, "minutes_between: [start, finish]"));
    const char *sets = strstr(text, "feature_sets:");
    assert_null(strstr(sets, "finish"));
    assert_null(strstr(sets, "fare"));
    free(text);
    made_free(&m);
}

/* A target that is a field leaks through the timestamps that it was computed from. */
static void event_of_delay(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    double delay = 10 * lw_rng_normal(rng), flown = 100 + 30 * lw_rng_normal(rng);
    int64_t scheduled = T0 + (int64_t)i * LW_MINUTE;
    c[0] = time_cell(scheduled);
    c[1] = time_cell(scheduled + (int64_t)(delay * (double)LW_MINUTE));
    c[2] = lw_cell_num(flown);
    c[3] = lw_cell_num(delay);
    c[4] = time_cell(scheduled +
                     (int64_t)((flown + 5 * lw_rng_normal(rng)) * (double)LW_MINUTE));
}

static void timestamps_whose_distance_is_the_target_are_left_out(void **state) {
    (void)state;
    struct lw_draft_wishes wishes = {
        .target = "delay", .time = "landed", .lo = NAN, .hi = NAN};
    struct made m =
        made_of("planned:time real:time air_time:double delay:double landed:time", 3000,
                event_of_delay, &wishes);
    assert_role(&m, "planned", LW_DRAFT_INSTANT);
    assert_role(&m, "real", LW_DRAFT_OUT);
    assert_says(&m, "real", "the minutes from planned are the target");
    assert_role(&m, "air_time", LW_DRAFT_OUT);
    assert_says(&m, "air_time", "follows the time from planned to the event");
    made_free(&m);
}

static void minutes_are_guessed_where_no_number_is_named(void **state) {
    (void)state;
    struct made m = made_of("start:time finish:time a:double", 1000, event_of_trip, NULL);
    assert_true(m.draft->from == 0 && m.draft->to == 1);
    assert_true(m.draft->range.lo == 0);
    made_free(&m);
}

/* ---- wishes ---- */

static void refuse(const char *fields, const struct lw_draft_wishes *wishes, size_t n,
                   int code, const char *part) {
    struct made m = made_of(fields, n, event_of_trip, wishes);
    assert_null(m.draft);
    assert_int_equal(m.err.code, code);
    if (!strstr(m.err.msg, part))
        fail_msg("\"%s\" does not say \"%s\"", m.err.msg, part);
    made_free(&m);
}

static void a_wish_that_does_not_fit_is_refused(void **state) {
    (void)state;
    const char *const leave[] = {"distence"};
    static const struct {
        const char *target, *time, *id, *says;
    } cases[] = {
        {.target = "distanc", .says = "did you mean \"distance\""},
        {.target = "class", .says = "class is not a number"},
        {.target = "start", .says = "start is not a number"},
        {.target = "minutes_between:start", .says = "FROM,TO"},
        {.target = "minutes_between:start,fare", .says = "are not two timestamps"},
        {.target = "minutes_between:start,start", .says = "are not two timestamps"},
        {.time = "fare", .says = "not times"},
        {.id = "nobody", .says = "no such plain field"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_draft_wishes wishes = {.target = cases[i].target,
                                         .time = cases[i].time,
                                         .id = cases[i].id,
                                         .lo = NAN,
                                         .hi = NAN};
        refuse(TRIP, &wishes, 500, LW_ECONFIG, cases[i].says);
    }
    struct lw_draft_wishes wrong = {
        .leave_out = leave, .nleave_out = 1, .lo = NAN, .hi = NAN};
    refuse(TRIP, &wrong, 500, LW_ECONFIG, "did you mean \"distance\"");
    struct lw_draft_wishes far = {.target = "fare", .lo = 1e6, .hi = 2e6};
    refuse(TRIP, &far, 500, LW_EINPUT, "no spread");
}

static void too_little_to_draft_from_is_said(void **state) {
    (void)state;
    refuse(TRIP, NULL, 0, LW_EINPUT, "0 events are too few");
    refuse(TRIP, NULL, 1, LW_EINPUT, "1 events are too few");
    refuse("start:time", NULL, 500, LW_EINPUT, "no field can be the target");
    refuse("start:time? finish:time?", NULL, 99, LW_EINPUT, "too few");
}

static void event_of_nulls(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    (void)i;
    (void)c;
    (void)rng;
}

static void only_nulls_are_no_stream(void **state) {
    (void)state;
    struct made m =
        made_of("at:time? target:double? word:string?", 500, event_of_nulls, NULL);
    assert_null(m.draft);
    assert_int_equal(m.err.code, LW_EINPUT);
    made_free(&m);
}

static void a_wish_is_followed(void **state) {
    (void)state;
    const char *const leave[] = {"distance", "class"};
    struct lw_draft_wishes wishes = {.target = "fare",
                                     .time = "start",
                                     .leave_out = leave,
                                     .nleave_out = 2,
                                     .lo = 0,
                                     .hi = 20};
    struct made m = made_of(TRIP, 3000, event_of_trip, &wishes);
    assert_string_equal(target_name(&m), "fare");
    assert_int_equal(m.draft->time, 0);
    assert_role(&m, "distance", LW_DRAFT_OUT);
    assert_role(&m, "class", LW_DRAFT_OUT);
    assert_true(m.draft->range.lo == 0 && m.draft->range.hi == 20);
    assert_true(m.draft->range.outside > 0);
    made_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_a_number_is_a_guess_with_its_reason),
        cmocka_unit_test(what_gives_the_target_away_is_left_out),
        cmocka_unit_test(timestamps_whose_distance_is_the_target_are_left_out),
        cmocka_unit_test(minutes_are_guessed_where_no_number_is_named),
        cmocka_unit_test(a_wish_that_does_not_fit_is_refused),
        cmocka_unit_test(too_little_to_draft_from_is_said),
        cmocka_unit_test(only_nulls_are_no_stream),
        cmocka_unit_test(a_wish_is_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
