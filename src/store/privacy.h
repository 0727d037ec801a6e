/* The key of the hash that replaces categories and identifiers in outgoing messages. */
#ifndef LW_STORE_PRIVACY_H
#define LW_STORE_PRIVACY_H

#include "core/spec.h"
#include "store/redis.h"

#define LW_PRIVACY_KEY_BYTES 32

/* The stream's key, generated at the first request. It is the same for all processes
 * and after restarts; a new one is generated if Redis was emptied or the key is
 * damaged. One round trip. */
int lw_privacy_key(struct lw_redis *r, const struct lw_spec *spec,
                   uint8_t key[LW_PRIVACY_KEY_BYTES], struct lw_err *err);

#endif
