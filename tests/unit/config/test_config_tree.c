/* The tree: positions, paths, variables, bounds. */
#include "support.h"

#include "config/tree.h"

static struct lw_tree *parse_tree(const char *text, struct lw_err *err) {
    return lw_tree_parse(text, strlen(text), "t.yaml", err);
}

static void nodes_have_positions_and_paths(void **state) {
    (void)state;
    struct lw_err err = {0};
    char path[80];
    struct lw_tree *tree =
        parse_tree("a: 1\nb:\n  - x\n  - c: [2, {d: 'three'}]\n", &err);
    assert_non_null(tree);
    const struct lw_yaml *b = lw_yaml_find(tree->root, "b");
    const struct lw_yaml *c = lw_yaml_find(b->child[1], "c");
    const struct lw_yaml *d = lw_yaml_find(c->child[1], "d");
    assert_string_equal(lw_yaml_path(d, path, sizeof path), "b[1].c[1].d");
    assert_string_equal(d->text, "three");
    assert_int_equal(d->line, 4);
    assert_int_equal(d->column, 16);
    assert_int_equal(d->key_column, 13);
    lw_yaml_fail(tree, d, &err, "odd %d", 7);
    assert_string_equal(err.msg, "t.yaml:4:16: key 'b[1].c[1].d': odd 7");
    lw_err_clear(&err);
    lw_yaml_fail(tree, b, &err, "odd"); /* a list has the position of its key */
    assert_string_equal(err.msg, "t.yaml:2:1: key 'b': odd");
    lw_tree_free(tree);
}

static void null_is_nothing_unless_quoted(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_tree *tree = parse_tree("[~, null, '', 'null', {a: }, \"~\"]", &err);
    assert_non_null(tree);
    const enum lw_yaml_kind kinds[] = {LW_YAML_NULL,   LW_YAML_NULL, LW_YAML_SCALAR,
                                       LW_YAML_SCALAR, LW_YAML_MAP,  LW_YAML_SCALAR};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(tree->root->child[i]->kind, kinds[i]);
    assert_int_equal(tree->root->child[4]->child[0]->kind, LW_YAML_NULL);
    assert_null(lw_yaml_find(tree->root->child[4]->child[0], "b"));
    lw_tree_free(tree);
}

static void aliases_are_replaced_by_their_anchor(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_tree *tree = parse_tree("a: &x {k: v}\nb: *x\n", &err);
    assert_non_null(tree);
    char path[80];
    const struct lw_yaml *k = lw_yaml_find(lw_yaml_find(tree->root, "b"), "k");
    assert_string_equal(k->text, "v");
    assert_string_equal(lw_yaml_path(k, path, sizeof path), "b.k");
    lw_tree_free(tree);
}

static void variables_are_replaced(void **state) {
    (void)state;
    static const struct {
        const char *text, *want, *literal; /* want NULL: refused */
    } cases[] = {
        {"plain", "plain", "plain"},
        {"${LEEWAY_T}", "value", ""},
        {"a${LEEWAY_T}b", "avalueb", "ab"},
        {"${LEEWAY_T}${LEEWAY_T}", "valuevalue", ""},
        {"${LEEWAY_T:-x}", "value", "x"},
        {"${LEEWAY_NONE:-x}", "x", "x"},
        {"${LEEWAY_NONE:-}", "", ""},
        {"${LEEWAY_EMPTY}", "", ""},
        {"${LEEWAY_EMPTY:-x}", "x", "x"},
        {"${LEEWAY_NONE:-http://h:1/?a=b}", "http://h:1/?a=b", "http://h:1/?a=b"},
        {"$${LEEWAY_T}", "${LEEWAY_T}", "${LEEWAY_T}"},
        {"$5 $", "$5 $", "$5 $"},
        {"${LEEWAY_ODD}", "${LEEWAY_T}", ""}, /* a value is not expanded again */
        {"${LEEWAY_NONE}", NULL, NULL},
        {"${LEEWAY_T", NULL, NULL},
        {"${}", NULL, NULL},
        {"${LEEWAY_T-x}", NULL, NULL},
        {"${1A}", NULL, NULL},
    };
    setenv("LEEWAY_T", "value", 1);
    setenv("LEEWAY_EMPTY", "", 1);
    setenv("LEEWAY_ODD", "${LEEWAY_T}", 1);
    unsetenv("LEEWAY_NONE");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lw_err why = {0};
        char *text = NULL, *literal = NULL;
        int failed = lw_substitute(cases[i].text, &text, &literal, &why);
        assert_int_equal(failed, cases[i].want ? 0 : -1);
        if (cases[i].want) {
            assert_string_equal(text, cases[i].want);
            assert_string_equal(literal, cases[i].literal);
        } else {
            assert_int_equal(why.code, LW_ECONFIG);
        }
        free(text);
        free(literal);
    }
}

static void bytes_are_bounded(void **state) {
    (void)state;
    struct lw_err err = {0};
    size_t len = LW_CONFIG_BYTES_MAX + 1;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '#', len);
    assert_null(lw_tree_parse(text, len, "t.yaml", &err));
    assert_string_equal(err.msg, "t.yaml:1:1: larger than 1048576 bytes");
    free(text);
}

/* Without our own limits, libyaml takes minutes for some of these. */
static void expensive_documents_are_refused_at_once(void **state) {
    (void)state;
    static const char *const units[] = {
        "[",     "{",     "- ", "? ", "[a: ",   "{a: ",   "? [", "&a [", "[],",
        "&a 1,", "---\n", "!",  ": ", "a: [b,", "\"a\":", "*a ", "a",    "<<: "};
    size_t len = LW_CONFIG_BYTES_MAX;
    char *text = malloc(len);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct lw_err err = {0};
        for (size_t at = 0, n = strlen(units[i]); at < len; at++)
            text[at] = units[i][at % n];
        struct lw_tree *tree = lw_tree_parse(text, len, "t.yaml", &err);
        assert_true(tree || strncmp(err.msg, "t.yaml:", 7) == 0);
        lw_tree_free(tree);
    }
    free(text);
}

static void variables_cannot_exceed_the_size_limit(void **state) {
    (void)state;
    char *value = malloc(100001), *text = NULL, *literal = NULL;
    struct lw_err why = {0};
    assert_non_null(value);
    memset(value, 'x', 100000);
    value[100000] = '\0';
    setenv("LEEWAY_LONG", value, 1);
    char many[20 * sizeof "${LEEWAY_LONG}"] = "";
    for (int i = 0; i < 20; i++)
        strcat(many, "${LEEWAY_LONG}");
    assert_int_equal(lw_substitute(many, &text, &literal, &why), -1);
    assert_string_equal(why.msg,
                        "larger than 1048576 bytes after its variables are replaced");
    free(value);
}

static void long_paths_are_cut(void **state) {
    (void)state;
    struct lw_err err = {0};
    char path[12];
    struct lw_tree *tree = parse_tree("a-rather-long-key: {and-another: 1}", &err);
    assert_non_null(tree);
    lw_yaml_path(tree->root->child[0]->child[0], path, sizeof path);
    assert_string_equal(path, "a-rather-lo");
    lw_tree_free(tree);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_positions_and_paths),
        cmocka_unit_test(null_is_nothing_unless_quoted),
        cmocka_unit_test(aliases_are_replaced_by_their_anchor),
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(bytes_are_bounded),
        cmocka_unit_test(expensive_documents_are_refused_at_once),
        cmocka_unit_test(variables_cannot_exceed_the_size_limit),
        cmocka_unit_test(long_paths_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
