/* Every kind of answer and its meaning: only a schema, and the API's own "not found", say
 * something about an id; everything else is an outage. */
#include "support.h"

#include "support/http_peer.h"

#define PAGE "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n<html>Log in</html>  \n"

static enum lw_errc client_ask(const struct lw_registry_options *o, struct lw_frame frame,
                               struct lw_err *err) {
    struct lw_registry_client *c = lw_registry_client_new(o, err);
    if (!c)
        fail_msg("%s", err->msg);
    struct lw_schema *schema = lw_registry_client_schema(c, &frame, err);
    assert_true((schema != NULL) == (err->code == LW_OK));
    if (schema)
        assert_string_equal(lw_schema_name(schema), "R");
    lw_schema_free(schema);
    lw_registry_client_free(c);
    return err->code;
}

static enum lw_errc ask_of(enum lw_peer_way way, const char *reply, struct lw_err *err) {
    struct lw_peer *p = lw_peer_start(way, reply);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    enum lw_errc code;
    *err = (struct lw_err){0};
    if (way != LW_PEER_REPLY && way != LW_PEER_RESET)
        o.timeout_ms = 300;
    code = client_ask(&o, by_id(7), err);
    lw_peer_stop(p);
    return code;
}

static void a_schema_by_id_and_by_guid(void **state) {
    (void)state;
    struct lw_err err = {0};
    char *reply = answer_of(REC("R", ZONE), "{\"references\":[]}");
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, reply);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    assert_int_equal(client_ask(&o, by_id(4294967295), &err), LW_OK);
    char *got = lw_peer_request(p, NULL);
    assert_memory_equal(got, "GET /api/schemas/ids/4294967295 HTTP/1.1\r\n", 42);
    assert_non_null(strstr(got, "\r\nAccept: application/vnd.schemaregistry.v1+json"));
    assert_null(strstr(got, "Authorization"));
    free(got);
    struct lw_frame guid = {.by = LW_SCHEMA_GUID,
                            .guid = {0x89, 0x79, 0x17, 0x62, 0x23, 0x36, 0x41, 0x86, 0x96,
                                     0x74, 0x29, 0x9b, 0x90, 0xa8, 0x02, 0xe2}};
    assert_int_equal(client_ask(&o, guid, &err), LW_OK);
    got = lw_peer_request(p, NULL);
    assert_memory_equal(
        got, "GET /api/schemas/guids/89791762-2336-4186-9674-299b90a802e2 HTTP/1.1\r\n",
        70);
    free(got);
    free(reply);
    lw_peer_stop(p);
}

/* A status line or a complete answer; the resulting code; the text in the message. */
static void answers_determine_the_error(void **state) {
    (void)state;
    static const struct {
        const char *status, *body;
        enum lw_errc code;
        const char *says;
    } c[] = {
        {"404 X", "{\"error_code\":40403,\"message\":\"no\"}", LW_ENOTFOUND, "40403"},
        {"404 X", "{\"error_code\":40401}", LW_ENOTFOUND, "does not know it"},
        {"404 X", "{\"error_code\":404}", LW_EAGAIN, "base of the Confluent API"},
        {"404 X", "<html>nginx</html>", LW_EAGAIN, "base of the Confluent API"},
        {"404 X", "", LW_EAGAIN, "404"},
        {"401 X", "{\"error_code\":40101}", LW_EAGAIN, "password"},
        {"403 X", "", LW_EAGAIN, "may read schemas"},
        {"400 X", "{\"error_code\":40403}", LW_EAGAIN, "answered 400"},
        {"408 X", "", LW_EAGAIN, "408"},
        {"429 X", "", LW_EAGAIN, "429"},
        {"500 X", "{\"error_code\":50001}", LW_EAGAIN, "50001"},
        {"502 X", "<html>", LW_EAGAIN, "502"},
        {"503 X", "", LW_EAGAIN, "503"},
        {"204 X", "", LW_EAGAIN, "204"},
        {"200 X", "", LW_EAGAIN, "not the answer of a schema registry"},
        {"200 X", "<html>Log in</html>", LW_EAGAIN,
         "not the answer of a schema registry"},
        {"200 X", "[]", LW_EAGAIN, "not the answer of a schema registry"},
        {"200 X", "{\"schema\":7}", LW_EAGAIN, "not the answer of a schema registry"},
        {"200 X", "{\"schema\":\"{}\",\"schemaType\":\"JSON\"}", LW_EINPUT, "type JSON"},
        {"200 X", "{\"schema\":\"{}\"}", LW_EINPUT, "without \"type\""},
        {"200 X", "{\"schema\":\"{\"}", LW_EINPUT, "Avro schema"},
        {"200 X", "{\"schema\":\"\\\"string\\\"\"}", LW_EINPUT, "must be a record"},
        {"200 X", "{\"schema\":\"{}\",\"references\":[{}]}", LW_EINPUT, "no subject"},
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        char reply[500];
        struct lw_err err;
        snprintf(reply, sizeof reply, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
                 c[i].status, strlen(c[i].body), c[i].body);
        enum lw_errc code = ask_of(LW_PEER_REPLY, reply, &err);
        if (code != c[i].code || !strstr(err.msg, c[i].says))
            fail_msg("%s %s: %s: %s", c[i].status, c[i].body, lw_errc_name(code),
                     err.msg);
    }
}

/* Apicurio 2, Karapace and Confluent's before 8 have no endpoint for GUIDs: their "not
 * found" is accepted as an answer, so that garbage that looks like a GUID blocks nothing.
 * If the API is not there at all, it is an outage as usual. */
static void registries_without_guids_are_recognised(void **state) {
    (void)state;
    static const char lost[] =
        "HTTP/1.1 404 X\r\nContent-Length: 16\r\n\r\n{\"error_code\":0}";
    struct lw_frame guid = {.by = LW_SCHEMA_GUID, .guid = {1, 2, 3}};
    struct lw_err err = {0};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, lost);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    assert_int_equal(client_ask(&o, guid, &err), LW_EAGAIN);
    assert_non_null(strstr(err.msg, "base of the Confluent API"));
    lw_peer_route(p, "GET /api/subjects HTTP", "HTTP/1.1 200 X\r\n\r\n[\"a-value\"]");
    lw_err_clear(&err);
    assert_int_equal(client_ask(&o, guid, &err), LW_ENOTFOUND);
    assert_non_null(strstr(err.msg, "no schema by GUID"));
    lw_err_clear(&err);
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_EAGAIN); /* not for ids */
    lw_peer_stop(p);
}

/* Hangs, resets, floods: an outage each time, and each request ends. */
static void misbehaving_peers_are_an_outage(void **state) {
    (void)state;
    struct lw_err err;
    assert_int_equal(ask_of(LW_PEER_HANG, "", &err), LW_EAGAIN);
    assert_int_equal(ask_of(LW_PEER_DEAF, "", &err), LW_EAGAIN);
    assert_int_equal(ask_of(LW_PEER_STALL, "HTTP/1.1 200 OK\r\n", &err), LW_EAGAIN);
    assert_int_equal(
        ask_of(LW_PEER_STALL, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", &err),
        LW_EAGAIN);
    assert_int_equal(
        ask_of(LW_PEER_RESET, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", &err),
        LW_EAGAIN);
    assert_int_equal(ask_of(LW_PEER_REPLY, "SSH-2.0-OpenSSH_9.2\r\n", &err), LW_EAGAIN);
    assert_int_equal(ask_of(LW_PEER_ENDLESS_HEADER, "", &err), LW_EAGAIN);
    struct lw_registry_options o = options_of(lw_peer_free_port());
    err = (struct lw_err){0};
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_EAGAIN);
    assert_non_null(strstr(err.msg, "no answer from http://127.0.0.1"));
}

/* Endless, or with an end a gigabyte away: aborted at 4 MiB. */
static void a_gigabyte_is_not_read(void **state) {
    (void)state;
    static const char *const heads[] = {
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct lw_err err = {0};
        struct lw_peer *p = lw_peer_start(LW_PEER_ENDLESS_BODY, heads[i]);
        struct lw_registry_options o = options_of(lw_peer_port(p));
        o.timeout_ms = 60000;
        assert_int_equal(client_ask(&o, by_id(7), &err), LW_EAGAIN);
        assert_non_null(strstr(err.msg, "exceeds 4194304 bytes"));
        lw_peer_stop(p);
    }
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    char *good = answer_of(REC("R", ZONE), "{}");
    struct lw_peer *target = lw_peer_start(LW_PEER_REPLY, good);
    for (int status = 301; status <= 308; status++) {
        char reply[200];
        struct lw_err err;
        snprintf(
            reply, sizeof reply,
            "HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n",
            status, lw_peer_port(target));
        assert_int_equal(ask_of(LW_PEER_REPLY, reply, &err), LW_EAGAIN);
        assert_non_null(strstr(err.msg, "redirect"));
    }
    assert_int_equal(lw_peer_count(target), 0);
    lw_peer_stop(target);
    free(good);
}

/* ---- secrets ---- */

static void write_secret(char *path, const char *text) {
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static void secrets_are_sent_only_to_the_registry(void **state) {
    (void)state;
    char password[] = "/tmp/lw-registry-XXXXXX", token[] = "/tmp/lw-registry-XXXXXX";
    struct lw_err err = {0};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    write_secret(password, "p:\xc3\xa4ss w\r\nsecond line\n");
    snprintf(o.user, sizeof o.user, "me");
    snprintf(o.password_file, sizeof o.password_file, "%s", password);
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_ENOTFOUND);
    char *got = lw_peer_request(p, NULL);
    assert_non_null(strstr(got, "\r\nAuthorization: Basic bWU6cDrDpHNzIHc=\r\n"));
    free(got);
    write_secret(token, "t0ken.t0ken\n");
    o = options_of(lw_peer_port(p));
    snprintf(o.token_file, sizeof o.token_file, "%s", token);
    lw_err_clear(&err);
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_ENOTFOUND);
    got = lw_peer_request(p, NULL);
    assert_non_null(strstr(got, "\r\nAuthorization: Bearer t0ken.t0ken\r\n"));
    free(got);
    /* refused, and the answer contains the secrets: our message has none of them */
    lw_peer_change(p, LW_PEER_REPLY,
                   "HTTP/1.1 401 t0ken.t0ken\r\n\r\n{\"message\":\"t0ken.t0ken\"}");
    lw_err_clear(&err);
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_EAGAIN);
    assert_null(strstr(err.msg, "t0ken"));
    setenv("LW_TEST_TOKEN", "from-the-environment", 1);
    snprintf(o.token_file, sizeof o.token_file, "env:LW_TEST_TOKEN");
    lw_err_clear(&err);
    client_ask(&o, by_id(7), &err);
    got = lw_peer_request(p, NULL);
    assert_non_null(strstr(got, "Bearer from-the-environment\r\n"));
    free(got);
    lw_peer_stop(p);
    unlink(password);
    unlink(token);
}

/* A secret that is rotated on disk is used by the next request; one that is missing for a
 * moment is an outage, not a final error. */
static void a_rotated_secret_is_read_again(void **state) {
    (void)state;
    char path[] = "/tmp/lw-registry-XXXXXX";
    struct lw_frame id = by_id(7);
    struct lw_err err = {0};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    write_secret(path, "old");
    snprintf(o.token_file, sizeof o.token_file, "%s", path);
    struct lw_registry_client *c = lw_registry_client_new(&o, &err);
    assert_non_null(c);
    assert_null(lw_registry_client_schema(c, &id, &err));
    assert_int_equal(lw_write_file(path, "new\n", 4, NULL), 0);
    assert_null(lw_registry_client_schema(c, &id, NULL));
    char *got = lw_peer_request(p, NULL);
    assert_non_null(strstr(got, "Bearer new\r\n"));
    free(got);
    unlink(path);
    lw_err_clear(&err);
    assert_null(lw_registry_client_schema(c, &id, &err));
    assert_int_equal(err.code, LW_EAGAIN);
    assert_int_equal(lw_peer_count(p), 2);
    lw_registry_client_free(c);
    lw_peer_stop(p);
}

static void a_missing_secret_is_reported_at_once(void **state) {
    (void)state;
    static const char *const bad[] = {"/nonexistent/secret", "env:LW_TEST_UNSET",
                                      "/dev/null"};
    for (size_t i = 0; i < 3; i++) {
        struct lw_registry_options o = options_of(1);
        struct lw_err err = {0};
        snprintf(o.token_file, sizeof o.token_file, "%s", bad[i]);
        assert_null(lw_registry_client_new(&o, &err));
        assert_int_equal(err.code, LW_ECONFIG);
        assert_non_null(strstr(err.msg, "source.registry.token_file"));
    }
    struct lw_registry_options o = options_of(1);
    struct lw_err err = {0};
    snprintf(o.ca_file, sizeof o.ca_file, "/nonexistent/ca.pem");
    assert_null(lw_registry_client_new(&o, &err));
    assert_non_null(strstr(err.msg, "source.registry.ca_file: "));
}

/* ---- references ---- */

static void references_are_fetched_and_inserted(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    char *top = answer_of(
        REC("R", "{\"name\":\"p\",\"type\":\"g.Place\"},"
                 "{\"name\":\"k\",\"type\":\"g.Kind\"}"),
        "{\"references\":[{\"name\":\"g.Place\",\"subject\":\"places/ "
        "of\",\"version\":2},{\"name\":\"g.Kind\",\"subject\":\"kinds\",\"version\":1}]}");
    char *place =
        answer_of(REC("g.Place", "{\"name\":\"kind\",\"type\":\"g.Kind\"}"),
                  "{\"id\":3,\"version\":2,\"references\":[{\"name\":\"g.Kind\","
                  "\"subject\":\"kinds\",\"version\":1}]}");
    char *kind = answer_of("{\"type\":\"enum\",\"name\":\"g.Kind\",\"symbols\":[\"A\"]}",
                           "{\"id\":2,\"version\":1}");
    lw_peer_route(p, "GET /api/schemas/ids/7 ", top);
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_ENOTFOUND); /* not yet present */
    assert_non_null(strstr(err.msg, "version 2 of subject places/ of, to which it"));
    lw_peer_route(p, "GET /api/subjects/places%2F%20of/versions/2 ", place);
    lw_peer_route(p, "GET /api/subjects/kinds/versions/1 ", kind);
    unsigned before = lw_peer_count(p);
    lw_err_clear(&err);
    assert_int_equal(client_ask(&o, by_id(7), &err), LW_OK);
    assert_int_equal(lw_peer_count(p) - before, 3); /* each once */
    free(top);
    free(place);
    free(kind);
    lw_peer_stop(p);
}

/* A schema that refers to itself, and one with too many references: an error, not a
 * loop. */
static void cyclic_references_are_an_error(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_buf many = {0};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    char *self = answer_of(REC("R", ZONE), "{\"references\":[{\"name\":\"R\",\"subject\":"
                                           "\"self\",\"version\":1}]}");
    lw_peer_route(p, "GET /api/subjects/self/versions/1 ", self);
    lw_peer_route(p, "GET /api/schemas/ids/1 ", self);
    assert_int_equal(client_ask(&o, by_id(1), &err), LW_OK);
    lw_buf_printf(&many, "{\"references\":[");
    for (int i = 0; i < 65; i++)
        lw_buf_printf(&many, "%s{\"subject\":\"s%d\",\"version\":1}", i ? "," : "", i);
    lw_buf_printf(&many, "]}");
    char *reply = answer_of(REC("R", ZONE), lw_buf_str(&many));
    lw_peer_route(p, "GET /api/schemas/ids/2 ", reply);
    lw_err_clear(&err);
    assert_int_equal(client_ask(&o, by_id(2), &err), LW_EINPUT);
    assert_non_null(strstr(err.msg, "refers to 65 schemas"));
    free(reply);
    free(self);
    lw_buf_fini(&many);
    lw_peer_stop(p);
}

/* ---- other requests ---- */

static void the_newest_schema_of_a_subject_is_found(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_latest latest;
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry_client *c = lw_registry_client_new(&o, &err);
    assert_int_equal(lw_registry_client_latest(c, "trips-value", &latest, &err), -1);
    assert_int_equal(err.code, LW_ENOTFOUND);
    lw_err_clear(&err);
    char *reply = answer_of(REC("R", ZONE), "{\"id\":9,\"version\":3}");
    lw_peer_route(p, "GET /api/subjects/trips-value/versions/latest ", reply);
    assert_int_equal(lw_registry_client_latest(c, "trips-value", &latest, &err), 0);
    assert_int_equal(latest.id, 9);
    assert_int_equal(latest.version, 3);
    lw_schema_free(latest.schema);
    free(reply);
    lw_registry_client_free(c);
    lw_peer_stop(p);
}

static void a_schema_is_looked_up_or_registered(void **state) {
    (void)state;
    struct lw_err err = {0};
    uint32_t id = 0;
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry_client *c = lw_registry_client_new(&o, &err);
    lw_peer_route(p, "POST /api/subjects/trips-value/versions ",
                  "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\":12}");
    const char *schema = REC("R", ZONE);
    assert_int_equal(lw_registry_client_register(c, "trips-value", schema, &id, &err), 0);
    assert_int_equal(id, 12);
    assert_int_equal(lw_peer_count(p), 2);
    char *got = lw_peer_request(p, NULL);
    assert_non_null(
        strstr(got, "\r\nContent-Type: application/vnd.schemaregistry.v1+json"));
    json_t *body = json_loads(strstr(got, "\r\n\r\n") + 4, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "schema")), schema);
    json_decref(body);
    free(got);
    lw_peer_route(p, "POST /api/subjects/known ",
                  "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"id\":5}");
    assert_int_equal(lw_registry_client_register(c, "known", schema, &id, &err), 0);
    assert_int_equal(id, 5);
    assert_int_equal(lw_peer_count(p), 3); /* not registered again */
    lw_peer_route(p, "POST /api/subjects/other/versions ",
                  "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(lw_registry_client_register(c, "other", schema, &id, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "compatible"));
    lw_registry_client_free(c);
    lw_peer_stop(p);
}

static void a_registry_is_recognised(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_peer *p =
        lw_peer_start(LW_PEER_REPLY, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry_client *c = lw_registry_client_new(&o, &err);
    assert_int_equal(lw_registry_client_ping(c, &err), 0);
    static const char *const not [] = {PAGE, MISS, "HTTP/1.1 200 OK\r\n\r\n{}"};
    for (size_t i = 0; i < 3; i++) {
        lw_peer_change(p, LW_PEER_REPLY, not [i]);
        lw_err_clear(&err);
        assert_int_equal(lw_registry_client_ping(c, &err), -1);
        assert_int_equal(err.code, LW_EAGAIN);
    }
    lw_registry_client_free(c);
    lw_peer_stop(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_by_id_and_by_guid),
        cmocka_unit_test(registries_without_guids_are_recognised),
        cmocka_unit_test(answers_determine_the_error),
        cmocka_unit_test(misbehaving_peers_are_an_outage),
        cmocka_unit_test(a_gigabyte_is_not_read),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(secrets_are_sent_only_to_the_registry),
        cmocka_unit_test(a_rotated_secret_is_read_again),
        cmocka_unit_test(a_missing_secret_is_reported_at_once),
        cmocka_unit_test(references_are_fetched_and_inserted),
        cmocka_unit_test(cyclic_references_are_an_error),
        cmocka_unit_test(the_newest_schema_of_a_subject_is_found),
        cmocka_unit_test(a_schema_is_looked_up_or_registered),
        cmocka_unit_test(a_registry_is_recognised),
    };
    unsetenv("http_proxy");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
