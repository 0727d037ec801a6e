/* Predictions over HTTP from a real registry: JSON and Avro, one record and many, errors
 * and their texts, and a promotion during requests. */
#include "redis_fixture.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"
#include "event/codec.h"
#include "event/file.h"

#define PREDICT "/api/v1/predict"

static char why[700];

static int start(void **state) {
    struct scene *s = scene_new();
    scene_start(s);
    *state = s;
    return 0;
}

static json_t *post(struct fixture *f, const char *body, int status) {
    struct http_answer a;
    json_error_t at;
    http_ask(f->port, "POST", PREDICT, JSON, body, &a);
    if (a.status != status)
        fail_msg("%d, wanted %d: %s", a.status, status, a.body);
    json_t *o = json_loads(a.body, 0, &at);
    assert_non_null(o);
    http_answer_fini(&a);
    return o;
}

static double prediction(const json_t *o) {
    const json_t *v = json_object_get(o, "prediction");
    assert_true(json_is_number(v));
    assert_int_equal(json_integer_value(json_object_get(o, "model_version")), 1);
    return json_number_value(v);
}

/* Version 1 has learned minutes = 5 + miles, from whole and half hours alike. */
static void a_record_gets_a_prediction(void **state) {
    struct scene *s = *state;
    json_t *o = post(&s->f, TRIP, 200);
    double v = prediction(o);
    if (fabs(v - 6.5) > 0.7)
        fail_msg("predicted %g", v);
    json_decref(o);
}

static void predictions_are_in_the_order_of_the_records(void **state) {
    struct scene *s = *state;
    json_t *one = post(&s->f, TRIP, 200);
    json_t *o = post(&s->f, "[" TRIP ",\n" TRIP "]", 200);
    json_t *list = json_object_get(o, "predictions");
    assert_int_equal(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(json_equal(json_array_get(list, i), one));
    json_decref(one);
    json_decref(o);
    o = post(&s->f, "[]", 200);
    assert_int_equal(json_array_size(json_object_get(o, "predictions")), 0);
    json_decref(o);
}

/* The same trip in the schema's unit, with all fields of a completed trip. */
static void additional_fields_are_accepted(void **state) {
    struct scene *s = *state;
    json_t *a = post(&s->f, TRIP, 200);
    json_t *b = post(&s->f,
                     "{\"lpep_pickup_datetime\":1590741000000,\"PULocationID\":74,"
                     "\"DOLocationID\":75,\"trip_distance\":1.5,\"passenger_count\":1,"
                     "\"lpep_dropoff_datetime\":1590741600000,\"fare_amount\":-3,"
                     "\"trip_id\":\"x\",\"store_and_fwd_flag\":null}",
                     200);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
}

/* As in a stream: a time in another zone, whole numbers with a decimal point, wider
 * numbers. */
static void forms_that_a_stream_accepts_are_accepted(void **state) {
    struct scene *s = *state;
    static const char *const same[] = {
        "{\"lpep_pickup_datetime\":\"2020-05-29T10:30:00+02:00\",\"PULocationID\":74.0,"
        "\"DOLocationID\":75.0,\"trip_distance\":1.5,\"passenger_count\":1.0}",
        "{\"lpep_pickup_datetime\":1590741000000.0,\"PULocationID\":74,"
        "\"DOLocationID\":75,\"trip_distance\":1.5,\"passenger_count\":{\"int\":1},"
        "\"lpep_dropoff_datetime\":0}"};
    json_t *one = post(&s->f, TRIP, 200);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        json_t *o = post(&s->f, same[i], 200);
        if (prediction(o) != prediction(one))
            fail_msg("%s: %g", same[i], prediction(o));
        json_decref(o);
    }
    json_decref(one);
}

static void errors_name_the_bad_record(void **state) {
    struct scene *s = *state;
    static const struct {
        const char *body, *says;
    } cases[] = {
        {"[" TRIP ",{\"trip_distanc\":1}]",
         "record 1: there is no field \"trip_distanc\"; "
         "did you mean \"trip_distance\"?"},
        {"[" TRIP ",3]", "record 1: a record must be an object"},
        {"{\"lpep_pickup_datetime\":0,\"PULocationID\":\"74\"}",
         "record 0: field \"PULocationID\" must be a number, not \"74\""},
        {"{\"lpep_pickup_datetime\":0,\"PULocationID\":74.5}",
         "field \"PULocationID\": a category must be a whole number: 74.5"},
        {"{\"lpep_pickup_datetime\":\"yesterday\"}",
         "record 0: field \"lpep_pickup_datetime\" must be a time"},
        {"{\"lpep_pickup_datetime\":1e400}", "not valid JSON: line 1"},
        {"{\"lpep_pickup_datetime\":1590741000000,\"PULocationID\":74,\"DOLocationID\":75}",
         "record 0: field \"trip_distance\" is missing"},
        {"{\"lpep_pickup_datetime\":1590741000000,\"PULocationID\":74,\"DOLocationID\":75,"
         "\"trip_distance\":null}",
         "record 0: field \"trip_distance\" must not be null"},
        {"{\"lpep_pickup_datetime\":1590741000000,\"PULocationID\":74,\"DOLocationID\":75,"
         "\"trip_distance\":50}",
         "record 0: it must satisfy trip_distance < 50"},
        {"{\"PULocationID\":1,\"PULocationID\":2}", "not valid JSON"},
        {"3", "not valid JSON"},
        {"nonsense", "not valid JSON"},
        {"[" TRIP, "not valid JSON"},
        {"{\"\xff\":1}", "not valid JSON"},
        {"\"text\"", "not valid JSON"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refused(&s->f, "POST", PREDICT, JSON, cases[i].body, 400, why, sizeof why);
        if (!strstr(why, cases[i].says))
            fail_msg("%s: \"%s\", wanted \"%s\"", cases[i].body, why, cases[i].says);
    }
    refused(&s->f, "POST", PREDICT, JSON, "", 400, why, sizeof why);
    refused(&s->f, "POST", PREDICT, "", TRIP, 415, why, sizeof why);
    refused(&s->f, "POST", PREDICT, "Content-Type: application/jsonp\r\n", TRIP, 415, why,
            sizeof why);
}

static void too_many_records_are_refused(void **state) {
    struct scene *s = *state;
    struct lw_buf body = {0};
    for (int i = 0; i < 10001; i++)
        lw_buf_printf(&body,
                      "%s{\"PULocationID\":1,\"DOLocationID\":1,\"trip_distance\":1,"
                      "\"lpep_pickup_datetime\":0}",
                      i ? "," : "[");
    lw_buf_printf(&body, "]");
    refused(&s->f, "POST", PREDICT, JSON, lw_buf_str(&body), 413, why, sizeof why);
    lw_buf_fini(&body);
}

/* ---- Avro ---- */

static void send_bytes(struct fixture *f, const char *type, const void *data, size_t len,
                       struct http_answer *a) {
    struct http_client c;
    char head[300];
    snprintf(head, sizeof head,
             "POST " PREDICT " HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"
             "Content-Length: %zu\r\n\r\n",
             type, len);
    http_connect(&c, f->port);
    http_say(&c, head);
    http_send(&c, data, len);
    http_answer(&c, a, false);
    http_close(&c);
}

/* The first trips of the bundled file: each alone as a raw record, and all as a file. */
static void avro_records_and_files_are_accepted(void **state) {
    struct scene *s = *state;
    struct lw_err err = {0};
    const uint8_t *data;
    size_t len, n = 0;
    char path[] = "/tmp/leeway-http-XXXXXX";
    struct http_answer a;
    struct lw_buf wanted = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct lw_file *in =
        lw_file_open(LW_SOURCE_DIR "/data/green_2020-03_2020-05.avro", &err);
    assert_non_null(in);
    struct lw_file_writer *out = lw_file_create(path, lw_file_schema_json(in), &err);
    assert_non_null(out);
    lw_buf_printf(&wanted, "{\"predictions\":[");
    while (n < 20 && lw_file_next(in, &data, &len, &err) == 1) {
        send_bytes(&s->f, "avro/binary", data, len, &a);
        if (a.status == 200) { /* some distances are invalid */
            assert_int_equal(lw_file_append(out, data, len, &err), 0);
            lw_buf_printf(&wanted, "%s%.*s", n ? "," : "", (int)a.len - 1, a.body);
            n++;
        }
        http_answer_fini(&a);
    }
    lw_buf_printf(&wanted, "]}\n");
    assert_int_equal(lw_file_finish(out, &err), 0);
    char *file = lw_read_file(path, 1 << 20, &len, &err);
    assert_non_null(file);
    send_bytes(&s->f, "application/vnd.apache.avro", file, len, &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, lw_buf_str(&wanted));
    http_answer_fini(&a);
    send_bytes(&s->f, "application/vnd.apache.avro", file, len - 40, &a); /* cut short */
    assert_int_equal(a.status, 400);
    http_answer_fini(&a);
    send_bytes(&s->f, "avro/binary", "\x02\x03", 2, &a);
    assert_int_equal(a.status, 400);
    assert_non_null(strstr(a.body, "record 0: field"));
    http_answer_fini(&a);
    free(file);
    lw_file_close(in);
    lw_buf_fini(&wanted);
    close(fd);
    unlink(path);
}

static void put_varint(struct lw_buf *out, uint64_t v) {
    for (; v >= 0x80; v >>= 7)
        lw_buf_u8(out, (uint8_t)(v | 0x80));
    lw_buf_u8(out, (uint8_t)v);
}

static void put_long(struct lw_buf *out, int64_t v) {
    put_varint(out, (uint64_t)v << 1);
}

/* A container with one block, `packed`, which claims to have one record. */
static void put_container(struct lw_buf *out, const char *codec, const void *packed,
                          size_t len, const char *schema) {
    static const char sync[] = "0123456789abcdef";
    lw_buf_clear(out);
    lw_buf_put(out, "Obj\1\4\26avro.schema", 17);
    put_long(out, (int64_t)strlen(schema));
    lw_buf_put(out, schema, strlen(schema));
    lw_buf_put(out, "\24avro.codec", 11);
    put_long(out, (int64_t)strlen(codec));
    lw_buf_put(out, codec, strlen(codec));
    lw_buf_u8(out, 0);
    lw_buf_put(out, sync, 16);
    put_long(out, 1);
    put_long(out, (int64_t)len);
    lw_buf_put(out, packed, len);
    lw_buf_put(out, sync, 16);
}

/* http.body_max also limits a decompressed container, for each codec. */
static void a_bomb_is_refused(void **state) {
    struct scene *s = *state;
    const char *schema = lw_schema_json(s->f.config->source.schema);
    size_t max = (size_t)s->f.config->http.body_max, bound = 8 * max;
    struct lw_codec *codec = lw_codec_new("deflate", NULL);
    struct lw_buf body = {0}, packed = {0}, snappy = {0};
    for (size_t n = bound; n <= bound + 1; n++) {
        uint8_t *zeros = lw_calloc(n, 1);
        struct http_answer a;
        lw_codec_pack(codec, zeros, n, &packed);
        put_container(&body, "deflate", packed.data, packed.len, schema);
        assert_true(body.len < max / 16);
        send_bytes(&s->f, "application/vnd.apache.avro", body.data, body.len, &a);
        assert_int_equal(a.status, n > bound ? 413 : 400); /* zeros are not a trip */
        assert_true((strstr(a.body, "inflates to more than 8 times") != NULL) ==
                    (n > bound));
        http_answer_fini(&a);
        free(zeros);
    }
    /* snappy: a zero, and copies of 64 bytes from one back */
    put_varint(&snappy, 1 + 64 * (bound / 64));
    lw_buf_put(&snappy, "\0\0", 2);
    for (size_t i = 0; i < bound / 64; i++)
        lw_buf_put(&snappy, "\xfe\1\0", 3);
    lw_buf_put(&snappy, "\0\0\0\0", 4);
    put_container(&body, "snappy", snappy.data, snappy.len, schema);
    struct http_answer a;
    send_bytes(&s->f, "application/vnd.apache.avro", body.data, body.len, &a);
    assert_int_equal(a.status, 413);
    http_answer_fini(&a);
    lw_buf_fini(&body);
    lw_buf_fini(&packed);
    lw_buf_fini(&snappy);
    lw_codec_free(codec);
}

/* ---- a promotion during requests ---- */

struct asker {
    struct fixture *f;
    atomic_bool *stop;
    uint64_t asked, failed, by_version[3];
};

static void *ask_on(void *arg) {
    struct asker *k = arg;
    struct http_client c;
    char request[700];
    snprintf(request, sizeof request,
             "POST " PREDICT " HTTP/1.1\r\nHost: localhost\r\n" JSON
             "Content-Length: %zu\r\n\r\n" TRIP,
             strlen(TRIP));
    http_connect(&c, k->f->port);
    while (!atomic_load(k->stop)) {
        struct http_answer a;
        http_say(&c, request);
        http_answer(&c, &a, false);
        const char *version = a.body ? strstr(a.body, "\"model_version\":") : NULL;
        long v = version ? strtol(version + 16, NULL, 10) : 0;
        k->asked++;
        k->failed += a.status != 200 || v < 1 || v > 2;
        k->by_version[v >= 1 && v <= 2 ? v : 0]++;
        bool gone = a.closed;
        http_answer_fini(&a);
        if (gone)
            break;
    }
    http_close(&c);
    return NULL;
}

static void a_promotion_fails_no_request(void **state) {
    struct scene *s = *state;
    enum { ASKERS = 4 };
    struct asker k[ASKERS];
    pthread_t thread[ASKERS];
    atomic_bool stop_asking = false;
    for (int i = 0; i < ASKERS; i++) {
        k[i] = (struct asker){.f = &s->f, .stop = &stop_asking};
        assert_int_equal(pthread_create(&thread[i], NULL, ask_on, &k[i]), 0);
    }
    for (int i = 0; i < 6; i++) { /* back and forth */
        put_champion(s->r, &s->f.config->spec, i % 2 ? 1 : 2);
        wait_version(&s->f, i % 2 ? 1 : 2);
    }
    atomic_store(&stop_asking, true);
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(k[i].failed, 0);
        assert_true(k[i].by_version[1] > 0 && k[i].by_version[2] > 0);
    }
}

static void announce_tracking(struct scene *s, const char *text) {
    struct lw_cmd *c = lw_cmd_new();
    struct lw_err err = {0};
    lw_cmd_str(c, "HSET");
    lw_cmd_str(c, "leeway:{nyc-green}:monitor");
    lw_cmd_str(c, "tracking");
    lw_cmd_str(c, text);
    struct lw_reply *reply = lw_redis_call(s->r, c, &err);
    assert_non_null(reply);
    lw_reply_free(reply);
    lw_cmd_free(c);
}

/* The answer to TRIP, once it is `shift` above the plain prediction. */
static json_t *answer_shifted(struct scene *s, double shift) {
    for (int i = 0; i < 200; i++) {
        json_t *o = post(&s->f, TRIP, 200);
        double untracked = json_number_value(json_object_get(o, "untracked"));
        if (fabs(prediction(o) - untracked - shift) < 1e-9)
            return o;
        json_decref(o);
        lw_sleep_ms(50);
    }
    fail_msg("no answer is shifted by %g", shift);
    return NULL;
}

static void the_answer_is_tracked_where_that_is_served(void **state) {
    struct scene *s = *state;
    json_t *plain = answer_shifted(s, 0);
    double v = prediction(plain);
    json_decref(plain);
    announce_tracking(s, "served 1 2 0.5 5");
    json_t *o = answer_shifted(s, 2 + .5 * (v - 5));
    assert_true(json_number_value(json_object_get(o, "untracked")) == v);
    json_decref(o);
    json_t *now = ask_json(&s->f, "/api/v1/now", 200);
    const json_t *tracking = json_object_get(now, "tracking");
    assert_true(json_is_true(json_object_get(tracking, "served")));
    assert_true(json_number_value(json_object_get(tracking, "shift")) == 2);
    assert_true(json_number_value(json_object_get(tracking, "slope")) == .5);
    json_decref(now);
    announce_tracking(s, "served 1 2 nan 5"); /* damaged: the last one stays */
    lw_sleep_ms(1100);
    json_decref(answer_shifted(s, 2 + .5 * (v - 5)));
    announce_tracking(s, "served 1 100000 0 5"); /* inside the target's range */
    double most = s->f.config->spec.event.target_hi;
    json_decref(answer_shifted(s, most - v));
    announce_tracking(s, "served 2 3 0 5"); /* of another version */
    json_decref(answer_shifted(s, 0));
    announce_tracking(s, "shadow 1 2 0.5 5");
    lw_sleep_ms(1100);
    json_decref(answer_shifted(s, 0));
    announce_tracking(s, "");
}

static void an_unusable_version_leaves_the_last_one_active(void **state) {
    struct scene *s = *state;
    struct lw_err err = {0};
    struct lw_reply *reply = lw_redis_do(
        s->r, &err, "HSET leeway:{nyc-green}:model:3 version 3 status candidate model x");
    assert_non_null(reply);
    lw_reply_free(reply);
    put_champion(s->r, &s->f.config->spec, 3);
    lw_sleep_ms(1500);
    json_decref(post(&s->f, TRIP, 200));
    put_champion(s->r, &s->f.config->spec, 1);
    wait_version(&s->f, 1);
}

static void predictions_continue_without_redis(void **state) {
    struct scene *s = *state;
    redis_server_kill(s->redis);
    for (int i = 0; i < 100; i++) {
        json_t *o = ask_json(&s->f, "/api/v1/now", 200);
        const char *redis =
            json_string_value(json_object_get(json_object_get(o, "health"), "redis"));
        bool away = redis && strcmp(redis, "away") == 0;
        json_decref(o);
        if (away)
            break;
        lw_sleep_ms(50);
        assert_true(i < 99);
    }
    json_decref(post(&s->f, TRIP, 200));
    json_decref(ask_json(&s->f, "/api/v1/models", 503));
    redis_server_restart(s->redis);
    for (int i = 0; i < 100; i++) {
        struct http_answer a;
        http_ask(s->f.port, "GET", "/api/v1/models", "", NULL, &a);
        bool back = a.status == 200;
        http_answer_fini(&a);
        if (back)
            return;
        lw_sleep_ms(50);
    }
    fail_msg("Redis is back, but models are not loaded");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_gets_a_prediction),
        cmocka_unit_test(predictions_are_in_the_order_of_the_records),
        cmocka_unit_test(additional_fields_are_accepted),
        cmocka_unit_test(forms_that_a_stream_accepts_are_accepted),
        cmocka_unit_test(errors_name_the_bad_record),
        cmocka_unit_test(too_many_records_are_refused),
        cmocka_unit_test(avro_records_and_files_are_accepted),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(the_answer_is_tracked_where_that_is_served),
        cmocka_unit_test(a_promotion_fails_no_request),
        cmocka_unit_test(an_unusable_version_leaves_the_last_one_active),
        cmocka_unit_test(predictions_continue_without_redis),
    };
    return cmocka_run_group_tests(tests, start, scene_stop);
}
