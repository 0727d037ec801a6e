/* From a text to a configuration: tree, then sections in the order of the root's rows.
 *
 * The hash is that of the text before variables are replaced: the same file means the
 * same policy on a laptop and in production, where only addresses differ. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/time.h"
#include "config/keys.h"

static int read_all(struct lw_config *config, struct lw_err *err) {
    struct lw_load *load = lw_calloc(1, sizeof *load);
    load->config = config;
    load->tree = config->tree;
    load->err = err;
    int failed =
        lw_config_read_section(load, &lw_config_root, config->tree->root, config);
    for (size_t i = 0; i < load->nsets; i++)
        lw_plan_free(load->set[i].plan);
    free(load);
    return failed;
}

static double seconds_now(void) {
    return (double)lw_mono_us() / 1e6;
}

struct lw_config *lw_config_parse(const char *text, size_t len, const char *name,
                                  struct lw_err *err) {
    struct lw_tree *tree = lw_tree_parse(text, len, name, err);
    if (!tree)
        return NULL;
    struct lw_config *config = lw_calloc(1, sizeof *config);
    config->path = lw_strdup(name);
    config->tree = tree;
    config->spec.seconds = seconds_now;
    config->spec.config_hash = lw_text_key(text, len);
    if (read_all(config, err)) {
        lw_config_free(config);
        return NULL;
    }
    return config;
}

struct lw_config *lw_config_load(const char *path, struct lw_err *err) {
    size_t len;
    char *text = lw_read_file(path, LW_CONFIG_BYTES_MAX, &len, err);
    if (!text)
        return NULL;
    struct lw_config *config = lw_config_parse(text, len, path, err);
    free(text);
    return config;
}

void lw_config_free(struct lw_config *config) {
    if (!config)
        return;
    lw_plan_free(config->spec.watch);
    lw_plan_free(config->spec.train);
    lw_zone_free(config->spec.zone);
    lw_calendars_fini(&config->spec.calendars);
    lw_schema_free(config->source.schema);
    for (size_t i = 0; i < config->source.nknown; i++)
        lw_schema_free(config->source.known[i]);
    lw_tree_free(config->tree);
    free(config->path);
    lw_secret_free(config, sizeof *config);
}
