/* Parses one value by its row. Each kind has a parser from base/text.h, and its refusal
 * shows a valid example. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/value.h"

const char *lw_key_word(const struct lw_key *key, int i) {
    if (key->word)
        return key->word(i);
    for (int at = 0; key->words[at]; at++)
        if (at == i)
            return key->words[at];
    return NULL;
}

static int value_refuse(struct lw_load *load, const struct lw_yaml *node,
                        const char *what) {
    return lw_yaml_fail(load->tree, node, load->err, "%s (got '%.80s')", what,
                        node->text);
}

static bool key_is_bounded(const struct lw_key *key) {
    return key->min != 0 || key->max != 0;
}

/* A bound as a person would write it. */
static char *bound_show(const struct lw_key *key, double v, char *out, size_t size) {
    if (key->type == LW_KEY_DURATION)
        return lw_format_duration(out, size, (int64_t)v);
    return lw_format_f64(out, size, v);
}

static int check_bounds(struct lw_load *load, const struct lw_key *key,
                        const struct lw_yaml *node, double v) {
    char lo[40], hi[40];
    if (!key_is_bounded(key) || (v >= key->min && v <= key->max))
        return 0;
    bound_show(key, key->min, lo, sizeof lo);
    if (isinf(key->max))
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be at least %s (got '%.80s')", lo, node->text);
    return lw_yaml_fail(load->tree, node, load->err,
                        "must be from %s to %s (got '%.80s')", lo,
                        bound_show(key, key->max, hi, sizeof hi), node->text);
}

static int store_text(struct lw_load *load, const struct lw_key *key,
                      const struct lw_yaml *node, char *at) {
    if (strlen(node->text) >= key->size)
        return lw_yaml_fail(load->tree, node, load->err, "longer than %zu bytes",
                            key->size - 1);
    if (!*node->text && (key->flags & LW_REQUIRED))
        return lw_yaml_fail(load->tree, node, load->err, "must not be empty");
    if (key->words) {
        const char *const *word = key->words;
        size_t n = 0;
        while (word[n] && strcmp(word[n], node->text) != 0)
            n++;
        if (!word[n]) {
            char hint[200];
            return lw_yaml_fail(
                load->tree, node, load->err, "'%.60s' is not a valid value%s", node->text,
                lw_config_suggest(hint, sizeof hint, node->text, word, n));
        }
    }
    lw_copy(at, key->size, node->text);
    return 0;
}

static int store_bool(struct lw_load *load, const struct lw_yaml *node, void *at) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], node->text) == 0) {
            memcpy(at, &(bool){i % 2 == 1}, sizeof(bool));
            return 0;
        }
    return value_refuse(load, node, "must be true or false");
}

/* The integer's two's complement, in the width that the struct gives it. */
static void put_int(void *at, size_t size, int64_t v) {
    uint16_t v16 = (uint16_t)v;
    uint32_t v32 = (uint32_t)v;
    if (size == sizeof v16)
        memcpy(at, &v16, size);
    else if (size == sizeof v32)
        memcpy(at, &v32, size);
    else
        memcpy(at, &v, sizeof v);
}

static int store_int(struct lw_load *load, const struct lw_key *key,
                     const struct lw_yaml *node, void *at) {
    int64_t v;
    if (!lw_parse_i64(node->text, &v))
        return value_refuse(load, node, "must be a whole number");
    if (check_bounds(load, key, node, (double)v))
        return -1;
    put_int(at, key->size, v);
    return 0;
}

static int store_real(struct lw_load *load, const struct lw_key *key,
                      const struct lw_yaml *node, void *at) {
    double v;
    if (!lw_parse_f64(node->text, &v))
        return value_refuse(load, node, "must be a number");
    if (check_bounds(load, key, node, v))
        return -1;
    memcpy(at, &v, sizeof v);
    return 0;
}

static int store_ms(struct lw_load *load, const struct lw_key *key,
                    const struct lw_yaml *node, void *at) {
    int64_t v = 0;
    if (key->type == LW_KEY_DURATION && !lw_parse_duration(node->text, &v))
        return value_refuse(load, node,
                            "must be a duration such as 250ms, 30s, 5m, 1h or 7d");
    if (key->type == LW_KEY_SIZE && !lw_parse_size(node->text, &v))
        return value_refuse(load, node, "must be a size such as 4096, 64KiB or 10MB");
    if (key->type == LW_KEY_TIME &&
        !lw_parse_instant(node->text, strlen(node->text), load->config->spec.zone, &v))
        return value_refuse(load, node,
                            "must be a time such as 2020-03-12 or 2020-03-12T05:00Z");
    if (check_bounds(load, key, node, (double)v))
        return -1;
    memcpy(at, &v, sizeof v);
    return 0;
}

/* Refuses a value that belongs to another key. */
static int word_misplaced(struct lw_load *load, const struct lw_key *key,
                          const struct lw_yaml *node) {
    for (size_t i = 0; key->misplaced && key->misplaced[i]; i++)
        if (strcmp(key->misplaced[i], node->text) == 0)
            return lw_yaml_fail(load->tree, node, load->err, "'%s' belongs in %s",
                                node->text, key->instead);
    return 0;
}

static int store_word(struct lw_load *load, const struct lw_key *key,
                      const struct lw_yaml *node, void *at) {
    if (word_misplaced(load, key, node))
        return -1;
    const char *words[64];
    size_t n = 0;
    int first = (int)key->min;
    for (const char *word; n < 64 && (word = lw_key_word(key, first + (int)n)); n++) {
        words[n] = word;
        if (strcmp(word, node->text) == 0) {
            put_int(at, key->size, first + (int64_t)n);
            return 0;
        }
    }
    char hint[200];
    const char *new = lw_renamed_key_find(lw_renamed_keys, key->name, node->text);
    if (new)
        return lw_yaml_fail(load->tree, node, load->err, "'%.60s' is now called '%s'",
                            node->text, new);
    return lw_yaml_fail(load->tree, node, load->err, "'%.60s' is not a valid value%s",
                        node->text,
                        lw_config_suggest(hint, sizeof hint, node->text, words, n));
}

int lw_config_resolve_path(const char *config_name, const char *path, char *out,
                           size_t size) {
    const char *slash = strrchr(config_name, '/');
    bool as_is = !*path || *path == '/' || !slash || lw_secret_in_env(path);
    int dir = as_is ? 0 : (int)(slash - config_name) + 1;
    int used = snprintf(out, size, "%.*s%s", dir, config_name, path);
    return used < 0 || (size_t)used >= size ? -1 : 0;
}

static int store_file(struct lw_load *load, const struct lw_key *key,
                      const struct lw_yaml *node, char *at) {
    if (lw_config_resolve_path(load->tree->name, node->text, at, key->size))
        return lw_yaml_fail(load->tree, node, load->err, "a path longer than %zu bytes",
                            key->size - 1);
    return 0;
}

int lw_value_text(struct lw_load *load, const struct lw_key *key,
                  const struct lw_yaml *node, void *at) {
    switch (key->type) {
    case LW_KEY_TEXT:
        return store_text(load, key, node, at);
    case LW_KEY_FILE:
        return store_file(load, key, node, at);
    case LW_KEY_BOOL:
        return store_bool(load, node, at);
    case LW_KEY_INT:
        return store_int(load, key, node, at);
    case LW_KEY_REAL:
        return store_real(load, key, node, at);
    case LW_KEY_WORD:
        return store_word(load, key, node, at);
    case LW_KEY_RATE:
        return lw_value_rate(load, node, at);
    default:
        return store_ms(load, key, node, at);
    }
}

static int range_end(struct lw_load *load, const struct lw_yaml *node, double *out) {
    const char *text = node->kind == LW_YAML_SCALAR ? node->text : "";
    if (strcmp(text, ".inf") == 0)
        *out = INFINITY;
    else if (strcmp(text, "-.inf") == 0)
        *out = -INFINITY;
    else if (!lw_parse_f64(text, out))
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be a number, .inf or -.inf (got '%.80s')", text);
    return 0;
}

int lw_value_range(struct lw_load *load, const struct lw_yaml *node, void *at) {
    double lo, hi;
    if (node->kind != LW_YAML_LIST || node->n != 2)
        return lw_yaml_fail(load->tree, node, load->err,
                            "must be a range: [lowest, highest]");
    if (range_end(load, node->child[0], &lo) || range_end(load, node->child[1], &hi))
        return -1;
    if (lo > hi || lo == INFINITY || hi == -INFINITY)
        return lw_yaml_fail(load->tree, node, load->err,
                            "the range ends (%g) before it begins (%g)", hi, lo);
    memcpy(at, &lo, sizeof lo);
    memcpy((char *)at + sizeof lo, &hi, sizeof hi);
    return 0;
}
