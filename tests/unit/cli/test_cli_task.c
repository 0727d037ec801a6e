/* The commands name the error after the task: a toy judged by its Brier score is in every
 * key, heading and label, and no figure of regression is. */
#include "cli_test.h"

#include <math.h>

#include "base/mem.h"
#include "cli/backtest.h"
#include "cli/evaluate.h"
#include "cli/report.h"
#include "support/toy_task.h"

static void losses_fill(struct lw_losses *s) {
    for (int i = 0; i < 40; i++)
        lw_losses_add(s, &toy_task, i % 2, i % 2 ? .9 : .3);
}

static void assert_names(const char *text, const char *const *names, size_t n) {
    static const char *const regression[] = {"RMSE", "rmse", "MAE",     "mae",
                                             "bias", "R²",   "squared", "of SE"};
    for (size_t i = 0; i < n; i++)
        if (!strstr(text, names[i]))
            fail_msg("%s is missing in %s", names[i], text);
    for (size_t i = 0; i < sizeof regression / sizeof *regression; i++)
        if (strstr(text, regression[i]))
            fail_msg("%s is in %s", regression[i], text);
}

#define NAMES(...)                                                                       \
    (const char *const[]) {                                                              \
        __VA_ARGS__                                                                      \
    }

static void backtest(struct lw_config *config, struct lw_cli_backtest *b) {
    static struct lw_cli_backtest_day day;
    config->spec.task = &toy_task;
    losses_fill(&day.managed);
    losses_fill(&day.frozen);
    *b = (struct lw_cli_backtest){.path = "toy.yaml",
                                  .config = config,
                                  .log = json_array(),
                                  .day = &day,
                                  .ndays = 1};
    struct lw_month *m = &b->summary.month[b->summary.nmonths++];
    m->year = 2020;
    m->month = 3;
    losses_fill(&m->answered);
    losses_fill(&m->first);
}

static void backtests(void **state) {
    (void)state;
    static struct lw_config config;
    static struct lw_cli_backtest b;
    struct lw_buf html = {0};
    backtest(&config, &b);
    json_t *o = lw_cli_backtest_json(&b);
    char *json = json_dumps(o, 0);
    assert_names(json, NAMES("\"frozen_brier\": 0.05", "\"managed_brier\": 0.05"), 2);
    lw_cli_backtest_html(&b, NULL, &html);
    assert_names(lw_buf_str(&html),
                 NAMES("Brier <b>0.050</b>", "frozen Brier", "managed Brier",
                       "Candidates with their Brier"),
                 4);
    lw_buf_fini(&html);
    free(json);
    json_decref(o);
    json_decref(b.log);
}

static void evaluations(void **state) {
    (void)state;
    struct lw_evaluate_rows rows = {.task = &toy_task};
    struct lw_evaluate_groups groups;
    struct lw_buf svg = {0};
    for (int i = 0; i < 40; i++)
        lw_evaluate_rows_add(&rows,
                             &(struct lw_evaluate_row){.target = i % 2,
                                                       .prediction = i % 2 ? .9 : .3,
                                                       .month = 2020 * 12});
    lw_evaluate_group(&rows, &(struct lw_evaluate_by){0}, &groups);
    assert_true(fabs(lw_losses_error(&groups.all.losses) - .05) < 1e-12);
    assert_true(isnan(groups.all.se[0])); /* the toy has none */
    struct lw_evaluate_plot plot = {
        .title = "toy", .target = "yes", .lo = 0, .hi = 1, .all = &groups.all};
    lw_evaluate_plot_draw(&rows, &plot, &svg);
    assert_names(lw_buf_str(&svg), NAMES("40 events · Brier 0.050 · rate 0.500<"), 1);
    lw_buf_fini(&svg);
    lw_evaluate_groups_fini(&groups);
    free(rows.row);
}

static void reports(void **state) {
    (void)state;
    struct lw_report *r = lw_report_new(NULL);
    struct lw_report_segment *s = lw_calloc(1, sizeof *s);
    struct lw_buf html = {0};
    char headline[512];
    for (int side = 0; side < LW_SIDES; side++) {
        losses_fill(&r->side[side].errors);
        losses_fill(&s->errors[side]);
    }
    r->segment = s;
    r->nsegments = 1;
    lw_report_headline(r, headline, sizeof headline);
    assert_names(headline, NAMES("Brier 0.050 → 0.050"), 1);
    json_t *o = lw_report_json(r);
    char *json = json_dumps(o, 0);
    assert_names(json,
                 NAMES("\"brier\": 0.05", "\"brier_reference\"", "\"brier_current\""), 3);
    lw_report_html(r, &html);
    assert_names(lw_buf_str(&html),
                 NAMES("<th>Brier</th>", "<th>rate</th>", "Brier reference",
                       "change in mean Brier loss"),
                 4);
    lw_buf_fini(&html);
    free(json);
    json_decref(o);
    lw_report_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backtests),
        cmocka_unit_test(evaluations),
        cmocka_unit_test(reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
