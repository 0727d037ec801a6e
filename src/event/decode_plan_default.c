/* Fields that the writer lacks: the reader's default as a cell.
 *
 * A default is JSON. Avro 1.11 requires a union's default to be of the first branch;
 * here any branch that fits is accepted. If the writer lacks "trip", "trip.distance" is
 * looked up in the default of trip, or takes its own default. A default that does not
 * convert to the field's kind is missing, or an error for a required field. */
#include <string.h>

#include "event/convert.h"

#include "base/buf.h"
#include "base/mem.h"

/* Finds the default of the last name; NULL if there is none. */
static json_t *default_descend(const struct lw_node_field **field, const char *rest) {
    json_t *json = (*field)->fallback;
    while (*rest) {
        const struct lw_node_field *below =
            lw_node_step(lw_node_strip((*field)->type), rest, &rest);
        *field = below;
        if (!json || json_is_null(json))
            return json;
        json_t *inner = json_object_get(json, below->name);
        json = inner ? inner : below->fallback;
    }
    return json;
}

/* Texts of the cell are copied: the schema need not outlive the decoder. */
static bool default_take(struct lw_decode_compile *c, const struct lw_node_field *at,
                         const struct lw_field *field, json_t *json,
                         struct lw_cell *out) {
    struct lw_buf room = {0};
    struct lw_refusal no;
    struct lw_json_value v = {.type = at->type,
                              .field = field,
                              .zone = c->fields->zone,
                              .is_default = true,
                              .room = &room};
    lw_convert_reserve(&room, lw_convert_room(json));
    bool ok = lw_convert_json(&v, json, out, &no) == 1;
    if (ok && out->text)
        out->text = lw__decode_plan_own(c->d, out->text, out->len);
    if (!ok)
        *out = lw_cell_missing();
    lw_buf_fini(&room);
    return ok;
}

int lw__decode_plan_fallback(struct lw_decode_compile *c, const struct lw_node_field *at,
                             const char *rest, uint16_t cell) {
    const struct lw_field *field = &c->fields->field[cell];
    struct lw_cell *out = &c->d->initial[cell];
    json_t *json = default_descend(&at, rest);
    bool given = json && !json_is_null(json);
    if (given && !default_take(c, at, field, json, out) && field->required)
        return lw_fail(c->err, LW_ECONFIG,
                       "field \"%s\" is required, the writer's schema lacks it, and its "
                       "default in the reader's schema is not a %s (type %s)",
                       field->name, lw_kind_name(field->kind),
                       lw_node_type_name(lw_node_strip(at->type)->type));
    if (field->required && !out->present)
        return lw_fail(c->err, LW_ECONFIG,
                       "field \"%s\" is required, but the writer's schema lacks it and "
                       "the reader's schema has no default",
                       field->name);
    return 0;
}
