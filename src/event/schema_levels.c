/* What a schema says of the values of a category. */
#include "event/node.h"

int lw_schema_texts(const struct lw_schema *schema, const char *field) {
    const struct lw_node *at = schema->top;
    while (*field) {
        const struct lw_node_field *step =
            at->type == LW_T_RECORD ? lw_node_step(at, field, &field) : NULL;
        if (!step)
            return -1;
        at = lw_node_strip(step->type);
    }
    switch (at->type) {
    case LW_T_STRING:
    case LW_T_ENUM:
        return 1;
    case LW_T_INT:
    case LW_T_LONG:
    case LW_T_BOOLEAN:
        return 0;
    default:
        return -1;
    }
}
