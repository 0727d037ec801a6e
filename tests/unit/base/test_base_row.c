/* Rows: lists of fields, and cells. */
#include "test.h"

#include <math.h>

#include "leeway/row.h"

static void fields_are_found_by_name(void **state) {
    (void)state;
    struct lw_fields fields = {0};
    struct lw_err err = {0};
    assert_int_equal(lw_fields_add(&fields, "a", LW_NUMERIC, true, &err), 0);
    assert_int_equal(lw_fields_add(&fields, "b", LW_TEXT, false, &err), 1);
    assert_int_equal(lw_fields_find(&fields, "b"), 1);
    assert_int_equal(lw_fields_find(&fields, "c"), -1);
    assert_int_equal(lw_fields_find(&fields, ""), -1);
    assert_true(fields.field[0].required);
    assert_int_equal(lw_fields_add(&fields, "a", LW_NUMERIC, false, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_int_equal(fields.n, 2);
}

static void names_and_their_number_are_bounded(void **state) {
    (void)state;
    static struct lw_fields fields;
    struct lw_err err = {0};
    char name[LW_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    name[LW_NAME_MAX] = '\0';
    assert_int_equal(lw_fields_add(&fields, name, LW_NUMERIC, false, &err), -1);
    name[LW_NAME_MAX - 1] = '\0';
    lw_err_clear(&err);
    assert_int_equal(lw_fields_add(&fields, name, LW_NUMERIC, false, &err), 0);
    for (int i = 1; i < LW_FIELDS_MAX; i++) {
        snprintf(name, sizeof name, "f%d", i);
        assert_int_equal(lw_fields_add(&fields, name, LW_NUMERIC, false, &err), i);
    }
    assert_int_equal(lw_fields_add(&fields, "one more", LW_NUMERIC, false, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
}

static void cells_keep_their_kind(void **state) {
    (void)state;
    struct lw_cell none = lw_cell_missing(), nan_cell = lw_cell_num(NAN);
    assert_false(none.present);
    assert_true(isnan(none.num) && none.key == 0);
    assert_false(nan_cell.present);
    assert_true(lw_cell_num(-INFINITY).present); /* out of range, not missing */
    struct lw_cell minus = lw_cell_int(-1);
    assert_true(minus.present && minus.num == -1 && minus.key == UINT64_MAX);
    assert_null(minus.text);
    struct lw_cell text = lw_cell_text("Queens County", 6);
    assert_true(text.present && isnan(text.num));
    assert_int_equal(text.len, 6);
    assert_true(text.key == lw_text_key("Queens", 6));
    assert_true(lw_cell_text("", 0).present); /* an empty text is a value */
}

/* Keys are stored in models and sketches, so the hash must never change: XXH3, seed 0. */
static void text_keys_are_xxh3(void **state) {
    (void)state;
    assert_true(lw_text_key("", 0) == UINT64_C(0x2d06800538d394c2));
    assert_true(lw_text_key("a", 1) == UINT64_C(0xe6c632b61e964e1f));
    assert_true(lw_text_key("ab", 2) != lw_text_key("ba", 2));
}

static void kinds_have_names(void **state) {
    (void)state;
    for (int kind = LW_NUMERIC; kind <= LW_TEXT; kind++)
        assert_int_equal(lw_kind_parse(lw_kind_name((enum lw_kind)kind)), kind);
    assert_int_equal(lw_kind_parse("number"), -1);
    assert_int_equal(lw_kind_parse(""), -1);
    assert_string_equal(lw_kind_name((enum lw_kind)9), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_by_name),
        cmocka_unit_test(names_and_their_number_are_bounded),
        cmocka_unit_test(cells_keep_their_kind),
        cmocka_unit_test(text_keys_are_xxh3),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
