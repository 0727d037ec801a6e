/* A forest in the model file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/forest.h"
#include "model/wire.h"

static void put_ints(const int32_t *v, size_t n, struct lw_buf *out) {
    lw_wire_open(out, n);
    for (size_t i = 0; i < n; i++)
        lw_varint_put_long(out, v[i]);
    lw_wire_close(out);
}

static void put_level(const struct lw_dict_level *l, struct lw_buf *out) {
    char digits[24];
    if (l->text) {
        lw_wire_string(out, l->text, l->len);
        return;
    }
    snprintf(digits, sizeof digits, "%lld", (long long)(int64_t)l->key);
    lw_wire_text(out, digits);
}

/* A list of levels for each feature, empty if its values are not ranked. */
static void put_levels(const struct lw_forest *f, const struct lw_model *m,
                       struct lw_buf *out) {
    lw_wire_open(out, (size_t)f->nfeatures);
    for (int k = 0; k < f->nfeatures; k++) {
        lw_wire_open(out, f->nkeys[k]);
        for (uint32_t i = 0; i < f->nkeys[k]; i++) {
            const struct lw_dict *dict = &m->dict[f->atom[k]];
            const struct lw_dict_level *l =
                &dict->level[lw_table_get(&dict->table, f->key[k][i])];
            put_level(l, out);
        }
        lw_wire_close(out);
    }
    lw_wire_close(out);
}

static void put_wide(const struct lw_forest *f, struct lw_buf *out) {
    size_t n = 0;
    for (size_t i = 0; f->wide && i < f->nnodes; i++)
        n += f->is_leaf[i];
    lw_wire_open(out, n);
    for (size_t i = 0; f->wide && i < f->nnodes; i++)
        if (f->is_leaf[i])
            lw_buf_f64(out, f->wide[i]);
    lw_wire_close(out);
}

void lw_forest_write(const struct lw_forest *f, const struct lw_model *m,
                     struct lw_buf *out) {
    int32_t *v = lw_calloc(f->nnodes + 1, sizeof *v);
    lw_buf_f64(out, f->base);
    lw_wire_open(out, (size_t)f->nfeatures);
    for (int k = 0; k < f->nfeatures; k++)
        lw_wire_text(out, f->atom[k] == LW_FOREST_LINEAR
                              ? LW_FOREST_LINEAR_TEXT
                              : lw_plan_atom_text(m->plan, (size_t)f->atom[k]));
    lw_wire_close(out);
    put_levels(f, m, out);
    put_ints(f->root, f->ntrees, out);
    for (size_t i = 0; i < f->nnodes; i++)
        v[i] = f->is_leaf[i] ? -1 : f->node[i].feature;
    put_ints(v, f->nnodes, out);
    lw_wire_open(out, f->nnodes);
    for (size_t i = 0; i < f->nnodes; i++)
        lw_wire_put_float(out, f->is_leaf[i] ? f->leaf[i] : f->node[i].value);
    lw_wire_close(out);
    for (size_t i = 0; i < f->nnodes; i++)
        v[i] = f->is_leaf[i] ? 0 : f->node[i].left;
    put_ints(v, f->nnodes, out);
    lw_wire_open(out, f->nnodes);
    for (size_t i = 0; i < f->nnodes; i++)
        lw_buf_u8(out, !f->is_leaf[i] && f->node[i].missing_left);
    lw_wire_close(out);
    put_wide(f, out);
    free(v);
}

#define LISTS 6 /* of a forest */

/* Lists as read; their lengths may still differ. */
struct forest_lists {
    double *v;
    size_t n, cap;
};

static void lists_push(struct forest_lists *l, double v) {
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->v = lw_realloc(l->v, l->cap, sizeof *l->v);
    }
    l->v[l->n++] = v;
}

static void get_list(struct lw_reader *in, char type, struct forest_lists *l) {
    uint64_t left = 0;
    while (lw_wire_more(in, &left)) {
        if (type == 'i')
            lists_push(l, (double)(int32_t)lw_varint_get_long(in));
        else if (type == 'f')
            lists_push(l, (double)lw_wire_get_float(in));
        else if (type == 'd')
            lists_push(l, lw_wire_get_double(in));
        else
            lists_push(l, lw_wire_get_boolean(in));
    }
}

static int get_features(const struct lw_model *m, struct lw_reader *in,
                        struct lw_forest *f, struct lw_err *err) {
    uint64_t left = 0;
    while (lw_wire_more(in, &left)) {
        char text[LW_NAME_MAX * 2];
        size_t len;
        const char *s = lw_wire_get_string(in, &len);
        if (len >= sizeof text || f->nfeatures == LW_FEATURES_MAX)
            return lw_fail(err, LW_EINPUT, "damaged forest: its features");
        memcpy(text, s, len);
        text[len] = 0;
        bool linear = m->base && strcmp(text, LW_FOREST_LINEAR_TEXT) == 0;
        int at = linear ? LW_FOREST_LINEAR : lw_plan_find_atom(m->plan, text);
        if (at < 0 && !linear)
            return lw_fail(err, LW_EINPUT,
                           "damaged forest: \"%.80s\" is not a factor of the model",
                           text);
        f->atom[f->nfeatures++] = at;
    }
    return in->bad ? lw_fail(err, LW_EINPUT, "damaged forest: its features") : 0;
}

/* False: not a level of such a category. */
static bool level_cell(bool is_text, const char *text, size_t len, struct lw_cell *out) {
    char digits[24];
    int64_t v;
    if (is_text) {
        *out = lw_cell_text(text, len);
        return true;
    }
    if (len == 0 || len >= sizeof digits)
        return false;
    memcpy(digits, text, len);
    digits[len] = 0;
    bool whole = lw_parse_i64(digits, &v);
    *out = lw_cell_int(whole ? v : 0);
    return whole;
}

static int get_ranks(struct lw_model *m, struct lw_reader *in, struct lw_forest *f, int k,
                     const bool *is_text) {
    uint64_t left = 0;
    int atom = f->atom[k];
    while (lw_wire_more(in, &left)) {
        size_t len;
        struct lw_cell cell;
        const char *text = lw_wire_get_string(in, &len);
        if (in->bad || atom == LW_FOREST_LINEAR ||
            lw_plan_atom_kind(m->plan, (size_t)atom) != LW_CATEGORY ||
            !level_cell(is_text[atom], text, len, &cell) ||
            lw_dict_add(&m->dict[atom], &cell) == LW_CODE_NONE)
            return -1;
        if ((f->nkeys[k] & (f->nkeys[k] - 1)) == 0)
            f->key[k] = lw_realloc(f->key[k], f->nkeys[k] ? 2 * (size_t)f->nkeys[k] : 1,
                                   sizeof *f->key[k]);
        f->key[k][f->nkeys[k]++] = cell.key;
    }
    return 0;
}

static int get_levels(struct lw_model *m, struct lw_reader *in, struct lw_forest *f,
                      const bool *is_text, struct lw_err *err) {
    uint64_t left = 0;
    int k = 0;
    for (; lw_wire_more(in, &left); k++)
        if (k == f->nfeatures || get_ranks(m, in, f, k, is_text))
            return lw_fail(err, LW_EINPUT, "damaged forest: its levels");
    return k == f->nfeatures && !in->bad
               ? 0
               : lw_fail(err, LW_EINPUT, "damaged forest: its levels");
}

static void set_node(struct lw_forest *f, size_t i, const struct forest_lists *l) {
    struct lw_tree_node *n = &f->node[i];
    f->is_leaf[i] = l[1].v[i] == -1;
    if (f->is_leaf[i]) {
        lw_forest_set_leaf(f, i, (float)l[2].v[i]);
        return;
    }
    *n = (struct lw_tree_node){(float)l[2].v[i], (int32_t)l[1].v[i], (int32_t)l[3].v[i],
                               l[4].v[i] != 0};
}

/* Leaves in double precision, in the order of their nodes. */
static int fill_wide(struct lw_forest *f, const struct forest_lists *leaves,
                     struct lw_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < f->nnodes; i++)
        n += f->is_leaf[i];
    if (leaves->n && leaves->n != n)
        return lw_fail(err, LW_EINPUT, "damaged forest: its lists differ in length");
    if (!leaves->n)
        return 0;
    lw_forest_widen(f);
    n = 0;
    for (size_t i = 0; i < f->nnodes; i++)
        if (f->is_leaf[i])
            f->wide[i] = leaves->v[n++];
    return 0;
}

static int forest_fill(struct lw_forest *f, const struct forest_lists *l,
                       struct lw_err *err) {
    for (size_t i = 0; i < f->ntrees; i++)
        f->root[i] = (int32_t)l[0].v[i];
    for (size_t i = 0; i < f->nnodes; i++)
        set_node(f, i, l);
    return fill_wide(f, &l[5], err) ? -1 : lw_forest_check(f, err);
}

struct lw_forest *lw_forest_read(struct lw_model *m, struct lw_reader *in,
                                 const bool *is_text, struct lw_err *err) {
    static const char types[] = "iifibd";
    struct lw_forest head = {0}, *f = NULL;
    struct forest_lists l[LISTS] = {{0}};
    double base = lw_wire_get_double(in);
    int rc = get_features(m, in, &head, err);
    if (!rc)
        rc = get_levels(m, in, &head, is_text, err);
    for (int k = 0; k < LISTS && !rc; k++)
        get_list(in, types[k], &l[k]);
    size_t n = l[1].n;
    if (!rc && (in->bad || !isfinite((float)base) || n == 0 || n > INT32_MAX ||
                l[2].n != n || l[3].n != n || l[4].n != n || l[0].n > LW_TREES_MAX))
        rc = lw_fail(err, LW_EINPUT, "damaged forest: its lists differ in length");
    if (!rc) {
        f = lw_forest_new(l[0].n, n);
        f->base = (float)base;
        f->nfeatures = head.nfeatures;
        memcpy(f->atom, head.atom, sizeof f->atom);
        memcpy(f->key, head.key, sizeof f->key);
        memcpy(f->nkeys, head.nkeys, sizeof f->nkeys);
        rc = forest_fill(f, l, err);
    }
    for (int k = 0; !f && k < LW_FEATURES_MAX; k++)
        free(head.key[k]);
    for (int k = 0; k < LISTS; k++)
        free(l[k].v);
    if (!rc)
        return f;
    lw_forest_free(f);
    return NULL;
}
