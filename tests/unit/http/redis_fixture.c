/* See redis_fixture.h. */
#include "redis_fixture.h"

struct scene *scene_new(void) {
    struct scene *s = lw_calloc(1, sizeof *s);
    s->redis = redis_server_start(NULL);
    if (!s->redis) {
        fprintf(stderr, "skipped: redis-server is not installed\n");
        exit(77);
    }
    s->r = connect_to(redis_server_url(s->redis));
    fixture_load(&s->f, redis_server_url(s->redis));
    put_version(s->r, &s->f.config->spec, 1);
    put_version(s->r, &s->f.config->spec, 2);
    put_champion(s->r, &s->f.config->spec, 1);
    return s;
}

void scene_start(struct scene *s) {
    fixture_start(&s->f);
    wait_version(&s->f, 1);
}

int scene_stop(void **state) {
    struct scene *s = *state;
    fixture_stop(&s->f);
    lw_redis_free(s->r);
    redis_server_stop(s->redis);
    free(s);
    return 0;
}
