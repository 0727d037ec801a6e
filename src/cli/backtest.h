/* The parts of `leeway backtest`: running one configuration over the files, recording
 * what happens, and printing it. */
#ifndef LW_CLI_BACKTEST_H
#define LW_CLI_BACKTEST_H

#include "cli/cli.h"
#include "cli/injections.h"
#include "cli/options.h"
#include "core/backtest.h"
#include "leeway/categories.h"

struct lw_cli_backtest_day {
    int64_t day; /* local, since 1970 */
    struct lw_losses managed, frozen;
    uint32_t champion; /* at the end of the day */
};

struct lw_cli_backtest_training {
    struct lw_request request;
    uint32_t version;
    bool failed;
    char failure[256];
    struct lw_training t;        /* model and reference are NULL */
    struct lw_followed followed; /* version 0: nothing to follow */
    bool rolled_back;
    json_t *log; /* borrowed: its log entry */
};

/* One row for --segment, stored until the groups are known. */
struct lw_cli_backtest_row {
    int32_t month; /* year * 12 + month - 1 */
    bool present, frozen;
    double number;
    uint64_t key;
    float target, managed_p, frozen_p;
};

/* One group of a segment, month by month. */
struct lw_cli_backtest_group {
    char name[160];
    double order; /* NAN for groups without a natural order */
    struct lw_losses all;
    struct lw_losses *managed, *frozen; /* one for each month; owned */
};

struct lw_cli_backtest_segment {
    const char *text; /* as given */
    struct lw_plan *plan;
    enum lw_kind kind;
    struct lw_cats *texts; /* levels of a categorical segment */
    struct lw_cli_backtest_row *row;
    size_t n, cap;
    struct lw_cli_backtest_group *group; /* made by lw_cli_backtest_segments_close */
    size_t ngroups;
};

/* When and by which rule an injection was detected. */
struct lw_cli_backtest_detection {
    int64_t at_ms; /* end of the window of the first alert after its onset; 0: none */
    char rule[LW_NAME_MAX * 2];
    unsigned before; /* alerts that fired before the first onset of all */
};

struct lw_cli_backtest {
    const char *path; /* of the configuration */
    const struct lw_config *config;
    bool say;         /* print events as they happen */
    const char *what; /* on the progress bar; NULL: backtest */
    json_t *log;
    const struct lw_backtest *backtest; /* while it runs */
    struct lw_losses answered, first;   /* of all days before this one */
    struct lw_cli_backtest_day *day;
    size_t ndays, days_cap;
    struct lw_alert *alert; /* changes of state, in order */
    size_t nalerts, alerts_cap;
    struct lw_cli_backtest_training *training;
    size_t ntrainings, trainings_cap;
    struct lw_cli_backtest_segment segment[LW_TEXTS_MAX];
    size_t nsegments;
    struct lw_injections injections;
    struct lw_cli_backtest_detection found[LW_INJECTIONS_MAX];
    struct lw_run_summary summary;
    uint64_t records, unusable, counter[LW_COUNTERS];
    char why[512]; /* error of the first unreadable record */
};

/* Counts of one month. Alerts are counted once for each incident, in the month it fired,
 * with its highest severity. */
struct lw_cli_backtest_month {
    unsigned retrains, promotions, alerts, criticals;
};
void lw_cli_backtest_month(const struct lw_cli_backtest *b, const struct lw_month *m,
                           struct lw_cli_backtest_month *out);

/* Is alert i the first firing of an incident of a rule? Then its highest severity. */
bool lw_cli_backtest_incident(const struct lw_cli_backtest *b, size_t i,
                              enum lw_severity *severity);

/* What the week after each promotion says; of those with an event in it. */
struct lw_cli_backtest_following {
    unsigned promotions;
    unsigned higher; /* with a larger error than the version before would have had, ... */
    unsigned worse;  /* ... and significantly so */
};
struct lw_cli_backtest_following
lw_cli_backtest_following(const struct lw_cli_backtest *b);

/* ---- running (backtest_record.c, backtest_segments.c) ---- */

struct lw_cli_backtest_options {
    const char *until; /* of the bootstrap, or NULL */
    struct lw_texts segments, injections, releases;
};
/* Compiles what the options ask for against the configuration. */
int lw_cli_backtest_prepare(struct lw_cli_backtest *b,
                            const struct lw_cli_backtest_options *options,
                            struct lw_err *err);
struct lw_backtest_hooks lw_cli_backtest_hooks(struct lw_cli_backtest *b);
/* Runs b's configuration over the files. */
int lw_cli_backtest_run(struct lw_cli_backtest *b,
                        const struct lw_cli_backtest_options *options, char **files,
                        size_t n, struct lw_err *err);
/* Tries settings on the files and prints the configuration that is best
 * (backtest_calibrate.c). */
struct lw_cli_backtest_calibration {
    const char *config, *until;
    char **files;
    size_t nfiles;
    bool json;
};
int lw_cli_backtest_calibrate(const struct lw_cli_backtest_calibration *how,
                              struct lw_err *err);
/* After the last event. */
void lw_cli_backtest_close(struct lw_cli_backtest *b, const struct lw_backtest *backtest);
void lw_cli_backtest_fini(struct lw_cli_backtest *b);

int lw_cli_backtest_segments_open(struct lw_cli_backtest *b, const struct lw_texts *names,
                                  struct lw_err *err);
void lw_cli_backtest_segments_row(struct lw_cli_backtest *b, const struct lw_row *row,
                                  const struct lw_scored *scored, size_t nscored);
void lw_cli_backtest_segments_close(struct lw_cli_backtest *b);
void lw_cli_backtest_segments_fini(struct lw_cli_backtest *b);

/* ---- output; other: a second configuration on the same files, or NULL ---- */

json_t *lw_cli_backtest_json(const struct lw_cli_backtest *b);
void lw_cli_backtest_print(const struct lw_cli_backtest *b);
void lw_cli_backtest_print_against(const struct lw_cli_backtest *b,
                                   const struct lw_cli_backtest *other);
void lw_cli_backtest_html(const struct lw_cli_backtest *b,
                          const struct lw_cli_backtest *other, struct lw_buf *out);
void lw_cli_backtest_chart(const struct lw_cli_backtest *b,
                           const struct lw_cli_backtest *other, struct lw_buf *out);

#endif
