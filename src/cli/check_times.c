/* leeway check: how each timestamp is read, in which unit, and whether events agree.
 *
 * A plain long has no unit. Read in the wrong unit it is still a time, in 1970 or in the
 * year 57971, so the check samples values: from the given files, or from the first
 * messages of the topic. */
#include "cli/check.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/time.h"
#include "engine/intake.h"
#include "event/file.h"
#include "kafka/probe.h"
#include "kafka/ranges.h"
#include "registry/registry.h"

#define SAMPLE_MAX 1000 /* records of each file, messages of each partition */
#define PARTITIONS 16
#define KAFKA_MS   5000
#define NOBODY     INT64_MAX

struct time_counts {
    uint64_t seen, none, outside, meant[LW_UNIT_NS + 1];
    int64_t oldest, newest;
};

struct time_sample {
    const struct lw_config *config;
    struct lw_intake *intake;
    uint64_t n, unreadable;
    char why[512];                              /* error of the first unreadable record */
    struct time_counts time[LW_FIELDS_MAX + 1]; /* last: time of the Kafka record */
};

static void count_time(struct time_counts *t, enum lw_unit unit, int64_t ms) {
    if (ms == LW_NO_TIME) {
        t->none++;
        return;
    }
    t->oldest = t->seen == 0 || ms < t->oldest ? ms : t->oldest;
    t->newest = t->seen == 0 || ms > t->newest ? ms : t->newest;
    t->seen++;
    if (ms >= LW_TIME_FROM && ms < LW_TIME_UNTIL)
        return;
    t->outside++;
    t->meant[lw_event_unit_meant(unit, ms)]++;
}

static void count_cells(struct time_sample *s, const struct lw_cell *cells,
                        int64_t record_ms) {
    const struct lw_fields *fields = &s->config->spec.event.fields;
    struct lw_event_time_reading reading;
    for (size_t i = 0; i < fields->n; i++)
        if (cells[i].present &&
            lw_event_time_reading(s->config->source.schema, fields, i, &reading))
            count_time(&s->time[i], reading.unit, (int64_t)cells[i].key);
    if (record_ms != NOBODY)
        count_time(&s->time[LW_FIELDS_MAX], LW_UNIT_MS, record_ms);
}

static void count_failure(struct time_sample *s, const struct lw_err *why) {
    if (s->unreadable++ == 0)
        lw_copy(s->why, sizeof s->why, why->msg);
}

static int read_file(struct time_sample *s, const char *path, struct lw_err *err) {
    const struct lw_config *config = s->config;
    struct lw_cell cells[LW_FIELDS_MAX];
    const uint8_t *data;
    size_t len;
    int got = 0;
    struct lw_file *file = lw_file_open(path, err);
    struct lw_decoder *d = file ? lw_file_decoder(file, config->source.schema,
                                                  &config->spec.event.fields, err)
                                : NULL;
    for (int i = 0;
         d && i < SAMPLE_MAX && (got = lw_file_next(file, &data, &len, err)) > 0; i++) {
        struct lw_err why = {0};
        s->n++;
        if (lw_decoder_decode_bytes(d, data, len, cells, &why))
            count_failure(s, &why);
        else
            count_cells(s, cells, NOBODY);
    }
    lw_decoder_free(d);
    lw_file_close(file);
    return d && got >= 0 ? 0 : lw_err_context(err, "%s", path);
}

static int count_message(void *arg, const rd_kafka_message_t *m) {
    struct time_sample *s = arg;
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_err why = {0};
    int64_t until = lw_mono_ms() + s->config->source.registry.timeout_ms;
    int rc;
    while ((rc = lw_intake_decode(s->intake, m, cells, &why)) && why.code == LW_EAGAIN &&
           lw_mono_ms() < until) {
        lw_err_clear(&why);
        lw_sleep_ms(10);
    }
    s->n++;
    if (rc)
        count_failure(s, &why);
    else
        count_cells(s, cells,
                    s->config->spec.event.time_field < 0 ? lw_intake_message_time(m)
                                                         : NOBODY);
    return 0;
}

/* The first messages that each of some partitions still holds. */
static size_t first_ranges(const struct lw_config *config, struct lw_offset_range *ranges,
                           struct lw_err *err) {
    const char *topic = config->source.topic;
    struct lw_probe *p = lw_probe_new(&config->kafka, err);
    int32_t partitions = p ? lw_probe_partitions(p, topic, KAFKA_MS, err) : -1;
    int32_t some = partitions < PARTITIONS ? partitions : PARTITIONS;
    size_t n = lw_probe_ranges(p, topic, some, KAFKA_MS, ranges);
    for (size_t i = 0; i < n; i++) {
        int64_t last = ranges[i].first + SAMPLE_MAX - 1;
        ranges[i].last = ranges[i].last < last ? ranges[i].last : last;
    }
    lw_probe_free(p);
    return n;
}

static void read_topic(struct time_sample *s, struct lw_err *err) {
    const struct lw_config *config = s->config;
    struct lw_registry_options o = config->source.registry;
    struct lw_offset_range ranges[PARTITIONS];
    bool wanted = config->source.framing == LW_FRAMING_CONFLUENT;
    o.missing_wait_ms = 0;
    size_t n = first_ranges(config, ranges, err);
    if (n == 0)
        return; /* empty or unreachable */
    struct lw_registry *registry = wanted ? lw_registry_new(&o, err) : NULL;
    s->intake = wanted && !registry ? NULL : lw_intake_new(config, registry, err);
    const struct lw_read_options how = {
        .timeout_ms = KAFKA_MS, .each = count_message, .arg = s};
    if (s->intake)
        lw_intake_patience(s->intake, 0);
    if (s->intake)
        lw_ranges_read(&config->kafka, config->source.topic,
                       (struct lw_offset_ranges){ranges, n}, &how, NULL, err);
    lw_intake_free(s->intake);
    lw_registry_free(registry);
}

/* ---- results ---- */

/* "long, timestamp-micros", and what it means here. */
static void put_reading(struct lw_buf *out, const struct lw_config *config,
                        const char *name, const struct lw_event_time_reading *r) {
    static const char *const units[] = {"days", "seconds", "milliseconds", "microseconds",
                                        "nanoseconds"};
    const char *zone = *config->names.time_zone ? config->names.time_zone : "UTC";
    lw_buf_printf(out, "%s: %s%s%s", name, r->type, r->meaning ? ", " : "",
                  r->meaning ? r->meaning : "");
    if (r->text)
        lw_buf_printf(out, ", ISO 8601; without an offset in %s", zone);
    else if (r->bare)
        lw_buf_printf(out, " without a logicalType; read as milliseconds since "
                           "1970 (set `unit: ms`, or another unit, to confirm)");
    else
        lw_buf_printf(out, ", read as %s%s%s", units[r->unit],
                      r->local ? ", local time in " : "", r->local ? zone : "");
    if (r->beside)
        lw_buf_printf(
            out,
            "; its logicalType is next to \"type\", where Avro ignores "
            "it: leeway uses it, but correct it to {\"type\": {\"type\": \"%s\", "
            "\"logicalType\": ...}}",
            r->type);
}

static enum lw_unit commonest_unit(const struct time_counts *t) {
    enum lw_unit best = LW_UNIT_OF_TYPE;
    for (int u = LW_UNIT_S; u <= LW_UNIT_NS; u++)
        if (t->meant[u] > t->meant[best] || (best == LW_UNIT_OF_TYPE && t->meant[u] > 0))
            best = (enum lw_unit)u;
    return best;
}

/* Appends the sample's range. True: most values are outside the valid years. */
static bool put_sample(struct lw_buf *out, const struct time_counts *t,
                       const char *remedy) {
    char oldest[40], newest[40];
    enum lw_unit meant = commonest_unit(t);
    lw_format_time(oldest, sizeof oldest, t->oldest);
    lw_format_time(newest, sizeof newest, t->newest);
    lw_buf_printf(out, "; %" PRIu64 " sampled values range from %s to %s", t->seen,
                  oldest, newest);
    if (t->outside == 0)
        return false;
    lw_buf_printf(out, ", %" PRIu64 " of them outside the years 1990 to 2100",
                  t->outside);
    if (meant != LW_UNIT_OF_TYPE)
        lw_buf_printf(out, "; %" PRIu64 " would be valid in %s: %s%s", t->meant[meant],
                      lw_event_unit_name(meant), remedy, lw_event_unit_name(meant));
    return 2 * t->outside > t->seen;
}

static void report_field(struct lw_check_findings *f, const struct time_sample *s,
                         size_t field) {
    const struct lw_config *config = s->config;
    const struct lw_fields *fields = &config->spec.event.fields;
    const struct time_counts *t = &s->time[field];
    struct lw_event_time_reading r;
    struct lw_buf text = {0};
    if (!lw_event_time_reading(config->source.schema, fields, field, &r))
        return;
    put_reading(&text, config, fields->field[field].name, &r);
    bool most = t->seen > 0 && put_sample(&text, t, "set its unit to ");
    enum lw_check_outcome v = most ? LW_CHECK_FAILED : LW_CHECK_OK;
    if (!most && (r.bare || r.beside || t->outside > 0))
        v = LW_CHECK_WARNING;
    lw_check_report(f, "time", v, lw_buf_str(&text));
    lw_buf_fini(&text);
}

static void report_record_times(struct lw_check_findings *f,
                                const struct time_sample *s) {
    const struct time_counts *t = &s->time[LW_FIELDS_MAX];
    struct lw_buf text = {0};
    lw_buf_printf(&text, "event.time is the time of the Kafka record");
    if (t->none > 0)
        lw_buf_printf(&text, "; %" PRIu64 " sampled messages have none", t->none);
    bool most = t->seen > 0 && put_sample(&text, t, "the producer sets it in ");
    most |= t->none > t->seen;
    lw_check_report(f, "time",
                    most                       ? LW_CHECK_FAILED
                    : t->outside + t->none > 0 ? LW_CHECK_WARNING
                                               : LW_CHECK_OK,
                    lw_buf_str(&text));
    lw_buf_fini(&text);
}

static void report_sample(struct lw_check_findings *f, const struct time_sample *s,
                          const struct lw_err *err) {
    char text[1200];
    if (err->code != LW_OK) {
        lw_check_report(f, "sample", LW_CHECK_FAILED, err->msg);
        return;
    }
    if (s->n == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " events, %" PRIu64 " unreadable%s%s", s->n,
             s->unreadable, s->unreadable ? ": " : "", s->why);
    lw_check_report(f, "sample",
                    s->unreadable == s->n ? LW_CHECK_FAILED
                    : s->unreadable > 0   ? LW_CHECK_WARNING
                                          : LW_CHECK_OK,
                    text);
}

void lw_check_times(struct lw_check_findings *f, const struct lw_config *config,
                    char *const *files, size_t nfiles, bool no_topic) {
    struct time_sample s = {.config = config};
    struct lw_err err = {0};
    int rc = 0;
    for (size_t i = 0; i < nfiles && rc == 0; i++)
        rc = read_file(&s, files[i], &err);
    if (nfiles == 0 && !no_topic) {
        read_topic(&s, &err);
        lw_err_clear(&err); /* reported by the Kafka and registry checks */
    }
    report_sample(f, &s, &err);
    for (size_t i = 0; i < config->spec.event.fields.n; i++)
        report_field(f, &s, i);
    if (config->spec.event.time_field < 0)
        report_record_times(f, &s);
}
