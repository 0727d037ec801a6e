/* A run summary as JSON and as a table, shared by demo and backtest. */
#ifndef LW_CLI_SUMMARY_H
#define LW_CLI_SUMMARY_H

#include <stdio.h>

#include <jansson.h>

#include "core/run_summary.h"

/* "2020-03"; returns out. */
const char *lw_summary_month_name(char out[16], const struct lw_month *m);
/* Sets scored, frozen_rmse, managed_rmse, alerts, retrains, promotions, rejections, months
 * and the like. */
void lw_summary_json(const struct lw_run_summary *summary, json_t *into);
void lw_summary_print(const struct lw_run_summary *summary, FILE *out);

#endif
