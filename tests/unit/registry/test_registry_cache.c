/* The cache and its thread: a caller never waits; each id is requested once; outages end;
 * unknown ids are given up, and retried later. No test measures time: loops end when the
 * expected event has happened, or through ctest's timeout. */
#include "support.h"

#include "base/log.h"

#include "support/http_peer.h"

static struct lw_schema *reader;
static struct lw_fields fields;

static struct lw_registry *cache_start(const struct lw_registry_options *o) {
    struct lw_err err = {0};
    struct lw_registry *r = lw_registry_new(o, &err);
    if (!r)
        fail_msg("%s", err.msg);
    return r;
}

/* Asks once: LW_OK, or the reason why there is no decoder. */
static enum lw_errc find_once(struct lw_registry *r, struct lw_frame frame,
                              struct lw_err *err) {
    *err = (struct lw_err){0};
    struct lw_decoder *d = lw_registry_decoder(r, &frame, NULL, reader, &fields, err);
    struct lw_cell cell;
    assert_true((d != NULL) == (err->code == LW_OK));
    if (d) {
        assert_int_equal(
            lw_decoder_decode_bytes(d, (const uint8_t *)"\x0c", 1, &cell, err), 0);
        assert_true(cell.num == 6);
    }
    lw_decoder_free(d);
    return err->code;
}

/* Asks until the cache no longer waits for an answer. */
static enum lw_errc wait_answered(struct lw_registry *r, struct lw_frame frame,
                                  struct lw_err *err) {
    while (find_once(r, frame, err) == LW_EAGAIN)
        lw_sleep_ms(1);
    return err->code;
}

/* Like a partition that waits: asks again and again. */
static void wait_failures(struct lw_registry *r, uint64_t n) {
    struct lw_err err;
    while (lw_registry_status(r).failures < n) {
        find_once(r, by_id(7), &err);
        lw_sleep_ms(1);
    }
}

/* Asks until the registry has not known the id for the given time. */
static void given_up(struct lw_registry *r, uint32_t id, int64_t patience,
                     struct lw_err *err) {
    struct lw_frame frame = by_id(id);
    struct lw_asking how = {.unknown_ms = -1, .patience_ms = patience};
    do {
        *err = (struct lw_err){0};
        assert_null(lw_registry_decoder(r, &frame, &how, reader, &fields, err));
        if (err->code == LW_EAGAIN || how.unknown_ms < patience)
            lw_sleep_ms(1);
    } while (err->code == LW_EAGAIN || how.unknown_ms < patience);
    assert_int_equal(err->code, LW_ENOTFOUND);
}

static void an_id_is_requested_once(void **state) {
    (void)state;
    struct lw_err err;
    char *reply = answer_of(REC("R", ZONE), "{}");
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, reply);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(find_once(r, by_id(7), &err),
                     LW_EAGAIN); /* at once, whatever the id */
    assert_int_equal(wait_answered(r, by_id(7), &err), LW_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(find_once(r, by_id(7), &err), LW_OK);
    assert_int_equal(lw_peer_count(p), 1);
    struct lw_registry_status s = lw_registry_status(r);
    assert_int_equal(s.known, 1);
    assert_int_equal(s.waited_for, 0);
    assert_false(s.away);
    lw_registry_free(r);
    free(reply);
    lw_peer_stop(p);
}

/* Refused, closed, asked to wait: none of these is final, and the outage ends on
 * recovery. */
static void requests_succeed_after_an_outage(void **state) {
    (void)state;
    struct lw_err err;
    char *reply = answer_of(REC("R", ZONE), "{}");
    struct lw_peer *p = lw_peer_start(LW_PEER_RESET, "HTTP/1.1 2");
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(find_once(r, by_id(7), &err), LW_EAGAIN);
    wait_failures(r, 3);
    static const char *const bad[] = {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
                                      "HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n",
                                      "HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n",
                                      "HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n",
                                      "HTTP/1.1 200 X\r\nContent-Length: 4\r\n\r\nnull"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t before = lw_registry_status(r).failures;
        lw_peer_change(p, LW_PEER_REPLY, bad[i]);
        wait_failures(r, before + 2);
        assert_int_equal(find_once(r, by_id(7), &err), LW_EAGAIN);
        assert_true(lw_registry_status(r).away);
    }
    lw_peer_change(p, LW_PEER_REPLY, reply);
    assert_int_equal(wait_answered(r, by_id(7), &err), LW_OK);
    assert_false(lw_registry_status(r).away);
    lw_registry_free(r);
    free(reply);
    lw_peer_stop(p);
}

/* An id whose answer is never valid does not delay the others. */
static void a_bad_id_does_not_delay_others(void **state) {
    (void)state;
    struct lw_err err;
    char *reply = answer_of(REC("R", ZONE), "{}");
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, "HTTP/1.1 500 X\r\n\r\n");
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(find_once(r, by_id(1), &err), LW_EAGAIN);
    while (lw_registry_status(r).failures < 1)
        lw_sleep_ms(1);
    lw_peer_route(p, "GET /api/schemas/ids/2 ", reply);
    assert_int_equal(wait_answered(r, by_id(2), &err), LW_OK);
    assert_int_equal(find_once(r, by_id(1), &err), LW_EAGAIN);
    lw_registry_free(r);
    free(reply);
    lw_peer_stop(p);
}

/* Requested again within the waiting time, then given up; no more requests after that. */
static void an_unknown_id_is_given_up(void **state) {
    (void)state;
    struct lw_err err;
    char *reply = answer_of(REC("R", ZONE), "{}");
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    o.missing_wait_ms = 100;
    struct lw_registry *r = cache_start(&o);
    given_up(r, 7, 100, &err);
    assert_non_null(strstr(err.msg, "schema id 7: http://127.0.0.1"));
    assert_non_null(strstr(err.msg, "does not know it (error code 40403)"));
    unsigned asked = lw_peer_count(p);
    assert_true(asked >= 2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(find_once(r, by_id(7), &err), LW_ENOTFOUND);
    assert_int_equal(lw_peer_count(p), asked);
    assert_int_equal(lw_registry_status(r).missing, 1);
    assert_false(lw_registry_status(r).away);
    /* a producer is ahead of the registry: the schema is found within the waiting time */
    o.missing_wait_ms = LW_HOUR;
    lw_registry_free(r);
    r = cache_start(&o);
    assert_int_equal(find_once(r, by_id(8), &err), LW_EAGAIN);
    while (lw_peer_count(p) < asked + 3) {
        find_once(r, by_id(8), &err);
        lw_sleep_ms(1);
    }
    lw_peer_change(p, LW_PEER_REPLY, reply);
    while (find_once(r, by_id(8), &err) != LW_OK)
        lw_sleep_ms(1);
    lw_registry_free(r);
    free(reply);
    lw_peer_stop(p);
}

/* A topic full of garbage: prefetched ids are answered too, more of them than memory
 * holds are harmless, and they displace no schema. Waiting callers come before
 * prefetches. */
static void a_flood_of_unknown_ids_is_harmless(void **state) {
    (void)state;
    struct lw_err err;
    struct lw_asking ahead = {.ahead = true};
    char *reply = answer_of(REC("R", ZONE), "{}");
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    lw_peer_route(p, "GET /api/schemas/ids/7 ", reply);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(wait_answered(r, by_id(7), &err), LW_OK);
    for (uint32_t round = 0; round < 6; round++) {
        for (uint32_t id = 1; id <= 2000; id++) {
            struct lw_frame frame = by_id(1000 + 2000 * round + id);
            assert_null(lw_registry_decoder(r, &frame, &ahead, reader, &fields, NULL));
        }
        uint32_t last = 1000 + 2000 * round + 2000;
        given_up(r, last, 0, &err); /* the last prefetched one, now waited for */
        assert_true(round > 0 || lw_registry_status(r).waited_for > 0);
    }
    assert_true(lw_registry_status(r).missing + lw_registry_status(r).waited_for <= 8192);
    assert_int_equal(find_once(r, by_id(7), &err), LW_OK); /* still cached */
    for (uint32_t id = 12001; id <= 13000; id++)
        given_up(r, id, 0, &err);
    /* none twice, except after a failure */
    assert_true(lw_peer_count(p) <= 12001 + lw_registry_status(r).failures);
    lw_registry_free(r);
    free(reply);
    lw_peer_stop(p);
}

/* Many threads ask while it answers; during an outage there is one request at a time, and
 * all are answered after it. */
static void during_an_outage_one_request_is_made_at_a_time(void **state) {
    (void)state;
    struct lw_err err;
    struct lw_asking ahead = {.ahead = true};
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, "HTTP/1.1 503 X\r\n\r\n");
    struct lw_registry_options o = options_of(lw_peer_port(p));
    o.retry_max_ms = 50;
    struct lw_registry *r = cache_start(&o);
    for (uint32_t id = 1; id <= 300; id++) {
        struct lw_frame frame = by_id(id);
        lw_registry_decoder(r, &frame, &ahead, reader, &fields, NULL);
    }
    while (lw_registry_status(r).failures < 10)
        lw_sleep_ms(1);
    assert_true(lw_registry_status(r).away);
    assert_true(lw_registry_status(r).waited_for == 300);
    lw_peer_change(p, LW_PEER_REPLY, MISS);
    for (uint32_t id = 1; id <= 300; id++)
        given_up(r, id, 0, &err);
    assert_false(lw_registry_status(r).away);
    lw_registry_free(r);
    lw_peer_stop(p);
}

static void an_invalid_schema_is_a_permanent_error(void **state) {
    (void)state;
    struct lw_err err;
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, MISS);
    char *other = answer_of(REC("Other", "{\"name\":\"x\",\"type\":\"int\"}"), "{}");
    char *json = answer_of("{}", "{\"schemaType\":\"JSON\"}");
    lw_peer_route(p, "GET /api/schemas/ids/1 ", other);
    lw_peer_route(p, "GET /api/schemas/ids/2 ", json);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(wait_answered(r, by_id(1), &err), LW_EINPUT);
    assert_non_null(strstr(
        err.msg,
        "schema id 1 (Other), which cannot be read with ours: field \"zone\" is required"));
    assert_int_equal(wait_answered(r, by_id(2), &err), LW_EINPUT);
    assert_non_null(strstr(err.msg, "schema id 2: its schema is of type JSON"));
    /* registries never assign ids that are negative in Java, so none is requested */
    assert_int_equal(find_once(r, by_id(0xffffff00u), &err), LW_EINPUT);
    assert_int_equal(lw_peer_count(p), 2);
    lw_registry_free(r);
    free(other);
    free(json);
    lw_peer_stop(p);
}

/* With a disk cache, a restart needs no registry; a damaged file is fetched again. */
static void the_disk_cache_survives_a_restart(void **state) {
    (void)state;
    char dir[] = "/tmp/lw-registry-cache-XXXXXX", path[600];
    struct lw_err err;
    char *reply = answer_of(REC("R", ZONE), "{}");
    assert_non_null(mkdtemp(dir));
    struct lw_peer *p = lw_peer_start(LW_PEER_REPLY, reply);
    struct lw_registry_options o = options_of(lw_peer_port(p));
    snprintf(o.cache_dir, sizeof o.cache_dir, "%s", dir);
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(wait_answered(r, by_id(7), &err), LW_OK);
    lw_registry_free(r);
    lw_peer_change(p, LW_PEER_REPLY, "HTTP/1.1 503 X\r\n\r\n");
    r = cache_start(&o);
    assert_int_equal(wait_answered(r, by_id(7), &err), LW_OK);
    assert_int_equal(lw_registry_status(r).requests, 0);
    lw_registry_free(r);
    only_file(dir, path, sizeof path);
    assert_int_equal(lw_write_file(path, "{\"schema\":", 10, NULL), 0);
    r = cache_start(&o);
    assert_int_equal(find_once(r, by_id(7), &err), LW_EAGAIN);
    wait_failures(r, 1);
    lw_peer_change(p, LW_PEER_REPLY, reply);
    assert_int_equal(wait_answered(r, by_id(7), &err), LW_OK);
    lw_registry_free(r);
    size_t len;
    char *text = lw_read_file(path, 1 << 20, &len, &err);
    assert_true(len > 100); /* repaired */
    free(text);
    free(reply);
    lw_peer_stop(p);
    remove_dir(dir);
}

/* A request that hangs does not delay the end of the process. */
static void closing_does_not_wait_for_an_answer(void **state) {
    (void)state;
    struct lw_err err;
    struct lw_peer *p = lw_peer_start(LW_PEER_HANG, "");
    struct lw_registry_options o = options_of(lw_peer_port(p));
    o.timeout_ms = 10 * LW_HOUR;
    struct lw_registry *r = cache_start(&o);
    assert_int_equal(find_once(r, by_id(7), &err), LW_EAGAIN);
    while (lw_peer_count(p) < 1)
        lw_sleep_ms(1);
    lw_registry_free(r);
    lw_peer_stop(p);
}

static int peer_begin(void **state) {
    (void)state;
    const char *text = REC("R", ZONE);
    reader = lw_schema_parse(text, strlen(text), NULL);
    unsetenv("http_proxy");
    lw_log_level(LW_ERROR);
    return reader ? lw_fields_add(&fields, "zone", LW_NUMERIC, true, NULL) < 0 : -1;
}

static int peer_end(void **state) {
    (void)state;
    lw_schema_free(reader);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_requested_once),
        cmocka_unit_test(requests_succeed_after_an_outage),
        cmocka_unit_test(a_bad_id_does_not_delay_others),
        cmocka_unit_test(an_unknown_id_is_given_up),
        cmocka_unit_test(a_flood_of_unknown_ids_is_harmless),
        cmocka_unit_test(during_an_outage_one_request_is_made_at_a_time),
        cmocka_unit_test(an_invalid_schema_is_a_permanent_error),
        cmocka_unit_test(the_disk_cache_survives_a_restart),
        cmocka_unit_test(closing_does_not_wait_for_an_answer),
    };
    return cmocka_run_group_tests(tests, peer_begin, peer_end);
}
