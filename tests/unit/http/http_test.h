/* Shared by the tests of the server: the bundled configuration as a separate stream, a
 * server on a free port, and a registry and an evaluation in Redis. */
#ifndef LW_TESTS_UNIT_HTTP_HTTP_TEST_H
#define LW_TESTS_UNIT_HTTP_HTTP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "base/time.h"
#include "http/server.h"
#include "support/http_client.h"

#define TOKEN "correct-horse-battery-staple"
#define T0    INT64_C(1590969600000) /* 2020-06-01 */
#define JSON  "Content-Type: application/json\r\n"
#define AUTH  "Authorization: Bearer " TOKEN "\r\n"
/* A trip before its end: without the fields that are known only afterwards. */
#define TRIP                                                                             \
    "{\"lpep_pickup_datetime\":\"2020-05-29T08:30:00\",\"PULocationID\":74,"             \
    "\"DOLocationID\":75,\"trip_distance\":1.5,\"passenger_count\":1}"

struct fixture {
    struct lw_config *config;
    struct lw_vitals vitals; /* the state of the process */
    struct lw_server *server;
    int port;
    char token_path[64];
};

/* redis: a URL. The configuration can be changed before fixture_start. */
void fixture_load(struct fixture *f, const char *redis);
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);
/* Writes the file of the token. */
void fixture_token(struct fixture *f, const char *text);

/* The answer's body as JSON; fails the test if it is not JSON. json_decref it. */
json_t *ask_json(struct fixture *f, const char *path, int status);
/* Sends one request whose answer must have that status; its error text goes to out. */
void refused(struct fixture *f, const char *method, const char *path, const char *headers,
             const char *body, int status, char *out, size_t size);

struct lw_redis *connect_to(const char *url);
/* A version with a model fitted on rows that depend on its number, and its reference. */
void put_version(struct lw_redis *r, const struct lw_spec *spec, uint32_t version);
/* Makes it champion with the store's own scripts. */
void put_champion(struct lw_redis *r, const struct lw_spec *spec, uint32_t version);
/* meta, now, windows, and n entries of history, an hour apart, the last one at T0. */
void put_evaluations(struct lw_redis *r, const struct lw_spec *spec, int n);
/* Waits until the server predicts with that version. */
void wait_version(struct fixture *f, uint32_t version);

#endif
