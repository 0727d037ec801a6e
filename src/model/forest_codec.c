/* A forest in the model file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/forest.h"
#include "model/wire.h"

static void put_ints(const int32_t *v, size_t n, struct lw_buf *out) {
    lw_wire_open(out, n);
    for (size_t i = 0; i < n; i++)
        lw_varint_put_long(out, v[i]);
    lw_wire_close(out);
}

/* A list of texts for each feature, empty if its values are not texts. */
static void put_levels(const struct lw_forest *f, const struct lw_model *m,
                       struct lw_buf *out) {
    lw_wire_open(out, (size_t)f->nfeatures);
    for (int k = 0; k < f->nfeatures; k++) {
        const struct lw_dict *dict = &m->dict[f->atom[k]];
        lw_wire_open(out, f->nkeys[k]);
        for (uint32_t i = 0; i < f->nkeys[k]; i++) {
            const struct lw_dict_level *l =
                &dict->level[lw_table_get(&dict->table, f->key[k][i])];
            lw_wire_string(out, l->text, l->len);
        }
        lw_wire_close(out);
    }
    lw_wire_close(out);
}

void lw_forest_write(const struct lw_forest *f, const struct lw_model *m,
                     struct lw_buf *out) {
    int32_t *v = lw_calloc(f->nnodes + 1, sizeof *v);
    lw_buf_f64(out, f->base);
    lw_wire_open(out, (size_t)f->nfeatures);
    for (int k = 0; k < f->nfeatures; k++)
        lw_wire_text(out, lw_plan_atom_text(m->plan, (size_t)f->atom[k]));
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
    free(v);
}

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
        if (len >= sizeof text || f->nfeatures == LW_ATOMS_MAX)
            return lw_fail(err, LW_EINPUT, "damaged forest: its features");
        memcpy(text, s, len);
        text[len] = 0;
        int at = lw_plan_find_atom(m->plan, text);
        if (at < 0)
            return lw_fail(err, LW_EINPUT,
                           "damaged forest: \"%.80s\" is not a factor of the model",
                           text);
        f->atom[f->nfeatures++] = at;
    }
    return in->bad ? lw_fail(err, LW_EINPUT, "damaged forest: its features") : 0;
}

static int get_texts(struct lw_model *m, struct lw_reader *in, struct lw_forest *f, int k,
                     struct lw_err *err) {
    uint64_t left = 0;
    while (lw_wire_more(in, &left)) {
        size_t len;
        const char *text = lw_wire_get_string(in, &len);
        if (in->bad)
            break;
        struct lw_cell cell = lw_cell_text(text, len);
        if (lw_plan_atom_kind(m->plan, (size_t)f->atom[k]) != LW_CATEGORY ||
            lw_dict_add(&m->dict[f->atom[k]], &cell) == LW_CODE_NONE)
            return lw_fail(err, LW_EINPUT, "damaged forest: its texts");
        if ((f->nkeys[k] & (f->nkeys[k] - 1)) == 0)
            f->key[k] = lw_realloc(f->key[k], f->nkeys[k] ? 2 * (size_t)f->nkeys[k] : 1,
                                   sizeof *f->key[k]);
        f->key[k][f->nkeys[k]++] = cell.key;
    }
    return 0;
}

static int get_levels(struct lw_model *m, struct lw_reader *in, struct lw_forest *f,
                      struct lw_err *err) {
    uint64_t left = 0;
    int k = 0;
    for (; lw_wire_more(in, &left); k++)
        if (k == f->nfeatures || get_texts(m, in, f, k, err))
            return lw_fail(err, LW_EINPUT, "damaged forest: its texts");
    return k == f->nfeatures && !in->bad
               ? 0
               : lw_fail(err, LW_EINPUT, "damaged forest: its texts");
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

static int forest_fill(struct lw_forest *f, const struct forest_lists *l,
                       struct lw_err *err) {
    for (size_t i = 0; i < f->ntrees; i++)
        f->root[i] = (int32_t)l[0].v[i];
    for (size_t i = 0; i < f->nnodes; i++)
        set_node(f, i, l);
    return lw_forest_check(f, err);
}

struct lw_forest *lw_forest_read(struct lw_model *m, struct lw_reader *in,
                                 struct lw_err *err) {
    static const char types[] = "iifib";
    struct lw_forest head = {0}, *f = NULL;
    struct forest_lists l[5] = {{0}};
    double base = lw_wire_get_double(in);
    int rc = get_features(m, in, &head, err);
    if (!rc)
        rc = get_levels(m, in, &head, err);
    for (int k = 0; k < 5 && !rc; k++)
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
    for (int k = 0; !f && k < LW_ATOMS_MAX; k++)
        free(head.key[k]);
    for (int k = 0; k < 5; k++)
        free(l[k].v);
    if (!rc)
        return f;
    lw_forest_free(f);
    return NULL;
}
