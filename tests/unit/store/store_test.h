/* Shared by the store's tests: a small stream, a connection to a private server, and a
 * partition that takes events by number. */
#ifndef LW_TESTS_UNIT_STORE_STORE_TEST_H
#define LW_TESTS_UNIT_STORE_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/time.h"
#include "store/state.h"
#include "support/redis_server.h"

#define TOPIC "trips"
#define T0    (LW_DAY * 18000) /* a midnight of 2019 */

/* Group fixtures: state becomes the server; exits with 77 if there is no redis-server. */
int group_setup(void **state);
int group_teardown(void **state);

/* One numeric feature "x" (0 .. 1000), one category "zone", panes of an hour, a window
 * "3h". */
struct lw_spec *test_spec(const char *stream);
struct lw_redis *test_connect(const char *url);
/* Returns the reply; fails the test if Redis refuses. */
struct lw_reply *must(struct lw_redis *r, struct lw_reply *reply,
                      const struct lw_err *err);
struct lw_err *test_err(void); /* shared by all calls */
#define MUST(r, ...) must(r, lw_redis_do(r, test_err(), __VA_ARGS__), test_err())
int64_t must_int(struct lw_redis *r, struct lw_reply *reply); /* frees */
char *must_text(struct lw_reply *reply); /* frees; free() the result */

/* Adds events number .. number + n - 1 to the partition at offsets equal to their
 * numbers: one a minute from T0 on, x, zone and target derived from the number; version
 * scores. */
void feed(const struct lw_spec *spec, struct lw_partition *p, int64_t number, int64_t n,
          uint32_t version);
/* All fields of the key, sorted, as one text; binary values in hex. free() it. */
char *dump_hash(struct lw_redis *r, const char *key);
/* Every pane and the parts' progress of the stream, for comparing two runs. */
char *dump_state(struct lw_redis *r, const struct lw_spec *spec, int partitions);

#endif
