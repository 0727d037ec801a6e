/* The processes of a stream and other facts about its health. The hash `health` has
 * one entry per process, written every few seconds, which also proves that Redis
 * accepts writes. Its times are the server's, so clocks need not agree. Thread: the
 * connection's. */
#ifndef LW_STORE_HEALTH_H
#define LW_STORE_HEALTH_H

#include "core/health.h"
#include "core/spec.h"
#include "store/redis.h"

#define LW_PROCESSES_MAX 64
/* A process with an older entry counts as gone. */
#define LW_HEALTH_ALIVE_MS 20000

struct lw_process {
    char who[96];      /* host:pid */
    int64_t at_ms;     /* the server's clock */
    int64_t passed_ms; /* the leader's last pass, by its own clock; 0: not the leader */
    size_t ntroubles;
    struct lw_trouble trouble[LW_COMPONENTS];
};
/* Writes this process's entry. LW_EAGAIN and LW_ESTOP as for any write. */
int lw_health_put(struct lw_redis *r, const struct lw_spec *spec,
                  const struct lw_process *p, struct lw_err *err);
/* Removes it when the process ends. */
int lw_health_leave(struct lw_redis *r, const struct lw_spec *spec, const char *who,
                    struct lw_err *err);

struct lw_stream_facts {
    int64_t server_ms;        /* the server's clock */
    char leader[128];         /* holder of the lease; "": none */
    char lease[160];          /* ... with its token, as in Redis */
    int64_t updated_ms;       /* the monitor's stamp of its last step */
    int64_t oldest_ms;        /* oldest entry of the outbox, server's clock; 0: empty */
    uint64_t waiting;         /* deliveries in the outbox */
    size_t nprocesses, ngone; /* alive; long gone, see lw_health_leave */
    struct lw_process process[LW_PROCESSES_MAX];
    char gone[4][96];
};
/* One round trip. */
int lw_health_facts(struct lw_redis *r, const struct lw_spec *spec,
                    struct lw_stream_facts *out, struct lw_err *err);

#endif
