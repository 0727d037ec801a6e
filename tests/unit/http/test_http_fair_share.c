/* A client that polls in a loop delays only itself: reads of one address, reads of
 * another, and changes at the same time. No test measures time; they compare the order of
 * answers. */
#include "redis_fixture.h"

#include <poll.h>

#define HISTORY "/api/v1/history?max=20000&fields=rmse,mae,bias,r2,rmse_expected"
#define HUSH                                                                             \
    "{\"for\": \"1h\", \"comment\": \"x\", \"by\": \"http:root@10.0.0.1, for Bob\"}"

static int start(void **state) {
    struct scene *s = scene_new();
    put_evaluations(s->r, &s->f.config->spec, 250);
    fixture_token(&s->f, "ops silence " TOKEN "\nci models another-token-altogether\n");
    scene_start(s);
    *state = s;
    return 0;
}

static void begin(struct http_client *c, struct fixture *f, const char *from,
                  const char *path) {
    char text[300];
    http_connect_from(c, f->port, from);
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    http_say(c, text);
}

static bool has_answer(const struct http_client *c) {
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static int status_of(struct http_client *c) {
    struct http_answer a;
    http_answer(c, &a, false);
    int status = a.status;
    http_answer_fini(&a);
    http_close(c);
    return status;
}

static void a_polling_loop_delays_only_itself(void **state) {
    enum { LOOP = 24 };
    struct scene *s = *state;
    struct http_client loop[LOOP], other;
    struct http_answer a;
    for (int i = 0; i < LOOP; i++)
        begin(&loop[i], &s->f, "127.0.0.1", HISTORY);
    begin(&other, &s->f, "127.0.0.2", "/api/v1/models/1");
    http_ask(s->f.port, "POST", "/api/v1/alerts/silence", AUTH, HUSH, &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    assert_int_equal(status_of(&other), 200);
    http_ask(s->f.port, "GET", "/healthz", "", NULL, &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    int waiting = 0;
    for (int i = 0; i < LOOP; i++)
        waiting += !has_answer(&loop[i]);
    assert_true(waiting > LOOP / 2);
    for (int i = 0; i < LOOP; i++) /* all of them are answered in the end */
        assert_int_equal(status_of(&loop[i]), 200);
}

/* A client that fills the queue makes room for clients without requests in it. */
static void a_full_queue_has_room_for_others(void **state) {
    enum { LOOP = 80, OTHERS = 5 };
    struct scene *s = *state;
    struct http_client loop[LOOP], other[OTHERS];
    char from[32];
    int refused = 0, answered = 0;
    for (int i = 0; i < LOOP; i++) {
        begin(&loop[i], &s->f, "127.0.0.1", HISTORY);
    }
    for (int i = 0; i < OTHERS; i++) {
        snprintf(from, sizeof from, "127.0.0.%d", i + 2);
        begin(&other[i], &s->f, from, "/api/v1/models");
    }
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(status_of(&other[i]), 200);
    for (int i = 0; i < LOOP; i++) {
        int status = status_of(&loop[i]);
        refused += status == 503;
        answered += status == 200;
    }
    assert_int_equal(refused + answered, LOOP);
    assert_true(answered >= 60 && refused > 0);
}

/* The audit has the token's name, even if the request gives another. */
static void the_audit_has_the_tokens_name(void **state) {
    struct scene *s = *state;
    struct http_answer a;
    http_ask(s->f.port, "POST", "/api/v1/alerts/silence", AUTH, HUSH, &a);
    assert_non_null(
        strstr(a.body, "\"by\":\"http:ops@127.0.0.1 (http:root@10.0.0.1, for Bob)\""));
    http_answer_fini(&a);
    http_ask(s->f.port, "POST", "/api/v1/models/2/promote",
             "Authorization: Bearer another-token-altogether\r\n", "", &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    http_ask(s->f.port, "GET", "/api/v1/audit?max=2", "", NULL, &a);
    assert_non_null(
        strstr(a.body, "\"what\":\"promoted\",\"who\":\"http:ci@127.0.0.1\""));
    assert_non_null(
        strstr(a.body, "\"what\":\"silenced\",\"who\":\"http:ops@127.0.0.1 ("));
    http_answer_fini(&a);
}

int main(int argc, char **argv) {
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_polling_loop_delays_only_itself),
        cmocka_unit_test(a_full_queue_has_room_for_others),
        cmocka_unit_test(the_audit_has_the_tokens_name),
    };
    return cmocka_run_group_tests(tests, start, scene_stop);
}
