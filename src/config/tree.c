/* libyaml's document becomes our tree in one bounded walk.
 *
 * libyaml gives each node its position and resolves aliases to the node they stand for,
 * so an alias costs here what its target costs: a file of nested aliases runs into the
 * bound on nodes, and an alias to an ancestor into the bound on depth. Everything that
 * readers of the tree would have to check (duplicate keys, texts, variables) is checked
 * here once. libcyaml, which reads straight into structs, does not suit: rules on features
 * and windows need positions long after parsing. */
#include "config/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"

struct yaml_build {
    struct lw_tree *tree;
    yaml_document_t *doc;
    struct lw_err *err;
};

/* Where a node will hang: known before it is built, so that messages can say so. */
struct yaml_place {
    const struct lw_yaml *parent;
    const char *key;
    const yaml_mark_t *mark; /* of the key */
};

static struct lw_yaml *build_node(struct yaml_build *b, int id, struct yaml_place place,
                                  int depth);

static void node_free(struct lw_yaml *node) {
    if (!node)
        return;
    for (size_t i = 0; i < node->n; i++)
        node_free(node->child[i]);
    free(node->child);
    lw_secret_free(node->text, node->text ? strlen(node->text) : 0);
    free(node->literal);
    free(node->key);
    free(node);
}

void lw_tree_free(struct lw_tree *tree) {
    if (!tree)
        return;
    node_free(tree->root);
    free(tree->name);
    free(tree);
}

const struct lw_yaml *lw_yaml_find(const struct lw_yaml *map, const char *key) {
    for (size_t i = 0; map && map->kind == LW_YAML_MAP && i < map->n; i++)
        if (strcmp(map->child[i]->key, key) == 0)
            return map->child[i];
    return NULL;
}

char *lw_yaml_path(const struct lw_yaml *node, char *out, size_t size) {
    out[0] = '\0';
    if (!node->parent)
        return out;
    lw_yaml_path(node->parent, out, size);
    size_t used = strlen(out);
    if (node->key)
        snprintf(out + used, size - used, "%s%s", used ? "." : "", node->key);
    else
        snprintf(out + used, size - used, "[%zu]", node->index);
    return out;
}

static int fail_at(const struct lw_tree *tree, const struct lw_yaml *node, bool at_key,
                   struct lw_err *err, const char *what) {
    char path[200];
    lw_yaml_path(node, path, sizeof path);
    int line = at_key ? node->key_line : node->line;
    int column = at_key ? node->key_column : node->column;
    if (!*path)
        return lw_fail(err, LW_ECONFIG, "%s:%d:%d: %s", tree->name, line, column, what);
    return lw_fail(err, LW_ECONFIG, "%s:%d:%d: key '%s': %s", tree->name, line, column,
                   path, what);
}

int lw_yaml_fail(const struct lw_tree *tree, const struct lw_yaml *node,
                 struct lw_err *err, const char *fmt, ...) {
    char what[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return fail_at(tree, node, node->key && node->kind != LW_YAML_SCALAR, err, what);
}

int lw_yaml_fail_key(const struct lw_tree *tree, const struct lw_yaml *node,
                     struct lw_err *err, const char *fmt, ...) {
    char what[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return fail_at(tree, node, node->key != NULL, err, what);
}

static bool is_null(const yaml_node_t *y) {
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    const char *text = (const char *)y->data.scalar.value;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (y->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            strcmp(text, words[i]) == 0)
            return true;
    return false;
}

/* Names are written to terminals, keys and messages as they are. Newlines and tabs occur
 * in YAML's longer texts. */
static bool holds_control(const char *text) {
    const char *end = text + strlen(text);
    for (size_t n; *text; text += n) {
        char safe[16];
        n = lw_utf8_sequence(text, (size_t)(end - text));
        n = n ? n : 1;
        lw_text_safe(safe, sizeof safe, text, n);
        if (*text != '\n' && *text != '\t' && strncmp(safe, text, n) != 0)
            return true;
    }
    return false;
}

static int build_scalar(struct yaml_build *b, const yaml_node_t *y,
                        struct lw_yaml *node) {
    const char *text = (const char *)y->data.scalar.value;
    if (is_null(y))
        return 0;
    node->kind = LW_YAML_SCALAR;
    if (strlen(text) != y->data.scalar.length)
        return lw_yaml_fail(b->tree, node, b->err, "a NUL byte is not allowed here");
    struct lw_err why = {0};
    if (lw_substitute(text, &node->text, &node->literal, &why))
        return lw_yaml_fail(b->tree, node, b->err, "%s", why.msg);
    if (holds_control(node->text))
        return lw_yaml_fail(b->tree, node, b->err,
                            "control characters are not allowed here");
    return 0;
}

static void tree_attach(struct lw_yaml *parent, struct lw_yaml *child) {
    child->index = parent->n;
    parent->child = lw_realloc(parent->child, parent->n + 1, sizeof *parent->child);
    parent->child[parent->n++] = child;
}

static int build_list(struct yaml_build *b, const yaml_node_t *y, struct lw_yaml *node,
                      int depth) {
    node->kind = LW_YAML_LIST;
    for (const yaml_node_item_t *item = y->data.sequence.items.start;
         item < y->data.sequence.items.top; item++) {
        struct lw_yaml *child =
            build_node(b, *item, (struct yaml_place){.parent = node}, depth + 1);
        if (!child)
            return -1;
        tree_attach(node, child);
    }
    return 0;
}

/* The key's text, checked; NULL on error. */
static const char *key_of(struct yaml_build *b, const yaml_node_t *y,
                          const struct lw_yaml *map) {
    struct lw_yaml at = {.line = (int)y->start_mark.line + 1,
                         .column = (int)y->start_mark.column + 1,
                         .parent = map->parent,
                         .key = map->key,
                         .index = map->index,
                         .kind = LW_YAML_SCALAR};
    if (y->type != YAML_SCALAR_NODE) {
        lw_yaml_fail(b->tree, &at, b->err, "a key must be plain text");
        return NULL;
    }
    const char *text = (const char *)y->data.scalar.value;
    if (holds_control(text)) {
        lw_yaml_fail(b->tree, &at, b->err, "control characters are not allowed in a key");
        return NULL;
    }
    const struct lw_yaml *before = lw_yaml_find(map, text);
    if (strlen(text) != y->data.scalar.length || !*text || strlen(text) > 120) {
        lw_yaml_fail(b->tree, &at, b->err, "must be a key of 1 to 120 characters");
        return NULL;
    }
    if (before) {
        lw_yaml_fail(b->tree, &at, b->err, "'%s' is set twice (first on line %d)", text,
                     before->key_line);
        return NULL;
    }
    return text;
}

static int build_map(struct yaml_build *b, const yaml_node_t *y, struct lw_yaml *node,
                     int depth) {
    node->kind = LW_YAML_MAP;
    for (const yaml_node_pair_t *pair = y->data.mapping.pairs.start;
         pair < y->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(b->doc, pair->key);
        struct yaml_place place = {.parent = node, .mark = &key->start_mark};
        place.key = key_of(b, key, node);
        struct lw_yaml *child =
            place.key ? build_node(b, pair->value, place, depth + 1) : NULL;
        if (!child)
            return -1;
        tree_attach(node, child);
    }
    return 0;
}

static bool plain_tag(const yaml_node_t *y) {
    const char *tag = (const char *)y->tag;
    return !tag || strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, YAML_MAP_TAG) == 0 ||
           strcmp(tag, YAML_SEQ_TAG) == 0;
}

static int fill_node(struct yaml_build *b, const yaml_node_t *y, struct lw_yaml *node,
                     int depth) {
    if (depth > LW_CONFIG_DEPTH_MAX)
        return lw_yaml_fail(b->tree, node, b->err, "nested more than %d deep",
                            LW_CONFIG_DEPTH_MAX);
    if (++b->tree->nodes > LW_CONFIG_NODES_MAX)
        return lw_yaml_fail(b->tree, node, b->err,
                            "more than %d values, counting those that aliases repeat",
                            LW_CONFIG_NODES_MAX);
    if (!plain_tag(y))
        return lw_yaml_fail(b->tree, node, b->err, "the tag %.60s is not supported here",
                            (const char *)y->tag);
    switch (y->type) {
    case YAML_SCALAR_NODE:
        return build_scalar(b, y, node);
    case YAML_SEQUENCE_NODE:
        return build_list(b, y, node, depth);
    case YAML_MAPPING_NODE:
        return build_map(b, y, node, depth);
    default:
        return lw_yaml_fail(b->tree, node, b->err, "a value is missing");
    }
}

static struct lw_yaml *build_node(struct yaml_build *b, int id, struct yaml_place place,
                                  int depth) {
    const yaml_node_t *y = yaml_document_get_node(b->doc, id);
    struct lw_yaml *node = lw_calloc(1, sizeof *node);
    node->parent = place.parent;
    node->index = place.parent ? place.parent->n : 0;
    node->line = (int)y->start_mark.line + 1;
    node->column = (int)y->start_mark.column + 1;
    if (place.key) {
        node->key = lw_strdup(place.key);
        node->key_line = (int)place.mark->line + 1;
        node->key_column = (int)place.mark->column + 1;
    }
    if (fill_node(b, y, node, depth)) {
        node_free(node);
        return NULL;
    }
    return node;
}

static int fail_yaml(const struct lw_tree *tree, const yaml_parser_t *parser,
                     struct lw_err *err) {
    const yaml_mark_t *mark = &parser->problem_mark;
    return lw_fail(err, LW_ECONFIG, "%s:%zu:%zu: not valid YAML: %s%s%s", tree->name,
                   mark->line + 1, mark->column + 1,
                   parser->problem ? parser->problem : "unreadable",
                   parser->context ? " " : "", parser->context ? parser->context : "");
}

/* libyaml composes a whole document before we see any of it, in time that grows with the
 * square of its depth (100,000 brackets: 24 s) and of its anchors. So its events are
 * counted first, which costs no more than reading. What is a little too large is left to
 * the walk, whose message has the key. */
static int count_events(struct lw_tree *tree, yaml_parser_t *parser, struct lw_err *err) {
    bool ended = false;
    for (int depth = 0, nodes = 0; !ended;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail_yaml(tree, parser, err);
        yaml_mark_t at = event.start_mark;
        bool opens = event.type == YAML_SEQUENCE_START_EVENT ||
                     event.type == YAML_MAPPING_START_EVENT;
        bool closes =
            event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        depth += opens - closes;
        nodes +=
            opens || event.type == YAML_SCALAR_EVENT || event.type == YAML_ALIAS_EVENT;
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (depth > 4 * LW_CONFIG_DEPTH_MAX)
            return lw_fail(err, LW_ECONFIG, "%s:%zu:%zu: nested more than %d deep",
                           tree->name, at.line + 1, at.column + 1, LW_CONFIG_DEPTH_MAX);
        if (nodes > 4 * LW_CONFIG_NODES_MAX) /* keys are counted too */
            return lw_fail(err, LW_ECONFIG, "%s:%zu:%zu: more than %d values", tree->name,
                           at.line + 1, at.column + 1, LW_CONFIG_NODES_MAX);
    }
    return 0;
}

/* The first document into the tree; anything after it is refused. */
static int tree_load(struct lw_tree *tree, yaml_parser_t *parser, struct lw_err *err) {
    yaml_document_t doc, rest;
    if (!yaml_parser_load(parser, &doc))
        return fail_yaml(tree, parser, err);
    int failed = 0;
    if (!yaml_document_get_root_node(&doc)) {
        failed = lw_fail(err, LW_ECONFIG, "%s:1:1: the file is empty", tree->name);
    } else {
        struct yaml_build b = {tree, &doc, err};
        tree->root = build_node(&b, 1, (struct yaml_place){0}, 0);
        failed = tree->root ? 0 : -1;
    }
    yaml_document_delete(&doc);
    if (failed)
        return -1;
    if (!yaml_parser_load(parser, &rest))
        return fail_yaml(tree, parser, err);
    if (yaml_document_get_root_node(&rest))
        failed = lw_fail(err, LW_ECONFIG,
                         "%s:%zu:1: a second document; one file is one stream",
                         tree->name, rest.start_mark.line + 1);
    yaml_document_delete(&rest);
    return failed;
}

static int tree_parse(struct lw_tree *tree, const char *text, size_t len,
                      int (*step)(struct lw_tree *tree, yaml_parser_t *parser,
                                  struct lw_err *err),
                      struct lw_err *err) {
    yaml_parser_t parser;
    lw_assert(yaml_parser_initialize(&parser));
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    int rc = step(tree, &parser, err);
    yaml_parser_delete(&parser);
    return rc;
}

struct lw_tree *lw_tree_parse(const char *text, size_t len, const char *name,
                              struct lw_err *err) {
    if (len > LW_CONFIG_BYTES_MAX) {
        lw_fail(err, LW_ECONFIG, "%s:1:1: larger than %u bytes", name,
                LW_CONFIG_BYTES_MAX);
        return NULL;
    }
    struct lw_tree *tree = lw_calloc(1, sizeof *tree);
    tree->name = lw_strdup(name);
    if (tree_parse(tree, text, len, count_events, err) ||
        tree_parse(tree, text, len, tree_load, err)) {
        lw_tree_free(tree);
        tree = NULL;
    }
    return tree;
}
