/* All files are read through engine/feed.h, so decoding, target and reasons for rejection
 * are those of the topic. Unused records are always reported with their reason: a typing
 * error in `valid:` must not go unnoticed. */
#include "cli/input.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define MODEL_BYTES_MAX (1024u * 1024 * 1024)

void lw_input_tally_count(struct lw_input_tally *t, const struct lw_feed_event *event) {
    t->records++;
    if (event->reason >= 0) {
        t->reason[event->reason]++;
        return;
    }
    if (t->unusable++ == 0)
        lw_copy(t->first_unusable, sizeof t->first_unusable, event->why.msg);
}

uint64_t lw_input_tally_rejected(const struct lw_input_tally *t) {
    uint64_t n = 0;
    for (int i = LW_GOOD + 1; i < LW_REASONS_MAX; i++)
        n += t->reason[i];
    return n;
}

void lw_input_tally_print(const struct lw_input_tally *t,
                          const struct lw_event_spec *spec, FILE *out) {
    char count[32];
    fprintf(out, "%s records", lw_format_count(count, sizeof count, t->records));
    for (int i = LW_GOOD + 1; i < LW_REASONS_MAX; i++)
        if (t->reason[i])
            fprintf(out, ", %s rejected (%s%s)",
                    lw_format_count(count, sizeof count, t->reason[i]),
                    i >= LW_REJECTED_CHECK ? "not " : "", lw_event_reason(spec, i));
    if (t->late)
        fprintf(out, ", %s too late", lw_format_count(count, sizeof count, t->late));
    if (t->unusable)
        fprintf(out, ", %s unreadable (first error: %s)",
                lw_format_count(count, sizeof count, t->unusable), t->first_unusable);
    fprintf(out, "\n");
}

void lw_input_tally_json(const struct lw_input_tally *t, const struct lw_event_spec *spec,
                         json_t *into) {
    json_t *rejected = json_object();
    for (int i = LW_GOOD + 1; i < LW_REASONS_MAX; i++)
        if (t->reason[i])
            lw_json_set_count(rejected, lw_event_reason(spec, i), t->reason[i]);
    lw_json_set_count(into, "records", t->records);
    lw_json_set_count(into, "unusable", t->unusable);
    lw_json_set_count(into, "rejected", lw_input_tally_rejected(t));
    lw_json_set(into, "rejected_by_reason", rejected);
}

int lw_input_read(const struct lw_config *config, const struct lw_input *in,
                  struct lw_input_tally *t, struct lw_err *err) {
    struct lw_progress progress;
    struct lw_feed_event event;
    int got;
    struct lw_event_feed *feed = lw_feed_open(config, in->paths, in->n, err);
    if (!feed)
        return -1;
    lw_progress_start(&progress, in->what);
    while ((got = lw_feed_next(feed, &event, err)) > 0) {
        lw_input_tally_count(t, &event);
        if (in->take(in->arg, &event, err)) {
            got = -1;
            break;
        }
        if (t->records % 4096 == 0)
            lw_progress_at(&progress, lw_feed_progress(feed), t->records);
    }
    lw_progress_end(&progress);
    lw_feed_close(feed);
    if (got == 0 && t->records > 0 && t->unusable == t->records)
        return lw_fail(err, LW_EINPUT, "none of %" PRIu64 " records could be read: %s",
                       t->records, t->first_unusable);
    return got;
}

/* The file's name without folder and ending, as a name of the model. */
static void name_of(const char *path, char *out, size_t size) {
    const char *base = lw_base_name(path);
    lw_text_show(out, size, base, strlen(base));
    char *dot = strrchr(out, '.');
    if (dot && dot > out)
        *dot = 0;
}

static void describe_stream(const struct lw_config *config, struct lw_exchange *out) {
    const struct lw_spec *spec = &config->spec;
    bool minutes = spec->event.target == LW_TARGET_MINUTES_BETWEEN;
    out->fields = &spec->event.fields;
    out->leaks = spec->event.target_b;
    out->minutes = minutes;
    out->zone = spec->zone;
    out->zone_name = config->names.time_zone;
    out->calendars = &spec->calendars;
    for (size_t i = 0; i < out->fields->n; i++) {
        int texts = lw_schema_texts(config->source.schema, out->fields->field[i].name);
        out->levels[i] = texts < 0 ? LW_LEVELS_EITHER
                         : texts   ? LW_LEVELS_TEXTS
                                   : LW_LEVELS_INTEGERS;
    }
}

struct lw_model *lw_input_model_as(const struct lw_config *config, const char *path,
                                   enum lw_exchange_format *format, struct lw_err *err) {
    size_t len;
    char name[LW_NAME_MAX];
    char *bytes = lw_read_file(path, MODEL_BYTES_MAX, &len, err);
    if (!bytes)
        return NULL;
    struct lw_exchange *to = lw_calloc(1, sizeof *to);
    name_of(path, name, sizeof name);
    to->name = name;
    describe_stream(config, to);
    struct lw_model *model = lw_exchange_import(to, bytes, len, format, err);
    free(bytes);
    free(to);
    if (!model)
        lw_err_context(err, "%s", path);
    return model;
}

struct lw_model *lw_input_model(const struct lw_config *config, const char *path,
                                struct lw_err *err) {
    enum lw_exchange_format ignored;
    return lw_input_model_as(config, path, &ignored, err);
}
