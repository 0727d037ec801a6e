/* Injected drift put back into the encoded record, for the replay: the topic's
 * consumers must see it too. */
#ifndef LW_ENGINE_INJECT_AVRO_H
#define LW_ENGINE_INJECT_AVRO_H

#include "engine/feed.h"

struct lw_inject_avro;

/* fields: those that injections speak of. */
struct lw_inject_avro *lw_inject_avro_new(const struct lw_fields *fields);
void lw_inject_avro_free(struct lw_inject_avro *r);
/* Writes the changed cells of the injections that hit this event into its record, and
 * lets event->bytes and ->len stand for the result (borrowed until the next call). The
 * fields are found in the file's schema by the configured names, dots for fields of
 * records within. LW_ECONFIG when a field is not there or cannot hold such a value (no
 * enum has a new category). Whole-number fields take the nearest whole number. Thread:
 * one. Cost: a generic decode and encode; only touched events should come here. */
int lw_inject_avro_event(struct lw_inject_avro *r, const struct lw_injection *list,
                         size_t n, struct lw_feed_event *event, struct lw_err *err);

#endif
