/* leeway status: the stream as Redis knows it, once or again and again.
 *
 * On a terminal --watch draws in place: each line is cut to the terminal's width and
 * cleared behind, so that nothing flickers and nothing wraps; what has no room at the
 * bottom is left out. Anywhere else it prints one block after the other. A Redis that
 * goes away is waited for, with the last picture and the word that it is old. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/status.h"

#define WATCH_MIN 0.1
#define WATCH_MAX 3600.0

/* Whole numbers as such: times in milliseconds have more digits than our reals keep. */
static json_t *number_json(double v) {
    if (fabs(v) < 9e15 && v == trunc(v))
        return json_integer((json_int_t)v);
    return lw_cli_number(v);
}

static json_t *now_json(const struct lw_reply *now) {
    json_t *o = json_object();
    for (size_t i = 0; i + 1 < lw_reply_count(now); i += 2) {
        double v;
        const char *name = lw_reply_text(lw_reply_at(now, i), NULL);
        const char *text = lw_reply_text(lw_reply_at(now, i + 1), NULL);
        if (name && text)
            json_object_set_new(
                o, name, lw_parse_f64(text, &v) ? number_json(v) : json_string(text));
    }
    return o;
}

/* ---- drawing in place ---- */

/* Bytes of the line's first `columns` characters; continuation bytes take no room. */
static size_t fitting(const char *line, size_t len, size_t columns) {
    size_t at = 0, shown = 0;
    while (at < len) {
        if (((unsigned char)line[at] & 0xC0) != 0x80 && shown++ == columns)
            break;
        at++;
    }
    return at;
}

static void draw_in_place(const char *text) {
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    size_t columns = size.ws_col ? size.ws_col : 80,
           rows = size.ws_row ? size.ws_row : 24;
    fputs("\033[H", stdout);
    for (size_t row = 1; *text && row < rows; row++) {
        size_t len = strcspn(text, "\n");
        fwrite(text, 1, fitting(text, len, columns), stdout);
        fputs("\033[K\n", stdout);
        text += len + (text[len] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* One frame; without `in_place`, one block. */
static void frame(const struct lw_status *s, const struct lw_err *away, bool in_place,
                  double seconds) {
    struct lw_buf out = {0};
    char when[32];
    if (in_place)
        lw_buf_printf(&out, "every %g s, now %.19s   (Ctrl-C ends)\n", seconds,
                      lw_format_time(when, sizeof when, lw_wall_ms()));
    if (away->code)
        lw_buf_printf(&out, "NOT CURRENT: %s\n", away->msg);
    if (s->now)
        lw_status_draw(s, &out);
    if (in_place) {
        draw_in_place(lw_buf_str(&out));
    } else {
        fputs(lw_buf_str(&out), stdout);
        putchar('\n');
        fflush(stdout);
    }
    lw_buf_fini(&out);
}

static void no_log(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

static int watch(struct lw_status *s, double seconds, struct lw_err *err) {
    bool in_place = isatty(STDOUT_FILENO);
    lw_cli_catch_signals();
    if (in_place) {
        lw_log_sink(no_log, NULL); /* librdkafka's lines would tear the picture */
        fputs("\033[2J\033[?25l", stdout);
    }
    int rc = 0;
    do {
        struct lw_err away = {0};
        if (lw_status_read(s, &away) && away.code != LW_EAGAIN) {
            *err = away;
            rc = -1;
            break;
        }
        frame(s, &away, in_place, seconds);
    } while (!lw_cli_signal((int64_t)(seconds * 1000)));
    if (in_place) {
        fputs("\033[?25h", stdout);
        fflush(stdout);
        lw_log_sink(NULL, NULL);
    }
    return rc;
}

/* ---- the command ---- */

struct options {
    const char *path;
    bool json;
    double seconds; /* NAN: once */
};

static int once(struct lw_status *s, bool json, struct lw_err *err) {
    struct lw_buf out = {0};
    if (lw_status_read(s, err))
        return -1;
    if (json) {
        lw_cli_print_json(now_json(s->now));
        return 0;
    }
    lw_status_draw(s, &out);
    fputs(lw_buf_str(&out), stdout);
    lw_buf_fini(&out);
    return 0;
}

static int check(const struct options *o, int nrest, char **rest) {
    if (nrest > 0)
        return lw_cli_usage(&lw_cmd_status, "what is \"%s\"?", rest[0]);
    if (isnan(o->seconds))
        return LW_EXIT_OK;
    if (o->json)
        return lw_cli_usage(&lw_cmd_status, "--json prints once: without --watch");
    if (!(o->seconds >= WATCH_MIN && o->seconds <= WATCH_MAX))
        return lw_cli_usage(&lw_cmd_status, "--watch takes %g to %g seconds", WATCH_MIN,
                            WATCH_MAX);
    return LW_EXIT_OK;
}

static int run(int argc, char **argv) {
    struct options o = {.seconds = NAN};
    struct lw_err err = {0};
    struct lw_status s;
    bool helped;
    const struct lw_option table[] = {
        {'c', "config", LW_OPTION_TEXT, &o.path},
        {0, "json", LW_OPTION_FLAG, &o.json},
        {0, "watch", LW_OPTION_NUMBER, &o.seconds},
    };
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(&lw_cmd_status, table, sizeof table / sizeof *table, argc,
                             argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : helped ? LW_EXIT_OK : check(&o, n, rest);
    free(rest);
    if (rc || helped)
        return rc;
    struct lw_config *config = lw_cli_config(&lw_cmd_status, o.path);
    if (!config)
        return o.path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    rc = lw_status_init(&s, config, &err);
    if (rc == 0) {
        rc = isnan(o.seconds) ? once(&s, o.json, &err) : watch(&s, o.seconds, &err);
        lw_status_fini(&s);
    }
    rc = rc ? lw_cli_fail(&lw_cmd_status, &err) : LW_EXIT_OK;
    lw_config_free(config);
    return rc;
}

const struct lw_command lw_cmd_status = {
    "status", "-c FILE [--watch SECONDS | --json]",
    "Show the newest evaluation and every partition's progress",
    "  -c, --config FILE    the stream's configuration\n"
    "      --watch SECONDS  refresh this often, in place on a terminal, until Ctrl-C\n"
    "      --json           the newest evaluation as one object\n",
    run};
