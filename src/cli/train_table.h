/* leeway train --table: seven baseline models on raw columns. */
#ifndef LW_CLI_TRAIN_TABLE_H
#define LW_CLI_TRAIN_TABLE_H

#include "cli/cli.h"

struct lw_train_table_options {
    const char *later;   /* file of later rows, or NULL */
    const char *columns; /* "A,B,X", or NULL */
    int64_t until_ms;
    bool json;
};
/* Reads, fits and prints. 0, or -1 with err. */
int lw_train_table(const struct lw_config *config,
                   const struct lw_train_table_options *options, char **files, size_t n,
                   struct lw_err *err);

#endif
