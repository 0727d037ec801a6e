/* leeway status: the stream as Redis knows it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/cli.h"
#include "store/keys.h"
#include "store/leader.h"

static double figure(const struct lw_reply *now, const char *window, const char *name) {
    char field[160];
    double v;
    snprintf(field, sizeof field, "%s%s%s", window, window[0] ? ":" : "", name);
    const struct lw_reply *value = lw_reply_field(now, field);
    const char *text = value ? lw_reply_text(value, NULL) : NULL;
    return text && lw_parse_f64(text, &v) ? v : NAN;
}

static json_t *now_json(const struct lw_reply *now) {
    json_t *o = json_object();
    for (size_t i = 0; i + 1 < lw_reply_count(now); i += 2) {
        double v;
        const char *name = lw_reply_text(lw_reply_at(now, i), NULL);
        const char *text = lw_reply_text(lw_reply_at(now, i + 1), NULL);
        if (name && text)
            json_object_set_new(
                o, name, lw_parse_f64(text, &v) ? json_real(v) : json_string(text));
    }
    return o;
}

static void print_windows(const struct lw_spec *spec, const struct lw_reply *now) {
    printf("  %-12s %9s %9s %9s %9s %9s %9s\n", "window", "n", "rmse", "expected",
           "ratio", "bias", "first");
    for (size_t i = 0; i < spec->nwindows; i++) {
        const char *w = spec->window[i].name;
        printf("  %-12s %9.0f %9.3f %9.3f %9.3f %9.3f %9.3f\n", w, figure(now, w, "n"),
               figure(now, w, "rmse"), figure(now, w, "rmse_expected"),
               figure(now, w, "rmse_ratio"), figure(now, w, "bias"),
               figure(now, w, "rmse_first"));
    }
}

static void print_features(const struct lw_spec *spec, const struct lw_reply *now) {
    const char *w = spec->window[spec->nwindows - 1].name;
    printf("\n  %-24s %9s %9s %9s %9s   over %s\n", "feature", "psi", "js", "missing",
           "unseen", w);
    for (size_t i = 0; i < spec->nfeatures; i++) {
        const char *f = spec->feature[i].name;
        const char *columns[] = {"psi", "js", "missing", "unseen"};
        printf("  %-24s", f);
        for (size_t c = 0; c < 4; c++) {
            char name[160];
            snprintf(name, sizeof name, "%s:%s", columns[c], f);
            printf(" %9.3f", figure(now, w, name));
        }
        char name[160];
        snprintf(name, sizeof name, "drift:%s", f);
        printf("   %s\n", figure(now, w, name) > 0 ? "DRIFT" : "");
    }
}

static void print_partitions(const struct lw_part_view *view, int32_t n) {
    char when[32];
    printf("\n  %-9s %12s %10s %8s %8s %8s  %-20s %s\n", "partition", "next offset",
           "messages", "aside", "dead", "late", "watermark", "owner");
    for (int32_t p = 0; p < n; p++) {
        const struct lw_part_view *v = &view[p];
        if (!v->known)
            continue;
        printf("  %-9d %12" PRId64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64
               "  %-20s %s%s\n",
               p, v->next_offset, v->counter[LW_COUNT_MESSAGES],
               v->counter[LW_COUNT_ASIDE], v->counter[LW_COUNT_DEAD],
               v->counter[LW_COUNT_LATE],
               v->watermark_ms == INT64_MIN
                   ? "-"
                   : lw_format_time(when, sizeof when, v->watermark_ms),
               v->owner, v->idle ? " (idle)" : "");
    }
}

static int32_t partitions(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_err *err) {
    char key[LW_KEY_MAX];
    struct lw_reply *reply =
        lw_redis_do(r, err, "HGET %s partitions", lw_key(key, spec, "meta"));
    int32_t n =
        reply && lw_reply_kind(reply) == LW_REPLY_TEXT ? (int32_t)lw_reply_int(reply) : 0;
    lw_reply_free(reply);
    return n < 0 || n > 100000 ? 0 : n;
}

static int status(const struct lw_config *config, bool json, struct lw_err *err) {
    const struct lw_spec *spec = &config->spec;
    char key[LW_KEY_MAX];
    struct lw_redis *r = lw_redis_new(&config->redis, err);
    if (!r)
        return -1;
    int32_t n = partitions(r, spec, err);
    struct lw_part_view *view = lw_calloc((size_t)n + 1, sizeof *view);
    struct lw_reply *now =
        err->code ? NULL : lw_redis_do(r, err, "HGETALL %s", lw_key(key, spec, "now"));
    int rc = now ? lw_state_view(r, spec, config->source.topic, n, view, err) : -1;
    if (rc == 0 && json) {
        lw_cli_print_json(now_json(now));
    } else if (rc == 0) {
        char when[32];
        double at = figure(now, "", "at");
        printf("%s: %s, champion version %.0f, %.0f alerts firing%s\n\n", spec->stream,
               at > 0 ? lw_format_time(when, sizeof when, (int64_t)at)
                      : "nothing sealed yet",
               fmax(figure(now, "", "champion"), 0),
               fmax(figure(now, "", "alerts_firing"), 0),
               figure(now, "", "training") > 0 ? ", training" : "");
        if (at > 0) {
            print_windows(spec, now);
            print_features(spec, now);
        }
        print_partitions(view, n);
    }
    lw_reply_free(now);
    free(view);
    lw_redis_free(r);
    return rc;
}

static int run(int argc, char **argv) {
    const char *path = NULL;
    struct lw_err err = {0};
    bool helped, json = false;
    const struct lw_option table[] = {
        {'c', "config", LW_OPTION_TEXT, &path},
        {0, "json", LW_OPTION_FLAG, &json},
    };
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n = lw_options_parse(&lw_cmd_status, table, 2, argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n > 0)
        rc = lw_cli_usage(&lw_cmd_status, "what is \"%s\"?", rest[0]);
    free(rest);
    if (n != 0 || helped)
        return rc;
    struct lw_config *config = lw_cli_config(&lw_cmd_status, path);
    if (!config)
        return path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    if (status(config, json, &err))
        rc = lw_cli_fail(&lw_cmd_status, &err);
    lw_config_free(config);
    return rc;
}

const struct lw_command lw_cmd_status = {
    "status", "-c FILE [--json]",
    "Show the newest evaluation and every partition's progress",
    "  -c, --config FILE   the stream's configuration\n"
    "      --json          the newest evaluation as one object\n",
    run};
