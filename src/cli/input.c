/* All files are read through engine/feed.h, so decoding, target and reasons for rejection
 * are those of the topic. Unused records are always reported with their reason: a typing
 * error in `valid:` must not go unnoticed. */
#include "cli/input.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

struct lw_model *lw_input_model(const struct lw_config *config, const char *path,
                                struct lw_err *err) {
    size_t len;
    char *bytes = lw_read_file(path, MODEL_BYTES_MAX, &len, err);
    if (!bytes)
        return NULL;
    struct lw_model *model = lw_model_decode(bytes, len, err);
    free(bytes);
    if (model && lw_model_bind(model, &config->spec.event.fields, err)) {
        lw_model_free(model);
        model = NULL;
    }
    if (!model)
        lw_err_context(err, "%s", path);
    return model;
}
