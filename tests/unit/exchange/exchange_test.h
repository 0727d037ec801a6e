/* A stream for models of other programs, and the files of tests/data/exchange. */
#ifndef LW_TESTS_UNIT_EXCHANGE_EXCHANGE_TEST_H
#define LW_TESTS_UNIT_EXCHANGE_EXCHANGE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "exchange/exchange.h"

static const char *const exchange_files[] = {"xgboost.json", "xgboost.ubj",
                                             "lightgbm.txt", "linear.json"};
#define EXCHANGE_FILES (sizeof exchange_files / sizeof *exchange_files)

/* x and y are numbers, zone a category, at a timestamp; fare is the target. */
static inline void exchange_stream(struct lw_exchange *to, struct lw_fields *fields) {
    static const struct lw_calendars none;
    *fields = (struct lw_fields){0};
    lw_fields_add(fields, "x", LW_NUMERIC, false, NULL);
    lw_fields_add(fields, "y", LW_NUMERIC, false, NULL);
    lw_fields_add(fields, "zone", LW_CATEGORY, false, NULL);
    lw_fields_add(fields, "at", LW_TIMESTAMP, false, NULL);
    lw_fields_add(fields, "fare", LW_NUMERIC, false, NULL);
    *to = (struct lw_exchange){.name = "model",
                               .fields = fields,
                               .leaks = 4,
                               .zone_name = "",
                               .calendars = &none};
}

static inline char *exchange_file(const char *name, size_t *len) {
    char path[600];
    struct lw_err err = {0};
    snprintf(path, sizeof path, "%s/tests/data/exchange/%s", LW_SOURCE_DIR, name);
    char *bytes = lw_read_file(path, LW_EXCHANGE_BYTES_MAX, len, &err);
    if (!bytes)
        fail_msg("%s", err.msg);
    return bytes;
}

#endif
