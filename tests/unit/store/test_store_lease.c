/* The lease has one holder at a time, and its tokens only grow. */
#include "store/lease.h"
#include "store_test.h"

static void the_lease_has_one_holder_and_tokens_grow(void **state) {
    struct lw_spec *spec = test_spec("lease");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_lease a = {.who = "a", .ttl_ms = 60000}, b = {.who = "b", .ttl_ms = 60000};
    struct lw_err err = {0};
    assert_int_equal(lw_lease_hold(r, spec, &a, &err), 1);
    uint64_t first = a.token;
    assert_true(first > 0);
    assert_int_equal(lw_lease_hold(r, spec, &b, &err), 0);
    assert_int_equal(b.token, 0);
    assert_int_equal(lw_lease_hold(r, spec, &a, &err), 1); /* renewed, same token */
    assert_int_equal(a.token, first);
    assert_int_equal(lw_lease_release(r, spec, &a, &err), 0);
    assert_int_equal(lw_lease_hold(r, spec, &b, &err), 1);
    assert_true(b.token > first);
    /* a late release does not take the lease from its new holder */
    a.token = first;
    assert_int_equal(lw_lease_release(r, spec, &a, &err), 0);
    assert_int_equal(lw_lease_hold(r, spec, &b, &err), 1);
    /* it expires */
    b.ttl_ms = 30;
    assert_int_equal(lw_lease_hold(r, spec, &b, &err), 1);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_int_equal(lw_lease_hold(r, spec, &a, &err), 1);
    assert_true(a.token > b.token);
    /* tokens do not start again after Redis was emptied */
    uint64_t last = a.token;
    lw_reply_free(MUST(r, "FLUSHALL"));
    assert_int_equal(lw_lease_hold(r, spec, &a, &err), 1);
    assert_true(a.token > last);
    lw_redis_free(r);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lease_has_one_holder_and_tokens_grow),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
