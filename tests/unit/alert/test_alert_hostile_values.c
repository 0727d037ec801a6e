/* For every format: whatever bytes a category or an id contains, and however large a
 * figure is, the receiver gets valid JSON without control characters, and two different
 * categories never look the same. */
#include <math.h>

#include "alert/alert_json.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "alert_test.h"
#include "base/rng.h"
#include "core/task.h"

#define AT     INT64_C(1584763200000)
#define ROUNDS 1000

static const struct lw_metric metric = {.name = "rmse_ratio"};
static const struct lw_rule rule = {.name = "error", .metric = &metric};

static size_t strange(struct lw_rng *rng, char *out, size_t most) {
    static const char *const part[] = {"\\",
                                       "x",
                                       "u",
                                       "00",
                                       "\xe9",
                                       "\x1b[31m",
                                       "\x7f",
                                       "a",
                                       " ",
                                       "<",
                                       "&",
                                       "*",
                                       "漢",
                                       "\xe2\x80\xae",
                                       "\xf0\x9f",
                                       "\xc2\x9b",
                                       "…",
                                       "~",
                                       "\"",
                                       "\x01",
                                       "\xff",
                                       "\xcc\x81",
                                       "\xc2\xa0",
                                       "<!channel>",
                                       "<@U024BE7LH>",
                                       "<at>x</at>",
                                       "@here",
                                       "*b*",
                                       "_i_",
                                       "`c`",
                                       "[a](https://evil.example)",
                                       ":fire:",
                                       "\n",
                                       "\r",
                                       "&lt;",
                                       "{{DATE(0)}}"};
    size_t n = 0, parts = 1 + lw_rng_below(rng, 40);
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

/* ---- what each product would interpret in a text ---- */

/* No tag, no mention, and no entity except the three. */
static void assert_plain_in_slack(const char *text) {
    assert_null(strpbrk(text, "<>"));
    for (const char *p = strchr(text, '&'); p != NULL; p = strchr(p + 1, '&'))
        assert_true(strncmp(p, "&amp;", 5) == 0 || strncmp(p, "&lt;", 4) == 0 ||
                    strncmp(p, "&gt;", 4) == 0);
}

/* Only our own texts have markup; those of events are plain, without emoji. */
static void assert_slack(const json_t *v) {
    const char *key, *type = json_string_value(json_object_get(v, "type"));
    const json_t *text = json_object_get(v, "text");
    json_t *member;
    size_t i;
    if (type && strcmp(type, "mrkdwn") == 0) {
        const char *own = json_string_value(text);
        assert_true(json_is_true(json_object_get(v, "verbatim")));
        assert_true(own[0] == '*' &&
                    strspn(own + 1, "abcdefghijklmnopqrstuvwxyzVSWMRATE ") ==
                        strlen(own) - 2);
    }
    if (type && strcmp(type, "plain_text") == 0) {
        assert_true(json_is_false(json_object_get(v, "emoji")));
        assert_plain_in_slack(json_string_value(text));
    }
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
        assert_slack(member);
    json_array_foreach(v, i, member)
        assert_slack(member);
}

static void assert_slack_body(const json_t *root) {
    assert_slack(root);
    assert_plain_in_slack(json_string_value(json_object_get(root, "text")));
    assert_null(strchr(json_string_value(json_object_get(root, "text")), '\n'));
    assert_true(json_is_false(json_object_get(root, "mrkdwn")));
    assert_string_equal(json_string_value(json_object_get(root, "parse")), "none");
    assert_true(json_is_false(json_object_get(root, "link_names")));
    assert_true(json_is_false(json_object_get(root, "unfurl_links")));
    assert_true(json_is_false(json_object_get(root, "unfurl_media")));
}

/* Every character with a meaning in Markdown has a backslash before it. */
static void assert_card(const json_t *v, const char *under) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(v) && (strcmp(under, "text") == 0 || strcmp(under, "value") == 0))
        for (const char *p = json_string_value(v); *p; p++) {
            if (*p == '\\' && p[1])
                p++;
            else if (strchr("\\`*_{}[]()<>#!|~&\n", *p))
                fail_msg("a card would interpret [%s]", json_string_value(v));
        }
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
        assert_card(member, key);
    json_array_foreach(v, i, member)
        assert_card(member, under);
}

/* One line per text, within PagerDuty's limit. */
static void assert_pagerduty(const json_t *v) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(v))
        assert_true(strlen(json_string_value(v)) <= 1024 &&
                    !strchr(json_string_value(v), '\n'));
    json_object_foreach((json_t *)(uintptr_t)v, key, member)
        assert_pagerduty(member);
    json_array_foreach(v, i, member)
        assert_pagerduty(member);
}

static double any_double(struct lw_rng *rng) {
    uint64_t bits = lw_rng_next(rng);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void assert_harmless(const char *text) {
    char safe[8192];
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        lw_text_safe(safe, sizeof safe, line, len);
        if (strlen(safe) != len || memcmp(safe, line, len) != 0)
            fail_msg("not harmless: %s", safe);
        line += len + (line[len] == '\n');
    }
}

static void assert_all_harmless(const json_t *v) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(v))
        assert_harmless(json_string_value(v));
    if (json_is_real(v))
        assert_true(isfinite(json_real_value(v)));
    json_object_foreach((json_t *)(uintptr_t)v, key, member) {
        assert_harmless(key);
        assert_all_harmless(member);
    }
    json_array_foreach(v, i, member)
        assert_all_harmless(member);
}

/* The message about one category, in our own JSON. */
static void message(struct lw_rng *rng, const struct lw_cat *cat, struct lw_buf *out) {
    struct lw_spec *spec = calloc(1, sizeof *spec);
    struct lw_err err = {0};
    char id[96], value[64];
    spec->task = &lw_task_regression;
    lw_copy(spec->stream, sizeof spec->stream, "made");
    id[strange(rng, id, sizeof id - 1)] = '\0';
    struct lw_alert_segment segment = {.name = "zone",
                                       .n = 7,
                                       .error = any_double(rng),
                                       .reference_error = any_double(rng),
                                       .share = any_double(rng)};
    segment.value = lw_cat_name(cat, value, sizeof value);
    const char *example = id;
    struct lw_alert_context context = {.now_ms = AT,
                                       .host = id,
                                       .action = "none",
                                       .segment = &segment,
                                       .nsegments = 1,
                                       .example = &example,
                                       .nexamples = 1};
    struct lw_alert alert = {.fingerprint = 1,
                             .incident = 2,
                             .firing = true,
                             .severity = LW_SEVERITY_WARN,
                             .rule = &rule,
                             .value = any_double(rng),
                             .threshold = any_double(rng),
                             .once_in_days = any_double(rng),
                             .since_ms = AT,
                             .at_ms = AT};
    lw_copy(alert.name, sizeof alert.name, "error");
    snprintf(alert.summary, sizeof alert.summary, "RMSE is %s.",
             lw_digits(alert.value, 3).text);
    lw_buf_clear(out);
    assert_int_equal(lw_alert_json_write(spec, &alert, &context, out, &err), 0);
    free(spec);
}

static void render(enum lw_format format, const struct lw_buf *json, struct lw_buf *out) {
    char template[] = "{\"segments\": {{details.segments|json}}, \"by\": \"{{host}}\"}";
    struct lw_secrets secrets = {.token = "key", .template_text = template};
    struct lw_receiver r = receiver("on-call", format);
    struct lw_err err = {0};
    lw_buf_clear(out);
    if (lw_render_body(&r, &secrets,
                       &(struct lw_render_input){(const char *)json->data, json->len, AT},
                       out, &err))
        fail_msg("%s: %s", lw_format_name(format), err.msg);
    json_t *root = json_of(out);
    assert_all_harmless(root);
    if (format == LW_FORMAT_SLACK)
        assert_slack_body(root);
    else if (format == LW_FORMAT_TEAMS)
        assert_card(root, "");
    else if (format == LW_FORMAT_PAGERDUTY)
        assert_pagerduty(root);
    json_decref(root);
}

static void any_bytes_and_figures_are_harmless(void **state) {
    (void)state;
    const uint64_t seed = 20261129;
    struct lw_rng rng;
    struct lw_buf json[2] = {{0}}, body[2] = {{0}};
    lw_rng_seed(&rng, seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < ROUNDS; round++) {
        char text[2][256];
        struct lw_rng same[2];
        size_t len[2] = {strange(&rng, text[0], sizeof text[0]), 0};
        memcpy(text[1], text[0], sizeof text[1]); /* the other differs in one byte */
        len[1] = len[0];
        size_t at = lw_rng_below(&rng, len[0]);
        text[1][at] = (char)(text[1][at] ^ (1 + (int)lw_rng_below(&rng, 255)));
        same[0] = same[1] = rng;
        for (int i = 0; i < 2; i++) {
            struct lw_cat cat = {.key = lw_text_key(text[i], len[i]),
                                 .text = text[i],
                                 .len = (uint32_t)len[i]};
            message(&same[i], &cat, &json[i]);
        }
        rng = same[0];
        for (int format = 0; format < LW_FORMATS; format++) {
            for (int i = 0; i < 2; i++)
                render((enum lw_format)format, &json[i], &body[i]);
            if (body[0].len == body[1].len)
                assert_memory_not_equal(body[0].data, body[1].data, body[0].len);
        }
    }
    for (int i = 0; i < 2; i++) {
        lw_buf_fini(&json[i]);
        lw_buf_fini(&body[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_and_figures_are_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
