/* The effective configuration as YAML that can be read back.
 *
 * It follows the tables, not the structs: what the file says, after substitution, and the
 * rows' defaults where it says nothing. Where a default would be refused beside other
 * keys (a sketch size for a category), its row says LW_IMPLIED and nothing is written.
 * Paths become absolute, so that the output means the same in another directory. */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "config/keys.h"

struct config_printer {
    const struct lw_config *config;
    FILE *out;
};

static bool is_plain(const char *text) {
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";
    return *text && *text != '-' && strspn(text, safe) == strlen(text) &&
           strcmp(text, "null") != 0 && strcmp(text, "Null") != 0 &&
           strcmp(text, "NULL") != 0;
}

static void put_text(FILE *out, const char *text) {
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '$' && text[1] == '{')
            fputs("$$", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_path(const struct config_printer *p, const char *text) {
    char path[1024];
    if (lw_config_resolve_path(p->config->path, text, path, sizeof path))
        lw_copy(path, sizeof path, text);
    char *whole = *path && !lw_secret_in_env(path) ? realpath(path, NULL) : NULL;
    put_text(p->out, whole ? whole : path);
    free(whole);
}

/* scheme://user:***@host/path; the path of a webhook may be the secret itself. */
static void put_url(FILE *out, const char *url) {
    char shown[1100];
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    const char *at = strrchr(host, '@'), *colon = at ? strchr(host, ':') : NULL;
    const char *behind = at ? at : host, *slash = strchr(behind, '/');
    bool hide_path = slash && slash[1] && strncmp(url, "http", 4) == 0;
    bool hide_password = colon && colon < at;
    snprintf(shown, sizeof shown, "%.*s%s%.*s%s",
             (int)((hide_password ? colon : behind) - url), url,
             hide_password ? ":***" : "",
             hide_path ? (int)(slash - behind) + 1 : (int)strlen(behind), behind,
             hide_path ? "***" : "");
    put_text(out, shown);
}

static void put_value(const struct config_printer *p, const struct lw_key *key,
                      const char *text) {
    if (key->type == LW_KEY_FILE || (key->flags & LW_PATHS))
        put_path(p, text);
    else if (key->flags & LW_SECRET)
        put_url(p->out, text);
    else
        put_text(p->out, text);
}

/* [a, b] of scalars: ranges, grids, routes. */
static void put_list(const struct config_printer *p, const struct lw_key *key,
                     const struct lw_yaml *node) {
    fputc('[', p->out);
    for (size_t i = 0; i < node->n; i++) {
        fputs(i ? ", " : "", p->out);
        put_value(p, key, node->child[i]->text);
    }
    fputc(']', p->out);
}

static void put_section(const struct config_printer *p, const struct lw_section *section,
                        const struct lw_yaml *node, int indent);

/* "key:" of items that are maps, lists of maps, or single values. */
static void put_item(const struct config_printer *p, const struct lw_key *key,
                     const struct lw_yaml *item, int indent) {
    fprintf(p->out, "%*s", indent, "");
    if (item->key) {
        put_text(p->out, item->key);
        fputc(':', p->out);
    } else {
        fputc('-', p->out);
    }
    if (item->kind == LW_YAML_SCALAR) {
        fputc(' ', p->out);
        put_value(p, key, item->text);
        fputc('\n', p->out);
    } else if (item->kind == LW_YAML_LIST) { /* a feature set */
        fputc('\n', p->out);
        for (size_t i = 0; i < item->n; i++)
            put_item(p, key, item->child[i], indent + 2);
    } else if (item->n == 0) {
        fputs(" {}\n", p->out);
    } else {
        fputc('\n', p->out);
        put_section(p, key->section, item, indent + 2);
    }
}

static void put_items(const struct config_printer *p, const struct lw_key *key,
                      const struct lw_yaml *node, int indent) {
    if (!node || node->n == 0)
        return;
    fprintf(p->out, "%*s%s:", indent, "", key->name);
    if (key->type == LW_KEY_LIST && !key->section) {
        fputc(' ', p->out);
        put_list(p, key, node);
        fputc('\n', p->out);
        return;
    }
    fputc('\n', p->out);
    for (size_t i = 0; i < node->n; i++)
        put_item(p, key, node->child[i], indent + 2);
}

static void put_scalar(const struct config_printer *p, const struct lw_key *key,
                       const struct lw_yaml *node, int indent) {
    if (node && node->kind == LW_YAML_MAP) {
        fprintf(p->out, "%*s%s:\n", indent, "", key->name);
        put_section(p, key->section, node, indent + 2);
        return;
    }
    bool implied = !key->standard || (key->flags & LW_IMPLIED);
    if (!node && implied)
        return;
    fprintf(p->out, "%*s%s: ", indent, "", key->name);
    if (node && node->kind == LW_YAML_LIST)
        put_list(p, key, node);
    else
        put_value(p, key, node ? node->text : key->standard);
    fputc('\n', p->out);
}

/* Does a map say anything, by itself or by defaults? */
static bool worth_printing(const struct lw_key *key, const struct lw_yaml *node) {
    for (size_t i = 0; !node && i < key->section->n; i++)
        if (key->section->key[i].standard)
            return !(key->flags & LW_IMPLIED);
    return node && node->n > 0;
}

/* Kafka's properties as they are in force, the group that we named included. */
static void put_kafka(const struct config_printer *p, const struct lw_yaml *node) {
    const struct lw_kafka_options *kafka = &p->config->kafka;
    fputs("kafka:\n", p->out);
    for (size_t i = 0; i < kafka->n; i++) {
        const char *key = kafka->property[i].key;
        char from_file[128];
        snprintf(from_file, sizeof from_file, "%s_file", key);
        const struct lw_yaml *file = lw_yaml_find(node, from_file);
        fprintf(p->out, "  %s: ", file ? from_file : key);
        if (file)
            put_path(p, file->text);
        else
            put_text(p->out, lw_kafka_secret(key) ? "***" : kafka->property[i].value);
        fputc('\n', p->out);
    }
}

static void put_section(const struct config_printer *p, const struct lw_section *section,
                        const struct lw_yaml *node, int indent) {
    for (size_t i = 0; i < section->n; i++) {
        const struct lw_key *key = &section->key[i];
        const struct lw_yaml *child = lw_yaml_find(node, key->name);
        if (section == &lw_config_root && strcmp(key->name, "kafka") == 0) {
            put_kafka(p, child);
        } else if (key->type == LW_KEY_MAP) {
            if (!worth_printing(key, child))
                continue;
            fprintf(p->out, "%*s%s:\n", indent, "", key->name);
            put_section(p, key->section, child, indent + 2);
        } else if (key->type == LW_KEY_LIST || key->type == LW_KEY_NAMED) {
            put_items(p, key, child, indent);
        } else {
            put_scalar(p, key, child, indent);
        }
    }
}

void lw_config_print(const struct lw_config *config, FILE *out) {
    struct config_printer p = {config, out};
    put_section(&p, &lw_config_root, config->tree->root, 0);
}
