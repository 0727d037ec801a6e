/* See json_schema.h. */
#include "support/json_schema.h"

#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct walk {
    const json_t *root;
    char *where;
    size_t size;
};

static bool walk_fail(const struct walk *w, const char *path, const char *why) {
    snprintf(w->where, w->size, "%s: %s", path, why);
    return false;
}

static bool is_type(const json_t *v, const char *type) {
    return (strcmp(type, "object") == 0 && json_is_object(v)) ||
           (strcmp(type, "array") == 0 && json_is_array(v)) ||
           (strcmp(type, "string") == 0 && json_is_string(v)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(v)) ||
           (strcmp(type, "number") == 0 && json_is_number(v)) ||
           (strcmp(type, "null") == 0 && json_is_null(v));
}

static bool type_holds(const json_t *types, const json_t *v) {
    if (types == NULL)
        return true;
    if (json_is_string(types))
        return is_type(v, json_string_value(types));
    for (size_t i = 0; i < json_array_size(types); i++)
        if (is_type(v, json_string_value(json_array_get(types, i))))
            return true;
    return false;
}

static bool enum_holds(const json_t *schema, const json_t *v) {
    const json_t *list = json_object_get(schema, "enum");
    const json_t *one = json_object_get(schema, "const");
    bool found = list == NULL;
    for (size_t i = 0; i < json_array_size(list); i++)
        found = found || json_equal(json_array_get(list, i), v);
    return found && (one == NULL || json_equal(one, v));
}

static bool pattern_holds(const json_t *schema, const json_t *v) {
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    regex_t re;
    if (pattern == NULL || !json_is_string(v))
        return true;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool ok = regexec(&re, json_string_value(v), 0, NULL, 0) == 0;
    regfree(&re);
    return ok;
}

static bool bounds_hold(const json_t *schema, const json_t *v) {
    const json_t *most = json_object_get(schema, "maxItems");
    const json_t *least = json_object_get(schema, "minimum");
    if (most != NULL && json_array_size(v) > (size_t)json_integer_value(most))
        return false;
    return least == NULL || !json_is_number(v) ||
           json_number_value(v) >= json_number_value(least);
}

static bool value_holds(const struct walk *w, const json_t *schema, const json_t *v,
                        const char *path);

static bool members_hold(const struct walk *w, const json_t *schema, const json_t *v,
                         const char *path) {
    json_t *required = json_object_get(schema, "required");
    const json_t *known = json_object_get(schema, "properties");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *key = json_string_value(json_array_get(required, i));
        if (json_object_get(v, key) == NULL)
            return walk_fail(w, path, key);
    }
    for (void *it = json_object_iter((json_t *)(uintptr_t)v); it != NULL;
         it = json_object_iter_next((json_t *)(uintptr_t)v, it)) {
        char deeper[400];
        const char *key = json_object_iter_key(it);
        snprintf(deeper, sizeof deeper, "%.300s/%.90s", path, key);
        if (json_object_get(known, key) == NULL)
            return walk_fail(w, deeper, "not in the schema");
        if (!value_holds(w, json_object_get(known, key), json_object_iter_value(it),
                         deeper))
            return false;
    }
    return true;
}

static bool value_holds(const struct walk *w, const json_t *schema, const json_t *v,
                        const char *path) {
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (ref != NULL) /* "#/$defs/name" */
        schema =
            json_object_get(json_object_get(w->root, "$defs"), strrchr(ref, '/') + 1);
    if (schema == NULL)
        return walk_fail(w, path, "a $ref to nothing");
    if (!type_holds(json_object_get(schema, "type"), v))
        return walk_fail(w, path, "type");
    if (!enum_holds(schema, v) || !pattern_holds(schema, v) || !bounds_hold(schema, v))
        return walk_fail(w, path, "value");
    const json_t *items = json_object_get(schema, "items");
    for (size_t i = 0; items != NULL && i < json_array_size(v); i++) {
        char deeper[400];
        snprintf(deeper, sizeof deeper, "%.300s/%zu", path, i);
        if (!value_holds(w, items, json_array_get(v, i), deeper))
            return false;
    }
    return !json_is_object(v) || members_hold(w, schema, v, path);
}

bool lw_schema_holds(const json_t *schema, const json_t *value, char *where,
                     size_t size) {
    struct walk w = {schema, where, size};
    return value_holds(&w, schema, value, "");
}
