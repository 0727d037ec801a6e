/* The parts of `leeway demo`. */
#ifndef LW_CLI_DEMO_H
#define LW_CLI_DEMO_H

#include <pthread.h>

#include "cli/cli.h"
#include "core/monitor.h"
#include "core/run_summary.h"

/* ---- a private redis-server on a free port, killed with this process ---- */
struct lw_demo_redis;
struct lw_demo_redis *lw_demo_redis_start(const char *directory, struct lw_err *err);
void lw_demo_redis_stop(struct lw_demo_redis *r);
int lw_demo_redis_port(const struct lw_demo_redis *r);
/* A TCP port that is free now. */
int lw_demo_free_port(void);

/* ---- a webhook receiver ---- */
struct lw_demo_webhook;
struct lw_demo_webhook *lw_demo_webhook_start(void (*received)(void *arg,
                                                               const char *body),
                                              void *arg, struct lw_err *err);
void lw_demo_webhook_stop(struct lw_demo_webhook *w);
int lw_demo_webhook_port(const struct lw_demo_webhook *w);

/* ---- the screen: redrawn on a terminal, plain lines elsewhere ---- */
struct lw_demo_screen;
/* live: redraw in place. */
struct lw_demo_screen *lw_demo_screen_new(const struct lw_spec *spec, FILE *out,
                                          bool live);
void lw_demo_screen_free(struct lw_demo_screen *s);
/* Any thread. */
void lw_demo_screen_say(struct lw_demo_screen *s, int64_t at_ms, const char *what,
                        const char *text);
void lw_demo_screen_evaluated(struct lw_demo_screen *s, const struct lw_evaluation *e);
/* Main thread, about ten times a second. */
void lw_demo_screen_draw(struct lw_demo_screen *s, uint64_t events, uint64_t outbox,
                         bool training);
/* Ends the screen; later output appears below it. */
void lw_demo_screen_end(struct lw_demo_screen *s);

#endif
