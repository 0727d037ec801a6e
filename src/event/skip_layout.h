/* Skips a datum of any type.
 *
 * Skip layouts hold what skipping needs to know of a schema, as a flat array without
 * names: they do not refer to the schema and may outlive it. Walking them finds the end
 * of a datum. */
#ifndef LW_EVENT_SKIP_LAYOUT_H
#define LW_EVENT_SKIP_LAYOUT_H

#include "event/node.h"

/* Maximum nesting of a value, counted in types: a linked list of records and unions with
 * null takes two per link. Each level is a call; 512 take about 50 KiB of stack. */
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

/* The index of the layout of node, created on first use (with its kids). */
uint32_t lw_skip_layout_of(struct lw_skip_layouts *layouts, const struct lw_node *node);
/* Ends building. */
void lw_skip_layout_seal(struct lw_skip_layouts *layouts);
void lw_skip_layout_fini(struct lw_skip_layouts *layouts);

/* The end of the datum of layout i that starts at `at`, or NULL if the datum is invalid
 * (cut short, an impossible branch or count, nested deeper than LW_NESTING_MAX). Cost:
 * linear in the bytes skipped, for any counts. No allocation. */
const uint8_t *lw_skip_layout_end(const struct lw_skip_layouts *layouts, uint32_t i,
                                  const uint8_t *at, const uint8_t *end);

#endif
