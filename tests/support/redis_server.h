/* A private redis-server for one test: free port, temporary directory, append-only file,
 * no snapshots. It is killed and its directory removed by _stop, and also when the test
 * process ends first (the server is told to die with its parent). */
#ifndef LW_TESTS_SUPPORT_REDIS_SERVER_H
#define LW_TESTS_SUPPORT_REDIS_SERVER_H

#include <stdbool.h>

struct redis_server;

/* NULL when redis-server is not installed (the test then exits with 77). extra: further
 * arguments of redis-server, NULL-terminated, or NULL. */
struct redis_server *redis_server_start(const char *const *extra);
void redis_server_stop(struct redis_server *s);
int redis_server_port(const struct redis_server *s);
int redis_server_free_port(void); /* for another listener of it */
const char *redis_server_dir(const struct redis_server *s);
/* redis://127.0.0.1:port */
const char *redis_server_url(const struct redis_server *s);
/* kill -9; the directory stays. */
void redis_server_kill(struct redis_server *s);
/* Starts it again on the same port and directory, and waits until it answers. */
void redis_server_restart(struct redis_server *s);
/* Stops and continues the process (SIGSTOP, SIGCONT): a server that hangs. */
void redis_server_freeze(struct redis_server *s, bool frozen);

#endif
