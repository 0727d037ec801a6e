/* A request for a training. */
#ifndef LW_CORE_REQUEST_H
#define LW_CORE_REQUEST_H

#include "core/spec.h"

struct lw_request {
    uint64_t id; /* 0: none */
    char reason[LW_NAME_MAX * 2];
    int64_t as_of_ms;
    bool bootstrap;
    bool tracked;             /* for lw_training */
    uint32_t looks;           /* the hold-out was chosen from so many; for lw_training */
    char barred[LW_NAME_MAX]; /* for lw_training; "": none */
};

#endif
