/* Decoding compared with data that fastavro wrote and resolved; kinds and errors. */
#include "support.h"

#include <math.h>

#include "base/time.h"
#include "support/count_allocations.h" /* decoding must not allocate */

#define REC(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

static void check_cell(const char *name, const struct lw_cell *cell, const json_t *want) {
    if (json_is_null(want)) {
        if (cell->present || !isnan(cell->num) || cell->key != 0)
            fail_msg("%s: not missing", name);
        return;
    }
    const json_t *num = json_object_get(want, "num"), *key = json_object_get(want, "key");
    const char *text = json_string_value(json_object_get(want, "text"));
    if (!cell->present)
        fail_msg("%s: missing", name);
    if (num && cell->num != json_number_value(num))
        fail_msg("%s: %.17g, expected %.17g", name, cell->num, json_number_value(num));
    if (key && (int64_t)cell->key != strtoll(json_string_value(key), NULL, 10))
        fail_msg("%s: key %lld, expected %s", name, (long long)cell->key,
                 json_string_value(key));
    if (!text)
        return;
    size_t len;
    uint8_t *bytes = from_hex(text, &len);
    if (cell->len != len || memcmp(cell->text, bytes, len) != 0)
        fail_msg("%s: another text", name);
    free(bytes);
}

static void check_case(const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "name"));
    struct lw_schema *writer = schema_of_json(json_object_get(c, "writer"));
    struct lw_schema *reader = schema_of_json(json_object_get(c, "reader"));
    struct lw_fields fields = fields_of_json(json_object_get(c, "fields"));
    struct lw_err err = {0};
    struct lw_decoder *d = lw_decoder_new_avro(writer, reader, &fields, &err);
    lw_schema_free(writer); /* the decoder does not need them */
    lw_schema_free(reader);
    if (!d)
        fail_msg("%s: %s", name, err.msg);
    size_t len;
    uint8_t *data = from_hex(json_string_value(json_object_get(c, "data")), &len);
    struct lw_cell cells[LW_FIELDS_MAX];
    size_t before = allocations;
    int rc = lw_decoder_decode_bytes(d, data, len, cells, &err);
    assert_int_equal(allocations, before);
    if (rc < 0)
        fail_msg("%s: %s", name, err.msg);
    for (size_t i = 0; i < fields.n; i++) {
        const json_t *want = json_array_get(json_object_get(c, "cells"), i);
        char label[256];
        snprintf(label, sizeof label, "%s: %s", name, fields.field[i].name);
        check_cell(label, &cells[i], want);
        if (cells[i].text && fields.field[i].kind == LW_CATEGORY)
            assert_true(cells[i].key == lw_text_key(cells[i].text, cells[i].len));
    }
    free(data);
    lw_decoder_free(d);
}

static void golden(const char *file, size_t least) {
    json_t *cases = load_json(file), *c;
    size_t i;
    assert_true(json_array_size(cases) >= least);
    json_array_foreach(cases, i, c)
        check_case(c);
    json_decref(cases);
}

static void golden_cases_decode(void **state) {
    (void)state;
    golden("decode.json", 90);
}

static void random_schemas_decode(void **state) {
    (void)state;
    golden("random.json", 150);
    assert_true(allocations > 10000); /* otherwise the counting wrappers do not work */
}

static void config_refused(const char *writer, const char *reader, const char *fields,
                           const char *because) {
    struct lw_err err = {0};
    struct lw_decoder *d = decoder_of(writer, reader, fields, &err);
    assert_null(d);
    assert_int_equal(err.code, LW_ECONFIG);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
}

static void incompatible_types_are_refused(void **state) {
    (void)state;
    const char *w =
        REC("{\"name\":\"zone\",\"type\":\"int\"},"
            "{\"name\":\"id\",\"type\":\"string\"},"
            "{\"name\":\"miles\",\"type\":\"double\"},"
            "{\"name\":\"list\",\"type\":{\"type\":\"array\",\"items\":\"int\"}}");
    config_refused(w, NULL, "zome:numeric", "did you mean \"zone\"");
    config_refused(w, NULL, "zone.x:numeric", "has no fields");
    config_refused(w, NULL, "id:numeric", "cannot read Avro type string as numeric");
    config_refused(w, NULL, "zone:timestamp", "; set its unit since 1970");
    config_refused(
        REC("{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":\"time-micros\"}}"),
        NULL, "t:timestamp", "which is a time of day or a duration");
    config_refused(w, NULL, "miles:timestamp",
                   "cannot read Avro type double as timestamp");
    config_refused(w, NULL, "miles:text", "cannot read Avro type double as text");
    config_refused(w, NULL, "list:numeric", "cannot read Avro type array as numeric");
    config_refused(w, REC("{\"name\":\"zone\",\"type\":\"string\"}"), "zone:text",
                   "Avro type int as text (the reader's type is string)");
    config_refused(REC("{\"name\":\"zone\",\"type\":\"boolean\"}"),
                   REC("{\"name\":\"zone\",\"type\":\"int\"}"), "zone:numeric",
                   "Avro type boolean as numeric (the reader's type is int)");
    config_refused(w, REC("{\"name\":\"fee\",\"type\":\"double\"}"), "fee:numeric!",
                   "\"fee\" is required");
    config_refused(
        w, REC("{\"name\":\"fee\",\"type\":[\"null\",\"double\"],\"default\":null}"),
        "fee:numeric!", "\"fee\" is required");
    config_refused(w, REC("{\"name\":\"fee\",\"type\":\"double\",\"default\":\"x\"}"),
                   "fee:numeric!", "default");
    config_refused(w, REC("{\"name\":\"fee\",\"type\":\"int\",\"default\":3000000000}"),
                   "fee:numeric!", "default");
}

/* ---- defaults of the reader ---- */

/* The cell of field "a" if the writer lacks it. */
static struct lw_cell default_cell(const char *type, const char *json, const char *kind) {
    char reader[400], fields[40];
    struct lw_cell cells[1];
    struct lw_err err = {0};
    snprintf(reader, sizeof reader, REC("{\"name\":\"a\",\"type\":%s,\"default\":%s}"),
             type, json);
    snprintf(fields, sizeof fields, "a:%s", kind);
    struct lw_decoder *d =
        decoder_of(REC("{\"name\":\"b\",\"type\":\"null\"}"), reader, fields, &err);
    if (!d || lw_decoder_decode_bytes(d, NULL, 0, cells, &err))
        fail_msg("%s: %s", reader, err.msg);
    lw_decoder_free(d);
    return cells[0];
}

#define DECIMAL                                                                          \
    "{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}"

static void defaults_fill_absent_fields(void **state) {
    (void)state;
    static const struct {
        const char *type, *json, *kind;
        double num; /* NAN: missing */
    } cases[] = {
        {DECIMAL, "\"\\u0000\"", "numeric", 0},
        {DECIMAL, "\"\\u0004\\u00d2\"", "numeric", 12.34},
        {DECIMAL, "\"\\u00ff\"", "numeric", -.01},
        {"\"double\"", "\"NaN\"", "numeric", NAN},
        {"\"double\"", "NaN", "numeric", NAN},
        {"\"float\"", "-Infinity", "numeric", -INFINITY},
        {"\"double\"", "\"Infinity\"", "numeric", INFINITY},
        {"\"double\"", "7", "numeric", 7},
        {"\"double\"", "12345678901234567890", "numeric", 12345678901234567890.0},
        {"[\"null\",\"double\"]", "1.5", "numeric", 1.5}, /* for the later branch */
        {"[\"double\",\"string\"]", "\"n/a\"", "numeric", NAN},
        {"[\"null\"]", "null", "numeric", NAN},
        {"\"int\"", "\"x\"", "numeric", NAN}, /* invalid: missing */
        {"\"int\"", "3000000000", "numeric", NAN},
        {"\"double\"", "1.5", "category", NAN},
        {"\"long\"", "1583989200000", "timestamp", 1583989200000},
        {"\"long\"", "9223372036854775807", "timestamp", NAN},
        {"\"string\"", "\"2020-03-12T05:00Z\"", "timestamp", 1583989200000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_cell cell = default_cell(cases[i].type, cases[i].json, cases[i].kind);
        if (isnan(cases[i].num) ? cell.present : cell.num != cases[i].num)
            fail_msg("%s %s: %d %.17g", cases[i].type, cases[i].json, cell.present,
                     cell.num);
    }
}

/* ---- times ---- */

/* Unix ms of field "t" of that type, read from hex; INT64_MIN: missing. */
static int64_t time_of(const char *field, enum lw_unit unit, const struct lw_zone *zone,
                       const char *hex) {
    char text[400];
    struct lw_err err = {0};
    struct lw_cell cell;
    size_t len;
    snprintf(text, sizeof text, REC("{\"name\":\"t\",%s}"), field);
    struct lw_schema *schema = schema_of_text(text);
    struct lw_fields fields = fields_of_text("t:timestamp");
    fields.field[0].unit = (uint8_t)unit;
    fields.zone = zone;
    struct lw_decoder *d = lw_decoder_new_avro(schema, schema, &fields, &err);
    uint8_t *data = from_hex(hex, &len);
    if (!d || lw_decoder_decode_bytes(d, data, len, &cell, &err))
        fail_msg("%s: %s", text, err.msg);
    free(data);
    lw_decoder_free(d);
    lw_schema_free(schema);
    return cell.present ? (int64_t)cell.key : INT64_MIN;
}

#define LONG(more)    "\"type\":{\"type\":\"long\"," more "}"
#define CONNECT(name) LONG("\"connect.name\":\"" name "\"")

/* 1,593,604,800 s is noon of 1 July 2020 in UTC. */
#define SECONDS "80ebe3ef0b"
#define MILLIS  "80f8fba3e15c"
#define MICROS  "80c0a18081d8d405"
#define NANOS   "8080dc85eac7cf9d2c"

static void times_are_read_in_every_unit(void **state) {
    (void)state;
    const int64_t noon = INT64_C(1593604800000);
    static const struct {
        const char *field;
        enum lw_unit unit;
        const char *hex;
    } cases[] = {
        {"\"type\":\"long\"", LW_UNIT_OF_TYPE, MILLIS},
        {"\"type\":\"long\"", LW_UNIT_S, SECONDS},
        {"\"type\":\"int\"", LW_UNIT_S, SECONDS},
        {"\"type\":\"long\"", LW_UNIT_MS, MILLIS},
        {"\"type\":\"long\"", LW_UNIT_US, MICROS},
        {"\"type\":\"long\"", LW_UNIT_NS, NANOS},
        {"\"type\":\"double\"", LW_UNIT_S, "000000b01ebfd741"},
        {LONG("\"logicalType\":\"timestamp-millis\""), LW_UNIT_US,
         MICROS}, /* wrong type */
        {LONG("\"logicalType\":\"timestamp-micros\""), LW_UNIT_OF_TYPE, MICROS},
        {LONG("\"logicalType\":\"timestamp-nanos\""), LW_UNIT_OF_TYPE, NANOS},
        {"\"type\":\"long\",\"logicalType\":\"timestamp-micros\"", LW_UNIT_OF_TYPE,
         MICROS},
        {"\"type\":[\"null\",\"long\"],\"logicalType\":\"timestamp-micros\"",
         LW_UNIT_OF_TYPE, "02" MICROS},
        {"\"type\":{\"type\":[\"long\",\"null\"],\"logicalType\":\"timestamp-nanos\"}",
         LW_UNIT_OF_TYPE, "00" NANOS},
        {CONNECT("org.apache.kafka.connect.data.Timestamp"), LW_UNIT_OF_TYPE, MILLIS},
        {CONNECT("io.debezium.time.Timestamp"), LW_UNIT_OF_TYPE, MILLIS},
        {CONNECT("io.debezium.time.MicroTimestamp"), LW_UNIT_OF_TYPE, MICROS},
        {CONNECT("io.debezium.time.NanoTimestamp"), LW_UNIT_OF_TYPE, NANOS},
        {"\"type\":\"string\"", LW_UNIT_OF_TYPE,
         "28"
         "323032302d30372d30315431323a30303a30305a"}, /* 2020-07-01T12:00:00Z */
        {"\"type\":\"string\"", LW_UNIT_OF_TYPE,
         "32"
         "323032302d30372d30315431343a30303a30302b30323a3030"}}; /* ...14:00:00+02:00 */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = time_of(cases[i].field, cases[i].unit, NULL, cases[i].hex);
        if (ms != noon)
            fail_msg("%s, unit %d: %lld", cases[i].field, cases[i].unit, (long long)ms);
    }
    assert_true(time_of("\"type\":{\"type\":\"int\",\"connect.name\":"
                        "\"io.debezium.time.Date\"}",
                        LW_UNIT_OF_TYPE, NULL, "98a002") == INT64_C(1593561600000));
    /* neither a time nor an error, because the field is not required */
    assert_true(time_of("\"type\":\"string\"", LW_UNIT_OF_TYPE, NULL, "086e6f6f6e") ==
                INT64_MIN);
    assert_true(time_of("\"type\":\"long\"", LW_UNIT_OF_TYPE, NULL,
                        "feffffffffffffffff01") == INT64_MIN);
    assert_true(time_of("\"type\":\"long\"", LW_UNIT_S, NULL, "feffffffffffffffff01") ==
                INT64_MIN);
}

/* With a zone, a local type is local time in it; an instant is unchanged. */
static void local_times_are_read_in_the_zone(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_zone *york = lw_zone_new("America/New_York", &err);
    if (!york)
        skip();
    const int64_t noon = INT64_C(1593604800000), late = noon + 4 * LW_HOUR;
    assert_true(time_of(LONG("\"logicalType\":\"timestamp-millis\""), LW_UNIT_OF_TYPE,
                        york, MILLIS) == noon);
    assert_true(time_of("\"type\":\"long\"", LW_UNIT_OF_TYPE, york, MILLIS) == noon);
    static const char *const local[] = {
        LONG("\"logicalType\":\"local-timestamp-millis\""),
        CONNECT("io.debezium.time.Timestamp"),
        LONG("\"logicalType\":\"timestamp-millis\",\"adjust-to-utc\":false"),
        LONG("\"logicalType\":\"timestamp-millis\",\"connect.name\":"
             "\"io.debezium.time.Timestamp\""),
        "\"type\":\"long\",\"logicalType\":\"local-timestamp-millis\""};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        assert_true(time_of(local[i], LW_UNIT_OF_TYPE, york, MILLIS) == late);
        assert_true(time_of(local[i], LW_UNIT_OF_TYPE, NULL, MILLIS) == noon);
        assert_true(time_of(local[i], LW_UNIT_MS, york, MILLIS) == noon); /* in UTC */
    }
    assert_true(time_of("\"type\":{\"type\":\"int\",\"logicalType\":\"date\"}",
                        LW_UNIT_OF_TYPE, york,
                        "98a002") == INT64_C(1593561600000) + 4 * LW_HOUR);
    assert_true(time_of("\"type\":\"string\"", LW_UNIT_OF_TYPE, york,
                        "20"
                        "323032302d30372d30315431323a3030") == late);
    lw_zone_free(york);
}

/* ---- one datum ---- */

/* Decodes hex; returns NULL or the error message. */
static const char *decode_hex(struct lw_decoder *d, const char *hex,
                              struct lw_cell *cells) {
    static struct lw_err err;
    size_t len;
    err = (struct lw_err){0};
    uint8_t *data = from_hex(hex, &len);
    int rc = lw_decoder_decode_bytes(d, data, len, cells, &err);
    free(data);
    assert_true(rc == 0 || err.code == LW_EINPUT);
    return rc == 0 ? NULL : err.msg;
}

/* A list of `links` records in an unwanted field, then the wanted field. */
static const char *decode_list(struct lw_decoder *d, size_t links,
                               struct lw_cell *cells) {
    char *hex = test_malloc(2 * links + 5);
    for (size_t i = 0; i < links; i++)
        memcpy(hex + 2 * i, "02", 2); /* branch 1: another link */
    memcpy(hex + 2 * links, "0008", 5);
    const char *why = decode_hex(d, hex, cells);
    test_free(hex);
    return why;
}

static void nesting_is_bounded(void **state) {
    (void)state;
    struct lw_cell cells[1];
    struct lw_decoder *d = decoder_of(
        REC("{\"name\":\"list\",\"type\":[\"null\",{\"type\":\"record\",\"name\":"
            "\"L\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}]},"
            "{\"name\":\"zone\",\"type\":\"int\"}"),
        NULL, "zone:category", NULL);
    assert_null(decode_list(d, 200, cells));
    assert_int_equal(cells[0].key, 4);
    const char *why = decode_list(d, 100000, cells);
    assert_non_null(why);
    assert_non_null(strstr(why, "\"list\" at byte 0"));
    assert_non_null(strstr(why, "nested deeper than 512"));
    lw_decoder_free(d);
}

static void absent_without_default_is_missing(void **state) {
    (void)state;
    struct lw_cell cells[1];
    struct lw_decoder *d =
        decoder_of(REC("{\"name\":\"zone\",\"type\":\"int\"}"),
                   REC("{\"name\":\"fee\",\"type\":\"double\"}"), "fee:numeric", NULL);
    assert_null(decode_hex(d, "02", cells));
    assert_false(cells[0].present);
    lw_decoder_free(d);
}

/* An alias applies only if the writer has no field with the field's own name. */
static void a_name_takes_precedence_over_an_alias(void **state) {
    (void)state;
    struct lw_cell cells[1];
    struct lw_decoder *d = decoder_of(
        REC("{\"name\":\"old\",\"type\":\"int\"},{\"name\":\"zone\",\"type\":\"int\"},"
            "{\"name\":\"older\",\"type\":\"int\"}"),
        REC("{\"name\":\"zone\",\"type\":\"int\",\"aliases\":[\"old\",\"older\"]}"),
        "zone:numeric", NULL);
    assert_null(decode_hex(d, "020406", cells));
    assert_true(cells[0].num == 2);
    lw_decoder_free(d);
}

/* A producer renames a field and lists the old name as an alias; the reader keeps the
 * old name. */
static void the_writers_alias_is_used(void **state) {
    (void)state;
    struct lw_cell cells[1];
    const char *reader = REC("{\"name\":\"km\",\"type\":\"double\",\"aliases\":[\"k\"]}");
    struct lw_decoder *d =
        decoder_of(REC("{\"name\":\"distance\",\"type\":\"int\",\"aliases\":[\"km\"]}"),
                   reader, "km:numeric!", NULL);
    assert_null(decode_hex(d, "06", cells));
    assert_true(cells[0].num == 3);
    lw_decoder_free(d);
    /* ... but the reader's own name or alias takes precedence */
    d = decoder_of(REC("{\"name\":\"k\",\"type\":\"int\"},"
                       "{\"name\":\"distance\",\"type\":\"int\",\"aliases\":[\"km\"]}"),
                   reader, "km:numeric!", NULL);
    assert_null(decode_hex(d, "0206", cells));
    assert_true(cells[0].num == 1);
    lw_decoder_free(d);
    d = decoder_of(REC("{\"name\":\"distance\",\"type\":\"int\",\"aliases\":[\"km\"]},"
                       "{\"name\":\"km\",\"type\":\"int\"}"),
                   reader, "km:numeric!", NULL);
    assert_null(decode_hex(d, "0602", cells));
    assert_true(cells[0].num == 1);
    lw_decoder_free(d);
}

/* The reader still has int after the producers changed to long and double. */
static void a_narrower_type_reads_a_wider_number(void **state) {
    (void)state;
    struct lw_cell cells[2];
    const char *reader =
        REC("{\"name\":\"n\",\"type\":\"int\"},"
            "{\"name\":\"zone\",\"type\":[\"null\",\"int\"],\"default\":null}");
    struct lw_decoder *d = decoder_of(REC("{\"name\":\"n\",\"type\":\"long\"},"
                                          "{\"name\":\"zone\",\"type\":\"long\"}"),
                                      reader, "n:numeric zone:category", NULL);
    assert_null(decode_hex(d, "808080802008", cells));
    assert_true(cells[0].num == 4294967296.0);
    assert_int_equal(cells[1].key, 4);
    lw_decoder_free(d);
    d = decoder_of(REC("{\"name\":\"n\",\"type\":\"double\"},"
                       "{\"name\":\"zone\",\"type\":[\"null\",\"double\"]}"),
                   reader, "n:numeric zone:category!", NULL);
    assert_null(decode_hex(d, "000000000000f83f02000000000000f03f", cells));
    assert_true(cells[0].num == 1.5);
    assert_int_equal(cells[1].key, 1);
    assert_non_null(strstr(decode_hex(d, "000000000000f83f02000000000000f83f", cells),
                           "must be a whole number"));
    lw_decoder_free(d);
}

static void required_null_is_an_error(void **state) {
    (void)state;
    struct lw_cell cells[1];
    struct lw_decoder *d =
        decoder_of(REC("{\"name\":\"zone\",\"type\":[\"null\",\"int\"]}"), NULL,
                   "zone:category!", NULL);
    assert_null(decode_hex(d, "0202", cells));
    assert_true(cells[0].key == 1);
    assert_non_null(strstr(decode_hex(d, "00", cells), "\"zone\" is required"));
    lw_decoder_free(d);
}

static void errors_name_field_and_offset(void **state) {
    (void)state;
    struct lw_cell cells[4];
    struct lw_decoder *d = decoder_of(
        REC("{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"zone\",\"type\":\"int\"},"
            "{\"name\":\"ok\",\"type\":\"boolean\"},{\"name\":\"d\",\"type\":[\"null\",\"double\"]}"),
        NULL, "id:text, zone:category, ok:numeric, d:category!", NULL);
    assert_null(decode_hex(d, "0461620001020000000000000000", cells));
    assert_string_equal(
        decode_hex(d, "0461", cells),
        "field \"id\" at byte 0 of 2: the bytes end, or a length or count is invalid");
    assert_non_null(strstr(decode_hex(d, "04616280808080100100", cells),
                           "field \"zone\" at byte 3 of 10: an int of more than 32"));
    assert_non_null(strstr(decode_hex(d, "046162000200", cells), "\"ok\" at byte 4"));
    assert_non_null(strstr(decode_hex(d, "046162000104", cells), "\"d\" at byte 5"));
    assert_non_null(strstr(decode_hex(d, "046162000100ffff", cells), "2 bytes follow"));
    assert_non_null(strstr(decode_hex(d, "046162000102000000000000e03f", cells),
                           "a category must be a whole number: 0.5"));
    lw_decoder_free(d);
}

static void a_time_takes_its_unit_from_either_schema(void **state) {
    (void)state;
    struct lw_cell cells[1];
    const char *bare = REC("{\"name\":\"t\",\"type\":\"long\"}");
    const char *micros =
        REC("{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":"
            "\"timestamp-micros\"}}");
    const char *millis =
        REC("{\"name\":\"t\",\"type\":{\"type\":\"long\",\"logicalType\":"
            "\"timestamp-millis\"}}");
    const struct {
        const char *writer, *reader;
        double ms;
    } cases[] = {{bare, bare, 5000},
                 {bare, micros, 5},
                 {micros, millis, 5},
                 {millis, micros, 5000}};
    for (size_t i = 0; i < 4; i++) {
        struct lw_decoder *d =
            decoder_of(cases[i].writer, cases[i].reader, "t:timestamp", NULL);
        assert_null(decode_hex(d, "904e", cells));
        assert_true(cells[0].num == cases[i].ms);
        assert_true((double)cells[0].key == cases[i].ms);
        lw_decoder_free(d);
    }
    struct lw_decoder *d = decoder_of(bare, NULL, "t:timestamp!", NULL);
    assert_non_null(strstr(decode_hex(d, "feffffffffffffffff01", cells),
                           "not a plausible time: 9223372036854775807"));
    assert_null(decode_hex(d, "8080808080808020", cells)); /* 2^53 */
    assert_non_null(
        strstr(decode_hex(d, "8280808080808020", cells), "not a plausible time"));
    lw_decoder_free(d);
}

static void an_unknown_enum_symbol_is_an_error(void **state) {
    (void)state;
    struct lw_cell cells[1];
    const char *old = REC("{\"name\":\"k\",\"type\":{\"type\":\"enum\",\"name\":\"K\","
                          "\"symbols\":[\"A\",\"B\"]}}");
    const char *new = REC(
        "{\"name\":\"k\",\"type\":{\"type\":\"enum\",\"name\":\"K\",\"symbols\":[\"B\"]}}");
    struct lw_decoder *d = decoder_of(old, new, "k:category!", NULL);
    assert_null(decode_hex(d, "02", cells));
    assert_memory_equal(cells[0].text, "B", 1);
    assert_non_null(strstr(decode_hex(d, "00", cells), "reader's schema lacks: \"A\""));
    assert_non_null(strstr(decode_hex(d, "04", cells), "no such enum symbol"));
    assert_non_null(strstr(decode_hex(d, "01", cells), "no such enum symbol"));
    lw_decoder_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases_decode),
        cmocka_unit_test(random_schemas_decode),
        cmocka_unit_test(incompatible_types_are_refused),
        cmocka_unit_test(defaults_fill_absent_fields),
        cmocka_unit_test(times_are_read_in_every_unit),
        cmocka_unit_test(local_times_are_read_in_the_zone),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(absent_without_default_is_missing),
        cmocka_unit_test(a_name_takes_precedence_over_an_alias),
        cmocka_unit_test(the_writers_alias_is_used),
        cmocka_unit_test(a_narrower_type_reads_a_wider_number),
        cmocka_unit_test(required_null_is_an_error),
        cmocka_unit_test(errors_name_field_and_offset),
        cmocka_unit_test(a_time_takes_its_unit_from_either_schema),
        cmocka_unit_test(an_unknown_enum_symbol_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
