/* A changed value stands where it belongs, and everything else stays as it was. */
#include "support.h"

#include "base/mem.h"
#include "config/edit.h"
#include "config/tree.h"

static char *edited(const char *text, const char *section, const char *key,
                    const char *value) {
    struct lw_err err = {0};
    struct lw_buf out = {0};
    const struct lw_config_change change = {section, key, value};
    if (lw_config_edit(text, strlen(text), "t.yaml", &change, &out, &err))
        fail_msg("%s", err.msg);
    char *copy = lw_strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    return copy;
}

static void assert_edit(const char *text, const char *section, const char *key,
                        const char *value, const char *expected) {
    char *got = edited(text, section, key, value);
    assert_string_equal(got, expected);
    free(got);
}

static void a_value_is_replaced_in_its_place(void **state) {
    (void)state;
    assert_edit("a: 1\nretrain:\n  # why\n  max_age: 31d   # a month\n  holdout: 2d\n",
                "retrain", "max_age", "14d",
                "a: 1\nretrain:\n  # why\n  max_age: 14d   # a month\n  holdout: 2d\n");
    assert_edit("retrain: {holdout: 2d, max_age: 31d}\n", "retrain", "max_age", "7d",
                "retrain: {holdout: 2d, max_age: 7d}\n");
    assert_edit("r: [{n: \"é ü\", x: 1}, {n: b, x: 2}]\n", "r[0]", "x", "3",
                "r: [{n: \"é ü\", x: 3}, {n: b, x: 2}]\n");
}

static void an_absent_key_comes_first_in_its_section(void **state) {
    (void)state;
    assert_edit("retrain:\n  # why\n  holdout: 2d # two\nx: 1\n", "retrain", "max_age",
                "7d", "retrain:\n  # why\n  max_age: 7d\n  holdout: 2d # two\nx: 1\n");
    assert_edit("rules:\n  - name: error\n    warn: 2\n", "rules[0]", "budget",
                "1 per 30d",
                "rules:\n  - budget: 1 per 30d\n    name: error\n    warn: 2\n");
    assert_edit("rules:\n  - {name: e, warn: 2}\n", "rules[0]", "budget", "1 per 30d",
                "rules:\n  - {budget: 1 per 30d, name: e, warn: 2}\n");
}

static void an_absent_section_comes_last(void **state) {
    (void)state;
    assert_edit("a: 1", "retrain", "max_age", "7d", "a: 1\nretrain: {max_age: 7d}\n");
    assert_edit("retrainer: {max_age: 1d}\n", "retrain", "max_age", "7d",
                "retrainer: {max_age: 1d}\nretrain: {max_age: 7d}\n");
}

static void what_is_not_plain_is_refused_with_its_place(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_buf out = {0};
    const char *text = "retrain:\n  max_age: \"31d\"\n";
    const struct lw_config_change change = {"retrain", "max_age", "7d"};
    assert_int_equal(lw_config_edit(text, strlen(text), "t.yaml", &change, &out, &err),
                     -1);
    assert_string_equal(err.msg, "t.yaml:2:12: key 'retrain.max_age': is not a plain "
                                 "value; set it to 7d");
    lw_err_clear(&err);
    assert_int_equal(lw_config_edit("a: [", 4, "t.yaml", &change, &out, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    lw_buf_fini(&out);
}

/* The edited text has the value, and every other value as before. */
static void the_rest_is_the_same_tree(void **state) {
    (void)state;
    static const char text[] =
        "# top\nstream: s # é\nrules:\n- {name: a, warn: 1}\n- name: b\n  warn: 2\n"
        "retrain: {gate: {z: 1}, holdout: 2d}\n";
    static const char *const section[] = {"rules[0]", "rules[1]", "retrain",
                                          "retrain.gate", "alerts"};
    for (size_t i = 0; i < sizeof section / sizeof *section; i++) {
        struct lw_err err = {0};
        char *got = edited(text, section[i], "k", "17");
        struct lw_tree *a = lw_tree_parse(text, strlen(text), "t", &err);
        struct lw_tree *b = lw_tree_parse(got, strlen(got), "t", &err);
        assert_non_null(b);
        assert_in_range(b->nodes, a->nodes + 1, a->nodes + 2);
        assert_string_equal(lw_yaml_find(b->root, "stream")->text, "s");
        char *again = edited(got, section[i], "k", "18");
        assert_int_equal(strlen(again), strlen(got));
        free(got);
        free(again);
        lw_tree_free(a);
        lw_tree_free(b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_replaced_in_its_place),
        cmocka_unit_test(an_absent_key_comes_first_in_its_section),
        cmocka_unit_test(an_absent_section_comes_last),
        cmocka_unit_test(what_is_not_plain_is_refused_with_its_place),
        cmocka_unit_test(the_rest_is_the_same_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
