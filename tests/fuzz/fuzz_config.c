/* Configurations: any text is accepted, or refused with a position, and an accepted
 * one can be printed and read back. File names are used as given, so run it where it
 * may read. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"

#define NAME LW_SOURCE_DIR "/tests/data/config/bad/fuzz.yaml"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *print(const struct lw_config *config, size_t *len) {
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    lw_assert(out);
    lw_config_print(config, out);
    fclose(out);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lw_err err = {0};
    size_t len;
    struct lw_config *config = lw_config_parse((const char *)data, size, NAME, &err);
    if (!config) {
        lw_assert(err.code == LW_ECONFIG && strstr(err.msg, "fuzz.yaml:"));
        return 0;
    }
    char *text = print(config, &len);
    bool masked = strstr(text, "***") != NULL;
    struct lw_config *again = lw_config_parse(text, len, NAME, &err);
    if (!masked && !again)
        fprintf(stderr, "%s\n%s", err.msg, text);
    lw_assert(masked || again);
    lw_config_free(again);
    lw_config_free(config);
    free(text);
    return 0;
}
