/* Partition state: what remains after a crash at any point, who may write, and what the
 * monitor and the retrainer read. */
#include "store_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/keys.h"
#include "store/meta.h"

struct worker {
    struct lw_redis *r;
    struct lw_partition *p;
    struct lw_claim claim;
    int32_t number;
    int64_t base;
    struct lw_err err;
};

static void start(struct worker *w, struct lw_redis *r, const struct lw_spec *spec,
                  int32_t number, const char *owner) {
    *w = (struct worker){.r = r, .number = number};
    w->p = lw_partition_new(spec, number);
    if (lw_state_claim(r, &(struct lw_claim_target){spec, TOPIC, owner, number, w->p},
                       &w->claim, &w->err))
        fail_msg("%s", w->err.msg);
    w->base = w->claim.next_offset;
}

static void end(struct worker *w) {
    lw_partition_free(w->p);
}

static int flush(struct worker *w, const struct lw_spec *spec, int64_t next) {
    struct lw_flush f = {.topic = TOPIC,
                         .partition = w->number,
                         .epoch = w->claim.epoch,
                         .base_offset = w->base,
                         .next_offset = next,
                         .end_offset = next + 7,
                         .now_ms = 1234567890123};
    lw_err_clear(&w->err);
    int rc = lw_state_flush(w->r, spec, &f, w->p, &w->claim.active, &w->err);
    if (rc == 0)
        w->base = next;
    return rc;
}

static void must_flush(struct worker *w, const struct lw_spec *spec, int64_t next) {
    if (flush(w, spec, next))
        fail_msg("%s", w->err.msg);
}

static void a_new_partition_has_no_state(void **state) {
    struct lw_spec *spec = test_spec("new");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w;
    start(&w, r, spec, 0, "host:1:0");
    assert_int_equal(w.claim.next_offset, -1);
    assert_int_equal(w.claim.last_offset, -1);
    assert_int_equal(w.claim.active.champion, 0);
    assert_int_equal(w.claim.active.nshadows, 0);
    assert_true(w.claim.epoch > 0);
    struct lw_partition_view v[1];
    assert_int_equal(lw_state_view(r, spec, TOPIC, 1, v, &w.err), 0);
    assert_false(v[0].known);
    assert_string_equal(v[0].owner, "host:1:0");
    assert_int_equal(v[0].watermark_ms, INT64_MIN);
    end(&w);
    lw_redis_free(r);
    free(spec);
}

/* 500 events in one run without a crash, flushed at other points than in the crashing
 * run. */
static char *smooth_run(struct lw_redis *r, const struct lw_spec *spec) {
    struct worker w;
    start(&w, r, spec, 0, "smooth");
    for (int64_t at = 0; at < 500; at += 125) {
        feed(spec, w.p, at, 125, 1);
        must_flush(&w, spec, at + 125);
    }
    end(&w);
    return dump_state(r, spec, 1);
}

static void crashes_do_not_change_the_state(void **state) {
    struct lw_spec *spec = test_spec("crash");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    char *smooth = smooth_run(r, spec);
    lw_reply_free(MUST(r, "FLUSHALL"));
    int64_t next = 0;
    for (int life = 0; next < 500; life++) {
        struct worker w;
        start(&w, r, spec, 0, "crashing");
        assert_int_equal(w.claim.next_offset, next ? next : -1);
        int64_t step = 7 + life % 5 * 13;
        step = next + step > 500 ? 500 - next : step;
        feed(spec, w.p, next, step, 1);
        must_flush(&w, spec, next + step);
        next += step;
        feed(spec, w.p, next, 31, 1); /* lost in the crash */
        end(&w);
    }
    char *crashed = dump_state(r, spec, 1);
    assert_true(strlen(smooth) > 10000); /* there is something to compare */
    assert_string_equal(crashed, smooth);
    free(crashed);
    free(smooth);
    lw_redis_free(r);
    free(spec);
}

static void a_zombie_changes_nothing(void **state) {
    struct lw_spec *spec = test_spec("zombie");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker old, fresh;
    start(&old, r, spec, 0, "old");
    feed(spec, old.p, 0, 50, 1);
    must_flush(&old, spec, 50);
    start(&fresh, r, spec, 0, "fresh");
    assert_true(fresh.claim.epoch > old.claim.epoch);
    assert_int_equal(fresh.claim.next_offset, 50);
    char *before = dump_state(r, spec, 1);
    feed(spec, old.p, 50, 100, 1);
    assert_int_equal(flush(&old, spec, 150), -1);
    assert_int_equal(old.err.code, LW_EFENCED);
    char *after = dump_state(r, spec, 1);
    assert_string_equal(after, before);
    feed(spec, fresh.p, 50, 10, 1);
    must_flush(&fresh, spec, 60);
    free(before);
    free(after);
    end(&old);
    end(&fresh);
    lw_redis_free(r);
    free(spec);
}

static void a_flush_can_be_sent_again(void **state) {
    struct lw_spec *spec = test_spec("again");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, copy;
    start(&w, r, spec, 0, "w");
    feed(spec, w.p, 0, 100, 1);
    /* A second partition object with the same contents represents the lost answer: its
     * panes are still marked dirty when the same flush is sent again. */
    copy = w;
    copy.p = lw_partition_new(spec, 0);
    feed(spec, copy.p, 0, 100, 1);
    must_flush(&w, spec, 100);
    char *before = dump_state(r, spec, 1);
    must_flush(&copy, spec, 100);
    char *after = dump_state(r, spec, 1);
    assert_string_equal(after, before);
    /* ... or with additional events, from the same base */
    struct worker more = w;
    more.base = -1;
    more.p = lw_partition_new(spec, 0);
    feed(spec, more.p, 0, 130, 1);
    must_flush(&more, spec, 130);
    assert_int_equal(must_int(r, MUST(r, "HGET leeway:{again}:part:trips:0 messages")),
                     130);
    free(before);
    free(after);
    end(&w);
    end(&copy);
    end(&more);
    lw_redis_free(r);
    free(spec);
}

static void a_restored_older_server_fences_its_owner(void **state) {
    struct lw_spec *spec = test_spec("rollback");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, again;
    start(&w, r, spec, 0, "w");
    feed(spec, w.p, 0, 40, 1);
    must_flush(&w, spec, 40);
    char *dump = must_text(MUST(r, "HGET leeway:{rollback}:part:trips:0 next_offset"));
    assert_string_equal(dump, "40");
    free(dump);
    /* the older snapshot: as it was at offset 40 */
    lw_reply_free(MUST(r, "COPY leeway:{rollback}:part:trips:0 saved REPLACE"));
    feed(spec, w.p, 40, 40, 1);
    must_flush(&w, spec, 80);
    lw_reply_free(MUST(r, "COPY saved leeway:{rollback}:part:trips:0 REPLACE"));
    feed(spec, w.p, 80, 5, 1);
    assert_int_equal(flush(&w, spec, 85), -1);
    assert_int_equal(w.err.code, LW_EFENCED);
    start(&again, r, spec, 0, "w");
    assert_int_equal(again.claim.next_offset, 40);
    end(&again);
    /* and emptied: no state is left, and an epoch is never assigned twice */
    lw_reply_free(MUST(r, "FLUSHALL"));
    assert_int_equal(flush(&w, spec, 85), -1);
    assert_int_equal(w.err.code, LW_EFENCED);
    uint64_t last = again.claim.epoch;
    start(&again, r, spec, 0, "w");
    assert_true(again.claim.epoch > last);
    assert_int_equal(again.claim.next_offset, -1);
    end(&again);
    end(&w);
    lw_redis_free(r);
    free(spec);
}

static void a_killed_server_loses_no_flush(void **state) {
    struct redis_server *s = *state;
    struct lw_spec *spec = test_spec("killed");
    struct lw_redis *r = test_connect(redis_server_url(s));
    struct worker w;
    start(&w, r, spec, 0, "w");
    feed(spec, w.p, 0, 90, 1);
    must_flush(&w, spec, 90);
    char *before = dump_state(r, spec, 1);
    redis_server_kill(s);
    feed(spec, w.p, 90, 10, 1);
    assert_int_equal(flush(&w, spec, 100), -1);
    assert_int_equal(w.err.code, LW_EAGAIN);
    assert_true(lw_partition_pane(w.p, lw_partition_panes(w.p) - 1)->dirty);
    redis_server_restart(s);
    struct lw_redis *other = test_connect(redis_server_url(s));
    char *after = dump_state(other, spec, 1);
    assert_string_equal(after, before);
    for (int i = 0; i < 200 && flush(&w, spec, 100); i++) {
        assert_int_equal(w.err.code, LW_EAGAIN);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(
        must_int(r, MUST(r, "HGET leeway:{killed}:part:trips:0 next_offset")), 100);
    free(before);
    free(after);
    end(&w);
    lw_redis_free(other);
    lw_redis_free(r);
    free(spec);
}

static void promote_by_hand(struct lw_redis *r, const char *champion,
                            const char *shadows) {
    lw_reply_free(MUST(r, "HSET leeway:{adopt}:models champion %s", champion));
    lw_reply_free(MUST(r, "HSET leeway:{adopt}:monitor shadows %s", shadows));
}

static void models_are_adopted_at_a_recorded_offset(void **state) {
    struct lw_spec *spec = test_spec("adopt");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, next;
    promote_by_hand(r, "3", "1 2");
    start(&w, r, spec, 0, "w");
    assert_int_equal(w.claim.active.champion, 3);
    assert_int_equal(w.claim.active.nshadows, 2);
    assert_int_equal(w.claim.active.shadow[1], 2);
    feed(spec, w.p, 0, 10, 3);
    must_flush(&w, spec, 10);
    promote_by_hand(r, "4", "1 3");
    feed(spec, w.p, 10, 10, 3);
    must_flush(&w, spec, 20);
    assert_int_equal(w.claim.active.champion, 4);
    assert_int_equal(w.claim.active.shadow[1], 3);
    struct lw_reply *part =
        MUST(r, "HMGET leeway:{adopt}:part:trips:0 champion champion_since shadows");
    assert_int_equal(lw_reply_int(lw_reply_at(part, 0)), 4);
    assert_int_equal(lw_reply_int(lw_reply_at(part, 1)), 20);
    assert_string_equal(lw_reply_text(lw_reply_at(part, 2), NULL), "1 3");
    lw_reply_free(part);
    start(&next, r, spec, 0, "next"); /* a crash right afterwards */
    assert_int_equal(next.claim.next_offset, 20);
    assert_int_equal(next.claim.active.champion, 4);
    end(&next);
    end(&w);
    lw_redis_free(r);
    free(spec);
}

static void the_view_shows_what_was_flushed(void **state) {
    struct lw_spec *spec = test_spec("view");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w;
    struct lw_partition_view v[3];
    start(&w, r, spec, 1, "w");
    feed(spec, w.p, 0, 150, 1);
    lw_partition_dead_lettered(w.p);
    must_flush(&w, spec, 151);
    assert_int_equal(lw_state_view(r, spec, TOPIC, 3, v, &w.err), 0);
    assert_false(v[0].known);
    assert_true(v[1].known);
    assert_false(v[2].known);
    assert_int_equal(v[1].next_offset, 151);
    assert_int_equal(v[1].end_offset, 158);
    assert_int_equal(v[0].end_offset, -1);
    assert_int_equal(v[1].newest_ms, lw_partition_newest(w.p));
    assert_int_equal(v[1].watermark_ms, lw_partition_watermark(w.p));
    assert_in_range(v[1].watermark_ms, T0 + 125 * LW_MINUTE, T0 + 139 * LW_MINUTE);
    assert_int_equal(v[1].oldest_pane_ms, T0);
    assert_int_equal(v[1].updated_ms, 1234567890123);
    assert_int_equal(v[1].epoch, w.claim.epoch);
    assert_int_equal(v[1].counter[LW_COUNT_MESSAGES], 151);
    assert_int_equal(v[1].counter[LW_COUNT_GOOD], 150);
    assert_int_equal(v[1].counter[LW_COUNT_DEAD_LETTERED], 1);
    assert_false(v[1].idle);
    end(&w);
    lw_redis_free(r);
    free(spec);
}

/* A leader has sealed beyond a silent partition, which then gets events of those
 * panes. */
static void events_of_a_sealed_pane_are_read_again_and_late(void **state) {
    struct lw_spec *spec = test_spec("sealed");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, again;
    start(&w, r, spec, 0, "w");
    feed(spec, w.p, 0, 150, 1);
    must_flush(&w, spec, 150);
    char key[LW_KEY_MAX];
    lw_reply_free(lw_redis_do(r, &w.err, "HSET %s sealed_until %ld",
                              lw_key(key, spec, "monitor"), (long)(T0 + 3 * LW_HOUR)));
    feed(spec, w.p, 150, 10, 1);
    assert_int_equal(flush(&w, spec, 160), -1);
    assert_int_equal(w.err.code, LW_EFENCED);
    end(&w);
    start(&again, r, spec, 0, "w");
    assert_int_equal(again.claim.next_offset, 150);
    assert_int_equal(lw_partition_watermark(again.p), T0 + 3 * LW_HOUR);
    feed(spec, again.p, 150, 10, 1);
    must_flush(&again, spec, 160);
    assert_int_equal(lw_partition_counters(again.p)[LW_COUNT_LATE], 10);
    assert_int_equal(lw_partition_counters(again.p)[LW_COUNT_GOOD], 160);
    end(&again);
    lw_redis_free(r);
    free(spec);
}

static void a_pane_is_merged_over_partitions(void **state) {
    struct lw_spec *spec = test_spec("merge");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker a, b;
    start(&a, r, spec, 0, "a");
    feed(spec, a.p, 0, 90, 1);
    must_flush(&a, spec, 90);
    start(&b, r, spec, 2, "b");
    feed(spec, b.p, 30, 60, 1);
    must_flush(&b, spec, 90);
    struct lw_pane *pane = lw_state_pane(r, spec, 3, T0, NULL, &a.err);
    assert_non_null(pane);
    assert_int_equal(pane->events, 60 + 30);
    assert_int_equal(lw_pane_scores(pane, 1)->losses.n, 90);
    assert_int_equal(pane->profile->members[0].num.n, 90);
    lw_pane_free(pane);
    pane = lw_state_pane(r, spec, 3, T0 + 100 * LW_HOUR, NULL, &a.err);
    assert_non_null(pane);
    assert_int_equal(pane->events, 0);
    lw_pane_free(pane);
    /* a damaged field is reported by name and not used */
    char key[LW_KEY_MAX];
    lw_reply_free(
        MUST(r, "HSET %s f:x garbage", lw_key(key, spec, "pane:%" PRId64 ":2", T0)));
    assert_null(lw_state_pane(r, spec, 3, T0, NULL, &a.err));
    assert_int_equal(a.err.code, LW_EINPUT);
    /* or the pane is left out and reported, and the others are read */
    struct lw_unreadable_panes unread = {0};
    pane = lw_state_pane(r, spec, 3, T0, &unread, &a.err);
    assert_non_null(pane);
    assert_int_equal(pane->events, 60);
    assert_int_equal(unread.n, 1);
    assert_int_equal(unread.item[0].partition, 2);
    assert_int_equal(unread.item[0].start_ms, T0);
    assert_false(unread.item[0].moved);
    assert_non_null(strstr(unread.item[0].why, "column x"));
    lw_pane_free(pane);
    lw_unreadable_fini(&unread);
    /* a key that is not a hash, and a hash without counts */
    lw_reply_free(MUST(r, "SET %s text", key));
    lw_reply_free(MUST(r, "HDEL %s meta", lw_key(key, spec, "pane:%" PRId64 ":0", T0)));
    pane = lw_state_pane(r, spec, 3, T0, &unread, &a.err);
    assert_non_null(pane);
    assert_int_equal(pane->events, 0);
    assert_int_equal(unread.n, 2);
    lw_pane_free(pane);
    lw_unreadable_fini(&unread);
    end(&a);
    end(&b);
    lw_redis_free(r);
    free(spec);
}

/* A damaged open pane: the claim starts it again, and the next leader is informed. */
static void a_claim_moves_an_unreadable_open_pane(void **state) {
    struct lw_spec *spec = test_spec("moved");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker a, b;
    char key[LW_KEY_MAX];
    start(&a, r, spec, 0, "a");
    feed(spec, a.p, 0, 90, 1);
    must_flush(&a, spec, 90);
    lw_key(key, spec, "pane:%" PRId64 ":0", T0 + LW_HOUR);
    lw_reply_free(MUST(r, "HSET %s f:x garbage", key));
    end(&a);
    start(&b, r, spec, 0, "b");
    assert_int_equal(b.claim.unread.n, 1);
    assert_int_equal(b.claim.unread.item[0].start_ms, T0 + LW_HOUR);
    lw_unreadable_fini(&b.claim.unread);
    assert_int_equal(lw_partition_counters(b.p)[LW_COUNT_MESSAGES], 90);
    assert_int_equal(must_int(r, MUST(r, "EXISTS %s", key)), 0);
    lw_key(key, spec, "unreadable:%" PRId64 ":0", T0 + LW_HOUR);
    assert_int_equal(must_int(r, MUST(r, "HEXISTS %s meta", key)), 1);
    feed(spec, b.p, 90, 10, 1);
    must_flush(&b, spec, 100);
    struct lw_unreadable_panes unread = {0};
    struct lw_pane *pane = lw_state_pane(r, spec, 1, T0 + LW_HOUR, &unread, &b.err);
    assert_non_null(pane);
    assert_int_equal(pane->events, 10);
    assert_int_equal(unread.n, 1);
    assert_true(unread.item[0].moved);
    assert_non_null(strstr(unread.item[0].why, "column x"));
    lw_pane_free(pane);
    lw_unreadable_fini(&unread);
    /* a later claim has nothing to report */
    end(&b);
    start(&b, r, spec, 0, "c");
    assert_int_equal(b.claim.unread.n, 0);
    end(&b);
    lw_redis_free(r);
    free(spec);
}

static void offset_ranges_cover_a_time_span(void **state) {
    struct lw_spec *spec = test_spec("ranges");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w;
    struct lw_range out[2];
    start(&w, r, spec, 0, "w");
    for (int64_t at = 0; at < 600;
         at += 50) { /* several flushes per pane: one line per pane */
        feed(spec, w.p, at, 50, 1);
        must_flush(&w, spec, at + 50);
    }
    assert_int_equal(must_int(r, MUST(r, "ZCARD leeway:{ranges}:offsets:0")), 10);
    assert_int_equal(
        lw_state_ranges(r, spec, 2,
                        (struct lw_time_range){T0 + 2 * LW_HOUR, T0 + 4 * LW_HOUR}, out,
                        &w.err),
        0);
    assert_int_equal(out[0].first, 120);
    assert_int_equal(out[0].last, 239);
    assert_int_equal(out[0].events, 120);
    assert_int_equal(out[1].first, -1);
    /* limits inside a pane include the whole pane */
    lw_state_ranges(r, spec, 1,
                    (struct lw_time_range){T0 + LW_HOUR + 1, T0 + 2 * LW_HOUR + 1}, out,
                    &w.err);
    assert_int_equal(out[0].first, 60);
    assert_int_equal(out[0].last, 179);
    lw_state_ranges(r, spec, 1,
                    (struct lw_time_range){T0 + 50 * LW_HOUR, T0 + 60 * LW_HOUR}, out,
                    &w.err);
    assert_int_equal(out[0].first, -1);
    assert_int_equal(out[0].events, 0);
    end(&w);
    lw_redis_free(r);
    free(spec);
}

static int restart(struct worker *w, const struct lw_spec *spec, int64_t next) {
    struct lw_flush f = {.topic = TOPIC,
                         .partition = w->number,
                         .epoch = w->claim.epoch,
                         .base_offset = w->base,
                         .next_offset = next,
                         .now_ms = 1234567890123};
    lw_err_clear(&w->err);
    return lw_state_restart(w->r, spec, &f, w->p, "w", &w->err);
}

/* A recreated topic: offsets start again, accumulated panes stay, and trainings do not
 * use the old offsets. */
static void offsets_start_again_in_a_recreated_topic(void **state) {
    struct lw_spec *spec = test_spec("restart");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, zombie;
    struct lw_range out[1];
    struct lw_partition_view v[1];
    start(&zombie, r, spec, 0, "zombie");
    start(&w, r, spec, 0, "w");
    feed(spec, w.p, 0, 100, 1);
    must_flush(&w, spec, 100);
    zombie.base = 100;
    assert_int_equal(restart(&zombie, spec, 0), -1);
    assert_int_equal(zombie.err.code, LW_EFENCED);
    w.base = 90; /* differs from Redis */
    assert_int_equal(restart(&w, spec, 0), -1);
    assert_int_equal(w.err.code, LW_EFENCED);
    w.base = 100;
    assert_int_equal(restart(&w, spec, 0), 0);
    assert_int_equal(restart(&w, spec, 0), 0); /* its answer was lost */
    assert_int_equal(must_int(r, MUST(r, "EXISTS leeway:{restart}:offsets:0")), 0);
    assert_int_equal(must_int(r, MUST(r, "XLEN leeway:{restart}:audit")), 1);
    w.base = 0;
    must_flush(&w, spec, 0); /* the open panes, without the old offsets */
    lw_state_ranges(r, spec, 1, (struct lw_time_range){T0, T0 + 9 * LW_HOUR}, out,
                    &w.err);
    assert_int_equal(out[0].first, -1);
    lw_partition_gone(w.p, 7);
    feed(spec, w.p, 100, 20, 1);
    must_flush(&w, spec, 120);
    lw_state_ranges(r, spec, 1, (struct lw_time_range){T0, T0 + 9 * LW_HOUR}, out,
                    &w.err);
    assert_int_equal(out[0].first, 100);
    assert_int_equal(out[0].last, 119);
    assert_int_equal(lw_state_view(r, spec, TOPIC, 1, v, &w.err), 0);
    assert_int_equal(v[0].next_offset, 120);
    assert_int_equal(v[0].counter[LW_COUNT_MESSAGES], 120); /* nothing is lost */
    assert_int_equal(v[0].counter[LW_COUNT_GONE], 7);
    end(&w);
    end(&zombie);
    lw_redis_free(r);
    free(spec);
}

static void the_number_of_partitions_is_known(void **state) {
    struct lw_spec *spec = test_spec("grows");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_err err = {0};
    assert_int_equal(lw_meta_partitions(r, spec, TOPIC, 2, &err), 0);
    assert_int_equal(lw_meta_write(r, spec, &(struct lw_meta){TOPIC, 2, "0", 1}, &err),
                     0);
    assert_int_equal(lw_meta_partitions(r, spec, TOPIC, 2, &err), 2);
    /* a recreated topic with fewer partitions: those with state count */
    assert_int_equal(lw_meta_write(r, spec, &(struct lw_meta){TOPIC, 7, "0", 1}, &err),
                     0);
    lw_reply_free(MUST(r, "HSET leeway:{grows}:part:trips:4 owner x"));
    assert_int_equal(lw_meta_partitions(r, spec, TOPIC, 2, &err), 5);
    lw_reply_free(MUST(r, "HSET leeway:{grows}:meta partitions 2147483647"));
    assert_int_equal(lw_meta_partitions(r, spec, TOPIC, 2, &err), 0);
    lw_redis_free(r);
    free(spec);
}

/* An event of another year at the very beginning opens a pane, is flushed, and is removed
 * when the first events agree on the time: nothing of it may remain. */
static void a_discarded_pane_leaves_no_trace(void **state) {
    struct lw_spec *spec = test_spec("struck");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w;
    start(&w, r, spec, 0, "w");
    struct lw_cell watched[3] = {lw_cell_num(1), lw_cell_int(1), lw_cell_num(9)};
    struct lw_row row = {.cells = watched, .time_ms = T0 - 3650 * LW_DAY, .target = 9};
    const struct lw_pane_event event = {0, watched, LW_GOOD, 9, NULL, 0};
    lw_partition_add(w.p, &row, &event);
    must_flush(&w, spec, 1);
    assert_int_equal(must_int(r, MUST(r, "ZCARD leeway:{struck}:panes")), 1);
    feed(spec, w.p, 1, 30, 0);
    must_flush(&w, spec, 31);
    struct lw_reply *panes = MUST(r, "ZRANGE leeway:{struck}:panes 0 -1");
    assert_int_equal(lw_reply_count(panes), 1);
    char key[LW_KEY_MAX];
    lw_key(key, spec, "pane:%" PRId64 ":0", T0);
    assert_non_null(strstr(key, lw_reply_text(lw_reply_at(panes, 0), NULL)));
    lw_reply_free(panes);
    lw_key(key, spec, "pane:%" PRId64 ":0", T0 - 3650 * LW_DAY);
    assert_int_equal(must_int(r, MUST(r, "EXISTS %s", key)), 0);
    assert_int_equal(must_int(r, MUST(r, "ZCARD leeway:{struck}:offsets:0")), 1);
    end(&w);
    lw_redis_free(r);
    free(spec);
}

/* The offsets of the panes give the partition's offset without its progress. */
static void damaged_progress_is_rebuilt(void **state) {
    struct lw_spec *spec = test_spec("damaged");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct worker w, next;
    start(&w, r, spec, 0, "w");
    feed(spec, w.p, 0, 100, 1);
    must_flush(&w, spec, 100);
    int64_t watermark = lw_partition_watermark(w.p);
    lw_reply_free(MUST(r, "HSET leeway:{damaged}:part:trips:0 progress garbage"));
    start(&next, r, spec, 0, "x");
    assert_non_null(strstr(next.claim.rebuilt, "progress is damaged"));
    assert_int_equal(next.claim.next_offset, 100);
    assert_int_equal(lw_partition_counters(next.p)[LW_COUNT_MESSAGES], 100);
    assert_int_equal(lw_partition_watermark(next.p), watermark);
    feed(spec, next.p, 100, 20, 1);
    must_flush(&next, spec, 120);
    struct lw_pane *pane = lw_state_pane(r, spec, 1, T0 + LW_HOUR, NULL, &w.err);
    assert_int_equal(pane->events, 60);
    lw_pane_free(pane);
    assert_int_equal(
        must_int(r, MUST(r, "HEXISTS leeway:{damaged}:unreadable:part:trips:0 progress")),
        1);
    assert_int_equal(flush(&w, spec, 101), -1); /* fenced */
    end(&w);
    end(&next);
    lw_redis_free(r);
    free(spec);
}

/* A partition that its last owner reported as idle may have events waiting for the next
 * owner. */
static void a_claim_ends_idleness(void **state) {
    struct lw_spec *spec = test_spec("idle");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_partition_view v[1];
    struct worker w, next;
    start(&w, r, spec, 0, "a:1:0");
    feed(spec, w.p, 0, 10, 1);
    struct lw_flush f = {.topic = TOPIC,
                         .epoch = w.claim.epoch,
                         .base_offset = -1,
                         .next_offset = 10,
                         .last_offset = 8,
                         .last_id = UINT64_C(0xfedcba9876543210),
                         .idle = true};
    assert_int_equal(lw_state_flush(r, spec, &f, w.p, &w.claim.active, &w.err), 0);
    assert_int_equal(lw_state_view(r, spec, TOPIC, 1, v, &w.err), 0);
    assert_true(v[0].idle);
    start(&next, r, spec, 0, "b:1:0");
    assert_int_equal(next.claim.last_offset, 8);
    assert_true(next.claim.last_id == UINT64_C(0xfedcba9876543210));
    assert_int_equal(lw_state_view(r, spec, TOPIC, 1, v, &w.err), 0);
    assert_false(v[0].idle);
    end(&w);
    end(&next);
    lw_redis_free(r);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_partition_has_no_state),
        cmocka_unit_test(crashes_do_not_change_the_state),
        cmocka_unit_test(a_zombie_changes_nothing),
        cmocka_unit_test(a_flush_can_be_sent_again),
        cmocka_unit_test(a_restored_older_server_fences_its_owner),
        cmocka_unit_test(a_killed_server_loses_no_flush),
        cmocka_unit_test(models_are_adopted_at_a_recorded_offset),
        cmocka_unit_test(the_view_shows_what_was_flushed),
        cmocka_unit_test(events_of_a_sealed_pane_are_read_again_and_late),
        cmocka_unit_test(a_pane_is_merged_over_partitions),
        cmocka_unit_test(offset_ranges_cover_a_time_span),
        cmocka_unit_test(offsets_start_again_in_a_recreated_topic),
        cmocka_unit_test(the_number_of_partitions_is_known),
        cmocka_unit_test(a_discarded_pane_leaves_no_trace),
        cmocka_unit_test(a_claim_moves_an_unreadable_open_pane),
        cmocka_unit_test(damaged_progress_is_rebuilt),
        cmocka_unit_test(a_claim_ends_idleness),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
