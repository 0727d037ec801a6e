/* Events from Avro container files, through the same decoding as events from Kafka:
 * what the offline commands, the replay and the backtest read. */
#ifndef LW_ENGINE_FEED_H
#define LW_ENGINE_FEED_H

#include "config/config.h"
#include "core/inject.h"

struct lw_event_feed;

/* Files are read in the order given. Each file's own schema is the writer's; the
 * configured one the reader's. */
struct lw_event_feed *lw_feed_open(const struct lw_config *config, char *const *paths,
                                   size_t n, struct lw_err *err);
void lw_feed_close(struct lw_event_feed *f);
/* From here on, events are merged by event time over all files, each of which is read
 * in its own order. Monthly files overlap at their ends: read one after another, they
 * would make the first events of each month late. A file's position is the clock of
 * its crowd (core/clock.h), so a wrong clock does not delay a file. All files are open
 * at once. */
int lw_feed_merge(struct lw_event_feed *f, struct lw_err *err);

/* Injects drift (core/inject.h) into every event from here on; the list is borrowed
 * and counts the affected events. `bytes` stay as in the file. */
void lw_feed_inject(struct lw_event_feed *feed, struct lw_injection *list, size_t n);

struct lw_feed_event {
    struct lw_row row; /* borrowed until the next call */
    int reason;        /* as lw_event_row; -1: unusable, see why */
    struct lw_err why;
    bool injected;        /* cells differ from bytes */
    const uint8_t *bytes; /* as encoded in the file */
    size_t len;
    const char *schema_json; /* the file's */
    size_t file;             /* its index */
};
/* 1; 0 at the end of the last file; -1 when a file cannot be read further. */
int lw_feed_next(struct lw_event_feed *f, struct lw_feed_event *out, struct lw_err *err);
double lw_feed_progress(const struct lw_event_feed *f);  /* [0, 1] over all files */
uint64_t lw_feed_records(const struct lw_event_feed *f); /* so far */
uint64_t lw_feed_unusable(const struct lw_event_feed *f);
const char *lw_feed_why(
    const struct lw_event_feed *f); /* why the first unusable event was so, or "" */

#endif
