/* Writes injected drift back into the encoded record, for the replay: the topic's
 * consumers must see it too. */
#ifndef LW_ENGINE_INJECT_AVRO_H
#define LW_ENGINE_INJECT_AVRO_H

#include "engine/feed.h"

struct lw_inject_avro;

/* fields: those that the injections name. */
struct lw_inject_avro *lw_inject_avro_new(const struct lw_fields *fields);
void lw_inject_avro_free(struct lw_inject_avro *r);
/* Writes the changed cells of the injections that hit this event into its record, and
 * points event->bytes and ->len to the result (borrowed until the next call). The
 * fields are found in the file's schema by their configured names, with dots for
 * nested records. LW_ECONFIG when a field is missing or cannot take such a value (an
 * enum has no new category). Whole-number fields take the nearest integer. Thread:
 * one. Cost: a generic decode and encode, so call it only for affected events. */
int lw_inject_avro_event(struct lw_inject_avro *r, const struct lw_injection *list,
                         size_t n, struct lw_feed_event *event, struct lw_err *err);

#endif
