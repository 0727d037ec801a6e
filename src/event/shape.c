/* Shapes: building and skipping.
 *
 * The hostile part of Avro is the block: a count from the wire, perhaps of items without
 * bytes (an array of nulls may claim 2^62 of them in nine bytes). Items that have bytes
 * use up input, so a loop over them ends; items without are not looped over at all. A
 * negative count carries the block's size, which is checked against what is left and
 * jumped over. Recursive schemas recurse here, up to LW_NESTING_MAX. */
#include "event/shape.h"

#include <stdlib.h>

#include "base/mem.h"
#include "event/wire.h"

static uint32_t add_shape(struct lw_shapes *s, const struct lw_node *node) {
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->shape = lw_realloc(s->shape, s->cap, sizeof *s->shape);
        s->of = lw_realloc(s->of, s->cap, sizeof *s->of);
    }
    s->shape[s->n] = (struct lw_shape){0};
    s->of[s->n] = node;
    return (uint32_t)s->n++;
}

static uint32_t add_kids(struct lw_shapes *s, size_t n) {
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

static struct lw_shape leaf(const struct lw_node *node) {
    static const struct {
        enum lw_shape_kind kind;
        uint32_t n;
    } leaves[] = {
        [LW_T_NULL] = {LW_SHAPE_FIXED, 0},    [LW_T_BOOLEAN] = {LW_SHAPE_FIXED, 1},
        [LW_T_INT] = {LW_SHAPE_VARINT, 0},    [LW_T_LONG] = {LW_SHAPE_VARINT, 0},
        [LW_T_FLOAT] = {LW_SHAPE_FIXED, 4},   [LW_T_DOUBLE] = {LW_SHAPE_FIXED, 8},
        [LW_T_BYTES] = {LW_SHAPE_BYTES, 0},   [LW_T_STRING] = {LW_SHAPE_BYTES, 0},
        [LW_T_RECORD] = {LW_SHAPE_RECORD, 0}, [LW_T_ENUM] = {LW_SHAPE_VARINT, 0},
        [LW_T_FIXED] = {LW_SHAPE_FIXED, 0},   [LW_T_ARRAY] = {LW_SHAPE_BLOCKS, 0},
        [LW_T_MAP] = {LW_SHAPE_BLOCKS, 0},    [LW_T_UNION] = {LW_SHAPE_UNION, 0}};
    struct lw_shape shape = {.kind = leaves[node->type].kind, .n = leaves[node->type].n};
    shape.keyed = node->type == LW_T_MAP;
    if (node->type == LW_T_FIXED)
        shape.n = (uint32_t)node->n;
    shape.empty = shape.kind == LW_SHAPE_FIXED && shape.n == 0;
    return shape;
}

uint32_t lw_shape_of(struct lw_shapes *s, const struct lw_node *node) {
    for (size_t i = 0; i < s->n; i++)
        if (s->of[i] == node)
            return (uint32_t)i;
    uint32_t index = add_shape(s, node);
    struct lw_shape shape = leaf(node);
    if (shape.kind < LW_SHAPE_RECORD) {
        s->shape[index] = shape;
        return index;
    }
    shape.n = (uint32_t)node->n;
    shape.first = add_kids(s, node->n);
    s->shape[index] = shape;
    bool empty = shape.kind == LW_SHAPE_RECORD;
    for (uint32_t k = 0; k < shape.n; k++) {
        uint32_t kid = lw_shape_of(s, kid_node(node, k));
        s->kid[shape.first + k] = kid;
        empty = empty && s->shape[kid].empty;
    }
    s->shape[index].empty = empty;
    return index;
}

void lw_shapes_seal(struct lw_shapes *s) {
    free(s->of);
    s->of = NULL;
}

void lw_shapes_fini(struct lw_shapes *s) {
    free(s->shape);
    free(s->kid);
    free(s->of);
    *s = (struct lw_shapes){0};
}

static const uint8_t *skip(const struct lw_shapes *s, uint32_t i, const uint8_t *at,
                           const uint8_t *end, int depth);

static const uint8_t *skip_items(const struct lw_shapes *s, const struct lw_shape *shape,
                                 int64_t n, const uint8_t *at, const uint8_t *end,
                                 int depth) {
    size_t len;
    uint32_t item = s->kid[shape->first];
    if (s->shape[item].empty && !shape->keyed)
        return at;
    for (; at && n > 0; n--) {
        if (shape->keyed)
            at = lw_wire_bytes(at, end, &len);
        if (at)
            at = skip(s, item, at, end, depth);
    }
    return at;
}

static const uint8_t *skip_blocks(const struct lw_shapes *s, const struct lw_shape *shape,
                                  const uint8_t *at, const uint8_t *end, int depth) {
    for (;;) {
        int64_t count, size;
        at = lw_wire_long(at, end, &count);
        if (!at || count == 0)
            return at;
        if (count > 0) {
            at = skip_items(s, shape, count, at, end, depth);
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

static const uint8_t *skip(const struct lw_shapes *s, uint32_t i, const uint8_t *at,
                           const uint8_t *end, int depth) {
    const struct lw_shape *shape = &s->shape[i];
    uint64_t v;
    size_t len;
    switch (shape->kind) {
    case LW_SHAPE_VARINT:
        return lw_varint_read(at, end, &v);
    case LW_SHAPE_BYTES:
        return lw_wire_bytes(at, end, &len);
    case LW_SHAPE_FIXED:
        return lw_wire_skip(at, end, shape->n);
    case LW_SHAPE_UNION: {
        int64_t branch;
        at = lw_wire_long(at, end, &branch);
        if (!at || branch < 0 || branch >= (int64_t)shape->n || depth == 0)
            return NULL;
        return skip(s, s->kid[shape->first + (uint32_t)branch], at, end, depth - 1);
    }
    case LW_SHAPE_RECORD:
        if (shape->empty) /* records of records of nothing: 2^depth visits, no bytes */
            return at;
        for (uint32_t k = 0; at && k < shape->n; k++)
            at =
                depth == 0 ? NULL : skip(s, s->kid[shape->first + k], at, end, depth - 1);
        return at;
    case LW_SHAPE_BLOCKS:
        return depth == 0 ? NULL : skip_blocks(s, shape, at, end, depth - 1);
    }
    return NULL;
}

const uint8_t *lw_shape_skip(const struct lw_shapes *s, uint32_t i, const uint8_t *at,
                             const uint8_t *end) {
    return skip(s, i, at, end, LW_NESTING_MAX);
}
