/* Shared inside the folder: places in a JSON value, the readers, and frames. */
#ifndef LW_EXCHANGE_PRIVATE_H
#define LW_EXCHANGE_PRIVATE_H

#include <jansson.h>

#include "base/buf.h"
#include "exchange/exchange.h"

/* ---- places (place.c) ---- */

/* Where a value is, as a chain on the stack: `learner.trees[3]`. */
struct lw_place {
    const struct lw_place *up; /* NULL: the root */
    const char *key;           /* NULL: an element of a list */
    size_t index;
};

/* "learner.trees[3]: what"; LW_EINPUT. */
int lw__place_fail(const struct lw_place *at, struct lw_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts the place before the text that err holds. */
int lw__place_context(const struct lw_place *at, struct lw_err *err);
/* The member of an object, of a type; NULL after an error. Borrowed. */
json_t *lw__place_member(const struct lw_place *at, const json_t *object, const char *key,
                         json_type type, struct lw_err *err);
/* A finite number from a number or, as XGBoost writes its parameters, from a text. */
int lw__place_number(const struct lw_place *at, const json_t *value, double *out,
                     struct lw_err *err);
const char *lw__place_type_name(json_type type);

/* ---- readers ---- */

/* A JSON text; LW_EINPUT with line and column. The caller releases it. */
json_t *lw__json_read(const void *data, size_t len, struct lw_err *err);
/* UBJSON as a JSON value; LW_EINPUT with the byte. */
json_t *lw__ubj_read(const void *data, size_t len, struct lw_err *err);

/* The record of schemas/model.avsc as JSON, and back as a container file. */
json_t *lw__record_json(const struct lw_model *m, struct lw_err *err);
int lw__record_bytes(const json_t *record, struct lw_buf *out, struct lw_err *err);
/* The model of such a JSON value, not bound yet. */
struct lw_model *lw__record_model(const json_t *record, struct lw_err *err);

struct lw_model *lw__linear_read(const struct lw_exchange *to, const json_t *root,
                                 struct lw_err *err);
struct lw_model *lw__xgboost_read(const struct lw_exchange *to, const json_t *root,
                                  struct lw_err *err);
int lw__xgboost_write(const struct lw_model *m, struct lw_buf *out, struct lw_err *err);
struct lw_model *lw__lightgbm_read(const struct lw_exchange *to, const void *data,
                                   size_t len, struct lw_err *err);

/* ---- frames (frame.c) ---- */

/* A feature of a forest, by its name in the file. */
struct lw_frame_feature {
    const char *name; /* borrowed */
    bool used;        /* by a split; others are left out */
    int at;           /* out: position in the forest */
    bool integer;     /* out: a category, whose integers are compared */
};
/* Resolves the features that are used against the configuration: each is one factor, not
 * the target, and a number or a category of integers. */
int lw__frame_check(const struct lw_exchange *to, struct lw_frame_feature *feature,
                    size_t n, struct lw_err *err);
/* Whether a bound model predicts this stream: it does not read the target, and its levels
 * are of the fields' types. LW_ECONFIG. */
int lw__frame_fits(const struct lw_exchange *to, const struct lw_model *m,
                   struct lw_err *err);
/* A model without coefficients over these expressions (each a term). */
struct lw_model *lw__frame_new(const struct lw_exchange *to, const char *const *text,
                               size_t n, struct lw_err *err);
/* Gives a frame a forest whose features are the frame's terms, in their order, and makes
 * it ready to score. Takes the forest. */
struct lw_forest;
int lw__frame_plant(struct lw_model *m, struct lw_forest *forest, struct lw_err *err);

/* A binary tree of another program. */
struct lw_tree_source {
    void *arg;
    size_t size; /* most nodes */
    /* Fills node `at` of the forest from the source's node: 1: a split, whose children are
     * in `child`; 0: a leaf; -1: error. */
    int (*node)(void *arg, size_t source, size_t at, size_t child[2], struct lw_err *err);
};
/* Copies a tree to the forest's nodes from `first` on, breadth first, so that children
 * come after their parents and siblings are adjacent. Returns the nodes taken, at most
 * source->size, or 0 after an error. */
size_t lw__tree_copy(struct lw_forest *forest, size_t first,
                     const struct lw_tree_source *source, struct lw_err *err);

#endif
