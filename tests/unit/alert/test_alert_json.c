/* The message: every member is present, ids identify the change, and the top drifted
 * features are computed from sketches. */
#include <math.h>

#include "alert/alert_json.h"
#include "alert/message.h"
#include "alert/phrase.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "alert_test.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/pane.h"
#include "core/reference.h"
#include "core/task.h"
#include "support/json_schema.h"
#include "support/toy_task.h"

#define AT INT64_C(1584763200000) /* 2020-03-21T04:00:00Z */

static const struct lw_column columns[] = {
    {.name = "trip_distance", .kind = LW_NUMERIC, .lo = 0, .hi = 50},
    {.name = "zone", .kind = LW_CATEGORY},
    {.name = "calm", .kind = LW_NUMERIC, .lo = -INFINITY, .hi = INFINITY},
    {.name = "flag", .kind = LW_CATEGORY},
};

static const struct lw_metric metric = {.name = "psi"};
static struct lw_rule rule = {.name = "psi-day", .metric = &metric};

static struct lw_spec *spec(void) {
    struct lw_spec *s = calloc(1, sizeof *s);
    s->task = &lw_task_regression;
    lw_copy(s->stream, sizeof s->stream, "nyc-green");
    s->nwindows = 1;
    lw_copy(s->window[0].name, sizeof s->window[0].name, "day");
    s->window[0].length_ms = LW_DAY;
    s->drift = lw_drift_defaults();
    return s;
}

static struct lw_alert alert(void) {
    struct lw_alert a = {.fingerprint = 0x0123456789abcdef,
                         .incident = 0xc0ffee00c0ffee,
                         .firing = true,
                         .severity = LW_SEVERITY_CRITICAL,
                         .rule = &rule,
                         .value = 0.3125,
                         .threshold = 0.25,
                         .once_in_days = 45.5,
                         .n = 12345,
                         .model_version = 3,
                         .since_ms = AT - 6 * LW_HOUR,
                         .at_ms = AT};
    lw_copy(a.name, sizeof a.name, "psi-day");
    lw_copy(a.feature, sizeof a.feature, "trip_distance");
    lw_copy(a.window, sizeof a.window, "day");
    lw_copy(a.summary, sizeof a.summary, "trip_distance has moved");
    return a;
}

static json_t *schema(void) {
    struct lw_err err = {0};
    size_t len;
    char *text = lw_read_file(LW_SOURCE_DIR "/schemas/alert.schema.json", (size_t)1 << 20,
                              &len, &err);
    if (text == NULL)
        fail_msg("%s", err.msg);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static void assert_in_schema(const json_t *message) {
    char where[500];
    json_t *s = schema();
    if (!lw_schema_holds(s, message, where, sizeof where))
        fail_msg("schemas/alert.schema.json: %s", where);
    json_decref(s);
}

static json_t *made(const struct lw_alert *a, const struct lw_alert_context *c) {
    struct lw_buf out = {0};
    struct lw_err err = {0};
    struct lw_spec *s = spec();
    if (lw_alert_json_write(s, a, c, &out, &err) < 0)
        fail_msg("%s", err.msg);
    assert_true(out.len < 16 * 1024);
    json_t *root = json_of(&out);
    struct lw_message m; /* our output is valid input */
    assert_int_equal(lw__message_read(&m, (const char *)out.data, out.len, 0, &err), 0);
    lw__message_fini(&m);
    assert_in_schema(root);
    lw_buf_fini(&out);
    free(s);
    return root;
}

/* The structs give the golden message without its details. */
static void messages_match_the_golden_one(void **state) {
    (void)state;
    struct lw_alert a = alert();
    lw_copy(a.summary, sizeof a.summary,
            "trip_distance has moved: PSI 0.3125 over the day, limit 0.25 <&>.");
    const char *examples[] = {"2020-03-20-000017", "2020-03-20-000099"};
    struct lw_alert_segment segment = {"PULocationID", "74", 912, 9.5, 6.25, 0.41};
    struct lw_alert_context c = {.now_ms = AT + 5000,
                                 .host = "trips-1",
                                 .action = "retrain requested",
                                 .page_url = "https://leeway.example.org/",
                                 .runbook_url =
                                     "https://leeway.example.org/docs/alerts.md",
                                 .segment = &segment,
                                 .nsegments = 1,
                                 .example = examples,
                                 .nexamples = 2};
    char *text = data_file("message_firing.json", NULL);
    json_t *want = json_loads(text, 0, NULL);
    json_array_clear(json_object_get(json_object_get(want, "details"), "top_drifted"));
    json_array_clear(json_object_get(json_object_get(want, "details"), "shifted"));
    assert_json(made(&a, &c), want, "message");
    free(text);
}

/* A rollback has no rule, feature or window; figures without a value are null, never
 * NaN. */
static void every_member_is_present(void **state) {
    (void)state;
    struct lw_alert_context c = {.now_ms = AT};
    struct lw_alert bare = {.name = "rollback",
                            .firing = true,
                            .severity = LW_SEVERITY_WARN,
                            .value = 0,
                            .threshold = 0};
    struct lw_alert full = alert();
    json_t *a = made(&bare, &c), *b = made(&full, &c), *v;
    const char *key;
    assert_int_equal(json_object_size(a), json_object_size(b));
    json_object_foreach(b, key, v)
        assert_non_null(json_object_get(a, key));
    assert_true(json_is_null(json_object_get(a, "value")));
    assert_true(json_is_null(json_object_get(a, "threshold")));
    assert_true(json_is_null(json_object_get(a, "model_version")));
    json_decref(a);
    json_decref(b);
    full.value = NAN;
    full.threshold = -INFINITY;
    full.once_in_days = NAN;
    a = made(&full, &c);
    assert_true(json_is_null(json_object_get(a, "value")));
    assert_true(json_is_null(json_object_get(a, "threshold")));
    assert_true(json_is_null(json_object_get(a, "once_in_days")));
    json_decref(a);
}

static void runbook_links_end_in_the_rule(void **state) {
    (void)state;
    const struct {
        const char *base, *rule, *want;
    } c[] = {{"https://w/book", "psi-day", "https://w/book#psi-day"},
             {"https://w/book#top", "psi-day", "https://w/book#top"},
             {"https://w/b", "a b\"<ü>", "https://w/b#a%20b%22%3C%C3%BC%3E"}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_alert a = alert();
        struct lw_alert_context x = {.runbook_url = c[i].base};
        lw_copy(a.name, sizeof a.name, c[i].rule);
        json_t *root = made(&a, &x);
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(root, "links"), "runbook")),
            c[i].want);
        json_decref(root);
    }
}

/* The schema accepts the messages of the format tests, and rejects them if any member is
 * missing or has a wrong type. */
static void the_schema_rejects_wrong_messages(void **state) {
    (void)state;
    const char *name[] = {"message_firing.json", "message_resolved.json",
                          "message_bare.json", "body_json_firing.json"};
    char where[500];
    json_t *s = schema();
    for (size_t i = 0; i < 4; i++) {
        char *text = data_file(name[i], NULL);
        json_t *m = json_loads(text, 0, NULL), *v;
        const char *key;
        void *next;
        assert_in_schema(m);
        json_object_foreach_safe(m, next, key, v) {
            json_t *bad = json_copy(m);
            json_object_del(bad, key);
            if (strcmp(key, "sent_at") != 0)
                assert_false(lw_schema_holds(s, bad, where, sizeof where));
            json_object_set_new(bad, key, json_true());
            assert_false(lw_schema_holds(s, bad, where, sizeof where));
            json_decref(bad);
        }
        json_decref(m);
        free(text);
    }
    json_decref(s);
}

static void ids_identify_the_change(void **state) {
    (void)state;
    struct lw_alert a = alert();
    char id[LW_ALERT_ID_MAX];
    assert_string_equal(lw_alert_json_id(id, sizeof id, &a, 0),
                        "00c0ffee00c0ffee-critical");
    assert_string_equal(lw_alert_json_id(id, sizeof id, &a, 12),
                        "00c0ffee00c0ffee-critical.12");
    a.severity = LW_SEVERITY_WARN;
    assert_string_equal(lw_alert_json_id(id, sizeof id, &a, 0),
                        "00c0ffee00c0ffee-warning");
    a.firing = false;
    assert_string_equal(lw_alert_json_id(id, sizeof id, &a, 0),
                        "00c0ffee00c0ffee-resolved");
}

static void a_message_without_a_name_is_refused(void **state) {
    (void)state;
    struct lw_alert a = alert();
    struct lw_alert_context c = {0};
    struct lw_buf out = {0};
    struct lw_spec *s = spec();
    a.name[0] = '\0';
    assert_int_equal(lw_alert_json_write(s, &a, &c, &out, NULL), -1);
    assert_int_equal(out.len, 0);
    free(s);
}

/* ---- top drifted features ---- */

static struct lw_profile *profile(uint64_t seed, double scale, int64_t shift) {
    struct lw_profile *p = lw_profile_new(columns, 4, seed);
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (int i = 0; i < 4000; i++) {
        struct lw_cell cells[4];
        cells[0] = lw_cell_num(scale * (1 + 4 * lw_rng_unit(&rng)));
        cells[1] = lw_cell_int((int64_t)lw_rng_below(&rng, 8) + shift);
        cells[2] = lw_cell_num(lw_rng_unit(&rng));
        cells[3] = i % 2 ? lw_cell_text("Y", 1) : lw_cell_text("N\xFF", 2);
        lw_profile_add(p, cells);
    }
    return p;
}

/* The details of a message; flags: rows with a new flag beside 4,000 others. */
static json_t *details_of(const char *feature, double scale, int64_t shift,
                          uint64_t flags) {
    struct lw_alert a = alert();
    struct lw_reference *ref = calloc(1, sizeof *ref);
    struct lw_pane *window = calloc(1, sizeof *window);
    ref->profile = profile(1, 1, 0);
    window->profile = profile(2, scale, shift);
    if (flags > 0)
        lw_cats_add_text(window->profile->members[3].cats, "Z", 1, flags);
    for (size_t i = 0; i < 4; i++)
        if (columns[i].kind == LW_NUMERIC)
            lw_bins_from(&ref->profile->members[i].num, 10, &ref->bins[i]);
    lw_copy(a.feature, sizeof a.feature, feature);
    struct lw_alert_context c = {.now_ms = AT, .reference = ref, .window = window};
    json_t *root = made(&a, &c);
    json_t *details = json_incref(json_object_get(root, "details"));
    json_decref(root);
    lw_profile_free(ref->profile);
    lw_profile_free(window->profile);
    free(ref);
    free(window);
    return details;
}

static json_t *top_drifted_of(const char *feature, double scale, int64_t shift) {
    json_t *details = details_of(feature, scale, shift, 0);
    json_t *drifted = json_incref(json_object_get(details, "top_drifted"));
    json_decref(details);
    return drifted;
}

static const char *name_at(json_t *drifted, size_t i) {
    return json_string_value(json_object_get(json_array_get(drifted, i), "feature"));
}

static double number_at(json_t *o, const char *outer, const char *inner) {
    return json_number_value(json_object_get(json_object_get(o, outer), inner));
}

static void only_drifted_features_are_listed(void **state) {
    (void)state;
    json_t *drifted = top_drifted_of("", 1.609, 2);
    assert_int_equal(json_array_size(drifted), 2);
    assert_true(json_number_value(json_object_get(json_array_get(drifted, 0), "psi")) >=
                json_number_value(json_object_get(json_array_get(drifted, 1), "psi")));
    for (size_t i = 0; i < 2; i++) {
        json_t *m = json_array_get(drifted, i);
        if (strcmp(name_at(drifted, i), "trip_distance") == 0) {
            assert_true(fabs(number_at(m, "reference", "p50") - 3.0) < 0.15);
            assert_true(fabs(number_at(m, "window", "p50") - 1.609 * 3.0) < 0.25);
            continue;
        }
        assert_string_equal(name_at(drifted, i), "zone");
        json_t *new_ = json_object_get(m, "appeared"),
               *gone = json_object_get(m, "vanished");
        assert_int_equal(json_array_size(new_), 2);
        assert_int_equal(json_array_size(gone), 2);
        for (size_t k = 0; k < 2; k++) {
            int now = atoi(
                json_string_value(json_object_get(json_array_get(new_, k), "value")));
            int was = atoi(
                json_string_value(json_object_get(json_array_get(gone, k), "value")));
            assert_true(now == 8 || now == 9);
            assert_true(was == 0 || was == 1);
        }
        double share =
            json_number_value(json_object_get(json_array_get(new_, 0), "share"));
        assert_true(share > 0.1 && share < 0.15);
    }
    json_decref(drifted);
}

/* The alert's own feature comes first even if others drifted more, or it did not drift.
 */
static void the_alerts_own_feature_is_first(void **state) {
    (void)state;
    json_t *drifted = top_drifted_of("calm", 1.609, 2);
    assert_int_equal(json_array_size(drifted), 3);
    assert_string_equal(name_at(drifted, 0), "calm");
    json_decref(drifted);
    drifted = top_drifted_of("flag", 1, 0);
    assert_int_equal(json_array_size(drifted), 1);
    assert_int_equal(
        json_array_size(json_object_get(json_array_get(drifted, 0), "appeared")), 0);
    json_decref(drifted);
}

/* What changed for certain but little has a list of its own, without the alert's own
 * feature. */
static void shifted_features_are_listed_apart(void **state) {
    (void)state;
    json_t *details = details_of("", 1.609, 0, 80);
    json_t *shifted = json_object_get(details, "shifted");
    assert_int_equal(json_array_size(json_object_get(details, "top_drifted")), 1);
    assert_int_equal(json_array_size(shifted), 1);
    assert_string_equal(name_at(shifted, 0), "flag");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(shifted, 0), "text")),
        "Z: 0.0 → 2.0 %");
    json_decref(details);
    details = details_of("flag", 1.609, 0, 80);
    assert_int_equal(json_array_size(json_object_get(details, "shifted")), 0);
    json_decref(details);
}

/* Every category is new: the list is cut, always in the same order. */
static void long_lists_of_categories_are_cut(void **state) {
    (void)state;
    json_t *a = top_drifted_of("zone", 1, 1000), *b = top_drifted_of("zone", 1, 1000);
    json_t *m = json_array_get(a, 0);
    assert_int_equal(json_array_size(json_object_get(m, "appeared")), 5);
    assert_int_equal(json_array_size(json_object_get(m, "vanished")), 5);
    assert_int_equal(json_array_size(json_object_get(m, "moved")), 0);
    assert_json(a, b, "top_drifted");
}

/* Another task: the message names its error, and people read the name. */
static void segments_name_the_error_of_the_task(void **state) {
    (void)state;
    struct lw_spec *s = spec();
    s->task = &toy_task;
    struct lw_alert a = alert();
    struct lw_alert_segment segment = {"zone", "74", 912, 0.25, 0.125, 0.5};
    struct lw_alert_context c = {.now_ms = AT, .segment = &segment, .nsegments = 1};
    struct lw_buf out = {0};
    struct lw_message m;
    char text[400];
    assert_int_equal(lw_alert_json_write(s, &a, &c, &out, NULL), 0);
    assert_int_equal(lw__message_read(&m, (const char *)out.data, out.len, AT, NULL), 0);
    assert_in_schema(m.root);
    assert_string_equal(lw__phrase_segment(&m, 0, text, sizeof text),
                        "zone 74: 50 % of the increase, Brier 0.125 → 0.25");
    lw__message_fini(&m);
    lw_buf_fini(&out);
    free(s);
}

/* The longest texts in characters that JSON expands: still bounded, and every format
 * still reads them. */
static void the_longest_message_is_bounded(void **state) {
    (void)state;
    struct lw_profile *p[2];
    char text[256], name[LW_NAME_MAX], url[LW_URL_MAX];
    struct lw_column column[5] = {0};
    struct lw_spec *s = spec();
    struct lw_alert a = alert();
    memset(name, '"', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    memset(url, '"', sizeof url - 1);
    url[sizeof url - 1] = '\0';
    memset(a.summary, '\\', sizeof a.summary - 1);
    lw_copy(a.name, sizeof a.name, name);
    lw_copy(s->stream, sizeof s->stream, name);
    for (size_t i = 0; i < 5; i++) {
        column[i].kind = LW_CATEGORY;
        memset(column[i].name, '"', 90);
        column[i].name[i] = 'a';
    }
    for (int side = 0; side < 2; side++) {
        p[side] = lw_profile_new(column, 5, 1);
        memset(text, '"', sizeof text);
        for (int i = 0; i < 4000; i++) {
            struct lw_cell cells[5];
            text[0] = (char)('a' + i % 10 + 10 * side * (i % 2));
            for (size_t k = 0; k < 5; k++)
                cells[k] = lw_cell_text(text, sizeof text);
            lw_profile_add(p[side], cells);
        }
    }
    struct lw_reference ref = {.profile = p[0]};
    struct lw_pane window = {.profile = p[1]};
    struct lw_alert_segment segment[5];
    const char *example[5];
    char long_text[1000];
    memset(long_text, '"', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (size_t i = 0; i < 5; i++) {
        segment[i] = (struct lw_alert_segment){long_text, long_text, UINT64_MAX, 1, 1, 1};
        example[i] = long_text;
    }
    struct lw_alert_context c = {.now_ms = AT,
                                 .reference = &ref,
                                 .window = &window,
                                 .host = long_text,
                                 .action = long_text,
                                 .page_url = url,
                                 .runbook_url = url,
                                 .segment = segment,
                                 .nsegments = 5,
                                 .example = example,
                                 .nexamples = 5};
    struct lw_buf out = {0}, body = {0};
    struct lw_secrets secrets = {.token = "key"};
    assert_int_equal(lw_alert_json_write(s, &a, &c, &out, NULL), 0);
    assert_true(out.len > 10 * 1024 && out.len < 32 * 1024);
    json_t *root = json_of(&out);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(root, "details"), "top_drifted")),
        5);
    json_decref(root);
    for (int f = 0; f < LW_FORMAT_TEMPLATE; f++) {
        struct lw_receiver r = receiver("oncall", (enum lw_format)f);
        lw_buf_clear(&body);
        assert_int_equal(
            lw_render_body(&r, &secrets,
                           &(struct lw_render_input){(const char *)out.data, out.len, AT},
                           &body, NULL),
            0);
        assert_true(f != LW_FORMAT_TEAMS || body.len < 28 * 1024);
    }
    lw_profile_free(p[0]);
    lw_profile_free(p[1]);
    lw_buf_fini(&out);
    lw_buf_fini(&body);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_match_the_golden_one),
        cmocka_unit_test(every_member_is_present),
        cmocka_unit_test(the_schema_rejects_wrong_messages),
        cmocka_unit_test(ids_identify_the_change),
        cmocka_unit_test(segments_name_the_error_of_the_task),
        cmocka_unit_test(runbook_links_end_in_the_rule),
        cmocka_unit_test(a_message_without_a_name_is_refused),
        cmocka_unit_test(only_drifted_features_are_listed),
        cmocka_unit_test(the_alerts_own_feature_is_first),
        cmocka_unit_test(shifted_features_are_listed_apart),
        cmocka_unit_test(long_lists_of_categories_are_cut),
        cmocka_unit_test(the_longest_message_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
