/* Whatever is damaged in a stream's Redis, the others go on, and nothing is counted
 * twice.
 *
 * A stream with all its keys is made once. Then each key, and each field of it, is
 * damaged in many ways, one at a time, and a leader, a worker and the readers do what
 * they do in a process: everything must come about after some rounds, each failure in
 * between must say what it is and leave room to go on, and the panes must hold the events
 * of a smooth run. The seed is that of LEEWAY_SEED or 1, and is printed. */
#include "store_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/text.h"
#include "store/alerts.h"
#include "store/damage.h"
#include "store/history.h"
#include "store/keys.h"

#define KEYS_MAX  80
#define EVENTS    300 /* one a minute: five panes */
#define BEFORE    200 /* read before the damage */
#define ROUNDS    8
#define PER_FIELD 4 /* ways in which a field is damaged, drawn of all */

struct saved {
    char name[LW_KEY_MAX];
    void *bytes;
    size_t len;
};

struct scene {
    struct lw_redis *r;
    struct lw_spec *spec;
    struct saved key[KEYS_MAX];
    size_t n;
    const char *damaged; /* the key */
    char what[200];      /* how, for messages */
};

/* ---- making the stream ---- */

static void read_events(struct scene *s, struct lw_partition *p, int64_t from,
                        int64_t until, const struct lw_claim *c) {
    struct lw_force force;
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
    assert_int_equal(lw_state_claim(s->r, s->spec, TOPIC, "w", p, 0, &c, &err), 0);
    read_events(s, p, 0, BEFORE, &c);
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
    assert_int_equal(lw_meta_write(s->r, s->spec, TOPIC, 1, "0", 1, &err), 0);
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
        struct lw_page_field message = {"0000000000000abc", "{}", 2};
        struct lw_page_field told = {"0000000000000abc@ops", "def 2 1 0", 9};
        struct lw_pages pages = {.outgoing = &out,
                                 .noutgoing = 1,
                                 .message = &message,
                                 .nmessages = 1,
                                 .told = &told,
                                 .ntold = 1};
        struct lw_step step = {.lease = &lease,
                               .was_sealed_until_ms = was,
                               .monitor = m,
                               .evaluation = e,
                               .sealed = true,
                               .pages = &pages,
                               .now_ms = 1 + hour};
        assert_int_equal(lw_step_write(s->r, s->spec, &step, &err), 0);
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
    struct lw_step step = {.lease = &lease,
                           .was_sealed_until_ms = was,
                           .monitor = m,
                           .evaluation = e,
                           .now_ms = 3};
    assert_int_equal(lw_models_publish(s->r, s->spec, &v, true, &step, &err), 0);
    put_parked(s, &lease);
    assert_int_equal(lw_detector_heard(s->r, s->spec, &lease, 200, 1, &err), 0);
    lw_monitor_free(m);
    free(e);
}

static void people(struct scene *s) {
    struct lw_err err = {0};
    struct lw_silence quiet = {
        .rule = "psi", .from_ms = 1, .by = "ann", .until_ms = lw_wall_ms() + LW_DAY};
    assert_int_equal(lw_silence_add(s->r, s->spec, &quiet, lw_wall_ms(), &err), 0);
    assert_int_equal(lw_ask(s->r, s->spec, "retrain", "ann", &err), 0);
}

static void save(struct scene *s) {
    struct lw_reply *keys = MUST(s->r, "KEYS *");
    s->n = lw_reply_count(keys);
    assert_true(s->n < KEYS_MAX);
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

static void restore(struct scene *s) {
    lw_reply_free(MUST(s->r, "FLUSHALL"));
    struct lw_err err = {0};
    for (size_t i = 0; i < s->n; i++) {
        struct lw_cmd *c = lw_cmd_new();
        lw_cmd_str(c, "RESTORE");
        lw_cmd_str(c, s->key[i].name);
        lw_cmd_int(c, strstr(s->key[i].name, ":lease") ? 60000 : 0);
        lw_cmd_arg(c, s->key[i].bytes, s->key[i].len);
        lw_reply_free(must(s->r, lw_redis_call(s->r, c, &err), &err));
        lw_cmd_free(c);
    }
}

/* ---- what a process does ---- */

static void no_alert(void *arg, const struct lw_standing *alert) {
    (void)arg, (void)alert;
}
static void no_message(void *arg, const char *fingerprint, const char *json, size_t len) {
    (void)arg, (void)fingerprint, (void)json, (void)len;
}
static void no_told(void *arg, const char *name, const char *text) {
    (void)arg, (void)name, (void)text;
}

static int load_monitor(struct scene *s, const struct lw_lease *lease,
                        struct lw_detector_state *state, struct lw_monitor **m,
                        struct lw_err *err) {
    struct lw_err why = {0};
    if (lw_detector_load(s->r, s->spec, state, err))
        return -1;
    if (state->damaged[0] && lw_detector_mend(s->r, s->spec, lease, state, err))
        return -1;
    *m = lw_monitor_new(s->spec);
    if (!state->len || lw_monitor_read(*m, state->state, state->len, &why) == 0)
        return 0;
    lw_monitor_free(*m);
    *m = lw_monitor_new(s->spec);
    return lw_damage_keep(s->r, s->spec, lease, "detector", "state", state->state,
                          state->len, why.msg, err);
}

static int lists(struct scene *s, struct lw_err *err) {
    const struct lw_pages_reader none = {NULL, no_alert, no_message, no_told};
    struct lw_silence *silence = NULL;
    struct lw_aliases aliases;
    char what[80], who[80];
    size_t n;
    if (lw_pages_load(s->r, s->spec, &none, err) ||
        lw_silences_load(s->r, s->spec, 2, &silence, &n, err))
        return -1;
    free(silence);
    return lw_models_aliases(s->r, s->spec, &aliases, err) ||
                   lw_asked(s->r, s->spec, what, sizeof what, who, sizeof who, err) < 0
               ? -1
               : 0;
}

static int seal(struct scene *s, const struct lw_lease *lease, struct lw_monitor *m,
                int64_t was, struct lw_err *err) {
    struct lw_unreadables unread = {0};
    int64_t start = was == INT64_MIN ? T0 : was;
    struct lw_pane *pane = lw_state_pane(s->r, s->spec, 1, start, &unread, err);
    if (!pane)
        return -1;
    struct lw_evaluation *e = lw_calloc(1, sizeof *e);
    lw_monitor_seal(m, pane, e);
    e->alert[0] = alert_of(e->at_ms);
    e->nalerts = 1;
    struct lw_outgoing out = {.id = "def-firing@ops", .json = "{\"a\":1}", .len = 7};
    struct lw_page_field message = {"0000000000000abc", "{}", 2};
    struct lw_page_field told = {"0000000000000abc@ops", "def 2 1 0", 9};
    struct lw_pages pages = {.outgoing = &out,
                             .noutgoing = 1,
                             .message = &message,
                             .nmessages = 1,
                             .told = &told,
                             .ntold = 1};
    struct lw_step step = {.lease = lease,
                           .was_sealed_until_ms = was,
                           .monitor = m,
                           .evaluation = e,
                           .sealed = true,
                           .asked = true,
                           .pages = &pages,
                           .unread = &unread,
                           .now_ms = 5};
    int rc = lw_step_write(s->r, s->spec, &step, err);
    lw_unread_fini(&unread);
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
        assert_true(number > 1); /* never one that was given out */
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
    struct lw_step step = {.lease = lease,
                           .was_sealed_until_ms = sealed,
                           .monitor = m,
                           .evaluation = e,
                           .now_ms = 6};
    rc = rc ? rc : lw_models_publish(s->r, s->spec, &v, true, &step, err);
    free(e);
    return rc;
}

/* Leads until the pane of the third hour is sealed and a version is promoted. */
static int lead(struct scene *s, bool *done, struct lw_err *err) {
    struct lw_lease lease = {.who = "next", .ttl_ms = 60000};
    struct lw_detector_state state = {0};
    struct lw_monitor *m = NULL;
    int held = lw_lease_hold(s->r, s->spec, &lease, err);
    if (held <= 0)
        return held < 0 ? -1 : lw_fail(err, LW_EAGAIN, "somebody else leads");
    int rc = lw_meta_write(s->r, s->spec, TOPIC, 1, "0", 1, err) ||
             load_monitor(s, &lease, &state, &m, err) || lists(s, err);
    while (rc == 0 && state.sealed_until_ms < T0 + 3 * LW_HOUR) {
        rc = seal(s, &lease, m, state.sealed_until_ms, err);
        state.sealed_until_ms = lw_monitor_sealed_until(m);
    }
    if (rc == 0 && !*done)
        rc = train(s, &lease, m, state.sealed_until_ms, err) ||
             lw_detector_heard(s->r, s->spec, &lease, 300, 1, err) ||
             lw_audit(s->r, s->spec, "test", "me", "", 1, err);
    *done |= rc == 0;
    lw_monitor_free(m);
    free(state.state);
    return rc ? -1 : 0;
}

static int work(struct scene *s, struct lw_err *err) {
    struct lw_partition *p = lw_partition_new(s->spec, 0);
    struct lw_claim c;
    struct lw_force force;
    int rc = lw_state_claim(s->r, s->spec, TOPIC, "w2", p, 0, &c, err);
    if (rc == 0) {
        int64_t from = c.next_offset < 0 ? 0 : c.next_offset;
        if (from > EVENTS)
            fail_msg("%s: claimed at offset %" PRId64, s->what, from);
        feed(s->spec, p, from, EVENTS - from, 1);
        struct lw_flush flush = {.topic = TOPIC,
                                 .epoch = c.epoch,
                                 .base_offset = c.next_offset,
                                 .next_offset = EVENTS,
                                 .last_offset = EVENTS - 1,
                                 .last_id = 9,
                                 .now_ms = 2};
        rc = lw_state_flush(s->r, s->spec, &flush, p, &force, err);
        lw_unread_fini(&c.unread);
    }
    lw_partition_free(p);
    return rc;
}

static int look(struct scene *s, struct lw_err *err) {
    struct lw_alerts alerts;
    struct lw_part_view view;
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
    if (lw_alerts_read(s->r, s->spec, 2, &alerts, err))
        return -1;
    lw_alerts_fini(&alerts);
    if (lw_state_view(s->r, s->spec, TOPIC, 1, &view, err) ||
        lw_state_ranges(s->r, s->spec, 1, T0, T0 + LW_DAY, &range, err) ||
        lw_history_read(s->r, s->spec, &q, &history, err))
        return -1;
    lw_history_fini(&history);
    struct lw_reply *outbox =
        lw_outbox_read(s->r, s->spec, (struct lw_outbox_of){"ops", 8}, d, &n, err);
    struct lw_reply *given_up =
        outbox ? lw_parked_read(s->r, s->spec, 8, parked, &n, err) : NULL;
    struct lw_reply *quarantine =
        given_up ? lw_quarantine_get(s->r, s->spec, &json, err) : NULL;
    bool ok = outbox && given_up && quarantine;
    lw_reply_free(outbox);
    lw_reply_free(given_up);
    lw_reply_free(quarantine);
    struct lw_err unknown = {0};
    lw_reply_free(lw_models_get(s->r, s->spec, 1, &v, &unknown)); /* or in words */
    return ok ? 0 : -1;
}

/* ---- the law ---- */

static void failed(struct scene *s, const char *who, const struct lw_err *err) {
    if (!err->msg[0] || err->code == LW_ECONFIG || err->code == LW_OK)
        fail_msg("%s: %s failed with code %d: %s", s->what, who, (int)err->code,
                 err->msg);
}

static void goes_on(struct scene *s) {
    bool led = false;
    struct lw_err err[3];
    char key[LW_KEY_MAX];

    for (int i = 0; i < ROUNDS; i++) {
        memset(err, 0, sizeof err);
        if (i > 0 || strcmp(s->damaged, "lease") != 0) /* it has run out */
            lw_reply_free(MUST(s->r, "DEL %s", lw_key(key, s->spec, "lease")));
        bool ok = lead(s, &led, &err[0]) == 0;
        if (!ok)
            failed(s, "leading", &err[0]);
        if (work(s, &err[1])) {
            failed(s, "working", &err[1]);
            ok = false;
        }
        if (look(s, &err[2])) {
            failed(s, "looking", &err[2]);
            ok = false;
        }
        if (ok)
            return;
        struct lw_damages found;
        struct lw_err why = {0};
        if (lw_damage_mend(s->r, s->spec, TOPIC, 1, "me", 0, &found, &why))
            fail_msg("%s: %s", s->what, why.msg);
        free(found.item);
    }
    fail_msg("%s: it does not go on: leading \"%s\", working \"%s\", looking \"%s\"",
             s->what, err[0].msg, err[1].msg, err[2].msg);
}

static void events_are_right(struct scene *s) {
    struct lw_unreadables unread = {0};
    struct lw_err err = {0};
    bool of_pane = strncmp(s->damaged, "pane:", 5) == 0;
    for (int hour = 0; hour < EVENTS / 60; hour++) {
        struct lw_pane *pane =
            lw_state_pane(s->r, s->spec, 1, T0 + hour * LW_HOUR, &unread, &err);
        if (!pane)
            fail_msg("%s: %s", s->what, err.msg);
        if (of_pane ? pane->events > 60 : pane->events != 60)
            fail_msg("%s: the pane of hour %d has %" PRIu64 " events", s->what, hour,
                     pane->events);
        lw_pane_free(pane);
    }
    lw_unread_fini(&unread);
}

static void check(struct scene *s) {
    char key[LW_KEY_MAX];
    goes_on(s);
    events_are_right(s);
    int64_t n = must_int(s->r, MUST(s->r, "XLEN %s", lw_key(key, s->spec, "history")));
    if (strcmp(s->damaged, "history") != 0 && n != 3)
        fail_msg("%s: %" PRId64 " evaluations of 3 panes", s->what, n);
}

/* ---- the damage ---- */

static const char *short_name(const struct scene *s, const char *key) {
    (void)s;
    return strstr(key, "}:") + 2;
}

static void one(struct scene *s, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Begins a trial on a stream as it was. */
static void one(struct scene *s, const char *key, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    s->damaged = short_name(s, key);
    int n = snprintf(s->what, sizeof s->what, "%.100s: ", s->damaged);
    vsnprintf(s->what + n, sizeof s->what - (size_t)n, fmt, ap);
    va_end(ap);
    restore(s);
}

static void another_type(struct scene *s, const char *key) {
    static const char *const make[] = {
        "SET %s text",   "RPUSH %s a",      "SADD %s a", "ZADD %s 1 a",    "HSET %s f v",
        "XADD %s * f v", "XADD %s 1-1 f v", NULL,        "SET %s \xff\xfe"};
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        one(s, key, "replaced by %s", make[i] ? make[i] : "nothing");
        lw_reply_free(MUST(s->r, "DEL %s", key));
        char line[32];
        if (make[i]) { /* lw_redis_do wants a literal */
            struct lw_cmd *c = lw_cmd_new();
            lw_copy(line, sizeof line, make[i]);
            for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
                lw_cmd_str(c, strcmp(w, "%s") == 0 ? key : w);
            lw_reply_free(must(s->r, lw_redis_call(s->r, c, test_err()), test_err()));
            lw_cmd_free(c);
        }
        check(s);
    }
}

static const char *const numbers[] = {"",
                                      "abc",
                                      "-1",
                                      "nan",
                                      "-nan",
                                      "inf",
                                      "1e300",
                                      "9223372036854775808",
                                      "9223372036854775807",
                                      "-9223372036854775808",
                                      "18446744073709551616",
                                      "0x10",
                                      "1.5",
                                      " 12",
                                      "12 ",
                                      "--",
                                      "99999999999999999999999999",
                                      "4294967296",
                                      "0"};
#define NUMBERS (sizeof numbers / sizeof *numbers)
#define WAYS    (NUMBERS + 6)

/* The value, damaged in one of WAYS. */
static void spoil(struct lw_rng *rng, size_t way, const char *was, size_t len,
                  struct lw_buf *out) {
    lw_buf_clear(out);
    if (way < NUMBERS) {
        lw_buf_put(out, numbers[way], strlen(numbers[way]));
        return;
    }
    size_t keep = way == NUMBERS ? len / 2 : way == NUMBERS + 1 && len ? len - 1 : len;
    if (way == NUMBERS + 2) {
        for (int i = 0; i < 40; i++)
            lw_buf_u8(out, (uint8_t)lw_rng_next(rng));
        return;
    }
    lw_buf_put(out, was, keep);
    if (way == NUMBERS + 3)
        lw_buf_put(out, was, len); /* twice */
    if (way == NUMBERS + 4)
        for (int i = 0; i < 100000; i++)
            lw_buf_u8(out, 'x');
    if (way == NUMBERS + 5 && len)
        out->data[lw_rng_next(rng) % len] ^= (uint8_t)(1U << lw_rng_next(rng) % 8);
}

static void set(struct scene *s, const char *verb, const char *key, const char *field,
                const struct lw_buf *value) {
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_str(c, verb);
    lw_cmd_str(c, key);
    if (field)
        lw_cmd_str(c, field);
    lw_cmd_arg(c, value->data, value->len);
    lw_reply_free(must(s->r, lw_redis_call(s->r, c, test_err()), test_err()));
    lw_cmd_free(c);
}

/* What a bit more or less leaves a number that could as well be the true one: a moment,
 * a version, a length of panes. Nothing tells. */
static bool plausible(const struct scene *s, const char *field, size_t way) {
    static const char *const fields[] = {"pane_ms", "contract"};
    if (way != NUMBERS + 5 && way != NUMBERS && way != NUMBERS + 1)
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(field, fields[i]) == 0)
            return true;
    return strcmp(s->damaged, "detector") == 0 && strcmp(field, "sealed_until") == 0;
}

static void fields(struct scene *s, struct lw_rng *rng, const char *key) {
    restore(s);
    struct lw_buf value = {0};
    struct lw_reply *all = MUST(s->r, "HGETALL %s", key);
    for (size_t i = 0; i + 1 < lw_reply_count(all); i += 2) {
        size_t len;
        const char *field = lw_reply_text(lw_reply_at(all, i), NULL);
        const char *was = lw_reply_text(lw_reply_at(all, i + 1), &len);
        one(s, key, "%.40s is missing", field);
        lw_reply_free(MUST(s->r, "HDEL %s %s", key, field));
        check(s);
        for (int k = 0; k < PER_FIELD; k++) {
            size_t way = lw_rng_next(rng) % WAYS;
            one(s, key, "%.40s damaged in way %zu%s%s", field, way,
                way < NUMBERS ? ": " : "", way < NUMBERS ? numbers[way] : "");
            if (plausible(s, field, way))
                continue;
            spoil(rng, way, was, len, &value);
            set(s, "HSET", key, field, &value);
            check(s);
        }
    }
    lw_reply_free(all);
    lw_buf_fini(&value);
}

static void text(struct scene *s, struct lw_rng *rng, const char *key) {
    struct lw_buf value = {0};
    size_t len;
    restore(s);
    struct lw_reply *was = MUST(s->r, "GET %s", key);
    const char *bytes = lw_reply_text(was, &len);
    for (size_t way = 0; way < WAYS; way++) {
        one(s, key, "damaged in way %zu", way);
        spoil(rng, way, bytes, len, &value);
        set(s, "SET", key, NULL, &value);
        check(s);
    }
    lw_reply_free(was);
    lw_buf_fini(&value);
}

static void entries(struct scene *s, const char *key) {
    one(s, key, "no id is left");
    lw_reply_free(
        MUST(s->r, "XADD %s 18446744073709551615-18446744073709551615 f v", key));
    check(s);
    one(s, key, "an entry of no use");
    lw_reply_free(MUST(s->r, "XADD %s 9007199254740000-1 f v", key));
    check(s);
}

static void members(struct scene *s, const char *key) {
    static const char *const member[] = {"",
                                         "abc",
                                         "-",
                                         "1:",
                                         ":1",
                                         "1546300800000:0:0",
                                         "9223372036854775807:0",
                                         "0 0 9 1",
                                         "0 -5 9223372036854775807 1"};
    static const char *const score[] = {"-inf", "0", "1555203600000", "inf"};
    for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
        one(s, key, "a member \"%s\"", member[i]);
        for (size_t k = 0; k < sizeof score / sizeof *score; k++)
            lw_reply_free(MUST(s->r, "ZADD %s %s %s", key, score[k], member[i]));
        check(s);
    }
}

static void everything_goes_on_without_what_is_damaged(void **state) {
    struct scene *s = lw_calloc(1, sizeof *s);
    struct lw_rng rng;
    const char *given = getenv("LEEWAY_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    printf("seed %" PRIu64 "\n", seed);
    lw_rng_seed(&rng, seed);
    s->r = test_connect(redis_server_url(*state));
    s->spec = test_spec("damage");
    lw_reply_free(MUST(s->r, "CONFIG SET appendonly no"));
    first_reading(s);
    first_leader(s);
    people(s);
    save(s);
    s->damaged = "";
    restore(s);
    for (size_t i = 0; i < s->n; i++) {
        const char *key = s->key[i].name;
        restore(s);
        char *type = must_text(MUST(s->r, "TYPE %s", key));
        another_type(s, key);
        if (strcmp(type, "hash") == 0)
            fields(s, &rng, key);
        else if (strcmp(type, "string") == 0)
            text(s, &rng, key);
        else if (strcmp(type, "stream") == 0)
            entries(s, key);
        else if (strcmp(type, "zset") == 0)
            members(s, key);
        free(type);
    }
    for (size_t i = 0; i < s->n; i++)
        free(s->key[i].bytes);
    lw_redis_free(s->r);
    free(s->spec);
    free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_goes_on_without_what_is_damaged),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
