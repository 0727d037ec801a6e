/* See redis_server.h. Uses fork and a plain socket, independent of the layer under
 * test. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "support/redis_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXTRA_MAX 24

struct redis_server {
    pid_t pid;
    int port;
    char dir[64], url[64];
    const char *extra[EXTRA_MAX];
};

int redis_server_free_port(void) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) ||
        getsockname(fd, (struct sockaddr *)&a, &len)) {
        perror("free port");
        abort();
    }
    close(fd);
    return ntohs(a.sin_port);
}

static void sleep_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
              NULL);
}

/* Sends PING on a new socket; true if the reply is +PONG (or requires a password). */
static bool server_answers(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char reply[16] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 &&
              write(fd, "PING\r\n", 6) == 6 && read(fd, reply, sizeof reply - 1) > 0 &&
              (strncmp(reply, "+PONG", 5) == 0 || strncmp(reply, "-NOAUTH", 7) == 0);
    close(fd);
    return ok;
}

static void become_server(const struct redis_server *s, pid_t parent) {
    char port[8], dir[64];
    const char *argv[EXTRA_MAX + 20] = {"redis-server",
                                        "--port",
                                        port,
                                        "--bind",
                                        "127.0.0.1",
                                        "--dir",
                                        dir,
                                        "--save",
                                        "",
                                        "--appendonly",
                                        "yes",
                                        "--appendfsync",
                                        "always",
                                        "--unixsocket",
                                        "redis.sock"};
    size_t n = 15;
    snprintf(port, sizeof port, "%d", s->port);
    snprintf(dir, sizeof dir, "%s", s->dir);
    for (size_t i = 0; s->extra[i]; i++)
        argv[n++] = s->extra[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* False: redis-server is not installed. */
static bool server_launch(struct redis_server *s) {
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0)
        become_server(s, parent);
    for (int i = 0; i < 500; i++) {
        int status;
        if (server_answers(s->port))
            return true;
        if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
            s->pid = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                return false;
            fprintf(stderr, "redis-server ended with status %d\n", status);
            abort();
        }
        sleep_ms(20);
    }
    fprintf(stderr, "redis-server does not answer\n");
    abort();
}

struct redis_server *redis_server_start(const char *const *extra) {
    struct redis_server *s = calloc(1, sizeof *s);
    s->port = redis_server_free_port();
    for (size_t i = 0; extra && extra[i] && i + 1 < EXTRA_MAX; i++)
        s->extra[i] = extra[i];
    snprintf(s->url, sizeof s->url, "redis://127.0.0.1:%d", s->port);
    snprintf(s->dir, sizeof s->dir, "/tmp/leeway-test-redis-XXXXXX");
    if (!mkdtemp(s->dir)) {
        perror("mkdtemp");
        abort();
    }
    if (server_launch(s))
        return s;
    redis_server_stop(s);
    return NULL;
}

void redis_server_kill(struct redis_server *s) {
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

void redis_server_restart(struct redis_server *s) {
    redis_server_kill(s);
    server_launch(s);
}

void redis_server_freeze(struct redis_server *s, bool frozen) {
    kill(s->pid, frozen ? SIGSTOP : SIGCONT);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void redis_server_stop(struct redis_server *s) {
    if (!s)
        return;
    redis_server_kill(s);
    nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(s);
}

int redis_server_port(const struct redis_server *s) {
    return s->port;
}

const char *redis_server_dir(const struct redis_server *s) {
    return s->dir;
}

const char *redis_server_url(const struct redis_server *s) {
    return s->url;
}
