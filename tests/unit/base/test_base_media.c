/* The laws of each medium, for any bytes: the output has no meaning to the medium,
 * unescaping it gives the text, different names stay different, and a limit never splits
 * an escape. */
#include "base/rng.h"
#include "base/text.h"
#include "base/text_media.h"
#include "test.h"

#define ROUNDS 20000
#define ANY    SIZE_MAX

static const char *const names[LW_MEDIA] = {"line", "html", "label", "slack", "card"};

static size_t strange_text(struct lw_rng *rng, char *out, size_t most) {
    static const char *const part[] = {"<!channel>",
                                       "<@U024BE7LH>",
                                       "<#C024BE7LR>",
                                       "<at>all</at>",
                                       "@here",
                                       "&lt;",
                                       "&",
                                       "*bold*",
                                       "_i_",
                                       "~s~",
                                       "`c`",
                                       "[a](https://evil.example)",
                                       "https://",
                                       "www.",
                                       ":fire:",
                                       "{{DATE(2020-01-01,SHORT)}}",
                                       "1. ",
                                       "- ",
                                       "\"",
                                       "\\",
                                       "\\x1b",
                                       "\n",
                                       "\r",
                                       "\x1b[2J",
                                       "\x9b",
                                       "\xc2\x9b",
                                       "\xe2\x80\xae",
                                       "\xe2\x81\xa6",
                                       "\xe2\x80\xa8",
                                       "\xff",
                                       "\xf0\x9f",
                                       "\xe6\xbc\xa2",
                                       "'",
                                       ">",
                                       "=",
                                       "+",
                                       "#",
                                       "|",
                                       "!",
                                       " "};
    size_t n = 0, parts = lw_rng_below(rng, 8);
    for (size_t i = 0; i < parts && n + 32 < most; i++) {
        const char *p = part[lw_rng_below(rng, sizeof part / sizeof *part)];
        if (lw_rng_below(rng, 4) == 0) {
            out[n++] = (char)lw_rng_below(rng, 256);
        } else {
            memcpy(out + n, p, strlen(p));
            n += strlen(p);
        }
    }
    return n;
}

/* Undoes the medium's escapes; NULL if the output contains something that the medium
 * would interpret. */
static char *taken_back(enum lw_medium m, const char *text) {
    static const struct {
        const char *entity;
        char c;
    } entity[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&#39;", '\''}};
    bool tags = m == LW_MEDIUM_HTML || m == LW_MEDIUM_SLACK;
    const char *own = m == LW_MEDIUM_HTML    ? "<>&\"'"
                      : m == LW_MEDIUM_SLACK ? "<>&"
                      : m == LW_MEDIUM_LABEL ? "\"\\"
                      : m == LW_MEDIUM_CARD  ? "\\`*_{}[]()<>#!|~&^="
                                             : "";
    char *out = calloc(1, strlen(text) + 1);
    size_t n = 0;
    for (const char *p = text; *p; n++) {
        size_t k = 0, count = m == LW_MEDIUM_HTML ? 5 : 3;
        while (tags && k < count &&
               strncmp(p, entity[k].entity, strlen(entity[k].entity)))
            k++;
        if (tags && k < count) {
            out[n] = entity[k].c;
            p += strlen(entity[k].entity);
        } else if ((m == LW_MEDIUM_LABEL || m == LW_MEDIUM_CARD) && *p == '\\' && p[1]) {
            out[n] = p[1];
            p += 2;
        } else if (strchr(own, *p)) {
            free(out);
            return NULL;
        } else {
            out[n] = *p++;
        }
    }
    return out;
}

static char *is_whole(enum lw_medium m, const char *text, size_t len, size_t max) {
    struct lw_buf out = {0};
    lw_text_for(m, &out, text, len, max);
    char *copy = strdup(lw_buf_str(&out));
    assert_int_equal(strlen(copy), out.len); /* no NUL inside */
    lw_buf_fini(&out);
    return copy;
}

static void text_is_never_interpreted_and_never_lost(void **state) {
    (void)state;
    const uint64_t seed = 13;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        char text[300], safe[4096], again[8192];
        size_t len = strange_text(&rng, text, sizeof text);
        lw_text_safe(safe, sizeof safe, text, len);
        for (int m = 0; m < LW_MEDIA; m++) {
            char *out = is_whole((enum lw_medium)m, text, len, ANY);
            assert_string_equal(lw_text_safe(again, sizeof again, out, strlen(out)), out);
            char *back = taken_back((enum lw_medium)m, out);
            if (!back || strcmp(back, safe) != 0)
                fail_msg("%s of [%s] is [%s]", names[m], safe, out);
            free(back);
            free(out);
        }
    }
}

/* Addresses, lists and mentions in a card, which consist of several characters. */
static void a_card_finds_no_links_lists_or_mentions(void **state) {
    (void)state;
    static const char *const pair[][2] = {
        {"see https://evil.example/", "see https\\://evil.example/"},
        {"www.evil.example", "www\\.evil.example"},
        {"1. one", "1\\. one"},
        {"12. twelve", "12\\. twelve"},
        {"v1.2: 0.5", "v1.2: 0.5"},
        {"0.3125", "0.3125"},
        {"- a", "\\- a"},
        {"a - b", "a - b"},
        {"+ a", "\\+ a"},
        {"<at>Ann</at>", "\\<at\\>Ann\\</at\\>"},
        {"{{DATE(2020-01-01T00:00:00Z, SHORT)}}",
         "\\{\\{DATE\\(2020-01-01T00:00:00Z, SHORT\\)\\}\\}"},
        {"a\nb", "a\\\\x0ab"}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        char *out = is_whole(LW_MEDIUM_CARD, pair[i][0], strlen(pair[i][0]), ANY);
        assert_string_equal(out, pair[i][1]);
        free(out);
    }
}

static void different_names_stay_different(void **state) {
    (void)state;
    const uint64_t seed = 14;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        char text[2][300], name[2][128];
        size_t len = strange_text(&rng, text[0], sizeof text[0]);
        if (len == 0)
            continue;
        memcpy(text[1], text[0], len);
        size_t at = lw_rng_below(&rng, len);
        text[1][at] = (char)(text[1][at] ^ (1 + (int)lw_rng_below(&rng, 255)));
        for (int k = 0; k < 2; k++)
            lw_text_show(name[k], sizeof name[k], text[k], len);
        for (int m = 0; m < LW_MEDIA; m++) {
            char *a = is_whole((enum lw_medium)m, name[0], strlen(name[0]), ANY);
            char *b = is_whole((enum lw_medium)m, name[1], strlen(name[1]), ANY);
            assert_string_not_equal(a, b);
            free(a);
            free(b);
        }
    }
}

static void a_limit_cuts_between_characters(void **state) {
    (void)state;
    const uint64_t seed = 15;
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        char text[300];
        size_t len = strange_text(&rng, text, sizeof text),
               max = 3 + lw_rng_below(&rng, 80);
        for (int m = 0; m < LW_MEDIA; m++) {
            char *out = is_whole((enum lw_medium)m, text, len, max);
            char *all = is_whole((enum lw_medium)m, text, len, ANY);
            char *back = taken_back((enum lw_medium)m, out);
            size_t n = strlen(out), cut = n;
            assert_true(n <= max);
            assert_non_null(back);
            if (strcmp(out, all) != 0) {
                assert_true(n >= 3 && strcmp(out + n - 3, "\xE2\x80\xA6") == 0);
                cut = n - 3;
                assert_true(strlen(all) > max);
            }
            assert_memory_equal(out, all, cut);
            free(back);
            free(all);
            free(out);
        }
    }
}

static void json_is_harmless_on_a_terminal(void **state) {
    (void)state;
    static const char *const pair[][2] = {
        {"{\"a\":\"Z\xc3\xbcrich\"}\n", "{\"a\":\"Z\xc3\xbcrich\"}\n"},
        {"[\"\xe2\x80\xae\xc2\x9b\x7f\"]", "[\"\\u202e\\u009b\\u007f\"]"},
        {"\"\xf0\x9f\x9a\x95\"", "\"\xf0\x9f\x9a\x95\""},
        {"\"\xf3\xaf\xbf\xbf\"", "\"\\udb7f\\udfff\""}, /* U+EFFFF: not a character */
        {"\"\\u001b\"", "\"\\u001b\""}};
    for (size_t i = 0; i < COUNT(pair); i++) {
        struct lw_buf out = {0};
        lw_text_json(&out, pair[i][0], strlen(pair[i][0]));
        assert_string_equal(lw_buf_str(&out), pair[i][1]);
        lw_buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_never_interpreted_and_never_lost),
        cmocka_unit_test(json_is_harmless_on_a_terminal),
        cmocka_unit_test(a_card_finds_no_links_lists_or_mentions),
        cmocka_unit_test(different_names_stay_different),
        cmocka_unit_test(a_limit_cuts_between_characters)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
