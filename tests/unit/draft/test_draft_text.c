/* The text of a configuration: every choice is commented, any name is harmless, and the
 * same events give the same bytes. */
#include "support.h"

static void event_of_names(size_t i, struct lw_cell *c, struct lw_rng *rng) {
    static const char *const words[] = {"a", "b", "c"};
    c[0] = time_cell(T0 + (int64_t)i * LW_MINUTE);
    for (size_t j = 1; j < 9; j++) {
        const char *word = words[lw_rng_below(rng, 3)];
        c[j] = lw_cell_text(word, 1);
    }
    c[9] = lw_cell_num(lw_rng_normal(rng));
}

/* Lines that are neither comments nor empty must not contain a field's hostile name, but
 * quoted. */
static void names_cannot_break_the_text(void **state) {
    (void)state;
    struct made m =
        made_of("null:time a:b:string 2nd:string x#y:string caf\xc3\xa9:string "
                "true:string d{e:string ${HOME}:string good:string y:double",
                2000, event_of_names, NULL);
    char *text = text_of(&m), *rest = text, *line;
    static const char *const never[] = {"a:b", "2nd", "x#y", "caf", "d{e", "HOME"};
    assert_non_null(strstr(text, "time: \"null\""));
    assert_non_null(strstr(text, "\"true\": {kind: category"));
    assert_non_null(strstr(text, "field: \"y\""));
    assert_non_null(strstr(text, "good: {kind: category"));
    while ((line = strtok_r(rest, "\n", &rest)))
        for (size_t i = 0; i < sizeof never / sizeof *never; i++)
            if (line[strspn(line, " ")] != '#' && strstr(line, never[i]))
                fail_msg("%s", line);
    free(text);
    made_free(&m);
}

static void a_name_with_quotes_as_target_is_quoted(void **state) {
    (void)state;
    struct lw_draft_wishes wishes = {.target = "c\"d", .lo = NAN, .hi = NAN};
    struct made m = made_of("t:time a1:string a2:string a3:string a4:string a5:string "
                            "a6:string a7:string a8:string c\\\"d:double",
                            2000, event_of_names, &wishes);
    char *text = text_of(&m);
    assert_non_null(strstr(text, "field: \"c\\\"d\""));
    free(text);
    made_free(&m);
}

static void every_choice_has_its_comment(void **state) {
    (void)state;
    static const char *const keys[] = {
        "  time: ",      "  field: ",   "  range: ", "  length: ",   "  lateness: ",
        "  bootstrap: ", "  holdout: ", "windows:",  "  min_fresh: "};
    struct made m = made_of("t:time a1:string a2:string a3:string a4:string a5:string "
                            "a6:string a7:string a8:string target:double",
                            2000, event_of_names, NULL);
    char *text = text_of(&m);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[40];
        snprintf(key, sizeof key, "\n%s", keys[i]);
        const char *at = strstr(text, key);
        if (!at)
            fail_msg("no %s", keys[i]);
        const char *before = at;
        while (before > text && before[-1] != '\n')
            before--;
        bool above = before[strspn(before, " ")] == '#';
        const char *end = strchr(at + 1, '\n'), *mark = strchr(at + 1, '#');
        assert_true(above || (mark && mark < end));
    }
    free(text);
    made_free(&m);
}

static void equal_events_give_equal_bytes(void **state) {
    (void)state;
    char *text[2];
    for (int i = 0; i < 2; i++) {
        struct made m =
            made_of("t:time a1:string a2:string a3:string a4:string a5:string "
                    "a6:string a7:string a8:string target:double",
                    50000, event_of_names, NULL);
        text[i] = text_of(&m);
        made_free(&m);
    }
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_cannot_break_the_text),
        cmocka_unit_test(a_name_with_quotes_as_target_is_quoted),
        cmocka_unit_test(every_choice_has_its_comment),
        cmocka_unit_test(equal_events_give_equal_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
