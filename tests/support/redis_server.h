/* A private redis-server for one test: free port, temporary directory, append-only
 * file, no snapshots. _stop kills it and removes its directory; the kernel also kills
 * it when the test process ends first (PR_SET_PDEATHSIG). */
#ifndef LW_TESTS_SUPPORT_REDIS_SERVER_H
#define LW_TESTS_SUPPORT_REDIS_SERVER_H

#include <stdbool.h>

struct redis_server;

/* NULL if redis-server is not installed (the test then exits with 77). extra: further
 * arguments of redis-server, NULL-terminated, or NULL. */
struct redis_server *redis_server_start(const char *const *extra);
void redis_server_stop(struct redis_server *s);
int redis_server_port(const struct redis_server *s);
int redis_server_free_port(void); /* for another listener */
const char *redis_server_dir(const struct redis_server *s);
/* redis://127.0.0.1:port */
const char *redis_server_url(const struct redis_server *s);
/* kill -9; the directory stays. */
void redis_server_kill(struct redis_server *s);
/* Starts it again on the same port and directory, and waits until it answers. */
void redis_server_restart(struct redis_server *s);
/* Suspends or resumes the process (SIGSTOP, SIGCONT): a server that hangs. */
void redis_server_freeze(struct redis_server *s, bool frozen);

#endif
