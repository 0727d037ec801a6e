/* Which values of the events a message may contain. */
#ifndef LW_ALERT_PRIVACY_H
#define LW_ALERT_PRIVACY_H

#include <stdbool.h>
#include <stdint.h>

enum lw_privacy_examples { LW_EXAMPLES_NONE, LW_EXAMPLES_IDS, LW_EXAMPLES_HASHED };
enum lw_privacy_categories { LW_CATEGORIES_TOP, LW_CATEGORIES_HASHED };
struct lw_privacy {
    enum lw_privacy_examples examples;
    enum lw_privacy_categories categories;
    uint8_t key[32]; /* of the hash; used only where something is hashed */
};
/* Does anything get hashed, so that a key is needed? */
bool lw_privacy_hashes(const struct lw_privacy *p);
/* "h:" and 16 hexadecimal digits. */
#define LW_HASHED_MAX 20
enum lw_privacy_kind { LW_PRIVATE_EXAMPLE, LW_PRIVATE_CATEGORY };
void lw_privacy_hash(const struct lw_privacy *p, enum lw_privacy_kind what,
                     const char *value, char out[LW_HASHED_MAX]);

#endif
