/* Changes one value in the text of a configuration and leaves the rest as it is: comments,
 * order, variables. For commands that propose a configuration. */
#ifndef LW_CONFIG_EDIT_H
#define LW_CONFIG_EDIT_H

#include "base/buf.h"
#include "leeway/err.h"

/* A key and its value: `section` is "retrain" or "rules[2]". */
struct lw_config_change {
    const char *section, *key, *value;
};

/* Makes the change and replaces out with the new text. A key that is there has its value replaced, when that is a plain word or
 * number; one that is not becomes the first of its section; a section that is not there is
 * added at the end. LW_ECONFIG when the text is no YAML, or the value is not plain. name:
 * of the file, for messages. */
int lw_config_edit(const char *text, size_t len, const char *name,
                   const struct lw_config_change *change, struct lw_buf *out,
                   struct lw_err *err);

#endif
