#include "cli/quarantine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/text_media.h"
#include "cli/cli.h"

#define WHY_MAX 400

json_t *lw_cli_quarantine(struct lw_redis *r, const struct lw_spec *spec,
                          struct lw_err *err) {
    const char *text;
    json_error_t at;
    struct lw_reply *reply = lw_monitor_state_quarantine(r, spec, &text, err);
    if (!reply)
        return NULL;
    json_t *spans = json_loads(text, 0, &at);
    lw_reply_free(reply);
    if (json_is_array(spans))
        return spans;
    /* A copy for readers, which the leader writes again. */
    lw_cli_line(stderr, "cannot read the quarantine in Redis (%.80s)",
                spans ? "not an array" : at.text);
    json_decref(spans);
    return json_array();
}

static const char *text_of(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "?";
}

static int64_t number_of(const json_t *o, const char *key) {
    return (int64_t)json_integer_value(json_object_get(o, key));
}

void lw_cli_quarantine_text(const json_t *spans, struct lw_buf *out) {
    size_t i;
    const json_t *o;
    char from[32], until[32];
    if (json_array_size(spans))
        lw_buf_printf(
            out,
            "in quarantine, excluded from training (end it with `leeway models release "
            "FEATURE`)\n");
    json_array_foreach(spans, i, o) {
        int64_t end = number_of(o, "until");
        const char *why = text_of(o, "why");
        lw_format_time(from, sizeof from, number_of(o, "from"));
        lw_buf_printf(out, "  %-4" PRId64 " %s %s to %-20s  ", number_of(o, "id"),
                      lw_text_column(text_of(o, "feature"), 20, 96).text, from,
                      end ? lw_format_time(until, sizeof until, end) : "now on");
        lw_text_for(LW_MEDIUM_LINE, out, why, strlen(why), WHY_MAX);
        lw_buf_u8(out, '\n');
    }
}

bool lw_cli_quarantine_has(const json_t *spans, const char *which) {
    size_t i;
    const json_t *o;
    char id[24];
    json_array_foreach(spans, i, o) {
        snprintf(id, sizeof id, "%" PRId64, number_of(o, "id"));
        if (strcmp(which, id) == 0 || strcmp(which, text_of(o, "feature")) == 0)
            return true;
    }
    return false;
}

const char *lw_cli_quarantine_open(const json_t *spans) {
    size_t i;
    const json_t *o;
    json_array_foreach(spans, i, o) {
        if (number_of(o, "until") == 0)
            return text_of(o, "feature");
    }
    return NULL;
}
