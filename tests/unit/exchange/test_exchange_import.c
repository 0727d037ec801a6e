/* Models of XGBoost, LightGBM and scikit-learn predict what those libraries predicted
 * (tests/data/exchange/make_models.py), and every export gives the same model again. */
#include "exchange_test.h"

#define ROWS 60

struct known_row {
    struct lw_cell cell[5];
    double want[3]; /* xgboost, lightgbm, linear */
};

static struct lw_cell number_cell(double v) {
    return isnan(v) ? lw_cell_missing() : lw_cell_num(v);
}

static void read_rows(struct known_row *row) {
    size_t len;
    char *text = exchange_file("rows.txt", &len), *at = text;
    for (int i = 0; i < ROWS; i++) {
        double v[7];
        for (int k = 0; k < 7; k++)
            v[k] = strtod(at, &at);
        row[i].cell[0] = number_cell(v[0]);
        row[i].cell[1] = number_cell(v[1]);
        row[i].cell[2] = lw_cell_int((int64_t)v[2]);
        row[i].cell[3] = lw_cell_int((int64_t)v[3] * LW_HOUR);
        row[i].cell[4] = lw_cell_missing();
        memcpy(row[i].want, v + 4, sizeof row[i].want);
    }
    free(text);
}

static struct lw_model *import_bytes(const void *data, size_t len) {
    struct lw_exchange to;
    struct lw_fields fields;
    struct lw_err err = {0};
    enum lw_exchange_format format;
    exchange_stream(&to, &fields);
    struct lw_model *m = lw_exchange_import(&to, data, len, &format, &err);
    if (!m)
        fail_msg("%s", err.msg);
    return m;
}

static void predictions_equal_the_librarys(void **state) {
    static const int column[EXCHANGE_FILES] = {0, 0, 1, 2};
    struct known_row row[ROWS];
    (void)state;
    read_rows(row);
    for (size_t f = 0; f < EXCHANGE_FILES; f++) {
        size_t len;
        char *bytes = exchange_file(exchange_files[f], &len);
        struct lw_model *m = import_bytes(bytes, len);
        for (int i = 0; i < ROWS; i++) {
            struct lw_row r = {.cells = row[i].cell, .target = NAN};
            double got = lw_model_predict(m, &r), want = row[i].want[column[f]];
            if (!(fabs(got - want) <= 1e-12))
                fail_msg("%s, row %d: %.17g, not %.17g", exchange_files[f], i, got, want);
        }
        lw_model_free(m);
        free(bytes);
    }
}

static void an_export_gives_the_same_bytes(void **state) {
    (void)state;
    for (size_t f = 0; f < EXCHANGE_FILES; f++) {
        size_t len;
        char *bytes = exchange_file(exchange_files[f], &len);
        struct lw_model *m = import_bytes(bytes, len);
        struct lw_buf first = {0};
        struct lw_err err = {0};
        assert_int_equal(lw_model_encode(m, &first, &err), 0);
        for (int format = LW_EXCHANGE_AVRO; format <= LW_EXCHANGE_XGBOOST; format++) {
            struct lw_buf out = {0}, again = {0};
            lw_err_clear(&err);
            if (lw_exchange_export(m, (enum lw_exchange_format)format, &out, &err)) {
                assert_int_equal(err.code, LW_EINPUT);
                continue;
            }
            struct lw_model *copy = import_bytes(out.data, out.len);
            assert_int_equal(lw_model_encode(copy, &again, &err), 0);
            assert_int_equal(again.len, first.len);
            assert_memory_equal(again.data, first.data, first.len);
            lw_model_free(copy);
            lw_buf_fini(&again);
            lw_buf_fini(&out);
        }
        lw_buf_fini(&first);
        lw_model_free(m);
        free(bytes);
    }
}

static void refused(const char *text, size_t len, const char *place) {
    struct lw_exchange to;
    struct lw_fields fields;
    struct lw_err err = {0};
    enum lw_exchange_format format;
    exchange_stream(&to, &fields);
    to.minutes = true;
    assert_null(lw_exchange_import(&to, text, len, &format, &err));
    if (!strstr(err.msg, place))
        fail_msg("\"%s\" does not contain \"%s\"", err.msg, place);
}

static void what_cannot_be_held_is_refused_with_its_place(void **state) {
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"{\"link\": \"log\", \"intercept\": 1, \"terms\": {\"x\": 1}}", "link"},
        {"{\"intercept\": 1, \"terms\": {\"x\": 1}, \"target_unit\": \"s\"}",
         "target_unit"},
        {"{\"intercept\": 1, \"terms\": {\"fare\": 1}}", "target"},
        {"{\"intercept\": 1, \"terms\": {\"qbins(x, 4)\": {\"1\": 2}}}", "qbins"},
        {"{\"intercept\": 1, \"terms\": {\"zone * x\": {\"1\": \"2x\"}}}", "zone * x"},
        {"{\"intercept\": 1e999, \"terms\": {\"x\": 1}}", "line 1"},
        {"{\"intercept\": 1, \"terms\": {\"zone\": {\"1\": true}}}", "terms.zone.1"},
        {"{\"intercept\": \"1\", \"terms\": {\"x\": 1}}", "intercept"},
        {"{\"format\": 5}", "it is missing"},
        {"{\"learner\": {}}", "learner.objective"},
        {"tree\nversion=v4\nend of trees\n", "no trees"},
        {"tree\nfeature_names=x\nTree=0\nnum_leaves=2\nend of trees\n", "line 3"},
        {"tree\nobjective=binary sigmoid:1\n", "line 2"},
        {"{i\x05*", "byte"},
        {"", "not a model"},
        {"<PMML version=\"4.4\">", "PMML"},
        {"\x80\x04\x95", "pickle"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(cases[i].text, strlen(cases[i].text), cases[i].place);
    refused("\x08\x08\x12\x07pytorch", 11, "ONNX");
}

/* Nothing that nests or counts costs more than its bytes. */
static void absurd_sizes_are_refused(void **state) {
    static const char *const heads[] = {"{L\x7f\xff\xff\xff\xff\xff\xff\xff",
                                        "{i\x01x[$Z#L\x7f\xff\xff\xff",
                                        "{i\x01x[$U#l\x7f\xff\xff\xff"};
    size_t n = 100000;
    char *deep = lw_malloc(n + 4);
    (void)state;
    for (size_t i = 0; i < 3; i++)
        refused(heads[i], 10, "byte");
    memcpy(deep, "{i\x01x", 4);
    memset(deep + 4, '[', n);
    refused(deep, n + 4, "nested");
    memset(deep, '[', n);
    memcpy(deep, "{\"x\":", 5);
    refused(deep, n, "line 1");
    free(deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_equal_the_librarys),
        cmocka_unit_test(an_export_gives_the_same_bytes),
        cmocka_unit_test(what_cannot_be_held_is_refused_with_its_place),
        cmocka_unit_test(absurd_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
