/* A renamed key is found by its section and old name, and the message gives the new
 * one. */
#include "support.h"

#include "config/keys.h"

static const struct lw_renamed_key table[] = {
    {"source", "codec", "encoding"}, {"", "receivers", "webhooks"}, {NULL, NULL, NULL}};

static void an_old_name_gives_the_new_one(void **state) {
    (void)state;
    assert_string_equal(lw_renamed_key_find(table, "source", "codec"), "encoding");
    assert_string_equal(lw_renamed_key_find(table, "", "receivers"), "webhooks");
}

static void other_sections_and_names_were_never_renamed(void **state) {
    (void)state;
    assert_null(lw_renamed_key_find(table, "", "codec"));
    assert_null(lw_renamed_key_find(table, "source", "encoding"));
}

/* In every row the names differ and the section has a title. */
static void the_table_is_consistent(void **state) {
    (void)state;
    for (const struct lw_renamed_key *r = lw_renamed_keys; r->old; r++) {
        assert_non_null(r->section);
        assert_non_null(r->new);
        assert_string_not_equal(r->old, r->new);
        assert_null(lw_renamed_key_find(lw_renamed_keys, r->section, r->new));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_name_gives_the_new_one),
        cmocka_unit_test(other_sections_and_names_were_never_renamed),
        cmocka_unit_test(the_table_is_consistent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
