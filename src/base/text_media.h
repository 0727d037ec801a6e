/* Escapes a text for a medium, so that it stays text there. */
#ifndef LW_BASE_TEXT_MEDIA_H
#define LW_BASE_TEXT_MEDIA_H

#include <stddef.h>

#include "base/buf.h"

enum lw_medium {
    LW_MEDIUM_LINE,  /* a terminal, a log, a list of plain lines: lw_text_safe */
    LW_MEDIUM_HTML,  /* HTML and SVG, between tags and in quoted attributes */
    LW_MEDIUM_LABEL, /* the value of a label in Prometheus' text format */
    LW_MEDIUM_SLACK, /* the text of a plain_text object */
    LW_MEDIUM_CARD,  /* a text of an Adaptive Card (Teams) */
    LW_MEDIA
};

/* Appends at most max bytes (3 at least) of the text as one line; where that is too
 * little it is cut between characters and ends in an ellipsis. The bytes may be any. */
void lw_text_for(enum lw_medium medium, struct lw_buf *out, const char *text, size_t len,
                 size_t max);

/* Appends a JSON text, in UTF-8, whose strings may hold anything: what drives a terminal
 * or turns the direction of writing becomes \uXXXX there. A reader of JSON sees the same.
 */
void lw_text_json(struct lw_buf *out, const char *json, size_t len);

#endif
