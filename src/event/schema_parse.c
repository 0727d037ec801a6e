/* Parses the JSON of a schema into nodes.
 *
 * The walk follows the Avro specification 1.12: primitive names, references to named
 * types by full name or relative to the enclosing namespace, unions as arrays, all other
 * types as objects. Sizes are checked before nodes are allocated: nesting by
 * LW_SCHEMA_DEPTH_MAX, nodes by LW_SCHEMA_NODES_MAX, a fixed by LW_FIXED_MAX.
 *
 * A name can be any text, as in Avro's Java library, because names are only compared.
 * Producers do write namespaces that begin with a dash or a digit, and symbols with
 * blanks. Ambiguity is refused: a field, symbol or branch listed twice, two different
 * types of one name. A record that contains itself without a union, array or map in
 * between has no finite datum and is refused too. */
#include "event/node.h"
#include "event/schema_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/table.h"

struct scan {
    struct lw_schema *schema;
    struct lw_err *err;
    int depth;
};

static struct lw_node *scan_type(struct scan *s, json_t *json, const char *space);

static const char *const type_names[] = {"null",   "boolean", "int",    "long",   "float",
                                         "double", "bytes",   "string", "record", "enum",
                                         "fixed",  "array",   "map",    "union"};

const char *lw_node_type_name(enum lw_type type) {
    return type_names[type];
}

static struct lw_node *schema_bad(struct scan *s, const char *what, const char *name) {
    lw_fail(s->err, LW_ECONFIG, "Avro schema: %s%s%.100s%s", what, name ? " \"" : "",
            name ? name : "", name ? "\"" : "");
    return NULL;
}

static struct lw_node *new_node(struct scan *s, enum lw_type type) {
    struct lw_schema *schema = s->schema;
    if (schema->nnodes == LW_SCHEMA_NODES_MAX)
        return schema_bad(s, "more types than are supported (16384)", NULL);
    if (schema->nnodes == schema->cap) {
        schema->cap = schema->cap ? 2 * schema->cap : 32;
        schema->nodes = lw_realloc(schema->nodes, schema->cap, sizeof *schema->nodes);
    }
    struct lw_node *node = lw_calloc(1, sizeof *node);
    node->type = type;
    node->complete = true;
    schema->nodes[schema->nnodes++] = node;
    return node;
}

void lw_nodes_free(struct lw_schema *schema) {
    for (size_t i = 0; i < schema->nnodes; i++) {
        struct lw_node *node = schema->nodes[i];
        free(node->name);
        free(node->fields);
        free(node->kids);
        free(node->symbols);
        free(node);
    }
    free(schema->nodes);
}

/* Full name of `name` seen from namespace `space` ("" is none). free() the result. */
static char *full_name(const char *name, const char *space) {
    space += strspn(space, ".");
    if (strchr(name, '.') || space[0] == '\0')
        return lw_strdup(name + strspn(name, ".")); /* ".R": without a namespace */
    struct lw_buf buf = {0};
    lw_buf_printf(&buf, "%s.%s", space, name);
    char *full = lw_strdup(lw_buf_str(&buf));
    lw_buf_fini(&buf);
    return full;
}

static struct lw_node *find_named(const struct lw_schema *schema, const char *full) {
    for (size_t i = 0; i < schema->nnodes; i++)
        if (schema->nodes[i]->name && strcmp(schema->nodes[i]->name, full) == 0)
            return schema->nodes[i];
    return NULL;
}

static int primitive_type(const char *name) {
    for (int i = 0; i < LW_T_PRIMITIVES; i++)
        if (strcmp(type_names[i], name) == 0)
            return i;
    return -1;
}

/* A type given by its name: a primitive, or one defined before. */
static struct lw_node *scan_name(struct scan *s, const char *name, const char *space) {
    int type = primitive_type(name);
    if (type >= 0)
        return new_node(s, (enum lw_type)type);
    char *full = full_name(name, space);
    struct lw_node *node = find_named(s->schema, full);
    free(full);
    if (!node)
        node = find_named(s->schema, name);
    return node ? node : schema_bad(s, "unknown type", name);
}

/* The full name that a definition gives; free() it. */
static char *defined_name(struct scan *s, json_t *json, const char *space) {
    const char *name = lw_schema_text_name(json_object_get(json, "name"));
    json_t *given = json_object_get(json, "namespace");
    const char *within = lw_schema_text_name(given);
    if (!name || !*name || name[strlen(name) - 1] == '.') {
        schema_bad(s,
                   "a record, enum or fixed needs a name, and it must not end in a dot",
                   name);
        return NULL;
    }
    if (given && !json_is_null(given) && !within) {
        schema_bad(s, "a namespace must be text, in", name);
        return NULL;
    }
    char *full = full_name(name, within ? within : space);
    if (primitive_type(full) < 0)
        return full;
    schema_bad(s, "a type must not have the name of a primitive:", full);
    free(full);
    return NULL;
}

/* A node with the full name of the definition. *again: the same definition occurred
 * before, which some producers write; the node is the earlier one. */
static struct lw_node *new_named(struct scan *s, json_t *json, enum lw_type type,
                                 const char *space, bool *again) {
    char *full = defined_name(s, json, space);
    if (!full)
        return NULL;
    struct lw_node *node = find_named(s->schema, full);
    *again = node != NULL;
    if (node && !json_equal(node->source, json))
        node = schema_bad(s, "type defined twice, and differently:", full);
    if (*again) {
        free(full);
        return node;
    }
    node = new_node(s, type);
    if (node) {
        node->name = full;
        node->source = json;
    } else {
        free(full);
    }
    return node;
}

static int scan_field(struct scan *s, json_t *json, const char *space,
                      struct lw_node *record) {
    const char *name = lw_schema_text_name(json_object_get(json, "name"));
    json_t *type = json_object_get(json, "type");
    if (!name || !*name || !type) {
        schema_bad(s, "a field needs a name and a type: field of", record->name);
        return -1;
    }
    if (lw_node_find(record, name)) {
        schema_bad(s, "field listed twice:", name);
        return -1;
    }
    json_t *aliases = json_object_get(json, "aliases");
    record->fields[record->n] =
        (struct lw_node_field){.name = name,
                               .aliases = json_is_array(aliases) ? aliases : NULL,
                               .fallback = json_object_get(json, "default")};
    struct lw_node *node = scan_type(s, type, space);
    if (!node)
        return lw_err_context(s->err, "field \"%.60s\"", name);
    if (node->type == LW_T_RECORD && !node->complete) {
        schema_bad(s, "a record contains itself infinitely: field", name);
        return -1;
    }
    lw_node_beside(node, json);
    record->fields[record->n++].type = node;
    return 0;
}

static struct lw_node *scan_record(struct scan *s, json_t *json, const char *space) {
    json_t *fields = json_object_get(json, "fields");
    bool again;
    struct lw_node *node = new_named(s, json, LW_T_RECORD, space, &again);
    if (!node || again)
        return node;
    if (!json_is_array(fields))
        return schema_bad(s, "no list of fields in record", node->name);
    if (json_array_size(fields) > LW_RECORD_FIELDS_MAX)
        return schema_bad(s, "more fields than are supported (4096) in record",
                          node->name);
    node->complete = false;
    node->fields = lw_calloc(json_array_size(fields) + 1, sizeof *node->fields);
    char *inner = lw_strdup(node->name);
    char *dot = strrchr(inner, '.');
    inner[dot ? dot - inner : 0] = '\0';
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(fields); i++)
        rc = scan_field(s, json_array_get(fields, i), inner, node);
    free(inner);
    node->complete = true;
    return rc == 0 ? node : NULL;
}

static int scan_symbols(struct scan *s, struct lw_node *node, json_t *symbols) {
    size_t n = json_array_size(symbols);
    struct lw_table seen = {0};
    const char *wrong = NULL;
    node->symbols = lw_calloc(n + 1, sizeof *node->symbols);
    for (size_t i = 0; i < n && !wrong; i++) {
        const char *symbol = lw_schema_text_name(json_array_get(symbols, i));
        int fresh = 0;
        if (!symbol) {
            wrong = "a symbol must be text, in enum";
            break;
        }
        lw_table_index(&seen, lw_text_key(symbol, strlen(symbol)), &fresh);
        wrong = fresh ? NULL : "a symbol listed twice in enum";
        node->symbols[node->n++] = symbol;
    }
    lw_table_fini(&seen);
    if (wrong)
        schema_bad(s, wrong, node->name);
    return wrong ? -1 : 0;
}

static struct lw_node *scan_enum(struct scan *s, json_t *json, const char *space) {
    json_t *symbols = json_object_get(json, "symbols");
    bool again;
    struct lw_node *node = new_named(s, json, LW_T_ENUM, space, &again);
    if (!node || again)
        return node;
    if (!json_is_array(symbols))
        return schema_bad(s, "no list of symbols in enum", node->name);
    if (json_array_size(symbols) > LW_ENUM_SYMBOLS_MAX)
        return schema_bad(s, "more symbols than are supported (65536) in enum",
                          node->name);
    node->fallback = lw_schema_text_name(json_object_get(json, "default"));
    return scan_symbols(s, node, symbols) < 0 ? NULL : node;
}

static struct lw_node *scan_fixed(struct scan *s, json_t *json, const char *space) {
    json_t *size = json_object_get(json, "size");
    bool again;
    struct lw_node *node = new_named(s, json, LW_T_FIXED, space, &again);
    if (!node || again)
        return node;
    json_int_t bytes = json_integer_value(size);
    if (!json_is_integer(size) || bytes < 0 || bytes > LW_FIXED_MAX)
        return schema_bad(s, "size must be 0 to 1048576 in fixed", node->name);
    node->n = (size_t)bytes;
    return node;
}

static struct lw_node *scan_container(struct scan *s, json_t *json, enum lw_type type,
                                      const char *space) {
    json_t *items = json_object_get(json, type == LW_T_ARRAY ? "items" : "values");
    if (!items)
        return schema_bad(s, "no items or values in", lw_node_type_name(type));
    struct lw_node *node = new_node(s, type);
    if (!node)
        return NULL;
    node->kids = lw_calloc(1, sizeof *node->kids);
    node->kids[0] = scan_type(s, items, space);
    node->n = 1;
    return node->kids[0] ? node : NULL;
}

/* Whether a reader could not distinguish two branches. */
static bool same_branch(const struct lw_node *a, const struct lw_node *b) {
    return a->name || b->name ? a == b : a->type == b->type;
}

static struct lw_node *scan_union(struct scan *s, json_t *json, const char *space) {
    size_t n = json_array_size(json);
    struct lw_node *node = new_node(s, LW_T_UNION);
    if (!node)
        return NULL;
    node->kids = lw_calloc(n + 1, sizeof *node->kids);
    for (; node->n < n; node->n++) {
        struct lw_node *kid = scan_type(s, json_array_get(json, node->n), space);
        if (!kid)
            return NULL;
        if (kid->type == LW_T_UNION)
            return schema_bad(s, "a union directly within a union", NULL);
        for (size_t i = 0; i < node->n; i++)
            if (same_branch(node->kids[i], kid))
                return schema_bad(s, "a union lists twice", lw_node_type_name(kid->type));
        node->kids[node->n] = kid;
    }
    return node;
}

static struct lw_node *scan_object(struct scan *s, json_t *json, const char *space) {
    json_t *type = json_object_get(json, "type");
    const char *name = lw_schema_text_name(type);
    struct lw_node *node;
    if (!name) {
        node = type ? scan_type(s, type, space)
                    : schema_bad(s, "a type without \"type\"", NULL);
        if (node)
            lw_node_beside(node, json);
        return node;
    }
    if (strcmp(name, "record") == 0 || strcmp(name, "error") == 0)
        return scan_record(s, json, space);
    if (strcmp(name, "enum") == 0)
        return scan_enum(s, json, space);
    if (strcmp(name, "array") == 0)
        return scan_container(s, json, LW_T_ARRAY, space);
    if (strcmp(name, "map") == 0)
        return scan_container(s, json, LW_T_MAP, space);
    if (strcmp(name, "fixed") == 0)
        node = scan_fixed(s, json, space);
    else
        node = scan_name(s, name, space);
    if (node && (!node->name || node->type == LW_T_FIXED))
        lw_node_logical(node, json);
    return node;
}

static struct lw_node *scan_type(struct scan *s, json_t *json, const char *space) {
    if (s->depth == LW_SCHEMA_DEPTH_MAX)
        return schema_bad(s, "nested deeper than 256 levels", NULL);
    s->depth++;
    struct lw_node *node;
    if (json_is_string(json))
        node = scan_name(s, json_string_value(json), space);
    else if (json_is_array(json))
        node = scan_union(s, json, space);
    else if (json_is_object(json))
        node = scan_object(s, json, space);
    else
        node = schema_bad(s, "a type must be text, a list or an object", NULL);
    s->depth--;
    return node;
}

int lw_nodes_parse(struct lw_schema *schema, struct lw_err *err) {
    struct scan s = {.schema = schema, .err = err};
    schema->top = scan_type(&s, schema->root, "");
    return schema->top ? 0 : -1;
}

const struct lw_node_field *lw_node_find(const struct lw_node *record, const char *name) {
    for (size_t i = 0; i < record->n; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

const struct lw_node *lw_node_strip(const struct lw_node *node) {
    if (node->type != LW_T_UNION || node->n != 2)
        return node;
    if (node->kids[0]->type == LW_T_NULL)
        return node->kids[1];
    return node->kids[1]->type == LW_T_NULL ? node->kids[0] : node;
}

static const struct lw_node_field *find_field(const struct lw_node *record,
                                              const char *name, size_t len) {
    for (size_t i = 0; i < record->n; i++)
        if (strncmp(record->fields[i].name, name, len) == 0 &&
            record->fields[i].name[len] == '\0')
            return &record->fields[i];
    return NULL;
}

const struct lw_node_field *lw_node_step(const struct lw_node *record, const char *path,
                                         const char **rest) {
    size_t whole = strlen(path), len = strcspn(path, ".");
    const struct lw_node_field *field = find_field(record, path, whole);
    if (!field && len < whole)
        field = find_field(record, path, len);
    else
        len = whole;
    *rest = path + len + (path[len] == '.');
    return field;
}
