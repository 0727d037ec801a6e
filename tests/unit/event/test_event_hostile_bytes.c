/* Hostile bytes are refused or decoded, and never trusted. Under ASan and UBSan these
 * tests also check every bound. */
#include "support.h"

#include "base/buf.h"
#include "base/rng.h"
#include "event/framing.h"
#include "event/skip_layout.h"

#define REC(fields)       "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"

/* Decodes a copy of exactly len bytes, so that ASan detects a read past the end. */
static int decode_copy(const struct lw_decoder *d, const uint8_t *data, size_t len,
                       struct lw_err *err) {
    struct lw_cell cells[LW_FIELDS_MAX];
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    *err = (struct lw_err){0};
    int rc = lw_decoder_decode_bytes(d, copy, len, cells, err);
    assert_true(rc == 0 ? err->code == LW_OK : err->code == LW_EINPUT && err->msg[0]);
    free(copy);
    return rc;
}

static struct lw_decoder *decoder_of_case(const json_t *c) {
    struct lw_schema *w = schema_of_json(json_object_get(c, "writer"));
    struct lw_schema *r = schema_of_json(json_object_get(c, "reader"));
    struct lw_fields fields = fields_of_json(json_object_get(c, "fields"));
    struct lw_decoder *d = lw_decoder_new_avro(w, r, &fields, NULL);
    lw_schema_free(w);
    lw_schema_free(r);
    assert_non_null(d);
    return d;
}

/* A datum that is cut short anywhere is refused, and so is one with trailing bytes. */
static void truncated_data_is_refused(void **state) {
    (void)state;
    static const char *const files[] = {"decode.json", "random.json"};
    struct lw_err err;
    for (int f = 0; f < 2; f++) {
        json_t *cases = load_json(files[f]), *c;
        size_t i, len;
        json_array_foreach(cases, i, c) {
            struct lw_decoder *d = decoder_of_case(c);
            uint8_t *data = from_hex(json_string_value(json_object_get(c, "data")), &len);
            for (size_t cut = 0; cut < len; cut++)
                assert_int_equal(decode_copy(d, data, cut, &err), -1);
            data = realloc(data, len + 1);
            data[len] = 0;
            assert_int_equal(decode_copy(d, data, len, &err), 0);
            assert_int_equal(decode_copy(d, data, len + 1, &err), -1);
            assert_non_null(strstr(err.msg, "follow"));
            free(data);
            lw_decoder_free(d);
        }
        json_decref(cases);
    }
}

static void flipped_bits_are_refused_or_harmless(void **state) {
    (void)state;
    json_t *cases = load_json("random.json"), *c;
    struct lw_err err;
    size_t i, len;
    unsigned long refused = 0, flips = 0;
    json_array_foreach(cases, i, c) {
        struct lw_decoder *d = decoder_of_case(c);
        uint8_t *data = from_hex(json_string_value(json_object_get(c, "data")), &len);
        for (size_t bit = 0; bit < 8 * len; bit++, flips++) {
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused += decode_copy(d, data, len, &err) < 0;
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(data);
        lw_decoder_free(d);
    }
    json_decref(cases);
    /* Some flips give another valid datum (a digit of a number), many do not. */
    assert_true(refused > flips / 10 && refused < flips);
}

static void random_bytes_are_refused_or_harmless(void **state) {
    (void)state;
    json_t *cases = load_json("random.json"), *c;
    struct lw_rng rng;
    struct lw_err err;
    size_t i;
    lw_rng_seed(&rng, 7);
    json_array_foreach(cases, i, c) {
        struct lw_decoder *d = decoder_of_case(c);
        for (int n = 0; n < 200; n++) {
            uint8_t data[64];
            size_t len = (size_t)lw_rng_below(&rng, sizeof data);
            for (size_t k = 0; k < len; k++) /* small numbers pass more checks */
                data[k] = (uint8_t)(lw_rng_next(&rng) >> lw_rng_below(&rng, 8));
            decode_copy(d, data, len, &err);
        }
        lw_decoder_free(d);
    }
    json_decref(cases);
}

static void hex_refused(struct lw_decoder *d, const char *hex) {
    struct lw_err err;
    size_t len;
    uint8_t *data = from_hex(hex, &len);
    if (decode_copy(d, data, len, &err) == 0)
        fail_msg("%s was decoded", hex);
    free(data);
}

static void hex_accepted(struct lw_decoder *d, const char *hex) {
    struct lw_err err;
    size_t len;
    uint8_t *data = from_hex(hex, &len);
    if (decode_copy(d, data, len, &err) < 0)
        fail_msg("%s: %s", hex, err.msg);
    free(data);
}

static void giant_lengths_are_not_trusted(void **state) {
    (void)state;
    struct lw_decoder *d =
        decoder_of(REC(FIELD("s", "\"string\"")), NULL, "s:text", NULL);
    hex_accepted(d, "0261");
    hex_refused(d, "0461");                     /* one more than available */
    hex_refused(d, "feffffffffffffffff0161");   /* 2^63 - 1 */
    hex_refused(d, "ffffffffffffffffff0161");   /* -2^63 */
    hex_refused(d, "0161");                     /* -1 */
    hex_refused(d, "ffffffffffffffffff0261");   /* more than 64 bits */
    hex_refused(d, "808080808080808080800061"); /* a length of eleven bytes */
    hex_refused(d, "ffffffff");                 /* an unterminated length */
    lw_decoder_free(d);
}

static void longs_beyond_64_bits_are_refused(void **state) {
    (void)state;
    struct lw_decoder *d =
        decoder_of(REC(FIELD("l", "\"long\"")), NULL, "l:numeric", NULL);
    hex_accepted(d, "ffffffffffffffffff01");
    hex_refused(d, "ffffffffffffffffff02");
    hex_refused(d, "ffffffffffffffffff7f");
    hex_refused(d, "ffffffffffffffffffff01");
    hex_accepted(d, "8000"); /* longer than needed, but a valid varint */
    lw_decoder_free(d);
}

static void counts_are_not_trusted(void **state) {
    (void)state;
    struct lw_decoder *d = decoder_of(
        REC(FIELD("n", "{\"type\":\"array\",\"items\":\"null\"}") "," FIELD(
            "i", "{\"type\":\"array\",\"items\":\"int\"}") "," FIELD("z", "\"int\"")),
        NULL, "z:numeric", NULL);
    hex_accepted(d, "000002");
    /* 2^62 nulls have no bytes: they must be decoded at once, or this test never ends. */
    hex_accepted(d, "80808080808080808001000002");
    hex_refused(d, "00"
                   "80808080808080808001020002"); /* 2^62 ints have */
    hex_accepted(d, "00030402040002");            /* a block of two, sized */
    hex_refused(d, "00030502040002");             /* negative size */
    hex_refused(d, "0003"
                   "feffffffffffffffff0102040002");
    hex_refused(d, "00"
                   "ffffffffffffffffff01808080100002");
    lw_decoder_free(d);
}

static void depth_is_bounded(void **state) {
    (void)state;
    struct lw_err err;
    struct lw_decoder *d =
        decoder_of(REC(FIELD("z", "\"int\"") "," FIELD("next", "[\"null\",\"R\"]")), NULL,
                   "z:numeric", NULL);
    uint8_t data[200001];
    for (size_t depth = 0; depth < 100000; depth++) {
        data[2 * depth] = 2;
        data[2 * depth + 1] = 2;
    }
    data[200000] = 0;
    assert_int_equal(decode_copy(d, data, sizeof data, &err), -1);
    memset(data + 2 * 20, 0, 2); /* twenty levels are allowed: z = 0, next = null */
    assert_int_equal(decode_copy(d, data, 2 * 20 + 2, &err), 0);
    lw_decoder_free(d);
}

/* Records of two records of two records ... of nothing: 2^50 records in zero bytes. */
static void records_without_bytes_take_no_time(void **state) {
    (void)state;
    struct lw_buf text = {0};
    struct lw_err err = {0};
    lw_buf_printf(&text, "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                         "{\"name\":\"z\",\"type\":\"int\"},{\"name\":\"a\",\"type\":");
    for (int i = 0; i < 50; i++)
        lw_buf_printf(
            &text,
            "{\"type\":\"record\",\"name\":\"D%d\",\"fields\":[{\"name\":\"a\",\"type\":",
            i);
    lw_buf_printf(&text, "{\"type\":\"record\",\"name\":\"D50\",\"fields\":[]}");
    for (int i = 49; i >= 0; i--)
        lw_buf_printf(&text, "},{\"name\":\"b\",\"type\":\"D%d\"}]}", i + 1);
    lw_buf_printf(&text, "}]}");
    struct lw_decoder *d = decoder_of(lw_buf_str(&text), NULL, "z:numeric", &err);
    if (!d)
        fail_msg("%s", err.msg);
    hex_accepted(d, "02");
    lw_decoder_free(d);
    lw_buf_fini(&text);
}

static void a_branch_must_exist(void **state) {
    (void)state;
    struct lw_decoder *d = decoder_of(
        REC(FIELD("a", "[\"null\",\"int\"]") "," FIELD(
            "b", "[\"int\",\"string\",\"boolean\"]") "," FIELD("c", "[\"int\"]")),
        NULL, "a:numeric, b:category", NULL);
    hex_accepted(d, "02020202610002");
    hex_refused(d, "04020202610002");
    hex_refused(d, "01020202610002");
    hex_refused(d, "02020602610002");
    hex_refused(d, "02020202610202");
    hex_refused(d, "0202fe01610002");
    lw_decoder_free(d);
}

static void an_empty_value_is_refused(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_cell cells[1];
    struct lw_decoder *d =
        decoder_of(REC(FIELD("a", "\"int\"")), NULL, "a:numeric", NULL);
    assert_int_equal(lw_decoder_decode_bytes(d, NULL, 0, cells, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_int_equal(lw_decoder_decode_bytes(d, NULL, 0, cells, NULL), -1);
    lw_decoder_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated_data_is_refused),
        cmocka_unit_test(flipped_bits_are_refused_or_harmless),
        cmocka_unit_test(random_bytes_are_refused_or_harmless),
        cmocka_unit_test(giant_lengths_are_not_trusted),
        cmocka_unit_test(longs_beyond_64_bits_are_refused),
        cmocka_unit_test(counts_are_not_trusted),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(records_without_bytes_take_no_time),
        cmocka_unit_test(a_branch_must_exist),
        cmocka_unit_test(an_empty_value_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
