/* The order of arrival; see sample.h. */
#include <string.h>

#include "draft/sample.h"

static void crowd_remove(struct lw_draft_clock *c, double v) {
    uint32_t i = 0;
    while (i + 1 < c->n && c->sorted[i] != v)
        i++;
    memmove(c->sorted + i, c->sorted + i + 1, (c->n - i - 1) * sizeof *c->sorted);
    c->n--;
}

static void crowd_insert(struct lw_draft_clock *c, double v) {
    uint32_t i = c->n;
    for (; i > 0 && c->sorted[i - 1] > v; i--)
        c->sorted[i] = c->sorted[i - 1];
    c->sorted[i] = v;
    c->n++;
}

void lw_draft_clock_add(struct lw_draft_clock *c, double v) {
    if (c->n == LW_DRAFT_CROWD) {
        lw_kll_update(c->lag, c->sorted[LW_DRAFT_CROWD / 2] - v);
        crowd_remove(c, c->latest[c->at]);
    }
    crowd_insert(c, v);
    c->latest[c->at] = v;
    c->at = (c->at + 1) % LW_DRAFT_CROWD;
}
