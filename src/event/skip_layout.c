/* Skip layouts: building and skipping.
 *
 * Blocks need care with hostile input: the count comes from the wire, possibly of items
 * without bytes (an array of nulls may claim 2^62 items in nine bytes). Items that have
 * bytes use up input, so a loop over them ends; items without bytes are not looped over.
 * A negative count comes with the block's size, which is checked against the remaining
 * bytes and skipped. Recursive schemas recurse here, up to LW_NESTING_MAX. */
#include "event/skip_layout.h"

#include <stdlib.h>

#include "base/mem.h"
#include "event/wire.h"

static uint32_t add_shape(struct lw_skip_layouts *s, const struct lw_node *node) {
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->layout = lw_realloc(s->layout, s->cap, sizeof *s->layout);
        s->of = lw_realloc(s->of, s->cap, sizeof *s->of);
    }
    s->layout[s->n] = (struct lw_skip_layout){0};
    s->of[s->n] = node;
    return (uint32_t)s->n++;
}

static uint32_t add_kids(struct lw_skip_layouts *s, size_t n) {
    while (s->nkids + n > s->kid_cap) {
        s->kid_cap = s->kid_cap ? 2 * s->kid_cap : 32;
        s->kid = lw_realloc(s->kid, s->kid_cap, sizeof *s->kid);
    }
    s->nkids += n;
    return (uint32_t)(s->nkids - n);
}

static const struct lw_node *kid_node(const struct lw_node *node, size_t i) {
    return node->type == LW_T_RECORD ? node->fields[i].type : node->kids[i];
}

static struct lw_skip_layout leaf_layout(const struct lw_node *node) {
    static const struct {
        enum lw_skip_kind kind;
        uint32_t n;
    } leaves[] = {
        [LW_T_NULL] = {LW_SKIP_FIXED, 0},    [LW_T_BOOLEAN] = {LW_SKIP_FIXED, 1},
        [LW_T_INT] = {LW_SKIP_VARINT, 0},    [LW_T_LONG] = {LW_SKIP_VARINT, 0},
        [LW_T_FLOAT] = {LW_SKIP_FIXED, 4},   [LW_T_DOUBLE] = {LW_SKIP_FIXED, 8},
        [LW_T_BYTES] = {LW_SKIP_BYTES, 0},   [LW_T_STRING] = {LW_SKIP_BYTES, 0},
        [LW_T_RECORD] = {LW_SKIP_RECORD, 0}, [LW_T_ENUM] = {LW_SKIP_VARINT, 0},
        [LW_T_FIXED] = {LW_SKIP_FIXED, 0},   [LW_T_ARRAY] = {LW_SKIP_BLOCKS, 0},
        [LW_T_MAP] = {LW_SKIP_BLOCKS, 0},    [LW_T_UNION] = {LW_SKIP_UNION, 0}};
    struct lw_skip_layout layout = {.kind = leaves[node->type].kind,
                                    .n = leaves[node->type].n};
    layout.keyed = node->type == LW_T_MAP;
    if (node->type == LW_T_FIXED)
        layout.n = (uint32_t)node->n;
    layout.empty = layout.kind == LW_SKIP_FIXED && layout.n == 0;
    return layout;
}

uint32_t lw_skip_layout_of(struct lw_skip_layouts *s, const struct lw_node *node) {
    for (size_t i = 0; i < s->n; i++)
        if (s->of[i] == node)
            return (uint32_t)i;
    uint32_t index = add_shape(s, node);
    struct lw_skip_layout layout = leaf_layout(node);
    if (layout.kind < LW_SKIP_RECORD) {
        s->layout[index] = layout;
        return index;
    }
    layout.n = (uint32_t)node->n;
    layout.first = add_kids(s, node->n);
    s->layout[index] = layout;
    bool empty = layout.kind == LW_SKIP_RECORD;
    for (uint32_t k = 0; k < layout.n; k++) {
        uint32_t kid = lw_skip_layout_of(s, kid_node(node, k));
        s->kid[layout.first + k] = kid;
        empty = empty && s->layout[kid].empty;
    }
    s->layout[index].empty = empty;
    return index;
}

void lw_skip_layout_seal(struct lw_skip_layouts *s) {
    free(s->of);
    s->of = NULL;
}

void lw_skip_layout_fini(struct lw_skip_layouts *s) {
    free(s->layout);
    free(s->kid);
    free(s->of);
    *s = (struct lw_skip_layouts){0};
}

static const uint8_t *layout_skip(const struct lw_skip_layouts *s, uint32_t i,
                                  const uint8_t *at, const uint8_t *end, int depth);

static const uint8_t *skip_items(const struct lw_skip_layouts *s,
                                 const struct lw_skip_layout *layout, int64_t n,
                                 const uint8_t *at, const uint8_t *end, int depth) {
    size_t len;
    uint32_t item = s->kid[layout->first];
    if (s->layout[item].empty && !layout->keyed)
        return at;
    for (; at && n > 0; n--) {
        if (layout->keyed)
            at = lw_wire_bytes(at, end, &len);
        if (at)
            at = layout_skip(s, item, at, end, depth);
    }
    return at;
}

static const uint8_t *skip_blocks(const struct lw_skip_layouts *s,
                                  const struct lw_skip_layout *layout, const uint8_t *at,
                                  const uint8_t *end, int depth) {
    for (;;) {
        int64_t count, size;
        at = lw_wire_long(at, end, &count);
        if (!at || count == 0)
            return at;
        if (count > 0) {
            at = skip_items(s, layout, count, at, end, depth);
        } else {
            at = lw_wire_long(at, end, &size);
            if (!at || size < 0 || (uint64_t)size > (uint64_t)(end - at))
                return NULL;
            at += size;
        }
        if (!at)
            return NULL;
    }
}

static const uint8_t *layout_skip(const struct lw_skip_layouts *s, uint32_t i,
                                  const uint8_t *at, const uint8_t *end, int depth) {
    const struct lw_skip_layout *layout = &s->layout[i];
    uint64_t v;
    size_t len;
    switch (layout->kind) {
    case LW_SKIP_VARINT:
        return lw_varint_read(at, end, &v);
    case LW_SKIP_BYTES:
        return lw_wire_bytes(at, end, &len);
    case LW_SKIP_FIXED:
        return lw_wire_skip(at, end, layout->n);
    case LW_SKIP_UNION: {
        int64_t branch;
        at = lw_wire_long(at, end, &branch);
        if (!at || branch < 0 || branch >= (int64_t)layout->n || depth == 0)
            return NULL;
        return layout_skip(s, s->kid[layout->first + (uint32_t)branch], at, end,
                           depth - 1);
    }
    case LW_SKIP_RECORD:
        if (layout->empty) /* empty records in records: 2^depth visits, no bytes */
            return at;
        for (uint32_t k = 0; at && k < layout->n; k++)
            at = depth == 0
                     ? NULL
                     : layout_skip(s, s->kid[layout->first + k], at, end, depth - 1);
        return at;
    case LW_SKIP_BLOCKS:
        return depth == 0 ? NULL : skip_blocks(s, layout, at, end, depth - 1);
    }
    return NULL;
}

const uint8_t *lw_skip_layout_end(const struct lw_skip_layouts *s, uint32_t i,
                                  const uint8_t *at, const uint8_t *end) {
    return layout_skip(s, i, at, end, LW_NESTING_MAX);
}
