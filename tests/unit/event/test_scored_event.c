/* Scored events: the bytes equal fastavro's, the schema is the shipped one. */
#include "support.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/text.h"
#include "event/scored.h"

static int64_t number(const json_t *o, const char *name) {
    return json_integer_value(json_object_get(o, name));
}

/* Identifiers that are all digits come from an integer field. */
static struct lw_cell id_of(const json_t *o) {
    const char *text = json_string_value(json_object_get(o, "id"));
    if (!text)
        return lw_cell_missing();
    char *end;
    long long v = strtoll(text, &end, 10);
    return *end ? lw_cell_text(text, strlen(text)) : lw_cell_int(v);
}

static void the_bytes_equal_fastavros(void **state) {
    (void)state;
    json_t *all = load_json("scored.json"), *o;
    struct lw_buf value = {0}, key = {0};
    size_t i;
    json_array_foreach(all, i, o) {
        struct lw_cell id = id_of(o);
        struct lw_scored_event e = {
            .id = &id,
            .topic = json_string_value(json_object_get(o, "topic")),
            .partition = (int32_t)number(o, "partition"),
            .offset = number(o, "offset"),
            .time_ms = number(o, "event_time"),
            .prediction = json_real_value(json_object_get(o, "prediction")),
            .version = (uint32_t)number(o, "model_version"),
            .untracked = json_real_value(json_object_get(o, "untracked"))};
        size_t len;
        uint8_t *want = from_hex(json_string_value(json_object_get(o, "bytes")), &len);
        lw_buf_clear(&value);
        lw_buf_clear(&key);
        lw_scored_value(&e, &value);
        assert_int_equal(value.len, len);
        assert_memory_equal(value.data, want, len);
        const char *text = json_string_value(json_object_get(o, "id"));
        assert_int_equal(lw_scored_key(&id, &key), text ? strlen(text) : 0);
        if (text)
            assert_string_equal(lw_buf_str(&key), text);
        free(want);
    }
    assert_int_equal(i, 4);
    lw_buf_fini(&value);
    lw_buf_fini(&key);
    json_decref(all);
}

static void the_fingerprint_is_that_of_the_shipped_schema(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_schema *s = lw_schema_load(LW_SOURCE_DIR "/schemas/scored.avsc", &err);
    if (!s)
        fail_msg("%s", err.msg);
    assert_string_equal(lw_schema_name(s), "leeway.Scored");
    if (lw_schema_fingerprint(s) != LW_SCORED_FINGERPRINT)
        fail_msg("it has %016llx", (unsigned long long)lw_schema_fingerprint(s));
    lw_schema_free(s);
}

static void show(const char *bytes, size_t len, enum lw_form form, const char *want) {
    struct lw_cell id = lw_cell_text(bytes, len);
    struct lw_buf key = {0};
    id.form = (uint8_t)form;
    assert_int_equal(lw_scored_key(&id, &key), strlen(want));
    assert_string_equal(lw_buf_str(&key), want);
    lw_buf_fini(&key);
}

static void identifiers_of_any_kind_become_text(void **state) {
    (void)state;
    static const char uuid[] =
        "\xf8\x1d\x4f\xae\x7d\xec\x11\xd0\xa7\x65\x00\xa0\xc9\x1e\x6b\xf6";
    show(uuid, 16, LW_FORM_UUID, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    show(uuid, 16, LW_FORM_BYTES, "f81d4fae7dec11d0a76500a0c91e6bf6");
    show(uuid, 5, LW_FORM_UUID, "f81d4fae7d");
    show("caf\xe9", 4, LW_FORM_TEXT, "caf\\xe9");
    show("caf\\xe9", 7, LW_FORM_TEXT, "caf\\\\xe9");
    show("Zürich", 7, LW_FORM_TEXT, "Zürich");
}

/* Any record reads back, and different records have different bytes. */
static void written_events_read_back(void **state) {
    (void)state;
    const uint64_t seed = 52;
    struct lw_rng rng;
    struct lw_err err = {0};
    struct lw_schema *s = lw_schema_load(LW_SOURCE_DIR "/schemas/scored.avsc", &err);
    struct lw_fields fields = fields_of_text(
        "id:text, event_time:timestamp!, prediction:numeric, offset:numeric, "
        "untracked:numeric");
    struct lw_decoder *d = s ? lw_decoder_new_avro(s, s, &fields, &err) : NULL;
    struct lw_buf value = {0};
    if (!d)
        fail_msg("%s", err.msg);
    print_message("seed %llu\n", (unsigned long long)seed);
    lw_rng_seed(&rng, seed);
    for (int i = 0; i < 50000; i++) {
        char bytes[24];
        size_t len = 1 + lw_rng_below(&rng, sizeof bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] =
                (char)(lw_rng_below(&rng, 3) ? "\\xu\xc3\xa9\x80"[lw_rng_below(&rng, 6)]
                                             : (int)lw_rng_below(&rng, 256));
        struct lw_cell id = lw_cell_text(bytes, len), cells[LW_FIELDS_MAX];
        uint64_t bits = lw_rng_next(&rng);
        struct lw_scored_event e = {.id = &id, .topic = "t", .offset = i, .version = 1};
        id.form = (uint8_t)lw_rng_below(&rng, 3);
        e.time_ms = (int64_t)lw_rng_below(&rng, UINT64_C(1) << 53);
        memcpy(&e.prediction, &bits, sizeof bits);
        e.untracked = i;
        lw_buf_clear(&value);
        lw_scored_value(&e, &value);
        if (lw_decoder_decode_bytes(d, value.data + 10, value.len - 10, cells, &err))
            fail_msg("event %d: %s", i, err.msg);
        for (size_t at = 0, n; at < cells[0].len; at += n)
            assert_true((n = lw_utf8_sequence(cells[0].text + at, cells[0].len - at)) >
                        0);
        assert_int_equal(cells[0].len, lw_cell_show(&id, NULL));
        assert_int_equal(cells[1].key, e.time_ms);
        assert_true(cells[2].present == !isnan(e.prediction));
        assert_true(isnan(e.prediction) || cells[2].num == e.prediction);
        assert_true(cells[3].num == i && cells[4].num == i);
    }
    lw_buf_fini(&value);
    lw_decoder_free(d);
    lw_schema_free(s);
}

static void without_an_id_field_the_id_is_null(void **state) {
    (void)state;
    struct lw_buf with = {0}, without = {0};
    struct lw_cell missing = lw_cell_missing();
    struct lw_scored_event e = {.topic = "t", .prediction = 1, .version = 1};
    lw_scored_value(&e, &without);
    e.id = &missing;
    lw_scored_value(&e, &with);
    assert_int_equal(with.len, without.len);
    assert_memory_equal(with.data, without.data, with.len);
    assert_int_equal(lw_scored_key(NULL, &with), 0);
    lw_buf_fini(&with);
    lw_buf_fini(&without);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_equal_fastavros),
        cmocka_unit_test(the_fingerprint_is_that_of_the_shipped_schema),
        cmocka_unit_test(identifiers_of_any_kind_become_text),
        cmocka_unit_test(written_events_read_back),
        cmocka_unit_test(without_an_id_field_the_id_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
