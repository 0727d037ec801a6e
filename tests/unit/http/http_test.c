/* See http_test.h. */
#include "http_test.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/text.h"
#include "core/reference.h"
#include "model/dataset.h"
#include "model/fit.h"
#include "store/keys.h"
#include "store/models.h"

#define ROWS 2000

static void vitals(void *arg, struct lw_vitals *out) {
    const struct fixture *f = arg;
    *out = f->vitals;
}

void fixture_load(struct fixture *f, const char *redis) {
    struct lw_err err = {0};
    *f = (struct fixture){.vitals = {.code = "test", .who = "host:1", .started = true}};
    setenv("LEEWAY_REDIS", redis, 1);
    setenv("LEEWAY_LISTEN", "127.0.0.1:0", 1);
    f->config = lw_config_load(LW_SOURCE_DIR "/configs/nyc-green.yaml", &err);
    if (!f->config)
        fail_msg("%s", err.msg);
    f->config->spec.pane_ms = LW_HOUR; /* put_evaluations has one an hour */
    f->config->redis.timeout_ms = 500;
    f->config->redis.retry_max_ms = 200;
    snprintf(f->token_path, sizeof f->token_path, "/tmp/leeway-http-token.%d",
             (int)getpid());
}

void fixture_start(struct fixture *f) {
    struct lw_err err = {0};
    struct lw_server_options options = {.config = f->config, .arg = f, .vitals = vitals};
    f->server = lw_server_start(&options, &err);
    if (!f->server)
        fail_msg("%s", err.msg);
    char address[300];
    lw_server_address(f->server, address, sizeof address);
    f->port = atoi(strrchr(address, ':') + 1);
}

void fixture_stop(struct fixture *f) {
    lw_server_stop(f->server);
    lw_config_free(f->config);
    unlink(f->token_path);
}

void fixture_token(struct fixture *f, const char *text) {
    struct lw_err err = {0};
    assert_int_equal(lw_write_file(f->token_path, text, strlen(text), &err), 0);
    lw_copy(f->config->http.token_file, sizeof f->config->http.token_file, f->token_path);
}

json_t *ask_json(struct fixture *f, const char *path, int status) {
    struct http_answer a;
    json_error_t at;
    http_ask(f->port, "GET", path, "", NULL, &a);
    json_t *o = a.body ? json_loads(a.body, 0, &at) : NULL;
    if (a.status != status || !o)
        fail_msg("GET %s: %d, wanted %d: %s", path, a.status, status,
                 a.body ? a.body : "(nothing)");
    http_answer_fini(&a);
    return o;
}

void refused(struct fixture *f, const char *method, const char *path, const char *headers,
             const char *body, int status, char *out, size_t size) {
    struct http_answer a;
    json_error_t at;
    http_ask(f->port, method, path, headers, body, &a);
    json_t *o = a.body ? json_loads(a.body, 0, &at) : NULL;
    const char *text = json_string_value(json_object_get(o, "error"));
    if (a.status != status || !text)
        fail_msg("%s %s: %d, wanted %d: %s", method, path, a.status, status,
                 a.body ? a.body : "(nothing)");
    lw_copy(out, size, text);
    json_decref(o);
    http_answer_fini(&a);
}

struct lw_redis *connect_to(const char *url) {
    struct lw_redis_options o = {.timeout_ms = 20000, .retry_max_ms = 200};
    struct lw_err err = {0};
    lw_copy(o.url, sizeof o.url, url);
    struct lw_redis *r = lw_redis_new(&o, &err);
    assert_non_null(r);
    return r;
}

static void call(struct lw_redis *r, struct lw_cmd *c) {
    struct lw_err err = {0};
    struct lw_reply *reply = lw_redis_call(r, c, &err);
    if (!reply)
        fail_msg("%s", err.msg);
    lw_reply_free(reply);
}

/* ---- a version ---- */

/* Trips whose minutes are `slope` times their miles plus 5, on the days before T0. */
static void make_rows(const struct lw_spec *spec, double slope, struct lw_dataset *ds,
                      struct lw_pane *pane) {
    const struct lw_fields *fields = &spec->event.fields;
    struct lw_cell cells[LW_FIELDS_MAX], watched[LW_FEATURES_MAX + 1];
    struct lw_rng rng;
    lw_rng_seed(&rng, 7);
    for (int i = 0; i < ROWS; i++) {
        struct lw_row row = {.cells = cells};
        double miles = 0.5 + 8 * lw_rng_unit(&rng);
        for (size_t k = 0; k < fields->n; k++)
            cells[k] = lw_cell_missing();
        row.time_ms = T0 - ROWS * LW_MINUTE + i * LW_MINUTE;
        row.target = 5 + slope * miles;
        cells[lw_fields_find(fields, "lpep_pickup_datetime")] =
            lw_cell_int(row.time_ms - 10 * LW_MINUTE);
        cells[lw_fields_find(fields, "PULocationID")] =
            lw_cell_int(74 + (int64_t)lw_rng_below(&rng, 3));
        cells[lw_fields_find(fields, "DOLocationID")] =
            lw_cell_int(41 + (int64_t)lw_rng_below(&rng, 3));
        cells[lw_fields_find(fields, "trip_distance")] = lw_cell_num(miles);
        cells[lw_fields_find(fields, "passenger_count")] = lw_cell_num(1 + i % 2);
        lw_dataset_add(ds, &row);
        lw_spec_watch(spec, &row, watched);
        const struct lw_pane_event event = {i, watched, LW_GOOD, row.target, NULL, 0};
        lw_pane_buffer(pane, &event);
    }
    lw_pane_drain(pane);
    lw_dataset_sort(ds);
}

static void encode(const struct lw_spec *spec, uint32_t version, struct lw_buf *model,
                   struct lw_buf *reference) {
    struct lw_err err = {0};
    struct lw_fit_report report = {0};
    struct lw_dataset *ds = lw_dataset_new(spec->train);
    struct lw_pane *pane = lw_pane_new(spec, T0 - LW_DAY, 1);
    make_rows(spec, version, ds, pane);
    struct lw_model *m =
        lw_fit(&(struct lw_fit_rows){.ds = ds, .end = ROWS, .as_of_ms = T0},
               &spec->candidate[0], &report, &err);
    if (!m || lw_model_encode(m, model, &err))
        fail_msg("%s", err.msg);
    struct lw_reference *ref = lw_reference_new(spec);
    ref->version = version;
    ref->events = ROWS;
    lw_profile_merge(ref->profile, pane->profile);
    lw_reference_write(ref, reference);
    lw_reference_free(ref);
    lw_model_free(m);
    lw_pane_free(pane);
    lw_dataset_free(ds);
}

void put_version(struct lw_redis *r, const struct lw_spec *spec, uint32_t version) {
    struct lw_buf model = {0}, reference = {0};
    char text[600];
    encode(spec, version, &model, &reference);
    snprintf(text, sizeof text,
             "{\"candidate\":\"plain\",\"kind\":\"ridge\",\"heldout_error\":%u.5,"
             "\"gate\":{\"champion_error\":%d},\"lineage\":{\"rows\":2000}}",
             version, version > 1 ? 9 : 0);
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "model:%u", version);
    const char *const fields[][2] = {{"status", "candidate"},
                                     {"reason", "a test"},
                                     {"verdict", "good enough"},
                                     {"facts", text},
                                     {"created", "1700000000000"}};
    lw_cmd_str(c, "version");
    lw_cmd_uint(c, version);
    lw_cmd_str(c, "parent");
    lw_cmd_uint(c, version - 1);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        lw_cmd_str(c, fields[i][0]);
        lw_cmd_str(c, fields[i][1]);
    }
    lw_cmd_str(c, "model");
    lw_cmd_arg(c, model.data, model.len);
    call(r, c);
    lw_cmd_clear(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "reference:%u", version);
    lw_cmd_str(c, "profile");
    lw_cmd_arg(c, reference.data, reference.len);
    call(r, c);
    lw_cmd_clear(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "models");
    lw_cmd_str(c, "next");
    lw_cmd_uint(c, version + 1);
    call(r, c);
    lw_cmd_free(c);
    lw_buf_fini(&model);
    lw_buf_fini(&reference);
}

void put_champion(struct lw_redis *r, const struct lw_spec *spec, uint32_t version) {
    struct lw_err err = {0};
    if (lw_models_promote(r, spec,
                          &(struct lw_promotion){version, "test", "a test", NULL}, &err))
        fail_msg("%s", err.msg);
}

void wait_version(struct fixture *f, uint32_t version) {
    char wanted[64];
    struct http_answer a;
    snprintf(wanted, sizeof wanted, "\"model_version\":%u}", version);
    for (int i = 0; i < 200; i++) {
        http_ask(f->port, "POST", "/api/v1/predict", JSON, TRIP, &a);
        bool there = a.status == 200 && strstr(a.body, wanted);
        http_answer_fini(&a);
        if (there)
            return;
        lw_sleep_ms(50);
    }
    fail_msg("version %u does not answer", version);
}

/* ---- evaluations ---- */

static void put_figures(struct lw_cmd *c, const struct lw_spec *spec, int64_t at, int i) {
    static const char *const model[] = {
        "n", "rmse", "rmse_expected", "rmse_ratio", "mae", "bias", "r2", "events"};
    static const char *const drift[] = {"psi",     "js",           "drift",
                                        "missing", "out_of_range", "unseen"};
    char name[200];
    lw_cmd_str(c, "at");
    lw_cmd_int(c, at);
    lw_cmd_str(c, "champion");
    lw_cmd_int(c, 1);
    lw_cmd_str(c, "champion_age_hours");
    lw_cmd_int(c, i);
    for (size_t w = 0; w < spec->nwindows; w++) {
        for (size_t k = 0; k < sizeof model / sizeof *model; k++) {
            snprintf(name, sizeof name, "%s:%s", spec->window[w].name, model[k]);
            lw_cmd_str(c, name);
            lw_cmd_f64(c, (double)i + (double)k / 8);
        }
        for (size_t f = 0; f < spec->nfeatures + 2; f++)
            for (size_t k = 0; k < sizeof drift / sizeof *drift; k++) {
                const char *of = f < spec->nfeatures    ? spec->feature[f].name
                                 : f == spec->nfeatures ? "target"
                                                        : "prediction";
                snprintf(name, sizeof name, "%s:%s:%s", spec->window[w].name, drift[k],
                         of);
                lw_cmd_str(c, name);
                lw_cmd_f64(c, k == 2 ? 1 : (double)k / 10);
            }
    }
}

static void put_window(struct lw_redis *r, const struct lw_spec *spec) {
    struct lw_kll *kll = lw_kll_new(200, 1);
    uint8_t bytes[8192];
    for (int i = 0; i < 1000; i++)
        lw_kll_update(kll, i / 100.0);
    size_t len = lw_kll_write(kll, bytes);
    struct lw_cmd *c = lw_cmd_new();
    lw_cmd_str(c, "SET");
    lw_key_arg(c, spec, "window:week:trip_distance");
    lw_cmd_arg(c, bytes, len);
    call(r, c);
    lw_kll_free(kll);
    struct lw_cats *cats = lw_cats_new(64);
    lw_cats_add_int(cats, 74, 90);
    lw_cats_add_int(cats, 200, 10); /* not in the reference */
    lw_cats_add_missing(cats, 100);
    len = lw_cats_write(cats, bytes);
    lw_cmd_clear(c);
    lw_cmd_str(c, "SET");
    lw_key_arg(c, spec, "window:week:PULocationID");
    lw_cmd_arg(c, bytes, len);
    call(r, c);
    lw_cats_free(cats);
    lw_cmd_free(c);
}

void put_evaluations(struct lw_redis *r, const struct lw_spec *spec, int n) {
    struct lw_cmd *c = lw_cmd_new();
    char id[32];
    for (int i = 1; i <= n; i++) {
        int64_t at = T0 - (n - i) * LW_HOUR;
        lw_cmd_clear(c);
        lw_cmd_str(c, "XADD");
        lw_key_arg(c, spec, "history");
        snprintf(id, sizeof id, "%" PRId64 "-0", at);
        lw_cmd_str(c, id);
        put_figures(c, spec, at, i);
        call(r, c);
    }
    lw_cmd_clear(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "now");
    put_figures(c, spec, T0, n);
    lw_cmd_str(c, "week:shift:trip_distance");
    lw_cmd_str(c, "median 1.9 → 2.6 (× 1.37)");
    call(r, c);
    lw_cmd_clear(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "meta");
    lw_cmd_str(c, "partitions");
    lw_cmd_int(c, 2);
    call(r, c);
    lw_cmd_clear(c);
    lw_cmd_str(c, "HSET");
    lw_key_arg(c, spec, "part:green-trips:0");
    const char *const part[][2] = {{"next_offset", "90"},
                                   {"end_offset", "100"},
                                   {"watermark", "1590969600000"},
                                   {"owner", "a:1:0"},
                                   {"messages", "90"},
                                   {"good", "80"},
                                   {"rejected", "8"},
                                   {"dead_lettered", "2"},
                                   {"late", "1"},
                                   {"updated", "1700000000000"}};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        lw_cmd_str(c, part[i][0]);
        lw_cmd_str(c, part[i][1]);
    }
    call(r, c);
    lw_cmd_free(c);
    put_window(r, spec);
}
