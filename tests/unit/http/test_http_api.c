/* Read requests of the API, against a real Redis with the documented contents. */
#include "redis_fixture.h"
#include "store/requests.h"
#include "support/toy_task.h"

#include <math.h>
#include <unistd.h>

static char why[700];

static void assert_near(double got, double want, double within) {
    if (!(fabs(got - want) <= within))
        fail_msg("%.17g, wanted %.17g", got, want);
}

static int start(void **state) {
    struct scene *s = scene_new();
    put_evaluations(s->r, &s->f.config->spec, 500);
    fixture_token(&s->f, TOKEN "\n");
    scene_start(s);
    *state = s;
    return 0;
}

static json_int_t whole(const json_t *o, const char *name) {
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v))
        fail_msg("%s is not a whole number", name);
    return json_integer_value(v);
}

static double number(const json_t *o, const char *name) {
    const json_t *v = json_object_get(o, name);
    if (!json_is_number(v))
        fail_msg("%s is not a number", name);
    return json_number_value(v);
}

static const char *text(const json_t *o, const char *name) {
    const char *v = json_string_value(json_object_get(o, name));
    if (!v)
        fail_msg("%s is not text", name);
    return v;
}

/* ---- ready ---- */

static void be_well(struct fixture *f) {
    f->vitals.health.looked_ms = lw_mono_ms();
    f->vitals.health.ntroubles = 0;
    for (int c = 0; c < LW_COMPONENTS; c++)
        f->vitals.health.item[c] = (struct lw_health_item){.condition = LW_WELL};
}

static bool scraped(struct fixture *f, const char *line) {
    struct http_answer a;
    http_ask(f->port, "GET", "/metrics", "", NULL, &a);
    bool found = strstr(a.body, line) != NULL;
    http_answer_fini(&a);
    return found;
}

/* Each failing component is named with its text and start; an unknown state is not ready,
 * and no metric reports it as working. */
static void each_failing_component_is_named(void **state) {
    struct scene *s = *state;
    struct fixture *f = &s->f;
    char line[100];
    be_well(f);
    json_decref(ask_json(f, "/readyz", 200));
    assert_true(scraped(f, "\nleeway_ready 1\n"));
    for (int c = 0; c < LW_COMPONENTS; c++) {
        const char *name = lw_health_component_name((enum lw_component)c);
        be_well(f);
        f->vitals.health.item[c] = (struct lw_health_item){
            .condition = LW_ILL, .since_ms = T0, .text = "it \"broke\""};
        json_t *o = ask_json(f, "/readyz", 503);
        json_t *failing = json_object_get(o, "failing");
        assert_int_equal(json_array_size(failing), 1);
        json_t *one = json_array_get(failing, 0);
        assert_string_equal(text(one, "component"), name);
        assert_string_equal(text(one, "text"), "it \"broke\"");
        assert_int_equal(whole(one, "since_ms"), T0);
        assert_true(json_is_true(json_object_get(one, "known")));
        const char *reason =
            json_string_value(json_array_get(json_object_get(o, "reasons"), 0));
        assert_non_null(strstr(reason, name));
        assert_non_null(strstr(reason, "since 2020-06-01T00:00:00Z"));
        json_decref(o);
        snprintf(line, sizeof line, "\nleeway_component_ok{component=\"%s\"} 0\n", name);
        assert_true(scraped(f, line));
        assert_true(scraped(f, "\nleeway_ready 0\n"));
        json_decref(ask_json(f, "/healthz", 200)); /* not a reason to restart */
        f->vitals.health.item[c] = (struct lw_health_item){.condition = LW_UNKNOWN};
        o = ask_json(f, "/readyz", 503);
        one = json_array_get(json_object_get(o, "failing"), 0);
        assert_true(json_is_false(json_object_get(one, "known")));
        assert_true(json_is_null(json_object_get(one, "since_ms")));
        json_decref(o);
        snprintf(line, sizeof line, "leeway_component_ok{component=\"%s\"}", name);
        assert_false(scraped(f, line));
    }
    be_well(f);
}

static void other_processes_problems_are_warnings(void **state) {
    struct scene *s = *state;
    struct lw_health *h = &s->f.vitals.health;
    be_well(&s->f);
    h->ntroubles = 2;
    h->trouble[0] =
        (struct lw_trouble){LW_COMPONENT_DEAD_LETTERS, T0, "other:7", "no \x1b[31m"};
    h->trouble[1] = (struct lw_trouble){LW_COMPONENT_KAFKA, T0, "host:1", "ours"};
    json_t *o = ask_json(&s->f, "/readyz", 200);
    json_t *warnings = json_object_get(o, "warnings");
    assert_int_equal(json_array_size(warnings), 1);
    const char *warning = json_string_value(json_array_get(warnings, 0));
    assert_non_null(strstr(warning, "other:7: letters: no "));
    assert_null(strchr(warning, '\x1b'));
    json_decref(o);
    o = ask_json(&s->f, "/api/v1/now", 200);
    json_t *health = json_object_get(o, "health");
    assert_int_equal(json_array_size(json_object_get(health, "problems")), 2);
    assert_true(json_is_true(json_object_get(health, "ready")));
    json_decref(o);
    be_well(&s->f);
}

static void now_is_the_newest_evaluation(void **state) {
    struct scene *s = *state;
    json_t *o = ask_json(&s->f, "/api/v1/now", 200);
    assert_string_equal(text(o, "stream"), "nyc-green");
    assert_int_equal(whole(o, "at_ms"), T0);
    json_t *task = json_object_get(o, "task");
    assert_string_equal(text(task, "name"), "regression");
    assert_string_equal(text(task, "error"), "rmse");
    assert_string_equal(text(task, "label"), "RMSE");
    json_t *champion = json_object_get(o, "champion");
    assert_int_equal(whole(champion, "version"), 1);
    assert_string_equal(text(champion, "kind"), "ridge");
    json_t *windows = json_object_get(o, "windows");
    assert_int_equal(json_array_size(windows), 3);
    json_t *w = json_array_get(windows, 2);
    assert_string_equal(text(w, "name"), "week");
    assert_int_equal(whole(w, "n"), 500);
    assert_near(number(w, "rmse"), 500.125, 1e-9);
    assert_true(json_is_null(json_object_get(w, "rmse_first"))); /* absent: unknown */
    json_t *features = json_object_get(w, "features");
    assert_int_equal(json_array_size(features), 7);
    json_t *distance = json_array_get(features, 2);
    assert_string_equal(text(distance, "name"), "trip_distance");
    assert_true(json_is_true(json_object_get(distance, "drift")));
    assert_near(number(distance, "js"), 0.1, 1e-9);
    assert_true(json_is_null(json_object_get(distance, "shifted"))); /* no field */
    assert_string_equal(text(distance, "shift"), "median 1.9 → 2.6 (× 1.37)");
    assert_true(json_is_null(json_object_get(json_array_get(features, 1), "shift")));
    json_t *health = json_object_get(o, "health");
    assert_string_equal(text(health, "redis"), "ok");
    assert_true(json_is_null(json_object_get(health, "leader")));
    assert_int_equal(whole(health, "processes"), 1);
    assert_int_equal(whole(health, "lag"), 10);
    assert_int_equal(whole(health, "dead_letters"), 2);
    assert_int_equal(whole(health, "watermark_ms"), T0);
    json_t *parts = json_object_get(health, "partitions");
    assert_int_equal(json_array_size(parts), 2);
    assert_int_equal(whole(json_array_get(parts, 0), "lag"), 10);
    assert_true(json_is_null(json_object_get(json_array_get(parts, 1), "next_offset")));
    json_decref(o);
}

static void history_is_in_order(void **state) {
    struct scene *s = *state;
    json_t *o = ask_json(
        &s->f, "/api/v1/history?window=day&fields=rmse,psi:trip_distance,nothing", 200);
    json_t *rows = json_object_get(o, "rows");
    assert_string_equal(text(o, "window"), "day");
    assert_int_equal(json_array_size(rows), 500);
    assert_int_equal(json_array_size(json_object_get(o, "champion")), 500);
    assert_true(json_is_false(json_object_get(o, "truncated")));
    for (size_t i = 0; i < 500; i++) {
        json_t *row = json_array_get(rows, i);
        assert_int_equal(json_array_size(row), 4);
        assert_int_equal(json_integer_value(json_array_get(row, 0)),
                         T0 - (499 - (int64_t)i) * LW_HOUR);
        json_t *rmse = json_array_get(row, 1);
        if (i == 0)
            assert_true(json_is_null(rmse)); /* not enough rows for one */
        else
            assert_near(json_number_value(rmse), (double)i + 1.125, 1e-9);
        assert_true(json_is_null(json_array_get(row, 3)));
    }
    json_decref(o);
}

/* Another task's names are in every answer that the page reads. */
static void the_error_is_the_tasks(void **state) {
    struct scene *s = *state;
    struct fixture f;
    fixture_load(&f, redis_server_url(s->redis));
    snprintf(f.token_path, sizeof f.token_path, "/tmp/leeway-http-toy.%d", (int)getpid());
    f.config->spec.task = &toy_task;
    fixture_start(&f);
    wait_version(&f, 1);
    json_t *o = ask_json(&f, "/api/v1/now", 200);
    json_t *task = json_object_get(o, "task");
    assert_string_equal(text(task, "name"), "toy");
    assert_string_equal(text(task, "link"), "logit");
    assert_string_equal(text(task, "loss"), "Brier loss");
    assert_string_equal(text(task, "error"), "brier");
    assert_string_equal(text(task, "label"), "Brier");
    json_decref(o);
    o = ask_json(&f, "/api/v1/history", 200);
    json_t *fields = json_object_get(o, "fields");
    assert_int_equal(json_array_size(fields), 2);
    assert_string_equal(json_string_value(json_array_get(fields, 0)), "brier");
    assert_string_equal(json_string_value(json_array_get(fields, 1)), "brier_expected");
    json_decref(o);
    fixture_stop(&f);
}

static void history_is_thinned_and_keeps_the_last(void **state) {
    struct scene *s = *state;
    json_t *o = ask_json(&s->f, "/api/v1/history?max=7", 200);
    json_t *rows = json_object_get(o, "rows");
    size_t n = json_array_size(rows);
    assert_true(n >= 6 && n <= 7);
    assert_true(json_is_true(json_object_get(o, "truncated")));
    assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, n - 1), 0)),
                     T0);
    json_int_t step = 0;
    for (size_t i = 1; i < n; i++) {
        json_int_t a = json_integer_value(json_array_get(json_array_get(rows, i - 1), 0));
        json_int_t b = json_integer_value(json_array_get(json_array_get(rows, i), 0));
        assert_true(step == 0 || b - a == step); /* evenly */
        step = b - a;
    }
    json_decref(o);
}

static void history_is_selected_by_time(void **state) {
    struct scene *s = *state;
    char path[200];
    snprintf(path, sizeof path, "/api/v1/history?from=%lld&until=%lld",
             (long long)(T0 - 10 * LW_HOUR), (long long)(T0 - 5 * LW_HOUR));
    json_t *o = ask_json(&s->f, path, 200);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 6);
    json_decref(o);
    snprintf(path, sizeof path, "/api/v1/history?from=%lld", (long long)(T0 + LW_HOUR));
    o = ask_json(&s->f, path, 200);
    assert_int_equal(json_array_size(json_object_get(o, "rows")), 0);
    json_decref(o);
}

static void heat_maps_have_columns_and_times(void **state) {
    struct scene *s = *state;
    json_t *o = ask_json(&s->f, "/api/v1/heatmap?metric=js&max=10", 200);
    json_t *values = json_object_get(o, "values");
    size_t n = json_array_size(values);
    assert_true(n >= 9 && n <= 10);
    assert_int_equal(json_array_size(json_object_get(o, "at_ms")), n);
    assert_int_equal(json_array_size(json_object_get(o, "features")), 7);
    assert_int_equal(json_array_size(json_array_get(values, 0)), 7);
    assert_near(json_number_value(json_array_get(json_array_get(values, 0), 0)), 0.1,
                1e-9);
    json_decref(o);
    o = ask_json(&s->f, "/api/v1/heatmap?metric=unseen", 200);
    assert_int_equal(json_array_size(json_object_get(o, "features")), 5);
    json_decref(o);
}

static double mass(const json_t *side, double *lo, double *hi) {
    double sum = 0;
    size_t i;
    json_t *bar;
    json_array_foreach(json_object_get(side, "density"), i, bar) {
        *lo = i == 0 ? json_number_value(json_array_get(bar, 0)) : *lo;
        *hi = json_number_value(json_array_get(bar, 1));
        sum += json_number_value(json_array_get(bar, 2));
    }
    return sum;
}

static void numbers_are_shown_with_their_reference(void **state) {
    struct scene *s = *state;
    double lo, hi, other_lo, other_hi;
    json_t *o = ask_json(&s->f, "/api/v1/features/trip_distance?window=week", 200);
    assert_string_equal(text(o, "kind"), "numeric");
    assert_string_equal(text(o, "verdict"), "drift");
    assert_string_equal(text(o, "shift"), "median 1.9 → 2.6 (× 1.37)");
    json_t *ref = json_object_get(o, "reference"), *cur = json_object_get(o, "current");
    assert_int_equal(whole(ref, "version"), 1);
    assert_int_equal(whole(ref, "n"), 2000);
    assert_int_equal(whole(cur, "n"), 1000);
    assert_near(number(ref, "missing"), 0, 0);
    double of_ref = mass(ref, &lo, &hi), of_cur = mass(cur, &other_lo, &other_hi);
    assert_true(of_ref > 0.98 && of_ref <= 1.000001);
    assert_true(of_cur > 0.98 && of_cur <= 1.000001);
    assert_true(lo == other_lo && hi == other_hi); /* the same bin edges */
    json_t *quantiles = json_object_get(cur, "quantiles");
    assert_int_equal(json_array_size(quantiles), 11);
    json_t *median = json_array_get(quantiles, 5);
    assert_near(json_number_value(json_array_get(median, 0)), 0.5, 0);
    assert_near(json_number_value(json_array_get(median, 1)), 5, 0.3);
    json_decref(o);
    o = ask_json(&s->f, "/api/v1/features/trip_distance?window=day", 200);
    assert_true(json_is_null(json_object_get(o, "current"))); /* no such sketch yet */
    assert_true(json_is_null(json_object_get(o, "shift")));
    assert_true(json_is_object(json_object_get(o, "reference")));
    json_decref(o);
}

static void new_and_vanished_categories_are_shown(void **state) {
    struct scene *s = *state;
    json_t *o = ask_json(&s->f, "/api/v1/features/PULocationID?window=week", 200);
    assert_string_equal(text(o, "kind"), "category");
    json_t *list = json_object_get(o, "categories"), *c;
    size_t i;
    double ref = 0, cur = 0, last = 2;
    bool fresh = false;
    json_array_foreach(list, i, c) {
        double a = number(c, "reference_share"), b = number(c, "current_share");
        assert_true(fabs(a - b) <= last + 1e-12); /* largest difference first */
        last = fabs(a - b);
        ref += a;
        cur += b;
        if (whole(c, "value") == 200)
            fresh = a == 0 && fabs(b - 0.1) < 1e-9;
    }
    assert_true(fresh);
    assert_int_equal(json_array_size(list), 4); /* 74, 75, 76 and 200 */
    assert_near(ref, 1, 1e-9);
    assert_near(cur, 1, 1e-9);
    assert_near(number(json_object_get(o, "current"), "missing"), 0.5, 1e-9);
    json_decref(o);
}

static void damaged_state_is_a_server_error(void **state) {
    struct scene *s = *state;
    struct lw_err err = {0};
    lw_reply_free(
        lw_redis_do(s->r, &err, "SET leeway:{nyc-green}:window:day:target junk"));
    refused(&s->f, "GET", "/api/v1/features/target?window=day", "", NULL, 500, why,
            sizeof why);
}

static void models_are_listed_newest_first(void **state) {
    struct scene *s = *state;
    json_t *o = ask_json(&s->f, "/api/v1/models", 200);
    json_t *models = json_object_get(o, "models");
    assert_int_equal(whole(o, "champion"), 1);
    assert_true(json_is_null(json_object_get(o, "previous")));
    assert_int_equal(json_array_size(models), 2);
    json_t *m = json_array_get(models, 0);
    assert_int_equal(whole(m, "version"), 2);
    assert_int_equal(whole(m, "rows"), 2000);
    assert_near(number(m, "error"), 2.5, 0);
    assert_near(number(m, "champion_error"), 9, 0);
    assert_true(
        json_is_null(json_object_get(json_array_get(models, 1), "champion_error")));
    json_decref(o);
    o = ask_json(&s->f, "/api/v1/models/2", 200);
    assert_string_equal(text(json_object_get(o, "facts"), "candidate"), "plain");
    json_decref(o);
    json_decref(ask_json(&s->f, "/api/v1/models/9", 404));
}

/* A damaged version does not hide the others. */
static void a_damaged_version_is_listed(void **state) {
    struct scene *s = *state;
    static const char *const damage[] = {"list", "field"};
    struct lw_err err = {0};
    for (int i = 0; i < 2; i++) {
        lw_reply_free(lw_redis_do(s->r, &err, "DEL leeway:{nyc-green}:model:2"));
        lw_reply_free(
            i ? lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:model:2 version x8?")
              : lw_redis_do(s->r, &err, "RPUSH leeway:{nyc-green}:model:2 x"));
        json_t *o = ask_json(&s->f, "/api/v1/models", 200);
        json_t *models = json_object_get(o, "models");
        if (json_array_size(models) != 2)
            fail_msg("%s: %zu rows", damage[i], json_array_size(models));
        json_t *m = json_array_get(models, 0);
        assert_int_equal(whole(m, "version"), 2);
        assert_string_equal(text(m, "status"), "unreadable");
        assert_non_null(strstr(text(m, "reason"), "leeway repair"));
        assert_true(json_is_null(json_object_get(m, "created_ms")));
        assert_int_equal(whole(json_array_get(models, 1), "version"), 1);
        json_decref(o);
        refused(&s->f, "GET", "/api/v1/models/2", "", NULL, 500, why, sizeof why);
        assert_non_null(strstr(why, "leeway repair"));
        /* an error in the next request has its own text */
        refused(&s->f, "GET", "/api/v1/audit?before=1-2-3", "", NULL, 400, why,
                sizeof why);
        refused(&s->f, "POST", "/api/v1/alerts/silence", AUTH,
                "{\"rule\":\"none-such\",\"for\":\"1h\"}", 400, why, sizeof why);
    }
    lw_reply_free(lw_redis_do(s->r, &err, "DEL leeway:{nyc-green}:model:2"));
    put_version(s->r, &s->f.config->spec, 2);
    lw_reply_free(lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:model:2 model junk"));
    refused(&s->f, "POST", "/api/v1/models/2/promote", AUTH, "", 500, why, sizeof why);
    put_version(s->r, &s->f.config->spec, 2);
}

/* Polls /readyz until its answer contains the text, or no longer contains it. */
static void wait_reason(struct scene *s, const char *text, bool there) {
    struct http_answer a;
    for (int i = 0; i < 200; i++) {
        http_ask(s->f.port, "GET", "/readyz", "", NULL, &a);
        bool found = strstr(a.body, text) != NULL;
        bool right = found == there && (!there || a.status == 503);
        http_answer_fini(&a);
        if (right)
            return;
        lw_sleep_ms(50);
    }
    fail_msg("/readyz %s \"%s\"", there ? "does not say" : "still says", text);
}

/* A damaged alias differs from "no champion": the last champion continues to predict, and
 * the server is not ready. */
static void a_damaged_alias_is_not_ready(void **state) {
    struct scene *s = *state;
    struct lw_err err = {0};
    wait_version(&s->f, 1);
    lw_reply_free(lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:models champion x8?"));
    wait_reason(s, "the alias champion in Redis is damaged", true);
    wait_version(&s->f, 1);
    lw_reply_free(lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:models champion 1"));
    wait_reason(s, "the alias champion in Redis is damaged", false);
    lw_reply_free(lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:models champion 7"));
    wait_reason(s, "version 7 is champion and cannot be used", true);
    wait_version(&s->f, 1);
    lw_reply_free(lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:models champion 1"));
    wait_reason(s, "cannot be used", false);
}

static void a_person_can_promote_and_request_a_training(void **state) {
    struct scene *s = *state;
    struct http_answer a;
    struct lw_err err = {0};
    struct lw_requested asked_for;
    http_ask(s->f.port, "POST", "/api/v1/models/2/promote", AUTH,
             "{\"reason\":\"because\"}", &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    wait_version(&s->f, 2);
    json_t *o = ask_json(&s->f, "/api/v1/audit?max=1", 200);
    json_t *e = json_array_get(json_object_get(o, "entries"), 0);
    assert_string_equal(text(e, "what"), "promoted");
    assert_string_equal(text(e, "who"), "http:127.0.0.1");
    assert_non_null(strstr(text(e, "detail"), "because"));
    char path[120];
    snprintf(path, sizeof path, "/api/v1/audit?before=%s", text(o, "next"));
    json_decref(o);
    o = ask_json(&s->f, path, 200); /* the promotion by the fixture */
    e = json_array_get(json_object_get(o, "entries"), 0);
    assert_string_equal(text(e, "who"), "test");
    assert_true(json_is_null(json_object_get(o, "next")));
    json_decref(o);
    refused(&s->f, "POST", "/api/v1/models/2/promote", AUTH, "[]", 400, why, sizeof why);
    refused(&s->f, "POST", "/api/v1/models/77/promote", AUTH, "", 404, why, sizeof why);
    http_ask(s->f.port, "POST", "/api/v1/models/1/promote", AUTH, "", &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    http_ask(s->f.port, "POST", "/api/v1/retrain", AUTH, "", &a);
    assert_int_equal(a.status, 202);
    http_answer_fini(&a);
    assert_int_equal(lw_requests_first(s->r, &s->f.config->spec, &asked_for, &err), 1);
    assert_string_equal(asked_for.what, "retrain");
    assert_string_equal(asked_for.who, "http:127.0.0.1");
}

#define SILENCE "/api/v1/alerts/silence"

static void alerts_and_silences_are_listed_and_changed(void **state) {
    struct scene *s = *state;
    struct lw_err err = {0};
    struct http_answer a;
    char path[80];
    static const char state_json[] =
        "{\"status\":\"firing\",\"severity\":\"critical\",\"rule\":\"error\",\"feature\":\"\","
        "\"window\":\"week\",\"value\":1.5,\"threshold\":1.25,\"n\":100,\"model\":1,"
        "\"since\":1590969600000,\"at\":1590973200000,\"incident\":\"00000000000000ab\","
        "\"summary\":\"RMSE is high\"}";
    lw_reply_free(lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:alerts %s %s",
                              "00000000000000cd", state_json));
    json_t *o = ask_json(&s->f, "/api/v1/alerts", 200);
    json_t *alert = json_array_get(json_object_get(o, "alerts"), 0);
    assert_string_equal(text(alert, "fingerprint"), "00000000000000cd");
    assert_string_equal(text(alert, "incident"), "00000000000000ab");
    assert_true(json_is_null(json_object_get(alert, "feature")));
    assert_int_equal(whole(alert, "since_ms"), T0);
    assert_true(json_is_false(json_object_get(alert, "silenced")));
    assert_int_equal(whole(json_object_get(o, "outbox"), "waiting"), 0);
    assert_int_equal(whole(json_object_get(o, "outbox"), "parked"), 0);
    json_decref(o);
    static const char *const bad[] = {
        "",
        "[]",
        "{\"for\":\"2h\"}",
        "{\"comment\":\"x\"}",
        "{\"for\":\"2\",\"comment\":\"x\"}",
        "{\"for\":\"999d\",\"comment\":\"x\"}",
        "{\"for\":\"2h\",\"comment\":\"x\",\"rules\":\"error\"}",
        "{\"for\":\"2h\",\"comment\":\"x\",\"rule\":\"eror\"}",
        "{\"for\":\"2h\",\"comment\":\"x\",\"feature\":\"y\"}",
        "{\"for\":\"2h\",\"comment\":\"x\",\"severity\":\"bad\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(&s->f, "POST", SILENCE, AUTH, bad[i], 400, why, sizeof why);
    http_ask(s->f.port, "POST", SILENCE, AUTH,
             "{\"for\":\"2h\",\"comment\":\"we know\",\"rule\":\"err*\"}", &a);
    assert_int_equal(a.status, 200);
    json_t *made = json_loads(a.body, 0, NULL);
    http_answer_fini(&a);
    assert_string_equal(text(made, "by"), "http:127.0.0.1");
    o = ask_json(&s->f, "/api/v1/alerts", 200);
    alert = json_array_get(json_object_get(o, "alerts"), 0);
    assert_string_equal(text(alert, "silenced_by"), text(made, "id"));
    assert_int_equal(json_array_size(json_object_get(o, "silences")), 1);
    json_decref(o);
    snprintf(path, sizeof path, SILENCE "/%s", text(made, "id"));
    refused(&s->f, "DELETE", path, "", NULL, 401, why, sizeof why);
    http_ask(s->f.port, "DELETE", path, AUTH, NULL, &a);
    assert_int_equal(a.status, 200);
    http_answer_fini(&a);
    refused(&s->f, "DELETE", path, AUTH, NULL, 404, why, sizeof why);
    json_decref(made);
}

static void subscribers_get_new_evaluations(void **state) {
    struct scene *s = *state;
    struct http_client c;
    struct lw_err err = {0};
    http_connect(&c, s->f.port);
    http_say(&c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_true(http_wait_text(&c, "event: now\ndata: {\"at_ms\":1590969600000"));
    lw_reply_free(
        lw_redis_do(s->r, &err, "HSET leeway:{nyc-green}:now at 1590973200000"));
    assert_true(http_wait_text(&c, "event: now\ndata: {\"at_ms\":1590973200000"));
    http_close(&c);
}

static void metrics_show_the_stream(void **state) {
    struct scene *s = *state;
    struct http_answer a;
    static const char *const lines[] = {
        "\nleeway_redis_up 1\n",
        "\nleeway_partition_lag{partition=\"0\"} 10\n",
        "\nleeway_window_rmse{window=\"week\"} 500.125\n",
        "\nleeway_feature_psi{window=\"week\",feature=\"prediction\"} 0\n",
        "\nleeway_stream_events_total{kind=\"rejected\"} 8\n",
        "{route=\"/api/v1/models/*/promote\",code=\"4xx\"} 2\n"};
    http_ask(s->f.port, "GET", "/metrics", "", NULL, &a);
    assert_int_equal(a.status, 200);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(a.body, lines[i]))
            fail_msg("no line %s", lines[i]);
    http_answer_fini(&a);
}

/* Redis hangs: every answer arrives within its timeout, and the process continues. */
static void a_hanging_redis_delays_no_answer_beyond_its_timeout(void **state) {
    struct scene *s = *state;
    struct http_answer a;
    redis_server_freeze(s->redis, true);
    for (int i = 0; i < 5; i++) {
        int64_t began = lw_mono_ms();
        http_ask(s->f.port, "GET", "/api/v1/models", "", NULL, &a);
        assert_int_equal(a.status, 503);
        assert_true(lw_mono_ms() - began < 9000); /* otherwise the client gave up */
        http_answer_fini(&a);
        http_ask(s->f.port, "POST", "/api/v1/predict", JSON, TRIP, &a);
        assert_int_equal(a.status, 200);
        http_answer_fini(&a);
    }
    redis_server_freeze(s->redis, false);
    for (int i = 0; i < 100; i++) {
        http_ask(s->f.port, "GET", "/api/v1/models", "", NULL, &a);
        bool back = a.status == 200;
        http_answer_fini(&a);
        if (back)
            return;
        lw_sleep_ms(100);
    }
    fail_msg("Redis has resumed, but we have not");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_component_is_named),
        cmocka_unit_test(other_processes_problems_are_warnings),
        cmocka_unit_test(now_is_the_newest_evaluation),
        cmocka_unit_test(history_is_in_order),
        cmocka_unit_test(the_error_is_the_tasks),
        cmocka_unit_test(history_is_thinned_and_keeps_the_last),
        cmocka_unit_test(history_is_selected_by_time),
        cmocka_unit_test(heat_maps_have_columns_and_times),
        cmocka_unit_test(numbers_are_shown_with_their_reference),
        cmocka_unit_test(new_and_vanished_categories_are_shown),
        cmocka_unit_test(damaged_state_is_a_server_error),
        cmocka_unit_test(models_are_listed_newest_first),
        cmocka_unit_test(a_damaged_version_is_listed),
        cmocka_unit_test(a_damaged_alias_is_not_ready),
        cmocka_unit_test(a_person_can_promote_and_request_a_training),
        cmocka_unit_test(alerts_and_silences_are_listed_and_changed),
        cmocka_unit_test(subscribers_get_new_evaluations),
        cmocka_unit_test(metrics_show_the_stream),
        cmocka_unit_test(a_hanging_redis_delays_no_answer_beyond_its_timeout),
    };
    return cmocka_run_group_tests(tests, start, scene_stop);
}
