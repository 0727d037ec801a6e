#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"

void lw_progress_start(struct lw_progress *p, const char *what) {
    *p = (struct lw_progress){.what = what, .began_ms = lw_mono_ms()};
}

void lw_progress_at(struct lw_progress *p, double share, uint64_t count) {
    enum { WIDTH = 30 };
    int64_t now = lw_mono_ms();
    if (now - p->began_ms < 1000 || now - p->drawn_ms < 100 || !isatty(STDERR_FILENO))
        return;
    char bar[WIDTH + 1], events[32];
    int full = (int)(share * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < full ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f%%  %s events", p->what, bar, 100 * share,
            lw_format_count(events, sizeof events, count));
    p->drawn_ms = now;
    p->shown = true;
}

void lw_progress_end(struct lw_progress *p) {
    if (p->shown)
        fprintf(stderr, "\r\033[K");
    p->shown = false;
}
