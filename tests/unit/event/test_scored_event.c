/* Scored events: the bytes are fastavro's, the schema is the one that is delivered. */
#include "support.h"

#include <stdio.h>

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

static void the_bytes_are_those_of_another_library(void **state) {
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
            .version = (uint32_t)number(o, "model_version")};
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

static void the_fingerprint_is_the_delivered_schemas(void **state) {
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

static void no_id_field_at_all_is_null(void **state) {
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
        cmocka_unit_test(the_bytes_are_those_of_another_library),
        cmocka_unit_test(the_fingerprint_is_the_delivered_schemas),
        cmocka_unit_test(no_id_field_at_all_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
