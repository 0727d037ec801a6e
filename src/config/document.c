/* Writes docs/config.md from the rows that read.c uses, so that the two agree. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/keys.h"

static const char intro[] =
    "# Configuration\n"
    "\n"
    "This page is written by `leeway check --manual` from the tables that configurations are read by;\n"
    "do not edit it by hand.\n"
    "\n"
    "One YAML file describes one stream: `leeway run -c FILE`, and the same file for every other\n"
    "command. `leeway check -c FILE` reads it, refuses what cannot work with file, line, "
    "column, key\nand the nearest valid name, and `leeway check -c FILE --print` shows "
    "it with all defaults filled in.\nFor a file that teaches by example see "
    "`configs/nyc-green.yaml`.\n"
    "\n"
    "- Durations: `250ms`, `30s`, `5m`, `1h`, `3d`, `2w`, or together: `1d12h`. Sizes: "
    "`4096`, `64KiB`, `10MB`.\n"
    "  Times: `2020-03-12`, `2020-03-12T05:00`, in UTC (for local timestamps: in theirs).\n"
    "- `${NAME}` takes the value of an environment variable, `${NAME:-default}` has one "
    "to fall back on,\n  `$${` is a literal `${`. A variable that is not set and has no "
    "default is refused.\n"
    "- Paths are relative to the configuration file.\n"
    "- Secrets are not written in the file. Every key that names one (`password_file`, "
    "`token_file`, `key_file`,\n  `secret_file`, `url_file`, `sasl.password_file`, ...) "
    "takes the path of a file or `env:NAME`, an environment\n  variable. A password or "
    "token is the first line; the rest is ignored.\n"
    "- Unknown keys, keys that stand twice, and more than 1 MiB, 10,000 values or 16 "
    "levels are refused.\n"
    "  Anchors and aliases (`&a`, `*a`) work; merge keys (`<<`) and tags do not.\n"
    "- Names (stream, features, windows, rules, ...) hold letters, digits, `_`, `-` and `.`.\n";

static void put_words(const struct lw_key *key, FILE *out) {
    const char *word;
    int first = (int)key->min;
    for (int i = first; (word = lw_key_word(key, i)); i++)
        fprintf(out, "%s`%s`", i > first ? ", " : "", word);
}

static void put_type(const struct lw_key *key, FILE *out) {
    static const char *const names[] = {
        [LW_KEY_TEXT] = "text",         [LW_KEY_BOOL] = "true or false",
        [LW_KEY_INT] = "whole number",  [LW_KEY_REAL] = "number",
        [LW_KEY_DURATION] = "duration", [LW_KEY_SIZE] = "size",
        [LW_KEY_TIME] = "time",         [LW_KEY_FILE] = "path",
        [LW_KEY_RANGE] = "[low, high]", [LW_KEY_MAP] = "map",
        [LW_KEY_LIST] = "list of",      [LW_KEY_NAMED] = "map from names to"};
    if (key->words || key->word)
        put_words(key, out);
    else
        fputs(names[key->type], out);
    if (key->type == LW_KEY_LIST || key->type == LW_KEY_NAMED)
        fprintf(out, " %s", key->item ? key->item : "maps, below");
    if (key->flags & LW_GRID)
        fputs(", or a list", out);
}

static void put_standard(const struct lw_key *key, FILE *out) {
    if (key->flags & LW_REQUIRED)
        fputs("**required**", out);
    else if (key->unset)
        fputs(key->unset, out);
    else if (key->standard && *key->standard)
        fprintf(out, "`%s`", key->standard);
    else
        fputs("none", out);
}

static char *show_default(const struct lw_key *key, double v, char *out, size_t size) {
    if (key->type == LW_KEY_DURATION)
        return lw_format_duration(out, size, (int64_t)v);
    if (key->type == LW_KEY_INT || key->type == LW_KEY_SIZE)
        return lw_format_count(out, size, (uint64_t)v);
    return lw_format_f64(out, size, v);
}

static void put_range(const struct lw_key *key, FILE *out) {
    char lo[40], hi[40];
    bool counted = key->type == LW_KEY_INT || key->type == LW_KEY_REAL ||
                   key->type == LW_KEY_DURATION || key->type == LW_KEY_SIZE;
    if (counted && (key->min != 0 || key->max != 0))
        fprintf(out, "%s to %s", show_default(key, key->min, lo, sizeof lo),
                show_default(key, key->max, hi, sizeof hi));
}

static void put_row(const char *prefix, const struct lw_key *key, FILE *out) {
    fprintf(out, "| `%s%s` | ", prefix, key->name);
    put_type(key, out);
    fputs(" | ", out);
    put_standard(key, out);
    fputs(" | ", out);
    put_range(key, out);
    fprintf(out, " | %s |\n", key->doc);
}

static void put_rows(const struct lw_section *section, const char *prefix, FILE *out) {
    for (size_t i = 0; i < section->n; i++) {
        const struct lw_key *key = &section->key[i];
        char deeper[120];
        if (key->type != LW_KEY_MAP) {
            put_row(prefix, key, out);
            continue;
        }
        fprintf(out, "| `%s%s` | map | | | %s |\n", prefix, key->name, key->doc);
        snprintf(deeper, sizeof deeper, "%s%s.", prefix, key->name);
        put_rows(key->section, deeper, out);
    }
}

static void put_table(const struct lw_section *section, const char *prefix, FILE *out) {
    fputs("\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n", out);
    put_rows(section, prefix, out);
}

/* Tables of the items of a section's lists and named maps. */
static void put_item_tables(const struct lw_section *section, FILE *out) {
    for (size_t i = 0; i < section->n; i++) {
        const struct lw_section *item = section->key[i].section;
        if (!item || section->key[i].type == LW_KEY_MAP)
            continue;
        fprintf(out, "\nEach `%s`:\n", item->title);
        put_table(item, "", out);
    }
}

static void put_metrics(FILE *out) {
    fputs("\nMetrics (definitions with sources: docs/statistics.md):\n"
          "\n| metric | of | meaning |\n|---|---|---|\n",
          out);
    const struct lw_metric *metric;
    for (size_t i = 0; (metric = lw_metric_at(i)); i++)
        if (lw_metric_judged(metric))
            fprintf(out, "| `%s` | %s | %s |\n", lw_metric_name(metric),
                    lw_metric_subject(metric), metric->meaning);
}

static void put_root_key(const struct lw_key *key, FILE *out) {
    const struct lw_section *section = key->section;
    fprintf(out, "\n## `%s`\n\n", key->name);
    if (key->type == LW_KEY_MAP) {
        fprintf(out, "%s\n", section->doc);
        put_table(section, "", out);
        put_item_tables(section, out);
        return;
    }
    fputs("A ", out);
    put_type(key, out);
    fprintf(out, ". %s%s\n", key->flags & LW_REQUIRED ? "Required. " : "", key->doc);
    if (section)
        put_table(section, "", out);
    if (section == &lw_section_rule)
        put_metrics(out);
}

void lw_config_document(FILE *out) {
    fputs(intro, out);
    for (size_t i = 0; i < lw_config_root.n; i++)
        put_root_key(&lw_config_root.key[i], out);
}
