/* Names that follow from a task's row. */
#include "core/task.h"

#include <stdio.h>

static struct lw_task_name name_between(const char *prefix, const char *name,
                                        const char *suffix) {
    struct lw_task_name out;
    snprintf(out.text, sizeof out.text, "%s%s%s", prefix, name, suffix);
    return out;
}

struct lw_task_name lw_task_error_key(const struct lw_task *task, const char *prefix,
                                      const char *suffix) {
    return name_between(prefix, task->figure[0].key, suffix);
}

struct lw_task_name lw_task_error_label(const struct lw_task *task, const char *prefix,
                                        const char *suffix) {
    return name_between(prefix, task->figure[0].label, suffix);
}
