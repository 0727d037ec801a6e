/* The pace of a replay: however slow it is, each event is requested once, and every
 * requested event is sent. The tests count; they use no clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/replay.h"
#include "kafka/embedded.h"

#define TRIPS 300

struct counts {
    uint64_t asked, waited, most, patience;
};

static bool pace(void *arg, const struct lw_replay_moment *at) {
    struct counts *c = arg;
    (void)at;
    return ++c->asked <= c->most;
}

static bool waiting(void *arg) {
    struct counts *c = arg;
    return ++c->waited <= c->patience;
}

struct scene {
    struct lw_embedded *broker;
    struct lw_config *config;
};

static int set_up(void **state) {
    static const char *const names[] = {"LEEWAY_REDIS", "LEEWAY_WEBHOOK", "LEEWAY_LISTEN",
                                        "LEEWAY_PAGE"};
    static const char *const values[] = {"redis://127.0.0.1:1", "http://127.0.0.1:1/",
                                         "127.0.0.1:1", "http://127.0.0.1:1/"};
    static struct scene scene;
    struct lw_err err = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], values[i], 1);
    scene.broker = lw_embedded_new(&err);
    if (!scene.broker)
        return -1;
    setenv("LEEWAY_KAFKA", lw_embedded_bootstrap(scene.broker), 1);
    scene.config = lw_config_load(LW_SOURCE_DIR "/configs/nyc-green.yaml", &err);
    *state = &scene;
    if (!scene.config)
        print_error("%s\n", err.msg);
    return scene.config && lw_embedded_topic(scene.broker, scene.config->source.topic, 1,
                                             &err) == 0
               ? 0
               : -1;
}

static int tear_down(void **state) {
    struct scene *scene = *state;
    lw_config_free(scene->config);
    lw_embedded_free(scene->broker);
    return 0;
}

static struct lw_replay_result replay(const struct scene *scene, double speed,
                                      double rate, struct counts *counts) {
    char trips[] = LW_SOURCE_DIR "/data/green_2020-03_2020-05.avro", *files[] = {trips};
    struct lw_replay_options options = {
        .speed = speed, .rate = rate, .pace = pace, .waiting = waiting, .arg = counts};
    struct lw_replay_result result = {0};
    struct lw_err err = {0};
    struct lw_event_feed *feed = lw_feed_open(scene->config, files, 1, &err);
    assert_non_null(feed);
    assert_int_equal(lw_replay(scene->config, feed, &options, &result, &err), 0);
    lw_feed_close(feed);
    return result;
}

static void each_event_is_requested_once(void **state) {
    static const struct {
        double speed, rate;
        bool waits;
    } by[] = {{0, 0, false}, {40000, 0, true}, {0, 600, true}, {40000, 600, true}};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        struct counts c = {.most = TRIPS, .patience = UINT64_MAX};
        struct lw_replay_result r = replay(*state, by[i].speed, by[i].rate, &c);
        assert_int_equal(c.asked, TRIPS + 1); /* the last one is refused */
        assert_int_equal(r.produced, TRIPS);
        assert_int_equal(c.waited > 0, by[i].waits);
    }
}

/* An endless wait ends when the replay stops, and its length is a finite number. */
static void stopping_ends_a_wait(void **state) {
    static const double little[] = {5e-324, 1e-300, 1e-9};
    for (size_t i = 0; i < sizeof little / sizeof *little; i++) {
        struct counts c = {.most = TRIPS, .patience = 2};
        struct lw_replay_result r = replay(*state, 0, little[i], &c);
        assert_int_equal(c.waited, 3);
        assert_int_equal(r.produced, c.asked);
        assert_true(c.asked >= 1 && c.asked < TRIPS);
        c = (struct counts){.most = TRIPS, .patience = 2};
        r = replay(*state, little[i], 0, &c);
        assert_int_equal(c.waited, 3);
        assert_int_equal(r.produced, c.asked);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_requested_once),
        cmocka_unit_test(stopping_ends_a_wait),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
