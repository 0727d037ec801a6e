/* A private redis-server for the demo, a child that is killed when this process ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "cli/demo.h"

#define START_MS 10000

struct lw_demo_redis {
    pid_t pid;
    int port;
};

int lw_demo_free_port(void) {
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0), port = -1;
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 &&
        getsockname(fd, (struct sockaddr *)&addr, &len) == 0)
        port = ntohs(addr.sin_port);
    close(fd);
    return port;
}

static _Noreturn void exec_redis(const char *directory, int port) {
    char port_text[16], log[512];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* Ctrl-C must not stop it before the last flush */
    snprintf(port_text, sizeof port_text, "%d", port);
    snprintf(log, sizeof log, "%s/redis.log", directory);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    execlp("redis-server", "redis-server", "--port", port_text, "--bind", "127.0.0.1",
           "--dir", directory, "--save", "", "--appendonly", "no", "--daemonize", "no",
           (char *)NULL);
    _exit(127);
}

static bool redis_answers(int port) {
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char reply[8] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0 &&
              write(fd, "PING\r\n", 6) == 6 && read(fd, reply, 5) == 5 &&
              memcmp(reply, "+PONG", 5) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

static int wait_ready(struct lw_demo_redis *r, const char *directory,
                      struct lw_err *err) {
    int64_t until = lw_mono_ms() + START_MS;
    while (lw_mono_ms() < until) {
        int status;
        if (redis_answers(r->port))
            return 0;
        if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
            r->pid = 0;
            return lw_fail(
                err, LW_ESTOP,
                WIFEXITED(status) && WEXITSTATUS(status) == 127
                    ? "redis-server is not installed (apt install redis-server)"
                    : "redis-server exited at startup; see %s/redis.log",
                directory);
        }
        lw_sleep_ms(20);
    }
    return lw_fail(err, LW_ESTOP,
                   "redis-server does not answer on port %d; see %s/redis.log", r->port,
                   directory);
}

struct lw_demo_redis *lw_demo_redis_start(const char *directory, struct lw_err *err) {
    struct lw_demo_redis *r = lw_calloc(1, sizeof *r);
    r->port = lw_demo_free_port();
    r->pid = fork();
    if (r->pid == 0)
        exec_redis(directory, r->port);
    if (r->pid > 0 && wait_ready(r, directory, err) == 0)
        return r;
    if (r->pid < 0)
        lw_fail(err, LW_ESTOP, "cannot start redis-server: %s", strerror(errno));
    lw_demo_redis_stop(r);
    return NULL;
}

void lw_demo_redis_stop(struct lw_demo_redis *r) {
    if (!r)
        return;
    if (r->pid > 0) {
        kill(r->pid, SIGKILL); /* it has nothing to save */
        waitpid(r->pid, NULL, 0);
    }
    free(r);
}

int lw_demo_redis_port(const struct lw_demo_redis *r) {
    return r->port;
}
