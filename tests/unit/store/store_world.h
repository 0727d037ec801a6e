/* A full stream, and every write operation of the store on it. */
#ifndef LW_TESTS_UNIT_STORE_STORE_WORLD_H
#define LW_TESTS_UNIT_STORE_STORE_WORLD_H

#include "store/evaluation.h"
#include "store/lease.h"
#include "store/outbox.h"
#include "store_test.h"

#define STREAM "atomic"
#define NOW    INT64_C(1700000000000)

/* What the actions need, as read from the new stream. */
struct world {
    struct redis_server *server;
    struct lw_redis *admin, *user;
    struct lw_spec *spec;
    struct lw_lease lease;
    uint64_t epoch;
    int64_t sealed_until;
    struct lw_monitor *monitor; /* has sealed one pane more than is written */
    struct lw_evaluation e;
    struct lw_delivery delivery;
    char entry[40], parked[40], silence[16];
    struct lw_err err;
};

/* Fills the database through w->admin; w->user and w->spec must be set. */
void world_build(struct world *w);

struct world_action {
    const char *name;
    int (*act)(struct world *w); /* through w->user; 0, or -1 with w->err */
    bool promotes;
};
extern const struct world_action world_action[];
extern const size_t world_actions;

#endif
