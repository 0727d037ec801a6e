/* The parts of `leeway backtest`: one configuration run over the files, what is kept of
 * it, and the ways it is shown. */
#ifndef LW_CLI_BACKTEST_H
#define LW_CLI_BACKTEST_H

#include "cli/cli.h"
#include "cli/injections.h"
#include "core/backtest.h"
#include "leeway/categories.h"

struct lw_bt_day {
    int64_t day_ms;
    struct lw_losses managed, frozen;
    uint32_t champion; /* at its end */
};

struct lw_bt_training {
    struct lw_request request;
    uint32_t version;
    bool failed;
    char failure[256];
    struct lw_training t;        /* model and reference are NULL */
    struct lw_followed followed; /* version 0: nothing to follow */
    bool rolled_back;
    json_t *log; /* borrowed: its entry */
};

/* One row of --segment, kept until the groups are known. */
struct lw_bt_row {
    int32_t month; /* year * 12 + month - 1 */
    bool present, frozen;
    double number;
    uint64_t key;
    float target, managed_p, frozen_p;
};

/* One group of a segment, month by month. */
struct lw_bt_group {
    char name[160];
    double order; /* groups with an order of their own; else NAN */
    struct lw_losses all;
    struct lw_losses *managed, *frozen; /* a month of the run each; owned */
};

struct lw_bt_segment {
    const char *text; /* as given */
    struct lw_plan *plan;
    enum lw_kind kind;
    struct lw_cats *texts; /* of a categorical one */
    struct lw_bt_row *row;
    size_t n, cap;
    struct lw_bt_group *group; /* made by lw_bt_segments_close */
    size_t ngroups;
};

/* What an injection came to. */
struct lw_bt_found {
    int64_t at_ms; /* end of the window of the first alert after its onset; 0: none */
    char rule[LW_NAME_MAX * 2];
    unsigned before; /* alerts that fired before the first onset of all */
};

struct lw_bt {
    const char *path; /* of the configuration */
    const struct lw_config *config;
    bool say; /* events are told on standard output as they come */
    json_t *log;
    const struct lw_backtest *backtest; /* while it runs */
    struct lw_losses answered, first;   /* of all days before this one */
    struct lw_bt_day *day;
    size_t ndays, days_cap;
    struct lw_alert *alert; /* changes of state, in order */
    size_t nalerts, alerts_cap;
    struct lw_bt_training *training;
    size_t ntrainings, trainings_cap;
    struct lw_bt_segment segment[LW_TEXTS_MAX];
    size_t nsegments;
    struct lw_injections injections;
    struct lw_bt_found found[LW_INJECTIONS_MAX];
    struct lw_run_summary ledger;
    uint64_t records, unusable, counter[LW_COUNTERS];
    char why[512]; /* the first record that was unusable was */
};

/* What happened in a month, beside the errors that the ledger has. Alerts are counted by
 * incident, at the month it fired, by the worst it came to. */
struct lw_bt_month {
    unsigned retrains, promotions, alerts, criticals;
};
void lw_bt_month(const struct lw_bt *b, const struct lw_month *m,
                 struct lw_bt_month *out);

/* ---- running (backtest_record.c, backtest_segments.c) ---- */

struct lw_bt_options {
    const char *until; /* of the bootstrap, or NULL */
    struct lw_texts segments, injections, releases;
};
/* Compiles what the options ask for against the configuration. */
int lw_bt_prepare(struct lw_bt *b, const struct lw_bt_options *options,
                  struct lw_err *err);
struct lw_backtest_hooks lw_bt_hooks(struct lw_bt *b);
/* After the last event. */
void lw_bt_close(struct lw_bt *b, const struct lw_backtest *backtest);
void lw_bt_fini(struct lw_bt *b);

int lw_bt_segments_open(struct lw_bt *b, const struct lw_texts *names,
                        struct lw_err *err);
void lw_bt_segments_row(struct lw_bt *b, const struct lw_row *row,
                        const struct lw_scored *scored, size_t nscored);
void lw_bt_segments_close(struct lw_bt *b);
void lw_bt_segments_fini(struct lw_bt *b);

/* ---- showing; other: a second configuration on the same files, or NULL ---- */

json_t *lw_bt_json(const struct lw_bt *b);
void lw_bt_print(const struct lw_bt *b);
void lw_bt_print_against(const struct lw_bt *b, const struct lw_bt *other);
void lw_bt_html(const struct lw_bt *b, const struct lw_bt *other, struct lw_buf *out);
void lw_bt_chart(const struct lw_bt *b, const struct lw_bt *other, struct lw_buf *out);

#endif
