/* The bytes that every writer of members produces, null among them. */
#include "json/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void is_written(json_t *o, const char *expected) {
    struct lw_buf out = {0};
    lw_json_dump(o, 15, &out);
    assert_string_equal(lw_buf_str(&out), expected);
    lw_buf_fini(&out);
}

static void numbers(void **state) {
    (void)state;
    json_t *o = json_object();
    lw_json_set_number(o, "tenth", 0.1);
    lw_json_set_number(o, "nan", NAN);
    lw_json_set_number(o, "infinite", -INFINITY);
    lw_json_set_whole(o, "whole", 1583985600000.0);
    lw_json_set_whole(o, "no_whole", NAN);
    lw_json_set_int(o, "int", INT64_MIN);
    lw_json_set_int_if(o, "known", true, -1);
    lw_json_set_int_if(o, "unknown", false, -1);
    lw_json_set_count(o, "count", INT64_MAX);
    lw_json_set_version(o, "version", UINT32_MAX);
    lw_json_set_version(o, "no_version", 0);
    lw_json_set_bool(o, "yes", true);
    lw_json_set_hex(o, "hex", 0xabc);
    is_written(o, "{\"tenth\":0.1,\"nan\":null,\"infinite\":null,\"whole\":1583985600000,"
                  "\"no_whole\":null,\"int\":-9223372036854775808,\"known\":-1,"
                  "\"unknown\":null,\"count\":9223372036854775807,\"version\":4294967295,"
                  "\"no_version\":null,\"yes\":true,\"hex\":\"0000000000000abc\"}");
}

static void times(void **state) {
    (void)state;
    json_t *o = json_object();
    lw_json_set_ms(o, "ms", 1);
    lw_json_set_ms(o, "never", 0);
    lw_json_set_ms(o, "unknown", INT64_MIN);
    lw_json_set_time(o, "time", INT64_C(1583985600000));
    lw_json_set_time(o, "unknown_time", INT64_MIN);
    lw_json_set_time(o, "no_end", INT64_MAX);
    lw_json_set_duration(o, "none", 0);
    lw_json_set_duration(o, "duration", INT64_C(7200000));
    is_written(o,
               "{\"ms\":1,\"never\":null,\"unknown\":null,"
               "\"time\":\"2020-03-12T04:00:00Z\",\"unknown_time\":null,\"no_end\":null,"
               "\"duration\":\"2h\"}");
}

static void texts(void **state) {
    (void)state;
    json_t *o = json_object();
    lw_json_set_text(o, "empty", "");
    lw_json_set_text(o, "none", NULL);
    lw_json_set_text(o, "damaged", "\xFF\"");
    lw_json_set_text(o, "control", "a\nb");
    lw_json_set_text_or_null(o, "no_text", "");
    lw_json_set_text_or_null(o, "no_pointer", NULL);
    lw_json_set_text_or_null(o, "text", "z\xC3\xBCrich");
    lw_json_set_text_cut(o, "fits", "abcdef", 6);
    lw_json_set_text_cut(o, "cut", "abcdefg", 6);
    lw_json_set_text_cut(o, "nothing", "", 6);
    lw_json_set(o, "null", NULL);
    is_written(
        o, "{\"empty\":\"\",\"none\":null,\"damaged\":\"\\\\xff\\\"\","
           "\"control\":\"a\\\\x0ab\",\"no_text\":null,\"no_pointer\":null,"
           "\"text\":\"z\xC3\xBCrich\",\"fits\":\"abcdef\",\"cut\":\"abc\xE2\x80\xA6\","
           "\"nothing\":null,\"null\":null}");
}

/* Every byte may need the longest escape. */
static void any_bytes(void **state) {
    (void)state;
    char text[256];
    for (int c = 1; c < 256; c++)
        text[c - 1] = (char)c;
    text[255] = '\0';
    for (size_t max = 4; max < 300; max++) {
        json_t *o = lw_json_text(text, max);
        assert_non_null(o);
        assert_true(json_string_length(o) <= max);
        json_decref(o);
    }
    json_t *all = lw_json_text(text, SIZE_MAX), *twice;
    twice = lw_json_text(json_string_value(all), SIZE_MAX);
    assert_true(json_equal(all, twice));
    json_decref(all);
    json_decref(twice);
}

/* A key that is set again keeps its place. */
static void keys_stay_in_order(void **state) {
    (void)state;
    json_t *o = json_object();
    lw_json_set_int(o, "b", 1);
    lw_json_set_int(o, "a", 2);
    lw_json_set_text(o, "b", "last");
    is_written(o, "{\"b\":\"last\",\"a\":2}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(times), cmocka_unit_test(texts),
        cmocka_unit_test(any_bytes), cmocka_unit_test(keys_stay_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
