/* Processing an event allocates nothing: decode, validate, watch, score, accumulate, as a
 * worker does with the shipped configuration and a model of its richest features. Every
 * allocation of the program passes through counting wrappers (the linker's --wrap); after
 * a warm-up the count stays the same, also while panes open and close. */
#include "support.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "core/partition.h"
#include "event/file.h"
#include "leeway/model.h"
#include "model/dataset.h"
#include "support/count_allocations.h"

#define SAMPLE LW_SOURCE_DIR "/tests/data/event/green_sample.avro"
#define WARM   6 /* panes: all spare ones and the open ones */
#define PANES  20
#define HELD   6 /* panes before a late flush */

struct fixture {
    struct lw_config *config;
    struct lw_decoder *decoder;
    struct lw_model *model;
    struct lw_partition *partition;
    struct lw_buf bytes, scratch;
    size_t start[4096], n;
    int64_t offset;
};

/* The file, then `more` after the first line that is `line`. */
static void put_after(struct lw_buf *text, const char *line, const char *more) {
    char *at = strstr((char *)text->data, line);
    assert_non_null(at);
    size_t head = (size_t)(at - (char *)text->data) + strlen(line);
    struct lw_buf out = {0};
    lw_buf_put(&out, text->data, head);
    lw_buf_put(&out, more, strlen(more));
    lw_buf_put(&out, text->data + head, text->len - head);
    lw_buf_fini(text);
    *text = out;
    lw_buf_str(text);
}

/* The shipped configuration, which also watches and learns holidays. */
static struct lw_config *load_with_holidays(void) {
    struct lw_err err = {0};
    struct lw_buf text = {0};
    size_t len;
    char *file = lw_read_file(GREEN, 1 << 20, &len, &err);
    assert_non_null(file);
    lw_buf_put(&text, file, len);
    lw_buf_str(&text);
    free(file);
    put_after(&text, "\nfeatures:\n",
              "  holiday: {of: \"holiday(lpep_pickup_datetime, US)\"}\n");
    put_after(&text, "\n  rich:\n", "    - holiday(lpep_pickup_datetime, US)\n");
    put_after(&text, "\n", "calendars: {US: holidays/us.csv}\n");
    struct lw_config *config =
        lw_config_parse((const char *)text.data, text.len, GREEN, &err);
    if (!config)
        fail_msg("%s", err.msg);
    lw_buf_fini(&text);
    return config;
}

static void load_events(struct fixture *f) {
    struct lw_err err = {0};
    const uint8_t *data;
    size_t len;
    struct lw_file *file = lw_file_open(SAMPLE, &err);
    assert_non_null(file);
    const char *json = lw_file_schema_json(file);
    struct lw_schema *writer = lw_schema_parse(json, strlen(json), &err);
    f->decoder = lw_decoder_new_avro(writer, f->config->source.schema,
                                     &f->config->spec.event.fields, &err);
    assert_non_null(f->decoder);
    lw_schema_free(writer);
    while (lw_file_next(file, &data, &len, &err) == 1) {
        assert_true(f->n + 1 < sizeof f->start / sizeof *f->start);
        lw_buf_put(&f->bytes, data, len);
        f->start[++f->n] = f->bytes.len;
    }
    assert_true(f->n > 500);
    lw_file_close(file);
}

static int path_decode(struct fixture *f, size_t i, struct lw_cell *cells,
                       struct lw_row *row) {
    struct lw_err err = {0};
    if (lw_decoder_decode_bytes(f->decoder, (const uint8_t *)f->bytes.data + f->start[i],
                                f->start[i + 1] - f->start[i], cells, &err))
        fail_msg("%s", err.msg);
    return lw_event_row(&f->config->spec.event, cells, 0, row, &err);
}

static void path_fit(struct fixture *f) {
    struct lw_err err = {0};
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row;
    const struct lw_spec *spec = &f->config->spec;
    struct lw_dataset *ds = lw_dataset_new(spec->train);
    for (size_t i = 0; i < f->n; i++)
        if (path_decode(f, i, cells, &row) == LW_GOOD)
            lw_dataset_add(ds, &row);
    struct lw_fit_spec candidate = spec->candidate[spec->ncandidates - 1];
    candidate.window_ms = 0;
    f->model = lw_fit(&(struct lw_fit_rows){.ds = ds,
                                            .end = lw_dataset_rows(ds),
                                            .as_of_ms = INT64_C(2000000000000)},
                      &candidate, NULL, &err);
    if (!f->model || lw_model_bind(f->model, &spec->event.fields, &err))
        fail_msg("%s", err.msg);
    lw_dataset_free(ds);
}

static int path_setup(void **state) {
    struct fixture *f = lw_calloc(1, sizeof *f);
    f->config = load_with_holidays();
    load_events(f);
    path_fit(f);
    f->partition = lw_partition_new(&f->config->spec, 0);
    lw_partition_track(f->partition,
                       &(struct lw_tracking_set){.served = true, .n = 1, .version = {1}});
    *state = f;
    return 0;
}

static int path_teardown(void **state) {
    struct fixture *f = *state;
    lw_partition_free(f->partition);
    lw_model_free(f->model);
    lw_decoder_free(f->decoder);
    lw_config_free(f->config);
    lw_buf_fini(&f->bytes);
    lw_buf_fini(&f->scratch);
    free(f);
    return 0;
}

/* Like a worker that handles a message. */
static void path_handle(struct fixture *f, size_t i, int64_t time_ms) {
    struct lw_cell cells[LW_FIELDS_MAX], watched[LW_FEATURES_MAX + 1];
    struct lw_row row;
    struct lw_scored scored[2] = {{.version = 1}, {.version = 2}};
    int reason = path_decode(f, i, cells, &row);
    size_t n = reason == LW_GOOD ? 2 : 0; /* a champion and a shadow */
    row.time_ms = time_ms;
    lw_spec_watch(&f->config->spec, &row, watched);
    for (size_t k = 0; k < n; k++)
        scored[k].prediction = lw_model_predict(f->model, &row);
    const struct lw_pane_event event = {f->offset++, watched, reason,
                                        row.target,  scored,  n};
    enum lw_timeliness place = lw_partition_add(f->partition, &row, &event);
    assert_int_equal(place, LW_ON_TIME);
}

static void path_feed(struct fixture *f, int pane) {
    int64_t length = f->config->spec.pane_ms, start = 440000 * LW_HOUR + pane * length;
    for (size_t i = 0; i < f->n; i++)
        path_handle(f, i, start + (int64_t)i * (length * 5 / 6) / (int64_t)f->n);
}

static void ignore_row(void *arg, const char *field, const void *data, size_t len) {
    (void)arg, (void)field, (void)data, (void)len;
}

/* The state of a partition after a flush. */
static void path_flush(struct fixture *f) {
    for (size_t i = 0; i < lw_partition_panes(f->partition); i++) {
        struct lw_pane *pane = lw_partition_pane(f->partition, i);
        lw_pane_write(pane, &f->scratch, ignore_row, NULL);
        pane->dirty = false;
    }
    lw_partition_forget(f->partition);
}

static void the_counter_sees_allocations(void **state) {
    (void)state;
    size_t before = allocations;
    free(lw_malloc(1));
    assert_int_equal(allocations, before + 1);
}

static void an_event_allocates_nothing(void **state) {
    struct fixture *f = *state;
    int pane = 0;
    for (; pane < WARM; pane++) {
        path_feed(f, pane);
        path_flush(f);
    }
    for (; pane < PANES; pane++) {
        size_t before = allocations;
        path_feed(f, pane);
        assert_int_equal(allocations, before);
        path_flush(f);
    }
    assert_true(lw_partition_counters(f->partition)[LW_COUNT_SCORED] > PANES * 400);
}

/* The number of allocations for n panes without a flush; a flush follows. */
static size_t path_delay_flush(struct fixture *f, int *pane, int n) {
    size_t before = allocations;
    for (int i = 0; i < n; i++)
        path_feed(f, (*pane)++);
    size_t count = allocations - before;
    path_flush(f);
    return count;
}

/* Panes that a late flush returned are reused by the next one, but not kept forever. */
static void surplus_spare_panes_are_freed(void **state) {
    struct fixture *f = *state;
    int pane = 0;
    for (int i = 0; i < WARM; i++)
        path_delay_flush(f, &pane, HELD);
    assert_int_equal(path_delay_flush(f, &pane, HELD), 0);
    for (int i = 0; i < HELD; i++)
        path_flush(f);
    for (int i = 0; i < WARM; i++)
        assert_int_equal(path_delay_flush(f, &pane, 1), 0);
    assert_true(path_delay_flush(f, &pane, HELD) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_sees_allocations),
        cmocka_unit_test_setup_teardown(an_event_allocates_nothing, path_setup,
                                        path_teardown),
        cmocka_unit_test_setup_teardown(surplus_spare_panes_are_freed, path_setup,
                                        path_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
