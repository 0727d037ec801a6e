/* See store_world.h. */
#include "store_world.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "store/access.h"
#include "store/alerts.h"
#include "store/audit.h"
#include "store/damage.h"
#include "store/evaluation.h"
#include "store/keys.h"
#include "store/lease.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/notifications.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/requests.h"
#include "store/scripts.h"
#include "store/silences.h"
#include "store/unreadable.h"

#define HOURS 6

/* ---- creating it ---- */

static struct lw_evaluation_step step_of(struct world *w, bool sealed) {
    return (struct lw_evaluation_step){.lease = &w->lease,
                                       .was_sealed_until_ms = w->sealed_until,
                                       .monitor = w->monitor,
                                       .evaluation = &w->e,
                                       .sealed = sealed,
                                       .now_ms = NOW};
}

static struct lw_version version_of(uint32_t number) {
    return (struct lw_version){.version = number,
                               .status = "candidate",
                               .reason = "asked",
                               .verdict = "better",
                               .model = "Obj\1\0bytes",
                               .model_len = 10,
                               .reference = "ref\0erence",
                               .reference_len = 10,
                               .facts = "{}"};
}

static void work(struct world *w) {
    struct lw_partition *p = lw_partition_new(w->spec, 0);
    struct lw_claim c;
    struct lw_active_versions f;
    assert_int_equal(lw_state_claim(w->admin,
                                    &(struct lw_claim_target){w->spec, TOPIC, "w", 0, p},
                                    &c, &w->err),
                     0);
    feed(w->spec, p, 0, HOURS * 60 + 20, 1);
    struct lw_flush flush = {.topic = TOPIC,
                             .epoch = c.epoch,
                             .base_offset = -1,
                             .next_offset = HOURS * 60 + 20,
                             .now_ms = NOW};
    assert_int_equal(lw_state_flush(w->admin, w->spec, &flush, p, &f, &w->err), 0);
    w->epoch = c.epoch;
    lw_partition_free(p);
}

static void lead(struct world *w) {
    w->lease = (struct lw_lease){.who = "leader", .ttl_ms = 60000};
    w->monitor = lw_monitor_new(w->spec);
    w->sealed_until = INT64_MIN;
    assert_int_equal(lw_lease_hold(w->admin, w->spec, &w->lease, &w->err), 1);
    for (int64_t hour = 0; hour < HOURS; hour++) {
        struct lw_pane *pane =
            lw_state_pane(w->admin, w->spec, 1, T0 + hour * LW_HOUR, NULL, &w->err);
        lw_monitor_seal(w->monitor, pane, &w->e);
        struct lw_evaluation_step step = step_of(w, true);
        if (hour + 1 == HOURS)
            break;
        if (lw_evaluation_write(w->admin, w->spec, &step, &w->err))
            fail_msg("%s", w->err.msg);
        w->sealed_until = lw_monitor_sealed_until(w->monitor);
        for (uint32_t v = 1; hour == 0 && v <= 3; v++) {
            struct lw_version version = version_of(v);
            step = step_of(w, false);
            assert_int_equal(
                lw_models_publish(w->admin, w->spec, &version, v < 3, &step, &w->err), 0);
        }
    }
}

static void put_out(struct world *w, const char *id) {
    char key[LW_KEY_MAX];
    lw_reply_free(
        MUST(w->admin, "XADD %s * id %s json {}", lw_key(key, w->spec, "outbox"), id));
}

static void put_notifications(struct world *w) {
    size_t n;
    put_out(w, "1-critical@hook");
    put_out(w, "2-critical@hook");
    struct lw_delivery d[2];
    struct lw_reply *reply =
        lw_outbox_read(w->admin, w->spec, (struct lw_outbox_of){"", 2}, d, &n, &w->err);
    assert_int_equal(n, 2);
    d[0].attempts = 3;
    d[0].reason = "answered 400";
    assert_int_equal(lw_outbox_retry(w->admin, w->spec, &w->lease, &d[0], &w->err), 0);
    assert_int_equal(lw_outbox_park(w->admin, w->spec, &w->lease, &d[0], NOW, &w->err),
                     0);
    assert_int_equal(lw_outbox_retry(w->admin, w->spec, &w->lease, &d[1], &w->err), 0);
    lw_copy(w->entry, sizeof w->entry, d[1].entry);
    lw_reply_free(reply);
    struct lw_parked p;
    reply = lw_parked_read(w->admin, w->spec, 1, &p, &n, &w->err);
    lw_copy(w->parked, sizeof w->parked, p.entry);
    lw_reply_free(reply);
}

static struct lw_silence silence(int64_t until) {
    struct lw_silence s = {
        .from_ms = NOW - 9000, .until_ms = until, .by = "me", .comment = "c"};
    return s;
}

/* A stream after some time: it has entries that have ended, are stale, or come from a
 * clock that was ahead, and a pane that the next flush removes. */
static void age(struct world *w) {
    char key[LW_KEY_MAX], id[40];
    struct lw_silence past = silence(NOW - 1000), held = silence(NOW + 90000);
    assert_int_equal(lw_silences_add(w->admin, w->spec, &past, NOW - 5000, &w->err), 0);
    assert_int_equal(lw_silences_add(w->admin, w->spec, &held, NOW - 5000, &w->err), 0);
    lw_copy(w->silence, sizeof w->silence, held.id);
    assert_int_equal(lw_requests_add(w->admin, w->spec, "retrain", "me", &w->err), 0);
    assert_int_equal(lw_meta_write(w->admin, w->spec,
                                   &(struct lw_meta){TOPIC, 1, "test", NOW}, &w->err),
                     0);
    lw_reply_free(MUST(w->admin, "HSET %s stale 1", lw_key(key, w->spec, "now")));
    snprintf(id, sizeof id, "%" PRId64 "-0", T0 + 900 * LW_HOUR);
    lw_reply_free(MUST(w->admin, "XADD %s %s at 1", lw_key(key, w->spec, "history"), id));
    int64_t odd = T0 + 30 * LW_DAY;
    lw_reply_free(MUST(w->admin, "HSET %s meta x",
                       lw_key(key, w->spec, "pane:%" PRId64 ":0", odd)));
    snprintf(id, sizeof id, "%" PRId64 ":0", odd);
    lw_reply_free(
        MUST(w->admin, "ZADD %s %ld %s", lw_key(key, w->spec, "panes"), (long)odd, id));
    lw_reply_free(MUST(w->admin, "HSET %s open %ld",
                       lw_key(key, w->spec, "part:%s:0", TOPIC), (long)odd));
    lw_reply_free(MUST(w->admin, "HSET %s stale 1",
                       lw_key(key, w->spec, "pane:%" PRId64 ":0", T0 + 5 * LW_HOUR)));
    lw_reply_free(MUST(w->admin, "HSET %s k v", lw_key(key, w->spec, "alerts:notified")));
    lw_reply_free(MUST(w->admin, "DEL %s", lw_key(key, w->spec, "lease")));
}

/* ---- the writes ---- */

static int do_claim(struct world *w) {
    char key[LW_KEY_MAX];
    struct lw_cmd *c = lw_cmd_scratch(w->user);
    lw_cmd_int(c, 3);
    lw_cmd_str(c, lw_key(key, w->spec, "part:%s:0", TOPIC));
    lw_cmd_str(c, lw_key(key, w->spec, "models"));
    lw_cmd_str(c, lw_key(key, w->spec, "monitor"));
    lw_cmd_str(c, "other");
    lw_cmd_int(c, NOW);
    struct lw_reply *reply = lw_redis_eval(w->user, &lw_script_claim, c, &w->err);
    lw_reply_free(reply);
    return reply ? 0 : -1;
}

static struct lw_flush flush_of(const struct world *w) {
    return (struct lw_flush){.topic = TOPIC,
                             .epoch = w->epoch,
                             .base_offset = HOURS * 60 + 20,
                             .next_offset = HOURS * 60 + 80,
                             .now_ms = NOW};
}

static int do_flush(struct world *w) {
    struct lw_partition *p = lw_partition_new(w->spec, 0);
    struct lw_active_versions f;
    feed(w->spec, p, HOURS * 60, 80, 1);
    struct lw_flush flush = flush_of(w);
    int rc = lw_state_flush(w->user, w->spec, &flush, p, &f, &w->err);
    lw_partition_free(p);
    return rc;
}

static int do_restart(struct world *w) {
    struct lw_partition *p = lw_partition_new(w->spec, 0);
    struct lw_flush flush = flush_of(w);
    flush.next_offset = 0;
    int rc = lw_state_restart(w->user, w->spec, &flush, p, "w", &w->err);
    lw_partition_free(p);
    return rc;
}

static const struct lw_unreadable_pane damaged = {
    .start_ms = T0 + 5 * LW_HOUR, .partition = 0, .why = "damaged"};

static int do_unreadable_move(struct world *w) {
    return lw__unreadable_move(w->user, w->spec, TOPIC, w->epoch, &damaged, &w->err);
}

static int do_lease(struct world *w) {
    struct lw_lease other = {.who = "other", .ttl_ms = 60000};
    return lw_lease_hold(w->user, w->spec, &other, &w->err) == 1 ? 0 : -1;
}

static int do_release(struct world *w) {
    struct lw_lease lease = w->lease;
    return lw_lease_release(w->user, w->spec, &lease, &w->err);
}

static struct lw_alert alert_of(void) {
    struct lw_alert a = {.fingerprint = 0xabc, .incident = 0xdef, .firing = true};
    lw_copy(a.name, sizeof a.name, "psi");
    return a;
}

/* Everything that a step can contain. */
static int with_notifications(struct world *w,
                              int (*write)(struct world *, struct lw_evaluation_step *)) {
    static const struct lw_outgoing out = {.id = "o@hook", .json = "{}", .len = 2};
    static const struct lw_notification_field message = {"abc", "{}", 2};
    static const struct lw_notification_field notified[] = {{"abc@hook", "x", 1},
                                                            {"k", NULL, 0}};
    static const struct lw_notification_line line = {"suppressed", "because"};
    struct lw_alert alert = alert_of();
    struct lw_unreadable_panes unread = {0};
    lw_unreadable_add(&unread, &damaged);
    struct lw_notifications notifications = {.noutgoing = 1,
                                             .nmessages = 1,
                                             .nnotified = 2,
                                             .nalerts = 1,
                                             .nlines = 1,
                                             .outgoing = &out,
                                             .message = &message,
                                             .notified = notified,
                                             .alert = &alert,
                                             .line = &line};
    struct lw_evaluation_step step = step_of(w, true);
    step.notifications = &notifications;
    step.unread = &unread;
    step.asked = true;
    int rc = write ? write(w, &step)
                   : lw_notifications_write(w->user, w->spec, &w->lease, &notifications,
                                            NOW, &w->err);
    lw_unreadable_fini(&unread);
    return rc;
}

static int write_step(struct world *w, struct lw_evaluation_step *step) {
    return lw_evaluation_write(w->user, w->spec, step, &w->err);
}

static int write_publish(struct world *w, struct lw_evaluation_step *step) {
    struct lw_version v = version_of(4);
    return lw_models_publish(w->user, w->spec, &v, true, step, &w->err);
}

static int write_rollback(struct world *w, struct lw_evaluation_step *step) {
    return lw_models_promote(w->user, w->spec,
                             &(struct lw_promotion){1, "leader", "worse", step}, &w->err);
}

static int do_step(struct world *w) {
    return with_notifications(w, write_step);
}

static int do_publish(struct world *w) {
    return with_notifications(w, write_publish);
}

static int do_rollback(struct world *w) {
    return with_notifications(w, write_rollback);
}

static int do_notifications(struct world *w) {
    return with_notifications(w, NULL);
}

static int do_promote(struct world *w) {
    return lw_models_promote(w->user, w->spec,
                             &(struct lw_promotion){3, "me", "by hand", NULL}, &w->err);
}

static int do_reserve(struct world *w) {
    uint32_t v;
    return lw_models_reserve(w->user, w->spec, &w->lease, &v, &w->err);
}

static int do_silence(struct world *w) {
    struct lw_silence s = silence(NOW + 50000);
    return lw_silences_add(w->user, w->spec, &s, NOW, &w->err);
}

static int do_unsilence(struct world *w) {
    return lw_silences_end(w->user, w->spec, w->silence, "me", NOW, &w->err);
}

static int do_retry_parked(struct world *w) {
    return lw_parked_retry(
        w->user, w->spec, &(struct lw_parked_retry_request){w->parked, "me", "", "", NOW},
        &w->err);
}

static int do_done(struct world *w) {
    return lw_outbox_done(w->user, w->spec, &w->lease, w->entry, &w->err);
}

static int do_retry(struct world *w) {
    struct lw_delivery d = {.attempts = 9};
    lw_copy(d.entry, sizeof d.entry, w->entry);
    return lw_outbox_retry(w->user, w->spec, &w->lease, &d, &w->err);
}

static int do_park(struct world *w) {
    struct lw_delivery d = {
        .attempts = 9, .id = "2", .json = "{}", .len = 2, .reason = "gone"};
    lw_copy(d.entry, sizeof d.entry, w->entry);
    return lw_outbox_park(w->user, w->spec, &w->lease, &d, NOW, &w->err);
}

static int do_ask(struct world *w) {
    return lw_requests_add(w->user, w->spec, "retrain", "you", &w->err);
}

static int do_meta(struct world *w) {
    return lw_meta_write(w->user, w->spec, &(struct lw_meta){TOPIC, 1, "test", NOW},
                         &w->err);
}

static int do_heard(struct world *w) {
    return lw_monitor_state_set_heard(w->user, w->spec, &w->lease, 7, NOW, &w->err);
}

static int do_audit(struct world *w) {
    return lw_audit_write(w->user, w->spec,
                          &(struct lw_audit_line){"tested", "me", "x", 0, NOW}, &w->err);
}

static int do_trial(struct world *w) {
    return lw_access_write(w->user, w->spec, &w->err);
}

static int do_damage_move(struct world *w) {
    return lw_damage_move(w->user, w->spec, "history", "me", &w->err);
}

static int do_reread(struct world *w) {
    struct lw_reread what = {TOPIC, 0, 0, INT64_MIN, w->epoch};
    return lw_damage_reread(w->user, w->spec, &what, "me", &w->err);
}

const struct world_action world_action[] = {
    {"claim", do_claim, false},
    {"flush", do_flush, false},
    {"restart", do_restart, false},
    {"unreadable move", do_unreadable_move, false},
    {"lease", do_lease, false},
    {"release", do_release, false},
    {"step", do_step, false},
    {"publish", do_publish, true},
    {"roll back", do_rollback, true},
    {"notifications", do_notifications, false},
    {"promote", do_promote, true},
    {"reserve", do_reserve, false},
    {"silence", do_silence, false},
    {"unsilence", do_unsilence, false},
    {"parked", do_retry_parked, false},
    {"done", do_done, false},
    {"retry", do_retry, false},
    {"park", do_park, false},
    {"ask", do_ask, false},
    {"meta", do_meta, false},
    {"heard", do_heard, false},
    {"audit", do_audit, false},
    {"trial", do_trial, false},
    {"damage move", do_damage_move, false},
    {"read again", do_reread, false},
};
const size_t world_actions = sizeof world_action / sizeof *world_action;

/* ---- the whole stream ---- */

void world_build(struct world *w) {
    work(w);
    lead(w);
    put_notifications(w);
    age(w);
}
