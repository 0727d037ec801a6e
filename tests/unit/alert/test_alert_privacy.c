/* Privacy: no format's body contains a category or an identifier that the configuration
 * keeps private, the hash is the documented one, and a value has the same hash
 * everywhere. */
#include "alert/alert_json.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "alert_test.h"
#include "core/pane.h"
#include "core/reference.h"
#include "core/task.h"

#define AT     INT64_C(1584763200000)
#define PLACE  "Quellenstrasse"
#define PERSON "id-of-anna-4711"
#define NEW    "Neubaugasse"

static const struct lw_metric metric = {.name = "rmse_ratio"};
static const struct lw_rule rule = {.name = "error", .metric = &metric};
static const struct lw_column column[1] = {{.name = "zone", .kind = LW_CATEGORY}};

static struct lw_privacy privacy(int examples, int categories) {
    struct lw_privacy p = {.examples = (enum lw_privacy_examples)examples,
                           .categories = (enum lw_privacy_categories)categories};
    for (size_t i = 0; i < sizeof p.key; i++)
        p.key[i] = (uint8_t)i;
    return p;
}

/* Computed with Python: hmac.new(bytes(range(32)), bytes([what]) + value, "sha256"). */
static void the_hash_is_as_documented(void **state) {
    (void)state;
    static const struct {
        enum lw_privacy_kind what;
        const char *value, *hash;
    } c[] = {{LW_PRIVATE_EXAMPLE, "g2020-03-1", "h:e9706a8c5680bdce"},
             {LW_PRIVATE_CATEGORY, "74", "h:74658ced35e21b91"},
             {LW_PRIVATE_CATEGORY, "Zürich", "h:c80eea28f30997bc"}};
    struct lw_privacy p = privacy(LW_EXAMPLES_HASHED, LW_CATEGORIES_HASHED);
    char out[LW_HASHED_MAX], other[LW_HASHED_MAX];
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        lw_privacy_hash(&p, c[i].what, c[i].value, out);
        assert_string_equal(out, c[i].hash);
    }
    p.key[0] ^= 1; /* another stream's key */
    lw_privacy_hash(&p, LW_PRIVATE_CATEGORY, "Zürich", other);
    assert_string_not_equal(out, other);
    assert_true(lw_privacy_hashes(&p));
    p = privacy(LW_EXAMPLES_NONE, LW_CATEGORIES_TOP);
    assert_false(lw_privacy_hashes(&p) || lw_privacy_hashes(NULL));
}

static struct lw_profile *profile(const char *a, const char *b) {
    struct lw_profile *p = lw_profile_new(column, 1, 1);
    for (int i = 0; i < 3000; i++) {
        const char *text = i % 3 ? a : b;
        struct lw_cell cell = lw_cell_text(text, strlen(text));
        lw_profile_add(p, &cell);
    }
    return p;
}

static void message(const struct lw_privacy *p, struct lw_buf *out) {
    struct lw_spec *spec = calloc(1, sizeof *spec);
    struct lw_err err = {0};
    spec->task = &lw_task_regression;
    lw_copy(spec->stream, sizeof spec->stream, "made");
    struct lw_reference *reference = calloc(1, sizeof *reference);
    struct lw_pane window = {.profile = profile(PLACE, NEW)};
    reference->profile = profile(PLACE, "Graben");
    struct lw_alert_segment segment = {
        .name = "zone", .value = PLACE, .n = 9, .share = 0.5, .error = 2};
    const char *example = PERSON;
    struct lw_alert_context context = {.now_ms = AT,
                                       .privacy = p,
                                       .reference = reference,
                                       .window = &window,
                                       .segment = &segment,
                                       .nsegments = 1,
                                       .example = &example,
                                       .nexamples = 1};
    struct lw_alert alert = {.incident = 2,
                             .firing = true,
                             .severity = LW_SEVERITY_WARN,
                             .rule = &rule,
                             .at_ms = AT,
                             .since_ms = AT};
    lw_copy(alert.name, sizeof alert.name, "error");
    lw_copy(alert.feature, sizeof alert.feature, "zone");
    lw_buf_clear(out);
    if (lw_alert_json_write(spec, &alert, &context, out, &err))
        fail_msg("%s", err.msg);
    lw_profile_free(reference->profile);
    lw_profile_free(window.profile);
    free(reference);
    free(spec);
}

static bool holds(struct lw_buf *body, const char *text) {
    return strstr(lw_buf_str(body), text) != NULL;
}

static void no_format_reveals_private_values(void **state) {
    (void)state;
    struct lw_buf json = {0}, body = {0};
    char template[] = "{\"all\": {{.}}, \"top_drifted\": \"{{top_drifted}}\"}";
    for (int examples = 0; examples < 3; examples++)
        for (int categories = 0; categories < 2; categories++) {
            struct lw_privacy p = privacy(examples, categories);
            char place[LW_HASHED_MAX], person[LW_HASHED_MAX], new[LW_HASHED_MAX];
            lw_privacy_hash(&p, LW_PRIVATE_CATEGORY, PLACE, place);
            lw_privacy_hash(&p, LW_PRIVATE_CATEGORY, NEW, new);
            lw_privacy_hash(&p, LW_PRIVATE_EXAMPLE, PERSON, person);
            message(&p, &json);
            for (int f = 0; f < LW_FORMATS; f++) {
                struct lw_secrets s = {.token = "key", .template_text = template};
                struct lw_receiver r = receiver("on-call", (enum lw_format)f);
                struct lw_err err = {0};
                bool whole = f == LW_FORMAT_JSON || f == LW_FORMAT_TEMPLATE;
                bool open = categories == LW_CATEGORIES_TOP;
                lw_buf_clear(&body);
                if (lw_render_body(
                        &r, &s,
                        &(struct lw_render_input){lw_buf_str(&json), json.len, AT}, &body,
                        &err))
                    fail_msg("%s", err.msg);
                assert_int_equal(holds(&body, PLACE), open);
                assert_int_equal(holds(&body, NEW), open);
                assert_int_equal(holds(&body, place), !open);
                assert_int_equal(holds(&body, new), !open);
                if (examples != LW_EXAMPLES_IDS)
                    assert_false(holds(&body, PERSON));
                if (whole)
                    assert_int_equal(holds(&body, PERSON), examples == LW_EXAMPLES_IDS);
                if (whole)
                    assert_int_equal(holds(&body, person),
                                     examples == LW_EXAMPLES_HASHED);
            }
        }
    message(NULL, &json); /* without privacy settings all is shown */
    assert_true(holds(&json, PLACE) && holds(&json, PERSON));
    lw_buf_fini(&json);
    lw_buf_fini(&body);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_as_documented),
        cmocka_unit_test(no_format_reveals_private_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
