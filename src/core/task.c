/* Names that follow from a task's row. */
#include "core/task.h"

#include <stdio.h>
#include <string.h>

static const struct lw_task *const all[] = {&lw_task_regression};

static struct lw_task_name name_between(const char *prefix, const char *name,
                                        const char *suffix) {
    struct lw_task_name out;
    snprintf(out.text, sizeof out.text, "%s%s%s", prefix, name, suffix);
    return out;
}

static bool task_has_figure(const struct lw_task *task, const char *name) {
    size_t error = strlen(task->figure[0].key);
    if (strncmp(name, task->figure[0].key, error) == 0 && name[error] == '_')
        return true;
    for (const struct lw_task_figure *f = task->figure; f->key; f++)
        if (strcmp(name, f->key) == 0)
            return true;
    return false;
}

const struct lw_task *lw_task_of_figure(const char *name) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (task_has_figure(all[i], name))
            return all[i];
    return NULL;
}

struct lw_task_name lw_task_error_key(const struct lw_task *task, const char *prefix,
                                      const char *suffix) {
    return name_between(prefix, task->figure[0].key, suffix);
}

struct lw_task_name lw_task_error_label(const struct lw_task *task, const char *prefix,
                                        const char *suffix) {
    return name_between(prefix, task->figure[0].label, suffix);
}
