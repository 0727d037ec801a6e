/* A stream with all its keys, and the actions of a leader, a worker and the readers of a
 * process on it: for tests of damage and of servers with wrong answers. */
#ifndef LW_TESTS_UNIT_STORE_PROCESS_H
#define LW_TESTS_UNIT_STORE_PROCESS_H

#include "store_test.h"

#include "store/keys.h"

#define SCENE_KEYS_MAX 80
#define SCENE_EVENTS   300 /* one per minute: five panes */
#define SCENE_BEFORE   200 /* read when the scene is created; two panes are sealed */

struct scene {
    struct redis_server *server;
    struct lw_redis *r;
    struct lw_spec *spec;
    struct saved {
        char name[LW_KEY_MAX];
        void *bytes;
        size_t len;
    } key[SCENE_KEYS_MAX];
    size_t n;
    const char *damaged; /* the key */
    char what[200];      /* the damage, for messages */
};

void scene_make(struct scene *s, struct redis_server *server);
void scene_free(struct scene *s); /* also frees s */
/* Restores all keys as they were created, and removes all others. */
void scene_restore(struct scene *s);

/* Leads until the pane of the third hour is sealed, and once (done) promotes a version.
 * These return 0, or -1 with err. */
int process_lead(struct scene *s, bool *done, struct lw_err *err);
/* Claims the partition, reads on to SCENE_EVENTS, and flushes. */
int process_work(struct scene *s, struct lw_err *err);
/* Reads everything that the status page and the commands show. */
int process_look(struct scene *s, struct lw_err *err);

#endif
