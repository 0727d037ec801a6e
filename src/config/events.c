/* What an event is: stream, fields, time, target, validity, watched features.
 *
 * Each field is tried against the schema on its own, by making a decoder for it alone, so
 * that a field that is missing or of another type is refused at its own line and not at
 * the first message. Fields that only id, time and target name are added here, so that
 * nobody has to write them twice. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/items.h"

static const char *const kind_words = "numeric, category, timestamp or text";

int lw_config_read_stream(struct lw_load *load, const struct lw_yaml *node) {
    return node ? lw_config_check_name(load, node, load->config->spec.stream, LW_NAME_MAX)
                : 0;
}

static bool is_decodable(const struct lw_config *config, const char *name,
                         const struct lw_field_item *item, struct lw_err *why) {
    enum lw_kind kind = item->kind;
    enum lw_unit unit = item->unit;
    struct lw_fields one = {0};
    lw_fields_add(&one, name, kind, false, why);
    one.field[0].unit = (uint8_t)unit;
    const struct lw_schema *schema = config->source.schema;
    struct lw_decoder *d = lw_decoder_new_avro(schema, schema, &one, why);
    lw_decoder_free(d);
    return d != NULL;
}

/* Appends a field that the schema has; its index, or -1 with the position of node. A name
 * with a dot is below the top of the schema, where the decoder looks for it. */
static int add_field(struct lw_load *load, const struct lw_yaml *node, const char *name,
                     const struct lw_field_item *item) {
    struct lw_config *config = load->config;
    const char *const *names;
    size_t n = lw_schema_fields(config->source.schema, &names), i = 0;
    struct lw_err why = {0};
    char hint[300];
    while (i < n && strcmp(names[i], name) != 0)
        i++;
    if (i == n && !strchr(name, '.'))
        return lw_yaml_fail_key(load->tree, node, load->err,
                                "the schema %s has no field '%.60s'%s",
                                lw_schema_name(config->source.schema), name,
                                lw_config_suggest(hint, sizeof hint, name, names, n));
    if (item->unit != LW_UNIT_OF_TYPE && item->kind != LW_TIMESTAMP)
        return lw_yaml_fail_key(load->tree, node, load->err,
                                "only a timestamp has a unit, not a %s",
                                lw_kind_name(item->kind));
    if (!is_decodable(config, name, item, &why))
        return lw_yaml_fail_key(load->tree, node, load->err, "%s", why.msg);
    struct lw_fields *fields = &config->spec.event.fields;
    int at = lw_fields_add(fields, name, item->kind, item->required, &why);
    if (at < 0)
        return lw_yaml_fail_key(load->tree, node, load->err, "%s", why.msg);
    fields->field[at].unit = (uint8_t)item->unit;
    return at;
}

static int read_field(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_field_item item = {0};
    if (node->kind == LW_YAML_SCALAR) {
        int kind = lw_kind_parse(node->text);
        if (kind < 0)
            return lw_yaml_fail(load->tree, node, load->err,
                                "a field is %s, or a map with `kind` (got '%.40s')",
                                kind_words, node->text);
        item.kind = (enum lw_kind)kind;
    } else if (lw_config_read_section(load, &lw_section_field, node, &item)) {
        return -1;
    }
    return add_field(load, node, node->key, &item) < 0 ? -1 : 0;
}

int lw_config_read_fields(struct lw_load *load, const struct lw_yaml *node) {
    for (size_t i = 0; node && i < node->n; i++)
        if (read_field(load, node->child[i]))
            return -1;
    return 0;
}

int lw_config_named_field(struct lw_load *load, const struct lw_yaml *node,
                          const char *name, enum lw_kind kind, enum lw_kind other) {
    struct lw_fields *fields = &load->config->spec.event.fields;
    const struct lw_config_names *names = &load->config->names;
    int at = lw_fields_find(fields, name);
    const struct lw_field_item item = {
        .kind = kind, .unit = node && node->kind == LW_YAML_MAP ? names->event_unit : 0};
    if (at < 0)
        return add_field(load, node, name, &item);
    if (item.unit != LW_UNIT_OF_TYPE)
        fields->field[at].unit = (uint8_t)item.unit;
    enum lw_kind listed = fields->field[at].kind;
    if (listed == kind || listed == other)
        return at;
    return lw_yaml_fail(load->tree, node, load->err,
                        "'%.60s' is listed as %s; it must be %s here", name,
                        lw_kind_name(listed), lw_kind_name(kind));
}

static int read_zone(struct lw_load *load, const struct lw_yaml *node) {
    const char *name = load->config->names.time_zone;
    struct lw_err why = {0};
    if (!*name)
        return 0;
    load->config->spec.zone = lw_zone_new(name, &why);
    load->config->spec.event.fields.zone = load->config->spec.zone;
    return load->config->spec.zone
               ? 0
               : lw_yaml_fail(load->tree, lw_yaml_find(node, "time_zone"), load->err,
                              "%s", why.msg);
}

/* A whole file of dates; the name must fit into a formula. */
static int read_calendar(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_calendars *all = &load->config->spec.calendars;
    struct lw_err why = {0};
    char path[LW_PATH_MAX];
    size_t len;
    if (!lw_calendar_name_valid(node->key))
        return lw_yaml_fail_key(
            load->tree, node, load->err,
            "a calendar's name is a letter, then letters, digits and '_' (got '%.80s')",
            node->key);
    if (all->n == LW_CALENDARS_MAX)
        return lw_yaml_fail_key(load->tree, node, load->err, "more than %d calendars",
                                LW_CALENDARS_MAX);
    if (node->kind != LW_YAML_SCALAR || !*node->text)
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be the path of a file of dates");
    if (lw_config_resolve_path(load->tree->name, node->text, path, sizeof path))
        return lw_yaml_fail(load->tree, node, load->err, "this path is too long");
    char *text = lw_read_file(path, LW_CONFIG_BYTES_MAX, &len, &why);
    int rc = text ? lw_calendars_parse(all, node->key, text, len, path, &why) : -1;
    free(text);
    return rc ? lw_yaml_fail(load->tree, node, load->err, "%s", why.msg) : 0;
}

int lw_config_read_calendars(struct lw_load *load, const struct lw_yaml *node) {
    for (size_t i = 0; node && i < node->n; i++)
        if (read_calendar(load, node->child[i]))
            return -1;
    return 0;
}

static void take_time(struct lw_config *config, size_t field) {
    struct lw_event_spec *event = &config->spec.event;
    struct lw_event_time_reading reading;
    event->fields.field[field].strict = true; /* the dead letter shall name the value */
    if (lw_event_time_reading(config->source.schema, &event->fields, field, &reading))
        event->time_unit = reading.unit;
}

int lw_config_read_event(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config *config = load->config;
    struct lw_event_spec *event = &config->spec.event;
    const char *id = config->names.event_id, *time = config->names.event_time;
    event->id_field = event->time_field = -1;
    if (*id) {
        event->id_field = lw_config_named_field(load, lw_yaml_find(node, "id"), id,
                                                LW_TEXT, LW_CATEGORY);
        if (event->id_field < 0)
            return -1;
    }
    if (strcmp(time, "record") != 0) {
        event->time_field = lw_config_named_field(load, lw_yaml_find(node, "time"), time,
                                                  LW_TIMESTAMP, LW_TIMESTAMP);
        if (event->time_field < 0)
            return -1;
        take_time(config, (size_t)event->time_field);
    }
    return read_zone(load, node);
}

int lw_config_read_between(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_config_names *names = &load->config->names;
    if (!node)
        return 0;
    if (node->n != 2 || node->child[0]->kind != LW_YAML_SCALAR ||
        node->child[1]->kind != LW_YAML_SCALAR)
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be two timestamp fields: [from, to]");
    lw_copy(names->target_from, LW_NAME_MAX, node->child[0]->text);
    lw_copy(names->target_to, LW_NAME_MAX, node->child[1]->text);
    return 0;
}

static int read_minutes(struct lw_load *load, const struct lw_yaml *pair) {
    struct lw_event_spec *event = &load->config->spec.event;
    const struct lw_config_names *names = &load->config->names;
    event->target = LW_TARGET_MINUTES_BETWEEN;
    event->target_a = lw_config_named_field(load, pair->child[0], names->target_from,
                                            LW_TIMESTAMP, LW_TIMESTAMP);
    if (event->target_a < 0)
        return -1;
    event->target_b = lw_config_named_field(load, pair->child[1], names->target_to,
                                            LW_TIMESTAMP, LW_TIMESTAMP);
    if (event->target_b < 0)
        return -1;
    if (event->target_a == event->target_b)
        return lw_yaml_fail(load->tree, pair, load->err,
                            "from and to are the same field; every target would be 0");
    return 0;
}

static int check_range(struct lw_load *load, const struct lw_yaml *node) {
    if (lw_yaml_find(node, "range"))
        return 0;
    return lw_yaml_fail_key(load->tree, node, load->err,
                            "'range' is missing: `[lowest, highest]` plausible truth");
}

int lw_config_read_target(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_event_spec *event = &load->config->spec.event;
    const char *none = load->config->names.target_none;
    if (*none) {
        event->target = LW_TARGET_NONE;
        event->target_a = event->target_b = -1;
        event->target_lo = -INFINITY;
        event->target_hi = INFINITY;
        return strcmp(none, "none") == 0
                   ? 0
                   : lw_yaml_fail(load->tree, node, load->err,
                                  "must be a map, or `none` (got '%.40s')", none);
    }
    if (!node)
        return lw_yaml_fail_key(
            load->tree, load->tree->root, load->err,
            "'target' is missing: say what is predicted, or `none` if "
            "the truth never comes");
    if (check_range(load, node))
        return -1;
    const struct lw_yaml *field = lw_yaml_find(node, "field");
    const struct lw_yaml *pair = lw_yaml_find(node, "minutes_between");
    if (!field == !pair)
        return lw_yaml_fail_key(
            load->tree, node, load->err,
            "set 'field' or 'minutes_between' to define what is predicted");
    if (pair)
        return pair->n == 2 ? read_minutes(load, pair)
                            : lw_yaml_fail(load->tree, pair, load->err,
                                           "must be two timestamp fields: [from, to]");
    event->target = LW_TARGET_FIELD;
    event->target_a = event->target_b = lw_config_named_field(
        load, field, load->config->names.target_field, LW_NUMERIC, LW_NUMERIC);
    return event->target_a < 0 ? -1 : 0;
}

int lw_config_read_valid(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_event_spec *event = &load->config->spec.event;
    for (size_t i = 0; node && i < node->n; i++) {
        const struct lw_yaml *item = node->child[i];
        struct lw_err why = {0};
        if (item->kind != LW_YAML_SCALAR)
            return lw_yaml_fail(load->tree, item, load->err,
                                "must be a condition as text");
        if (event->nchecks == LW_CHECKS_MAX)
            return lw_yaml_fail(load->tree, item, load->err, "more than %d conditions",
                                LW_CHECKS_MAX);
        if (lw_event_check_parse(item->text, &event->fields,
                                 &event->check[event->nchecks], &why))
            return lw_yaml_fail(load->tree, item, load->err, "%s", why.msg);
        event->nchecks++;
    }
    return 0;
}

/* Keys that only the other kind of feature has. */
static int check_feature_keys(struct lw_load *load, const struct lw_yaml *node,
                              enum lw_kind kind) {
    static const char *const numeric[] = {"range", "k"};
    static const char *const category[] = {"cap", "distinct"};
    const char *const *wrong = kind == LW_NUMERIC ? category : numeric;
    for (int i = 0; i < 2; i++) {
        const struct lw_yaml *child = lw_yaml_find(node, wrong[i]);
        if (child)
            return lw_yaml_fail_key(load->tree, child, load->err,
                                    "'%s' has no meaning for a %s feature", wrong[i],
                                    lw_kind_name(kind));
    }
    return 0;
}

static int check_feature_name(struct lw_load *load, const struct lw_yaml *node) {
    static const char *const reserved[] = {"each", "target", "prediction", "error",
                                           "model"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(node->key, reserved[i]) == 0)
            return lw_yaml_fail_key(
                load->tree, node, load->err,
                "'%s' is a reserved name; give the feature another and say `of: %s`",
                node->key, node->key);
    return lw_config_check_name(load, node, node->key, LW_NAME_MAX);
}

static int read_feature(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    struct lw_feature_item item = {.column = {.lo = -INFINITY, .hi = INFINITY}};
    struct lw_err why = {0};
    if (check_feature_name(load, node))
        return -1;
    lw_copy(item.of, sizeof item.of, node->key);
    lw_copy(item.column.name, LW_NAME_MAX, node->key);
    if (lw_config_read_section(load, &lw_section_feature, node, &item))
        return -1;
    const struct lw_yaml *of = lw_yaml_find(node, "of");
    int atom = lw_plan_atom(spec->watch, item.of, &why);
    if (atom < 0)
        return lw_yaml_fail(load->tree, of ? of : node, load->err, "%s", why.msg);
    item.column.kind = lw_plan_atom_kind(spec->watch, (size_t)atom);
    if (item.column.kind != LW_NUMERIC && item.column.kind != LW_CATEGORY)
        return lw_yaml_fail(
            load->tree, of ? of : node, load->err,
            "a %s cannot be monitored directly; use a function of it, such as hour(%.40s)",
            lw_kind_name(item.column.kind), item.of);
    if (check_feature_keys(load, node, item.column.kind))
        return -1;
    spec->feature[spec->nfeatures] = item.column;
    spec->feature_atom[spec->nfeatures++] = atom;
    return 0;
}

int lw_config_read_features(struct lw_load *load, const struct lw_yaml *node) {
    struct lw_spec *spec = &load->config->spec;
    spec->watch = lw_spec_plan(spec);
    lw_plan_set_zone_name(spec->watch, load->config->names.time_zone);
    for (size_t i = 0; node && i < node->n; i++) {
        if (spec->nfeatures == LW_FEATURES_MAX)
            return lw_yaml_fail_key(load->tree, node->child[i], load->err,
                                    "more than %d features", LW_FEATURES_MAX);
        if (read_feature(load, node->child[i]))
            return -1;
    }
    lw_spec_columns(spec);
    return 0;
}
