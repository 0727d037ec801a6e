/* leeway init: drafts a configuration from Avro files (draft/draft.h), or from a topic, of
 * which it writes a file first.
 *
 * The files are read once. The schema of the first one is written beside the
 * configuration; the others are read through it. Nothing is overwritten without
 * --force. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/init_topic.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "draft/draft.h"
#include "event/file.h"

#define SEED 1
#define MORE 4096 /* records between two updates of the progress bar */

struct init_options {
    const char *out, *target, *time, *id, *range, *time_zone;
    struct lw_texts leave_out;
    struct lw_init_topic from; /* topic NULL: from files */
    const char *framing;       /* of the topic */
    bool force;
    char **files;
    size_t nfiles;
};

/* ---- reading ---- */

struct init_reading {
    struct lw_schema *schema;
    struct lw_draft_sample *sample;
    struct lw_cell *cells;
    uint64_t unusable;
    char first_unusable[512];
    struct lw_progress progress;
};

/* Decoders of one file: each for LW_FIELDS_MAX columns. */
#define DECODERS_MAX ((LW_DRAFT_COLUMNS + LW_FIELDS_MAX - 1) / LW_FIELDS_MAX)
struct init_file {
    struct lw_file *file;
    struct lw_decoder *decoder[DECODERS_MAX];
    size_t n;
};

static int file_decoders(const struct init_reading *r, struct init_file *f,
                         struct lw_err *err) {
    struct lw_fields *fields = lw_malloc(sizeof *fields);
    int rc = 0;
    for (size_t at = 0; at < r->sample->n && rc == 0; at += LW_FIELDS_MAX) {
        lw_draft_sample_fields(r->sample, at, fields);
        f->decoder[f->n] = lw_file_decoder(f->file, r->schema, fields, err);
        rc = f->decoder[f->n++] ? 0 : -1;
    }
    free(fields);
    return rc;
}

static int decode_record(const struct init_file *f, const uint8_t *data, size_t len,
                         struct lw_cell *cells, struct lw_err *err) {
    for (size_t i = 0; i < f->n; i++)
        if (lw_decoder_decode_bytes(f->decoder[i], data, len, cells + i * LW_FIELDS_MAX,
                                    err))
            return -1;
    return 0;
}

static int read_records(struct init_reading *r, const struct init_file *f,
                        struct lw_err *err) {
    const uint8_t *data;
    size_t len;
    int got;
    while ((got = lw_file_next(f->file, &data, &len, err)) > 0) {
        struct lw_err why = {0};
        if (decode_record(f, data, len, r->cells, &why) == 0)
            lw_draft_sample_add(r->sample, r->cells);
        else if (r->unusable++ == 0)
            lw_copy(r->first_unusable, sizeof r->first_unusable, why.msg);
        if (r->sample->events % MORE == 0)
            lw_progress_at(&r->progress, lw_file_progress(f->file), r->sample->events);
    }
    return got;
}

static int begin_reading(struct init_reading *r, const struct lw_file *file,
                         struct lw_err *err) {
    const char *json = lw_file_schema_json(file);
    r->schema = lw_schema_parse(json, strlen(json), err);
    if (!r->schema)
        return -1;
    r->sample = lw_draft_sample_new(r->schema, SEED);
    r->cells = lw_calloc(r->sample->n + 1, sizeof *r->cells);
    return 0;
}

static int read_file(struct init_reading *r, const char *path, struct lw_err *err) {
    struct init_file f = {.file = lw_file_open(path, err)};
    if (!f.file)
        return -1;
    int rc = r->schema ? 0 : begin_reading(r, f.file, err);
    if (rc == 0)
        rc = file_decoders(r, &f, err);
    if (rc)
        lw_err_context(err, "%s", path);
    else
        rc = read_records(r, &f, err);
    for (size_t i = 0; i < f.n; i++)
        lw_decoder_free(f.decoder[i]);
    lw_file_close(f.file);
    return rc;
}

static int read_files(struct init_reading *r, const struct init_options *o,
                      struct lw_err *err) {
    int rc = 0;
    lw_progress_start(&r->progress, "reading");
    for (size_t i = 0; i < o->nfiles && rc == 0; i++)
        rc = read_file(r, o->files[i], err);
    lw_progress_end(&r->progress);
    if (rc == 0 && r->unusable > 0)
        lw_cli_line(stderr, "leeway init: %llu records cannot be read; the first: %s",
                    (unsigned long long)r->unusable, r->first_unusable);
    return rc;
}

static void end_reading(struct init_reading *r) {
    lw_draft_sample_free(r->sample);
    lw_schema_free(r->schema);
    free(r->cells);
}

/* ---- names ---- */

/* "data/green_2020-03.avro" is the stream "green": dates at the end are not of the name.
 */
static void stream_name(const char *path, char *out, size_t size) {
    static const char *const tail = "0123456789_-.";
    const char *from = lw_base_name(path), *dot = strrchr(from, '.');
    size_t len = dot && dot > from ? (size_t)(dot - from) : strlen(from), n = 0, keep;
    for (size_t i = 0; i < len && n + 1 < size; i++)
        out[n++] =
            isalnum((unsigned char)from[i]) || strchr("_-.", from[i]) ? from[i] : '-';
    out[n] = 0;
    for (keep = n; keep > 0 && strchr(tail, out[keep - 1]);)
        keep--;
    out[keep > 0 ? keep : n] = 0;
    if (n == 0)
        lw_copy(out, size, "stream");
}

/* The schema's file: that of the configuration with .avsc, or the stream's. */
static void schema_path(const struct init_options *o, const char *stream, char *out,
                        size_t size) {
    const char *path = o->out ? o->out : stream;
    const char *dot = strrchr(lw_base_name(path), '.');
    int len =
        o->out && dot && dot > lw_base_name(path) ? (int)(dot - path) : (int)strlen(path);
    snprintf(out, size, "%.*s.avsc", len, path);
}

static void file_list(const struct init_options *o, char *out, size_t size) {
    char more[40] = "";
    if (o->nfiles > 1)
        snprintf(more, sizeof more, " and %zu more", o->nfiles - 1);
    snprintf(out, size, "%.200s%s", lw_base_name(o->files[0]), more);
}

/* ---- writing ---- */

static int refuse_existing(const struct init_options *o, const char *path,
                           struct lw_err *err) {
    if (o->force || access(path, F_OK) != 0)
        return 0;
    return lw_fail(err, LW_EINPUT,
                   "%s exists; choose another file, or overwrite it with --force", path);
}

static int write_both(const struct init_options *o, const struct init_reading *r,
                      struct lw_buf *yaml, const char *schema, struct lw_err *err) {
    if (!o->out) {
        fwrite(yaml->data, 1, yaml->len, stdout);
        lw_cli_line(stderr,
                    "leeway init: with -o FILE, the schema is written, too (here: %s)",
                    schema);
        return 0;
    }
    const char *json = lw_schema_json(r->schema);
    bool own = o->from.schema && strcmp(o->from.schema, schema) == 0;
    if ((!own && lw_write_file(schema, json, strlen(json), err)) ||
        lw_write_file(o->out, yaml->data, yaml->len, err))
        return -1;
    lw_cli_line(stderr, "leeway init: wrote %s and %s; next:", o->out, schema);
    lw_cli_line(stderr, "  leeway check -c %s --offline %s", o->out, o->files[0]);
    lw_cli_line(stderr, "  leeway backtest -c %s %s", o->out, o->files[0]);
    return 0;
}

static int parse_range(const char *text, struct lw_draft_wishes *wishes,
                       struct lw_err *err) {
    char low[64];
    const char *comma = text ? strchr(text, ',') : NULL;
    wishes->lo = wishes->hi = NAN;
    if (!text)
        return 0;
    if (comma && comma - text < (ptrdiff_t)sizeof low) {
        memcpy(low, text, (size_t)(comma - text));
        low[comma - text] = 0;
        if (lw_parse_f64(low, &wishes->lo) && lw_parse_f64(comma + 1, &wishes->hi) &&
            wishes->lo < wishes->hi)
            return 0;
    }
    return lw_fail(err, LW_ECONFIG, "--range takes LOW,HIGH, not \"%.40s\"", text);
}

static int check_zone(const char *name, struct lw_err *err) {
    if (!name)
        return 0;
    struct lw_zone *zone = lw_zone_new(name, err);
    if (!zone)
        lw_err_context(err, "--time-zone");
    lw_zone_free(zone);
    return zone ? 0 : -1;
}

static int init_draft(const struct init_options *o, struct lw_err *err) {
    struct init_reading r = {0};
    struct lw_draft_wishes wishes = {.target = o->target,
                                     .time = o->time,
                                     .id = o->id,
                                     .time_zone = o->time_zone,
                                     .leave_out = o->leave_out.text,
                                     .nleave_out = o->leave_out.n};
    char stream[64], schema[1024], files[256];
    struct lw_buf yaml = {0};
    stream_name(o->from.topic ? o->from.topic : o->files[0], stream, sizeof stream);
    schema_path(o, stream, schema, sizeof schema);
    file_list(o, files, sizeof files);
    int rc =
        parse_range(o->range, &wishes, err) || check_zone(o->time_zone, err) ? -1 : 0;
    if (rc == 0 && o->out)
        rc = refuse_existing(o, o->out, err) || refuse_existing(o, schema, err) ? -1 : 0;
    if (rc == 0)
        rc = read_files(&r, o, err);
    struct lw_draft *draft = rc == 0 ? lw_draft_new(r.sample, &wishes, err) : NULL;
    rc = draft ? 0 : -1;
    if (rc == 0) {
        lw_draft_write(draft,
                       &(struct lw_draft_names){.stream = stream,
                                                .schema = lw_base_name(schema),
                                                .files = files,
                                                .topic = o->from.topic,
                                                .framing = o->framing,
                                                .servers = o->from.servers,
                                                .property = o->from.properties.text,
                                                .nproperties = o->from.properties.n},
                       &yaml);
        rc = write_both(o, &r, &yaml, schema, err);
    }
    lw_draft_free(draft);
    lw_buf_fini(&yaml);
    end_reading(&r);
    return rc;
}

/* Reads the topic into a file beside the configuration, which is then the sample. */
static int init_from_topic(struct init_options *o, struct lw_err *err) {
    struct lw_kafka_options *kafka = lw_calloc(1, sizeof *kafka);
    char path[1024], schema[1024];
    schema_path(o, "", schema, sizeof schema);
    size_t len = strlen(schema);
    snprintf(path, sizeof path, "%.*s.avro", (int)(len - strlen(".avsc")), schema);
    int rc = lw_init_topic_options(&o->from, kafka, err);
    if (rc == 0)
        rc = refuse_existing(o, o->out, err) || refuse_existing(o, path, err) ||
                     (strcmp(schema, o->from.schema) != 0 &&
                      refuse_existing(o, schema, err))
                 ? -1
                 : 0;
    if (rc == 0)
        rc = lw_init_topic_save(&o->from, kafka, path, &o->framing, err);
    free(kafka);
    if (rc)
        return -1;
    o->files[0] = path;
    o->nfiles = 1;
    o->force = true; /* nothing exists that may not be overwritten */
    return init_draft(o, err);
}

/* "": the words are right. */
static const char *wrong_words(const struct init_options *o) {
    const struct lw_init_topic *t = &o->from;
    if (!t->topic && (t->servers || t->schema || t->properties.n))
        return "--kafka, --schema and --property belong to --topic";
    if (t->topic && o->nfiles)
        return "--topic is read instead of files";
    if (t->topic && !(t->servers && t->schema && o->out))
        return "--topic needs --kafka, --schema and -o: a sample of it is written beside "
               "the configuration";
    return t->topic || o->nfiles ? "" : "no input files";
}

static int init_main(int argc, char **argv) {
    struct init_options o = {.files = lw_calloc((size_t)argc + 1, sizeof *o.files)};
    bool helped;
    const struct lw_option table[] = {
        {'o', LW_OPTION_TEXT, "output", &o.out},
        {0, LW_OPTION_TEXT, "target", &o.target},
        {0, LW_OPTION_TEXT, "range", &o.range},
        {0, LW_OPTION_TEXT, "time", &o.time},
        {0, LW_OPTION_TEXT, "id", &o.id},
        {0, LW_OPTION_TEXT, "time-zone", &o.time_zone},
        {0, LW_OPTION_LIST, "leave-out", &o.leave_out},
        {0, LW_OPTION_TEXT, "topic", &o.from.topic},
        {0, LW_OPTION_TEXT, "kafka", &o.from.servers},
        {0, LW_OPTION_TEXT, "schema", &o.from.schema},
        {0, LW_OPTION_LIST, "property", &o.from.properties},
        {0, LW_OPTION_FLAG, "force", &o.force},
    };
    struct lw_err err = {0};
    int n =
        lw_options_parse(&lw_cmd_init, LW_OPTIONS(table), argc, argv, o.files, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    o.nfiles = n > 0 ? (size_t)n : 0;
    if (n >= 0 && !helped && *wrong_words(&o))
        rc = lw_cli_usage(&lw_cmd_init, "%s", wrong_words(&o));
    else if (n >= 0 && !helped &&
             (o.from.topic ? init_from_topic(&o, &err) : init_draft(&o, &err)))
        rc = err.code == LW_ECONFIG ? lw_cli_usage(&lw_cmd_init, "%s", err.msg)
                                    : lw_cli_fail(&lw_cmd_init, &err);
    free(o.files);
    return rc;
}

const struct lw_command lw_cmd_init = {
    "init", "EVENTS.avro... | --topic NAME [-o FILE] [OPTIONS]",
    "Draft a first configuration from events in files or in a topic",
    "  -o, --output FILE      write the configuration to FILE (default: standard output),\n"
    "                         and the schema of the events beside it as .avsc\n"
    "      --target WHAT      what is predicted: a numeric field, or the minutes between\n"
    "                         two timestamps as minutes_between:FROM,TO (default: a guess)\n"
    "      --range LOW,HIGH   plausible values of the target (default: from its quantiles)\n"
    "      --time FIELD       the event time (default: the timestamp in whose order they are)\n"
    "      --id FIELD         what identifies an event (default: a field of unique values)\n"
    "      --time-zone NAME   the clocks that the stream lives by, such as Europe/Rome: for\n"
    "                         days, weeks, and the hours of times that are in UTC\n"
    "      --leave-out FIELD  not a feature, because it is known too late; may be repeated\n"
    "      --topic NAME       instead of files: the newest 200,000 messages of a topic, which\n"
    "                         are also written to FILE with .avro, for check and backtest\n"
    "      --kafka SERVERS    of the topic: bootstrap.servers, such as localhost:9092\n"
    "      --schema SCHEMA    of the topic: file of the schema of its messages\n"
    "      --property NAME=VALUE  of the topic: a property of librdkafka; may be repeated.\n"
    "                         Of a secret, NAME_file=PATH\n"
    "      --force            overwrite existing files\n"
    "\n"
    "Reads all events, and writes for each choice which number of the events led to it. A\n"
    "guess is marked as one. Fields that equal the target, or look as if they were known only\n"
    "with it, are left out with a comment. Some weeks of events are better than some days.\n"
    "\n"
    "  leeway init flights_2013-01.avro --target arr_delay -o flights.yaml\n"
    "  leeway check -c flights.yaml --offline flights_2013-01.avro\n"
    "  leeway backtest -c flights.yaml flights_2013-01.avro\n",
    init_main};
