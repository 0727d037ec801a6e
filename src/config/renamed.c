/* Keys, and words that a key takes, that were renamed. A configuration that still has the
 * old name is refused with the new one: keys in read.c, words in value.c. */
#include <string.h>

#include "config/keys.h"

const struct lw_renamed_key lw_renamed_keys[] = {
    {"metric", "aside", "rejected"},
    {NULL, NULL, NULL},
};

const char *lw_renamed_key_find(const struct lw_renamed_key *table, const char *section,
                                const char *name) {
    for (; table->old; table++)
        if (strcmp(table->section, section) == 0 && strcmp(table->old, name) == 0)
            return table->new;
    return NULL;
}
