/* What profile.c and profile_serial.c share. */
#ifndef LW_SKETCH_PROFILE_IMPL_H
#define LW_SKETCH_PROFILE_IMPL_H

#include "base/rng.h"
#include "leeway/profile.h"

uint64_t lw__profile_member_seed(const struct lw_profile *p, size_t column);
void lw__profile_member_init(struct lw_member *m, const struct lw_column *column,
                             uint64_t seed);
void lw__profile_member_fini(struct lw_member *m);

#endif
