/* See process.h. */
#include "process.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "store/alerts.h"
#include "store/audit.h"
#include "store/damage.h"
#include "store/evaluation.h"
#include "store/health.h"
#include "store/history.h"
#include "store/keys.h"
#include "store/lease.h"
#include "store/meta.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/notifications.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/privacy.h"
#include "store/requests.h"
#include "store/silences.h"

/* ---- creating the stream ---- */

static void read_events(struct scene *s, struct lw_partition *p, int64_t from,
                        int64_t until, const struct lw_claim *c) {
    struct lw_active_versions force;
    struct lw_err err = {0};
    feed(s->spec, p, from, until - from, 1);
    struct lw_flush flush = {.topic = TOPIC,
                             .epoch = c->epoch,
                             .base_offset = c->next_offset,
                             .next_offset = until,
                             .last_offset = until - 1,
                             .last_id = 7,
                             .now_ms = 1};
    if (lw_state_flush(s->r, s->spec, &flush, p, &force, &err))
        fail_msg("%s", err.msg);
}

static void first_reading(struct scene *s) {
    struct lw_partition *p = lw_partition_new(s->spec, 0);
    struct lw_claim c;
    struct lw_err err = {0};
    assert_int_equal(lw_state_claim(s->r,
                                    &(struct lw_claim_target){s->spec, TOPIC, "w", 0, p},
                                    &c, &err),
                     0);
    read_events(s, p, 0, SCENE_BEFORE, &c);
    lw_partition_free(p);
}

static struct lw_alert alert_of(int64_t at_ms) {
    struct lw_alert a = {.fingerprint = 0xabc,
                         .incident = 0xdef,
                         .firing = true,
                         .severity = LW_SEVERITY_CRITICAL,
                         .window = "3h",
                         .value = 0.25,
                         .since_ms = at_ms,
                         .at_ms = at_ms};
    snprintf(a.name, sizeof a.name, "psi");
    snprintf(a.summary, sizeof a.summary, "PSI is high");
    return a;
}

static void put_parked(struct scene *s, const struct lw_lease *lease) {
    struct lw_delivery d[4];
    struct lw_err err = {0};
    size_t n;
    struct lw_reply *reply =
        lw_outbox_read(s->r, s->spec, (struct lw_outbox_of){"", 4}, d, &n, &err);
    assert_int_equal(n, 2);
    d[0].attempts = 1;
    d[0].not_before_ms = 1;
    assert_int_equal(lw_outbox_retry(s->r, s->spec, lease, &d[0], &err), 0);
    d[1].reason = "refused";
    assert_int_equal(lw_outbox_park(s->r, s->spec, lease, &d[1], 1, &err), 0);
    lw_reply_free(reply);
}

static void first_leader(struct scene *s) {
    struct lw_lease lease = {.who = "first", .ttl_ms = 600000};
    struct lw_err err = {0};
    struct lw_evaluation *e = lw_calloc(1, sizeof *e);
    assert_int_equal(
        lw_meta_write(s->r, s->spec, &(struct lw_meta){TOPIC, 1, "0", 1}, &err), 0);
    assert_int_equal(lw_lease_hold(s->r, s->spec, &lease, &err), 1);
    struct lw_monitor *m = lw_monitor_new(s->spec);
    int64_t was = INT64_MIN;
    for (int hour = 0; hour < 2; hour++) {
        struct lw_pane *pane =
            lw_state_pane(s->r, s->spec, 1, T0 + hour * LW_HOUR, NULL, &err);
        lw_monitor_seal(m, pane, e);
        e->alert[0] = alert_of(e->at_ms);
        e->nalerts = 1;
        struct lw_outgoing out = {.id = "def-firing@ops", .json = "{\"a\":1}", .len = 7};
        struct lw_notification_field message = {"0000000000000abc", "{}", 2};
        struct lw_notification_field notified = {"0000000000000abc@ops", "def 2 1 0", 9};
        struct lw_notifications notifications = {.outgoing = &out,
                                                 .noutgoing = 1,
                                                 .message = &message,
                                                 .nmessages = 1,
                                                 .notified = &notified,
                                                 .nnotified = 1};
        struct lw_evaluation_step step = {.lease = &lease,
                                          .was_sealed_until_ms = was,
                                          .monitor = m,
                                          .evaluation = e,
                                          .sealed = true,
                                          .notifications = &notifications,
                                          .now_ms = 1 + hour};
        assert_int_equal(lw_evaluation_write(s->r, s->spec, &step, &err), 0);
        was = e->at_ms;
    }
    uint32_t number = 0;
    assert_int_equal(lw_models_reserve(s->r, s->spec, &lease, &number, &err), 0);
    struct lw_version v = {.version = number,
                           .status = "champion",
                           .reason = "first",
                           .created_ms = 1,
                           .model = "Obj",
                           .model_len = 3,
                           .reference = "ref",
                           .reference_len = 3,
                           .facts = "{}"};
    lw_monitor_champion(m, number, NULL, T0);
    *e = (struct lw_evaluation){.at_ms = was};
    struct lw_evaluation_step step = {.lease = &lease,
                                      .was_sealed_until_ms = was,
                                      .monitor = m,
                                      .evaluation = e,
                                      .now_ms = 3};
    assert_int_equal(lw_models_publish(s->r, s->spec, &v, true, &step, &err), 0);
    put_parked(s, &lease);
    assert_int_equal(lw_monitor_state_set_heard(s->r, s->spec, &lease, 200, 1, &err), 0);
    lw_monitor_free(m);
    free(e);
}

/* A process's entry in `health`, and the key with which it hashes names. */
static int myself(struct scene *s, struct lw_err *err) {
    uint8_t secret[LW_PRIVACY_KEY_BYTES];
    struct lw_process *me = lw_calloc(1, sizeof *me);
    struct lw_stream_facts *facts = lw_calloc(1, sizeof *facts);
    lw_copy(me->who, sizeof me->who, "host:1");
    me->at_ms = 1;
    int rc = lw_health_put(s->r, s->spec, me, err) ||
             lw_health_facts(s->r, s->spec, facts, err) ||
             lw_privacy_key(s->r, s->spec, secret, err);
    free(facts);
    free(me);
    return rc ? -1 : 0;
}

/* Version 2, which has been retired and has no alias. */
static void retired_version(struct scene *s) {
    char key[LW_KEY_MAX];
    lw_reply_free(MUST(s->r,
                       "HSET %s version 2 parent 1 status retired reason old verdict - "
                       "created 1 as_of 1 promoted 1 facts {} model Obj",
                       lw_key(key, s->spec, "model:2")));
    lw_reply_free(
        MUST(s->r, "HSET %s version 2 profile ref", lw_key(key, s->spec, "reference:2")));
    lw_reply_free(MUST(s->r, "HSET %s next 3", lw_key(key, s->spec, "models")));
}

static void people(struct scene *s) {
    struct lw_err err = {0};
    struct lw_silence quiet = {
        .rule = "psi", .from_ms = 1, .by = "ann", .until_ms = lw_wall_ms() + LW_DAY};
    assert_int_equal(lw_silences_add(s->r, s->spec, &quiet, lw_wall_ms(), &err), 0);
    assert_int_equal(lw_requests_add(s->r, s->spec, "retrain", "ann", &err), 0);
    assert_int_equal(myself(s, &err), 0);
    retired_version(s);
}

static void scene_save(struct scene *s) {
    struct lw_reply *keys = MUST(s->r, "KEYS *");
    s->n = lw_reply_count(keys);
    assert_true(s->n < SCENE_KEYS_MAX);
    for (size_t i = 0; i < s->n; i++) {
        struct saved *k = &s->key[i];
        lw_copy(k->name, sizeof k->name, lw_reply_text(lw_reply_at(keys, i), NULL));
        struct lw_reply *dump = MUST(s->r, "DUMP %s", k->name);
        const char *bytes = lw_reply_text(dump, &k->len);
        k->bytes = lw_memdup(bytes, k->len);
        lw_reply_free(dump);
    }
    lw_reply_free(keys);
}

void scene_restore(struct scene *s) {
    lw_reply_free(MUST(s->r, "FLUSHALL"));
    struct lw_err err = {0};
    for (size_t i = 0; i < s->n; i++) {
        struct lw_cmd *c = lw_cmd_new();
        lw_cmd_str(c, "RESTORE");
        lw_cmd_str(c, s->key[i].name);
        lw_cmd_int(c, strstr(s->key[i].name, ":lease") ? 60000 : 0);
        lw_cmd_arg(c, s->key[i].bytes, s->key[i].len);
        lw_cmd_str(c, "REPLACE"); /* a call that timed out may have written it */
        lw_reply_free(must(s->r, lw_redis_call(s->r, c, &err), &err));
        lw_cmd_free(c);
    }
}

/* ---- the actions of a process ---- */

static void no_alert(void *arg, const struct lw_alert_status *alert) {
    (void)arg, (void)alert;
}
static void no_message(void *arg, const char *fingerprint, const char *json, size_t len) {
    (void)arg, (void)fingerprint, (void)json, (void)len;
}
static void no_notified(void *arg, const char *name, const char *text) {
    (void)arg, (void)name, (void)text;
}

static int load_monitor(struct scene *s, const struct lw_lease *lease,
                        struct lw_monitor_state *state, struct lw_monitor **m,
                        struct lw_err *err) {
    struct lw_err why = {0};
    if (lw_monitor_state_load(s->r, s->spec, state, err))
        return -1;
    if (state->damaged[0] && lw_monitor_state_restore(s->r, s->spec, lease, state, err))
        return -1;
    *m = lw_monitor_new(s->spec);
    if (!state->len || lw_monitor_read(*m, state->state, state->len, &why) == 0)
        return 0;
    lw_monitor_free(*m);
    *m = lw_monitor_new(s->spec);
    const struct lw_unreadable_field was = {"monitor", "state", why.msg, state->state,
                                            state->len};
    return lw_damage_keep(s->r, s->spec, lease, &was, err);
}

static int lists(struct scene *s, struct lw_err *err) {
    const struct lw_notifications_reader none = {NULL, no_alert, no_message, no_notified};
    struct lw_silence *silence = NULL;
    struct lw_aliases aliases;
    struct lw_requested asked_for;
    size_t n;
    if (lw_notifications_load(s->r, s->spec, &none, err) ||
        lw_silences_load(s->r, s->spec, 2, &silence, &n, err))
        return -1;
    free(silence);
    return lw_models_aliases(s->r, s->spec, &aliases, err) ||
                   lw_requests_first(s->r, s->spec, &asked_for, err) < 0
               ? -1
               : 0;
}

static int seal(struct scene *s, const struct lw_lease *lease, struct lw_monitor *m,
                int64_t was, struct lw_err *err) {
    struct lw_unreadable_panes unread = {0};
    int64_t start = was == INT64_MIN ? T0 : was;
    struct lw_pane *pane = lw_state_pane(s->r, s->spec, 1, start, &unread, err);
    if (!pane)
        return -1;
    struct lw_evaluation *e = lw_calloc(1, sizeof *e);
    lw_monitor_seal(m, pane, e);
    e->alert[0] = alert_of(e->at_ms);
    e->nalerts = 1;
    struct lw_outgoing out = {.id = "def-firing@ops", .json = "{\"a\":1}", .len = 7};
    struct lw_notification_field message = {"0000000000000abc", "{}", 2};
    struct lw_notification_field notified = {"0000000000000abc@ops", "def 2 1 0", 9};
    struct lw_notifications notifications = {.outgoing = &out,
                                             .noutgoing = 1,
                                             .message = &message,
                                             .nmessages = 1,
                                             .notified = &notified,
                                             .nnotified = 1};
    struct lw_evaluation_step step = {.lease = lease,
                                      .was_sealed_until_ms = was,
                                      .monitor = m,
                                      .evaluation = e,
                                      .sealed = true,
                                      .asked = true,
                                      .notifications = &notifications,
                                      .unread = &unread,
                                      .now_ms = 5};
    int rc = lw_evaluation_write(s->r, s->spec, &step, err);
    lw_unreadable_fini(&unread);
    free(e);
    return rc;
}

static int train(struct scene *s, const struct lw_lease *lease, struct lw_monitor *m,
                 int64_t sealed, struct lw_err *err) {
    uint32_t number = 0;
    struct lw_evaluation *e = lw_calloc(1, sizeof *e);
    e->at_ms = sealed;
    int rc = lw_models_reserve(s->r, s->spec, lease, &number, err);
    if (rc == 0 && strncmp(s->damaged, "model", 5) != 0)
        assert_true(number > 1); /* a number is never assigned twice */
    struct lw_version v = {.version = number,
                           .parent = 1,
                           .status = "champion",
                           .reason = "test",
                           .created_ms = 1,
                           .model = "Obj",
                           .model_len = 3,
                           .reference = "ref",
                           .reference_len = 3,
                           .facts = "{}"};
    struct lw_evaluation_step step = {.lease = lease,
                                      .was_sealed_until_ms = sealed,
                                      .monitor = m,
                                      .evaluation = e,
                                      .now_ms = 6};
    rc = rc ? rc : lw_models_publish(s->r, s->spec, &v, true, &step, err);
    free(e);
    return rc;
}

/* Leads until the pane of the third hour is sealed and a version is promoted. */
int process_lead(struct scene *s, bool *done, struct lw_err *err) {
    struct lw_lease lease = {.who = "next", .ttl_ms = 60000};
    struct lw_monitor_state state = {0};
    struct lw_monitor *m = NULL;
    int held = lw_lease_hold(s->r, s->spec, &lease, err);
    if (held <= 0)
        return held < 0 ? -1 : lw_fail(err, LW_EAGAIN, "another process leads");
    int rc = lw_meta_write(s->r, s->spec, &(struct lw_meta){TOPIC, 1, "0", 1}, err) ||
             load_monitor(s, &lease, &state, &m, err) || lists(s, err);
    while (rc == 0 && state.sealed_until_ms < T0 + 3 * LW_HOUR) {
        rc = seal(s, &lease, m, state.sealed_until_ms, err);
        state.sealed_until_ms = lw_monitor_sealed_until(m);
    }
    if (rc == 0 && !*done)
        rc = train(s, &lease, m, state.sealed_until_ms, err) ||
             lw_monitor_state_set_heard(s->r, s->spec, &lease, 300, 1, err) ||
             lw_audit_write(s->r, s->spec,
                            &(struct lw_audit_line){"test", "me", "", 0, 1}, err);
    *done |= rc == 0;
    lw_monitor_free(m);
    free(state.state);
    return rc ? -1 : 0;
}

int process_work(struct scene *s, struct lw_err *err) {
    struct lw_partition *p = lw_partition_new(s->spec, 0);
    struct lw_claim c;
    struct lw_active_versions force;
    int rc = lw_state_claim(s->r, &(struct lw_claim_target){s->spec, TOPIC, "w2", 0, p},
                            &c, err);
    if (rc == 0) {
        int64_t from = c.next_offset < 0 ? 0 : c.next_offset;
        if (from > SCENE_EVENTS)
            fail_msg("%s: claimed at offset %" PRId64, s->what, from);
        feed(s->spec, p, from, SCENE_EVENTS - from, 1);
        struct lw_flush flush = {.topic = TOPIC,
                                 .epoch = c.epoch,
                                 .base_offset = c.next_offset,
                                 .next_offset = SCENE_EVENTS,
                                 .last_offset = SCENE_EVENTS - 1,
                                 .last_id = 9,
                                 .now_ms = 2};
        rc = lw_state_flush(s->r, s->spec, &flush, p, &force, err);
        lw_unreadable_fini(&c.unread);
    }
    lw_partition_free(p);
    return rc;
}

/* Reads each version or gets an error; an unreadable one does not hide the others. */
static int look_at_versions(struct scene *s, struct lw_err *err) {
    struct lw_aliases a;
    struct lw_version v;
    if (lw_models_aliases(s->r, s->spec, &a, err))
        return -1;
    for (uint32_t n = 1; n < a.next && n < 10; n++) {
        struct lw_err why = {0};
        struct lw_reply *reply = lw_models_head(s->r, s->spec, n, &v, &why);
        if (!reply && why.code != LW_ENOTFOUND && why.code != LW_EINPUT)
            return lw_fail(err, why.code, "%s", why.msg);
        if (!reply && why.code == LW_EINPUT)
            assert_int_equal(lw_redis_why(s->r), LW_REDIS_DAMAGED);
        lw_reply_free(reply);
    }
    return 0;
}

int process_look(struct scene *s, struct lw_err *err) {
    struct lw_alerts alerts;
    struct lw_partition_view view;
    struct lw_range range;
    struct lw_history history;
    struct lw_delivery d[8];
    struct lw_parked parked[8];
    struct lw_version v;
    const char *json, *field[] = {"week:rmse"};
    const struct lw_history_query q = {.from_ms = INT64_MIN,
                                       .until_ms = INT64_MAX,
                                       .field = field,
                                       .nfields = 1,
                                       .max = 5};
    size_t n;
    if (myself(s, err) || look_at_versions(s, err) ||
        lw_alerts_read(s->r, s->spec, 2, &alerts, err))
        return -1;
    lw_alerts_fini(&alerts);
    if (lw_state_view(s->r, s->spec, TOPIC, 1, &view, err) ||
        lw_state_ranges(s->r, s->spec, 1, (struct lw_time_range){T0, T0 + LW_DAY}, &range,
                        err) ||
        lw_history_read(s->r, s->spec, &q, &history, err))
        return -1;
    lw_history_fini(&history);
    struct lw_reply *outbox =
        lw_outbox_read(s->r, s->spec, (struct lw_outbox_of){"ops", 8}, d, &n, err);
    struct lw_reply *given_up =
        outbox ? lw_parked_read(s->r, s->spec, 8, parked, &n, err) : NULL;
    struct lw_reply *quarantine =
        given_up ? lw_monitor_state_quarantine(s->r, s->spec, &json, err) : NULL;
    bool ok = outbox && given_up && quarantine;
    lw_reply_free(outbox);
    lw_reply_free(given_up);
    lw_reply_free(quarantine);
    struct lw_err unknown = {0};
    lw_reply_free(lw_models_get(s->r, s->spec, 1, &v, &unknown)); /* or an error text */
    return ok ? 0 : -1;
}

void scene_make(struct scene *s, struct redis_server *server) {
    s->server = server;
    s->r = test_connect(redis_server_url(server));
    s->spec = test_spec("damage");
    s->damaged = "";
    lw_reply_free(MUST(s->r, "CONFIG SET appendonly no"));
    lw_reply_free(MUST(s->r, "FLUSHALL"));
    first_reading(s);
    first_leader(s);
    people(s);
    scene_save(s);
}

void scene_free(struct scene *s) {
    for (size_t i = 0; i < s->n; i++)
        free(s->key[i].bytes);
    lw_redis_free(s->r);
    free(s->spec);
    free(s);
}
