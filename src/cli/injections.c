#include "cli/injections.h"
#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int lw_injections_parse(const struct lw_texts *texts, const struct lw_event_spec *event,
                        struct lw_injections *out, struct lw_err *err) {
    *out = (struct lw_injections){0};
    for (size_t i = 0; i < texts->n; i++)
        if (lw_inject_parse(texts->text[i], event, &out->list[out->n++], err))
            return -1;
    return 0;
}

static json_t *time_json(int64_t ms) {
    return ms == INT64_MAX ? json_null() : lw_json_instant(ms);
}

static void set_duration(json_t *o, const char *key, int64_t ms) {
    char text[32];
    json_object_set_new(o, key, json_string(lw_format_duration(text, sizeof text, ms)));
}

static json_t *injection_json(const struct lw_injection *in,
                              const struct lw_event_spec *event) {
    json_t *o = json_object();
    const char *field =
        in->field == LW_INJECT_TARGET ? "target" : event->fields.field[in->field].name;
    json_object_set_new(o, "kind", json_string(lw_inject_name(in->kind)));
    json_object_set_new(o, "field", lw_cli_text(field));
    json_object_set_new(o, "at", time_json(in->from_ms));
    json_object_set_new(o, "until", time_json(in->until_ms));
    if (in->kind != LW_INJECT_NULLS)
        json_object_set_new(o, "size", lw_json_number(in->size));
    json_object_set_new(o, "share", lw_json_number(in->share));
    json_object_set_new(o, "seed", json_integer((json_int_t)in->seed));
    if (in->kind == LW_INJECT_RECURRING || in->kind == LW_INJECT_SEASONAL)
        set_duration(o, "period", in->period_ms);
    if (in->kind == LW_INJECT_GRADUAL)
        set_duration(o, "over", in->over_ms);
    json_object_set_new(o, "events", json_integer((json_int_t)in->events));
    json_object_set_new(o, "touched", json_integer((json_int_t)in->touched));
    return o;
}

json_t *lw_injections_json(const struct lw_injections *in,
                           const struct lw_event_spec *event) {
    json_t *list = json_array();
    for (size_t i = 0; i < in->n; i++)
        json_array_append_new(list, injection_json(&in->list[i], event));
    return list;
}

int lw_injections_write(const struct lw_injections *in, const struct lw_event_spec *event,
                        const char *path, struct lw_err *err) {
    json_t *list = lw_injections_json(in, event);
    char *text = json_dumps(list, JSON_INDENT(1));
    json_decref(list);
    int rc = lw_write_file(path, text, strlen(text), err);
    free(text);
    return rc;
}
