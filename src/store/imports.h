/* Models that people import (leeway models import). Thread: the connection's. */
#ifndef LW_STORE_IMPORTS_H
#define LW_STORE_IMPORTS_H

#include "core/spec.h"
#include "store/lease.h"
#include "store/redis.h"

struct lw_import {
    char reason[240];
    const char *who, *facts; /* JSON: origin, file, format, ... */
    const void *model;       /* Avro container */
    size_t model_len;
    bool waits;       /* it is to be tested as a challenger */
    uint32_t version; /* out */
};
/* Stores the model as a new version with the status "candidate" and a line in the audit.
 * A version that waits becomes the alias `imported`, in place of one that waits already,
 * and the leader is requested to test it. */
int lw_imports_add(struct lw_redis *r, const struct lw_spec *spec, struct lw_import *what,
                   struct lw_err *err);
/* The version does not wait any longer: its test has failed, with the reason as its
 * verdict. LW_EFENCED. */
int lw_imports_drop(struct lw_redis *r, const struct lw_spec *spec,
                    const struct lw_lease *lease, uint32_t version, const char *why,
                    struct lw_err *err);
/* The operation that clears the alias `imported`, for a guarded write. */
struct lw_cmd;
void lw__imports_clear(struct lw_cmd *c, const struct lw_spec *spec);

#endif
