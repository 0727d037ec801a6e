/* Models of other programs, in and out. Pure: bytes in, a model out, and back.
 *
 *   file        bytes, maybe hostile
 *    |  recognised by its first bytes (recognise.c)
 *    |-- leeway's Avro ------------------------------------------------> lw_model_decode
 *    |-- leeway's JSON: the same record (record.c) --------------------> lw_model_decode
 *    |-- a linear model in JSON of a few keys (linear.c) --\
 *    |-- XGBoost JSON or UBJ (ubj.c, xgboost_read.c) ------- features by name (frame.c)
 *    `-- LightGBM text (lightgbm.c) -----------------------/
 *
 * Names of features are expressions of the feature language over the configuration's
 * fields: a column `trip_distance` is that field, and `hour(pickup)` the hour of that
 * timestamp. Whatever the model's prediction depends on and leeway's forests and terms
 * cannot hold is refused with its place: a JSON path, a line, or a byte. */
#ifndef LW_EXCHANGE_EXCHANGE_H
#define LW_EXCHANGE_EXCHANGE_H

#include "base/time.h"
#include "leeway/model.h"
#include "model/calendar.h"

#define LW_EXCHANGE_BYTES_MAX ((size_t)64 << 20) /* of a file, but for leeway's Avro */

enum lw_exchange_format {
    LW_EXCHANGE_AVRO,
    LW_EXCHANGE_JSON,
    LW_EXCHANGE_LINEAR, /* read only */
    LW_EXCHANGE_XGBOOST,
    LW_EXCHANGE_XGBOOST_UBJ, /* read only */
    LW_EXCHANGE_LIGHTGBM     /* read only */
};
/* "leeway Avro", "XGBoost JSON", ...: for people. */
const char *lw_exchange_format_name(enum lw_exchange_format format);
/* "avro", "xgboost", "json", or -1. */
int lw_exchange_format_parse(const char *word);

enum lw_exchange_levels { LW_LEVELS_INTEGERS, LW_LEVELS_TEXTS, LW_LEVELS_EITHER };

/* The stream that a model is for. Borrowed. */
struct lw_exchange {
    const char *name; /* of the model, if the file has none: that of the file */
    const struct lw_fields *fields;
    enum lw_exchange_levels levels[LW_FIELDS_MAX]; /* of category fields */
    int leaks;             /* the field that the target is, or -1 */
    bool minutes;          /* the target is a number of minutes */
    const char *zone_name; /* "": none */
    const struct lw_zone *zone;
    const struct lw_calendars *calendars;
};

/* A model that scores these fields, bound to them. LW_EINPUT: the file is damaged, of
 * another program, or holds what a model cannot; LW_ECONFIG: it reads what the
 * configuration does not have. */
struct lw_model *lw_exchange_import(const struct lw_exchange *to, const void *data,
                                    size_t len, enum lw_exchange_format *format,
                                    struct lw_err *err);
/* Appends the model as AVRO, JSON or XGBOOST. Importing the bytes gives the same model,
 * byte by byte. LW_EINPUT: the format cannot hold it. */
int lw_exchange_export(const struct lw_model *m, enum lw_exchange_format format,
                       struct lw_buf *out, struct lw_err *err);

#endif
