/* The option parser: every form of an option, other arguments, and usage errors. */
#include "cli_test.h"

#include "cli/options.h"

static const struct lw_command command = {"test", "[OPTIONS]", "Test options", "", NULL};

struct parsed {
    bool flag, helped;
    const char *text, *rest[8];
    double number, count;
    struct lw_texts list;
    int n;
};

static int parse(struct parsed *p, int argc, const char *const *words) {
    char *argv[32], *rest[32];
    const struct lw_option options[] = {
        {'f', LW_OPTION_FLAG, "flag", &p->flag},
        {'t', LW_OPTION_TEXT, "text", &p->text},
        {0, LW_OPTION_NUMBER, "number", &p->number},
        {0, LW_OPTION_COUNT, "count", &p->count},
        {0, LW_OPTION_LIST, "item", &p->list},
    };
    assert_true(argc < 31);
    argv[0] = (char *)(uintptr_t) "test";
    for (int i = 0; i < argc; i++)
        argv[i + 1] = (char *)(uintptr_t)words[i];
    *p = (struct parsed){.number = -1, .count = -1};
    p->n =
        lw_options_parse(&command, LW_OPTIONS(options), argc + 1, argv, rest, &p->helped);
    for (int i = 0; i < p->n && i < 8; i++)
        p->rest[i] = rest[i];
    return p->n;
}
#define PARSE(p, ...)                                                                    \
    parse(p, (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),              \
          (const char *[]){__VA_ARGS__})

static void every_form_is_accepted(void **state) {
    (void)state;
    struct parsed p;
    assert_int_equal(PARSE(&p, "-f", "--text", "a", "--number=2.5", "--count", "7"), 0);
    assert_true(p.flag && p.number == 2.5 && p.count == 7);
    assert_string_equal(p.text, "a");
    assert_int_equal(PARSE(&p, "-t", "a=b", "--item", "x", "--item=y=z"), 0);
    assert_string_equal(p.text, "a=b");
    assert_int_equal(p.list.n, 2);
    assert_string_equal(p.list.text[1], "y=z");
}

static void other_arguments_keep_their_order(void **state) {
    (void)state;
    struct parsed p;
    assert_int_equal(PARSE(&p, "one", "-f", "-", "--", "--flag", "-t"), 4);
    assert_string_equal(p.rest[0], "one");
    assert_string_equal(p.rest[1], "-");
    assert_string_equal(p.rest[2], "--flag");
    assert_string_equal(p.rest[3], "-t");
    assert_null(p.text);
}

static void usage_errors_are_reported(void **state) {
    (void)state;
    struct parsed p;
    assert_int_equal(PARSE(&p, "--flga"), -1);
    assert_int_equal(PARSE(&p, "-x"), -1);
    assert_int_equal(PARSE(&p, "--text"), -1);
    assert_int_equal(PARSE(&p, "--flag=yes"), -1);
    assert_int_equal(PARSE(&p, "--text", "a", "-t", "b"), -1);
    assert_int_equal(PARSE(&p, "--number", "-1"), -1);
    assert_int_equal(PARSE(&p, "--number", "nan"), -1);
    assert_int_equal(PARSE(&p, "--count", "2.5"), -1);
}

static void a_list_has_a_limit(void **state) {
    (void)state;
    struct parsed p;
    const char *words[LW_TEXTS_MAX + 1];
    for (size_t i = 0; i <= LW_TEXTS_MAX; i++)
        words[i] = "--item=x";
    assert_int_equal(parse(&p, LW_TEXTS_MAX, words), 0);
    assert_int_equal(p.list.n, LW_TEXTS_MAX);
    assert_int_equal(parse(&p, LW_TEXTS_MAX + 1, words), -1);
}

static void help_ends_parsing(void **state) {
    (void)state;
    struct parsed p;
    assert_int_equal(PARSE(&p, "--help", "--no-such-option"), 0);
    assert_true(p.helped);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_accepted),
        cmocka_unit_test(other_arguments_keep_their_order),
        cmocka_unit_test(usage_errors_are_reported),
        cmocka_unit_test(a_list_has_a_limit),
        cmocka_unit_test(help_ends_parsing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
