/* Skipping a datum of any type.
 *
 * Shapes are what a schema means for skipping, as a flat array without names: they do not
 * refer to the schema and outlive it. Walking them finds where a datum ends. */
#ifndef LW_EVENT_SKIP_LAYOUT_H
#define LW_EVENT_SKIP_LAYOUT_H

#include "event/node.h"

/* How deep a value may be nested, counted in types: a list by a record and a union with
 * null is two a link. Each is a call, so that what a message asks of the stack is
 * bounded; 512 take some 50 KiB. */
#define LW_NESTING_MAX 512

enum lw_skip_kind {
    LW_SKIP_VARINT,
    LW_SKIP_BYTES, /* length-prefixed */
    LW_SKIP_FIXED, /* n bytes; 0 for null */
    LW_SKIP_RECORD,
    LW_SKIP_UNION,
    LW_SKIP_BLOCKS /* array or map */
};

struct lw_skip_layout {
    enum lw_skip_kind kind;
    bool keyed;     /* BLOCKS of a map */
    bool empty;     /* a datum of this layout has no bytes */
    uint32_t n;     /* bytes of FIXED; kids of RECORD and UNION; 1 for BLOCKS */
    uint32_t first; /* first kid in lw_skip_layouts.kid */
};

struct lw_skip_layouts {
    struct lw_skip_layout *layout;
    uint32_t *kid; /* indices into layout */
    size_t n, nkids;
    const struct lw_node **of; /* while building: the node of each layout */
    size_t cap, kid_cap;
};

/* The index of the layout of node, made on first use (kids included). */
uint32_t lw_skip_layout_of(struct lw_skip_layouts *layouts, const struct lw_node *node);
/* Ends building. */
void lw_skip_layout_seal(struct lw_skip_layouts *layouts);
void lw_skip_layout_fini(struct lw_skip_layouts *layouts);

/* The end of the datum of layout i that starts at `at`, or NULL when no such datum is
 * there (short, a branch or count that cannot be, nested deeper than LW_NESTING_MAX).
 * Cost: linear in the bytes passed over, whatever the counts say. No allocation. */
const uint8_t *lw_skip_layout_end(const struct lw_skip_layouts *layouts, uint32_t i,
                                  const uint8_t *at, const uint8_t *end);

#endif
