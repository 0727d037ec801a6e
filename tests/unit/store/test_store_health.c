/* Entries of processes in Redis: they are read as written, unreadable entries do not
 * affect others, dead processes are detected, and a Redis that refuses writes is noticed
 * at once. */
#include "store_test.h"

#include <stdio.h>

#include "base/text.h"
#include "store/health.h"
#include "store/keys.h"
#include "store/lease.h"

struct fixture {
    struct lw_spec *spec;
    struct lw_redis *r;
    struct lw_err err;
    struct lw_stream_facts facts;
    char key[LW_KEY_MAX];
};

static struct fixture *begin(void **state, const char *stream) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    f->spec = test_spec(stream);
    f->r = test_connect(redis_server_url(*state));
    lw_key(f->key, f->spec, "health");
    assert_int_equal(lw_health_facts(f->r, f->spec, &f->facts, &f->err), 0);
    return f;
}

static void end(struct fixture *f) {
    lw_redis_free(f->r);
    free(f->spec);
    free(f);
}

static struct lw_process process(const struct fixture *f, const char *who) {
    struct lw_process p = {.at_ms = f->facts.server_ms, .passed_ms = 7};
    lw_copy(p.who, sizeof p.who, who);
    for (int c = 0; c < LW_COMPONENTS; c++) {
        struct lw_trouble *t = &p.trouble[p.ntroubles++];
        *t = (struct lw_trouble){.component = (enum lw_component)c, .since_ms = 100 + c};
        memset(t->text, 'x', sizeof t->text - 1);
        lw_copy(t->who, sizeof t->who, who);
    }
    return p;
}

static void facts(struct fixture *f) {
    assert_int_equal(lw_health_facts(f->r, f->spec, &f->facts, &f->err), 0);
}

static void an_empty_stream_has_no_processes(void **state) {
    struct fixture *f = begin(state, "empty");
    assert_true(f->facts.server_ms > 0);
    assert_string_equal(f->facts.leader, "");
    assert_int_equal(f->facts.nprocesses, 0);
    assert_int_equal(f->facts.oldest_ms, 0);
    end(f);
}

static void written_entries_are_read_back(void **state) {
    struct fixture *f = begin(state, "health");
    struct lw_process p = process(f, "host:1");
    struct lw_lease lease = {.who = "host:1", .ttl_ms = 60000};
    assert_int_equal(lw_lease_hold(f->r, f->spec, &lease, &f->err), 1);
    assert_int_equal(lw_health_put(f->r, f->spec, &p, &f->err), 0);
    lw_reply_free(MUST(f->r, "XADD %s 5-1 id a json {}", "leeway:{health}:outbox"));
    facts(f);
    assert_string_equal(f->facts.leader, "host:1");
    assert_int_equal(f->facts.oldest_ms, 5);
    assert_int_equal(f->facts.waiting, 1);
    assert_int_equal(f->facts.nprocesses, 1);
    assert_memory_equal(&f->facts.process[0], &p, sizeof p);
    assert_int_equal(lw_health_leave(f->r, f->spec, "host:1", &f->err), 0);
    facts(f);
    assert_int_equal(f->facts.nprocesses, 0);
    end(f);
}

static void dead_processes_are_detected(void **state) {
    struct fixture *f = begin(state, "dead");
    struct lw_process p = process(f, "host:2");
    p.at_ms -= LW_HEALTH_ALIVE_MS + 60000;
    assert_int_equal(lw_health_put(f->r, f->spec, &p, &f->err), 0);
    facts(f);
    assert_int_equal(f->facts.nprocesses, 0);
    assert_int_equal(f->facts.ngone, 0); /* it may have been stopped */
    p.at_ms -= 3600000;
    assert_int_equal(lw_health_put(f->r, f->spec, &p, &f->err), 0);
    facts(f);
    assert_int_equal(f->facts.ngone, 1);
    assert_string_equal(f->facts.gone[0], "host:2");
    end(f);
}

static void unreadable_entries_do_not_affect_others(void **state) {
    struct fixture *f = begin(state, "nonsense");
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "{\"at\":\"x\"}",
        "{\"at\":1e400}",
        "{\"at\":9007199254740993,\"problems\":7}",
        ("{\"at\":9007199254740993,\"problems\":[null,7,{\"what\":7},{\"what\":\"kafka\"},"
         "{\"what\":\"kafka\",\"text\":\"t\",\"since\":\"x\"}]}")};
    char who[32];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(who, sizeof who, "host:%zu", i);
        lw_reply_free(MUST(f->r, "HSET %s %s %s", f->key, who, bad[i]));
    }
    facts(f);
    for (size_t i = 0; i < f->facts.nprocesses; i++)
        assert_true(f->facts.process[i].ntroubles <= 1);
    lw_reply_free(MUST(f->r, "DEL %s", f->key));
    for (int i = 0; i < 3 * LW_PROCESSES_MAX; i++) { /* more than the limit */
        snprintf(who, sizeof who, "host:%d", i);
        struct lw_process p = process(f, who);
        assert_int_equal(lw_health_put(f->r, f->spec, &p, &f->err), 0);
    }
    facts(f);
    assert_int_equal(f->facts.nprocesses, LW_PROCESSES_MAX);
    lw_reply_free(MUST(f->r, "DEL %s", f->key));
    lw_reply_free(MUST(f->r, "SET %s text", f->key)); /* of another type */
    facts(f);
    assert_int_equal(f->facts.nprocesses, 0);
    end(f);
}

static void a_full_redis_is_noticed(void **state) {
    struct fixture *f = begin(state, "full");
    struct lw_process p = process(f, "host:3");
    lw_reply_free(MUST(f->r, "CONFIG SET maxmemory 1mb"));
    assert_int_equal(lw_health_put(f->r, f->spec, &p, &f->err), -1);
    assert_int_equal(f->err.code, LW_EAGAIN);
    assert_non_null(strstr(f->err.msg, "maxmemory"));
    facts(f); /* the server still answers */
    lw_reply_free(MUST(f->r, "CONFIG SET maxmemory 0"));
    assert_int_equal(lw_health_put(f->r, f->spec, &p, &f->err), 0);
    end(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_stream_has_no_processes),
        cmocka_unit_test(written_entries_are_read_back),
        cmocka_unit_test(dead_processes_are_detected),
        cmocka_unit_test(unreadable_entries_do_not_affect_others),
        cmocka_unit_test(a_full_redis_is_noticed),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
