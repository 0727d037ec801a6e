/* The one loop that reads a section by its rows.
 *
 * Rows are read in the order of the table, not of the file, so that a later section may
 * count on an earlier one (rules on features and windows) wherever the user wrote them.
 * Unknown keys are looked for first: a slip in a key is the commonest mistake, and
 * "source.topic is missing" would be the wrong answer to "topik". */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/value.h"

#define KEYS_MAX 40

char *lw_config_suggest(char *out, size_t size, const char *name,
                        const char *const *candidates, size_t n) {
    const char *nearest = lw_nearest(name, candidates, n);
    out[0] = '\0';
    if (nearest) {
        snprintf(out, size, "; did you mean '%s'?", nearest);
        return out;
    }
    size_t used = 0;
    for (size_t i = 0; i < n && used + 40 < size; i++) {
        int more = snprintf(out + used, size - used, "%s%.60s", i ? ", " : "; there is ",
                            candidates[i]);
        used += more > 0 ? (size_t)more : 0;
    }
    return out;
}

int lw_config_check_name(struct lw_load *load, const struct lw_yaml *node,
                         const char *name, size_t max) {
    static const char valid[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = strlen(name);
    if (len == 0 || strspn(name, valid) != len)
        return lw_yaml_fail_key(
            load->tree, node, load->err,
            "a name may contain letters, digits, '_', '-' and '.' (got '%.80s')", name);
    if (len >= max)
        return lw_yaml_fail_key(load->tree, node, load->err,
                                "must be a name of at most %zu characters (got '%.80s')",
                                max - 1, name);
    return 0;
}

static const struct lw_key *row_of(const struct lw_section *section, const char *name) {
    for (size_t i = 0; i < section->n; i++)
        if (strcmp(section->key[i].name, name) == 0)
            return &section->key[i];
    return NULL;
}

static int refuse_unknown(struct lw_load *load, const struct lw_section *section,
                          const struct lw_yaml *node) {
    const char *names[KEYS_MAX];
    char hint[300];
    lw_assert(section->n <= KEYS_MAX);
    for (size_t i = 0; i < section->n; i++)
        names[i] = section->key[i].name;
    for (size_t i = 0; i < node->n; i++) {
        const struct lw_yaml *child = node->child[i];
        if (row_of(section, child->key))
            continue;
        const char *new =
            lw_renamed_key_find(lw_renamed_keys, section->title, child->key);
        if (new)
            return lw_yaml_fail_key(load->tree, child, load->err,
                                    "this key is now called '%s'", new);
        return lw_yaml_fail_key(
            load->tree, child, load->err, "unknown key%s",
            lw_config_suggest(hint, sizeof hint, child->key, names, section->n));
    }
    return 0;
}

static const char *expected_shape(enum lw_key_type type) {
    switch (type) {
    case LW_KEY_MAP:
    case LW_KEY_NAMED:
        return "a map of keys and values";
    case LW_KEY_LIST:
        return "a list";
    default:
        return "a single value";
    }
}

static int check_shape(struct lw_load *load, const struct lw_key *key,
                       const struct lw_yaml *node) {
    bool right = false;
    switch (key->type) {
    case LW_KEY_MAP:
    case LW_KEY_NAMED:
        right = node->kind == LW_YAML_MAP || node->kind == LW_YAML_NULL;
        break;
    case LW_KEY_LIST:
        right = node->kind == LW_YAML_LIST || node->kind == LW_YAML_NULL;
        break;
    case LW_KEY_RANGE:
        right = true; /* lw_value_range looks itself */
        break;
    default:
        right = node->kind == LW_YAML_SCALAR ||
                (node->kind == LW_YAML_MAP && (key->flags & LW_OR_MAP));
    }
    if (right)
        return 0;
    static const char *const got[] = {"nothing", "a single value", "a list", "a map"};
    return lw_yaml_fail(load->tree, node, load->err, "must be %s (got %s)",
                        expected_shape(key->type), got[node->kind]);
}

/* Of a list in a grid key: the value that this combination takes. */
static const struct lw_yaml *picked(struct lw_load *load, const struct lw_key *key,
                                    const struct lw_yaml *node) {
    if (!(key->flags & LW_GRID) || node->kind != LW_YAML_LIST || node->n == 0)
        return node;
    const struct lw_yaml *child = node->child[load->pick % node->n];
    load->pick /= node->n;
    size_t used = strlen(load->picked);
    if (node->n > 1 && child->kind == LW_YAML_SCALAR)
        snprintf(load->picked + used, sizeof load->picked - used, "-%s", child->text);
    return child;
}

static int read_present(struct lw_load *load, const struct lw_key *key,
                        const struct lw_yaml *node, void *base) {
    void *at = (char *)base + key->offset;
    node = picked(load, key, node);
    if (check_shape(load, key, node))
        return -1;
    switch (key->type) {
    case LW_KEY_MAP:
        return lw_config_read_section(load, key->section, node, base);
    case LW_KEY_LIST:
    case LW_KEY_NAMED:
        return 0; /* its hook does it all */
    case LW_KEY_RANGE:
        return lw_value_range(load, node, at);
    default:
        if (node->kind == LW_YAML_MAP)
            return lw_config_read_section(load, key->section, node, base);
        return lw_value_text(load, key, node, at);
    }
}

static int read_absent(struct lw_load *load, const struct lw_section *section,
                       const struct lw_key *key, const struct lw_yaml *parent,
                       void *base) {
    if (key->type == LW_KEY_MAP)
        return lw_config_read_section(load, key->section, NULL, base);
    if (key->flags & LW_REQUIRED) {
        const struct lw_yaml *at = parent ? parent : load->tree->root;
        const char *in = parent ? "" : section->title;
        return lw_yaml_fail_key(load->tree, at, load->err, "'%s%s%s' is missing: %s", in,
                                *in ? "." : "", key->name, key->doc);
    }
    if (!key->standard)
        return 0;
    char text[256];
    lw_copy(text, sizeof text, key->standard);
    struct lw_yaml standard = {.kind = LW_YAML_SCALAR, .text = text, .parent = parent};
    return lw_value_text(load, key, &standard, (char *)base + key->offset);
}

int lw_config_read_section(struct lw_load *load, const struct lw_section *section,
                           const struct lw_yaml *node, void *base) {
    if (node && node->kind != LW_YAML_MAP && node->kind != LW_YAML_NULL)
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be a map of keys and values");
    if (node && refuse_unknown(load, section, node))
        return -1;
    for (size_t i = 0; i < section->n; i++) {
        const struct lw_key *key = &section->key[i];
        const struct lw_yaml *child = lw_yaml_find(node, key->name);
        int failed = child ? read_present(load, key, child, base)
                           : read_absent(load, section, key, node, base);
        if (failed || (key->read && key->read(load, child)))
            return -1;
    }
    return 0;
}
