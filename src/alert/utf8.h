/* Sanitised UTF-8. Internal to the layer. */
#ifndef LW_ALERT_UTF8_H
#define LW_ALERT_UTF8_H

#include <stddef.h>

/* Copies at most size - 1 bytes of valid UTF-8: invalid bytes and control characters
 * other than newline become \xHH or \uHHHH; text that does not fit is cut between code
 * points and ends in "…". */
char *lw__utf8_clean(char *out, size_t size, const char *text, size_t len);

#endif
