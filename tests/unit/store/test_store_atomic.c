/* A step is executed as a whole or not at all, whatever Redis refuses.
 *
 * A full stream is created once. Then every write operation of the store runs on a copy
 * of it, with a user who lacks one command or one key, with one key of another type,
 * without free memory, or with too few replicas. Either it reports a failure, and the
 * database is the same byte for byte (DUMP and expiry of every key), or it reports
 * success, and every key exists as after an undisturbed run. */
#include "store_world.h"

#include <stdio.h>

#include "base/buf.h"
#include "store/access.h"
#include "store/alerts.h"
#include "store/conn.h"
#include "store/damage.h"
#include "store/history.h"
#include "store/keys.h"
#include "store/models.h"
#include "store/monitor_state.h"
#include "store/outbox.h"
#include "store/parked.h"
#include "store/requests.h"

/* ---- the whole database ---- */

/* Copies it to database 1, or restores it. */
static const struct lw_script copy_all = {
    "copy", "local from, to = ARGV[1], ARGV[2]\n"
            "redis.call('SELECT', to)\n"
            "redis.call('FLUSHDB')\n"
            "redis.call('SELECT', from)\n"
            "for _, key in ipairs(redis.call('KEYS', '*')) do\n"
            "  redis.call('COPY', key, key, 'DB', to)\n"
            "end\n"
            "return 1\n"};

/* Every byte and every expiry. */
static const struct lw_script all_bytes = {
    "bytes", "local keys, out = redis.call('KEYS', '*'), {}\n"
             "table.sort(keys)\n"
             "for _, key in ipairs(keys) do\n"
             "  out[#out + 1] = key .. ' ' .. redis.sha1hex(redis.call('DUMP', key)) ..\n"
             "                  ' ' .. redis.call('PEXPIRETIME', key)\n"
             "end\n"
             "return table.concat(out, '\\n')\n"};

/* The keys and their sizes: the same after every complete run, while the bytes contain
 * times. */
static const struct lw_script all_shapes = {
    "shapes", "local keys, out = redis.call('KEYS', '*'), {}\n"
              "local size = {hash = 'HLEN', zset = 'ZCARD', stream = 'XLEN',\n"
              "              list = 'LLEN', string = 'EXISTS'}\n"
              "table.sort(keys)\n"
              "for _, key in ipairs(keys) do\n"
              "  local t = redis.call('TYPE', key).ok\n"
              "  out[#out + 1] = key .. ' ' .. t .. ' ' .. redis.call(size[t], key) ..\n"
              "                  ' ' .. tostring(redis.call('PTTL', key) > 0)\n"
              "end\n"
              "return table.concat(out, '\\n')\n"};

static char *whole(struct world *w, const struct lw_script *script, const char *a,
                   const char *b) {
    struct lw_err err = {0};
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_int(c, 0);
    lw_cmd_str(c, a);
    lw_cmd_str(c, b);
    struct lw_reply *reply = lw_redis_eval(w->admin, script, c, &err);
    lw_cmd_free(c);
    return must_text(must(w->admin, reply, &err));
}

static void restore(struct world *w) {
    free(whole(w, &copy_all, "1", "0"));
}

/* "a b c" as words of one command. */
static void admin(struct world *w, const char *words) {
    struct lw_cmd *c = lw_cmd_new();
    struct lw_err err = {0};
    while (*words) {
        size_t n = strcspn(words, " ");
        lw_cmd_arg(c, words, n);
        words += n + (words[n] == ' ');
    }
    lw_reply_free(must(w->admin, lw_redis_call(w->admin, c, &err), &err));
    lw_cmd_free(c);
}

/* The user's rules without one of them; keys: "" or patterns instead of the prefix. */
static void allow(struct world *w, const char *but, const char *keys) {
    struct lw_buf line = {0};
    char *rules = lw_access_rules(NULL, STREAM);
    lw_buf_printf(&line, "ACL SETUSER team reset on >pw");
    for (char *word = strtok(rules, " "); word; word = strtok(NULL, " "))
        if (strcmp(word, but) && !(*word == '~' && *keys))
            lw_buf_printf(&line, " %s", word);
    lw_buf_printf(&line, "%s", keys);
    admin(w, lw_buf_str(&line));
    lw_buf_fini(&line);
    free(rules);
}

static int world_setup(void **state) {
    static const char *const extra[] = {"--appendonly", "no", NULL};
    static struct world w;
    struct redis_server *s = redis_server_start(extra);
    if (!s) {
        fprintf(stderr, "skipped: redis-server is not installed\n");
        exit(77);
    }
    char url[128];
    snprintf(url, sizeof url, "redis://team:pw@127.0.0.1:%d", redis_server_port(s));
    w.server = s;
    w.spec = test_spec(STREAM);
    w.admin = test_connect(redis_server_url(s));
    w.user = test_connect(url);
    world_build(&w);
    allow(&w, "", "");
    free(whole(&w, &copy_all, "0", "1"));
    *state = &w;
    return 0;
}

static int world_teardown(void **state) {
    struct world *w = *state;
    lw_monitor_free(w->monitor);
    lw_redis_free(w->admin);
    lw_redis_free(w->user);
    redis_server_stop(w->server);
    free(w->spec);
    return 0;
}

/* ---- the property ---- */

struct reference {
    char *shape;
    size_t nkeys;
    char *key[200]; /* before or after */
};

static void add_keys(struct reference *ref, const char *lines) {
    for (; *lines; lines += strcspn(lines, "\n"), lines += *lines == '\n') {
        char *key = lw_strndup(lines, strcspn(lines, " "));
        bool known = false;
        for (size_t i = 0; i < ref->nkeys; i++)
            known |= strcmp(ref->key[i], key) == 0;
        assert_true(ref->nkeys < 200);
        if (known)
            free(key);
        else
            ref->key[ref->nkeys++] = key;
    }
}

static void undisturbed(struct world *w, size_t action, struct reference *ref) {
    *ref = (struct reference){0};
    allow(w, "", "");
    restore(w);
    char *before = whole(w, &all_shapes, "", "");
    lw_err_clear(&w->err);
    if (world_action[action].act(w))
        fail_msg("%s: %s", world_action[action].name, w->err.msg);
    ref->shape = whole(w, &all_shapes, "", "");
    add_keys(ref, before);
    add_keys(ref, ref->shape);
    free(before);
}

static void forget(struct reference *ref) {
    for (size_t i = 0; i < ref->nkeys; i++)
        free(ref->key[i]);
    free(ref->shape);
}

/* Runs an action once, while the fault is active. */
static int hold(struct world *w, size_t action, const char *fault, const char *on,
                const char *shape) {
    char *before = whole(w, &all_bytes, "", "");
    lw_err_clear(&w->err);
    int rc = world_action[action].act(w);
    char *after = whole(w, &all_bytes, "", "");
    char *now = whole(w, &all_shapes, "", "");
    if (rc && strcmp(before, after))
        fail_msg("%s with %s %s failed (%s) and left something:\n%s\nwas\n%s",
                 world_action[action].name, fault, on, w->err.msg, after, before);
    if (!rc && shape && strcmp(now, shape))
        fail_msg("%s with %s %s succeeded, but not whole:\n%s\nshould be\n%s",
                 world_action[action].name, fault, on, now, shape);
    free(before);
    free(after);
    free(now);
    return rc;
}

static void a_step_without_one_command_is_atomic(void **state) {
    struct world *w = *state;
    size_t refused = 0;
    for (size_t a = 0; a < world_actions; a++) {
        struct reference ref;
        undisturbed(w, a, &ref);
        char *rules = lw_access_rules(NULL, STREAM), *rest = NULL;
        char *word = strtok_r(rules, " ", &rest);
        for (; word; word = strtok_r(NULL, " ", &rest)) {
            allow(w, word, "");
            restore(w);
            if (hold(w, a, "without", word, ref.shape) == 0)
                continue;
            refused++;
            assert_int_equal(w->err.code, LW_EAGAIN); /* the process continues */
            assert_int_equal(lw_redis_why(w->user), LW_REDIS_DENIED);
        }
        free(rules);
        forget(&ref);
    }
    assert_true(refused > 100);
}

static void a_step_without_one_key_is_atomic(void **state) {
    struct world *w = *state;
    size_t refused = 0;
    for (size_t a = 0; a < world_actions; a++) {
        struct reference ref;
        undisturbed(w, a, &ref);
        for (size_t k = 0; k < ref.nkeys; k++) {
            struct lw_buf keys = {0};
            for (size_t i = 0; i < ref.nkeys; i++)
                if (i != k)
                    lw_buf_printf(&keys, " ~%s", ref.key[i]);
            lw_buf_printf(&keys, " ~leeway:{%s}:check:*", STREAM);
            allow(w, "", lw_buf_str(&keys));
            lw_buf_fini(&keys);
            restore(w);
            if (hold(w, a, "without", ref.key[k], ref.shape) == 0)
                continue;
            refused++;
            assert_int_equal(w->err.code, LW_EAGAIN);
        }
        forget(&ref);
    }
    assert_true(refused > 60);
}

static void a_step_with_a_key_of_another_type_is_atomic(void **state) {
    struct world *w = *state;
    size_t refused = 0;
    for (size_t a = 0; a < world_actions; a++) {
        struct reference ref;
        undisturbed(w, a, &ref);
        for (size_t k = 0; k < ref.nkeys; k++) {
            restore(w);
            char *type = must_text(MUST(w->admin, "TYPE %s", ref.key[k]));
            lw_reply_free(MUST(w->admin, "DEL %s", ref.key[k]));
            lw_reply_free(strcmp(type, "string") == 0
                              ? MUST(w->admin, "RPUSH %s damaged", ref.key[k])
                              : MUST(w->admin, "SET %s damaged", ref.key[k]));
            free(type);
            refused += hold(w, a, "another type at", ref.key[k], NULL) != 0;
        }
        forget(&ref);
    }
    assert_true(refused > 60);
}

static void a_step_on_a_read_only_server_is_atomic(void **state) {
    static const struct {
        const char *set, *back;
        enum lw_redis_why why;
    } faults[] = {{"CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", LW_REDIS_FULL},
                  {"CONFIG SET min-replicas-to-write 1",
                   "CONFIG SET min-replicas-to-write 0", LW_REDIS_LOCKED}};
    struct world *w = *state;
    for (size_t a = 0; a < world_actions; a++) {
        struct reference ref;
        undisturbed(w, a, &ref);
        for (size_t f = 0; f < 2; f++) {
            restore(w);
            admin(w, faults[f].set);
            int rc = hold(w, a, "after", faults[f].set, ref.shape);
            admin(w, faults[f].back);
            if (rc == 0) /* it only deletes, which a full server accepts */
                continue;
            assert_int_equal(w->err.code, LW_EAGAIN);
            assert_int_equal(lw_redis_why(w->user), faults[f].why);
        }
        forget(&ref);
    }
}

/* If the change of the champion cannot be announced, it is written nevertheless. */
static void an_unannounced_change_is_still_written(void **state) {
    struct world *w = *state;
    for (size_t a = 0; a < world_actions; a++) {
        if (!world_action[a].promotes)
            continue;
        allow(w, "&leeway:{" STREAM "}:models-changed", "");
        restore(w);
        lw_err_clear(&w->err);
        assert_int_equal(world_action[a].act(w), 0);
        assert_non_null(strstr(lw_models_unheard(w->user), "NOPERM"));
        allow(w, "", "");
        restore(w);
        assert_int_equal(world_action[a].act(w), 0);
        assert_string_equal(lw_models_unheard(w->user), "");
    }
}

/* ---- the list of commands compared with those used ---- */

static void claim_again(struct world *w) {
    struct lw_partition *p = lw_partition_new(w->spec, 0);
    struct lw_claim claim;
    assert_int_equal(lw_state_claim(w->user,
                                    &(struct lw_claim_target){w->spec, TOPIC, "w", 0, p},
                                    &claim, &w->err),
                     0);
    lw_unreadable_fini(&claim.unread);
    lw_partition_free(p);
}

/* A partition with damaged progress, and a missing index of panes. */
static void repair_all(struct world *w) {
    char key[LW_KEY_MAX];
    lw_key(key, w->spec, "part:%s:0", TOPIC);
    lw_reply_free(MUST(w->admin, "HSET %s progress spoilt", key));
    claim_again(w);
    lw_reply_free(MUST(w->admin, "DEL %s", key)); /* was it ever flushed? */
    claim_again(w);
    lw_reply_free(MUST(w->admin, "DEL %s", lw_key(key, w->spec, "panes")));
    assert_int_equal(lw_damage_index(w->user, w->spec, &w->err), 0);
}

static void read_all(struct world *w) {
    struct lw_partition_view view[1];
    struct lw_range range[1];
    struct lw_aliases aliases;
    struct lw_version v;
    struct lw_alerts alerts;
    struct lw_delivery d[4];
    struct lw_parked p[4];
    struct lw_history h;
    struct lw_history_query q = {.from_ms = INT64_MIN, .until_ms = INT64_MAX, .max = 4};
    struct lw_access access;
    size_t n;
    struct lw_requested asked_for;
    char key[LW_KEY_MAX];
    const char *json;
    int64_t at;
    struct lw_redis *r = w->user;
    assert_int_equal(lw_state_view(r, w->spec, TOPIC, 1, view, &w->err), 0);
    assert_int_equal(lw_state_ranges(r, w->spec, 1,
                                     (struct lw_time_range){T0, T0 + LW_DAY}, range,
                                     &w->err),
                     0);
    assert_int_equal(lw_state_next_pane(r, w->spec, T0, &at, &w->err), 0);
    assert_int_equal(lw_models_aliases(r, w->spec, &aliases, &w->err), 0);
    lw_reply_free(lw_models_get(r, w->spec, 1, &v, &w->err));
    assert_int_equal(lw_alerts_read(r, w->spec, NOW, &alerts, &w->err), 0);
    lw_alerts_fini(&alerts);
    lw_reply_free(
        lw_outbox_read(r, w->spec, (struct lw_outbox_of){"", 4}, d, &n, &w->err));
    lw_reply_free(lw_parked_read(r, w->spec, 4, p, &n, &w->err));
    assert_int_equal(lw_history_read(r, w->spec, &q, &h, &w->err), 0);
    lw_history_fini(&h);
    assert_int_equal(lw_requests_first(r, w->spec, &asked_for, &w->err), 1);
    lw_reply_free(lw_monitor_state_quarantine(r, w->spec, &json, &w->err));
    lw_reply_free(MUST(r, "GET %s", lw_key(key, w->spec, "lease")));
    assert_int_equal(lw_access_look(r, w->spec, TOPIC, &access, &w->err), 0);
    repair_all(w);
    assert_false(access.denied);
    assert_non_null(lw_redis_info(r, "redis_version", &w->err));
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Words of a list, sorted, as one text. */
static char *sorted(const char *text) {
    char *word[100], *rest = NULL, *list = lw_strdup(text);
    size_t n = 0;
    struct lw_buf out = {0};
    for (char *p = strtok_r(list, " ", &rest); p; p = strtok_r(NULL, " ", &rest))
        word[n++] = p;
    qsort(word, n, sizeof *word, by_text);
    for (size_t i = 0; i < n; i++)
        lw_buf_printf(&out, "%s ", word[i]);
    char *line = lw_strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    free(list);
    return line;
}

static char *used(struct world *w) {
    struct lw_buf list = {0};
    struct lw_reply *info = MUST(w->admin, "INFO commandstats");
    for (const char *line = lw_reply_text(info, NULL); line;) {
        char name[40];
        if (sscanf(line, "cmdstat_%39[^:]", name) == 1 && strncmp(name, "config", 6) &&
            strcmp(name, "auth"))
            lw_buf_printf(&list, "+%s ", name);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    lw_reply_free(info);
    char *text = sorted(lw_buf_str(&list));
    lw_buf_fini(&list);
    return text;
}

static void the_list_equals_the_commands_used(void **state) {
    struct world *w = *state;
    allow(w, "", "");
    restore(w);
    lw_redis_free(w->user); /* a new connection loads its scripts */
    char url[128];
    snprintf(url, sizeof url, "redis://team:pw@%s", lw_redis_where(w->admin));
    w->user = test_connect(url);
    /* Each action on the stream as created; commands of the copying are not counted. */
    struct lw_buf all = {0};
    for (size_t a = 0; a <= world_actions; a++) {
        restore(w);
        lw_reply_free(MUST(w->admin, "CONFIG RESETSTAT"));
        lw_err_clear(&w->err);
        if (a < world_actions && world_action[a].act(w))
            fail_msg("%s: %s", world_action[a].name, w->err.msg);
        if (a == world_actions)
            read_all(w);
        char *some = used(w);
        for (char *p = strtok(some, " "); p; p = strtok(NULL, " ")) {
            char word[48];
            snprintf(word, sizeof word, " %s ", p);
            if (!all.len || !strstr(lw_buf_str(&all), word))
                lw_buf_printf(&all, " %s ", p);
        }
        free(some);
    }
    char *is = sorted(lw_buf_str(&all));
    char *rules = lw_access_rules(NULL, STREAM);
    char *listed = sorted(strchr(rules, '+'));
    assert_string_equal(is, listed);
    free(is);
    free(listed);
    free(rules);
    lw_buf_fini(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_without_one_command_is_atomic),
        cmocka_unit_test(a_step_without_one_key_is_atomic),
        cmocka_unit_test(a_step_with_a_key_of_another_type_is_atomic),
        cmocka_unit_test(a_step_on_a_read_only_server_is_atomic),
        cmocka_unit_test(an_unannounced_change_is_still_written),
        cmocka_unit_test(the_list_equals_the_commands_used),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
