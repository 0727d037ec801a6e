/* The engine: the threads of `leeway run` and `leeway demo`.
 *
 *   thread      number          work
 *   worker      source.workers  consume, decode, score, accumulate, flush; each has its
 *                               own consumer and Redis connection
 *   leader      1               lease, sealing, evaluation, decisions; acts only while
 *                               it holds the lease
 *   retrainer   1               one training at a time; reads Kafka by offset ranges
 *   notifier    1 per receiver  outbox to webhook; acts only in the leader's process
 *   topic       1               partition count, end offsets, reachability of brokers
 *   health      1               health of this process and the stream
 *
 * Threads share only atomics and the fields of engine_private.h that its lock guards. No
 * lock is taken per event, and none is held across I/O. */
#ifndef LW_ENGINE_ENGINE_H
#define LW_ENGINE_ENGINE_H

#include "config/config.h"
#include "core/health.h"
#include "core/monitor.h"
#include "core/process_counter.h"

#define LW_CODE_VERSION "0.1.0"

struct lw_engine;

/* For a screen. Called in the leader's thread; must return quickly. */
struct lw_engine_hooks {
    void *arg;
    void (*evaluated)(void *arg, const struct lw_evaluation *e,
                      const struct lw_monitor *m);
    void (*trained)(void *arg, const struct lw_request *request, uint32_t version,
                    const struct lw_training *training, const char *failure);
};

/* Starts the threads; they connect, and retry while a service is unreachable.
 * LW_ECONFIG, or LW_EAGAIN and LW_ENOTFOUND of the topic. The configuration is
 * borrowed until lw_engine_stop. */
struct lw_engine *lw_engine_start(const struct lw_config *config,
                                  const struct lw_engine_hooks *hooks,
                                  struct lw_err *err);
/* Flushes, leaves the group, releases the lease, joins all threads and frees. */
void lw_engine_stop(struct lw_engine *e);
/* For replays that pause the stream (the demo, tests). QUIET: everything that was
 * sent has been consumed and nothing follows until FLOWS, so partitions are idle at
 * once. ENDED: nothing follows; all panes are sealed. */
enum lw_flow { LW_FLOWS, LW_QUIET, LW_ENDED };
void lw_engine_flow(struct lw_engine *e, enum lw_flow flow);
/* While QUIET: event time up to which everything has been sent. */
void lw_engine_complete(struct lw_engine *e, int64_t until_ms);
/* For the same: while held, workers track predictions as before and do not adopt newer
 * numbers. So a replay that pauses in the middle of a pane does not change how the pane is
 * tracked in partitions that have no event in it yet. */
void lw_engine_hold_tracking(struct lw_engine *e, bool held);
/* A thread met an error that it cannot recover from: the process should stop. */
bool lw_engine_failed(const struct lw_engine *e, struct lw_err *why);

/* The stream as this process knows it. Cheap. Thread: any. */
struct lw_engine_status {
    bool leading;
    bool training;                        /* a training is pending or running */
    int64_t sealed_until_ms;              /* INT64_MIN before the first */
    struct lw_process_counts counts;      /* of this process's workers */
    uint64_t trainings, trainings_failed; /* by this process since it started */
    uint64_t outbox;                      /* pending deliveries, as last seen */
    int partitions;                       /* owned by its workers */
    int64_t polled_ms;     /* monotonic time of the oldest worker's last poll */
    bool stalled;          /* waiting for Redis or for a schema */
    int paused_partitions; /* their next message needs a schema */
    bool registry; /* a schema registry is configured; else the next fields are 0 */
    bool registry_away;
    uint64_t registry_requests, registry_failures;
    bool flow_flushed; /* every partition was flushed since lw_engine_flow */
};
/* host:pid, as in Redis. */
const char *lw_engine_who(const struct lw_engine *e);
struct lw_engine_status lw_engine_status(const struct lw_engine *e);
/* Health of this process and the stream, judged once a second. Thread: any. */
void lw_engine_health(const struct lw_engine *e, struct lw_health *out);
/* What the leader sees of the running stream; false: this process does not lead, or has
 * not looked yet. */
bool lw_engine_live(const struct lw_engine *e, struct lw_live_facts *out);

#endif
