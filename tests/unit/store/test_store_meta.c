/* `meta`: which state in Redis this program continues with, and which it refuses. */
#include "store_test.h"

#include <stdio.h>

#include "store/keys.h"
#include "store/meta.h"

/* State of contract version 1 is refused by writers and readers, whether its `meta`
 * says so or only its key `detector` is left. */
static void state_of_contract_1_is_refused(void **state) {
    struct lw_spec *spec = test_spec("old");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_err err = {0};
    assert_int_equal(lw_meta_contract(r, spec, &err), 0);
    for (size_t i = 0; i < 2; i++) {
        lw_reply_free(MUST(r, "DEL leeway:{old}:meta"));
        struct lw_reply *put = i ? MUST(r, "HSET leeway:{old}:detector sealed_until 0")
                                 : MUST(r, "HSET leeway:{old}:meta contract 1");
        lw_reply_free(put);
        lw_err_clear(&err);
        assert_int_equal(
            lw_meta_write(r, spec, &(struct lw_meta){TOPIC, 12, "0.1.0", 111}, &err), -1);
        assert_int_equal(err.code, LW_ECONFIG);
        assert_non_null(strstr(err.msg, "delete the keys leeway:{old}:*, or give"));
        lw_err_clear(&err);
        assert_int_equal(lw_meta_contract(r, spec, &err), -1);
        assert_int_equal(err.code, LW_EINPUT);
        assert_non_null(strstr(err.msg, "contract version 1"));
    }
    lw_redis_free(r);
    free(spec);
}

static void meta_identifies_the_stream(void **state) {
    struct lw_spec *spec = test_spec("meta");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_err err = {0};
    assert_int_equal(
        lw_meta_write(r, spec, &(struct lw_meta){TOPIC, 12, "0.1.0", 111}, &err), 0);
    assert_int_equal(
        lw_meta_write(r, spec, &(struct lw_meta){TOPIC, 12, "0.1.1", 222}, &err), 0);
    struct lw_reply *m = MUST(r, "HGETALL leeway:{meta}:meta");
    assert_int_equal(lw_reply_int(lw_reply_field(m, "contract")), 2);
    assert_int_equal(lw_reply_int(lw_reply_field(m, "partitions")), 12);
    assert_int_equal(lw_reply_int(lw_reply_field(m, "created")), 111);
    assert_string_equal(lw_reply_text(lw_reply_field(m, "features"), NULL), "x,zone");
    assert_string_equal(lw_reply_text(lw_reply_field(m, "code"), NULL), "0.1.1");
    lw_reply_free(m);
    lw_reply_free(MUST(r, "HSET leeway:{meta}:meta contract 3"));
    assert_int_equal(
        lw_meta_write(r, spec, &(struct lw_meta){TOPIC, 12, "0.1.0", 111}, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    lw_reply_free(MUST(r, "HSET leeway:{meta}:meta contract 2"));
    assert_int_equal(lw_meta_check(r, spec, TOPIC, &err), 0);
    lw_err_clear(&err);
    assert_int_equal(
        lw_meta_write(r, spec, &(struct lw_meta){"other", 12, "0.1.0", 111}, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "started with topic " TOPIC));
    spec->pane_ms *= 2;
    lw_err_clear(&err);
    assert_int_equal(lw_meta_check(r, spec, TOPIC, &err), -1);
    assert_int_equal(err.code, LW_ECONFIG);
    assert_non_null(strstr(err.msg, "existing panes cannot be changed"));
    lw_reply_free(MUST(r, "DEL leeway:{meta}:meta"));
    assert_int_equal(lw_meta_check(r, spec, "other", &err), 0); /* a new stream */
    lw_redis_free(r);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta_identifies_the_stream),
        cmocka_unit_test(state_of_contract_1_is_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
