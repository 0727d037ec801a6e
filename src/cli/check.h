/* The parts of `leeway check`. */
#ifndef LW_CLI_CHECK_H
#define LW_CLI_CHECK_H

#include "cli/cli.h"

struct lw_check_findings {
    json_t *list;
    bool bad, json;
};

enum lw_check_outcome { LW_CHECK_FAILED, LW_CHECK_WARNING, LW_CHECK_OK };

void lw_check_report(struct lw_check_findings *f, const char *what,
                     enum lw_check_outcome v, const char *detail);

/* Redis: permissions, role, policies, memory, and the stream's identity. */
void lw_check_redis(struct lw_check_findings *f, const struct lw_config *config);

/* How each timestamp is read, and whether the events agree: those of the files, or without
 * files the first messages of the topic (no_topic: none). */
void lw_check_times(struct lw_check_findings *f, const struct lw_config *config,
                    char *const *files, size_t nfiles, bool no_topic);

/* Whether references hold a whole week, where a window is shorter than that. */
void lw_check_reference(struct lw_check_findings *f, const struct lw_config *config);

/* Security: what others can reach, read or intercept. */
void lw_check_exposed(struct lw_check_findings *f, const struct lw_config *config);

#endif
