/* The name of a category, used by tables, web pages and messages alike. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "leeway/categories.h"

/* Whether a text would read as one of leeway's own labels: "(missing)", "(rare)", or the
 * sign for the empty category. */
static bool name_taken(const struct lw_cat *cat) {
    static const char *const ours[] = {"(missing)", "(rare)", "(others)", "\"\""};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (cat->len == strlen(ours[i]) && memcmp(cat->text, ours[i], cat->len) == 0)
            return true;
    return false;
}

/* Only the beginning of a long text is kept; its key is a hash of the whole text, so the
 * key serves as the checksum after the cut. */
static void name_text(const struct lw_cat *cat, char *out, size_t size) {
    char whole[4 * LW_CATS_TEXT_MAX + 64], sum[16];
    size_t kept = cat->len < LW_CATS_TEXT_MAX ? cat->len : LW_CATS_TEXT_MAX;
    size_t n = lw_text_show(whole, sizeof whole, cat->text, kept);
    if (n < size) {
        memcpy(out, whole, n + 1);
        return;
    }
    n = lw_text_show(out, size, cat->text, kept);
    snprintf(sum, sizeof sum, "%08x", (unsigned)(cat->key & UINT32_MAX));
    memcpy(out + n - 8, sum, 8);
}

char *lw_cat_name(const struct lw_cat *cat, char *out, size_t size) {
    if (!cat->text)
        snprintf(out, size, "%" PRId64, (int64_t)cat->key);
    else if (cat->len == 0)
        snprintf(out, size, "\"\"");
    else if (name_taken(cat))
        snprintf(out, size, "\\x%02x%.*s", (unsigned char)cat->text[0], (int)cat->len - 1,
                 cat->text + 1);
    else
        name_text(cat, out, size);
    return out;
}
