/* Models: load one, bind it to the fields of your records, score. The file is Avro
 * (schemas/model.avsc), so any Avro library can read it.
 *
 * A model contains its feature plan, levels, coefficients and everything else it learned;
 * scoring needs nothing but the model. lw_model_predict takes no lock and allocates
 * nothing: one bound model may be used by any number of threads at once. */
#ifndef LEEWAY_MODEL_H
#define LEEWAY_MODEL_H

#include "leeway/err.h"
#include "leeway/row.h"

#ifdef __cplusplus
extern "C" {
#endif

struct lw_model;
struct lw_buf;

/* Decodes and validates the Avro object container bytes of one model. Damaged,
 * truncated or foreign bytes are refused with LW_EINPUT and the reason. Not bound yet. */
struct lw_model *lw_model_decode(const void *data, size_t len, struct lw_err *err);
/* Appends the model as an Avro object container file with one record. */
int lw_model_encode(const struct lw_model *m, struct lw_buf *out, struct lw_err *err);
void lw_model_free(struct lw_model *m);

/* Finds the model's fields in the caller's list by name (LW_ECONFIG names a field that
 * is missing or of another kind). Must precede lw_model_predict. */
int lw_model_bind(struct lw_model *m, const struct lw_fields *fields, struct lw_err *err);

/* The prediction for one row, clipped to the model's range. Never NaN. */
double lw_model_predict(const struct lw_model *m, const struct lw_row *row);

/* Its description. Texts are borrowed from the model. */
const char *
lw_model_name(const struct lw_model *m); /* of the candidate it was fitted from */
const char *lw_model_kind(const struct lw_model *m); /* "ridge", "ols", ..., "trees" */
size_t lw_model_coefficients(const struct lw_model *m);
const struct lw_fields *lw_model_fields(const struct lw_model *m);
/* A hash of everything that changes a prediction; equal models have equal fingerprints.
 */
uint64_t lw_model_fingerprint(const struct lw_model *m);

/* Coefficient of a term's level, e.g. ("PULocationID", "74"); crosses join texts with
 * U+001F. Level "" for purely numeric terms; NAN when unknown. For inspection, not for
 * scoring. */
double lw_model_coefficient(const struct lw_model *m, const char *term,
                            const char *level);
double lw_model_intercept(const struct lw_model *m);

#ifdef __cplusplus
}
#endif
#endif
