/* See tracking_text.h. */
#include "store/tracking_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SERVED "served"
#define SHADOW "shadow"

char *lw_tracking_text(const struct lw_tracking_set *set,
                       char out[LW_TRACKING_TEXT_MAX]) {
    size_t used = 0;
    out[0] = '\0';
    if (set->n)
        used = (size_t)snprintf(out, LW_TRACKING_TEXT_MAX, "%s",
                                set->served ? SERVED : SHADOW);
    for (size_t i = 0; i < set->n; i++) {
        const struct lw_tracking *t = &set->of[i];
        char a[32], b[32], c[32];
        used += (size_t)snprintf(out + used, LW_TRACKING_TEXT_MAX - used, " %u %s %s %s",
                                 set->version[i], lw_format_f64(a, sizeof a, t->a),
                                 lw_format_f64(b, sizeof b, t->b),
                                 lw_format_f64(c, sizeof c, t->c));
    }
    return out;
}

/* The word after one space; false: there is none, or it is too long. */
static bool next_word(const char **at, char word[40]) {
    if (**at != ' ')
        return false;
    size_t len = strcspn(++*at, " ");
    bool fits = len > 0 && len < 40;
    memcpy(word, *at, fits ? len : 0);
    word[fits ? len : 0] = '\0';
    *at += len;
    return fits;
}

static bool next_number(const char **at, double *out) {
    char word[40], *end;
    if (!next_word(at, word) || word[strspn(word, "0123456789.e+-")])
        return false;
    *out = strtod(word, &end);
    return !*end && isfinite(*out);
}

static bool next_version(const char **at, uint32_t *out) {
    char word[40];
    if (!next_word(at, word) || word[strspn(word, "0123456789")] || strlen(word) > 10)
        return false;
    unsigned long long v = strtoull(word, NULL, 10);
    *out = (uint32_t)v;
    return v > 0 && v < UINT32_MAX;
}

bool lw_tracking_parse(const char *text, struct lw_tracking_set *out) {
    struct lw_tracking_set set = {.served = strncmp(text, SERVED, strlen(SERVED)) == 0};
    if (*text && !set.served && strncmp(text, SHADOW, strlen(SHADOW)) != 0)
        return false;
    const char *at = *text ? text + strlen(SERVED) : text; /* both words are as long */
    while (*at) {
        struct lw_tracking *t = &set.of[set.n];
        uint32_t version;
        if (set.n == LW_VERSIONS_MAX || !next_version(&at, &version) ||
            lw_tracking_find(&set, version) || !next_number(&at, &t->a) ||
            !next_number(&at, &t->b) || !next_number(&at, &t->c))
            return false;
        set.version[set.n++] = version;
    }
    if (*text && set.n == 0)
        return false;
    *out = set;
    return true;
}
