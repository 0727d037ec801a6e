/* Whatever is damaged in a stream's Redis, everything else continues, and nothing is
 * counted twice.
 *
 * A stream with all its keys is created once. Then each key, and each field of it, is
 * damaged in many ways, one at a time, and a leader, a worker and the readers do their
 * work: after some rounds all of it must have succeeded, each failure in between must
 * name its cause and leave the process running, and the panes must contain the events of
 * an undisturbed run. The seed is LEEWAY_SEED or 1, and is printed. */
#include "process.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/rng.h"
#include "base/text.h"
#include "store/damage.h"
#include "store/keys.h"
#include "store/models.h"

#define ROUNDS    8
#define PER_FIELD 3 /* ways in which a field is damaged, chosen at random */

static const struct lw_damage_of all_of_it = {TOPIC, "me", 1, 0, false};

/* ---- the property ---- */

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
        if (i > 0 || strcmp(s->damaged, "lease") != 0) /* it has expired */
            lw_reply_free(MUST(s->r, "DEL %s", lw_key(key, s->spec, "lease")));
        bool ok = process_lead(s, &led, &err[0]) == 0;
        if (!ok)
            failed(s, "leading", &err[0]);
        if (process_work(s, &err[1])) {
            failed(s, "working", &err[1]);
            ok = false;
        }
        if (process_look(s, &err[2])) {
            failed(s, "looking", &err[2]);
            ok = false;
        }
        if (ok)
            return;
        struct lw_damages found;
        struct lw_err why = {0};
        if (lw_damage_mend(s->r, s->spec, &all_of_it, &found, &why))
            fail_msg("%s: %s", s->what, why.msg);
        free(found.item);
    }
    fail_msg("%s: it does not continue: leading \"%s\", working \"%s\", looking \"%s\"",
             s->what, err[0].msg, err[1].msg, err[2].msg);
}

static void events_are_right(struct scene *s) {
    struct lw_unreadable_panes unread = {0};
    struct lw_err err = {0};
    bool of_pane = strncmp(s->damaged, "pane:", 5) == 0;
    for (int hour = 0; hour < SCENE_EVENTS / 60; hour++) {
        struct lw_pane *pane =
            lw_state_pane(s->r, s->spec, 1, T0 + hour * LW_HOUR, &unread, &err);
        if (!pane)
            fail_msg("%s: %s", s->what, err.msg);
        if (of_pane ? pane->events > 60 : pane->events != 60)
            fail_msg("%s: the pane of hour %d has %" PRIu64 " events", s->what, hour,
                     pane->events);
        lw_pane_free(pane);
    }
    lw_unreadable_fini(&unread);
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

static void trial_begin(struct scene *s, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Starts a trial on the restored stream. */
static void trial_begin(struct scene *s, const char *key, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    s->damaged = short_name(s, key);
    int n = snprintf(s->what, sizeof s->what, "%.100s: ", s->damaged);
    vsnprintf(s->what + n, sizeof s->what - (size_t)n, fmt, ap);
    va_end(ap);
    scene_restore(s);
}

/* The leader's periodic check leaves no key of a wrong type. */
static void is_repaired(struct scene *s) {
    struct lw_damages found;
    struct lw_err err = {0};
    if (lw_damage_mend(s->r, s->spec, &all_of_it, &found, &err))
        fail_msg("%s: %s", s->what, err.msg);
    free(found.item);
    static const char *const read[] = {"health", "privacy", "model:", "models", "meta"};
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        char key[LW_KEY_MAX];
        if (strncmp(s->damaged, read[i], strlen(read[i])) != 0)
            continue;
        char *is =
            must_text(MUST(s->r, "TYPE %s", lw_key(key, s->spec, "%s", s->damaged)));
        const char *want = strcmp(s->damaged, "privacy") == 0 ? "string" : "hash";
        if (strcmp(is, "none") != 0 && strcmp(is, want) != 0)
            fail_msg("%s: it is still a %s", s->what, is);
        free(is);
    }
}

static void another_type(struct scene *s, const char *key) {
    static const char *const make[] = {
        "SET %s text",   "RPUSH %s a",      "SADD %s a", "ZADD %s 1 a",    "HSET %s f v",
        "XADD %s * f v", "XADD %s 1-1 f v", NULL,        "SET %s \xff\xfe"};
    for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
        trial_begin(s, key, "replaced by %s", make[i] ? make[i] : "nothing");
        lw_reply_free(MUST(s->r, "DEL %s", key));
        char line[32];
        if (make[i]) { /* lw_redis_do needs a literal */
            struct lw_cmd *c = lw_cmd_new();
            lw_copy(line, sizeof line, make[i]);
            for (char *w = strtok(line, " "); w; w = strtok(NULL, " "))
                lw_cmd_str(c, strcmp(w, "%s") == 0 ? key : w);
            lw_reply_free(must(s->r, lw_redis_call(s->r, c, test_err()), test_err()));
            lw_cmd_free(c);
        }
        check(s);
        is_repaired(s);
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
static void damage_value(struct lw_rng *rng, size_t way, const char *was, size_t len,
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

/* A damaged bit may give another valid number (a time, a version, a pane length): that
 * cannot be detected. */
static bool plausible(const struct scene *s, const char *field, size_t way) {
    static const char *const fields[] = {"contract"};
    if (way < NUMBERS)
        return false;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(field, fields[i]) == 0)
            return true;
    return strcmp(s->damaged, "monitor") == 0 && strcmp(field, "sealed_until") == 0;
}

static void fields(struct scene *s, struct lw_rng *rng, const char *key) {
    scene_restore(s);
    struct lw_buf value = {0};
    struct lw_reply *all = MUST(s->r, "HGETALL %s", key);
    for (size_t i = 0; i + 1 < lw_reply_count(all); i += 2) {
        size_t len;
        const char *field = lw_reply_text(lw_reply_at(all, i), NULL);
        const char *was = lw_reply_text(lw_reply_at(all, i + 1), &len);
        trial_begin(s, key, "%.40s is missing", field);
        lw_reply_free(MUST(s->r, "HDEL %s %s", key, field));
        check(s);
        for (int k = 0; k < PER_FIELD; k++) {
            size_t way = lw_rng_next(rng) % WAYS;
            trial_begin(s, key, "%.40s damaged in way %zu%s%s", field, way,
                        way < NUMBERS ? ": " : "", way < NUMBERS ? numbers[way] : "");
            if (plausible(s, field, way))
                continue;
            damage_value(rng, way, was, len, &value);
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
    scene_restore(s);
    struct lw_reply *was = MUST(s->r, "GET %s", key);
    const char *bytes = lw_reply_text(was, &len);
    for (size_t way = 0; way < WAYS; way++) {
        trial_begin(s, key, "damaged in way %zu", way);
        damage_value(rng, way, bytes, len, &value);
        set(s, "SET", key, NULL, &value);
        check(s);
    }
    lw_reply_free(was);
    lw_buf_fini(&value);
}

static void entries(struct scene *s, const char *key) {
    trial_begin(s, key, "no id is left");
    lw_reply_free(
        MUST(s->r, "XADD %s 18446744073709551615-18446744073709551615 f v", key));
    check(s);
    trial_begin(s, key, "an entry of no use");
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
        trial_begin(s, key, "a member \"%s\"", member[i]);
        for (size_t k = 0; k < sizeof score / sizeof *score; k++)
            lw_reply_free(MUST(s->r, "ZADD %s %s %s", key, score[k], member[i]));
        check(s);
    }
}

/* The trials cover these keys too. */
static void has_key(const struct scene *s, const char *name) {
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(short_name(s, s->key[i].name), name) == 0)
            return;
    fail_msg("the stream of this test has no key %s", name);
}

static void everything_else_continues_after_any_damage(void **state) {
    struct scene *s = lw_calloc(1, sizeof *s);
    struct lw_rng rng;
    const char *given = getenv("LEEWAY_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    printf("seed %" PRIu64 "\n", seed);
    lw_rng_seed(&rng, seed);
    scene_make(s, *state);
    has_key(s, "health");
    has_key(s, "privacy");
    has_key(s, "model:2"); /* without an alias */
    for (size_t i = 0; i < s->n; i++) {
        const char *key = s->key[i].name;
        scene_restore(s);
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
    scene_free(s);
}

/* A reread while an owner has the partition: the owner is fenced, unsealed panes are
 * accumulated again, and nothing is counted twice. */
static void a_reread_counts_nothing_twice(void **state) {
    struct scene *s = lw_calloc(1, sizeof *s);
    struct lw_partition_view view;
    struct lw_err err = {0};
    struct lw_reread what = {.topic = TOPIC, .sealed_ms = T0 + 2 * LW_HOUR};
    scene_make(s, *state);
    scene_restore(s);
    struct lw_partition *owner = lw_partition_new(s->spec, 0);
    struct lw_claim c;
    struct lw_active_versions force;
    assert_int_equal(
        lw_state_claim(s->r, &(struct lw_claim_target){s->spec, TOPIC, "w", 0, owner}, &c,
                       &err),
        0);
    assert_int_equal(
        lw_damage_offset(s->r, s->spec, 0, what.sealed_ms, &what.offset, &err), 0);
    assert_int_equal(what.offset, 120); /* start of the third hour */
    assert_int_equal(lw_damage_reread(s->r, s->spec, &what, "ann", &err), -1);
    assert_int_equal(err.code, LW_EAGAIN); /* the epoch has changed meanwhile */
    lw_err_clear(&err);
    assert_int_equal(lw_state_view(s->r, s->spec, TOPIC, 1, &view, &err), 0);
    what.base_epoch = view.epoch;
    assert_int_equal(lw_damage_reread(s->r, s->spec, &what, "ann", &err), 0);
    feed(s->spec, owner, SCENE_BEFORE, 10, 1);
    struct lw_flush flush = {.topic = TOPIC,
                             .epoch = c.epoch,
                             .base_offset = SCENE_BEFORE,
                             .next_offset = SCENE_BEFORE + 10};
    assert_int_equal(lw_state_flush(s->r, s->spec, &flush, owner, &force, &err), -1);
    assert_int_equal(err.code, LW_EFENCED);
    lw_partition_free(owner);
    lw_err_clear(&err);
    assert_int_equal(process_work(s, &err), 0);
    s->damaged = "";
    events_are_right(s);
    struct lw_damages all;
    assert_int_equal(lw_damage_list(s->r, s->spec, &all, &err), 0);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.item[0].name, "part:" TOPIC ":0");
    assert_non_null(strstr(all.item[0].why, "read again from offset 120"));
    free(all.item);
    assert_int_equal(lw_damage_drop(s->r, s->spec, "part:" TOPIC ":0", "ann", &err), 0);
    assert_int_equal(lw_damage_drop(s->r, s->spec, "part:" TOPIC ":0", "ann", &err), -1);
    assert_int_equal(err.code, LW_ENOTFOUND);
    scene_free(s);
}

/* A reset moves a key to unreadable:NAME whatever it holds, and a check changes
 * nothing. */
static void a_reset_key_starts_empty(void **state) {
    struct scene *s = lw_calloc(1, sizeof *s);
    struct lw_damages found;
    struct lw_err err = {0};
    scene_make(s, *state);
    scene_restore(s);
    s->damaged = "";
    lw_reply_free(MUST(s->r, "DEL leeway:{damage}:silences"));
    lw_reply_free(MUST(s->r, "SET leeway:{damage}:silences x"));
    assert_int_equal(lw_damage_look(s->r, s->spec, &all_of_it, &found, &err), 0);
    assert_int_equal(found.n, 1);
    assert_string_equal(found.item[0].name, "silences");
    assert_string_equal(found.item[0].why, "the key holds a string instead of a hash");
    free(found.item);
    char *still = must_text(MUST(s->r, "GET leeway:{damage}:silences"));
    assert_string_equal(still, "x");
    free(still);
    assert_int_equal(lw_damage_move(s->r, s->spec, "monitor", "ann", &err), 0);
    assert_int_equal(
        must_int(s->r, MUST(s->r, "EXISTS leeway:{damage}:unreadable:monitor")), 1);
    goes_on(s);
    events_are_right(s);
    assert_int_equal(lw_damage_move(s->r, s->spec, "nothing", "ann", &err), -1);
    assert_int_equal(err.code, LW_ENOTFOUND);
    scene_free(s);
}

static void look(struct scene *s, struct lw_damages *found) {
    struct lw_err err = {0};
    assert_int_equal(lw_damage_look(s->r, s->spec, &all_of_it, found, &err), 0);
}

/* A version without an alias, health and the key of the privacy hash are checked,
 * moved to unreadable:NAME, and created again when needed. */
static void rarely_used_keys_are_checked_and_repaired(void **state) {
    static const char *const name[] = {"model:2", "reference:2", "health", "privacy"};
    struct scene *s = lw_calloc(1, sizeof *s);
    struct lw_damages found;
    struct lw_err err = {0};
    char key[LW_KEY_MAX], moved[LW_KEY_MAX];
    scene_make(s, *state);
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        scene_restore(s);
        s->damaged = name[i];
        lw_key(key, s->spec, "%s", name[i]);
        lw_key(moved, s->spec, "unreadable:%s", name[i]);
        lw_reply_free(MUST(s->r, "DEL %s", key));
        lw_reply_free(MUST(s->r, "RPUSH %s x", key));
        look(s, &found);
        assert_int_equal(found.n, 1);
        assert_string_equal(found.item[0].name, name[i]);
        free(found.item);
        assert_true(*lw_damage_follows(name[i]));
        assert_int_equal(lw_damage_move(s->r, s->spec, name[i], "ann", &err), 0);
        assert_int_equal(must_int(s->r, MUST(s->r, "EXISTS %s", moved)), 1);
        look(s, &found);
        assert_int_equal(found.n, 0);
        free(found.item);
        goes_on(s);
    }
    scene_free(s);
}

/* A damaged alias is not taken for "no champion", and the next promotion repairs it. */
static void a_damaged_alias_differs_from_none(void **state) {
    static const char *const odd[] = {"x8?", "", "-1", "1.5", "4294967296", " 1", "1 x"};
    struct scene *s = lw_calloc(1, sizeof *s);
    struct lw_aliases a;
    struct lw_err err = {0};
    scene_make(s, *state);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        scene_restore(s);
        lw_reply_free(MUST(s->r, "HSET leeway:{damage}:models champion %s first %s",
                           odd[i], odd[i]));
        assert_int_equal(lw_models_aliases(s->r, s->spec, &a, &err), 0);
        assert_int_equal(a.champion, 0);
        assert_true(a.damaged);
        assert_int_equal(lw_models_promote(s->r, s->spec,
                                           &(struct lw_promotion){2, "ann", "", NULL},
                                           &err),
                         0);
        assert_int_equal(lw_models_aliases(s->r, s->spec, &a, &err), 0);
        assert_int_equal(a.champion, 2);
        assert_false(a.damaged);
        int64_t stray =
            must_int(s->r, MUST(s->r, "EXISTS leeway:{damage}:model:%s", odd[i]));
        assert_int_equal(stray, 0); /* no version of that name was created */
    }
    lw_reply_free(MUST(s->r, "HSET leeway:{damage}:models champion 0"));
    assert_int_equal(lw_models_aliases(s->r, s->spec, &a, &err), 0);
    assert_false(a.damaged);
    lw_reply_free(MUST(s->r, "HDEL leeway:{damage}:models champion"));
    assert_int_equal(lw_models_aliases(s->r, s->spec, &a, &err), 0);
    assert_false(a.damaged);
    scene_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reread_counts_nothing_twice),
        cmocka_unit_test(a_reset_key_starts_empty),
        cmocka_unit_test(rarely_used_keys_are_checked_and_repaired),
        cmocka_unit_test(a_damaged_alias_differs_from_none),
        cmocka_unit_test(everything_else_continues_after_any_damage),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
