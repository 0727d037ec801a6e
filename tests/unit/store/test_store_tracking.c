/* How predictions are tracked: written by the leader's step, adopted by workers at a
 * recorded offset, and the same for the successor of a killed worker. */
#include "store_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/damage.h"
#include "store/evaluation.h"
#include "store/keys.h"
#include "store/tracking_text.h"

#define FIRST  "shadow 3 0.5 -0.25 14"
#define SECOND "served 3 1.25 0.125 14 1 -2 0 12"

struct worker {
    struct lw_redis *r;
    const struct lw_spec *spec;
    struct lw_partition *p;
    struct lw_claim claim;
    int64_t base;
    bool unsure;
    struct lw_err err;
};

static struct lw_spec *tracked_spec(const char *stream) {
    struct lw_spec *spec = test_spec(stream);
    spec->tracking.time_constant_ms = LW_HOUR;
    spec->event.target_lo = -1000;
    spec->event.target_hi = 1000;
    return spec;
}

static void start(struct worker *w, struct lw_redis *r, const struct lw_spec *spec) {
    *w = (struct worker){.r = r, .spec = spec, .p = lw_partition_new(spec, 0)};
    if (lw_state_claim(r, &(struct lw_claim_target){spec, TOPIC, "w", 0, w->p}, &w->claim,
                       &w->err))
        fail_msg("%s", w->err.msg);
    w->base = w->claim.next_offset;
    lw_partition_track(w->p, &w->claim.active.tracking);
}

static void flush(struct worker *w, int64_t next) {
    struct lw_flush f = {.topic = TOPIC,
                         .epoch = w->claim.epoch,
                         .base_offset = w->base,
                         .next_offset = next,
                         .unsure = w->unsure,
                         .now_ms = 1234567890123};
    if (lw_state_flush(w->r, w->spec, &f, w->p, &w->claim.active, &w->err))
        fail_msg("%s", w->err.msg);
    w->base = next;
    lw_partition_track(w->p, &w->claim.active.tracking);
}

static void announce(struct lw_redis *r, const struct lw_spec *spec, const char *text) {
    char key[LW_KEY_MAX];
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_str(c, "HSET");
    lw_cmd_str(c, lw_key(key, spec, "monitor"));
    lw_cmd_str(c, "tracking");
    lw_cmd_str(c, text);
    lw_reply_free(must(r, lw_redis_call(r, c, test_err()), test_err()));
    lw_cmd_free(c);
}

static void assert_tracks(const struct worker *w, const char *want) {
    char text[LW_TRACKING_TEXT_MAX];
    assert_string_equal(lw_tracking_text(&w->claim.active.tracking, text), want);
}

/* In the partition's hash. */
static void assert_recorded(const struct worker *w, const char *want, int64_t since) {
    char key[LW_KEY_MAX];
    struct lw_reply *h = MUST(w->r, "HMGET %s tracking tracking_since",
                              lw_key(key, w->spec, "part:%s:0", TOPIC));
    assert_string_equal(lw_reply_text(lw_reply_at(h, 0), NULL), want);
    assert_int_equal(lw_reply_int(lw_reply_at(h, 1)), since);
    lw_reply_free(h);
}

static void it_is_adopted_at_a_recorded_offset(void **state) {
    struct lw_spec *spec = tracked_spec("adopted");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, next;
    start(&w, r, spec); /* before the first evaluation */
    assert_tracks(&w, "");
    assert_recorded(&w, "", -1);
    announce(r, spec, FIRST);
    feed(spec, w.p, 0, 10, 3);
    flush(&w, 10);
    assert_tracks(&w, FIRST);
    assert_recorded(&w, FIRST, 10);
    feed(spec, w.p, 10, 10, 3);
    flush(&w, 20);
    assert_tracks(&w, FIRST);
    assert_recorded(&w, FIRST, 10);
    announce(r, spec, SECOND);
    start(&next, r, spec);
    assert_tracks(&next, SECOND);
    assert_recorded(&next, SECOND, 20);
    lw_partition_free(w.p);
    lw_partition_free(next.p);
    lw_redis_free(r);
    free(spec);
}

static void it_is_sent_when_it_changed_or_an_answer_was_lost(void **state) {
    struct lw_spec *spec = tracked_spec("sent");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    const struct lw_tracking_set none = {0};
    struct worker w;
    announce(r, spec, FIRST);
    start(&w, r, spec);
    w.claim.active.tracking = none; /* would show what is sent */
    flush(&w, 0);
    assert_tracks(&w, "");
    announce(r, spec, SECOND);
    flush(&w, 0);
    assert_tracks(&w, SECOND);
    w.claim.active.tracking = none; /* that answer was lost */
    flush(&w, 0);
    assert_tracks(&w, "");
    w.unsure = true;
    flush(&w, 0);
    assert_tracks(&w, SECOND);
    lw_partition_free(w.p);
    lw_redis_free(r);
    free(spec);
}

static void damage_changes_nothing(void **state) {
    static const char *const bad[] = {"served",     "served 3 nan 0 0",
                                      "served 3 0", "nonsense 1 2 3 4",
                                      "\x01\x02",   "served 3 0 0 0;"};
    struct lw_spec *spec = tracked_spec("damaged");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, next;
    announce(r, spec, FIRST);
    start(&w, r, spec);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        announce(r, spec, bad[i]);
        feed(spec, w.p, (int64_t)i, 1, 3);
        flush(&w, (int64_t)i + 1);
        assert_tracks(&w, FIRST);
    }
    lw_reply_free(MUST(r, "DEL leeway:{damaged}:monitor"));
    flush(&w, 7);
    assert_tracks(&w, FIRST);
    start(&next, r, spec);
    assert_tracks(&next, FIRST);
    lw_partition_free(w.p);
    lw_partition_free(next.p);
    lw_redis_free(r);
    free(spec);
}

/* 400 events, an hour each pane. A new set is announced in the middle of each pane, when
 * every pane before it is sealed; `step` events a flush, and every `life` flushes the
 * worker is killed with events in memory. */
static char *run(struct lw_redis *r, const struct lw_spec *spec, int64_t step, int life) {
    struct worker w;
    char text[80];
    int flushes = 0;
    lw_reply_free(MUST(r, "FLUSHALL"));
    start(&w, r, spec);
    for (int64_t at = 0; at < 400; at += step) {
        if (at % 60 == 30) {
            snprintf(text, sizeof text, "%s 1 %" PRId64 ".25 -0.125 20",
                     at / 60 % 3 ? "served" : "shadow", at / 60);
            announce(r, spec, text);
        }
        if (life && ++flushes % life == 0) {
            feed(spec, w.p, at, 7, 1); /* lost */
            lw_partition_free(w.p);
            start(&w, r, spec);
        }
        feed(spec, w.p, at, step, 1);
        flush(&w, at + step);
    }
    lw_partition_free(w.p);
    return dump_state(r, spec, 1);
}

static void kills_change_no_pane(void **state) {
    struct lw_spec *spec = tracked_spec("kills");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    char *smooth = run(r, spec, 10, 0);
    struct lw_pane *pane = lw_state_pane(r, spec, 1, T0 + 3 * LW_HOUR, NULL, test_err());
    assert_true(pane->answered.loss !=
                pane->untracked.loss); /* there is something to see */
    lw_pane_free(pane);
    for (int life = 1; life < 5; life++) {
        char *killed = run(r, spec, life == 4 ? 5 : 10, life);
        assert_string_equal(killed, smooth);
        free(killed);
    }
    free(smooth);
    lw_redis_free(r);
    free(spec);
}

/* How the pane of partition 0 was tracked that is to be rebuilt. */
static void assert_lost(struct lw_redis *r, const struct lw_spec *spec,
                        const char *want) {
    char text[LW_TRACKING_TEXT_MAX];
    struct lw_lost_pane lost;
    if (lw_damage_pane(r, spec, T0 + 3 * LW_HOUR, 0, &lost, test_err()))
        fail_msg("%s", test_err()->msg);
    assert_string_equal(lw_tracking_text(&lost.active.tracking, text), want);
}

static void a_lost_pane_tells_how_it_was_tracked(void **state) {
    struct lw_spec *spec = tracked_spec("lost");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    char pane[LW_KEY_MAX], other[LW_KEY_MAX], away[LW_KEY_MAX];
    int64_t start = T0 + 3 * LW_HOUR;
    free(run(r, spec, 10, 0));
    lw_key(pane, spec, "pane:%" PRId64 ":0", start);
    lw_key(other, spec, "pane:%" PRId64 ":1", start);
    lw_key(away, spec, "unreadable:%" PRId64 ":0", start);
    lw_reply_free(MUST(r, "COPY %s %s", pane, other));
    lw_reply_free(MUST(r, "RENAME %s %s", pane, away));
    assert_lost(r, spec, "served 1 2.25 -0.125 20");
    lw_reply_free(MUST(r, "HSET %s s:1 damaged", away));
    assert_lost(r, spec, ""); /* nothing tells it */
    snprintf(away, sizeof away, "%" PRId64 ":1", start);
    lw_reply_free(MUST(r, "ZADD leeway:{lost}:panes %ld %s", (long)start, away));
    assert_lost(r, spec, "served 1 2.25 -0.125 20"); /* another partition does */
    lw_redis_free(r);
    free(spec);
}

/* ---- the leader's step ---- */

static int audited(struct lw_redis *r, const struct lw_spec *spec, const char *what) {
    char key[LW_KEY_MAX];
    int n = 0;
    struct lw_reply *all = MUST(r, "XRANGE %s - +", lw_key(key, spec, "audit"));
    for (size_t i = 0; i < lw_reply_count(all); i++) {
        const struct lw_reply *fields = lw_reply_at(lw_reply_at(all, i), 1);
        n += strcmp(lw_reply_text(lw_reply_field(fields, "what"), NULL), what) == 0;
    }
    lw_reply_free(all);
    return n;
}

static void step_write(struct lw_redis *r, const struct lw_spec *spec,
                       struct lw_lease *lease, struct lw_monitor *m, const char *text,
                       int hour) {
    static bool served;
    static int64_t was;
    struct lw_evaluation *e = lw_calloc(1, sizeof *e);
    was = hour ? was : INT64_MIN;
    served = hour ? served : false;
    lw_monitor_seal(m, lw_pane_new(spec, T0 + hour * LW_HOUR, 0), e);
    /* as if it had computed this */
    struct lw_tracking_set *set =
        (struct lw_tracking_set *)(uintptr_t)lw_monitor_tracking(m);
    assert_true(lw_tracking_parse(text, set));
    struct lw_evaluation_step step = {.lease = lease,
                                      .was_sealed_until_ms = was,
                                      .monitor = m,
                                      .evaluation = e,
                                      .sealed = true,
                                      .served = served,
                                      .now_ms = 1700000000000 + hour};
    if (lw_evaluation_write(r, spec, &step, test_err()))
        fail_msg("%s", test_err()->msg);
    was = lw_monitor_sealed_until(m);
    served = set->served;
    free(e);
}

static void assert_announced(struct lw_redis *r, const char *text, int64_t since) {
    struct lw_reply *h = MUST(r, "HMGET leeway:{step}:monitor tracking tracking_since");
    assert_string_equal(lw_reply_text(lw_reply_at(h, 0), NULL), text);
    assert_int_equal(lw_reply_int(lw_reply_at(h, 1)), since);
    lw_reply_free(h);
}

static void a_step_announces_it_and_audits_only_changes_of_service(void **state) {
    struct lw_spec *spec = tracked_spec("step");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_monitor *m = lw_monitor_new(spec);
    struct lw_lease lease = {.ttl_ms = 60000, .who = "a"};
    assert_int_equal(lw_lease_hold(r, spec, &lease, test_err()), 1);
    step_write(r, spec, &lease, m, FIRST, 0);
    assert_announced(r, FIRST, 0);
    step_write(r, spec, &lease, m, SECOND, 1);
    step_write(r, spec, &lease, m, "served 3 2 0 14", 2);
    assert_announced(r, "served 3 2 0 14", T0 + 2 * LW_HOUR);
    assert_int_equal(audited(r, spec, "tracking_served"), 1);
    assert_int_equal(audited(r, spec, "tracking_stopped"), 0);
    step_write(r, spec, &lease, m, FIRST, 3);
    assert_announced(r, FIRST, T0 + 4 * LW_HOUR);
    assert_int_equal(audited(r, spec, "tracking_served"), 1);
    assert_int_equal(audited(r, spec, "tracking_stopped"), 1);
    lw_monitor_free(m);
    lw_redis_free(r);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_adopted_at_a_recorded_offset),
        cmocka_unit_test(it_is_sent_when_it_changed_or_an_answer_was_lost),
        cmocka_unit_test(damage_changes_nothing),
        cmocka_unit_test(kills_change_no_pane),
        cmocka_unit_test(a_lost_pane_tells_how_it_was_tracked),
        cmocka_unit_test(a_step_announces_it_and_audits_only_changes_of_service),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
