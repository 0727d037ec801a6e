/* Input of the commands that work on files: events, a model, counts of records. */
#ifndef LW_CLI_INPUT_H
#define LW_CLI_INPUT_H

#include "cli/cli.h"
#include "engine/feed.h"
#include "exchange/exchange.h"
#include "leeway/model.h"
#include "model/dataset.h"

/* Counts of records by outcome. */
struct lw_input_tally {
    uint64_t records, unusable, reason[LW_REASONS_MAX];
    uint64_t late;            /* good, but not before `until` */
    char first_unusable[512]; /* error of the first unusable record */
};
void lw_input_tally_count(struct lw_input_tally *t, const struct lw_feed_event *event);
uint64_t lw_input_tally_rejected(const struct lw_input_tally *t);
/* "316,378 records, 9,000 rejected (not trip_distance < 50), ..." */
void lw_input_tally_print(const struct lw_input_tally *t,
                          const struct lw_event_spec *spec, FILE *out);
void lw_input_tally_json(const struct lw_input_tally *t, const struct lw_event_spec *spec,
                         json_t *into);

/* Called for each event of the files; returns -1 with err to stop. */
typedef int lw_input_event(void *arg, const struct lw_feed_event *event,
                           struct lw_err *err);
struct lw_input {
    char **paths;
    size_t n;
    const char *what; /* label of the progress bar */
    lw_input_event *take;
    void *arg;
};
int lw_input_read(const struct lw_config *config, const struct lw_input *in,
                  struct lw_input_tally *t, struct lw_err *err);

/* Reads a model file of any format of exchange.h and binds it to the configuration's
 * fields. The caller frees it. */
struct lw_model *lw_input_model(const struct lw_config *config, const char *path,
                                struct lw_err *err);
/* The same, and says which format it was. */
struct lw_model *lw_input_model_as(const struct lw_config *config, const char *path,
                                   enum lw_exchange_format *format, struct lw_err *err);

#endif
