/* Bodies compared with those that tests/data/alert/make_alert.py writes independently,
 * the products' limits with the largest message, headers, templates, and invalid
 * messages. */
#include "alert/message.h"
#include "alert/post.h"
#include "alert/render.h"
#include "alert/secrets.h"
#include "alert/sign.h"
#include "alert_test.h"
#include "base/rng.h"
#include "json/json.h"

#define NOW INT64_C(1584763207000) /* 2020-03-21T04:00:07Z, as in make_alert.py */

static struct lw_secrets secrets(void) {
    struct lw_secrets s = {0};
    lw_copy(s.url, sizeof s.url, "https://alerts.example.org/hook");
    lw_copy(s.token, sizeof s.token, "R0UT1NGKEY");
    return s;
}

static void bodies_match_the_golden_files(void **state) {
    (void)state;
    const char *which[] = {"firing", "resolved", "bare"};
    struct lw_secrets s = secrets();
    for (int f = 0; f < LW_FORMAT_TEMPLATE; f++)
        for (size_t w = 0; w < 3; w++) {
            char name[80];
            size_t len;
            struct lw_buf out = {0};
            struct lw_err err = {0};
            struct lw_receiver r = receiver("oncall", (enum lw_format)f);
            snprintf(name, sizeof name, "message_%s.json", which[w]);
            char *message = data_file(name, &len);
            if (lw_render_body(&r, &s, &(struct lw_render_input){message, len, NOW}, &out,
                               &err) < 0)
                fail_msg("%s", err.msg);
            snprintf(name, sizeof name, "body_%s_%s.json",
                     lw_format_name((enum lw_format)f), which[w]);
            char *want = data_file(name, &len);
            assert_json(json_of(&out), json_loads(want, 0, NULL), name);
            free(message);
            free(want);
            lw_buf_fini(&out);
        }
}

/* ---- the largest message: every text of maximum length, in characters that escaping
 * expands */

static json_t *long_text(size_t len, char c) {
    char text[2000];
    memset(text, c, len);
    return json_stringn(text, len);
}

static json_t *worst(char c) {
    char *text = data_file("message_firing.json", NULL);
    json_t *m = json_loads(text, 0, NULL);
    free(text);
    const char *name[] = {"stream", "rule", "metric", "feature"};
    for (size_t i = 0; i < 4; i++)
        json_object_set_new(m, name[i], long_text(95, c));
    json_object_set_new(m, "summary", long_text(999, c));
    json_object_set_new(m, "action", long_text(499, c));
    json_t *details = json_object_get(m, "details");
    json_t *drifted = json_object_get(details, "top_drifted");
    json_t *category = json_array_get(drifted, 1);
    json_object_set_new(category, "feature", long_text(95, c));
    json_object_set_new(json_array_get(json_object_get(category, "appeared"), 0), "value",
                        long_text(255, c));
    while (json_array_size(drifted) < 5)
        json_array_append(drifted, category);
    json_t *segments = json_object_get(details, "segments");
    json_t *segment = json_array_get(segments, 0);
    json_object_set_new(segment, "value", long_text(255, c));
    while (json_array_size(segments) < 5)
        json_array_append(segments, segment);
    return m;
}

static json_t *body_of(enum lw_format f, json_t *message, size_t *bytes) {
    struct lw_secrets s = secrets();
    struct lw_receiver r = receiver("oncall", f);
    struct lw_buf in = {0}, out = {0};
    struct lw_err err = {0};
    lw_json_dump(message, LW_MESSAGE_DIGITS, &in);
    if (lw_render_body(&r, &s,
                       &(struct lw_render_input){(const char *)in.data, in.len, NOW},
                       &out, &err) < 0)
        fail_msg("%s", err.msg);
    json_t *body = json_of(&out);
    *bytes = out.len;
    lw_buf_fini(&in);
    lw_buf_fini(&out);
    return body;
}

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    assert_non_null(text);
    return text;
}

static void slack_bodies_are_within_limits(void **state) {
    (void)state;
    for (const char *c = "&a*"; *c != '\0'; c++) {
        size_t bytes, i;
        json_t *body = body_of(LW_FORMAT_SLACK, worst(*c), &bytes), *b;
        json_t *attachment = json_array_get(json_object_get(body, "attachments"), 0);
        json_t *blocks = json_object_get(attachment, "blocks");
        assert_true(strlen(text_of(body, "text")) <= 4000);
        assert_true(json_array_size(blocks) <= 50);
        json_array_foreach(blocks, i, b) {
            json_t *text = json_object_get(b, "text"),
                   *fields = json_object_get(b, "fields");
            bool header = strcmp(text_of(b, "type"), "header") == 0;
            if (text != NULL)
                assert_true(strlen(text_of(text, "text")) <= (header ? 150 : 3000));
            assert_true(json_array_size(fields) <= 10);
            for (size_t k = 0; k < json_array_size(fields); k++)
                assert_true(strlen(text_of(json_array_get(fields, k), "text")) <= 2000);
        }
        json_decref(body);
    }
}

static void pagerduty_bodies_are_within_limits(void **state) {
    (void)state;
    size_t bytes;
    json_t *body = body_of(LW_FORMAT_PAGERDUTY, worst('x'), &bytes);
    json_t *payload = json_object_get(body, "payload");
    assert_true(strlen(text_of(payload, "summary")) <= 1024);
    assert_true(strlen(text_of(body, "dedup_key")) <= 255);
    assert_true(bytes < 512 * 1024);
    json_decref(body);
}

static void teams_bodies_are_within_the_limit(void **state) {
    (void)state;
    for (const char *c = "_a\""; *c != '\0'; c++) {
        size_t bytes;
        json_decref(body_of(LW_FORMAT_TEAMS, worst(*c), &bytes));
        assert_true(bytes < 28 * 1024);
    }
}

/* ---- requests ---- */

static const char *header(const struct lw_post_request *req, const char *name) {
    size_t len = strlen(name);
    for (size_t i = 0; i < req->nheaders; i++)
        if (strncmp(req->header[i], name, len) == 0 && req->header[i][len] == ':')
            return req->header[i] + len + 2;
    return NULL;
}

static struct lw_post_request request(const struct lw_receiver *r, struct lw_secrets *s) {
    size_t len;
    struct lw_post_request req;
    struct lw_err err = {0};
    char *message = data_file("message_firing.json", &len);
    if (lw_render_request(r, s, &(struct lw_render_input){message, len, NOW}, &req,
                          &err) < 0)
        fail_msg("%s", err.msg);
    free(message);
    return req;
}

static void requests_have_their_headers(void **state) {
    (void)state;
    struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
    struct lw_secrets s = secrets();
    s.headers = strdup("# ours\r\nX-Team: trips\r\n\r\nX-Env: test");
    assert_int_equal(
        lw_sign_key_parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &s.key[0], NULL), 0);
    s.nkeys = 1;
    struct lw_post_request req = request(&r, &s);
    char want[LW_SIGNATURE_MAX];
    lw_sign_message(s.key, 1,
                    &(struct lw_sign_input){"00c0ffee00c0ffee-critical", NOW / 1000,
                                            req.body.data, req.body.len},
                    want);
    assert_string_equal(header(&req, "Content-Type"), "application/json");
    assert_string_equal(header(&req, "Authorization"), "Bearer R0UT1NGKEY");
    assert_string_equal(header(&req, "X-Team"), "trips");
    assert_string_equal(header(&req, "X-Env"), "test");
    assert_string_equal(header(&req, "Webhook-Id"), "00c0ffee00c0ffee-critical");
    assert_string_equal(header(&req, "Webhook-Timestamp"), "1584763207");
    assert_string_equal(header(&req, "Webhook-Signature"), want);
    assert_string_equal(req.url, "https://alerts.example.org/hook");
    lw_post_request_fini(&req);
    lw_secrets_fini(&s);
}

/* The routing key is in the body only. */
static void the_pagerduty_key_is_only_in_the_body(void **state) {
    (void)state;
    struct lw_receiver r = receiver("oncall", LW_FORMAT_PAGERDUTY);
    struct lw_secrets s = secrets();
    struct lw_post_request req = request(&r, &s);
    assert_null(header(&req, "Authorization"));
    assert_null(header(&req, "Webhook-Signature"));
    for (size_t i = 0; i < req.nheaders; i++)
        assert_null(strstr(req.header[i], "R0UT1NGKEY"));
    lw_post_request_fini(&req);
}

static void foreign_headers_are_refused(void **state) {
    (void)state;
    const char *bad[] = {"no colon",          "Bad Name: x",        ": x",
                         "Content-Length: 5", "webhook-id: forged", "Host: elsewhere",
                         "X: \x01",           "X-\xC3\xBC: y"};
    struct lw_receiver r = receiver("oncall", LW_FORMAT_JSON);
    size_t len;
    char *message = data_file("message_firing.json", &len);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lw_secrets s = secrets();
        struct lw_post_request req;
        struct lw_err err = {0};
        char text[100];
        snprintf(text, sizeof text, "X-Fine: SECRET\n%s\n", bad[i]);
        s.headers = strdup(text);
        assert_int_equal(lw_render_request(&r, &s,
                                           &(struct lw_render_input){message, len, NOW},
                                           &req, &err),
                         -1);
        assert_int_equal(err.code, LW_ECONFIG);
        assert_non_null(strstr(err.msg, "line 2"));
        assert_null(strstr(err.msg, "SECRET"));
        assert_int_equal(req.nheaders, 0);
        lw_secrets_fini(&s);
    }
    /* One line too many. */
    struct lw_secrets s = secrets();
    struct lw_post_request req;
    s.headers = calloc(1, 1000);
    for (int i = 0; i < 40; i++)
        strcat(s.headers, "X: y\n");
    assert_int_equal(lw_render_request(&r, &s,
                                       &(struct lw_render_input){message, len, NOW}, &req,
                                       NULL),
                     -1);
    lw_secrets_fini(&s);
    free(message);
}

static void alertmanager_addresses_get_the_api_path(void **state) {
    (void)state;
    const char *base[] = {"http://am:9093", "http://am:9093/",
                          "http://am:9093/api/v2/alerts",
                          "http://am:9093/api/v2/alerts/"};
    struct lw_receiver r = receiver("oncall", LW_FORMAT_ALERTMANAGER);
    for (size_t i = 0; i < 4; i++) {
        struct lw_secrets s = secrets();
        lw_copy(s.url, sizeof s.url, base[i]);
        struct lw_post_request req = request(&r, &s);
        assert_string_equal(req.url, "http://am:9093/api/v2/alerts");
        lw_post_request_fini(&req);
    }
}

/* ---- templates ---- */

static int expand(const char *text, const char *type, const char *message,
                  struct lw_buf *out, struct lw_err *err) {
    struct lw_receiver r = receiver("oncall", LW_FORMAT_TEMPLATE);
    struct lw_secrets s = secrets();
    size_t len;
    char *json = data_file(message, &len);
    lw_copy(r.content_type, sizeof r.content_type, type);
    s.template_text = strdup(text);
    int rc = lw_render_body(&r, &s, &(struct lw_render_input){json, len, NOW}, out, err);
    lw_secrets_fini(&s);
    free(json);
    return rc;
}

static void templates_are_expanded(void **state) {
    (void)state;
    const struct {
        const char *text, *message, *want;
    } c[] = {
        {"plain", "message_firing.json", "plain"},
        {"{{stream}}/{{value}}/{{n}}", "message_firing.json", "nyc-green/0.3125/12345"},
        {"{{window.from}} {{links.page}}", "message_firing.json",
         "2020-03-20T04:00:00Z https://leeway.example.org/"},
        {"[{{window.from}}] [{{value}}] [{{feature|json}}]", "message_bare.json",
         "[] [] [null]"},
        {"{{feature|json}} {{details.examples}}", "message_firing.json",
         "\"trip_distance\" [\"2020-03-20-000017\",\"2020-03-20-000099\"]"},
        {"{{title}}", "message_resolved.json",
         "[RESOLVED] nyc-green: psi-day of trip_distance"},
        {"{ {x} }}{{n}}}}", "message_firing.json", "{ {x} }}12345}}"},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_buf out = {0};
        struct lw_err err = {0};
        if (expand(c[i].text, "text/plain", c[i].message, &out, &err) < 0)
            fail_msg("%s", err.msg);
        assert_string_equal(lw_buf_str(&out), c[i].want);
        lw_buf_fini(&out);
    }
}

/* Quotes and newlines in a field cannot leave the string they were put in. */
static void templates_escape_fields(void **state) {
    (void)state;
    const char *message =
        "{\"version\":1,\"id\":\"a-b\",\"incident\":\"a\",\"fingerprint\":\"f\","
        "\"status\":\"firing\",\"severity\":\"warning\",\"stream\":\"s\",\"rule\":\"r\","
        "\"since\":\"2020-03-12\",\"at\":\"2020-03-12\",\"raised_at\":\"2020-03-12\","
        "\"summary\":\"a\\\"b\\n{{n}}\\\\\"}";
    struct lw_receiver r = receiver("oncall", LW_FORMAT_TEMPLATE);
    struct lw_secrets s = secrets();
    struct lw_buf out = {0};
    s.template_text = strdup("{\"text\": \"{{summary}}\"}");
    assert_int_equal(
        lw_render_body(&r, &s, &(struct lw_render_input){message, strlen(message), NOW},
                       &out, NULL),
        0);
    json_t *root = json_of(&out);
    assert_string_equal(text_of(root, "text"), "a\"b\n{{n}}\\");
    json_decref(root);
    lw_buf_clear(&out);
    free(s.template_text);
    s.template_text = strdup("{{summary|plain}}");
    lw_copy(r.content_type, sizeof r.content_type, "text/plain");
    assert_int_equal(
        lw_render_body(&r, &s, &(struct lw_render_input){message, strlen(message), NOW},
                       &out, NULL),
        0);
    assert_string_equal(lw_buf_str(&out), "a\"b\n{{n}}\\");
    lw_buf_fini(&out);
    lw_secrets_fini(&s);
}

static void bad_templates_are_refused(void **state) {
    (void)state;
    const struct {
        const char *text, *what;
    } c[] = {{"\n{{sumary}}", "line 2: {{sumary}}: unknown field"},
             {"{{stream.x}}", "unknown field"},
             {"{{}}", "unknown field"},
             {"{{stream|html}}", "plain or json"},
             {"{{stream", "without }}"},
             {"{\"a\": {{summary}} }", "not valid JSON"},
             {"[{{value}}", "not valid JSON"}};
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        struct lw_buf out = {0};
        struct lw_err err = {0};
        assert_int_equal(expand(c[i].text, "", "message_firing.json", &out, &err), -1);
        assert_int_equal(err.code, LW_ECONFIG);
        if (strstr(err.msg, c[i].what) == NULL)
            fail_msg("%s lacks %s", err.msg, c[i].what);
        lw_buf_fini(&out);
    }
    /* A result that grows beyond the limit. */
    struct lw_buf text = {0}, out = {0};
    for (int i = 0; i < 7000; i++)
        lw_buf_printf(&text, "{{.}}");
    assert_int_equal(
        expand(lw_buf_str(&text), "text/plain", "message_firing.json", &out, NULL), -1);
    assert_true(out.len < 512 * 1024);
    lw_buf_fini(&text);
    lw_buf_fini(&out);
}

/* ---- invalid messages ---- */

static void message_without(const char *key, json_t *value) {
    struct lw_receiver r = receiver("oncall", LW_FORMAT_SLACK);
    struct lw_secrets s = secrets();
    struct lw_buf in = {0}, out = {0};
    struct lw_err err = {0};
    char *text = data_file("message_firing.json", NULL);
    json_t *m = json_loads(text, 0, NULL);
    json_object_set_new(m, key, value);
    lw_json_dump(m, LW_MESSAGE_DIGITS, &in);
    assert_int_equal(
        lw_render_body(&r, &s,
                       &(struct lw_render_input){(const char *)in.data, in.len, NOW},
                       &out, &err),
        -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, key));
    assert_int_equal(out.len, 0);
    free(text);
    lw_buf_fini(&in);
    lw_buf_fini(&out);
}

static void foreign_messages_are_refused(void **state) {
    (void)state;
    message_without("version", json_integer(2));
    message_without("id", json_null());
    message_without("id", json_string("a\r\nX: y"));
    message_without("id", long_text(64, 'a'));
    message_without("stream", json_integer(1));
    message_without("status", json_string("maybe"));
    message_without("since", json_string("yesterday"));
    message_without("raised_at", json_null());
    const char *text[] = {"", "null", "[]", "{", "{}", "\xFF", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        struct lw_message read;
        assert_int_equal(lw__message_read(&read, text[i], strlen(text[i]), 0, NULL), -1);
    }
}

/* Any member with a value of any other type: no format crashes; each writes valid JSON or
 * fails. */
static void members_of_other_types_are_harmless(void **state) {
    (void)state;
    char *text = data_file("message_firing.json", NULL);
    json_t *whole = json_loads(text, 0, NULL), *v;
    const char *key;
    json_object_foreach(whole, key, v)
        for (int type = 0; type < 5; type++)
            for (int f = 0; f < LW_FORMAT_TEMPLATE; f++) {
                struct lw_receiver r = receiver("oncall", (enum lw_format)f);
                struct lw_secrets s = secrets();
                struct lw_buf in = {0}, out = {0};
                json_t *m = json_deep_copy(whole);
                json_object_set_new(
                    m, key,
                    type == 0   ? json_null()
                    : type == 1 ? json_integer(-5)
                    : type == 2 ? json_string("x")
                    : type == 3 ? json_pack("[o,i,{s:s}]", json_null(), 1, "top_drifted",
                                            "no list")
                                : json_pack("{s:[n,i,s,{}]}", "top_drifted", 7, "x"));
                lw_json_dump(m, LW_MESSAGE_DIGITS, &in);
                if (lw_render_body(
                        &r, &s,
                        &(struct lw_render_input){(const char *)in.data, in.len, NOW},
                        &out, NULL) == 0)
                    json_decref(json_of(&out));
                lw_buf_fini(&in);
                lw_buf_fini(&out);
            }
    json_decref(whole);
    free(text);
}

/* Messages with bytes changed, removed and added: an error, or a body of valid JSON. */
static void damaged_messages_are_refused_or_harmless(void **state) {
    (void)state;
    struct lw_rng rng;
    size_t len;
    char *text = data_file("message_firing.json", &len);
    struct lw_secrets s = secrets();
    unsigned taken = 0;
    lw_rng_seed(&rng, 11);
    for (int round = 0; round < 6000; round++) {
        struct lw_receiver r =
            receiver("oncall", (enum lw_format)(round % LW_FORMAT_TEMPLATE));
        struct lw_buf in = {0}, out = {0};
        lw_buf_put(&in, text, len);
        for (uint64_t k = 1 + lw_rng_below(&rng, 2); k > 0; k--) {
            size_t at = lw_rng_below(&rng, in.len);
            const char digits[] = "0123456789{}[],:\"-eE.null";
            if (lw_rng_below(&rng, 4))
                in.data[at] = (uint8_t)digits[lw_rng_below(&rng, sizeof digits - 1)];
            else
                in.data[at] = (uint8_t)lw_rng_below(&rng, 256);
        }
        in.len -= lw_rng_below(&rng, 20) == 0 ? lw_rng_below(&rng, in.len) : 0;
        if (lw_render_body(&r, &s,
                           &(struct lw_render_input){(const char *)in.data, in.len, NOW},
                           &out, NULL) == 0) {
            json_decref(json_of(&out));
            taken++;
        }
        lw_buf_fini(&in);
        lw_buf_fini(&out);
    }
    assert_in_range(taken, 500, 5000); /* the damage is of both kinds */
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_match_the_golden_files),
        cmocka_unit_test(slack_bodies_are_within_limits),
        cmocka_unit_test(pagerduty_bodies_are_within_limits),
        cmocka_unit_test(teams_bodies_are_within_the_limit),
        cmocka_unit_test(requests_have_their_headers),
        cmocka_unit_test(the_pagerduty_key_is_only_in_the_body),
        cmocka_unit_test(foreign_headers_are_refused),
        cmocka_unit_test(alertmanager_addresses_get_the_api_path),
        cmocka_unit_test(templates_are_expanded),
        cmocka_unit_test(templates_escape_fields),
        cmocka_unit_test(bad_templates_are_refused),
        cmocka_unit_test(foreign_messages_are_refused),
        cmocka_unit_test(members_of_other_types_are_harmless),
        cmocka_unit_test(damaged_messages_are_refused_or_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
