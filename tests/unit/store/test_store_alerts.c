/* Silences start, are visible, and end; parked deliveries are kept and can be retried;
 * and one receiver's backlog does not hide the entries of another. */
#include "store_test.h"

#include <stdio.h>

#include "base/text.h"
#include "store/alerts.h"
#include "store/keys.h"
#include "store/lease.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/privacy.h"
#include "store/silences.h"

#define NOW INT64_C(1700000000000)

struct fixture {
    struct lw_spec *spec;
    struct lw_redis *r;
    struct lw_lease lease;
    struct lw_err err;
};

static void begin(struct fixture *f, void **state, const char *stream) {
    *f = (struct fixture){.spec = test_spec(stream),
                          .r = test_connect(redis_server_url(*state)),
                          .lease = {.who = "a", .ttl_ms = 60000}};
    assert_int_equal(lw_lease_hold(f->r, f->spec, &f->lease, &f->err), 1);
}

static void end(struct fixture *f) {
    lw_redis_free(f->r);
    free(f->spec);
}

static struct lw_silence silence(int64_t until, const char *rule) {
    struct lw_silence s = {.from_ms = NOW, .until_ms = until};
    lw_copy(s.rule, sizeof s.rule, rule);
    lw_copy(s.by, sizeof s.by, "\"me\"");
    lw_copy(s.comment, sizeof s.comment, "a \"quoted\" reason: zażółć");
    return s;
}

static void put_alert(struct fixture *f, const char *fingerprint, const char *json) {
    char key[LW_KEY_MAX];
    lw_reply_free(
        MUST(f->r, "HSET %s %s %s", lw_key(key, f->spec, "alerts"), fingerprint, json));
}

static void silences_are_stored_listed_and_ended(void **state) {
    struct fixture f;
    struct lw_alerts a;
    begin(&f, state, "silences");
    put_alert(
        &f, "00000000000000ff",
        "{\"status\":\"firing\",\"severity\":\"critical\",\"rule\":\"drift\","
        "\"feature\":\"x\",\"window\":\"3h\",\"value\":0.5,\"threshold\":null,\"n\":7,"
        "\"model\":3,\"since\":5,\"at\":6,\"incident\":\"00000000000000ab\",\"summary\":\"s\"}");
    put_alert(&f, "0000000000000001", "no JSON at all");
    struct lw_silence one = silence(NOW + 5000, "drift"), two = silence(NOW + 9000, "no");
    assert_int_equal(lw_silences_add(f.r, f.spec, &one, NOW, &f.err), 0);
    assert_int_equal(lw_silences_add(f.r, f.spec, &two, NOW, &f.err), 0);
    assert_int_equal(strlen(one.id), 8);
    assert_string_not_equal(one.id, two.id);

    assert_int_equal(lw_alerts_read(f.r, f.spec, NOW + 1, &a, &f.err), 0);
    assert_int_equal(a.nalerts, 1);
    assert_int_equal(a.nsilences, 2);
    assert_string_equal(a.silence[0].id, one.id); /* the one that ends first */
    assert_string_equal(a.silence[0].comment, one.comment);
    assert_string_equal(a.silence[0].by, one.by);
    assert_int_equal(a.alert[0].fingerprint, 0xff);
    assert_int_equal(a.alert[0].incident, 0xab);
    assert_string_equal(a.alert[0].silenced_by, one.id);
    assert_true(a.alert[0].threshold != a.alert[0].threshold); /* NAN */
    assert_int_equal(a.alert[0].n, 7);
    assert_int_equal(lw_alerts_firing(&a), 1);
    lw_alerts_fini(&a);

    /* one has expired, one was ended by a person */
    assert_int_equal(lw_alerts_read(f.r, f.spec, NOW + 5000, &a, &f.err), 0);
    assert_int_equal(a.nsilences, 1);
    assert_string_equal(a.alert[0].silenced_by, "");
    lw_alerts_fini(&a);
    assert_int_equal(lw_silences_end(f.r, f.spec, two.id, "me", NOW, &f.err), 0);
    assert_int_equal(lw_silences_end(f.r, f.spec, two.id, "me", NOW, &f.err), -1);
    assert_int_equal(f.err.code, LW_ENOTFOUND);
    lw_err_clear(&f.err);

    /* ended silences are removed when another one is added */
    struct lw_silence three = silence(NOW + 90000, "");
    assert_int_equal(lw_silences_add(f.r, f.spec, &three, NOW + 6000, &f.err), 0);
    char key[LW_KEY_MAX];
    assert_int_equal(must_int(f.r, MUST(f.r, "HLEN %s", lw_key(key, f.spec, "silences"))),
                     1);
    assert_int_equal(must_int(f.r, MUST(f.r, "XLEN %s", lw_key(key, f.spec, "audit"))),
                     4);
    struct lw_silence past = silence(NOW, "");
    assert_int_equal(lw_silences_add(f.r, f.spec, &past, NOW + 1, &f.err), -1);
    assert_int_equal(f.err.code, LW_EINPUT);
    end(&f);
}

static void put_out(struct fixture *f, const char *id) {
    char key[LW_KEY_MAX];
    lw_reply_free(
        MUST(f->r, "XADD %s * id %s json {}", lw_key(key, f->spec, "outbox"), id));
}

static void a_backlog_does_not_hide_other_receivers(void **state) {
    struct fixture f;
    struct lw_delivery d[4];
    char id[40];
    size_t n;
    begin(&f, state, "backlog");
    for (int i = 0; i < 450; i++) {
        snprintf(id, sizeof id, "%d@dead", i);
        put_out(&f, id);
    }
    put_out(&f, "one@alive");
    put_out(&f, "two@too@alive"); /* the same ending, but no receiver of that name */
    struct lw_reply *reply =
        lw_outbox_read(f.r, f.spec, (struct lw_outbox_of){"alive", 4}, d, &n, &f.err);
    assert_int_equal(n, 2);
    assert_string_equal(d[0].id, "one@alive");
    lw_reply_free(reply);
    reply = lw_outbox_read(f.r, f.spec, (struct lw_outbox_of){"dead", 4}, d, &n, &f.err);
    assert_int_equal(n, 4);
    assert_string_equal(d[3].id, "3@dead");
    assert_true(d[0].put_ms > NOW);
    lw_reply_free(reply);
    end(&f);
}

static void parked_deliveries_are_kept_and_can_be_retried(void **state) {
    struct fixture f;
    struct lw_delivery d[2];
    struct lw_parked p[2];
    struct lw_alerts a;
    size_t n;
    begin(&f, state, "parked");
    put_out(&f, "1-critical@hook");
    struct lw_reply *reply =
        lw_outbox_read(f.r, f.spec, (struct lw_outbox_of){"hook", 2}, d, &n, &f.err);
    d[0].attempts = 7;
    d[0].alert = UINT64_MAX;
    d[0].reason = "answered 400";
    assert_int_equal(lw_outbox_retry(f.r, f.spec, &f.lease, &d[0], &f.err), 0);
    assert_int_equal(lw_outbox_park(f.r, f.spec, &f.lease, &d[0], NOW, &f.err), 0);
    lw_reply_free(reply);
    assert_int_equal(lw_alerts_read(f.r, f.spec, NOW, &a, &f.err), 0);
    assert_int_equal(a.waiting, 0);
    assert_int_equal(a.parked, 1);
    lw_alerts_fini(&a);

    reply = lw_parked_read(f.r, f.spec, 2, p, &n, &f.err);
    assert_int_equal(n, 1);
    assert_string_equal(p[0].id, "1-critical@hook");
    assert_string_equal(p[0].json, "{}");
    assert_string_equal(p[0].reason, "answered 400");
    assert_int_equal(p[0].attempts, 7);
    assert_int_equal(p[0].parked_ms, NOW);
    const struct lw_parked_retry_request again = {p[0].entry, "me", " ", " ", NOW};
    assert_int_equal(lw_parked_retry(f.r, f.spec, &again, &f.err), 0);
    assert_int_equal(lw_parked_retry(f.r, f.spec, &again, &f.err), -1);
    assert_int_equal(f.err.code, LW_ENOTFOUND);
    lw_reply_free(reply);

    reply = lw_outbox_read(f.r, f.spec, (struct lw_outbox_of){"hook", 2}, d, &n, &f.err);
    assert_int_equal(n, 1);
    assert_string_equal(d[0].id, "1-critical@hook");
    assert_true(d[0].alert == UINT64_MAX);
    assert_int_equal(d[0].attempts, 0); /* its attempts start again */
    lw_reply_free(reply);
    end(&f);
}

/* A parked delivery is queued again only if it is still right for its receiver: "hook"
 * takes each message alone, "page" knows incidents, "labels" does not. */
static void outdated_deliveries_are_not_retried(void **state) {
    static const struct {
        const char *id, *notified; /* the last notification to its receiver, or NULL */
        bool back;
    } c[] = {{"0a-critical@hook", "0b critical 1 0", true},
             {"0a-critical@page", "0a critical 1 0", true},
             {"0a-critical@page", "0b critical 1 0", false}, /* would open a second */
             {"0a-warning.3@page", NULL, false},             /* it has ended */
             {"0a-resolved@page", NULL, true},
             {"0a-resolved@page", "0b critical 1 0", true}, /* another incident's */
             {"0a-critical@labels", "0a critical 1 0", true},
             {"0a-critical@labels", NULL, false},
             {"0a-resolved@labels", NULL, true},
             {"0a-resolved@labels", "0b warning 1 0", false}, /* would resolve 0b */
             {"0a-critical@gone", "0b critical 1 0", true}};
    struct fixture f;
    char outbox[LW_KEY_MAX], parked[LW_KEY_MAX], notified[LW_KEY_MAX], field[64];
    begin(&f, state, "stale");
    lw_key(outbox, f.spec, "outbox");
    lw_key(parked, f.spec, "outbox:parked");
    lw_key(notified, f.spec, "alerts:notified");
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        const struct lw_parked_retry_request again = {c[i].id, "me", " page ",
                                                      " x labels ", NOW};
        lw_reply_free(MUST(f.r, "DEL %s %s %s", outbox, parked, notified));
        lw_reply_free(
            MUST(f.r, "XADD %s * id %s alert 00000000000000ff json {}", parked, c[i].id));
        snprintf(field, sizeof field, "00000000000000ff%s", strchr(c[i].id, '@'));
        if (c[i].notified)
            lw_reply_free(MUST(f.r, "HSET %s %s %s", notified, field, c[i].notified));
        int failed = lw_parked_retry(f.r, f.spec, &again, &f.err);
        if (failed != (c[i].back ? 0 : -1))
            fail_msg("case %zu: %d", i, failed);
        assert_int_equal(must_int(f.r, MUST(f.r, "XLEN %s", outbox)), c[i].back);
        assert_int_equal(must_int(f.r, MUST(f.r, "XLEN %s", parked)), !c[i].back);
        if (failed)
            assert_int_equal(f.err.code, LW_EINPUT);
        lw_err_clear(&f.err);
    }
    end(&f);
}

/* One key per stream, the same for all processes; a new one if it was lost. */
static void the_privacy_key_does_not_change(void **state) {
    struct fixture f;
    uint8_t key[3][LW_PRIVACY_KEY_BYTES];
    char name[LW_KEY_MAX];
    begin(&f, state, "privacy");
    struct lw_redis *other = test_connect(redis_server_url(*state));
    assert_int_equal(lw_privacy_key(f.r, f.spec, key[0], &f.err), 0);
    assert_int_equal(lw_privacy_key(other, f.spec, key[1], &f.err), 0);
    assert_memory_equal(key[0], key[1], sizeof key[0]);
    lw_reply_free(MUST(f.r, "DEL %s", lw_key(name, f.spec, "privacy")));
    assert_int_equal(lw_privacy_key(other, f.spec, key[2], &f.err), 0);
    assert_memory_not_equal(key[0], key[2], sizeof key[0]);
    /* A value that is not a key, or not a string, is replaced: it must not block
     * notifications. */
    char wrong[2 * LW_PRIVACY_KEY_BYTES + 1];
    memset(wrong, 'x', sizeof wrong - 1);
    wrong[sizeof wrong - 1] = '\0';
    lw_reply_free(MUST(f.r, "SET %s %s", name, wrong));
    assert_int_equal(lw_privacy_key(f.r, f.spec, key[0], &f.err), 0);
    lw_reply_free(MUST(f.r, "DEL %s", name));
    lw_reply_free(MUST(f.r, "RPUSH %s %s", name, wrong));
    assert_int_equal(lw_privacy_key(f.r, f.spec, key[0], &f.err), 0);
    assert_int_equal(lw_privacy_key(other, f.spec, key[1], &f.err), 0);
    assert_memory_equal(key[0], key[1], sizeof key[0]);
    lw_redis_free(other);
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outdated_deliveries_are_not_retried),
        cmocka_unit_test(the_privacy_key_does_not_change),
        cmocka_unit_test(silences_are_stored_listed_and_ended),
        cmocka_unit_test(a_backlog_does_not_hide_other_receivers),
        cmocka_unit_test(parked_deliveries_are_kept_and_can_be_retried)};
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
