/* A cluster that redirects to another node, and a master that dies under a sentinel, with
 * real servers. */
#include "store_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/conn.h"
#include "store/evaluation.h"
#include "store/keys.h"
#include "store/lease.h"

static void nap(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
              NULL);
}

static int free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

/* Repeats a command until it succeeds, at most 20 s. */
static struct lw_reply *patiently(struct lw_redis *r, const char *verb, const char *key,
                                  const char *value) {
    struct lw_err err = {0};
    for (int i = 0; i < 400; i++) {
        lw_err_clear(&err);
        struct lw_reply *reply = value
                                     ? lw_redis_do(r, &err, "%s %s %s", verb, key, value)
                                     : lw_redis_do(r, &err, "%s %s", verb, key);
        if (reply)
            return reply;
        assert_int_equal(err.code, LW_EAGAIN); /* not an error that ends the process */
        nap(50);
    }
    fail_msg("%s", err.msg);
    return NULL;
}

/* ---- cluster: two nodes, the second has all slots ---- */

struct cluster {
    struct redis_server *node[2];
    struct lw_redis *direct[2];
    char id[2][64];
};

static void await_ok(struct lw_redis *node) {
    for (int i = 0; i < 200; i++) {
        char *info = must_text(MUST(node, "CLUSTER INFO"));
        bool ok = strstr(info, "cluster_state:ok") != NULL;
        free(info);
        if (ok)
            return;
        nap(50);
    }
    fail_msg("the cluster does not become ok");
}

static void cluster_start(struct cluster *k) {
    char bus[2][8], node_timeout[] = "1000";
    for (int i = 0; i < 2; i++) {
        snprintf(bus[i], sizeof bus[i], "%d", free_port());
        const char *const extra[] = {"--cluster-enabled",
                                     "yes",
                                     "--cluster-port",
                                     bus[i],
                                     "--cluster-node-timeout",
                                     node_timeout,
                                     NULL};
        k->node[i] = redis_server_start(extra);
        k->direct[i] = test_connect(redis_server_url(k->node[i]));
        char *id = must_text(MUST(k->direct[i], "CLUSTER MYID"));
        snprintf(k->id[i], sizeof k->id[i], "%s", id);
        free(id);
    }
    lw_reply_free(MUST(k->direct[1], "CLUSTER ADDSLOTSRANGE 0 16383"));
    lw_reply_free(MUST(k->direct[0], "CLUSTER MEET 127.0.0.1 %d %s",
                       redis_server_port(k->node[1]), bus[1]));
    for (int i = 0; i < 2; i++)
        await_ok(k->direct[i]);
}

static void cluster_stop(struct cluster *k) {
    for (int i = 0; i < 2; i++) {
        lw_redis_free(k->direct[i]);
        redis_server_stop(k->node[i]);
    }
}

static void redirections_of_a_cluster_are_followed(void **state) {
    struct cluster k;
    cluster_start(&k);
    struct lw_redis *r = test_connect(redis_server_url(k.node[0]));
    lw_reply_free(patiently(r, "SET", "{a}x", "1"));
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%d", redis_server_port(k.node[1]));
    assert_string_equal(lw_redis_where(r), where);
    assert_int_equal(must_int(k.direct[1], MUST(k.direct[1], "GET {a}x")), 1);

    /* a worker's whole step reaches that node too, starting from the wrong one */
    struct lw_spec *spec = test_spec("clustered");
    struct lw_redis *fresh = test_connect(redis_server_url(k.node[0]));
    struct lw_partition *p = lw_partition_new(spec, 0);
    struct lw_claim c;
    struct lw_err err = {0};
    if (lw_state_claim(fresh, &(struct lw_claim_target){spec, TOPIC, "w", 0, p}, &c,
                       &err))
        fail_msg("%s", err.msg);
    feed(spec, p, 0, 100, 1);
    struct lw_flush flush = {
        .topic = TOPIC, .epoch = c.epoch, .base_offset = -1, .next_offset = 100};
    if (lw_state_flush(fresh, spec, &flush, p, &c.active, &err))
        fail_msg("%s", err.msg);
    struct lw_redis *reader = test_connect(redis_server_url(k.node[0]));
    struct lw_pane *pane =
        lw_state_pane(reader, spec, 3, T0, NULL, &err); /* a pipeline */
    assert_non_null(pane);
    assert_int_equal(pane->events, 60);
    lw_pane_free(pane);

    lw_partition_free(p);
    lw_redis_free(reader);
    lw_redis_free(fresh);
    lw_redis_free(r);
    free(spec);
    cluster_stop(&k);
    (void)state;
}

/* ---- a slot that moves from the second node to the first ---- */

struct mover {
    struct cluster k;
    struct lw_spec *spec;
    struct lw_redis *r;
    struct lw_partition *p;
    struct lw_claim claim;
    int64_t at; /* flushed up to here */
    int64_t slot;
};

static int flush_to(struct mover *m, int64_t next, struct lw_err *err) {
    struct lw_flush flush = {.topic = TOPIC,
                             .epoch = m->claim.epoch,
                             .base_offset = m->at,
                             .next_offset = next,
                             .end_offset = -1};
    lw_err_clear(err);
    if (lw_state_flush(m->r, m->spec, &flush, m->p, &m->claim.active, err))
        return -1;
    m->at = next;
    return 0;
}

static void slot_move_start(struct mover *m) {
    struct lw_err err = {0};
    char key[LW_KEY_MAX];
    cluster_start(&m->k);
    m->spec = test_spec("moving");
    m->r = test_connect(redis_server_url(m->k.node[1]));
    /* a stream that has run for some time has this key */
    lw_reply_free(MUST(m->r, "HSET %s next 1", lw_key(key, m->spec, "models")));
    lw_reply_free(MUST(m->r, "HSET %s step 0", lw_key(key, m->spec, "monitor")));
    m->p = lw_partition_new(m->spec, 0);
    m->at = -1;
    if (lw_state_claim(m->r, &(struct lw_claim_target){m->spec, TOPIC, "w", 0, m->p},
                       &m->claim, &err))
        fail_msg("%s", err.msg);
    feed(m->spec, m->p, 0, 100, 1);
    if (flush_to(m, 100, &err))
        fail_msg("%s", err.msg);
    m->slot = must_int(m->r, MUST(m->r, "CLUSTER KEYSLOT %s", lw_key(key, m->spec, "x")));
    lw_reply_free(MUST(m->k.direct[0], "CLUSTER SETSLOT %ld IMPORTING %s", (long)m->slot,
                       m->k.id[1]));
    lw_reply_free(MUST(m->k.direct[1], "CLUSTER SETSLOT %ld MIGRATING %s", (long)m->slot,
                       m->k.id[0]));
}

/* Moves n of the slot's keys to the first node; returns how many there were. */
static size_t move_keys(struct mover *m, int n) {
    struct lw_reply *keys =
        MUST(m->k.direct[1], "CLUSTER GETKEYSINSLOT %ld %d", (long)m->slot, n);
    size_t count = lw_reply_count(keys);
    for (size_t i = 0; i < count; i++)
        lw_reply_free(MUST(m->k.direct[1], "MIGRATE 127.0.0.1 %d %s 0 5000",
                           redis_server_port(m->k.node[0]),
                           lw_reply_text(lw_reply_at(keys, i), NULL)));
    lw_reply_free(keys);
    return count;
}

static void move_rest(struct mover *m) {
    while (move_keys(m, 100) > 0)
        ;
    for (int i = 0; i < 2; i++)
        lw_reply_free(MUST(m->k.direct[i], "CLUSTER SETSLOT %ld NODE %s", (long)m->slot,
                           m->k.id[0]));
}

static void slot_move_stop(struct mover *m) {
    lw_partition_free(m->p);
    lw_redis_free(m->r);
    free(m->spec);
    cluster_stop(&m->k);
}

/* While a slot moves, a missing key counts as moved, also during a script. A flush is
 * then executed as a whole or not at all. */
static void a_flush_is_whole_while_a_slot_moves(void **state) {
    struct mover m;
    struct lw_err err = {0};
    slot_move_start(&m);
    feed(m.spec, m.p, 100, 15, 1); /* in existing panes */
    if (flush_to(&m, 115, &err)) {
        assert_int_equal(err.code, LW_EAGAIN);
        fail_msg("all keys are there, so it should have succeeded: %s", err.msg);
    }
    feed(m.spec, m.p, 115, 65, 1); /* opens a pane whose key does not exist yet */
    char *before = dump_state(m.k.direct[1], m.spec, 1);
    assert_int_equal(flush_to(&m, 180, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    char *after = dump_state(m.k.direct[1], m.spec, 1);
    assert_string_equal(after, before);
    free(before);
    free(after);
    assert_true(move_keys(&m, 2) > 0); /* some keys on either node */
    assert_int_equal(flush_to(&m, 180, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    move_rest(&m);
    for (int i = 0; i < 100 && flush_to(&m, 180, &err); i++) {
        assert_int_equal(err.code, LW_EAGAIN);
        nap(50);
    }
    assert_int_equal(m.at, 180);
    assert_true(lw_redis_dials(m.r) > 1); /* a reader notices the other server */

    /* the same state as without the move */
    struct lw_redis *plain = test_connect(redis_server_url(*state));
    struct mover still = {.spec = m.spec, .r = plain, .at = -1};
    still.p = lw_partition_new(m.spec, 0);
    if (lw_state_claim(plain, &(struct lw_claim_target){m.spec, TOPIC, "w", 0, still.p},
                       &still.claim, &err))
        fail_msg("%s", err.msg);
    feed(m.spec, still.p, 0, 180, 1);
    assert_int_equal(flush_to(&still, 180, &err), 0);
    char *moved = dump_state(m.k.direct[0], m.spec, 1);
    char *stayed = dump_state(plain, m.spec, 1);
    assert_string_equal(moved, stayed);
    free(moved);
    free(stayed);
    lw_partition_free(still.p);
    lw_redis_free(plain);
    slot_move_stop(&m);
}

static size_t lines_of_evaluations(struct lw_redis *r, const struct lw_spec *spec) {
    char key[LW_KEY_MAX];
    return (size_t)must_int(r, MUST(r, "XLEN %s", lw_key(key, spec, "evaluations")));
}

/* The same for a step of the leader: its line is written once, whatever happened
 * before. */
static void an_evaluation_is_whole_while_a_slot_moves(void **state) {
    struct mover m;
    struct lw_err err = {0};
    struct lw_evaluation *e = lw_calloc(1, sizeof *e);
    slot_move_start(&m);
    struct lw_lease lease = {.who = "l", .ttl_ms = 60000};
    move_rest(&m); /* the lease and the fence are new keys: create them at rest */
    for (int i = 0; i < 100 && lw_lease_hold(m.r, m.spec, &lease, &err) != 1; i++)
        nap(50);
    assert_true(lease.token != 0);
    struct lw_monitor *monitor = lw_monitor_new(m.spec);
    struct lw_evaluation_step step = {.lease = &lease,
                                      .was_sealed_until_ms = INT64_MIN,
                                      .monitor = monitor,
                                      .evaluation = e,
                                      .sealed = true,
                                      .now_ms = 1};
    lw_monitor_seal(monitor, lw_state_pane(m.r, m.spec, 1, T0, NULL, &err), e);
    assert_int_equal(lw_evaluation_write(m.r, m.spec, &step, &err), 0);
    size_t lines = lines_of_evaluations(m.k.direct[0], m.spec);
    assert_true(lines > 0);

    step.was_sealed_until_ms = e->at_ms;
    lw_monitor_seal(monitor, lw_state_pane(m.r, m.spec, 1, T0 + LW_HOUR, NULL, &err), e);
    lw_reply_free(
        MUST(m.k.direct[1], "CLUSTER SETSLOT %ld IMPORTING %s", (long)m.slot, m.k.id[0]));
    lw_reply_free(
        MUST(m.k.direct[0], "CLUSTER SETSLOT %ld MIGRATING %s", (long)m.slot, m.k.id[1]));
    char key[LW_KEY_MAX]; /* moved before the others: the step cannot run here */
    lw_reply_free(MUST(m.k.direct[0], "MIGRATE 127.0.0.1 %d %s 0 5000",
                       redis_server_port(m.k.node[1]),
                       lw_key(key, m.spec, "window:3h:x")));
    lw_err_clear(&err);
    assert_int_equal(lw_evaluation_write(m.r, m.spec, &step, &err), -1);
    assert_int_equal(err.code, LW_EAGAIN);
    assert_int_equal(lines_of_evaluations(m.k.direct[0], m.spec), lines);
    char *sealed = must_text(
        MUST(m.k.direct[0], "HGET %s sealed_until", lw_key(key, m.spec, "monitor")));
    char was[32];
    snprintf(was, sizeof was, "%lld", (long long)step.was_sealed_until_ms);
    assert_string_equal(sealed, was);
    free(sealed);
    lw_monitor_free(monitor);
    free(e);
    slot_move_stop(&m);
    (void)state;
}

/* ---- sentinel: the master is killed, the replica takes over ---- */

static pid_t start_sentinel(const char *dir, int port, int master) {
    char conf[128];
    snprintf(conf, sizeof conf, "%s/sentinel.conf", dir);
    FILE *f = fopen(conf, "w");
    assert_non_null(f);
    fprintf(f,
            "port %d\nbind 127.0.0.1\ndir %s\nlogfile %s/sentinel.log\n"
            "sentinel monitor m 127.0.0.1 %d 1\n"
            "sentinel down-after-milliseconds m 500\nsentinel failover-timeout m 5000\n",
            port, dir, dir, master);
    fclose(f);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a check fails */
        close(1);
        close(2);
        execlp("redis-server", "redis-server", conf, "--sentinel", (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Waits until the sentinel knows the replica. */
static void wait_for_replica(struct lw_redis *sentinel) {
    for (int i = 0; i < 400; i++) {
        struct lw_err err = {0};
        struct lw_reply *list = lw_redis_do(sentinel, &err, "SENTINEL replicas m");
        size_t n = lw_reply_count(list);
        lw_reply_free(list);
        if (n == 1)
            return;
        nap(50);
    }
    fail_msg("the sentinel knows of no replica");
}

static void a_failover_under_a_sentinel_is_followed(void **state) {
    const char *const quick[] = {"--repl-diskless-sync-delay", "0", NULL};
    struct redis_server *master = redis_server_start(quick);
    char of[32], url[64];
    snprintf(of, sizeof of, "127.0.0.1 %d", redis_server_port(master));
    const char *const extra[] = {"--replicaof", of, NULL};
    struct redis_server *replica = redis_server_start(extra);
    int port = free_port();
    pid_t sentinel =
        start_sentinel(redis_server_dir(replica), port, redis_server_port(master));
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    struct lw_redis *asking = test_connect(url);
    wait_for_replica(asking);

    snprintf(url, sizeof url, "sentinel://127.0.0.1:%d/m", port);
    struct lw_redis *r = test_connect(url);
    lw_reply_free(patiently(r, "SET", "before", "1"));
    char *old = lw_strdup(lw_redis_where(r));
    int64_t copies = 0;
    for (int i = 0; i < 20 && copies < 1; i++)
        copies = must_int(r, MUST(r, "WAIT 1 1000"));
    assert_int_equal(copies, 1);
    redis_server_kill(master);
    lw_reply_free(patiently(r, "SET", "after", "2"));
    assert_string_not_equal(lw_redis_where(r), old);
    assert_int_equal(must_int(r, MUST(r, "GET before")), 1);

    lw_redis_free(r);
    snprintf(url, sizeof url, "sentinel://127.0.0.1:%d/unknown", port);
    r = test_connect(url);
    struct lw_err err = {0};
    assert_null(lw_redis_do(r, &err, "PING"));
    assert_int_equal(err.code, LW_EAGAIN);
    assert_non_null(strstr(err.msg, "unknown"));
    lw_redis_free(r);
    lw_redis_free(asking);
    free(old);
    kill(sentinel, SIGKILL);
    waitpid(sentinel, NULL, 0);
    redis_server_stop(replica);
    redis_server_stop(master);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirections_of_a_cluster_are_followed),
        cmocka_unit_test(a_flush_is_whole_while_a_slot_moves),
        cmocka_unit_test(an_evaluation_is_whole_while_a_slot_moves),
        cmocka_unit_test(a_failover_under_a_sentinel_is_followed),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
