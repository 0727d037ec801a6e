/* Dictionaries of category levels: integers by value, texts by their 64-bit key. The
 * first level of an atom decides which of the two it has; levels of the other kind are
 * never learned, so a level's text identifies its key. */
#include "model/dict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void lw_dict_init(struct lw_dict *dict) {
    *dict = (struct lw_dict){.missing = LW_CODE_NONE, .texts = -1};
}

void lw_dict_fini(struct lw_dict *dict) {
    for (uint32_t i = 0; i < dict->n; i++)
        free(dict->level[i].text);
    free(dict->level);
    lw_table_fini(&dict->table);
    lw_dict_init(dict);
}

/* Length of the UTF-8 sequence at s, or 0 if it is invalid. */
static size_t utf8_sequence(const unsigned char *s, size_t left) {
    unsigned char c = s[0];
    size_t n = c < 0x80   ? 1
               : c < 0xC2 ? 0
               : c < 0xE0 ? 2
               : c < 0xF0 ? 3
               : c < 0xF5 ? 4
                          : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c == 0xE0 && s[1] < 0xA0) || (c == 0xF0 && s[1] < 0x90);
    bool beyond = (c == 0xED && s[1] > 0x9F) || (c == 0xF4 && s[1] > 0x8F);
    return overlong || beyond ? 0 : n;
}

static bool plain_text(const char *text, size_t len) {
    const unsigned char *s = (const unsigned char *)text;
    if (len > LW_LEVEL_TEXT_MAX)
        return false;
    while (len) {
        size_t n = *s < 0x20 ? 0 : utf8_sequence(s, len);
        if (n == 0)
            return false;
        s += n;
        len -= n;
    }
    return true;
}

static uint32_t dict_append(struct lw_dict *dict, struct lw_dict_level level) {
    if ((dict->n & (dict->n - 1)) == 0)
        dict->level =
            lw_realloc(dict->level, dict->n ? 2 * (size_t)dict->n : 1, sizeof level);
    dict->level[dict->n] = level;
    return dict->n++;
}

static uint32_t add_new(struct lw_dict *dict, const struct lw_cell *cell) {
    bool text = cell->text != NULL;
    if (dict->n >= LW_LEVELS_ATOM_MAX || (dict->texts >= 0 && dict->texts != text) ||
        (text && !plain_text(cell->text, cell->len)))
        return LW_CODE_NONE;
    dict->texts = text;
    struct lw_dict_level level = {.key = cell->key};
    if (text) {
        level.text = lw_strndup(cell->text, cell->len);
        level.len = cell->len;
    }
    lw_table_put(&dict->table, cell->key, dict->n);
    return dict_append(dict, level);
}

uint32_t lw_dict_add(struct lw_dict *dict, const struct lw_cell *cell) {
    if (cell->present) {
        uint32_t code = lw_table_get(&dict->table, cell->key);
        return code != LW_TABLE_NONE ? code : add_new(dict, cell);
    }
    if (dict->missing == LW_CODE_NONE)
        dict->missing = dict_append(dict, (struct lw_dict_level){.missing = true});
    return dict->missing;
}

static int by_key(const void *a, const void *b) {
    const struct lw_dict_level *x = a, *y = b;
    int64_t kx = (int64_t)x->key, ky = (int64_t)y->key;
    if (x->missing != y->missing)
        return x->missing ? 1 : -1;
    return kx < ky ? -1 : kx > ky;
}

void lw_dict_sort(struct lw_dict *dict) {
    if (dict->n)
        qsort(dict->level, dict->n, sizeof *dict->level, by_key);
    for (uint32_t i = 0; i < dict->n; i++) {
        if (dict->level[i].missing)
            dict->missing = i;
        else
            lw_table_put(&dict->table, dict->level[i].key, i);
    }
}

uint32_t lw_dict_find(const struct lw_dict *dict, const struct lw_cell *cell) {
    return cell->present ? lw_table_get(&dict->table, cell->key) : dict->missing;
}

struct lw_cell lw_dict_cell(const struct lw_dict *dict, uint32_t code) {
    if (code == LW_CODE_NONE || dict->level[code].missing)
        return lw_cell_missing();
    const struct lw_dict_level *level = &dict->level[code];
    if (!level->text)
        return lw_cell_int((int64_t)level->key);
    struct lw_cell cell = {.num = NAN, .key = level->key, .present = true};
    cell.text = level->text;
    cell.len = level->len;
    return cell;
}
