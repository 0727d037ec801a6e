/* The leader's writes: once, as a whole, and only with the newest token. */
#include "store_test.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "store/evaluation.h"
#include "store/keys.h"
#include "store/lease.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/notifications.h"
#include "store/outbox.h"
#include "store/requests.h"

struct leader {
    struct lw_redis *r;
    const struct lw_spec *spec;
    struct lw_lease lease;
    struct lw_monitor *m;
    struct lw_evaluation e;
    int64_t sealed_until;
    struct lw_err err;
};

static void lead(struct leader *l, struct lw_redis *r, const struct lw_spec *spec,
                 const char *who) {
    memset(l, 0, sizeof *l);
    l->r = r;
    l->spec = spec;
    l->lease.ttl_ms = 60000;
    snprintf(l->lease.who, sizeof l->lease.who, "%s", who);
    if (lw_lease_hold(r, spec, &l->lease, &l->err) != 1)
        fail_msg("no lease: %s", l->err.msg);
    l->m = lw_monitor_new(spec);
    l->sealed_until = INT64_MIN;
}

/* Another leader takes over, as after the lease has expired. */
static void usurp(struct leader *l, struct lw_redis *r, const struct lw_spec *spec,
                  const char *who) {
    char key[LW_KEY_MAX];
    lw_reply_free(MUST(r, "DEL %s", lw_key(key, spec, "lease")));
    lead(l, r, spec, who);
}

static void resign(struct leader *l) {
    lw_monitor_free(l->m);
}

/* A worker's partition 0 with `hours` full panes. */
static void worker(struct lw_redis *r, const struct lw_spec *spec, int64_t hours) {
    struct lw_partition *p = lw_partition_new(spec, 0);
    struct lw_claim c;
    struct lw_active_versions f;
    struct lw_err err = {0};
    assert_int_equal(
        lw_state_claim(r, &(struct lw_claim_target){spec, TOPIC, "w", 0, p}, &c, &err),
        0);
    feed(spec, p, 0, hours * 60 + 20, 1);
    struct lw_flush flush = {.topic = TOPIC,
                             .epoch = c.epoch,
                             .base_offset = c.next_offset,
                             .next_offset = hours * 60 + 20,
                             .now_ms = 1};
    assert_int_equal(lw_state_flush(r, spec, &flush, p, &f, &err), 0);
    lw_partition_free(p);
}

static struct lw_evaluation_step step_of(struct leader *l, bool sealed) {
    return (struct lw_evaluation_step){.lease = &l->lease,
                                       .was_sealed_until_ms = l->sealed_until,
                                       .monitor = l->m,
                                       .evaluation = &l->e,
                                       .sealed = sealed,
                                       .now_ms = 1700000000000};
}

static void seal(struct leader *l, int64_t hour) {
    struct lw_pane *pane =
        lw_state_pane(l->r, l->spec, 1, T0 + hour * LW_HOUR, NULL, &l->err);
    assert_non_null(pane);
    lw_monitor_seal(l->m, pane, &l->e);
}

static int write_step(struct leader *l, bool sealed) {
    struct lw_evaluation_step step = step_of(l, sealed);
    lw_err_clear(&l->err);
    int rc = lw_evaluation_write(l->r, l->spec, &step, &l->err);
    if (rc == 0)
        l->sealed_until = lw_monitor_sealed_until(l->m);
    return rc;
}

static int64_t count(struct lw_redis *r, const struct lw_spec *spec, const char *verb,
                     const char *name) {
    char key[LW_KEY_MAX];
    struct lw_cmd *c = lw_cmd_new();
    struct lw_err err = {0};
    lw_cmd_str(c, verb);
    lw_cmd_str(c, lw_key(key, spec, "%s", name));
    int64_t n = must_int(r, lw_redis_call(r, c, &err));
    lw_cmd_free(c);
    return n;
}

/* The number of audit lines with the action `what`. */
static int audited(struct lw_redis *r, const struct lw_spec *spec, const char *what) {
    char key[LW_KEY_MAX];
    int n = 0;
    bool evaluated = strcmp(what, "evaluated") == 0;
    struct lw_reply *all =
        MUST(r, "XRANGE %s - +", lw_key(key, spec, evaluated ? "evaluations" : "audit"));
    for (size_t i = 0; i < lw_reply_count(all); i++) {
        const struct lw_reply *fields = lw_reply_at(lw_reply_at(all, i), 1);
        n += strcmp(lw_reply_text(lw_reply_field(fields, "what"), NULL), what) == 0;
    }
    lw_reply_free(all);
    return n;
}

static void a_step_is_written_whole(void **state) {
    struct lw_spec *spec = test_spec("whole");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    worker(r, spec, 4);
    lead(&l, r, spec, "a");
    for (int64_t hour = 0; hour < 4; hour++) {
        seal(&l, hour);
        if (write_step(&l, true))
            fail_msg("%s", l.err.msg);
    }
    assert_int_equal(count(r, spec, "XLEN", "history"), 4);
    assert_int_equal(audited(r, spec, "evaluated"), 4);
    struct lw_reply *now = MUST(r, "HGETALL leeway:{whole}:now");
    assert_int_equal(lw_reply_count(now), 2 * (l.e.nfigures + l.e.nshifts + 1));
    assert_int_equal(lw_reply_int(lw_reply_field(now, "at")), T0 + 4 * LW_HOUR);
    assert_int_equal(lw_reply_int(lw_reply_field(now, "updated")), 1700000000000);
    assert_true(l.e.nfigures > 0);
    for (size_t i = 0; i < l.e.nfigures; i++) {
        const char *text = lw_reply_text(lw_reply_field(now, l.e.figure[i].name), NULL);
        assert_non_null(text);
        assert_true(strtod(text, NULL) == l.e.figure[i].value); /* bit-exact */
    }
    lw_reply_free(now);
    /* an entry's id is the end of the window, and it has the same fields */
    struct lw_reply *last = MUST(r, "XREVRANGE leeway:{whole}:history + - COUNT 1");
    const struct lw_reply *entry = lw_reply_at(last, 0);
    char id[40];
    snprintf(id, sizeof id, "%" PRId64 "-0", T0 + 4 * LW_HOUR);
    assert_string_equal(lw_reply_text(lw_reply_at(entry, 0), NULL), id);
    assert_int_equal(lw_reply_count(lw_reply_at(entry, 1)), 2 * (l.e.nfigures + 1));
    lw_reply_free(last);
    /* windows are readable sketches */
    struct lw_reply *bytes = MUST(r, "GET leeway:{whole}:window:3h:x");
    size_t len;
    const char *data = lw_reply_text(bytes, &len);
    struct lw_kll *kll = lw_kll_read((const uint8_t *)data, len, 1, &l.err);
    assert_non_null(kll);
    assert_int_equal(lw_kll_n(kll), 180);
    lw_kll_free(kll);
    lw_reply_free(bytes);
    bytes = MUST(r, "GET leeway:{whole}:window:3h:zone");
    data = lw_reply_text(bytes, &len);
    struct lw_cats *cats = lw_cats_read((const uint8_t *)data, len, &l.err);
    assert_non_null(cats);
    assert_int_equal(lw_cats_n(cats), 180);
    lw_cats_free(cats);
    lw_reply_free(bytes);
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

static void a_new_leader_continues_from_the_last_step(void **state) {
    struct lw_spec *spec = test_spec("takeover");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader a, b;
    worker(r, spec, 4);
    lead(&a, r, spec, "a");
    for (int64_t hour = 0; hour < 2; hour++) {
        seal(&a, hour);
        assert_int_equal(write_step(&a, true), 0);
    }
    usurp(&b, r, spec, "b");
    struct lw_monitor_state d;
    assert_int_equal(lw_monitor_state_load(r, spec, &d, &b.err), 0);
    assert_int_equal(d.sealed_until_ms, T0 + 2 * LW_HOUR);
    assert_int_equal(lw_monitor_read(b.m, d.state, d.len, &b.err), 0);
    free(d.state);
    for (int64_t hour = 0; hour < 2; hour++)
        lw_monitor_refill(b.m,
                          lw_state_pane(r, spec, 1, T0 + hour * LW_HOUR, NULL, &b.err));
    b.sealed_until = d.sealed_until_ms;

    /* both lead for a while: each evaluates the third pane, and one of them counts */
    seal(&a, 2);
    seal(&b, 2);
    assert_int_equal(write_step(&a, true), -1);
    assert_int_equal(a.err.code, LW_EFENCED);
    assert_int_equal(count(r, spec, "XLEN", "history"), 2);
    assert_int_equal(write_step(&b, true), 0);
    assert_int_equal(count(r, spec, "XLEN", "history"), 3);
    assert_int_equal(audited(r, spec, "evaluated"), 3);
    resign(&a);
    resign(&b);
    lw_redis_free(r);
    free(spec);
}

static void a_step_needs_token_and_position(void **state) {
    struct lw_spec *spec = test_spec("stale");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    worker(r, spec, 3);
    lead(&l, r, spec, "a");
    seal(&l, 0);
    assert_int_equal(write_step(&l, true), 0);
    l.sealed_until = INT64_MIN; /* as if it had loaded earlier */
    seal(&l, 1);
    assert_int_equal(write_step(&l, true), -1);
    assert_int_equal(l.err.code, LW_EFENCED);
    assert_non_null(strstr(l.err.msg, "sealed_until"));
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

static struct lw_alert alert_of(int64_t at_ms, bool firing) {
    struct lw_alert a = {.fingerprint = 0xabc,
                         .incident = 0xdef,
                         .firing = firing,
                         .severity = LW_SEVERITY_CRITICAL,
                         .window = "3h",
                         .value = 0.25,
                         .threshold = 0.2,
                         .n = 1234,
                         .since_ms = at_ms,
                         .at_ms = at_ms};
    snprintf(a.name, sizeof a.name, "psi");
    snprintf(a.feature, sizeof a.feature, "a \"quoted\"\nname");
    snprintf(a.summary, sizeof a.summary, "PSI is high");
    return a;
}

static void a_step_sent_twice_counts_once(void **state) {
    struct lw_spec *spec = test_spec("twice");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    worker(r, spec, 3);
    lead(&l, r, spec, "a");
    seal(&l, 0);
    l.e.alert[0] = alert_of(l.e.at_ms, true);
    l.e.nalerts = 1;
    struct lw_outgoing out = {.id = "def-firing", .json = "{\"a\":1}", .len = 7};
    struct lw_evaluation_step step = step_of(&l, true);
    struct lw_notifications notifications = {.outgoing = &out, .noutgoing = 1};
    step.notifications = &notifications;
    assert_int_equal(lw_evaluation_write(r, spec, &step, &l.err), 0);
    step.now_ms += 5000; /* the answer was lost, so it is sent again */
    assert_int_equal(lw_evaluation_write(r, spec, &step, &l.err), 0);
    assert_int_equal(count(r, spec, "XLEN", "outbox"), 1);
    assert_int_equal(count(r, spec, "XLEN", "history"), 1);
    assert_int_equal(audited(r, spec, "fired"), 1);
    char *json = must_text(MUST(r, "HGET leeway:{twice}:alerts 0000000000000abc"));
    assert_non_null(strstr(json, "\"status\":\"firing\""));
    assert_non_null(strstr(json, "a \\\"quoted\\\"\\u000aname"));
    assert_non_null(strstr(json, "\"value\":0.25"));
    free(json);
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

static void deliveries_wait_in_order_until_confirmed(void **state) {
    struct lw_spec *spec = test_spec("outbox");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l, other;
    struct lw_delivery d[4];
    size_t n;
    worker(r, spec, 2);
    lead(&l, r, spec, "a");
    seal(&l, 0);
    struct lw_outgoing out[2] = {
        {.id = "1", .alert = 0xfe, .json = "{\"n\":1}", .len = 7},
        {.id = "2", .json = "{\"n\":\"\\u0000\"}", .len = 14}};
    struct lw_evaluation_step step = step_of(&l, true);
    struct lw_notifications notifications = {.outgoing = out, .noutgoing = 2};
    step.notifications = &notifications;
    assert_int_equal(lw_evaluation_write(r, spec, &step, &l.err), 0);

    struct lw_reply *reply =
        lw_outbox_read(r, spec, (struct lw_outbox_of){"", 4}, d, &n, &l.err);
    assert_non_null(reply);
    assert_int_equal(n, 2);
    assert_string_equal(d[0].id, "1");
    assert_string_equal(d[0].json, "{\"n\":1}");
    assert_true(d[0].alert == 0xfe && d[1].alert == 0);
    assert_int_equal(d[0].attempts, 0);
    assert_int_equal(d[1].len, 14);
    d[0].attempts = 3;
    d[0].not_before_ms = 1700000009999;
    assert_int_equal(lw_outbox_retry(r, spec, &l.lease, &d[0], &l.err), 0);
    assert_int_equal(lw_outbox_done(r, spec, &l.lease, d[1].entry, &l.err), 0);
    lw_reply_free(reply);

    reply = lw_outbox_read(r, spec, (struct lw_outbox_of){"", 4}, d, &n, &l.err);
    assert_int_equal(n, 1);
    assert_string_equal(d[0].id, "1");
    assert_int_equal(d[0].attempts, 3);
    assert_int_equal(d[0].not_before_ms, 1700000009999);

    usurp(&other, r, spec, "b"); /* a former leader can no longer confirm */
    assert_int_equal(lw_outbox_done(r, spec, &l.lease, d[0].entry, &l.err), -1);
    assert_int_equal(l.err.code, LW_EFENCED);
    assert_int_equal(lw_outbox_done(r, spec, &other.lease, d[0].entry, &other.err), 0);
    lw_reply_free(reply);
    lw_reply_free(
        lw_outbox_read(r, spec, (struct lw_outbox_of){"", 4}, d, &n, &other.err));
    assert_int_equal(n, 0);
    assert_int_equal(count(r, spec, "HLEN", "outbox:tries"), 0);
    resign(&l);
    resign(&other);
    lw_redis_free(r);
    free(spec);
}

static struct lw_version version_of(uint32_t number, uint32_t parent) {
    struct lw_version v = {.version = number,
                           .parent = parent,
                           .status = "candidate",
                           .reason = "rmse_ratio",
                           .verdict = "better by 5 %",
                           .created_ms = 1700000000000 + number,
                           .as_of_ms = T0,
                           .model = "Obj\1\0bytes",
                           .model_len = 10,
                           .reference = "ref\0erence",
                           .reference_len = 10,
                           .facts = "{\"rows\":1}"};
    return v;
}

static void publish(struct leader *l, uint32_t number, uint32_t parent, bool promote) {
    struct lw_version v = version_of(number, parent);
    struct lw_evaluation_step step = step_of(l, false);
    if (promote)
        lw_monitor_champion(l->m, number, NULL, T0);
    if (lw_models_publish(l->r, l->spec, &v, promote, &step, &l->err))
        fail_msg("%s", l->err.msg);
}

static void assert_status(struct leader *l, uint32_t number, const char *status) {
    struct lw_version v;
    struct lw_reply *reply = lw_models_head(l->r, l->spec, number, &v, &l->err);
    assert_non_null(reply);
    assert_string_equal(v.status, status);
    assert_null(v.model);
    lw_reply_free(reply);
}

static void versions_and_aliases_are_stored(void **state) {
    struct lw_spec *spec = test_spec("models");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    struct lw_aliases a;
    uint32_t n;
    worker(r, spec, 2);
    lead(&l, r, spec, "a");
    seal(&l, 0);
    assert_int_equal(lw_models_aliases(r, spec, &a, &l.err), 0);
    assert_int_equal(a.champion, 0);
    assert_int_equal(a.next, 1);
    for (uint32_t want = 1; want <= 3; want++) {
        assert_int_equal(lw_models_reserve(r, spec, &l.lease, &n, &l.err), 0);
        assert_int_equal(n, want);
    }
    publish(&l, 1, 0, true);
    l.sealed_until = lw_monitor_sealed_until(l.m);
    publish(&l, 2, 1, false);
    publish(&l, 3, 1, true);
    assert_int_equal(lw_models_aliases(r, spec, &a, &l.err), 0);
    assert_int_equal(a.champion, 3);
    assert_int_equal(a.previous, 1);
    assert_int_equal(a.challenger, 2);
    assert_int_equal(a.first, 1);
    assert_int_equal(a.next, 4);
    assert_int_equal(a.champion_since_ms, T0 + LW_HOUR);
    assert_int_equal(a.epoch, 2);
    assert_status(&l, 1, "previous");
    assert_status(&l, 2, "candidate");
    assert_status(&l, 3, "champion");

    struct lw_version v;
    struct lw_reply *reply = lw_models_get(r, spec, 3, &v, &l.err);
    assert_non_null(reply);
    assert_int_equal(v.parent, 1);
    assert_int_equal(v.promoted_ms, 1700000000000);
    assert_int_equal(v.model_len, 10);
    assert_memory_equal(v.model, "Obj\1\0bytes", 10);
    assert_memory_equal(v.reference, "ref\0erence", 10);
    assert_string_equal(v.facts, "{\"rows\":1}");
    assert_string_equal(v.verdict, "better by 5 %");
    lw_reply_free(reply);
    assert_null(lw_models_get(r, spec, 9, &v, &l.err));
    assert_int_equal(l.err.code, LW_ENOTFOUND);
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

static void a_person_promotes_and_rolls_back_without_a_lease(void **state) {
    struct lw_spec *spec = test_spec("person");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    struct lw_aliases a;
    struct lw_err err = {0};
    worker(r, spec, 2);
    lead(&l, r, spec, "a");
    seal(&l, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        publish(&l, i, 0, true);
        l.sealed_until = lw_monitor_sealed_until(l.m);
    }
    assert_int_equal(
        lw_models_promote(r, spec, &(struct lw_promotion){2, "ann", "v3 is bad", NULL},
                          &err),
        0);
    lw_models_aliases(r, spec, &a, &err);
    assert_int_equal(a.champion, 2);
    assert_int_equal(a.previous, 3);
    assert_int_equal(a.epoch, 4); /* the leader notices by this */
    assert_status(&l, 3, "rolled_back");
    assert_status(&l, 1, "retired");
    assert_int_equal(audited(r, spec, "promoted"), 1);
    /* these bytes are not a model: the promotion is refused */
    assert_int_equal(lw_models_usable(r, spec, 2, &err), -1);
    assert_non_null(strstr(err.msg, "version 2 cannot score this stream"));
    lw_err_clear(&err);
    assert_int_equal(lw_models_usable(r, spec, 7, &err), -1);
    assert_int_equal(err.code, LW_ENOTFOUND);
    lw_err_clear(&err);
    /* a repetition changes nothing and says so */
    assert_int_equal(
        lw_models_promote(r, spec, &(struct lw_promotion){2, "ann", "again", NULL}, &err),
        0);
    lw_models_aliases(r, spec, &a, &err);
    assert_int_equal(a.epoch, 4);
    assert_int_equal(
        lw_models_promote(r, spec, &(struct lw_promotion){7, "ann", "typo", NULL}, &err),
        -1);
    assert_int_equal(err.code, LW_ENOTFOUND);
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

static void a_former_leader_promotes_nothing(void **state) {
    struct lw_spec *spec = test_spec("yesterday");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader a, b;
    struct lw_aliases aliases;
    uint32_t n;
    worker(r, spec, 2);
    lead(&a, r, spec, "a");
    seal(&a, 0);
    publish(&a, 1, 0, true);
    usurp(&b, r, spec, "b");
    struct lw_version v = version_of(2, 1);
    struct lw_evaluation_step step = step_of(&a, false);
    step.was_sealed_until_ms = lw_monitor_sealed_until(a.m);
    assert_int_equal(lw_models_publish(r, spec, &v, true, &step, &a.err), -1);
    assert_int_equal(a.err.code, LW_EFENCED);
    assert_int_equal(lw_models_reserve(r, spec, &a.lease, &n, NULL), -1);
    lw_models_aliases(r, spec, &aliases, &b.err);
    assert_int_equal(aliases.champion, 1);
    assert_int_equal(count(r, spec, "EXISTS", "model:2"), 0);
    resign(&a);
    resign(&b);
    lw_redis_free(r);
    free(spec);
}

/* Panes outside the longest window are deleted, offsets are kept for the retrainer, and
 * the history stays in order. */
static void old_panes_are_deleted_and_their_offsets_kept(void **state) {
    struct lw_spec *spec = test_spec("forget");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    struct lw_range range;
    worker(r, spec, 12);
    assert_int_equal(count(r, spec, "ZCARD", "panes"), 13);
    lead(&l, r, spec, "a");
    for (int64_t hour = 0; hour < 12; hour++) {
        seal(&l, hour);
        assert_int_equal(write_step(&l, true), 0);
    }
    /* sealed until 12, window of 3, one spare pane: 8 .. 12 remain */
    assert_int_equal(count(r, spec, "ZCARD", "panes"), 5);
    char name[64];
    snprintf(name, sizeof name, "pane:%" PRId64 ":0", T0 + 7 * LW_HOUR);
    assert_int_equal(count(r, spec, "EXISTS", name), 0);
    snprintf(name, sizeof name, "pane:%" PRId64 ":0", T0 + 8 * LW_HOUR);
    assert_int_equal(count(r, spec, "EXISTS", name), 1);
    assert_int_equal(lw_state_ranges(r, spec, 1,
                                     (struct lw_time_range){T0, T0 + 12 * LW_HOUR},
                                     &range, &l.err),
                     0);
    assert_int_equal(range.first, 0);
    assert_int_equal(range.last, 719);
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

static void a_request_is_answered_once(void **state) {
    struct lw_spec *spec = test_spec("ask");
    struct leader l;
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct lw_err err = {0};
    struct lw_requested asked_for;
    assert_int_equal(lw_requests_first(r, spec, &asked_for, &err), 0);
    assert_int_equal(lw_requests_add(r, spec, "retrain", "ann of the night shift", &err),
                     0);
    assert_int_equal(lw_requests_first(r, spec, &asked_for, &err), 1);
    assert_string_equal(asked_for.what, "retrain");
    assert_string_equal(asked_for.who, "ann of the night shift");

    /* A leader that crashes while handling a request leaves it queued; the next leader
     * answers it once, also if two requests change nothing. */
    lead(&l, r, spec, "old");
    struct lw_lease stale = l.lease;
    resign(&l);
    usurp(&l, r, spec, "new");
    struct lw_evaluation_step step = step_of(&l, false);
    step.asked = true;
    step.lease = &stale;
    assert_int_equal(lw_evaluation_write(r, spec, &step, &err), -1);
    assert_int_equal(err.code, LW_EFENCED);
    lw_err_clear(&err);
    assert_int_equal(lw_requests_add(r, spec, "retrain", "bob", &err), 0);
    step.lease = &l.lease;
    for (int i = 2; i > 0; i--) {
        assert_int_equal(count(r, spec, "LLEN", "asks"), i);
        assert_int_equal(lw_requests_first(r, spec, &asked_for, &err), 1);
        assert_string_equal(asked_for.who, i == 2 ? "ann of the night shift" : "bob");
        step.now_ms++;
        assert_int_equal(lw_evaluation_write(r, spec, &step, &err), 0);
        assert_int_equal(lw_evaluation_write(r, spec, &step, &err), 0); /* sent again */
    }
    assert_int_equal(lw_requests_first(r, spec, &asked_for, &err), 0);
    resign(&l);
    for (int i = 0; i < 150; i++)
        assert_int_equal(lw_requests_add(r, spec, "retrain", "x", &err), 0);
    assert_int_equal(count(r, spec, "LLEN", "asks"), 100);
    lw_redis_free(r);
    free(spec);
}

/* The pane is moved to unreadable:NAME and reported in the step that evaluates without
 * it; the next leader finds the note, and has the same windows. */
static void an_unreadable_pane_is_reported_once(void **state) {
    struct lw_spec *spec = test_spec("unreadable");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader a;
    char key[LW_KEY_MAX], name[LW_KEY_MAX];
    worker(r, spec, 3);
    lw_reply_free(
        MUST(r, "HSET %s f:x garbage", lw_key(key, spec, "pane:%" PRId64 ":0", T0)));
    lead(&a, r, spec, "a");
    for (int hour = 0; hour < 2; hour++) {
        struct lw_unreadable_panes unread = {0};
        struct lw_evaluation_step step = step_of(&a, true);
        struct lw_pane *pane =
            lw_state_pane(r, spec, 1, T0 + hour * LW_HOUR, &unread, &a.err);
        assert_non_null(pane);
        assert_int_equal(unread.n, hour == 0);
        if (unread.n)
            lw_monitor_unreadable(a.m, unread.n, unread.item[0].why);
        lw_monitor_seal(a.m, pane, &a.e);
        assert_int_equal(a.e.nalerts, hour == 0);
        step.unread = &unread;
        assert_int_equal(lw_evaluation_write(r, spec, &step, &a.err), 0);
        a.sealed_until = lw_monitor_sealed_until(a.m);
        lw_unreadable_fini(&unread);
    }
    assert_string_equal(a.e.figure[5].name, "unreadable_panes");
    assert_true(a.e.figure[5].value == 1);
    snprintf(name, sizeof name, "pane:%" PRId64 ":0", T0);
    assert_int_equal(count(r, spec, "EXISTS", name), 0);
    snprintf(name, sizeof name, "unreadable:%" PRId64 ":0", T0);
    assert_true(count(r, spec, "HLEN", name) > 3);
    assert_true(count(r, spec, "PTTL", name) > 29 * LW_DAY);
    assert_int_equal(count(r, spec, "HLEN", "unreadable"), 1);
    assert_int_equal(audited(r, spec, "unreadable"), 1);
    assert_int_equal(audited(r, spec, "fired"), 1);
    struct lw_unreadable_panes again = {0};
    struct lw_pane *pane = lw_state_pane(r, spec, 1, T0, &again, &a.err);
    assert_non_null(pane);
    assert_int_equal(pane->events, 0);
    assert_int_equal(again.n, 1);
    assert_true(again.item[0].moved);
    lw_pane_free(pane);
    lw_unreadable_fini(&again);
    resign(&a);
    lw_redis_free(r);
    free(spec);
}

/* The detail of the newest audit line, and its author. */
static void newest_line(struct lw_redis *r, char *who, char *detail, size_t size) {
    struct lw_reply *all = MUST(r, "XREVRANGE leeway:{spans}:audit + - COUNT 1");
    const struct lw_reply *fields = lw_reply_at(lw_reply_at(all, 0), 1);
    lw_copy(who, size, lw_reply_text(lw_reply_field(fields, "who"), NULL));
    lw_copy(detail, size, lw_reply_text(lw_reply_field(fields, "detail"), NULL));
    lw_reply_free(all);
}

static void quarantine_and_retries_are_in_the_audit(void **state) {
    struct lw_spec *spec = test_spec("spans");
    struct lw_redis *r = test_connect(redis_server_url(*state));
    struct leader l;
    char who[300], detail[300];
    const char *json;
    worker(r, spec, 2);
    lead(&l, r, spec, "a");
    struct lw_reply *reply = lw_monitor_state_quarantine(r, spec, &json, &l.err);
    assert_string_equal(json, "[]"); /* before the first evaluation */
    lw_reply_free(reply);
    seal(&l, 0);
    struct lw_span span = {.id = 3, .open = true, .from_ms = T0, .until_ms = T0};
    lw_copy(span.feature, sizeof span.feature, "km");
    lw_copy(span.why, sizeof span.why, "fault (nulls)");
    l.e.nspans = 3;
    for (int i = 0; i < 3; i++)
        l.e.span[i] = (struct lw_span_change){(enum lw_span_event)i, span};
    lw_copy(l.e.by, sizeof l.e.by, "ann@here");
    assert_int_equal(write_step(&l, true), 0);
    newest_line(r, who, detail, sizeof who);
    assert_string_equal(who, "ann@here");
    assert_non_null(strstr(detail, "span 3: km from "));
    assert_int_equal(audited(r, spec, "quarantined"), 1);
    assert_int_equal(audited(r, spec, "quarantine_ended"), 1);
    assert_int_equal(audited(r, spec, "released"), 1);
    reply = lw_monitor_state_quarantine(r, spec, &json, &l.err);
    assert_string_equal(json, "[]"); /* the quarantine of the monitor */
    lw_reply_free(reply);
    seal(&l, 1);
    lw_copy(l.e.postponed, sizeof l.e.postponed, "it waits");
    l.e.decision[0] = (struct lw_decision){.kind = LW_DECIDED_NOT_JUDGED, .version = 2};
    l.e.ndecisions = 1;
    assert_int_equal(write_step(&l, true), 0);
    newest_line(r, who, detail, sizeof who);
    assert_string_equal(who, "a");
    assert_string_equal(detail, "it waits");
    assert_int_equal(audited(r, spec, "training_postponed"), 1);
    assert_int_equal(audited(r, spec, "not_judged"), 1);
    resign(&l);
    lw_redis_free(r);
    free(spec);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unreadable_pane_is_reported_once),
        cmocka_unit_test(a_step_is_written_whole),
        cmocka_unit_test(a_new_leader_continues_from_the_last_step),
        cmocka_unit_test(a_step_needs_token_and_position),
        cmocka_unit_test(a_step_sent_twice_counts_once),
        cmocka_unit_test(deliveries_wait_in_order_until_confirmed),
        cmocka_unit_test(versions_and_aliases_are_stored),
        cmocka_unit_test(a_person_promotes_and_rolls_back_without_a_lease),
        cmocka_unit_test(a_former_leader_promotes_nothing),
        cmocka_unit_test(old_panes_are_deleted_and_their_offsets_kept),
        cmocka_unit_test(a_request_is_answered_once),
        cmocka_unit_test(quarantine_and_retries_are_in_the_audit),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
