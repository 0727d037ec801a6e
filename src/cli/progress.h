/* A progress bar on standard error, shown when that is a terminal and the work takes
 * longer than a second. */
#ifndef LW_CLI_PROGRESS_H
#define LW_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct lw_progress {
    const char *what;
    int64_t began_ms, drawn_ms;
    bool shown;
};
void lw_progress_start(struct lw_progress *p, const char *what);
/* share: 0 to 1; count: events so far. */
void lw_progress_at(struct lw_progress *p, double share, uint64_t count);
void lw_progress_end(struct lw_progress *p);

#endif
