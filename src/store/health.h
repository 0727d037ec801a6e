/* What the processes of a stream say of themselves, and what else must be known to judge
 * it: the hash `health` has an entry a process, written every few seconds, which shows at
 * the same time that Redis takes writes. Times in it are the server's, so that nothing
 * depends on clocks that agree. Thread: the one of the connection. */
#ifndef LW_STORE_HEALTH_H
#define LW_STORE_HEALTH_H

#include "core/health.h"
#include "core/spec.h"
#include "store/redis.h"

#define LW_PROCESSES_MAX 64
/* An entry that is older is the word of a process that is gone. */
#define LW_HEALTH_ALIVE_MS 20000

struct lw_process {
    char who[96];      /* host:pid */
    int64_t at_ms;     /* the server's clock */
    int64_t passed_ms; /* the leader's last pass, by its own clock; 0: it does not lead */
    size_t ntroubles;
    struct lw_trouble trouble[LW_COMPONENTS];
};
/* Writes this process's entry. LW_EAGAIN and LW_ESTOP as for any write. */
int lw_health_put(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_process *p, struct lw_err *err);
/* Takes it away: the process ends. */
int lw_health_leave(struct lw_redis *r, const struct lw_spec *spec, const char *who,
                    struct lw_err *err);

struct lw_stream_facts {
    int64_t server_ms;        /* the server's clock */
    char leader[128];         /* who holds the lease; "" nobody */
    char lease[160];          /* ... with its token, as it stands there */
    int64_t updated_ms;       /* the monitor's stamp */
    int64_t oldest_ms;        /* of the outbox, by the server's clock; 0: it is empty */
    uint64_t waiting;         /* in the outbox */
    size_t nprocesses, ngone; /* alive; gone for long, for lw_health_leave */
    struct lw_process process[LW_PROCESSES_MAX];
    char gone[4][96];
};
/* One round trip. */
int lw_health_facts(struct lw_redis *r, const struct lw_spec *spec,
                    struct lw_stream_facts *out, struct lw_err *err);

#endif
