/* What a row of the table of metrics says of itself. */
#include <math.h>

#include "core/metrics.h"
#include "core/spec.h"

const char *lw_metric_name(const struct lw_metric *metric) {
    return metric->name;
}

bool lw_metric_judged(const struct lw_metric *metric) {
    return !(metric->flags & LW_METRIC_FIGURE_ONLY);
}

bool lw_metric_per_feature(const struct lw_metric *metric) {
    return metric->scope == LW_SCOPE_COLUMN;
}

bool lw_metric_live(const struct lw_metric *metric) {
    return metric->scope == LW_SCOPE_LIVE;
}

bool lw_metric_takes_budget(const struct lw_metric *metric) {
    return metric->effect > 0 && !lw_metric_live(metric);
}

bool lw_metric_of_feed(const struct lw_metric *metric) {
    return metric->flags & LW_METRIC_OF_FEED;
}

const char *lw_metric_subject(const struct lw_metric *metric) {
    return lw_metric_per_feature(metric) ? "a feature"
           : lw_metric_of_feed(metric)   ? "the stream"
                                         : "the model";
}

bool lw_metric_has_column(const struct lw_metric *metric, const struct lw_spec *spec,
                          size_t column) {
    size_t nf = spec->nfeatures;
    unsigned kind = column == nf                                ? LW_ON_TARGET
                    : column == nf + 1                          ? LW_ON_PREDICTION
                    : spec->feature[column].kind == LW_CATEGORY ? LW_ON_CATEGORY
                                                                : LW_ON_NUMERIC;
    return lw_spec_has_column(spec, column) && (metric->columns & kind);
}

bool lw_metric_known(const struct lw_metric *metric, double value, double n,
                     double events, bool champion) {
    switch (metric->known) {
    case LW_KNOWN_SCORED:
        return isfinite(value) && n >= 2;
    case LW_KNOWN_POSITIVE:
        return value > 0;
    case LW_KNOWN_COMPARED:
        return isfinite(value) && champion && events > 0;
    default:
        return isfinite(value);
    }
}
