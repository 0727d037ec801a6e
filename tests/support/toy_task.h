/* A second task: a toy that predicts yes or no and is judged by its Brier score. */
#ifndef LW_TESTS_SUPPORT_TOY_TASK_H
#define LW_TESTS_SUPPORT_TOY_TASK_H

#include "core/task.h"

extern const struct lw_task toy_task;

#endif
