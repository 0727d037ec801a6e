/* The demo's screen. Other threads add lines under a lock; the main thread draws. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/demo.h"
#include "core/task.h"

#define NEWS_MAX   12
#define POINTS_MAX 4096
#define WIDTH      64

struct lw_demo_screen {
    const struct lw_spec *spec;
    FILE *out;
    bool live;
    pthread_mutex_t lock;
    char news[NEWS_MAX][200]; /* a ring, newest at count - 1 */
    uint64_t count;
    int64_t clock_ms;
    double error[POINTS_MAX], first[POINTS_MAX];
    size_t npoints;
    double now_error, now_first, expected, champion, firing;
    double psi[LW_FEATURES_MAX];
    bool drift[LW_FEATURES_MAX];
    int64_t began_ms, drawn_ms;
    uint64_t drawn_events;
    double rate;
    int lines; /* drawn last time */
};

struct lw_demo_screen *lw_demo_screen_new(const struct lw_spec *spec, FILE *out,
                                          bool live) {
    struct lw_demo_screen *s = lw_calloc(1, sizeof *s);
    s->spec = spec;
    s->out = out;
    s->live = live;
    s->began_ms = s->drawn_ms = lw_mono_ms();
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void lw_demo_screen_free(struct lw_demo_screen *s) {
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void lw_demo_screen_say(struct lw_demo_screen *s, int64_t at_ms, const char *what,
                        const char *text) {
    char when[32], raw[420], line[sizeof raw];
    snprintf(raw, sizeof raw, "%s  %-10s %s",
             lw_cli_event_time(when, s->spec->zone, at_ms), what, text);
    lw_text_safe(line, sizeof line, raw, strlen(raw));
    pthread_mutex_lock(&s->lock);
    lw_copy(s->news[s->count++ % NEWS_MAX], sizeof s->news[0], line);
    if (!s->live)
        fprintf(s->out, "%s\n", line);
    pthread_mutex_unlock(&s->lock);
}

static double figure_value(const struct lw_evaluation *e, const char *window,
                           const char *name) {
    char wanted[160];
    int n = snprintf(wanted, sizeof wanted, "%s%s%s", window, window[0] ? ":" : "", name);
    if (n < 0 || (size_t)n >= sizeof wanted)
        return NAN;
    for (size_t i = 0; i < e->nfigures; i++)
        if (strcmp(e->figure[i].name, wanted) == 0)
            return e->figure[i].value;
    return NAN;
}

static void add_point(struct lw_demo_screen *s, double error, double first) {
    if (s->npoints == POINTS_MAX) {
        memmove(s->error, s->error + 1, (POINTS_MAX - 1) * sizeof *s->error);
        memmove(s->first, s->first + 1, (POINTS_MAX - 1) * sizeof *s->first);
        s->npoints--;
    }
    s->error[s->npoints] = error > 0 ? error : NAN;
    s->first[s->npoints++] = first > 0 ? first : NAN;
}

static void print_day(struct lw_demo_screen *s) {
    char text[160];
    if (s->live || !lw_spec_due(s->spec, s->clock_ms, LW_DAY) || !(s->now_error > 0))
        return;
    snprintf(text, sizeof text, "%s %s (expected %s, frozen %s), champion v%.0f",
             s->spec->task->figure[0].label, lw_digits(s->now_error, 3).text,
             lw_digits(s->expected, 3).text, lw_digits(s->now_first, 3).text,
             s->champion);
    fprintf(s->out, "%.10s        day        %s\n",
            lw_format_time((char[32]){0}, 32,
                           lw_zone_day(s->spec->zone, s->clock_ms - s->spec->pane_ms) *
                               LW_DAY),
            text);
}

void lw_demo_screen_evaluated(struct lw_demo_screen *s, const struct lw_evaluation *e) {
    const char *day = s->spec->window[0].name;
    const char *last = s->spec->window[s->spec->nwindows - 1].name;
    const struct lw_task *task = s->spec->task;
    pthread_mutex_lock(&s->lock);
    s->clock_ms = e->at_ms;
    s->now_error = figure_value(e, day, task->figure[0].key);
    s->now_first = figure_value(e, day, lw_task_error_key(task, "", "_first").text);
    s->expected = figure_value(e, day, lw_task_error_key(task, "", "_expected").text);
    s->champion = figure_value(e, "", "champion");
    s->firing = figure_value(e, "", "alerts_firing");
    add_point(s, s->now_error, s->now_first);
    for (size_t i = 0; e->columns && i < s->spec->nfeatures; i++) {
        char name[160];
        snprintf(name, sizeof name, "psi:%s", s->spec->feature[i].name);
        s->psi[i] = figure_value(e, last, name);
        snprintf(name, sizeof name, "drift:%s", s->spec->feature[i].name);
        s->drift[i] = figure_value(e, last, name) > 0;
    }
    print_day(s);
    pthread_mutex_unlock(&s->lock);
}

static void draw_line(struct lw_demo_screen *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void draw_line(struct lw_demo_screen *s, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vfprintf(s->out, fmt, ap);
    va_end(ap);
    fputs("\033[K\n", s->out);
    s->lines++;
}

/* One scale for both lines, so that they can be compared. */
static void common_range(const struct lw_demo_screen *s, double range[2]) {
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (size_t i = 0; i < s->npoints; i++) {
        range[0] = fmin(range[0], fmin(s->error[i], s->first[i]));
        range[1] = fmax(range[1], fmax(s->error[i], s->first[i]));
    }
}

static void draw_model(struct lw_demo_screen *s, uint64_t events, uint64_t outbox,
                       bool training) {
    char when[32], count[32], spark[WIDTH * 3 + 1];
    double range[2];
    common_range(s, range);
    draw_line(s, "\033[1mleeway demo\033[0m  %s   %s events, %.0f/s   champion v%.0f%s",
              s->clock_ms ? lw_cli_event_time(when, s->spec->zone, s->clock_ms)
                          : "waiting for trips",
              lw_format_count(count, sizeof count, events), s->rate, s->champion,
              training ? "   \033[33mtraining\033[0m" : "");
    draw_line(s, "%s", "");
    draw_line(s, "  %s, last day   %s   (expected %s, version 1 %s)",
              s->spec->task->figure[0].label, lw_digits(s->now_error, 3).text,
              lw_digits(s->expected, 3).text, lw_digits(s->now_first, 3).text);
    draw_line(
        s, "  managed  %s",
        lw_sparkline_between(spark, sizeof spark, s->error, s->npoints, WIDTH, range));
    draw_line(
        s, "  frozen   %s",
        lw_sparkline_between(spark, sizeof spark, s->first, s->npoints, WIDTH, range));
    draw_line(s, "%s", "");
    draw_line(s, "  alerts firing %.0f   deliveries pending %" PRIu64, s->firing, outbox);
}

static void draw_drift(struct lw_demo_screen *s) {
    for (size_t i = 0; i < s->spec->nfeatures; i++) {
        char bar[25];
        size_t full = s->psi[i] > 0 ? (size_t)fmin(s->psi[i] * 48, 24) : 0;
        memset(bar, '#', full);
        bar[full] = '\0';
        draw_line(s, "  %s PSI %6s %s%s\033[0m",
                  lw_text_column(s->spec->feature[i].name, 20, 20).text,
                  lw_digits(s->psi[i], 3).text, s->drift[i] ? "\033[31m" : "\033[32m",
                  bar);
    }
    draw_line(s, "%s", "");
}

void lw_demo_screen_draw(struct lw_demo_screen *s, uint64_t events, uint64_t outbox,
                         bool training) {
    if (!s->live)
        return;
    int64_t now = lw_mono_ms();
    pthread_mutex_lock(&s->lock);
    if (now - s->drawn_ms >= 500) {
        s->rate = (double)(events - s->drawn_events) * 1000 / (double)(now - s->drawn_ms);
        s->drawn_ms = now;
        s->drawn_events = events;
    }
    if (s->lines)
        fprintf(s->out, "\033[%dA", s->lines);
    s->lines = 0;
    draw_model(s, events, outbox, training);
    draw_drift(s);
    for (uint64_t i = s->count > NEWS_MAX ? s->count - NEWS_MAX : 0; i < s->count; i++)
        draw_line(s, "  %.110s", s->news[i % NEWS_MAX]);
    fputs("\033[J", s->out);
    fflush(s->out);
    pthread_mutex_unlock(&s->lock);
}

void lw_demo_screen_end(struct lw_demo_screen *s) {
    if (s->live)
        fputs("\n", s->out);
    fflush(s->out);
}
