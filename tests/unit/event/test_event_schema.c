/* Schemas: fingerprints equal fastavro's, and invalid schemas are refused. */
#include "support.h"

#include "base/buf.h"
#include "event/canonical.h"
#include "event/node.h"

static void fingerprints_equal_fastavro(void **state) {
    (void)state;
    json_t *cases = load_json("fingerprints.json"), *c;
    size_t i;
    assert_true(json_array_size(cases) >= 8);
    json_array_foreach(cases, i, c) {
        struct lw_schema *schema = schema_of_json(json_object_get(c, "schema"));
        struct lw_buf form = {0};
        char crc[32];
        lw_canonical_form(schema, &form);
        assert_string_equal(lw_buf_str(&form),
                            json_string_value(json_object_get(c, "form")));
        snprintf(crc, sizeof crc, "%016llx",
                 (unsigned long long)lw_schema_fingerprint(schema));
        assert_string_equal(crc, json_string_value(json_object_get(c, "crc")));
        lw_buf_fini(&form);
        lw_schema_free(schema);
    }
    json_decref(cases);
}

static void crc_of_nothing_is_the_polynomial(void **state) {
    (void)state;
    assert_true(lw_canonical_crc64("", 0) == UINT64_C(0xc15d213aa4d7a795));
    /* The specification's example values for "int" and "null". */
    assert_true(lw_canonical_crc64("\"int\"", 5) == UINT64_C(0x7275d51a3f395c8f));
    assert_true(lw_canonical_crc64("\"null\"", 6) == UINT64_C(0x63dd24e7cc258f8a));
}

static void trip_schema_loads(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_schema *schema =
        lw_schema_load(LW_SOURCE_DIR "/schemas/green_trip.avsc", &err);
    assert_non_null(schema);
    const char *const *names;
    assert_int_equal(lw_schema_fields(schema, &names), 16);
    assert_string_equal(names[0], "trip_id");
    assert_string_equal(names[15], "trip_type");
    assert_string_equal(lw_schema_name(schema), "nyc.tlc.GreenTrip");
    assert_non_null(strstr(lw_schema_json(schema), "local-timestamp-millis"));
    assert_true(lw_schema_fingerprint(schema) == UINT64_C(0x14be54e6bd04e821));
    lw_schema_free(schema);
}

static void refused(const char *json, const char *because) {
    struct lw_err err = {0};
    assert_null(lw_schema_parse(json, strlen(json), &err));
    assert_int_equal(err.code, LW_ECONFIG);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\" for %s", err.msg, because, json);
}

#define REC(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

static void errors_name_what_is_wrong(void **state) {
    (void)state;
    refused("", "line 1");
    refused("{\"type\":\n\"record\" oops}", "line 2");
    refused("\"int\"", "must be a record");
    refused("7", "must be text, a list or an object");
    refused("[\"null\", " REC("") "]", "must be a record");
    refused("{\"type\":\"record\",\"fields\":[]}", "needs a name");
    refused("{\"type\":\"record\",\"name\":\"\",\"fields\":[]}", "needs a name");
    refused("{\"type\":\"record\",\"name\":\"a.\",\"fields\":[]}", "end in a dot");
    refused("{\"type\":\"record\",\"name\":\"string\",\"fields\":[]}",
            "the name of a primitive: \"string\"");
    refused("{\"type\":\"record\",\"name\":\"a\\u0000b\",\"fields\":[]}", "needs a name");
    refused("\xff\xfe{", "UTF-16");
    refused("{\"type\":\"record\",\"name\":\"R\"}", "no list of fields");
    refused(REC("{\"name\":\"a\",\"type\":\"integer\"}"), "unknown type \"integer\"");
    refused(REC("{\"name\":\"a\",\"type\":\"integer\"}"), "field \"a\"");
    refused(REC("{\"name\":\"\",\"type\":\"int\"}"), "a name and a type");
    refused(REC("{\"name\":\"a\"}"), "a name and a type");
    refused(REC("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"a\",\"type\":\"int\"}"),
            "twice");
    refused(REC("{\"name\":\"a\",\"type\":\"R\"}"), "infinitely");
    refused(REC("{\"name\":\"a\",\"type\":[\"int\",\"int\"]}"), "twice");
    refused(REC("{\"name\":\"a\",\"type\":[\"int\",[\"null\"]]}"), "within a union");
    refused(REC("{\"name\":\"a\",\"type\":{\"type\":\"array\"}}"), "no items");
    refused(
        REC("{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":\"A\"}}"),
        "no list of symbols");
    refused(
        REC("{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[7]}}"),
        "symbol");
    refused(REC("{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"E\","
                "\"symbols\":[\"A\",\"B\",\"A\"]}}"),
            "listed twice in enum");
    refused(
        REC("{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}}"),
        "size");
    refused(
        REC("{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":99999999}}"),
        "size");
    refused(
        REC("{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":\"R\",\"size\":1}}"),
        "defined twice");
}

/* Schemas that Avro's Java library reads, and that producers in other languages write. */
static void schemas_that_java_reads_are_read(void **state) {
    (void)state;
    static const char *const texts[] = {
        "\xEF\xBB\xBF" REC("{\"name\":\"a\",\"type\":\"int\"}"),
        "/* orders */ // of the shop\n" REC("{\"name\":\"a\",\"type\":\"int\"}"),
        "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"com.my-shop.2024\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"com.my-shop.R\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"R\",\"namespace\":null,\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"R-1\",\"namespace\":\"\",\"fields\":[]}",
        "{\"type\":\"error\",\"name\":\"9x\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"a\\\"b\\\\\\u0001\",\"namespace\":\".n\",\"fields\":[]}",
        REC("{\"name\":\"a b\",\"type\":\"int\"},{\"name\":\"größe\",\"type\":\"int\"}"),
        REC("{\"name\":\"a\",\"type\":[]}"), REC("{\"name\":\"a\",\"type\":[\"null\"]}"),
        REC("{\"name\":\"a\",\"type\":\"double\",\"default\":NaN}"),
        REC("{\"name\":\"a\",\"type\":\"double\",\"default\":-Infinity}"),
        REC("{\"name\":\"a\",\"type\":\"float\",\"default\":\"NaN\"}"),
        REC("{\"name\":\"a\",\"type\":\"double\",\"default\":1e999}"),
        REC("{\"name\":\"a\",\"type\":\"double\",\"default\":12345678901234567890}"),
        REC("{\"name\":\"a\",\"type\":\"bytes\",\"default\":\"\\u0000\\u00ff\"}"),
        REC("{\"name\":\"a\",\"type\":\"int\",\"doc\":\"half \\ud83d, NaN, /* \"}"),
        REC("{\"name\":\"a\",\"type\":\"int\",\"doc\":\"Latin-1: caf\xe9\"}"),
        REC("{\"name\":\"a\",\"type\":\"int\",\"order\":\"ignore\",\"x\":[1,{}]}"),
        REC("{\"name\":\"a\",\"type\":{\"type\":\"string\",\"logicalType\":\"mine\"}}"),
        REC("{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]}}"),
        REC("{\"name\":\"a\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":"
            "[\"a-b\",\"1\",\"\"],\"default\":\"none of them\"}}"),
        /* the same definition twice, and a name without a namespace */
        REC("{\"name\":\"a\",\"type\":{\"type\":\"fixed\",\"name\":\"n.F\",\"size\":2}},"
            "{\"name\":\"b\",\"type\":{\"type\":\"fixed\",\"name\":\"n.F\",\"size\":2}},"
            "{\"name\":\"c\",\"type\":[\"null\",\".R\"]}"),
        REC("{\"name\":\"next\",\"type\":[\"null\",\"R\"],\"default\":null},"
            "{\"name\":\"all\",\"type\":{\"type\":\"array\",\"items\":\"R\"}}")};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lw_err err = {0};
        struct lw_schema *schema = lw_schema_parse(texts[i], strlen(texts[i]), &err);
        if (!schema)
            fail_msg("%s: %s", texts[i], err.msg);
        /* the stored text is strict JSON with the same meaning */
        const char *kept = lw_schema_json(schema);
        struct lw_schema *again = lw_schema_parse(kept, strlen(kept), &err);
        if (!again)
            fail_msg("%s: %s", kept, err.msg);
        assert_true(lw_schema_fingerprint(again) == lw_schema_fingerprint(schema));
        json_t *json = json_loads(kept, JSON_ALLOW_NUL, NULL);
        if (!json)
            fail_msg("%s is not JSON", kept);
        json_decref(json);
        lw_schema_free(again);
        lw_schema_free(schema);
    }
}

/* Records within nullable records, as code generators write them. */
static void deep_records_are_read(void **state) {
    (void)state;
    struct lw_buf text = {0};
    struct lw_err err = {0};
    for (int i = 0; i < 80; i++)
        lw_buf_printf(&text,
                      "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":"
                      "\"a\",\"default\":null,\"type\":[\"null\",",
                      i);
    lw_buf_printf(&text, "\"int\"");
    for (int i = 0; i < 80; i++)
        lw_buf_printf(&text, "]}]}");
    struct lw_schema *schema = lw_schema_parse((char *)text.data, text.len, &err);
    if (!schema)
        fail_msg("%s", err.msg);
    lw_schema_free(schema);
    lw_buf_fini(&text);
}

static void size_and_depth_are_bounded(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_buf text = {0};
    lw_buf_printf(
        &text,
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":");
    for (int i = 0; i < 1000; i++)
        lw_buf_printf(&text, "{\"type\":\"array\",\"items\":");
    lw_buf_printf(&text, "\"int\"");
    for (int i = 0; i < 1000; i++)
        lw_buf_printf(&text, "}");
    lw_buf_printf(&text, "}]}");
    assert_null(lw_schema_parse((char *)text.data, text.len, &err));
    assert_non_null(strstr(err.msg, "deeper than 256"));
    lw_err_clear(&err);
    assert_null(lw_schema_parse((char *)text.data, LW_SCHEMA_BYTES_MAX + 1, &err));
    assert_non_null(strstr(err.msg, "at most"));
    lw_buf_clear(&text);
    lw_buf_printf(&text, "{\"type\":\"record\",\"name\":\"R\",\"fields\":[");
    for (int i = 0; i < LW_RECORD_FIELDS_MAX; i++)
        lw_buf_printf(&text,
                      "%s{\"name\":\"f%d\",\"type\":[\"null\",\"int\",\"string\"]}",
                      i ? "," : "", i);
    lw_buf_printf(&text, "]}");
    lw_err_clear(&err);
    assert_null(lw_schema_parse((char *)text.data, text.len, &err));
    assert_non_null(strstr(err.msg, "more types"));
    text.len -= 2;
    lw_buf_printf(&text, ",{\"name\":\"g\",\"type\":\"int\"}]}");
    lw_err_clear(&err);
    assert_null(lw_schema_parse((char *)text.data, text.len, &err));
    assert_non_null(strstr(err.msg, "more fields"));
    lw_buf_fini(&text);
}

static void the_error_names_a_missing_file(void **state) {
    (void)state;
    struct lw_err err = {0};
    assert_null(lw_schema_load("/nonexistent/x.avsc", &err));
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "/nonexistent/x.avsc"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints_equal_fastavro),
        cmocka_unit_test(crc_of_nothing_is_the_polynomial),
        cmocka_unit_test(trip_schema_loads),
        cmocka_unit_test(errors_name_what_is_wrong),
        cmocka_unit_test(schemas_that_java_reads_are_read),
        cmocka_unit_test(deep_records_are_read),
        cmocka_unit_test(size_and_depth_are_bounded),
        cmocka_unit_test(the_error_names_a_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
