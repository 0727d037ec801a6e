/* leeway status: the state of the stream in Redis, once or repeatedly.
 *
 * On a terminal --watch draws in place: lines are truncated to the terminal's width, and
 * lines below its bottom are omitted. Elsewhere it prints one block after the other. While
 * Redis is unavailable it shows the last state, marked as not current. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/status.h"
#include "store/tracking_json.h"

#define WATCH_MIN 0.1
#define WATCH_MAX 3600.0

/* Whole numbers as integers: times in milliseconds exceed the printed precision. */
static json_t *number_json(double v) {
    if (fabs(v) < 9e15 && v == trunc(v))
        return json_integer((json_int_t)v);
    return lw_json_number(v);
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

static json_t *partition_json(const struct lw_status *s, int32_t p) {
    const struct lw_partition_view *v = &s->part[p];
    char why[300] = "";
    bool stalled = lw_status_stalled(s, p, why, sizeof why);
    json_t *o = json_object();
    lw_json_set_int(o, "partition", p);
    lw_json_set_int_if(o, "next_offset", v->known, v->next_offset);
    lw_json_set_int_if(o, "end_offset", s->end[p] >= 0, s->end[p]);
    double lag = lw_status_lag_of(s, p);
    lw_json_set_whole(o, "lag", lag);
    lw_json_set_ms(o, "watermark_ms", v->watermark_ms);
    lw_json_set_text_or_null(o, "owner", v->owner);
    lw_json_set_bool(o, "idle", v->idle);
    lw_json_set_ms(o, "updated_ms", v->updated_ms);
    for (int k = 0; k < LW_COUNTERS; k++)
        lw_json_set_count(o, lw_counter_name((enum lw_counter)k), v->counter[k]);
    lw_json_set_bool(o, "stalled", stalled);
    lw_json_set_text(o, "why", stalled ? why : NULL);
    return o;
}

static json_t *trouble_json(const char *component, const char *who, int64_t since_ms,
                            const char *text) {
    json_t *o = json_object();
    lw_json_set_text(o, "component", component);
    lw_json_set_text(o, "process", who);
    lw_json_set_ms(o, "since_ms", since_ms);
    lw_json_set_text(o, "text", text);
    return o;
}

static json_t *troubles_json(const struct lw_status *s) {
    json_t *list = json_array();
    char ill[200];
    if (*lw_status_problem(s, ill, sizeof ill))
        json_array_append_new(
            list, trouble_json(s->full[0] ? "redis" : "leader", NULL, 0, ill));
    for (size_t i = 0; i < s->facts->nprocesses; i++)
        for (size_t k = 0; k < s->facts->process[i].ntroubles; k++) {
            const struct lw_trouble *t = &s->facts->process[i].trouble[k];
            json_array_append_new(list,
                                  trouble_json(lw_health_component_name(t->component),
                                               t->who, t->since_ms, t->text));
        }
    return list;
}

/* The newest evaluation, partitions, processes and problems. */
static json_t *status_json(const struct lw_status *s) {
    json_t *o = now_json(s->now), *parts = json_array(), *who = json_array();
    double lag = lw_status_lag(s);
    uint32_t champion = (uint32_t)fmax(lw_status_figure(s, "", "champion"), 0);
    for (int32_t p = 0; p < s->nparts; p++)
        json_array_append_new(parts, partition_json(s, p));
    for (size_t i = 0; i < s->facts->nprocesses; i++)
        json_array_append_new(who, lw_json_text(s->facts->process[i].who, SIZE_MAX));
    lw_json_set_whole(o, "lag", lag);
    lw_json_set(o, "tracking",
                lw_tracking_json(&s->config->spec.tracking, &s->tracking, champion,
                                 s->tracking_since_ms));
    lw_json_set_text_or_null(o, "leader", s->facts->leader);
    lw_json_set(o, "processes", who);
    lw_json_set(o, "problems", troubles_json(s));
    lw_json_set(o, "partitions", parts);
    return o;
}

/* ---- drawing in place ---- */

/* Bytes of the line's first `columns` characters; continuation bytes take no room. */
static size_t fitting_bytes(const char *line, size_t len, size_t columns) {
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
        fwrite(text, 1, fitting_bytes(text, len, columns), stdout);
        fputs("\033[K\n", stdout);
        text += len + (text[len] == '\n');
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* Prints one frame in place, or one block. */
static void draw_frame(const struct lw_status *s, const struct lw_err *away,
                       bool in_place, double seconds) {
    struct lw_buf out = {0};
    char when[32];
    if (in_place)
        lw_buf_printf(&out, "every %g s, now %.19s   (Ctrl-C to quit)\n", seconds,
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

static void drop_log_line(void *arg, const char *line) {
    (void)arg;
    (void)line;
}

static int status_watch(struct lw_status *s, double seconds, struct lw_err *err) {
    bool in_place = isatty(STDOUT_FILENO);
    lw_signals_catch();
    if (in_place) {
        lw_log_sink(drop_log_line, NULL); /* log lines would break the screen */
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
        draw_frame(s, &away, in_place, seconds);
    } while (!lw_signals_wait((int64_t)(seconds * 1000)));
    if (in_place) {
        fputs("\033[?25h", stdout);
        fflush(stdout);
        lw_log_sink(NULL, NULL);
    }
    return rc;
}

/* ---- the command ---- */

struct status_options {
    const char *path;
    bool json;
    double seconds; /* NAN: once */
};

static int status_once(struct lw_status *s, bool json, struct lw_err *err) {
    struct lw_buf out = {0};
    if (lw_status_read(s, err))
        return -1;
    if (json) {
        lw_cli_print_json(status_json(s));
        return 0;
    }
    lw_status_draw(s, &out);
    fputs(lw_buf_str(&out), stdout);
    lw_buf_fini(&out);
    return 0;
}

static int check_usage(const struct status_options *o, int nrest, char **rest) {
    if (nrest > 0)
        return lw_cli_usage(&lw_cmd_status, "unexpected argument \"%s\"", rest[0]);
    if (isnan(o->seconds))
        return LW_EXIT_OK;
    if (o->json)
        return lw_cli_usage(&lw_cmd_status, "--json cannot be combined with --watch");
    if (!(o->seconds >= WATCH_MIN && o->seconds <= WATCH_MAX))
        return lw_cli_usage(&lw_cmd_status, "--watch must be between %g and %g seconds",
                            WATCH_MIN, WATCH_MAX);
    return LW_EXIT_OK;
}

static int status_main(int argc, char **argv) {
    struct status_options o = {.seconds = NAN};
    struct lw_err err = {0};
    struct lw_status s;
    bool helped;
    const struct lw_option table[] = {
        {'c', LW_OPTION_TEXT, "config", &o.path},
        {0, LW_OPTION_FLAG, "json", &o.json},
        {0, LW_OPTION_NUMBER, "watch", &o.seconds},
    };
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n =
        lw_options_parse(&lw_cmd_status, LW_OPTIONS(table), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : helped ? LW_EXIT_OK : check_usage(&o, n, rest);
    free(rest);
    if (rc || helped)
        return rc;
    struct lw_config *config = lw_cli_config(&lw_cmd_status, o.path);
    if (!config)
        return o.path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    rc = lw_status_init(&s, config, &err);
    if (rc == 0) {
        rc = isnan(o.seconds) ? status_once(&s, o.json, &err)
                              : status_watch(&s, o.seconds, &err);
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
    "      --watch SECONDS  refresh at this interval, in place on a terminal, until Ctrl-C\n"
    "      --json           print one object: the newest evaluation, partitions with their lag,\n"
    "                       processes and problems\n"
    "\n"
    "\"stalled\" marks partitions that make no progress or that no live process reads, and\n"
    "problems that processes report, each with the reason.\n",
    status_main};
