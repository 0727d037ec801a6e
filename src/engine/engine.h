/* The engine: the threads of `leeway run`, and of `leeway demo`, which runs exactly
 * these.
 *
 *   worker x W   consume, decode, score, accumulate, flush    one consumer and one Redis
 * connection each leader       lease, sealing, evaluation, decisions        acts only
 * while it holds the lease retrainer    one training at a time reads Kafka by offset
 * ranges notifier x R one a receiver: outbox to webhook            acts only in the
 * leader's process
 *
 * Threads share nothing but the values below engine_private.h's lock and a few atomics;
 * no lock is taken per event, and none is held across I/O. */
#ifndef LW_ENGINE_H
#define LW_ENGINE_H

#include "config/config.h"
#include "core/health.h"
#include "core/monitor.h"
#include "core/process_counter.h"

#define LW_CODE_VERSION "0.1.0"

struct lw_engine;

/* What a screen may want to show; called in the leader's thread, must be quick. */
struct lw_engine_hooks {
    void *arg;
    void (*evaluated)(void *arg, const struct lw_evaluation *e,
                      const struct lw_monitor *m);
    void (*trained)(void *arg, const struct lw_request *request, uint32_t version,
                    const struct lw_training *training, const char *failure);
};

/* Connects to nothing yet by itself: threads do, and wait for what is away. LW_ECONFIG.
 * The configuration is borrowed until lw_engine_stop. */
struct lw_engine *lw_engine_start(const struct lw_config *config,
                                  const struct lw_engine_hooks *hooks,
                                  struct lw_err *err);
/* Flushes, leaves the group, gives the lease back, joins all threads, frees. */
void lw_engine_stop(struct lw_engine *e);
/* What whoever feeds the stream knows of it, for replays that wait (the demo, tests).
 * QUIET: all that was sent has been consumed and nothing comes until FLOWS is said; so
 * partitions are idle at once. ENDED: nothing comes any more; everything that is held is
 * sealed. */
enum lw_flow { LW_FLOWS, LW_QUIET, LW_ENDED };
void lw_engine_flow(struct lw_engine *e, enum lw_flow flow);
/* While it is quiet: up to which event time whoever sends has sent everything. */
void lw_engine_complete(struct lw_engine *e, int64_t until_ms);
/* A thread met something it cannot go on with (LW_ESTOP): the process should stop. */
bool lw_engine_failed(const struct lw_engine *e, struct lw_err *why);

/* As known in this process; cheap, any thread. */
struct lw_engine_status {
    bool leading;
    bool training;                        /* a request is pending or being worked on */
    int64_t sealed_until_ms;              /* INT64_MIN before the first */
    struct lw_process_counts counts;      /* of this process's workers */
    uint64_t trainings, trainings_failed; /* by this process since it started */
    uint64_t outbox;                      /* deliveries waiting, as last seen */
    int partitions;                       /* owned by its workers */
    int64_t polled_ms; /* monotonic time of the oldest worker's last poll */
    bool stalled;      /* waiting for Redis, or for a schema */
    int held;          /* partitions that wait for a schema */
    bool registry;     /* there is one; else what follows is 0 */
    bool registry_away;
    uint64_t registry_requests, registry_failures;
    bool settled; /* Redis knows what lw_engine_flow said last, of every partition */
};
/* host:pid, as in Redis. */
const char *lw_engine_who(const struct lw_engine *e);
struct lw_engine_status lw_engine_status(const struct lw_engine *e);
/* How this process and the stream are, as last judged (once a second). Any thread. */
void lw_engine_health(const struct lw_engine *e, struct lw_health *out);

#endif
