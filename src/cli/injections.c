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

static json_t *injection_json(const struct lw_injection *in,
                              const struct lw_event_spec *event) {
    json_t *o = json_object();
    const char *field =
        in->field == LW_INJECT_TARGET ? "target" : event->fields.field[in->field].name;
    lw_json_set_text(o, "kind", lw_inject_name(in->kind));
    lw_json_set_text(o, "field", field);
    lw_json_set_time(o, "at", in->from_ms);
    lw_json_set_time(o, "until", in->until_ms);
    if (in->kind != LW_INJECT_NULLS)
        lw_json_set_number(o, "size", in->size);
    lw_json_set_number(o, "share", in->share);
    lw_json_set_count(o, "seed", in->seed);
    if (in->kind == LW_INJECT_RECURRING || in->kind == LW_INJECT_SEASONAL)
        lw_json_set_duration(o, "period", in->period_ms);
    if (in->kind == LW_INJECT_GRADUAL)
        lw_json_set_duration(o, "over", in->over_ms);
    lw_json_set_count(o, "events", in->events);
    lw_json_set_count(o, "touched", in->touched);
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
