/* What a prediction costs, estimated from the model alone, so that a decision by it is the
 * same on every machine and in every repetition. The unit is a microsecond on the machine
 * of benchmarks/model, which compares estimates with measurements. */
#ifndef LW_MODEL_COST_H
#define LW_MODEL_COST_H

struct lw_model;

/* The model must be bound. */
double lw_cost_predict_us(const struct lw_model *m);

#endif
