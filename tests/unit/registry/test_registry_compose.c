/* A schema and its references are composed into a single schema with the same types and
 * the same bytes on the wire; hostile ones stay bounded. */
#include "support.h"

static struct lw_text text_of(const char *text) {
    return (struct lw_text){text, strlen(text)};
}

/* Composes, and parses as any Avro tool would. */
static struct lw_schema *compose_text(const char *top, const char *const *part,
                                      size_t n) {
    struct lw_text parts[8];
    struct lw_err err = {0};
    for (size_t i = 0; i < n; i++)
        parts[i] = text_of(part[i]);
    char *text = lw__compose(text_of(top), parts, n, &err);
    if (!text)
        fail_msg("%s", err.msg);
    struct lw_schema *schema = lw_schema_parse(text, strlen(text), &err);
    if (!schema)
        fail_msg("%s\n%s", err.msg, text);
    free(text);
    return schema;
}

/* Compares the types with those of the schema that was written by hand as a whole. */
static void assert_composed(const char *top, const char *const *part, size_t n,
                            const char *whole) {
    struct lw_schema *schema = compose_text(top, part, n);
    struct lw_err err = {0};
    struct lw_schema *want = lw_schema_parse(whole, strlen(whole), &err);
    if (!want)
        fail_msg("%s", err.msg);
    if (lw_schema_fingerprint(schema) != lw_schema_fingerprint(want))
        fail_msg("%s\nis not\n%s", lw_schema_json(schema), whole);
    lw_schema_free(schema);
    lw_schema_free(want);
}

static void a_type_is_inserted_at_its_first_use(void **state) {
    (void)state;
    const char *zone = "{\"type\":\"record\",\"name\":\"Zone\",\"namespace\":\"a.b\","
                       "\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}";
    assert_composed("{\"type\":\"record\",\"name\":\"Trip\",\"namespace\":\"a.c\","
                    "\"fields\":[{\"name\":\"from\",\"type\":\"a.b.Zone\"},"
                    "{\"name\":\"to\",\"type\":[\"null\",\"a.b.Zone\"]},"
                    "{\"name\":\"n\",\"type\":{\"type\":\"long\",\"logicalType\":"
                    "\"timestamp-millis\"}}]}",
                    &zone, 1,
                    "{\"type\":\"record\",\"name\":\"a.c.Trip\",\"fields\":["
                    "{\"name\":\"from\",\"type\":{\"type\":\"record\",\"name\":"
                    "\"a.b.Zone\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}},"
                    "{\"name\":\"to\",\"type\":[\"null\",\"a.b.Zone\"]},"
                    "{\"name\":\"n\",\"type\":\"long\"}]}");
}

/* Types that need types, an enum in a map in an array, a type used within the shared
 * namespace, a definition nested in another one. */
static void references_of_references_are_composed(void **state) {
    (void)state;
    const char *parts[] = {
        "{\"type\":\"record\",\"name\":\"Place\",\"namespace\":\"g\",\"fields\":["
        "{\"name\":\"kind\",\"type\":\"Kind\"},"
        "{\"name\":\"at\",\"type\":{\"type\":\"record\",\"name\":\"Point\",\"fields\":["
        "{\"name\":\"x\",\"type\":\"double\"}]}}]}",
        "{\"type\":\"enum\",\"name\":\"g.Kind\",\"symbols\":[\"A\",\"B\"]}"};
    assert_composed("{\"type\":\"record\",\"name\":\"g.Trip\",\"fields\":["
                    "{\"name\":\"p\",\"type\":\"Point\"},"
                    "{\"name\":\"m\",\"type\":{\"type\":\"array\",\"items\":"
                    "{\"type\":\"map\",\"values\":{\"type\":\"g.Kind\"}}}},"
                    "{\"name\":\"q\",\"type\":\"g.Place\"}]}",
                    parts, 2,
                    "{\"type\":\"record\",\"name\":\"g.Trip\",\"fields\":["
                    "{\"name\":\"p\",\"type\":{\"type\":\"record\",\"name\":\"g.Point\","
                    "\"fields\":[{\"name\":\"x\",\"type\":\"double\"}]}},"
                    "{\"name\":\"m\",\"type\":{\"type\":\"array\",\"items\":"
                    "{\"type\":\"map\",\"values\":{\"type\":\"enum\",\"name\":\"g.Kind\","
                    "\"symbols\":[\"A\",\"B\"]}}}},"
                    "{\"name\":\"q\",\"type\":{\"type\":\"record\",\"name\":\"g.Place\","
                    "\"fields\":[{\"name\":\"kind\",\"type\":\"g.Kind\"},"
                    "{\"name\":\"at\",\"type\":\"g.Point\"}]}}]}");
}

/* A type without a namespace stays without one inside a record that has one, and a
 * schema's own definition takes precedence over a referenced one of the same name. */
static void namespaces_do_not_change(void **state) {
    (void)state;
    const char *parts[] = {"{\"type\":\"fixed\",\"name\":\"Hash\",\"size\":4}",
                           "{\"type\":\"fixed\",\"name\":\"n.Own\",\"size\":9}"};
    struct lw_schema *schema = compose_text(
        "{\"type\":\"record\",\"name\":\"n.R\",\"fields\":["
        "{\"name\":\"h\",\"type\":\"Hash\"},"
        "{\"name\":\"o\",\"type\":{\"type\":\"fixed\",\"name\":\"Own\",\"size\":2}},"
        "{\"name\":\"more\",\"type\":\"Own\"}]}",
        parts, 2);
    struct lw_fields fields = {0};
    struct lw_cell cells[2];
    struct lw_err err = {0};
    lw_fields_add(&fields, "h", LW_TEXT, true, NULL);
    lw_fields_add(&fields, "more", LW_TEXT, true, NULL);
    struct lw_decoder *d = lw_decoder_new_avro(schema, schema, &fields, &err);
    assert_non_null(d);
    const uint8_t datum[] = "abcdOOMM";
    assert_int_equal(lw_decoder_decode_bytes(d, datum, 8, cells, &err), 0);
    assert_int_equal(cells[0].len, 4);
    assert_memory_equal(cells[1].text, "MM", 2);
    lw_decoder_free(d);
    lw_schema_free(schema);
}

static void assert_refused(const char *top, const char *part, const char *because) {
    struct lw_text parts = text_of(part);
    struct lw_err err = {0};
    assert_null(lw__compose(text_of(top), &parts, 1, &err));
    assert_int_equal(err.code, LW_EINPUT);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
}

static void hostile_schemas_are_refused(void **state) {
    (void)state;
    struct lw_buf deep = {0}, chain = {0};
    for (int i = 0; i < 300; i++)
        lw_buf_printf(&deep, "{\"type\":\"array\",\"items\":");
    lw_buf_printf(&deep, "\"int\"");
    for (int i = 0; i < 300; i++)
        lw_buf_printf(&deep, "}");
    assert_refused(lw_buf_str(&deep), "\"int\"", "nested deeper");
    assert_refused("\"int\"", lw_buf_str(&deep), "nested deeper");
    assert_refused("{", "\"int\"", "not JSON");
    assert_refused("\"int\"", "[1", "not JSON");
    /* types that need one another, nested deeper than a schema may be */
    lw_buf_printf(&chain, "[");
    for (int i = 0; i < 200; i++)
        lw_buf_printf(&chain,
                      "%s{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":"
                      "\"a\",\"type\":\"R%d\"}]}",
                      i ? "," : "", i, i + 1);
    lw_buf_printf(&chain, "]");
    assert_refused("\"R0\"", lw_buf_str(&chain), "nested deeper");
    lw_buf_fini(&deep);
    lw_buf_fini(&chain);
}

/* A long namespace that every short name would carry: kilobytes in, gigabytes out. */
static void long_namespaces_do_not_multiply(void **state) {
    (void)state;
    struct lw_buf top = {0};
    lw_buf_printf(&top, "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"");
    for (int i = 0; i < 100000; i++)
        lw_buf_u8(&top, 'n');
    lw_buf_printf(&top, "\",\"fields\":[");
    for (int i = 0; i < 4000; i++)
        lw_buf_printf(&top, "%s{\"name\":\"f%d\",\"type\":\"X\"}", i ? "," : "", i);
    lw_buf_printf(&top, "]}");
    assert_refused(lw_buf_str(&top), "\"int\"", "names of its types exceed");
    lw_buf_fini(&top);
}

/* Text that is not a schema is returned unchanged; the parser reports the error. */
static void invalid_schemas_pass_through(void **state) {
    (void)state;
    const char *const odd[] = {"7",
                               "null",
                               "{}",
                               "[]",
                               "{\"type\":\"record\"}",
                               "{\"type\":\"record\",\"name\":\"R\",\"fields\":[7,{}]}",
                               "{\"type\":\"array\"}",
                               "\"no.such.Type\"",
                               "{\"type\":{\"type\":7}}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
            struct lw_text part = text_of(odd[k]);
            char *text = lw__compose(text_of(odd[i]), &part, 1, NULL);
            assert_non_null(text);
            free(text);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_inserted_at_its_first_use),
        cmocka_unit_test(references_of_references_are_composed),
        cmocka_unit_test(namespaces_do_not_change),
        cmocka_unit_test(hostile_schemas_are_refused),
        cmocka_unit_test(long_namespaces_do_not_multiply),
        cmocka_unit_test(invalid_schemas_pass_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
