/* The table of metrics: each row is complete, every metric that a rule can use is
 * published, and docs/figures.md is generated from the table. After a change of the
 * table: `test_core_metrics --write`. */
#include "support/core_fixture.h"

#include "core/metrics.h"
#include "support/manual.h"

static void rows_are_complete(void **state) {
    (void)state;
    const struct lw_metric *m;
    for (size_t i = 0; (m = lw_metric_at(i)); i++) {
        assert_ptr_equal(lw_metric_find(m->name), m); /* names are unique */
        assert_true(m->meaning && m->unit);
        assert_true((m->scope == LW_SCOPE_COLUMN) == (m->columns != 0));
        assert_true(m->figure || m->live || m->statistic);
        if (!lw_metric_judged(m))
            continue;
        assert_true(lw_metric_live(m) ? m->live != NULL : m->read || m->statistic);
        assert_non_null(m->series);
    }
    assert_null(lw_metric_find("no such metric"));
}

static void unknown_figures_are_not_zero(void **state) {
    (void)state;
    assert_false(lw_metric_known(lw_metric_find("rmse"), 0, 1, 10, true));
    assert_true(lw_metric_known(lw_metric_find("rmse"), 0, 2, 10, true));
    assert_false(lw_metric_known(lw_metric_find("rmse_expected"), 0, 9, 10, true));
    assert_false(lw_metric_known(lw_metric_find("psi"), 0, 9, 10, false));
    assert_false(lw_metric_known(lw_metric_find("psi"), 0, 9, 0, true));
    assert_false(lw_metric_known(lw_metric_find("ks"), NAN, 9, 10, true));
    assert_true(lw_metric_known(lw_metric_find("ks"), 0, 9, 10, true));
}

static void put_columns(FILE *out, unsigned columns) {
    static const struct {
        unsigned bit;
        const char *name;
    } part[] = {{LW_ON_NUMERIC, "numeric features"},
                {LW_ON_CATEGORY, "categories"},
                {LW_ON_TARGET, "target"},
                {LW_ON_PREDICTION, "prediction"}};
    bool first = true;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        if (!(columns & part[i].bit))
            continue;
        fprintf(out, "%s%s", first ? "" : ", ", part[i].name);
        first = false;
    }
}

static void put_figures(FILE *out) {
    const struct lw_metric *m;
    fputs(
        "# Figures\n\n"
        "Every metric that leeway publishes for each window, in Redis (`now` and "
        "`history`: [redis.md](redis.md)), in `/api/v1/now`, `/api/v1/history` and the "
        "heat map ([http.md](http.md)), and in `/metrics` under the series' name "
        "([metrics.md](metrics.md)). This page is written from the table in "
        "`src/core/metrics.c`.\n\n"
        "A rule can use each metric marked *rule*. *Unknown* says what Redis holds where "
        "the figure is not known: no field, or 0. Elsewhere an unknown figure is `null`, "
        "absent or `-`, never 0. Metrics of the running stream go by the wall clock, so "
        "they are in `/metrics` alone.\n\n"
        "| metric | rule | measured for | unknown | series | meaning |\n"
        "|---|---|---|---|---|---|\n",
        out);
    for (size_t i = 0; (m = lw_metric_at(i)); i++) {
        fprintf(out, "| `%s` | %s | ", m->name, lw_metric_judged(m) ? "yes" : "");
        if (lw_metric_per_feature(m))
            put_columns(out, m->columns);
        else
            fputs(lw_metric_live(m)            ? "the running stream"
                  : m->scope == LW_SCOPE_MODEL ? "the champion"
                                               : "the stream",
                  out);
        fprintf(out, "%s | %s | %s%s%s | %s |\n",
                m->flags & LW_METRIC_LONGEST ? "; the longest window" : "",
                lw_metric_live(m)           ? "-"
                : m->flags & LW_METRIC_ZERO ? "0"
                                            : "no field",
                m->series ? "`" : "", m->series ? m->series : "", m->series ? "`" : "",
                m->shown ? m->shown : m->meaning);
    }
}

static const struct manual manual = {.path = LW_SOURCE_DIR "/docs/figures.md",
                                     .test = "test_core_metrics",
                                     .write = put_figures};

static void the_manual_is_up_to_date(void **state) {
    (void)state;
    manual_is_up_to_date(&manual);
}

int main(int argc, char **argv) {
    int written = manual_write(&manual, argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_are_complete),
                                       cmocka_unit_test(unknown_figures_are_not_zero),
                                       cmocka_unit_test(the_manual_is_up_to_date)};
    return written >= 0 ? written : cmocka_run_group_tests(tests, NULL, NULL);
}
