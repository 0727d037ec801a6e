/* HTML pages written by commands: escaped text and one style sheet, light and dark. */
#ifndef LW_CLI_HTML_H
#define LW_CLI_HTML_H

#include <stddef.h>

#include "base/buf.h"

extern const char lw_html_style[];

/* Appends text escaped for HTML and SVG, with control characters made visible
 * (base/text_media.h), so that no text from a file becomes markup. */
void lw_html_text(struct lw_buf *out, const char *text, size_t len);
void lw_html_str(struct lw_buf *out, const char *text);

#endif
