/* Records in JSON: the same cells as for the same record in Avro, defaults, and errors
 * that name the field. */
#include "support.h"

#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/varint.h"
#include "event/decoder.h"

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"i\",\"type\":\"int\"},"
    "{\"name\":\"l\",\"type\":[\"null\",\"long\"]},"
    "{\"name\":\"d\",\"type\":\"double\"},"
    "{\"name\":\"f\",\"type\":[\"float\",\"null\"]},"
    "{\"name\":\"b\",\"type\":\"boolean\"},"
    "{\"name\":\"s\",\"type\":\"string\"},"
    "{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\",\"B\"]}},"
    "{\"name\":\"y\",\"type\":\"bytes\"},"
    "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"X\",\"size\":2}},"
    "{\"name\":\"ms\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}},"
    "{\"name\":\"us\",\"type\":{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}},"
    "{\"name\":\"day\",\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}},"
    "{\"name\":\"in\",\"type\":{\"type\":\"record\",\"name\":\"I\",\"fields\":["
    "{\"name\":\"z\",\"type\":\"int\"}]}},"
    "{\"name\":\"def\",\"type\":\"int\",\"default\":7},"
    "{\"name\":\"un\",\"type\":[\"null\",\"string\",\"int\"],\"default\":null}]}";

static const char fields_text[] =
    "i:category, l:numeric, d:numeric, f:numeric, b:category, s:category, e:category, "
    "y:text, x:category, ms:timestamp, us:timestamp, day:timestamp, in.z:numeric, "
    "def:numeric, un:category";

struct kit {
    struct lw_schema *schema;
    struct lw_fields fields;
    struct lw_decoder *json;
    struct lw_decoder *avro;
    bool needed[LW_FIELDS_MAX];
    struct lw_decoder_scratch scratch;
};

static int start(void **state) {
    struct kit *k = calloc(1, sizeof *k);
    struct lw_err err = {0};
    k->schema = schema_of_text(schema_text);
    k->fields = fields_of_text(fields_text);
    k->json = lw_decoder_new_json(k->schema, &k->fields, &err);
    k->avro = lw_decoder_new_avro(k->schema, k->schema, &k->fields, &err);
    if (!k->json || !k->avro)
        fail_msg("%s", err.msg);
    *state = k;
    return 0;
}

static int stop(void **state) {
    struct kit *k = *state;
    lw_decoder_scratch_fini(&k->scratch);
    lw_decoder_free(k->json);
    lw_decoder_free(k->avro);
    lw_schema_free(k->schema);
    free(k);
    return 0;
}

static int decode(struct kit *k, const char *text, struct lw_cell *cells, json_t **keep,
                  struct lw_err *err) {
    json_error_t at;
    *keep = json_loads(text, JSON_DECODE_ANY, &at);
    if (!*keep)
        fail_msg("%s: %s", text, at.text);
    *err = (struct lw_err){0};
    struct lw_encoded_record record = {.json = *keep, .needed = k->needed};
    return lw_decoder_decode(k->json, &record, &k->scratch, cells, err);
}

/* ---- equivalence ---- */

static void put_text(struct lw_buf *out, const char *text) {
    lw_varint_put_long(out, (int64_t)strlen(text));
    lw_buf_put(out, text, strlen(text));
}

/* One random record in both encodings. */
static void make(struct lw_rng *rng, struct lw_buf *avro, struct lw_buf *json) {
    int i = (int)lw_rng_below(rng, 1000) - 500;
    int64_t l = (int64_t)lw_rng_next(rng) >> (int)lw_rng_below(rng, 60);
    int64_t ms = (int64_t)lw_rng_below(rng, 4000000000000) - 2000000000000;
    double d = lw_rng_normal(rng) * 1000;
    float f = (float)lw_rng_below(rng, 1000) / 4;
    bool null_l = lw_rng_below(rng, 3) == 0, null_f = lw_rng_below(rng, 3) == 0;
    bool b = lw_rng_below(rng, 2) == 0, e = lw_rng_below(rng, 2) == 0;
    const char *s = lw_rng_below(rng, 2) ? "Grüße" : "";
    char l_text[40], f_text[40];
    snprintf(l_text, sizeof l_text, "%lld", (long long)l);
    snprintf(f_text, sizeof f_text, "%g", (double)f);
    lw_varint_put_long(avro, i);
    lw_varint_put_long(avro, null_l ? 0 : 1);
    if (!null_l)
        lw_varint_put_long(avro, l);
    lw_buf_f64(avro, d);
    lw_varint_put_long(avro, null_f ? 1 : 0);
    if (!null_f)
        lw_buf_put(avro, &f, sizeof f); /* little-endian, as on all supported machines */
    lw_buf_u8(avro, b);
    put_text(avro, s);
    lw_varint_put_long(avro, e);
    put_text(avro, "bytes");
    lw_buf_put(avro, "xy", 2);
    lw_varint_put_long(avro, ms);
    lw_varint_put_long(avro, ms * 1000 + 7);
    lw_varint_put_long(avro, ms / LW_DAY);
    lw_varint_put_long(avro, i);
    lw_varint_put_long(avro, 9);
    lw_varint_put_long(avro, 2);
    lw_varint_put_long(avro, i);
    lw_buf_printf(
        json,
        "{\"i\":%d,\"l\":%s,\"d\":%.17g,\"f\":%s,\"b\":%s,\"s\":\"%s\",\"e\":\"%s\","
        "\"y\":\"bytes\",\"x\":\"xy\",\"ms\":%lld,\"us\":%lld,\"day\":%lld,"
        "\"in\":{\"z\":%d},\"def\":9,\"un\":%d}",
        i, null_l ? "null" : l_text, d, null_f ? "null" : f_text, b ? "true" : "false", s,
        e ? "B" : "A", (long long)ms, (long long)(ms * 1000 + 7),
        (long long)(ms / LW_DAY), i, i);
}

static void assert_same(const char *name, const struct lw_cell *a,
                        const struct lw_cell *b) {
    bool num = (isnan(a->num) && isnan(b->num)) || a->num == b->num;
    if (a->present != b->present || !num || a->key != b->key ||
        (a->text != NULL) != (b->text != NULL) ||
        (a->text && (a->len != b->len || memcmp(a->text, b->text, a->len) != 0)))
        fail_msg("%s: %d %.17g %llx, in JSON %d %.17g %llx", name, a->present, a->num,
                 (unsigned long long)a->key, b->present, b->num,
                 (unsigned long long)b->key);
}

static void json_and_avro_give_the_same_cells(void **state) {
    struct kit *k = *state;
    struct lw_rng rng;
    lw_rng_seed(&rng, 20);
    for (int n = 0; n < 2000; n++) {
        struct lw_buf avro = {0}, text = {0};
        struct lw_cell a[LW_FIELDS_MAX], b[LW_FIELDS_MAX];
        struct lw_err err = {0};
        json_t *keep;
        make(&rng, &avro, &text);
        if (lw_decoder_decode_bytes(k->avro, avro.data, avro.len, a, &err) ||
            decode(k, lw_buf_str(&text), b, &keep, &err))
            fail_msg("record %d: %s", n, err.msg);
        for (size_t i = 0; i < k->fields.n; i++)
            assert_same(k->fields.field[i].name, &a[i], &b[i]);
        json_decref(keep);
        lw_buf_fini(&avro);
        lw_buf_fini(&text);
    }
}

/* ---- single values ---- */

static void times_may_be_text(void **state) {
    struct kit *k = *state;
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_err err;
    json_t *keep;
    assert_int_equal(
        decode(k, "{\"ms\":\"2020-03-12T05:00:00Z\",\"us\":\"2020-03-12 05:00\"}", cells,
               &keep, &err),
        0);
    int ms = lw_fields_find(&k->fields, "ms"), us = lw_fields_find(&k->fields, "us");
    assert_int_equal(cells[ms].key, 1583989200000);
    assert_int_equal(cells[us].key, 1583989200000);
    json_decref(keep);
}

static void absent_fields_have_their_default_or_are_missing(void **state) {
    struct kit *k = *state;
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_err err;
    json_t *keep;
    assert_int_equal(decode(k, "{\"un\":null}", cells, &keep, &err), 0);
    int def = lw_fields_find(&k->fields, "def");
    for (size_t i = 0; i < k->fields.n; i++)
        assert_int_equal(cells[i].present, (int)i == def);
    assert_true(cells[def].num == 7);
    json_decref(keep);
}

static void needed_fields_must_be_present(void **state) {
    struct kit *k = *state;
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_err err;
    json_t *keep;
    int d = lw_fields_find(&k->fields, "d"), l = lw_fields_find(&k->fields, "l");
    k->needed[d] = k->needed[l] = true;
    assert_int_equal(decode(k, "{\"i\":1}", cells, &keep, &err), -1);
    assert_string_equal(err.msg, "field \"d\" is missing");
    json_decref(keep);
    assert_int_equal(decode(k, "{\"d\":null}", cells, &keep, &err), -1);
    assert_string_equal(err.msg, "field \"d\" must not be null");
    json_decref(keep);
    assert_int_equal(decode(k, "{\"d\":1}", cells, &keep, &err), 0); /* l may be null */
    json_decref(keep);
    k->fields.field[l].required = true;
    assert_int_equal(decode(k, "{\"d\":1}", cells, &keep, &err), -1);
    assert_string_equal(err.msg, "field \"l\" is missing");
    json_decref(keep);
    k->fields.field[l].required = false;
    k->needed[d] = k->needed[l] = false;
}

static void errors_name_the_impossible_value(void **state) {
    struct kit *k = *state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[]", "a record must be an object"},
        {"7", "a record must be an object"},
        {"{\"I\":1}", "there is no field \"I\""},
        {"{\"i\":\"1\"}", "field \"i\" must be a number, not \"1\""},
        {"{\"d\":\"x\"}", "field \"d\" must be a number, not \"x\""},
        {"{\"d\":true}", "field \"d\" must be a number, not true"},
        {"{\"b\":1}", "field \"b\" must be true or false"},
        {"{\"s\":1}", "field \"s\" must be text"},
        {"{\"y\":\"\\u0100\"}", "field \"y\" must be text with a character"},
        {"{\"x\":\"long\"}", "field \"x\" must be text with a character"},
        {"{\"ms\":true}", "field \"ms\" must be a number"},
        {"{\"ms\":\"noon\"}", "field \"ms\" must be a time: a number"},
        {"{\"us\":\"2020-02-30\"}", "such as \"2020-03-12T05:00:00+01:00\", not"},
        {"{\"in\":{\"z\":\"x\"}}", "field \"in.z\" must be a number"},
        {"{\"un\":true}", "field \"un\" does not match any branch"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_cell cells[LW_FIELDS_MAX];
        struct lw_err err;
        json_t *keep;
        if (decode(k, cases[i].text, cells, &keep, &err) == 0)
            fail_msg("%s is accepted", cases[i].text);
        assert_int_equal(err.code, LW_EINPUT);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s: \"%s\", wanted \"%s\"", cases[i].text, err.msg, cases[i].says);
        json_decref(keep);
    }
}

/* As in a stream: the value is of the type, but does not convert to the field's kind. */
static void unconvertible_values_are_missing_unless_required(void **state) {
    struct kit *k = *state;
    static const struct {
        const char *field, *value, *says;
    } cases[] = {{"i", "1.5", "field \"i\": a category must be a whole number: 1.5"},
                 {"e", "\"C\"", "field \"e\": not a symbol of the schema's enum: \"C\""},
                 {"ms", "9007199254740993", "not a plausible time: 9007199254740993"},
                 {"ms", "1e300", "field \"ms\": not a plausible time: 1e+300"},
                 {"day", "99999999999999", "field \"day\": not a plausible time"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_cell cells[LW_FIELDS_MAX];
        struct lw_err err;
        json_t *keep;
        char text[100];
        int at = lw_fields_find(&k->fields, cases[i].field);
        snprintf(text, sizeof text, "{\"%s\":%s}", cases[i].field, cases[i].value);
        k->needed[at] = true; /* no effect */
        if (decode(k, text, cells, &keep, &err))
            fail_msg("%s: %s", text, err.msg);
        assert_false(cells[at].present);
        json_decref(keep);
        k->needed[at] = false;
        k->fields.field[at].required = true;
        if (decode(k, text, cells, &keep, &err) == 0)
            fail_msg("%s is accepted", text);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("%s: \"%s\"", text, err.msg);
        json_decref(keep);
        k->fields.field[at].required = false;
    }
}

/* Values in other forms that people and programs write; streams accept them too. */
static void numbers_times_and_unions_in_other_forms(void **state) {
    struct kit *k = *state;
    static const struct {
        const char *field, *value;
        double num;
    } cases[] = {{"i", "3.0", 3},
                 {"i", "-0.0", 0},
                 {"i", "2147483648", 2147483648.0},
                 {"l", "3.0", 3},
                 {"l", "3.5", 3.5},
                 {"l", "{\"long\":7}", 7},
                 {"d", "3", 3},
                 {"d", "\"Infinity\"", INFINITY},
                 {"f", "0.1", (double)0.1f},
                 {"f", "{\"float\":0.5}", .5},
                 {"in.z", "4.0", 4},
                 {"un", "{\"int\":5}", 5},
                 {"un", "5", 5},
                 {"ms", "1583989200000.0", 1583989200000},
                 {"ms", "\"2020-03-12T06:00:00+01:00\"", 1583989200000},
                 {"us", "\"2020-03-11T21:00:00.000-08:00\"", 1583989200000},
                 {"us", "1583989200000000", 1583989200000},
                 {"us", "1583989200000999.0", 1583989200000},
                 {"day", "\"2020-03-12\"", 1583971200000},
                 {"day", "18333.0", 1583971200000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_cell cells[LW_FIELDS_MAX];
        struct lw_err err;
        json_t *keep;
        char text[100];
        int at = lw_fields_find(&k->fields, cases[i].field);
        if (strcmp(cases[i].field, "in.z") == 0)
            snprintf(text, sizeof text, "{\"in\":{\"z\":%s}}", cases[i].value);
        else
            snprintf(text, sizeof text, "{\"%s\":%s}", cases[i].field, cases[i].value);
        if (decode(k, text, cells, &keep, &err))
            fail_msg("%s: %s", text, err.msg);
        if (!cells[at].present || cells[at].num != cases[i].num)
            fail_msg("%s: %.17g", text, cells[at].num);
        json_decref(keep);
    }
}

/* Bytes, uuids and decimals, compared with Avro. */
static void bytes_are_written_as_text(void **state) {
    (void)state;
    struct lw_schema *schema = schema_of_text(
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
        "{\"name\":\"u\",\"type\":[\"null\",{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,"
        "\"logicalType\":\"uuid\"}]},"
        "{\"name\":\"b\",\"type\":\"bytes\"},"
        "{\"name\":\"m\",\"type\":{\"type\":\"bytes\",\"logicalType\":\"decimal\","
        "\"precision\":10,\"scale\":2}}]}");
    struct lw_fields fields = fields_of_text("u:category, b:category, m:numeric");
    struct lw_err err = {0};
    struct lw_decoder *json = lw_decoder_new_json(schema, &fields, &err);
    struct lw_decoder *avro = lw_decoder_new_avro(schema, schema, &fields, &err);
    static const uint8_t datum[] = "\x02\xf8\x1d\x4f\xae\x7d\xec\x11\xd0\xa7\x65\x00\xa0"
                                   "\xc9\x1e\x6b\xf6\x04\xe9\x00\x04\x04\xd2";
    static const char *const texts[] = {
        "{\"u\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\",\"b\":\"\\u00e9\\u0000\",\"m\":12.34}",
        "{\"u\":{\"U\":\"F81D4FAE7DEC11D0A76500A0C91E6BF6\"},\"b\":\"\\u00e9\\u0000\",\"m\":\"12.34\"}"};
    bool needed[LW_FIELDS_MAX] = {false};
    struct lw_cell a[LW_FIELDS_MAX], b[LW_FIELDS_MAX];
    if (!json || !avro || lw_decoder_decode_bytes(avro, datum, sizeof datum - 1, a, &err))
        fail_msg("%s", err.msg);
    for (size_t t = 0; t < 2; t++) {
        struct lw_decoder_scratch scratch = {0};
        struct lw_encoded_record record = {
            .data = (const uint8_t *)texts[t], .len = strlen(texts[t]), .needed = needed};
        if (lw_decoder_decode(json, &record, &scratch, b, &err))
            fail_msg("%s", err.msg);
        for (size_t i = 0; i < fields.n; i++)
            assert_same(fields.field[i].name, &a[i], &b[i]);
        lw_decoder_scratch_fini(&scratch);
    }
    char shown[40];
    assert_int_equal(lw_cell_show(&a[0], shown), 36);
    assert_memory_equal(shown, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 36);
    assert_int_equal(lw_cell_show(&a[1], shown), 4);
    assert_memory_equal(shown, "e900", 4);
    static const char bad[] = "{\"u\":\"f81d4fae\"}";
    struct lw_decoder_scratch scratch = {0};
    struct lw_encoded_record record = {.data = (const uint8_t *)bad,
                                       .len = sizeof bad - 1};
    assert_int_equal(lw_decoder_decode(json, &record, &scratch, b, &err), -1);
    assert_string_equal(err.msg, "field \"u\" must be a uuid, not \"f81d4fae\"");
    record.len--;
    lw_err_clear(&err);
    assert_int_equal(lw_decoder_decode(json, &record, &scratch, b, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "not JSON: line 1, column"));
    lw_decoder_scratch_fini(&scratch);
    lw_decoder_free(json);
    lw_decoder_free(avro);
    lw_schema_free(schema);
}

static void a_field_outside_the_schema_is_refused(void **state) {
    struct kit *k = *state;
    struct lw_fields fields = fields_of_text("in.nothing:numeric");
    struct lw_err err = {0};
    assert_null(lw_decoder_new_json(k->schema, &fields, &err));
    assert_int_equal(err.code, LW_ECONFIG);
    assert_string_equal(err.msg, "field \"in.nothing\" is not in the schema");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_avro_give_the_same_cells),
        cmocka_unit_test(times_may_be_text),
        cmocka_unit_test(absent_fields_have_their_default_or_are_missing),
        cmocka_unit_test(needed_fields_must_be_present),
        cmocka_unit_test(errors_name_the_impossible_value),
        cmocka_unit_test(unconvertible_values_are_missing_unless_required),
        cmocka_unit_test(numbers_times_and_unions_in_other_forms),
        cmocka_unit_test(bytes_are_written_as_text),
        cmocka_unit_test(a_field_outside_the_schema_is_refused),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
