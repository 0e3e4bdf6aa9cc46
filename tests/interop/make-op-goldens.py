"""Writes tests/fixtures/ops/*.json: inputs, attributes and expected outputs of every operator of packages/graph.

Run with PyTorch and NumPy: python tests/interop/make-op-goldens.py
Expected values are computed by PyTorch in float64 from the float32 inputs, so they are right to the last float32 digit.
See tests/fixtures/ops/README.md for the format.
"""

import json
import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "ops"
RANDOM = np.random.default_rng(20250)
FIXED = [{}]
TIMES = [{"batch": 1, "time": 9}, {"batch": 2, "time": 5}]


class Input:
    """One input: a shape of numbers and names of dimensions, and how its values are made."""

    def __init__(self, shape, make=None, dtype="float32", constant=False, values=None):
        self.shape, self.dtype, self.constant, self.values = list(shape), dtype, constant, values
        self.make = make or (lambda size: RANDOM.standard_normal(size))

    def array(self, sizes):
        if self.values is not None:
            return np.array(self.values, dtype=NUMPY[self.dtype]).reshape(resolve(self.shape, sizes))
        values = np.asarray(self.make(resolve(self.shape, sizes)))
        if self.dtype == "float32":  # few digits, for a small file
            values = np.vectorize(lambda v: float(f"{v:.3g}"), otypes=[np.float64])(values)
        return values.astype(NUMPY[self.dtype])


NUMPY = {"float32": np.float32, "int32": np.int32, "int64": np.int64, "bool": np.bool_}


def resolve_one(d, sizes):
    if isinstance(d, int):
        return d
    scale, name, offset = re.fullmatch(r"(?:(-?\d+)\*)?([a-z]+)([+-]\d+)?", d).groups()
    return int(scale or 1) * sizes[name] + int(offset or 0)


def resolve(shape, sizes):
    return [resolve_one(d, sizes) for d in shape]


def uniform(low, high):
    return lambda size: RANDOM.uniform(low, high, size)


def integers(low, high):
    return lambda size: RANDOM.integers(low, high, size)


def weight(*shape, dtype="float32", make=None):
    """An input that keeps one value for all sizes, as parameters do."""
    w = Input(shape, make, dtype)
    w.values, w.constant = w.array({}).reshape(-1).tolist(), True
    return w


def number(v):
    if isinstance(v, (bool, np.bool_)):
        return int(v)
    if isinstance(v, (int, np.integer)):
        return int(v)
    if np.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    return float(str(np.float32(v)))  # as few digits as tell it from its float32 neighbours


def flat(a):
    return [number(v) for v in np.asarray(a).reshape(-1)]


def dtype_name(a):
    return {"f": "float32", "b": "bool"}.get(a.dtype.kind) or str(a.dtype)


cases = {}


def case(family, name, op, inputs, expected, attributes=None, sizes=FIXED):
    """`expected(sizes, *tensors)` returns one or more tensors; float inputs reach it as float64."""
    attributes = attributes or {}
    runs = []
    for s in sizes:
        arrays = [i.array(s) for i in inputs]
        tensors = [torch.from_numpy(a.astype(np.float64) if a.dtype == np.float32 else a) for a in arrays]
        result = expected(s, *tensors)
        outputs = []
        for t in result if isinstance(result, tuple) else (result,):
            a = t.numpy() if isinstance(t, torch.Tensor) else t
            a = a.astype(np.float32) if a.dtype.kind == "f" else a
            outputs.append({"dtype": dtype_name(a), "shape": list(a.shape), "data": flat(a)})
        runs.append({"sizes": s, "inputs": [flat(a) for a in arrays], "outputs": outputs})
    cases.setdefault(family, []).append(
        {
            "name": name,
            "op": op,
            "inputs": [{"dtype": i.dtype, "shape": i.shape, **({"constant": True} if i.constant else {})} for i in inputs],
            "attributes": attributes,
            "runs": runs,
        }
    )


def ignore_sizes(f):
    return lambda _, *tensors: f(*tensors)


def elementwise():
    a = lambda *args, **kw: case("elementwise", *args, **kw)
    bt = ["batch", "time", 4]
    binary = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "less": torch.lt}
    away = lambda size: RANDOM.uniform(0.3, 3, size) * RANDOM.choice([-1, 1], size)
    for op, f in binary.items():
        f = ignore_sizes(f)
        a(f"{op} of equal shapes", op, [Input(bt), Input(bt, away)], f, sizes=TIMES)
        a(f"{op} broadcasts a last axis", op, [Input(bt), Input([4], away)], f, sizes=TIMES)
        a(f"{op} broadcasts a scalar", op, [Input(bt), Input([], away)], f, sizes=TIMES)
        a(f"{op} broadcasts both ways", op, [Input(["batch", 1, 4]), Input(["time", 1], away)], f, sizes=TIMES)
        a(f"{op} broadcasts the shorter left side", op, [Input([3]), Input([2, 5, 3], away)], f)
    whole = lambda t: Input([2, 5], integers(-9, 10), t)
    for t in ("int32", "int64"):
        for op in ("add", "sub", "mul", "less"):
            a(f"{op} of {t}", op, [whole(t), whole(t)], ignore_sizes(binary[op]))
    a("less has no ties", "less", [Input([4], values=[1, 2, 3, -1]), Input([4], values=[1, 2.5, 2, 0])], ignore_sizes(torch.lt))
    unary = {
        "exp": (torch.exp, uniform(-9, 5)),
        "log": (torch.log, uniform(1e-6, 20)),
        "sin": (torch.sin, uniform(-30, 30)),
        "cos": (torch.cos, uniform(-30, 30)),
        "tanh": (torch.tanh, uniform(-12, 12)),
        "sigmoid": (torch.sigmoid, uniform(-30, 30)),
        "abs": (torch.abs, uniform(-3, 3)),
        "sqrt": (torch.sqrt, uniform(0, 50)),
        "softplus": (F.softplus, uniform(-25, 25)),
        "gelu": (F.gelu, uniform(-8, 8)),
        "elu": (F.elu, uniform(-8, 8)),
    }
    for op, (f, values) in unary.items():
        a(op, op, [Input(bt, values)], ignore_sizes(f), sizes=TIMES)
        a(f"{op} of a vector longer than SIMD lanes", op, [Input([37], values)], ignore_sizes(f))
    edges = Input([6], values=[0, -0.0, 1e-30, -1e-30, 40, 0.5])
    for op in ("exp", "tanh", "sigmoid", "abs", "gelu", "softplus", "elu"):
        a(f"{op} at the edges", op, [edges], ignore_sizes(unary[op][0] if op != "softplus" else lambda x: torch.log1p(torch.exp(x))))
    a("log of zero", "log", [Input([2], values=[0, 1])], ignore_sizes(torch.log))
    for slope in (0.01, 0.1, 0.2):
        a(f"leakyRelu {slope}", "leakyRelu", [Input(bt)], ignore_sizes(lambda x, s=slope: F.leaky_relu(x, s)), {"slope": slope}, TIMES)
    for low, high in ((-0.5, 0.7), (None, 0.7), (-0.5, None)):
        attributes = {k: v for k, v in (("minimum", low), ("maximum", high)) if v is not None}
        f = ignore_sizes(lambda x, lo=low, hi=high: torch.clamp(x, lo, hi))
        a(f"clamp to [{low}, {high}]", "clamp", [Input(bt)], f, attributes, TIMES)
    named = {"float32": torch.float32, "int32": torch.int32, "int64": torch.int64, "bool": torch.bool}
    sources = {"float32": Input([8], values=[-2.7, -1, -0.5, 0, 0.5, 1.9, 100, 7e5]), "int32": whole("int32")}
    sources |= {"int64": whole("int64"), "bool": Input([6], integers(0, 2), "bool")}
    for source, x in sources.items():
        for to in named:
            if to != source:
                a(f"cast {source} to {to}", "cast", [x], ignore_sizes(lambda x, to=to: x.to(named[to])), {"to": to})
    a("cast of dynamic sizes", "cast", [Input(bt, integers(0, 9), "int64")], ignore_sizes(lambda x: x.float()), {"to": "float32"}, TIMES)
    mask = lambda *shape: Input(shape, integers(0, 2), "bool")
    w = ignore_sizes(torch.where)
    a("where", "where", [mask(*bt), Input(bt), Input(bt)], w, sizes=TIMES)
    a("where with a mask of columns", "where", [mask("batch", "time", 1), Input(bt), Input([])], w, sizes=TIMES)
    a("where broadcasts all three", "where", [mask("time", 1), Input(["batch", 1, 1]), Input([4])], w, sizes=TIMES)
    a("where of int64", "where", [mask(2, 5), whole("int64"), whole("int64")], w)
    minus = Input([1], values=[-np.inf])
    a("where with minus infinity", "where", [mask(*bt), Input(bt), minus], w, sizes=TIMES)


def shape():
    a = lambda *args, **kw: case("shape", *args, **kw)
    bt = ["batch", "time", 12]
    for target in (["batch", "time", 3, 4], ["batch", "12*time"], [-1, 12], ["batch", -1, 4], ["batch", "time", 2, 3, 2], [-1]):
        f = lambda s, x, target=target: x.reshape(resolve(target, s))
        a(f"reshape to {target}", "reshape", [Input(bt)], f, {"shape": target}, TIMES)
    even = [{"batch": 2, "time": 3}, {"batch": 1, "time": 5}]
    a("reshape joins pairs of frames", "reshape", [Input(["batch", "4*time", 6])], lambda s, x: x.reshape(s["batch"], s["time"], 24), {"shape": ["batch", "time", 24]}, even)
    a("reshape moves two dynamic axes", "reshape", [Input(["batch", "4*time", 6])], lambda s, x: x.reshape(4, s["time"], s["batch"], 6), {"shape": [4, "time", "batch", 6]}, even)
    a("reshape of an odd length", "reshape", [Input(["2*time+1", 6])], lambda s, x: x.reshape(3, -1, 2), {"shape": [3, "2*time+1", 2]}, even)
    a("reshape of int64", "reshape", [Input([2, 6], integers(0, 9), "int64")], ignore_sizes(lambda x: x.reshape(3, 4)), {"shape": [3, 4]})
    for p in ([0, 2, 1], [1, 0, 2], [2, 0, 1], [2, 1, 0]):
        a(f"transpose {p}", "transpose", [Input(bt)], ignore_sizes(lambda x, p=p: x.permute(p)), {"permutation": p}, TIMES)
    a("transpose of heads", "transpose", [Input(["batch", "time", 3, 2])], ignore_sizes(lambda x: x.permute(0, 2, 1, 3)), {"permutation": [0, 2, 1, 3]}, TIMES)
    for axis, start, end in ((2, 3, 9), (-1, 0, 1), (1, 2, "time"), (1, 0, "time-3"), (1, 1, 4), (0, 0, 1)):
        f = lambda s, x, axis=axis, start=start, end=end: x.narrow(axis, start, resolve_one(end, s) - start)
        a(f"slice axis {axis} from {start} to {end}", "slice", [Input(bt)], f, {"axis": axis, "start": start, "end": end}, TIMES)
    f = lambda s, x: x[:, s["time"] - 2 :]
    a("slice from a dynamic start", "slice", [Input(bt)], f, {"axis": 1, "start": "time-2", "end": "time"}, TIMES)
    cat = lambda axis: ignore_sizes(lambda *xs: torch.cat(xs, axis))
    a("concat of channels", "concat", [Input(bt), Input(["batch", "time", 3])], cat(2), {"axis": 2}, TIMES)
    a("concat of time", "concat", [Input(bt), Input(["batch", 3, 12]), Input(["batch", "2*time", 12])], cat(1), {"axis": 1}, TIMES)
    a("concat on a negative axis", "concat", [Input(bt), Input(bt)], cat(-1), {"axis": -1}, TIMES)
    a("concat of int64", "concat", [Input([2], integers(0, 9), "int64"), Input([3], integers(0, 9), "int64")], cat(0), {"axis": 0})
    ids = lambda kind, *shape: Input(shape, integers(0, 6), kind)
    take = lambda axis: ignore_sizes(lambda t, i: torch.from_numpy(np.asarray(np.take(t.numpy(), i.numpy(), axis))))
    a("gather rows", "gather", [weight(6, 5), ids("int64", "batch", "time")], take(0), {"axis": 0}, TIMES)
    a("gather rows by int32", "gather", [weight(6, 5), ids("int32", "time")], take(0), {"axis": 0}, TIMES)
    a("gather along the middle axis", "gather", [Input([2, 6, 3]), ids("int64", "time")], take(1), {"axis": 1}, TIMES)
    a("gather along the last axis", "gather", [Input(["batch", "time", 6]), weight(4, dtype="int64", make=integers(0, 6))], take(-1), {"axis": -1}, TIMES)
    a("gather of int64 by one index", "gather", [Input([6], integers(0, 99), "int64"), ids("int64")], take(0), {"axis": 0})
    for mode in ("constant", "reflect"):
        for axis, before, after in ((1, 2, 3), (-1, 0, 4), (2, 5, 0), (0, 0, 0)):
            width = lambda axis=axis, before=before, after=after: [(before, after) if i == axis % 3 else (0, 0) for i in range(3)]
            f = ignore_sizes(lambda x, width=width, mode=mode: torch.from_numpy(np.pad(x.numpy(), width(), mode=mode)))
            attributes = {"axis": axis, "before": before, "after": after, "mode": mode}
            a(f"pad {mode} axis {axis} by {before}, {after}", "pad", [Input(bt)], f, attributes, TIMES)
    for source, target in ((["batch", "time", 1], bt), ([1, "time", 12], [3, "time", 12]), (bt, bt), ([12], [2, 3, 12]), ([1, 1, 1], [2, 3, 4])):
        f = lambda s, x, target=target: x.expand(resolve(target, s)).clone()
        a(f"expand {source} to {target}", "expand", [Input(source)], f, {"shape": target}, FIXED if isinstance(source[-2:][0], int) else TIMES)
    a("expand over a new axis", "expand", [Input(["time", 1])], lambda s, x: x.expand(3, s["time"], 4).clone(), {"shape": [3, "time", 4]}, [{"time": 5}, {"time": 2}])


def linear():
    a = lambda *args, **kw: case("linear", *args, **kw)
    mm = ignore_sizes(torch.matmul)
    a("matmul of matrices", "matmul", [Input(["time", 8]), Input([8, 5])], mm, sizes=TIMES)
    a("matmul of batches", "matmul", [Input(["batch", 3, "time", 8]), Input(["batch", 3, 8, "time"])], mm, sizes=TIMES)
    a("matmul broadcasts the right matrix", "matmul", [Input(["batch", "time", 8]), weight(8, 5)], mm, sizes=TIMES)
    a("matmul broadcasts the left matrix", "matmul", [weight(6, 8), Input(["batch", 8, "time"])], mm, sizes=TIMES)
    a("matmul broadcasts batch axes both ways", "matmul", [Input(["batch", 1, 4, 6]), Input([2, 6, "time"])], mm, sizes=TIMES)
    a("matmul of a row", "matmul", [Input([1, 64]), Input([64, 33])], mm)
    lin = lambda alpha: ignore_sizes(lambda x, w, b=None: alpha * (x @ w.T) + (0 if b is None else b))
    for shape in (["time", 16], ["batch", "time", 16], ["batch", 2, "time", 16]):
        a(f"linear over {shape}", "linear", [Input(shape), weight(10, 16), weight(10)], lin(1), sizes=TIMES)
    a("linear without bias", "linear", [Input(["batch", "time", 16]), weight(10, 16)], lin(1), sizes=TIMES)
    a("linear with alpha", "linear", [Input(["batch", "time", 16]), weight(10, 16), weight(10)], lin(-2), {"alpha": -2}, TIMES)
    a("linear with alpha, without bias", "linear", [Input(["time", 16]), weight(10, 16)], lin(0.125), {"alpha": 0.125}, TIMES)
    a("linear of a vector", "linear", [Input([16]), weight(10, 16), weight(10)], lin(1))
    grid = [
        ("pointwise", (6, 5, 1), {}, 5), ("kernel 3, no padding", (6, 5, 3), {}, 5), ("same length", (6, 5, 3), {"padding": [1, 1]}, 5),
        ("stride 2", (6, 5, 3), {"stride": 2, "padding": [1, 1]}, 5), ("stride equal to the kernel", (4, 5, 4), {"stride": 4, "padding": [0, 3]}, 5),
        ("dilation 3", (6, 5, 3), {"dilation": 3, "padding": [3, 3]}, 5), ("causal", (6, 5, 3), {"padding": [2, 0]}, 5),
        ("asymmetric padding, stride 3, dilation 2", (6, 5, 4), {"stride": 3, "dilation": 2, "padding": [5, 2]}, 5),
        ("two groups", (6, 2, 3), {"groups": 2, "padding": [1, 1]}, 4), ("depthwise", (6, 1, 5), {"groups": 6, "padding": [4, 0]}, 6),
    ]
    for title, w, attributes, channels in grid:
        for bias in (True, False):
            def f(_, x, w, b=None, at=attributes):
                x = F.pad(x, at.get("padding", [0, 0]))
                return F.conv1d(x, w, b, at.get("stride", 1), 0, at.get("dilation", 1), at.get("groups", 1))
            inputs = [Input(["batch", channels, "time"]), weight(*w)] + ([weight(w[0])] if bias else [])
            a(f"conv1d {title}{'' if bias else ', no bias'}", "conv1d", inputs, f, attributes, TIMES)
    for title, kernel, stride, padding in (("twice as long", 4, 2, 1), ("kernel equal to the stride", 3, 3, 0), ("stride 5", 11, 5, 3), ("stride 1", 3, 1, 1), ("gaps between kernels", 2, 3, 0)):
        for bias in (True, False):
            f = ignore_sizes(lambda x, w, b=None, s=stride, p=padding: F.conv_transpose1d(x, w, b, s, p))
            inputs = [Input(["batch", 5, "time"]), weight(5, 4, kernel)] + ([weight(4)] if bias else [])
            a(f"convTranspose1d {title}{'' if bias else ', no bias'}", "convTranspose1d", inputs, f, {"stride": stride, "padding": padding}, TIMES)


def first_max(axis):
    return ignore_sizes(lambda x: torch.from_numpy(np.asarray(np.argmax(x.numpy(), axis))))


def reduce():
    a = lambda *args, **kw: case("reduce", *args, **kw)
    bt = ["batch", "time", 8]
    for axis in (-1, 1, 0, 2):
        a(f"softmax axis {axis}", "softmax", [Input(bt, uniform(-8, 8))], ignore_sizes(lambda x, axis=axis: x.softmax(axis)), {"axis": axis}, TIMES)
    masked = Input([3, 4], values=[0.5, -np.inf, 2, -np.inf, -np.inf, 1, -np.inf, -np.inf, 300, 299, -300, 0])
    a("softmax of masked and large values", "softmax", [masked], ignore_sizes(lambda x: x.softmax(-1)), {"axis": -1})
    for epsilon in (1e-5, 1e-3, 1e-6):
        f = ignore_sizes(lambda x, s, b, e=epsilon: F.layer_norm(x, x.shape[-1:], s, b, e))
        a(f"layerNorm epsilon {epsilon}", "layerNorm", [Input(bt), weight(8), weight(8)], f, {"epsilon": epsilon}, TIMES)
        a(f"layerNorm of small values, epsilon {epsilon}", "layerNorm", [Input([2, 8], uniform(-0.01, 0.01)), weight(8), weight(8)], f, {"epsilon": epsilon})
    for groups, epsilon in ((1, 1e-5), (2, 1e-5), (4, 1e-3), (8, 1e-5)):
        f = ignore_sizes(lambda x, s, b, g=groups, e=epsilon: F.group_norm(x, g, s, b, e))
        a(f"groupNorm of {groups} groups", "groupNorm", [Input(["batch", 8, "time"]), weight(8), weight(8)], f, {"groups": groups, "epsilon": epsilon}, TIMES)
    reductions = {"mean": torch.mean, "max": torch.amax, "sum": torch.sum, "sumSquares": lambda x, axis, keepdim: (x * x).sum(axis, keepdim)}
    for op, f in reductions.items():
        for axis in (-1, 0, 1):
            for keep in (True, False):
                g = ignore_sizes(lambda x, f=f, axis=axis, keep=keep: f(x, axis, keepdim=keep))
                a(f"{op} axis {axis}{' kept' if keep else ''}", op, [Input(bt)], g, {"axis": axis, "keepDims": keep}, TIMES)
    for op in ("max", "sum"):
        whole = Input([3, 5], integers(-99, 99), "int64")
        a(f"{op} of int64", op, [whole], ignore_sizes(lambda x, op=op: reductions[op](x, -1, keepdim=False)), {"axis": -1, "keepDims": False})
    for axis in (-1, 0, 1):
        a(f"argMax axis {axis}", "argMax", [Input(bt)], first_max(axis), {"axis": axis}, TIMES)
    few = Input(["batch", "time", 8], integers(0, 3))
    a("argMax with ties", "argMax", [few], first_max(-1), {"axis": -1}, TIMES)
    a("argMax with ties along time", "argMax", [few], first_max(1), {"axis": 1}, TIMES)
    a("argMax of equal values", "argMax", [Input([2, 40], lambda s: np.full(s, -1.5))], first_max(-1), {"axis": -1})
    def lowest(k):
        def f(_, x):
            order = np.argsort(x.numpy(), -1, kind="stable")[..., :k]
            return torch.from_numpy(np.take_along_axis(x.numpy(), order, -1)), torch.from_numpy(order)
        return f
    for k in (1, 2, 5):
        a(f"smallest {k}", "smallest", [Input(bt)], lowest(k), {"k": k}, TIMES)
        a(f"smallest {k} with ties", "smallest", [few], lowest(k), {"k": k}, TIMES)
    a("smallest 2 of many equal values", "smallest", [Input([3, 200], lambda s: np.full(s, 4.0))], lowest(2), {"k": 2})
    a("smallest 2 of many values with ties", "smallest", [Input([2, 300], integers(0, 20))], lowest(2), {"k": 2})


def training():
    """What gradients and losses need beyond the networks."""
    a = lambda *args, **kw: case("training", *args, **kw)
    bt = ["batch", "time", 4]
    a("sign", "sign", [Input([5], values=[-2, -0.0, 0, 1e-30, 3])], ignore_sizes(torch.sign))
    a("erf", "erf", [Input(bt, uniform(-4, 4))], ignore_sizes(torch.erf), sizes=TIMES)
    a("detach", "detach", [Input(bt)], ignore_sizes(lambda x: x.clone()), sizes=TIMES)
    a("size of a dynamic axis", "size", [Input(bt)], lambda s, x: torch.tensor(2.0 * s["time"] + 1), {"dim": "2*time+1"}, TIMES)
    for start, step, count in ((0, 1, "time"), (1, 2, 2), (2, 1, "time-3")):
        f = lambda s, x, start=start, step=step, count=count: x[:, start :: step][:, : resolve_one(count, s)]
        a(f"stride {step} from {start}", "stride", [Input(bt)], f, {"axis": 1, "start": start, "step": step, "count": count}, TIMES)
    for lead in (["time"], ["batch", "time"]):
        f = ignore_sizes(lambda x, y: 0.5 * x.reshape(-1, x.shape[-1]).T @ y.reshape(-1, y.shape[-1]))
        a(f"rowProducts over {lead}", "rowProducts", [Input([*lead, 3]), Input([*lead, 5])], f, {"alpha": 0.5}, TIMES)
    def scatter(axis, size):
        def f(s, values, index):
            n, rank = resolve_one(size, s), index.dim()
            shape = [*values.shape[:axis], n, *values.shape[axis + rank :]]
            flat = values.reshape(*values.shape[:axis], -1, *values.shape[axis + rank :])
            return torch.zeros(shape, dtype=values.dtype).index_add(axis, index.reshape(-1).long(), flat)
        return f
    few = lambda kind, *shape: Input(shape, integers(0, 3), kind)
    a("scatterRows", "scatterRows", [Input(["time", 4]), few("int32", "time")], scatter(0, 7), {"axis": 0, "size": 7}, TIMES)
    a("scatterRows by a matrix of int64", "scatterRows", [Input(bt), few("int64", "batch", "time")], scatter(0, "time+1"), {"axis": 0, "size": "time+1"}, TIMES)
    a("scatterRows along the middle", "scatterRows", [Input(bt), few("int32", "time")], scatter(1, 3), {"axis": 1, "size": 3}, TIMES)
    many = Input([4000], integers(0, 3), "int32")
    a("scatterRows of many duplicates", "scatterRows", [Input([4000, 1], integers(-3, 4)), many], scatter(0, 3), {"axis": 0, "size": 3})
    def cross(_, h, table, labels):
        logits = (h.reshape(-1, h.shape[-1]) @ table.T)
        flat, p = labels.reshape(-1).long(), logits.softmax(-1)
        kept = flat >= 0
        losses = F.cross_entropy(logits, flat.clamp(min=0), reduction="none") * kept
        hit = (logits.argmax(-1) == flat) & kept
        return losses.reshape(labels.shape), p, hit.double().reshape(labels.shape)
    labels = Input(["batch", "time"], lambda size: np.where(RANDOM.random(size) < 0.2, -100, RANDOM.integers(0, 9, size)), "int32")
    a("linearCrossEntropy", "linearCrossEntropy", [Input(bt), weight(9, 4), labels], cross, sizes=TIMES)
    far = Input([1, 2], values=[300, -300])
    a("linearCrossEntropy of a label far below", "linearCrossEntropy", [far, Input([2, 2], values=[1, 0, 0, 1]), Input([1], values=[1], dtype="int32")], cross)
    def ctc(_, logits, labels, lengths):
        logits.requires_grad_()
        rows = logits.log_softmax(-1).transpose(0, 1)
        losses = F.ctc_loss(rows, labels.clamp(min=0).long(), lengths.long(), (labels >= 0).sum(1), reduction="none", zero_infinity=True)
        (slopes,) = torch.autograd.grad(losses.sum(), logits)
        return losses.detach(), slopes
    spelling = lambda *rows: Input([len(rows), len(rows[0])], values=rows, dtype="int32", constant=True)
    whole = lambda *values: Input([len(values)], values=values, dtype="int32")
    said = lambda size: np.where(np.arange(size[1]) < RANDOM.integers(1, size[1] + 1, (size[0], 1)), RANDOM.integers(1, 5, size), -1)
    lengths = Input(["batch"], lambda size: RANDOM.integers(4, 6, size), "int32")
    a("ctcLoss", "ctcLoss", [Input(["batch", "time", 5]), Input(["batch", "length"], said, "int32"), lengths], ctc,
      sizes=[{"batch": 1, "time": 9, "length": 4}, {"batch": 3, "time": 5, "length": 2}])
    rows = spelling([1, 1, 1], [1, 2, 1], [2, -1, -1], [-1, -1, -1], [1, 1, 2], [1, 2, 3], [3, 3, -1])
    a("ctcLoss of repetitions, of no label, of labels that hardly or do not fit", "ctcLoss", [Input([7, 6, 4]), rows, whole(6, 6, 2, 4, 4, 3, 2)], ctc)
    a("ctcLoss of one frame", "ctcLoss", [Input([4, 1, 3]), spelling([1], [-1], [2], [1]), whole(1, 1, 1, 0)], ctc)
    sure = Input([2, 40, 3], lambda size: 30 * RANDOM.standard_normal(size))
    a("ctcLoss of sure logits", "ctcLoss", [sure, spelling([1, 2, 1, 1], [2, -1, -1, -1]), whole(40, 33)], ctc)


for make in (elementwise, shape, linear, reduce):
    make()
# a generator of its own: the other files stay as they are
RANDOM, others = np.random.default_rng(20251), RANDOM
training()
RANDOM = others
OUT.mkdir(parents=True, exist_ok=True)
for family, made in cases.items():
    rows = ",\n".join(json.dumps(c, separators=(",", ":")) for c in made)
    text = f'{{"torch":"{torch.__version__.split("+")[0]}","numpy":"{np.__version__}","cases":[\n{rows}\n]}}\n'
    (OUT / f"{family}.json").write_text(text)
    print(f"{family}: {len(made)} cases, {len(text)} bytes")

halves = np.arange(65536, dtype=np.uint16)
samples = np.concatenate([
    RANDOM.standard_normal(400), RANDOM.uniform(-1e-4, 1e-4, 200), RANDOM.uniform(-7e4, 7e4, 200), RANDOM.uniform(-1e-7, 1e-7, 100),
    [0, -0.0, 65504, 65519.996, 65520, -65520, 1e30, 2**-24, 2**-25, 3 * 2**-26, 2**-26, 1.5 * 2**-24, 2.5 * 2**-24, 6.0975552e-5, 6.1035156e-5, 1e-40],
    1 + np.arange(64) * 2.0**-12, 2048 + np.arange(16) * 0.5,
]).astype(np.float32)
with np.errstate(over="ignore"):
    rounded = samples.astype(np.float16).view(np.uint16)
checksum = int(np.bitwise_xor.reduce(halves.view(np.float16).astype(np.float32).view(np.uint32) * (2 * halves.astype(np.uint32) + 1) * (~np.isnan(halves.view(np.float16)))))
bfloat = torch.from_numpy(samples).to(torch.bfloat16)
half = {
    "numpy": np.__version__,
    "floatBits": samples.view(np.uint32).tolist(),
    "halfBits": rounded.tolist(),
    "bfloatBits": (bfloat.view(torch.int16).numpy().astype(np.int64) & 0xFFFF).tolist(),
    "bfloatAsFloatBits": bfloat.float().numpy().view(np.uint32).tolist(),
    "allHalvesXor": checksum,
}
(OUT / "float16.json").write_text(json.dumps(half, separators=(",", ":")) + "\n")
