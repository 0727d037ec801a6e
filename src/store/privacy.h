/* The key of the hash under which categories and identifiers leave the house. */
#ifndef LW_STORE_PRIVACY_H
#define LW_STORE_PRIVACY_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_PRIVACY_KEY_BYTES 32

/* The stream's key, made at random by whoever asks first. The same for all processes and
 * over restarts; Redis emptied, or the key damaged, there is another. One round trip. */
int lw_privacy_key(struct lw_redis *r, const struct lw_spec *spec,
                   uint8_t key[LW_PRIVACY_KEY_BYTES], struct lw_err *err);

#endif
