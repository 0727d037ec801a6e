/* Helpers shared by the tests of this layer: loading by a path relative to
 * tests/data/config. */
#ifndef LW_TESTS_UNIT_CONFIG_SUPPORT_H
#define LW_TESTS_UNIT_CONFIG_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

#define DATA_DIR LW_SOURCE_DIR "/tests/data/config/"
#define GREEN    LW_SOURCE_DIR "/configs/nyc-green.yaml"
#define BIKES    DATA_DIR "bike_share.yaml"

static inline struct lw_config *load_or_fail(const char *path) {
    struct lw_err err = {0};
    struct lw_config *config = lw_config_load(path, &err);
    if (!config && strstr(err.msg, "cannot fit trees"))
        skip(); /* built without XGBoost */
    if (!config)
        fail_msg("%s", err.msg);
    return config;
}

#endif
