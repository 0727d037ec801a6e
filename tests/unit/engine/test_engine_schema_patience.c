/* How long a partition waits for schema ids that its registry does not know: garbage
 * costs a bounded share of its time at any rate, and after a quiet period a new schema
 * gets the full wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "engine/worker_private.h"

#define WAIT 10000

struct bench {
    struct lw_config *config;
    struct lw_worker *worker;
};

static int make(void **state) {
    struct bench *b = lw_calloc(1, sizeof *b);
    b->config = lw_calloc(1, sizeof *b->config);
    b->worker = lw_calloc(1, sizeof *b->worker);
    b->config->source.registry.missing_wait_ms = WAIT;
    b->worker->config = b->config;
    b->worker->state = lw_calloc(1, sizeof *b->worker->state);
    b->worker->nstates = 1;
    *state = b;
    return 0;
}

static int drop(void **state) {
    struct bench *b = *state;
    free(b->worker->state);
    free(b->worker);
    free(b->config);
    free(b);
    return 0;
}

static int64_t patience(struct bench *b, int64_t now) {
    lw__worker_resume_partitions(b->worker, now);
    return lw__worker_schema_patience(b->worker, &b->worker->state[0]);
}

static void each_vain_wait_shortens_the_next(void **state) {
    struct bench *b = *state;
    struct lw_partition_state *s = &b->worker->state[0];
    *s = (struct lw_partition_state){0};
    assert_int_equal(patience(b, 1), WAIT);
    lw__worker_schema_waited(b->worker, s, false, 1);
    assert_int_equal(patience(b, 1), WAIT / 8);
    lw__worker_schema_waited(b->worker, s, false, 1);
    assert_int_equal(patience(b, 1), 0); /* the registry is not queried again so soon */
    assert_int_equal(patience(b, 1 + 20 * (WAIT / 2)), WAIT / 64 + WAIT / 2);
    assert_int_equal(patience(b, 1 + 20 * WAIT), WAIT);
    lw__worker_schema_waited(b->worker, s, false, 20 * WAIT);
    lw__worker_schema_waited(b->worker, s, true, 20 * WAIT); /* one that arrived */
    assert_int_equal(patience(b, 20 * WAIT), WAIT);
}

/* Garbage at any rate: bursts, trickles, pauses. */
static void garbage_costs_a_twentieth_of_the_time(void **state) {
    struct bench *b = *state;
    uint64_t seed = (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    struct lw_rng rng;
    lw_rng_seed(&rng, seed);
    for (int round = 0; round < 200; round++) {
        int64_t now = 1, waited = 0, gap = 1 + (int64_t)(lw_rng_next(&rng) % 3000);
        b->worker->state[0] = (struct lw_partition_state){0};
        while (now < 100 * WAIT) {
            int64_t ms = patience(b, now);
            waited += ms;
            now += ms;
            lw__worker_schema_waited(b->worker, &b->worker->state[0], false, now);
            now += 1 + (int64_t)(lw_rng_next(&rng) % (uint64_t)gap);
        }
        if (waited > 2 * WAIT + now / 20 * 8 / 7)
            fail_msg("waited %lld ms of %lld", (long long)waited, (long long)now);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vain_wait_shortens_the_next),
        cmocka_unit_test(garbage_costs_a_twentieth_of_the_time),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
