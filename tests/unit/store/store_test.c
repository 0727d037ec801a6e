/* See store_test.h. */
#include "store_test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/text.h"
#include "store/keys.h"

int group_setup(void **state) {
    struct redis_server *s = redis_server_start(NULL);
    if (!s) {
        fprintf(stderr, "skipped: redis-server is not installed\n");
        exit(77);
    }
    *state = s;
    return 0;
}

int group_teardown(void **state) {
    redis_server_stop(*state);
    return 0;
}

struct lw_spec *test_spec(const char *stream) {
    struct lw_spec *spec = lw_calloc(1, sizeof *spec);
    lw_copy(spec->stream, sizeof spec->stream, stream);
    spec->event.target_lo = 1;
    spec->event.target_hi = 60;
    spec->nfeatures = 2;
    spec->feature[0] =
        (struct lw_column){.name = "x", .kind = LW_NUMERIC, .lo = 0, .hi = 1000};
    spec->feature[1] = (struct lw_column){.name = "zone", .kind = LW_CATEGORY};
    lw_spec_columns(spec);
    spec->pane_ms = LW_HOUR;
    spec->lateness_ms = 10 * LW_MINUTE;
    spec->max_jump_ms = LW_DAY;
    spec->idle_timeout_ms = LW_MINUTE;
    spec->jump_agree = 3;
    spec->nwindows = 1;
    spec->window[0] = (struct lw_window_spec){.name = "3h", .length_ms = 3 * LW_HOUR};
    spec->drift = lw_drift_defaults();
    spec->retrain.window_ms = LW_WEEK;
    spec->retrain.bootstrap_rows = 1000000;
    return spec;
}

struct lw_redis *test_connect(const char *url) {
    struct lw_redis_options o = {.timeout_ms = 2000, .retry_max_ms = 200};
    struct lw_err err = {0};
    lw_copy(o.url, sizeof o.url, url);
    struct lw_redis *r = lw_redis_new(&o, &err);
    if (!r)
        fail_msg("%s", err.msg);
    return r;
}

struct lw_err *test_err(void) {
    static struct lw_err err;
    return &err;
}

struct lw_reply *must(struct lw_redis *r, struct lw_reply *reply,
                      const struct lw_err *err) {
    (void)r;
    if (!reply)
        fail_msg("%s", err ? err->msg : "redis refused");
    return reply;
}

int64_t must_int(struct lw_redis *r, struct lw_reply *reply) {
    must(r, reply, NULL);
    int64_t v = lw_reply_int(reply);
    lw_reply_free(reply);
    return v;
}

char *must_text(struct lw_reply *reply) {
    assert_non_null(reply);
    const char *text = lw_reply_text(reply, NULL);
    char *copy = lw_strdup(text ? text : "(nil)");
    lw_reply_free(reply);
    return copy;
}

void feed(const struct lw_spec *spec, struct lw_partition *p, int64_t number, int64_t n,
          uint32_t version) {
    (void)spec;
    for (int64_t i = number; i < number + n; i++) {
        double target = 5 + (double)(i % 50);
        struct lw_cell watched[3] = {lw_cell_num((double)(i * 37 % 1000)),
                                     lw_cell_int(i * 11 % 23), lw_cell_num(target)};
        struct lw_row row = {
            .cells = watched, .time_ms = T0 + i * LW_MINUTE, .target = target};
        struct lw_scored scored = {version, target + (double)(i % 7) - 3, 0};
        const struct lw_pane_event event = {i,      watched, LW_GOOD,
                                            target, &scored, version ? 1 : 0};
        lw_partition_add(p, &row, &event);
    }
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *line_of(const struct lw_reply *field, const struct lw_reply *value) {
    struct lw_buf out = {0};
    size_t len;
    const char *bytes = lw_reply_text(value, &len);
    lw_buf_printf(&out, "%s=", lw_reply_text(field, NULL));
    for (size_t i = 0; i < len; i++)
        lw_buf_printf(&out,
                      (unsigned char)bytes[i] >= ' ' && bytes[i] > 0 ? "%c" : "\\%02x",
                      (unsigned char)bytes[i]);
    char *text = lw_strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    return text;
}

char *dump_hash(struct lw_redis *r, const char *key) {
    struct lw_reply *reply = MUST(r, "HGETALL %s", key);
    size_t n = lw_reply_count(reply) / 2;
    char **line = lw_calloc(n + 1, sizeof *line);
    struct lw_buf out = {0};
    for (size_t i = 0; i < n; i++)
        line[i] = line_of(lw_reply_at(reply, 2 * i), lw_reply_at(reply, 2 * i + 1));
    qsort(line, n, sizeof *line, by_text);
    for (size_t i = 0; i < n; i++) {
        lw_buf_printf(&out, "  %s\n", line[i]);
        free(line[i]);
    }
    free(line);
    lw_reply_free(reply);
    char *text = lw_strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    return text;
}

char *dump_state(struct lw_redis *r, const struct lw_spec *spec, int partitions) {
    static const char *const kept[] = {"next_offset", "watermark", "newest",
                                       "oldest_pane", "messages",  "progress",
                                       "open",        "champion"};
    struct lw_buf out = {0};
    char key[LW_KEY_MAX];
    struct lw_reply *panes = MUST(r, "ZRANGE %s 0 -1", lw_key(key, spec, "panes"));
    for (size_t i = 0; i < lw_reply_count(panes); i++) {
        const char *name = lw_reply_text(lw_reply_at(panes, i), NULL);
        char *hash = dump_hash(r, lw_key(key, spec, "pane:%s", name));
        lw_buf_printf(&out, "pane %s\n%s", name, hash);
        free(hash);
    }
    lw_reply_free(panes);
    for (int p = 0; p < partitions; p++) {
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
            struct lw_reply *v =
                MUST(r, "HGET %s %s", lw_key(key, spec, "part:%s:%d", TOPIC, p), kept[i]);
            size_t len;
            const char *text = lw_reply_text(v, &len);
            lw_buf_printf(&out, "part %d %s=", p, kept[i]);
            for (size_t k = 0; k < len; k++)
                lw_buf_printf(&out, "%02x", (unsigned char)text[k]);
            lw_buf_printf(&out, "\n");
            lw_reply_free(v);
        }
    }
    char *text = lw_strdup(lw_buf_str(&out));
    lw_buf_fini(&out);
    return text;
}
