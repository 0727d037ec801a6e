/* leeway score: predicts every event of files.
 *
 * Unlike `evaluate` it also predicts rejected events, for example those without a target,
 * and adds the reason. Unreadable events are only counted, on standard error. Every record
 * has the model's fingerprint, so predictions of several models can share a table. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/varint.h"
#include "cli/input.h"
#include "cli/options.h"
#include "event/file.h"

struct score_options {
    const char *config, *model, *out;
    bool json;
};

static const char schema[] =
    "{\"type\":\"record\",\"name\":\"Prediction\",\"namespace\":\"leeway\",\"fields\":["
    "{\"name\":\"id\",\"type\":[\"null\",\"string\"],\"default\":null},"
    "{\"name\":\"time\",\"type\":{\"type\":\"long\",\"logicalType\":"
    "\"timestamp-millis\"},\"doc\":\"event time\"},"
    "{\"name\":\"prediction\",\"type\":\"double\"},"
    "{\"name\":\"target\",\"type\":[\"null\",\"double\"],\"default\":null},"
    "{\"name\":\"rejected\",\"type\":[\"null\",\"string\"],\"default\":null,\"doc\":\"reason for "
    "rejection\"},"
    "{\"name\":\"model\",\"type\":\"string\",\"doc\":\"fingerprint\"}]}";

struct scoring {
    const struct lw_event_spec *event;
    const struct lw_model *model;
    char fingerprint[32];
    struct lw_file_writer *file; /* NULL: JSON lines on standard output */
    struct lw_buf record;
    struct lw_input_tally tally;
};

/* ---- Avro ---- */

static void put_text(struct lw_buf *out, const char *text, size_t len) {
    lw_varint_put_long(out, (int64_t)len);
    lw_buf_put(out, text, len);
}

static const struct lw_cell *id_cell(const struct scoring *s, const struct lw_row *row) {
    return s->event->id_field >= 0 ? &row->cells[s->event->id_field] : NULL;
}

static int write_avro(struct scoring *s, const struct lw_row *row, int reason,
                      double prediction, struct lw_err *err) {
    const struct lw_cell *id = id_cell(s, row);
    bool known = id && id->present;
    lw_buf_clear(&s->record);
    lw_varint_put_long(&s->record, known);
    if (known) {
        size_t len = lw_cell_show(id, NULL);
        lw_varint_put_long(&s->record, (int64_t)len);
        lw_cell_show(id, lw_buf_extend(&s->record, len));
    }
    lw_varint_put_long(&s->record, row->time_ms);
    lw_buf_f64(&s->record, prediction);
    lw_varint_put_long(&s->record, isnan(row->target) ? 0 : 1);
    if (!isnan(row->target))
        lw_buf_f64(&s->record, row->target);
    lw_varint_put_long(&s->record, reason == LW_GOOD ? 0 : 1);
    if (reason != LW_GOOD) {
        const char *why = lw_event_reason(s->event, reason);
        put_text(&s->record, why, strlen(why));
    }
    put_text(&s->record, s->fingerprint, strlen(s->fingerprint));
    return lw_file_append(s->file, s->record.data, s->record.len, err);
}

/* ---- JSON lines ---- */

static int write_json(const struct scoring *s, const struct lw_row *row, int reason,
                      double prediction, struct lw_err *err) {
    const struct lw_cell *id = id_cell(s, row);
    size_t len = id && id->present ? lw_cell_show(id, NULL) : 0;
    json_t *o = json_object();
    char *name = len ? lw_malloc(len) : NULL;
    if (name)
        lw_cell_show(id, name);
    lw_json_set(o, "id", name ? json_stringn(name, len) : json_null());
    free(name);
    lw_json_set_time(o, "time", row->time_ms);
    lw_json_set_number(o, "prediction", prediction);
    lw_json_set_number(o, "target", row->target);
    lw_json_set_text(o, "rejected",
                     reason == LW_GOOD ? NULL : lw_event_reason(s->event, reason));
    lw_json_set_text(o, "model", s->fingerprint);
    int rc = json_dumpf(o, stdout, JSON_COMPACT);
    json_decref(o);
    if (rc || putchar('\n') == EOF)
        return lw_fail(err, LW_ESTOP, "standard output was closed");
    return 0;
}

static int write_event(void *arg, const struct lw_feed_event *event, struct lw_err *err) {
    struct scoring *s = arg;
    if (event->reason < 0)
        return 0;
    double prediction = lw_model_predict(s->model, &event->row);
    return s->file ? write_avro(s, &event->row, event->reason, prediction, err)
                   : write_json(s, &event->row, event->reason, prediction, err);
}

static int score_files(const struct lw_config *config, const struct score_options *o,
                       char **files, size_t n, struct lw_err *err) {
    struct scoring s = {.event = &config->spec.event};
    struct lw_model *model = lw_input_model(config, o->model, err);
    bool to_file = strcmp(o->out, "-") != 0;
    int rc = model ? 0 : -1;
    s.model = model;
    if (model)
        snprintf(s.fingerprint, sizeof s.fingerprint, "%016" PRIx64,
                 lw_model_fingerprint(model));
    if (rc == 0 && to_file && !(s.file = lw_file_create(o->out, schema, err)))
        rc = -1;
    struct lw_input reader = {
        .paths = files, .n = n, .what = "scoring", .take = write_event, .arg = &s};
    if (rc == 0)
        rc = lw_input_read(config, &reader, &s.tally, err);
    if (s.file && lw_file_finish(s.file, err))
        rc = -1;
    if (s.file && rc)
        remove(o->out); /* a partial file looks complete */
    if (rc == 0 && fflush(stdout))
        rc = lw_fail(err, LW_ESTOP, "standard output was closed");
    if (rc == 0)
        lw_input_tally_print(&s.tally, &config->spec.event, stderr);
    lw_buf_fini(&s.record);
    lw_model_free(model);
    return rc;
}

static int score_with_config(const struct score_options *o, char **files, int n) {
    struct lw_err err = {0};
    if (n == 0)
        return lw_cli_usage(&lw_cmd_score, "no input files");
    if (!o->model)
        return lw_cli_usage(&lw_cmd_score, "--model FILE is required");
    if (!o->out)
        return lw_cli_usage(&lw_cmd_score,
                            "-o FILE is required (-o - prints JSON lines)");
    struct lw_config *config = lw_cli_config(&lw_cmd_score, o->config);
    if (!config)
        return o->config ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    int failed = score_files(config, o, files, (size_t)n, &err);
    lw_config_free(config);
    return failed ? lw_cli_fail(&lw_cmd_score, &err) : LW_EXIT_OK;
}

static int score_main(int argc, char **argv) {
    struct score_options o = {0};
    bool helped;
    const struct lw_option options[] = {
        {'c', LW_OPTION_TEXT, "config", &o.config},
        {'m', LW_OPTION_TEXT, "model", &o.model},
        {'o', LW_OPTION_TEXT, "output", &o.out},
        {0, LW_OPTION_FLAG, "json", &o.json},
    };
    char **files = lw_calloc((size_t)argc, sizeof *files);
    int n =
        lw_options_parse(&lw_cmd_score, LW_OPTIONS(options), argc, argv, files, &helped);
    if (o.json && !o.out)
        o.out = "-";
    int rc = n < 0    ? LW_EXIT_USAGE
             : helped ? LW_EXIT_OK
                      : score_with_config(&o, files, n);
    free(files);
    return rc;
}

const struct lw_command lw_cmd_score = {
    "score", "-c FILE --model MODEL DATA... -o FILE", "Predict every event of files",
    "  -c, --config FILE     the stream's configuration\n"
    "  -m, --model FILE      the model, of leeway or of another program (docs/models.md)\n"
    "  -o, --output FILE     write an Avro file with id, time, prediction, target, rejected and\n"
    "                        model; - writes JSON lines to standard output\n"
    "      --json            same as -o -\n"
    "\n"
    "Rejected events, whose target is missing or out of range, are predicted too; `rejected` is\n"
    "the reason. `model` is the model's fingerprint.\n",
    score_main};
