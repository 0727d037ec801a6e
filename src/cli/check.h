/* What `leeway check` found, shared by its files only. */
#ifndef LW_CLI_CHECK_H
#define LW_CLI_CHECK_H

#include "cli/cli.h"

struct lw_findings {
    json_t *list;
    bool bad, json;
};

enum lw_finding { LW_FINDING_FAILED, LW_FINDING_WARNED, LW_FINDING_HOLDS };

void lw_tell(struct lw_findings *f, const char *what, enum lw_finding v,
             const char *detail);

/* Redis: permissions, role, policies, memory, and whether the stream is this one. */
void lw_check_redis(struct lw_findings *f, const struct lw_config *config);

/* How each timestamp is read, and whether the events agree with that: those of the files,
 * or without files the first messages of the topic, if it may be read. */
void lw_check_times(struct lw_findings *f, const struct lw_config *config,
                    char *const *files, size_t nfiles, bool no_topic);

#endif
