/* Calendars: what a day is, the files, holiday(t, NAME), and the copy that a model has. */
#include "model_test.h"

#include "base/buf.h"
#include "model/schema_text.h"
#include "model/wire.h"

static struct lw_calendars parsed(const char *name, const char *text) {
    struct lw_calendars all = {0};
    struct lw_err err = {0};
    if (lw_calendars_parse(&all, name, text, strlen(text), "file.csv", &err))
        fail_msg("%s", err.msg);
    return all;
}

static int64_t day_of(const char *date) {
    int64_t ms;
    assert_true(lw_parse_time(date, &ms));
    return ms / LW_DAY;
}

static void days_next_to_holidays_are_known(void **state) {
    (void)state;
    struct lw_calendars all =
        parsed("US", "2024-12-25, Christmas Day\n2024-12-27\n2024-12-28\n2025-01-01");
    static const struct {
        const char *date;
        enum lw_day_kind kind;
    } cases[] = {
        {"1999-01-01", LW_DAY_ORDINARY}, {"2024-12-23", LW_DAY_ORDINARY},
        {"2024-12-24", LW_DAY_BEFORE},   {"2024-12-25", LW_DAY_HOLIDAY},
        {"2024-12-26", LW_DAY_BEFORE}, /* between two */
        {"2024-12-27", LW_DAY_HOLIDAY},  {"2024-12-28", LW_DAY_HOLIDAY},
        {"2024-12-29", LW_DAY_AFTER},    {"2024-12-30", LW_DAY_ORDINARY},
        {"2024-12-31", LW_DAY_BEFORE},   {"2025-01-01", LW_DAY_HOLIDAY},
        {"2025-01-02", LW_DAY_AFTER},    {"2025-01-03", LW_DAY_ORDINARY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lw_calendar_day(&all.of[0], day_of(cases[i].date)),
                         cases[i].kind);
    lw_calendars_fini(&all);
}

/* Any set of days, against a search of the whole list. */
static void every_day_is_as_a_plain_search_finds(void **state) {
    (void)state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 7);
    for (int round = 0; round < 200; round++) {
        struct lw_calendars all = {0};
        int32_t day[40];
        bool is[120] = {false};
        size_t n = 0;
        for (int d = 2; d < 118; d++)
            if (n < 40 && lw_rng_below(&rng, 5) == 0) {
                is[d] = true;
                day[n++] = 10000 + d;
            }
        assert_int_equal(lw_calendars_add(&all, "any", day, n, NULL), 0);
        for (int d = 1; d < 119; d++) {
            enum lw_day_kind want = is[d]       ? LW_DAY_HOLIDAY
                                    : is[d + 1] ? LW_DAY_BEFORE
                                    : is[d - 1] ? LW_DAY_AFTER
                                                : LW_DAY_ORDINARY;
            assert_int_equal(lw_calendar_day(&all.of[0], 10000 + d), want);
        }
        lw_calendars_fini(&all);
    }
}

static void files_are_read_as_people_write_them(void **state) {
    (void)state;
    struct lw_calendars all = parsed("US", "\xef\xbb\xbf# federal\r\n"
                                           "2024-07-04,Independence Day\r\n"
                                           "\r\n"
                                           "  2023-12-25 , Christmas  # observed\n"
                                           "2024-07-04,again\n"
                                           "1999-01-01");
    assert_int_equal(all.of[0].n, 3);
    assert_int_equal(all.of[0].day[0], day_of("1999-01-01"));
    assert_int_equal(all.of[0].day[1], day_of("2023-12-25"));
    assert_int_equal(all.of[0].day[2], day_of("2024-07-04"));
    lw_calendars_fini(&all);
}

static void wrong_lines_are_refused_with_their_number(void **state) {
    (void)state;
    static const char *const lines[] = {"date,name",        "2024-13-01", "2024-02-30",
                                        "04/07/2024",       "2024-7-4",   "20240704",
                                        "2024-07-04T00:00", "1899-12-31", "2200-01-01",
                                        "2024-07-04;x",     ",x",         "2024-07-04 x"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct lw_calendars all = {0};
        struct lw_err err = {0};
        char text[200];
        int n = snprintf(text, sizeof text, "# days\n2024-01-01\n%s\n", lines[i]);
        int rc = lw_calendars_parse(&all, "US", text, (size_t)n, "days.csv", &err);
        assert_int_equal(rc, -1);
        assert_int_equal(err.code, LW_ECONFIG);
        if (!strstr(err.msg, "days.csv:3: "))
            fail_msg("%s", err.msg);
        lw_calendars_fini(&all);
    }
    struct lw_calendars all = {0};
    struct lw_err err = {0};
    assert_int_equal(lw_calendars_parse(&all, "US", "# none\n", 7, "days.csv", &err), -1);
    assert_string_equal(err.msg, "days.csv: contains no date");
    lw_calendars_fini(&all);
}

static void names_must_fit_into_a_formula(void **state) {
    (void)state;
    assert_true(lw_calendar_name_valid("US"));
    assert_true(lw_calendar_name_valid("schools_2"));
    assert_false(lw_calendar_name_valid(""));
    assert_false(lw_calendar_name_valid("2US"));
    assert_false(lw_calendar_name_valid("US-NY"));
    assert_false(lw_calendar_name_valid("a b"));
}

/* The file in configs/holidays, against dates from the list of the Office of Personnel
 * Management. */
static void shipped_holidays_are_the_official_ones(void **state) {
    (void)state;
    static const char *const dates[] = {
        "2013-01-21", "2013-11-28", "2016-12-26", "2019-05-27", "2020-07-03",
        "2020-11-26", "2021-06-18", "2021-12-24", "2021-12-31", "2022-06-20",
        "2022-12-26", "2023-01-02", "2023-02-20", "2023-11-10", "2024-01-15",
        "2024-09-02", "2025-10-13", "2026-07-03",
    };
    static const char *const others[] = {"2013-06-19", "2020-06-19", "2023-01-03",
                                         "2024-12-24", "2025-02-20"};
    struct lw_err err = {0};
    struct lw_calendars all = {0};
    const char *path = LW_SOURCE_DIR "/configs/holidays/us.csv";
    size_t len;
    char *text = lw_read_file(path, 1 << 20, &len, &err);
    if (!text || lw_calendars_parse(&all, "US", text, len, path, &err))
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
        if (lw_calendar_day(&all.of[0], day_of(dates[i])) != LW_DAY_HOLIDAY)
            fail_msg("%s is not a holiday", dates[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (lw_calendar_day(&all.of[0], day_of(others[i])) == LW_DAY_HOLIDAY)
            fail_msg("%s is a holiday", others[i]);
    free(text);
    lw_calendars_fini(&all);
}

/* ---- holiday(t, NAME) ---- */

static void assert_kind(const struct lw_plan *plan, int64_t ms, const char *want) {
    struct sample s;
    struct lw_cell cell;
    lw_sample(&s, ms, 1, 2, 3, 4, 0);
    lw_plan_eval(plan, &s.row, &cell);
    assert_true(cell.present);
    assert_int_equal(cell.len, strlen(want));
    assert_memory_equal(cell.text, want, cell.len);
    assert_true(cell.key == lw_text_key(want, strlen(want)));
}

static void holidays_are_local_days(void **state) {
    (void)state;
    struct lw_fields fields;
    struct lw_err err = {0};
    struct lw_zone *york = lw_zone_new("America/New_York", &err);
    struct lw_calendars all = parsed("US", "2024-07-04\n");
    int64_t midnight = lw_from_civil(2024, 7, 4) + 4 * LW_HOUR; /* in New York */
    if (!york)
        skip();
    lw_test_fields(&fields);
    struct lw_plan *plan = lw_plan_new(&fields, york);
    lw_plan_set_calendars(plan, &all);
    assert_int_equal(lw_plan_atom(plan, "holiday( t ,US )", &err), 0);
    assert_string_equal(lw_plan_atom_text(plan, 0), "holiday(t, US)");
    assert_int_equal(lw_plan_atom_kind(plan, 0), LW_CATEGORY);
    assert_kind(plan, midnight - LW_DAY - 1, "ordinary");
    assert_kind(plan, midnight - LW_DAY, "before");
    assert_kind(plan, midnight - 1, "before");
    assert_kind(plan, midnight, "holiday");
    assert_kind(plan, midnight + LW_DAY - 1, "holiday");
    assert_kind(plan, midnight + LW_DAY, "after");
    struct sample s;
    struct lw_cell cell;
    lw_sample(&s, 0, 1, 2, 3, 4, 0);
    s.cell[T] = lw_cell_missing();
    lw_plan_eval(plan, &s.row, &cell);
    assert_false(cell.present);
    lw_plan_free(plan);
    lw_zone_free(york);
    lw_calendars_fini(&all);
}

static void unknown_calendars_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"holiday(t)", "position 10: ',' is expected here"},
        {"holiday(t, UK)", "there is no calendar \"UK\"; did you mean \"US\"?"},
        {"holiday(t, bank_days)", "calendars: {bank_days: holidays.csv}"},
        {"holiday(a, US)", "holiday needs a timestamp"},
        {"holiday(t, 5)", "is expected here"},
    };
    struct lw_fields fields;
    struct lw_calendars all = parsed("US", "2024-07-04\n");
    lw_test_fields(&fields);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_err err = {0};
        struct lw_plan *plan = lw_plan_new(&fields, NULL);
        lw_plan_set_calendars(plan, &all);
        assert_int_equal(lw_plan_atom(plan, cases[i].text, &err), -1);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s", err.msg);
        lw_plan_free(plan);
    }
    lw_calendars_fini(&all);
}

/* ---- the model's copy ---- */

/* Rows of 120 days whose target is higher on holidays. */
static void add_rows(struct bench *t, const struct lw_calendar *calendar) {
    struct lw_rng rng;
    lw_rng_seed(&rng, 3);
    for (int i = 0; i < 2400; i++) {
        struct sample s;
        int64_t ms = i * LW_DAY / 20;
        bool rest = lw_calendar_day(calendar, ms / LW_DAY) == LW_DAY_HOLIDAY;
        lw_sample(&s, ms, 1, 2, lw_rng_unit(&rng), 0, 0);
        s.row.target = (rest ? 15 : 5) + lw_rng_normal(&rng);
        lw_bench_row(t, &s);
    }
}

static void a_model_predicts_alike_without_the_files(void **state) {
    (void)state;
    struct bench t;
    struct lw_err err = {0};
    struct lw_buf file = {0}, again = {0};
    struct lw_calendars all = parsed("unused", "1970-01-01\n");
    const char *days = "1970-02-03\n1970-03-04\n1970-04-05\n1970-04-06\n2026-01-01\n";
    assert_int_equal(lw_calendars_parse(&all, "US", days, strlen(days), "us", &err), 0);
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_plan_set_calendars(t.plan, &all);
    lw_bench_term(&t, "holiday(t, US)", 0.01);
    lw_bench_term(&t, "x", 1);
    add_rows(&t, &all.of[1]);
    struct lw_model *m = lw_bench_fit(&t, 120 * LW_DAY, NULL);
    double p[2400];
    lw_model_predict_rows(m, t.ds, 0, 2400, p);
    assert_int_equal(lw_model_encode(m, &file, &err), 0);
    lw_model_free(m);
    lw_bench_fini(&t);
    lw_calendars_fini(&all);

    struct lw_model *copy = lw_model_decode(file.data, file.len, &err);
    if (!copy)
        fail_msg("%s", err.msg);
    lw_test_fields(&t.fields);
    assert_int_equal(lw_model_bind(copy, &t.fields, &err), 0);
    struct lw_rng rng;
    lw_rng_seed(&rng, 3);
    for (int i = 0; i < 2400; i++) {
        struct sample s;
        lw_sample(&s, i * LW_DAY / 20, 1, 2, lw_rng_unit(&rng), 0, 0);
        lw_rng_normal(&rng);
        double got = lw_model_predict(copy, &s.row);
        assert_memory_equal(&got, &p[i], sizeof got);
    }
    assert_true(lw_model_coefficient(copy, "holiday(t, US)", "holiday") > 5);
    assert_int_equal(lw_model_encode(copy, &again, &err), 0);
    assert_int_equal(file.len, again.len);
    assert_memory_equal(file.data, again.data, file.len);
    lw_model_free(copy);
    lw_buf_fini(&file);
    lw_buf_fini(&again);
}

/* Cut off, or with another bit, anywhere: refused with a reason, or a model that
 * predicts. */
static void damaged_calendars_are_refused_or_harmless(void **state) {
    (void)state;
    struct bench t;
    struct lw_buf file = {0}, record = {0};
    struct lw_calendars all = parsed("US", "1970-02-03\n1970-03-04\n");
    lw_bench_init(&t, LW_FIT_RIDGE, 1);
    lw_plan_set_calendars(t.plan, &all);
    lw_bench_term(&t, "holiday(t, US)", 1);
    add_rows(&t, &all.of[0]);
    struct lw_model *m = lw_bench_fit(&t, 120 * LW_DAY, NULL);
    assert_int_equal(lw_model_encode(m, &file, NULL), 0);
    assert_int_equal(lw_wire_unwrap(file.data, file.len, lw_model_schema, &record, NULL),
                     0);
    for (size_t i = 0; i < 9 * record.len; i++) {
        struct lw_buf bad = {0}, cut = {0};
        struct lw_err err = {0};
        size_t at = i / 9;
        lw_buf_put(&cut, record.data, i % 9 == 8 ? at : record.len);
        if (i % 9 < 8)
            cut.data[at] ^= (uint8_t)(1u << i % 9);
        lw_wire_wrap(&bad, lw_model_schema, &cut, NULL);
        struct lw_model *x = lw_model_decode(bad.data, bad.len, &err);
        assert_true(x || (err.code == LW_EINPUT && err.msg[0]));
        if (x && lw_model_bind(x, &t.fields, NULL) == 0) {
            struct sample s;
            lw_sample(&s, 33 * LW_DAY, 8, 3, 1, 1, 0);
            assert_true(isfinite(lw_model_predict(x, &s.row)));
        }
        lw_model_free(x);
        lw_buf_fini(&bad);
        lw_buf_fini(&cut);
    }
    lw_buf_fini(&file);
    lw_buf_fini(&record);
    lw_model_free(m);
    lw_bench_fini(&t);
    lw_calendars_fini(&all);
}

static void other_dates_make_another_model(void **state) {
    (void)state;
    uint64_t print[2];
    for (int i = 0; i < 2; i++) {
        struct bench t;
        struct lw_calendars all = parsed("US", i ? "1970-02-03\n1970-02-05\n2031-01-01\n"
                                                 : "1970-02-03\n1970-02-05\n");
        lw_bench_init(&t, LW_FIT_RIDGE, 1);
        lw_plan_set_calendars(t.plan, &all);
        lw_bench_term(&t, "holiday(t, US)", 1);
        add_rows(&t, &all.of[0]);
        struct lw_model *m = lw_bench_fit(&t, 120 * LW_DAY, NULL);
        print[i] = lw_model_fingerprint(m);
        lw_model_free(m);
        lw_bench_fini(&t);
        lw_calendars_fini(&all);
    }
    assert_true(print[0] != print[1]);
}

static void days_that_do_not_ascend_are_refused(void **state) {
    (void)state;
    struct lw_calendars all = {0};
    const int32_t twice[] = {5, 5}, back[] = {5, 4}, far[] = {5, 2000000},
                  good[] = {4, 5};
    assert_int_equal(lw_calendars_add(&all, "a", twice, 2, NULL), -1);
    assert_int_equal(lw_calendars_add(&all, "a", back, 2, NULL), -1);
    assert_int_equal(lw_calendars_add(&all, "a", far, 2, NULL), -1);
    assert_int_equal(lw_calendars_add(&all, "a b", good, 2, NULL), -1);
    assert_int_equal(lw_calendars_add(&all, "a", good, 2, NULL), 0);
    assert_int_equal(lw_calendars_add(&all, "a", good, 2, NULL), -1);
    lw_calendars_fini(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_next_to_holidays_are_known),
        cmocka_unit_test(every_day_is_as_a_plain_search_finds),
        cmocka_unit_test(files_are_read_as_people_write_them),
        cmocka_unit_test(wrong_lines_are_refused_with_their_number),
        cmocka_unit_test(names_must_fit_into_a_formula),
        cmocka_unit_test(shipped_holidays_are_the_official_ones),
        cmocka_unit_test(holidays_are_local_days),
        cmocka_unit_test(unknown_calendars_are_refused),
        cmocka_unit_test(a_model_predicts_alike_without_the_files),
        cmocka_unit_test(damaged_calendars_are_refused_or_harmless),
        cmocka_unit_test(other_dates_make_another_model),
        cmocka_unit_test(days_that_do_not_ascend_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
