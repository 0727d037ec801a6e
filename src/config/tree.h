/* A configuration file as a tree of checked nodes that know their position.
 *
 * Bounded before it is built (bytes, nodes, depth); one document, text keys, no key
 * twice, no custom tags, `${NAME}` and `${NAME:-default}` replaced from the environment
 * inside scalars. Anchors and aliases work, and count as the nodes they stand for. */
#ifndef LW_CONFIG_TREE_H
#define LW_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "leeway/err.h"

#define LW_CONFIG_BYTES_MAX (1u << 20)
#define LW_CONFIG_NODES_MAX 10000
#define LW_CONFIG_DEPTH_MAX 16

enum lw_yaml_kind { LW_YAML_NULL, LW_YAML_SCALAR, LW_YAML_LIST, LW_YAML_MAP };

struct lw_yaml {
    enum lw_yaml_kind kind;
    char *text;    /* a scalar's, variables replaced; NULL otherwise */
    char *literal; /* the part written in the file, without values of variables: "" for a
                      password from the environment */
    int line, column;
    char *key; /* in a map; else NULL */
    int key_line, key_column;
    size_t index; /* in the parent */
    const struct lw_yaml *parent;
    size_t n;
    struct lw_yaml **child;
};

struct lw_tree {
    char *name; /* of the file, for messages */
    struct lw_yaml *root;
    size_t nodes;
};

/* NULL and LW_ECONFIG with "name:line:column: ...". */
struct lw_tree *lw_tree_parse(const char *text, size_t len, const char *name,
                              struct lw_err *err);
void lw_tree_free(struct lw_tree *tree);

/* The child of a map, or NULL (also for a NULL or null map). */
const struct lw_yaml *lw_yaml_find(const struct lw_yaml *map, const char *key);
/* "rules[2].window"; "" for the root. */
char *lw_yaml_path(const struct lw_yaml *node, char *out, size_t size);
/* "name:line:column: key 'path': ...". Points at a scalar itself, but at the key of a map
 * or list. Returns -1. */
int lw_yaml_fail(const struct lw_tree *tree, const struct lw_yaml *node,
                 struct lw_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same, pointing at the node's key. */
int lw_yaml_fail_key(const struct lw_tree *tree, const struct lw_yaml *node,
                     struct lw_err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Replaces the variables in text. 0, or -1 with what is wrong in why (without a
 * position). */
int lw_substitute(const char *text, char **out, char **literal, struct lw_err *why);

#endif
