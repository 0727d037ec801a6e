/* Shared by the files of `leeway models`. */
#ifndef LW_CLI_MODELS_H
#define LW_CLI_MODELS_H

#include "cli/cli.h"
#include "store/redis.h"

struct models_session {
    const struct lw_config *config;
    struct lw_redis *redis; /* NULL: not connected yet */
    bool json, promote;
    const char *reason, *output, *format, *model, *version;
    char who[160];
};

/* Imports a file: as a new version, or with `output` as an Avro file without Redis. */
int lw_models_import_file(struct models_session *s, const char *path, struct lw_err *err);
/* Exports a version, or with `model` a file without Redis. */
int lw_models_export_file(struct models_session *s, struct lw_err *err);
/* Connects to Redis and checks the stream there, once. */
int lw_models_connect(struct models_session *s, struct lw_err *err);

#endif
