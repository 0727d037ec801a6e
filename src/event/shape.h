/* Skipping a datum of any type.
 *
 * Shapes are what a schema means for skipping, as a flat array without names: they do not
 * refer to the schema and outlive it. Walking them finds where a datum ends. */
#ifndef LW_EVENT_SHAPE_H
#define LW_EVENT_SHAPE_H

#include "event/node.h"

/* How deep a value may be nested, counted in types: a list by a record and a union with
 * null is two a link. Each is a call, so that what a message asks of the stack is
 * bounded; 512 take some 50 KiB. */
#define LW_NESTING_MAX 512

enum lw_shape_kind {
    LW_SHAPE_VARINT,
    LW_SHAPE_BYTES, /* length-prefixed */
    LW_SHAPE_FIXED, /* n bytes; 0 for null */
    LW_SHAPE_RECORD,
    LW_SHAPE_UNION,
    LW_SHAPE_BLOCKS /* array or map */
};

struct lw_shape {
    enum lw_shape_kind kind;
    bool keyed;     /* BLOCKS of a map */
    bool empty;     /* a datum of this shape has no bytes */
    uint32_t n;     /* bytes of FIXED; kids of RECORD and UNION; 1 for BLOCKS */
    uint32_t first; /* first kid in lw_shapes.kid */
};

struct lw_shapes {
    struct lw_shape *shape;
    uint32_t *kid; /* indices into shape */
    size_t n, nkids;
    const struct lw_node **of; /* while building: the node of each shape */
    size_t cap, kid_cap;
};

/* The index of the shape of node, made on first use (kids included). */
uint32_t lw_shape_of(struct lw_shapes *shapes, const struct lw_node *node);
/* Ends building. */
void lw_shapes_seal(struct lw_shapes *shapes);
void lw_shapes_fini(struct lw_shapes *shapes);

/* The end of the datum of shape i that starts at `at`, or NULL when no such datum is
 * there (short, a branch or count that cannot be, nested deeper than LW_NESTING_MAX).
 * Cost: linear in the bytes passed over, whatever the counts say. No allocation. */
const uint8_t *lw_shape_skip(const struct lw_shapes *shapes, uint32_t i,
                             const uint8_t *at, const uint8_t *end);

#endif
