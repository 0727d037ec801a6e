/* The form of Redis's answer to each command. */
#ifndef LW_STORE_ANSWER_H
#define LW_STORE_ANSWER_H

#include <stdbool.h>

struct lw_cmd;
struct lw_reply;

/* Has the reply the form of Redis's answer to this command? True for an unknown
 * command. */
bool lw__answer_fits(const struct lw_cmd *c, const struct lw_reply *reply);
bool lw__answer_script_fits(const char *script, const struct lw_reply *reply);
/* The command's first word, for messages. Valid until the next call in this thread. */
const char *lw__answer_verb(const struct lw_cmd *c);

#endif
