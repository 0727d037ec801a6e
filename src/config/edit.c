/* See edit.h. A tree knows where each of its nodes begins, in lines and characters; text is
 * replaced there, in flow style (`{a: 1}`) and in block style alike. */
#include "config/edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/tree.h"

struct config_edit {
    const char *text;
    size_t len;
    const struct lw_tree *tree;
    const char *section, *key, *value;
};

/* Byte of a line and column, which count from 1, and columns in characters. */
static size_t place_of(const struct config_edit *e, int line, int column) {
    const char *at = e->text, *end = e->text + e->len;
    for (; line > 1 && at < end; line--) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        at = next ? next + 1 : end;
    }
    for (; column > 1 && at < end; column--) {
        size_t n = lw_utf8_sequence(at, (size_t)(end - at));
        at += n ? n : 1;
    }
    return (size_t)(at - e->text);
}

static const struct lw_yaml *find_path(const struct lw_yaml *node, const char *path) {
    char want[200];
    for (size_t i = 0; i < node->n; i++) {
        const struct lw_yaml *child = node->child[i];
        lw_yaml_path(child, want, sizeof want);
        size_t n = strlen(want);
        if (strncmp(want, path, n) != 0)
            continue;
        if (!path[n])
            return child;
        if (path[n] == '.' || path[n] == '[')
            return find_path(child, path);
    }
    return NULL;
}

static void splice(const struct config_edit *e, size_t at, size_t gone, const char *put,
                   struct lw_buf *out) {
    lw_buf_clear(out);
    lw_buf_put(out, e->text, at);
    lw_buf_put(out, put, strlen(put));
    lw_buf_put(out, e->text + at + gone, e->len - at - gone);
}

static int replace_value(const struct config_edit *e, const struct lw_yaml *node,
                         struct lw_buf *out, struct lw_err *err) {
    size_t at = place_of(e, node->line, node->column);
    size_t n = node->text ? strlen(node->text) : 0;
    if (n == 0 || n > e->len - at || memcmp(e->text + at, node->text, n) != 0)
        return lw_yaml_fail(e->tree, node, err, "is not a plain value; set it to %s",
                            e->value);
    splice(e, at, n, e->value, out);
    return 0;
}

/* Before the first key of the section, on a line of its own where that key has one. */
static void insert_first(const struct config_edit *e, const struct lw_yaml *section,
                         struct lw_buf *out) {
    const struct lw_yaml *first = section->child[0];
    struct lw_buf put = {0};
    size_t at = place_of(e, first->key_line, first->key_column);
    bool flow = e->text[place_of(e, section->line, section->column)] == '{';
    lw_buf_printf(&put, "%s: %s", e->key, e->value);
    if (flow)
        lw_buf_printf(&put, ", ");
    else
        lw_buf_printf(&put, "\n%*s", first->key_column - 1, "");
    splice(e, at, 0, lw_buf_str(&put), out);
    lw_buf_fini(&put);
}

static void append_section(const struct config_edit *e, struct lw_buf *out) {
    struct lw_buf put = {0};
    bool ended = e->len == 0 || e->text[e->len - 1] == '\n';
    lw_buf_printf(&put, "%s%s: {%s: %s}\n", ended ? "" : "\n", e->section, e->key,
                  e->value);
    splice(e, e->len, 0, lw_buf_str(&put), out);
    lw_buf_fini(&put);
}

static int edit_apply(const struct config_edit *e, struct lw_buf *out,
                      struct lw_err *err) {
    const struct lw_yaml *section = find_path(e->tree->root, e->section);
    const struct lw_yaml *node = section ? lw_yaml_find(section, e->key) : NULL;
    if (node)
        return replace_value(e, node, out, err);
    if (section && (section->kind != LW_YAML_MAP || section->n == 0))
        return lw_yaml_fail(e->tree, section, err, "is empty; remove it, or set %s: %s",
                            e->key, e->value);
    if (section)
        insert_first(e, section, out);
    else
        append_section(e, out);
    return 0;
}

int lw_config_edit(const char *text, size_t len, const char *name,
                   const struct lw_config_change *change, struct lw_buf *out,
                   struct lw_err *err) {
    struct lw_tree *tree = lw_tree_parse(text, len, name, err);
    if (!tree)
        return -1;
    const struct config_edit e = {text,        len,          tree, change->section,
                                  change->key, change->value};
    int rc = edit_apply(&e, out, err);
    lw_tree_free(tree);
    return rc;
}
