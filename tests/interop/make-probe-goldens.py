"""Reference values of linear probes from scikit-learn: python tests/interop/make-probe-goldens.py

Writes tests/fixtures/probes/{ridge,softmax}.json. scikit-learn 1.x, NumPy.
"""

import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

out = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "probes"
out.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)


def numbers(a):
    return np.round(np.asarray(a, dtype=np.float64), 12).ravel().tolist()


# correlated columns of very different sizes, some rows without weight
rows, columns = 60, 8
x = np.round(rng.normal(size=(rows, columns)) @ rng.normal(size=(columns, columns)) * [1, 1, 1, 10, 1, 0.1, 1, 1] + 3, 6)
y = np.round(x @ rng.normal(size=columns) + rng.normal(size=rows) * 2 - 5, 6)
weights = rng.integers(0, 5, size=rows)
fits = []
for penalty in [1e-3, 1.0, 50.0]:
    ridge = Ridge(alpha=penalty, solver="cholesky").fit(x, y, sample_weight=weights)
    fits.append({"penalty": penalty, "coefficients": numbers(ridge.coef_), "intercept": float(ridge.intercept_)})
golden = {"columns": columns, "x": numbers(x), "y": numbers(y), "weights": weights.tolist(), "fits": fits}
(out / "ridge.json").write_text(json.dumps(golden))

# four classes that overlap; half of the values are zeros
rows, columns, classes = 80, 6, 4
labels = rng.integers(0, classes, size=rows)
x = rng.normal(size=(rows, columns)) + rng.normal(size=(classes, columns))[labels]
x = np.round(x * (rng.random((rows, columns)) < 0.5), 6)
fits = []
for c in [0.01, 1.0, 30.0]:
    model = LogisticRegression(C=c, tol=1e-10, max_iter=10000).fit(x, labels)
    fits.append(
        {
            # the penalty of a mean loss
            "penalty": 1 / (c * rows),
            "coefficients": numbers(model.coef_.T),
            "probabilities": numbers(model.predict_proba(x)),
            "predictions": model.predict(x).tolist(),
        }
    )
golden = {"columns": columns, "classes": classes, "x": numbers(x), "labels": labels.tolist(), "fits": fits}
(out / "softmax.json").write_text(json.dumps(golden))
