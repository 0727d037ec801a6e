/* A category in words. One place, so that a table, a page and a message call it alike. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "leeway/categories.h"

/* Texts that would read as one of our own words: "(missing)", "(rare)", and the empty
 * category's own sign. */
static bool taken(const struct lw_cat *cat) {
    static const char *const ours[] = {"(missing)", "(rare)", "(others)", "\"\""};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (cat->len == strlen(ours[i]) && memcmp(cat->text, ours[i], cat->len) == 0)
            return true;
    return false;
}

char *lw_cat_name(const struct lw_cat *cat, char *out, size_t size) {
    int head = 0;
    if (!cat->text)
        snprintf(out, size, "%" PRId64, (int64_t)cat->key);
    else if (cat->len == 0)
        snprintf(out, size, "\"\"");
    else if (taken(cat))
        head = snprintf(out, size, "\\x%02x", (unsigned char)cat->text[0]);
    if (cat->text && cat->len > 0)
        lw_text_show(out + head, size - (size_t)head, cat->text + (head > 0),
                     cat->len - (head > 0));
    return out;
}
