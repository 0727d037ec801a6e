/* A cluster that sends us to another node, and a master that dies under a sentinel, with
 * real ones of both. */
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
        assert_int_equal(err.code, LW_EAGAIN); /* nothing that would end the process */
        nap(50);
    }
    fail_msg("%s", err.msg);
    return NULL;
}

/* ---- cluster: two nodes, the second has all slots ---- */

static void redirections_of_a_cluster_are_followed(void **state) {
    char bus[2][8], node_timeout[] = "1000";
    struct redis_server *node[2];
    struct lw_redis *direct[2];
    for (int i = 0; i < 2; i++) {
        snprintf(bus[i], sizeof bus[i], "%d", free_port());
        const char *const extra[] = {"--cluster-enabled",
                                     "yes",
                                     "--cluster-port",
                                     bus[i],
                                     "--cluster-node-timeout",
                                     node_timeout,
                                     NULL};
        node[i] = redis_server_start(extra);
        direct[i] = test_connect(redis_server_url(node[i]));
    }
    lw_reply_free(MUST(direct[1], "CLUSTER ADDSLOTSRANGE 0 16383"));
    lw_reply_free(MUST(direct[0], "CLUSTER MEET 127.0.0.1 %d %s",
                       redis_server_port(node[1]), bus[1]));
    for (int i = 0; i < 200; i++) {
        char *info = must_text(MUST(direct[0], "CLUSTER INFO"));
        bool ok = strstr(info, "cluster_state:ok") != NULL;
        free(info);
        if (ok)
            break;
        nap(50);
    }

    struct lw_redis *r = test_connect(redis_server_url(node[0]));
    lw_reply_free(patiently(r, "SET", "{a}x", "1"));
    char where[32];
    snprintf(where, sizeof where, "127.0.0.1:%d", redis_server_port(node[1]));
    assert_string_equal(lw_redis_where(r), where);
    assert_int_equal(must_int(direct[1], MUST(direct[1], "GET {a}x")), 1);

    /* the whole of a worker's step goes there too, from the wrong node on */
    struct lw_spec *spec = test_spec("clustered");
    struct lw_redis *fresh = test_connect(redis_server_url(node[0]));
    struct lw_partition *p = lw_partition_new(spec, 0);
    struct lw_claim c;
    struct lw_err err = {0};
    if (lw_state_claim(fresh, spec, TOPIC, "w", p, 0, &c, &err))
        fail_msg("%s", err.msg);
    feed(spec, p, 0, 100, 1);
    struct lw_flush flush = {
        .topic = TOPIC, .epoch = c.epoch, .base_offset = -1, .next_offset = 100};
    if (lw_state_flush(fresh, spec, &flush, p, &c.force, &err))
        fail_msg("%s", err.msg);
    struct lw_redis *reader = test_connect(redis_server_url(node[0]));
    struct lw_pane *pane = lw_state_pane(reader, spec, 3, T0, &err); /* a pipeline */
    assert_non_null(pane);
    assert_int_equal(pane->events, 60);
    lw_pane_free(pane);

    lw_partition_free(p);
    lw_redis_free(reader);
    lw_redis_free(fresh);
    lw_redis_free(r);
    free(spec);
    for (int i = 0; i < 2; i++) {
        lw_redis_free(direct[i]);
        redis_server_stop(node[i]);
    }
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

/* Until the sentinel has found the replica. */
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
        cmocka_unit_test(a_failover_under_a_sentinel_is_followed),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
