"""A fitted linear model of scikit-learn as the JSON that `leeway models import` reads.

    export(model, ["trip_distance", "PULocationID=74", "PULocationID=75"], "model.json")

names: the columns of the model. A number is a name of the configuration's feature language, a one-hot column
`category=level`. Columns must not be scaled, or coefficients be divided by the scale first.
"""
import json

LOG = {"PoissonRegressor", "GammaRegressor"}  # their predictions are exp(sum): leeway refuses them


def export(model, names, path):
    terms = {}
    for name, coefficient in zip(names, model.coef_.ravel(), strict=True):
        term, _, level = name.partition("=")
        if level:
            terms.setdefault(term, {})[level] = float(coefficient)
        else:
            terms[term] = float(coefficient)
    link = "log" if type(model).__name__ in LOG else getattr(model, "link", "identity")
    intercept = float(model.intercept_.ravel()[0]) if hasattr(model.intercept_, "ravel") else model.intercept_
    with open(path, "w") as out:
        json.dump({"link": link, "intercept": float(intercept), "terms": terms}, out, indent=1)
