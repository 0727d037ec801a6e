/* Inserts the types that a schema refers to.
 *
 * Avro finds a type by its full name, and a schema may use a name only after defining it.
 * A registry lets schemas share types: one schema uses a name that another defines. Here
 * the definitions of all of them are collected by full name, the schema is walked in the
 * order of a parser, and the first use of a name that the schema has not defined is
 * replaced by its definition, recursively.
 *
 * A definition can thus move into another namespace, so every name in the result is a
 * full one. One without a namespace gets "namespace": "", or it would inherit that of the
 * enclosing record. Each type is written once; depth, number of types and bytes of names
 * are limited; anything that is not a schema is left for the parser to refuse. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "event/node.h"
#include "event/schema_text.h"
#include "registry/registry_private.h"

#define NAMES_MAX ((size_t)LW_SCHEMA_BYTES_MAX)

struct type_definition {
    char *full;
    json_t *json; /* borrowed from a part */
    char *space;  /* namespace around it */
};

struct composer {
    struct type_definition *def;
    size_t ndefs, cap;
    json_t *written; /* set of the full names that the result defines */
    size_t types, name_bytes;
    int depth;
    struct lw_err *err;
};

static json_t *composer_expand(struct composer *c, json_t *json, const char *space);
static int composer_collect(struct composer *c, json_t *json, const char *space);

/* ---- names ---- */

static bool is_named(const char *type) {
    return type && (strcmp(type, "record") == 0 || strcmp(type, "error") == 0 ||
                    strcmp(type, "enum") == 0 || strcmp(type, "fixed") == 0);
}

static bool is_primitive(const char *name) {
    for (int type = 0; type < LW_T_PRIMITIVES; type++)
        if (strcmp(lw_node_type_name((enum lw_type)type), name) == 0)
            return true;
    return false;
}

static char *full_name(const char *name, const char *space) {
    if (strchr(name, '.') || !*space)
        return lw_strdup(name);
    struct lw_buf buf = {0};
    lw_buf_printf(&buf, "%s.%s", space, name);
    char *full = lw_strdup(lw_buf_str(&buf));
    lw_buf_fini(&buf);
    return full;
}

/* The full name of a definition, or NULL. */
static char *name_of(json_t *json, const char *space) {
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *own = json_string_value(json_object_get(json, "namespace"));
    return name ? full_name(name, own ? own : space) : NULL;
}

/* The namespace that holds within a type of that full name. */
static char *space_of(const char *full) {
    const char *dot = strrchr(full, '.');
    return lw_strndup(full, dot ? (size_t)(dot - full) : 0);
}

static const struct type_definition *find(const struct composer *c, const char *full) {
    for (size_t i = 0; i < c->ndefs; i++)
        if (strcmp(c->def[i].full, full) == 0)
            return &c->def[i];
    return NULL;
}

/* One level deeper and one type more. */
static int composer_enter(struct composer *c) {
    if (c->depth == LW_SCHEMA_DEPTH_MAX || c->types == LW_SCHEMA_NODES_MAX)
        return lw_fail(
            c->err, LW_EINPUT,
            "together with its references it is nested deeper than %d levels or has more than %d types",
            LW_SCHEMA_DEPTH_MAX, LW_SCHEMA_NODES_MAX);
    c->depth++;
    c->types++;
    return 0;
}

/* ---- collecting ---- */

static void composer_define(struct composer *c, char *full, json_t *json,
                            const char *space) {
    if (c->ndefs == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 16;
        c->def = lw_realloc(c->def, c->cap, sizeof *c->def);
    }
    c->def[c->ndefs++] = (struct type_definition){full, json, lw_strdup(space)};
}

static int collect_fields(struct composer *c, json_t *fields, const char *space) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(fields); i++)
        rc = composer_collect(c, json_object_get(json_array_get(fields, i), "type"),
                              space);
    return rc;
}

static int collect_object(struct composer *c, json_t *json, const char *space) {
    json_t *type = json_object_get(json, "type");
    const char *name = json_string_value(type);
    if (!name)
        return composer_collect(c, type, space);
    if (!is_named(name))
        return composer_collect(c, json_object_get(json, "items"), space) ||
                       composer_collect(c, json_object_get(json, "values"), space)
                   ? -1
                   : 0;
    char *full = name_of(json, space);
    if (!full || find(c, full)) { /* the first wins */
        free(full);
        return 0;
    }
    char *inner = space_of(full);
    composer_define(c, full, json, space);
    int rc = collect_fields(c, json_object_get(json, "fields"), inner);
    free(inner);
    return rc;
}

static int composer_collect(struct composer *c, json_t *json, const char *space) {
    if (!json_is_object(json) && !json_is_array(json))
        return 0;
    if (composer_enter(c))
        return -1;
    int rc = 0;
    if (json_is_object(json))
        rc = collect_object(c, json, space);
    for (size_t i = 0; rc == 0 && i < json_array_size(json); i++)
        rc = composer_collect(c, json_array_get(json, i), space);
    c->depth--;
    return rc;
}

/* ---- writing out ---- */

static int count_name(struct composer *c, const char *name) {
    c->name_bytes += strlen(name);
    return c->name_bytes <= NAMES_MAX
               ? 0
               : lw_fail(c->err, LW_EINPUT, "the names of its types exceed %zu bytes",
                         NAMES_MAX);
}

static json_t *expand_name(struct composer *c, const char *name, const char *space) {
    if (is_primitive(name))
        return json_string(name);
    char *full = full_name(name, space);
    const struct type_definition *d = NULL;
    if (!json_object_get(c->written, full)) {
        d = find(c, full);
        if (!d && !json_object_get(c->written, name))
            d = find(c, name);
        if (!d && json_object_get(c->written, name)) { /* as the parser would find it */
            free(full);
            full = lw_strdup(name);
        }
    }
    json_t *out = NULL;
    if (d)
        out = composer_expand(c, d->json, d->space);
    else if (count_name(c, full) == 0)
        out = json_string(full);
    free(full);
    return out;
}

static json_t *expand_fields(struct composer *c, json_t *fields, const char *space) {
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(fields); i++) {
        json_t *field = json_copy(json_array_get(fields, i));
        json_t *type = json_object_get(field, "type");
        json_t *expanded = type ? composer_expand(c, type, space) : NULL;
        if (type && !expanded) {
            json_decref(field);
            json_decref(out);
            return NULL;
        }
        if (expanded)
            json_object_set_new(field, "type", expanded);
        json_array_append_new(out, field);
    }
    return out;
}

static json_t *expand_definition(struct composer *c, json_t *json, const char *space) {
    char *full = name_of(json, space);
    if (!full) /* no name: the parser will say so */
        return json_copy(json);
    const struct type_definition *d = find(c, full);
    if (d && d->json == json && json_object_get(c->written, full)) {
        json_t *name = json_string(full); /* stood within another, and was used before */
        free(full);
        return name;
    }
    if (count_name(c, full)) {
        free(full);
        return NULL;
    }
    json_t *out = json_copy(json);
    json_t *fields = json_object_get(json, "fields");
    json_object_set_new(c->written, full, json_true());
    json_object_set_new(out, "name", json_string(full));
    json_object_del(out, "namespace");
    if (!strchr(full, '.'))
        json_object_set_new(out, "namespace", json_string(""));
    if (json_is_array(fields)) {
        char *inner = space_of(full);
        json_t *expanded = expand_fields(c, fields, inner);
        free(inner);
        if (!expanded || json_object_set_new(out, "fields", expanded)) {
            json_decref(out);
            out = NULL;
        }
    }
    free(full);
    return out;
}

/* {"type": "array", "items": ...} and its like: a copy with what is below expanded. */
static json_t *expand_below(struct composer *c, json_t *json, const char *key,
                            const char *space) {
    json_t *below = composer_expand(c, json_object_get(json, key), space);
    if (!below)
        return NULL;
    json_t *out = json_copy(json);
    json_object_set_new(out, key, below);
    return out;
}

static json_t *expand_object(struct composer *c, json_t *json, const char *space) {
    json_t *type = json_object_get(json, "type");
    const char *name = json_string_value(type);
    if (!name)
        return type ? composer_expand(c, type, space) : json_copy(json);
    if (is_named(name))
        return expand_definition(c, json, space);
    if (strcmp(name, "array") == 0 && json_object_get(json, "items"))
        return expand_below(c, json, "items", space);
    if (strcmp(name, "map") == 0 && json_object_get(json, "values"))
        return expand_below(c, json, "values", space);
    if (is_primitive(name) || strcmp(name, "array") == 0 || strcmp(name, "map") == 0)
        return json_copy(json); /* with its logical type */
    return expand_name(c, name, space);
}

static json_t *expand_union(struct composer *c, json_t *json, const char *space) {
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(json); i++) {
        json_t *branch = composer_expand(c, json_array_get(json, i), space);
        if (!branch) {
            json_decref(out);
            return NULL;
        }
        json_array_append_new(out, branch);
    }
    return out;
}

static json_t *composer_expand(struct composer *c, json_t *json, const char *space) {
    json_t *out;
    if (composer_enter(c))
        return NULL;
    if (json_is_string(json))
        out = expand_name(c, json_string_value(json), space);
    else if (json_is_array(json))
        out = expand_union(c, json, space);
    else if (json_is_object(json))
        out = expand_object(c, json, space);
    else
        out = json_copy(json);
    c->depth--;
    return out;
}

/* ---- the whole ---- */

static json_t *composer_load(struct lw_text text, struct lw_err *err) {
    json_error_t where;
    struct lw_buf plain = {0};
    int rc = lw_schema_text(text.data, text.len, &plain, err);
    json_t *json =
        rc == 0 ? lw_schema_text_load((const char *)plain.data, plain.len, &where) : NULL;
    lw_buf_fini(&plain);
    if (rc == 0 && !json)
        lw_fail(err, LW_EINPUT, "its schema is not JSON: line %d, column %d: %.150s",
                where.line, where.column, where.text);
    return json;
}

static char *composer_dump(struct composer *c, json_t *root) {
    json_t *out = composer_expand(c, root, "");
    char *text = out ? json_dumps(out, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (out && !text)
        lw_fail(c->err, LW_EINPUT, "its schema cannot be written as JSON");
    json_decref(out);
    return text;
}

char *lw__compose(struct lw_text schema, const struct lw_text *part, size_t nparts,
                  struct lw_err *err) {
    struct composer c = {.written = json_object(), .err = err};
    json_t **parts = lw_calloc(nparts + 1, sizeof *parts);
    json_t *root = composer_load(schema, err);
    char *text = NULL;
    int rc = root ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < nparts; i++) {
        parts[i] = composer_load(part[i], err);
        rc = parts[i] ? composer_collect(&c, parts[i], "") : -1;
    }
    c.types = 0;
    if (rc == 0)
        text = composer_dump(&c, root);
    for (size_t i = 0; i < c.ndefs; i++) {
        free(c.def[i].full);
        free(c.def[i].space);
    }
    for (size_t i = 0; i < nparts; i++)
        json_decref(parts[i]);
    json_decref(root);
    json_decref(c.written);
    free(parts);
    free(c.def);
    return text;
}
