/* /metrics and docs/metrics.md match the table, and promtool accepts the output. */
#include "http_test.h"

#include <sys/wait.h>

#include "base/buf.h"
#include "base/text.h"
#include "http/metrics.h"
#include "support/manual.h"

#define NOBODY "redis://127.0.0.1:1"

static const struct manual manual = {.path = LW_SOURCE_DIR "/docs/metrics.md",
                                     .test = "test_http_metrics",
                                     .write = lw_metrics_document};

static void the_manual_is_up_to_date(void **state) {
    (void)state;
    manual_is_up_to_date(&manual);
}

static void names_follow_prometheus_rules(void **state) {
    (void)state;
    const struct lw_metric_row *r;
    for (size_t i = 0; (r = lw_metric_row_at(i)); i++) {
        size_t len = strlen(r->name);
        bool total = len > 6 && strcmp(r->name + len - 6, "_total") == 0;
        assert_int_equal(total, strcmp(r->type, "counter") == 0);
        assert_true(strncmp(r->name, "leeway_", 7) == 0 ||
                    strncmp(r->name, "process_", 8) == 0);
        assert_true(r->help[strlen(r->help) - 1] == '.');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(r->name, lw_metric_row_at(k)->name);
    }
}

static char *scrape(struct fixture *f) {
    struct http_answer a;
    char value[100];
    http_ask(f->port, "GET", "/metrics", "", NULL, &a);
    assert_int_equal(a.status, 200);
    assert_non_null(http_header(&a, "Content-Type", value, sizeof value));
    assert_non_null(strstr(value, "version=0.0.4"));
    return a.body;
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

/* "name{label="value",...} number", of the metric whose HELP and TYPE came last. */
static void check_sample(const char *line, const struct lw_metric_row *row) {
    size_t name = strcspn(line, "{ ");
    double v;
    bool of_row = strncmp(line, row->name, strlen(row->name)) == 0;
    bool histogram = strcmp(row->type, "histogram") == 0;
    if (!of_row || (!histogram && name != strlen(row->name)))
        fail_msg("\"%s\" is listed under %s", line, row->name);
    const char *number = strrchr(line, ' ');
    assert_non_null(number);
    assert_true(lw_parse_f64(number + 1, &v));
    for (const char *at = line[name] == '{' ? line + name + 1 : NULL; at && *at != '}';) {
        char label[80];
        size_t len = strcspn(at, "=");
        lw_copy(label, len + 1 < sizeof label ? len + 1 : sizeof label, at);
        if (!histogram && !strstr(row->labels, label))
            fail_msg("%s has no label %s", row->name, label);
        for (at += len + 2; *at != '"'; at++)
            at += *at == '\\'; /* an escaped quote does not end the value */
        at++;
        at += *at == ',';
    }
}

static void metrics_are_those_of_the_table(void **state) {
    (void)state;
    struct fixture f;
    fixture_load(&f, NOBODY);
    f.vitals.counts.n[LW_PROCESS_MESSAGES] = 12345678901;
    f.vitals.counts.n[LW_PROCESS_FLUSH_US] = 1500000;
    lw_copy(f.vitals.who, sizeof f.vitals.who, "a\"b\\c:1");
    fixture_start(&f);
    char *page = scrape(&f), *save = NULL, head[200];
    const struct lw_metric_row *r;
    for (size_t i = 0; (r = lw_metric_row_at(i)); i++) {
        snprintf(head, sizeof head, "# TYPE %s %s\n", r->name, r->type);
        assert_int_equal(count(page, head), 1);
        snprintf(head, sizeof head, "# HELP %s ", r->name);
        assert_int_equal(count(page, head), 1);
    }
    assert_non_null(strstr(page, "\nleeway_messages_total 12345678901\n"));
    assert_non_null(strstr(page, "\nleeway_flush_seconds_total 1.5\n"));
    assert_non_null(strstr(page, "process=\"a\\\"b\\\\c:1\""));
    assert_non_null(strstr(page, "\nleeway_redis_up 0\n"));
    assert_null(strstr(page, "\nleeway_model_version ")); /* unknown: no sample */
    size_t row = SIZE_MAX;
    for (char *line = strtok_r(page, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# HELP ", 7) == 0)
            row++;
        else if (line[0] != '#')
            check_sample(line, lw_metric_row_at(row));
    }
    assert_null(lw_metric_row_at(row + 1));
    free(page);
    fixture_stop(&f);
}

static void promtool_accepts_the_output(void **state) {
    (void)state;
    struct fixture f;
    if (system("command -v promtool >/dev/null") != 0) {
        print_message("promtool is not installed (Debian's package prometheus)\n");
        skip();
    }
    fixture_load(&f, NOBODY);
    fixture_start(&f);
    char *page = scrape(&f);
    FILE *tool = popen("promtool check metrics", "w");
    assert_non_null(tool);
    fputs(page, tool);
    assert_int_equal(pclose(tool), 0);
    free(page);
    fixture_stop(&f);
}

static void latencies_fall_into_buckets(void **state) {
    (void)state;
    struct lw_latency l = {0};
    lw_metrics_latency_add(&l, 0);
    lw_metrics_latency_add(&l, 50); /* bounds are inclusive */
    lw_metrics_latency_add(&l, 51);
    lw_metrics_latency_add(&l, 1000000);
    lw_metrics_latency_add(&l, 1000001); /* beyond the last */
    assert_int_equal(l.bucket[0], 2);
    assert_int_equal(l.bucket[1], 1);
    assert_int_equal(l.bucket[LW_LATENCIES - 1], 1);
    assert_int_equal(l.bucket[LW_LATENCIES], 1);
    assert_int_equal(l.sum_us, 2000102);
}

int main(int argc, char **argv) {
    int written = manual_write(&manual, argc, argv);
    if (written >= 0)
        return written;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_is_up_to_date),
        cmocka_unit_test(names_follow_prometheus_rules),
        cmocka_unit_test(metrics_are_those_of_the_table),
        cmocka_unit_test(promtool_accepts_the_output),
        cmocka_unit_test(latencies_fall_into_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
