/* Writes the values of a replay in the stream's framing: the files' records, preceded
 * by the reference to their schema. */
#ifndef LW_ENGINE_FRAME_WRITER_H
#define LW_ENGINE_FRAME_WRITER_H

#include "engine/feed.h"

struct lw_frame_writer;

/* LW_ECONFIG: the registry's secrets. The configuration is borrowed. */
struct lw_frame_writer *lw_frame_writer_new(const struct lw_config *config,
                                            struct lw_err *err);
void lw_frame_writer_free(struct lw_frame_writer *w);
/* The event's value, borrowed until the next call. At the first event of a file whose
 * schema is new, the registry is asked: LW_EAGAIN, LW_ECONFIG. */
int lw_frame_writer_frame(struct lw_frame_writer *w, const struct lw_feed_event *event,
                          const uint8_t **value, size_t *len, struct lw_err *err);

#endif
