"""Reference values for neighbours, projections and assignments of the histograms in fixtures/metrics/cluster.

pip install numpy scipy scikit-learn
python tests/interop/make-cluster-goldens.py
"""

import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy.optimize import linear_sum_assignment
from scipy.stats import entropy
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances
from sklearn.metrics.cluster import contingency_matrix

FOLDER = Path(__file__).parents[1] / "fixtures/metrics/cluster"


def rounded(array):
    return [float(f"{value:.9g}") for value in np.asarray(array, dtype=np.float64).ravel()]


def square_roots(counts):
    return np.sqrt(counts / counts.sum(axis=1, keepdims=True))


cases = {}
for name in ("easy", "hard", "overlap"):
    counts = np.load(FOLDER / f"{name}_counts.npy").astype(np.float64)
    labels = np.load(FOLDER / f"{name}_labels.npy")
    clusters = np.load(FOLDER / f"{name}_counts_kmeans_labels.npy")
    roots = square_roots(counts)
    accuracy = {}
    for form, rows in (("none", counts), ("sqrt", roots)):
        for metric in ("euclidean", "cosine"):
            distances = pairwise_distances(rows, metric=metric)
            np.fill_diagonal(distances, np.inf)
            # equally near neighbours of different classes would make the answer a matter of rounding
            nearest = distances.min(axis=1, keepdims=True)
            near = [set(labels[row <= least + 1e-9]) for row, least in zip(distances, nearest)]
            right = sum(found == {label} for found, label in zip(near, labels))
            wrong = sum(label not in found for found, label in zip(near, labels))
            accuracy[f"{form}_{metric}"] = {"at_least": right / len(labels), "at_most": 1 - wrong / len(labels)}
    pca = PCA(n_components=2, svd_solver="full").fit(roots)
    table = contingency_matrix(labels, clusters)
    rows, columns = linear_sum_assignment(table, maximize=True)
    total = counts.sum(axis=0)
    cases[name] = {
        "nearest_accuracy": accuracy,
        "pca_points": rounded(pca.transform(roots)),
        "pca_explained": rounded(pca.explained_variance_ratio_),
        "assignment_clips": int(table[rows, columns].sum()),
        "entropy_bits": float(entropy(total, base=2)),
    }

random = np.random.default_rng(7)
tables = []
for size in (1, 2, 5, 12):
    table = random.integers(0, 40, (size, size))
    rows, columns = linear_sum_assignment(table, maximize=True)
    tables.append({"gains": table.tolist(), "total": int(table[rows, columns].sum())})

versions = f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, numpy {np.__version__}"
text = json.dumps({"versions": versions, "cases": cases, "assignments": tables})
(FOLDER / "neighbours.json").write_text(text + "\n")
print(len(text), "bytes")
