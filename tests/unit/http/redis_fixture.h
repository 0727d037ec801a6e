/* A server with its own Redis, which has two versions of a model. */
#ifndef LW_TESTS_UNIT_HTTP_REDIS_FIXTURE_H
#define LW_TESTS_UNIT_HTTP_REDIS_FIXTURE_H

#include "http_test.h"
#include "support/redis_server.h"

struct scene {
    struct redis_server *redis;
    struct lw_redis *r;
    struct fixture f;
};

/* Versions 1 (champion) and 2 in a new Redis; the configuration is loaded, and the server
 * does not run yet. Without a redis-server the process exits with 77 (skipped). */
struct scene *scene_new(void);
/* Starts the server and waits until it predicts with version 1. */
void scene_start(struct scene *s);
/* A group's teardown: *state is the scene. */
int scene_stop(void **state);

#endif
