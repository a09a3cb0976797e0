"""How each operation with complex numbers is written with real ones.

A rule takes an operation of the graph and its inputs, each a `Pair` where it was complex and a real
tensor else, and returns the outputs in the same manner.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from ris_tf.interop.factorizations import cholesky, eigenvalues, orthonormal, triangular_solve
from ris_tf.interop.operations import repeated
from ris_tf.interop.pairs import Pair

Rule = Callable[..., list[Any]]


class InexpressibleError(Exception):
    """There is no rule for an operation with these attributes."""


# Real and imaginary parts go through these alone; inputs that are real are shared.
# fmt: off
PARTWISE = frozenset({
    "Add", "AddN", "AddV2", "BroadcastTo", "ConcatV2", "Cumsum", "ExpandDims", "Fill",
    "GatherNd", "GatherV2", "Identity", "IdentityN", "MatrixDiagPartV3", "MatrixDiagV3",
    "MatrixSetDiagV3", "Mean", "MirrorPad", "Neg", "Pack", "Pad", "PadV2", "PreventGradient",
    "Reshape", "ReverseV2", "Roll", "Select", "SelectV2", "Slice", "Snapshot", "Split",
    "SplitV", "Squeeze", "StopGradient", "StridedSlice", "Sub", "Sum", "Tile", "Transpose",
    "Unpack", "ZerosLike",
})
# fmt: on
SHAPES = frozenset({"Rank", "Shape", "Size"})  # ask the real part


def partwise(operation: tf.Operation, *inputs: Any) -> list[Any]:
    """The same operation of real and of imaginary parts."""
    re = carried_out(operation, [x.re if isinstance(x, Pair) else x for x in inputs])
    im = carried_out(operation, [x.im if isinstance(x, Pair) else x for x in inputs])
    return [Pair(*parts) for parts in zip(re, im, strict=True)]


def carried_out(operation: tf.Operation, inputs: Sequence[Any]) -> list[Any]:
    """A real operation, by its rule where it has one."""
    rule = REAL.get(operation.type)
    return rule(operation, *inputs) if rule else repeated(operation, inputs)


def _square(operation: tf.Operation, x: Pair) -> list[Any]:
    return [x * x]


def _mul(operation: tf.Operation, a: Pair, b: Pair) -> list[Any]:
    return [a * b]


def _divided(operation: tf.Operation, a: Pair, b: Pair) -> list[Any]:
    return [a.divided(b)]


def _reciprocal(operation: tf.Operation, x: Pair) -> list[Any]:
    return [x.conj().scaled(1 / x.power())]


def _power(operation: tf.Operation, x: Pair, exponent: Pair) -> list[Any]:
    if tf.get_static_value(exponent.re) != 2 or tf.get_static_value(exponent.im) != 0:
        raise InexpressibleError
    return [x * x]


def _exp(operation: tf.Operation, x: Pair) -> list[Any]:
    return [Pair(tf.cos(x.im), tf.sin(x.im)).scaled(tf.exp(x.re))]


def _cast(operation: tf.Operation, x: Any) -> list[Any]:
    kind = operation.get_attr("DstT")
    if not kind.is_complex:
        return [tf.cast(x.re, kind)]
    if isinstance(x, Pair):
        return [Pair(*(tf.cast(part, kind.real_dtype) for part in x))]
    re = tf.cast(x, kind.real_dtype)
    return [Pair(re, tf.zeros_like(re))]


def _matmul(operation: tf.Operation, a: Pair, b: Pair) -> list[Any]:
    if operation.type == "MatMul":
        turned = [operation.get_attr(f"transpose_{name}") for name in "ab"]
        a, b = (x.transposed() if t else x for x, t in zip((a, b), turned, strict=True))
    else:
        turned = [operation.get_attr(f"adj_{name}") for name in "xy"]
        a, b = (x.adjoint() if t else x for x, t in zip((a, b), turned, strict=True))
    return [a @ b]


def _einsum(operation: tf.Operation, *inputs: Pair) -> list[Any]:
    equation = operation.get_attr("equation").decode()
    if len(inputs) == 1:
        return [Pair(*(tf.einsum(equation, part) for part in inputs[0]))]
    a, b = inputs

    def of(left: Any, right: Any) -> Any:
        return tf.einsum(equation, left, right)

    return [Pair(of(a.re, b.re) - of(a.im, b.im), of(a.re, b.im) + of(a.im, b.re))]


def _conjugate_transpose(operation: tf.Operation, x: Pair, order: Any) -> list[Any]:
    return [Pair(tf.transpose(x.re, order), -tf.transpose(x.im, order))]


def _complex(operation: tf.Operation, re: Any, im: Any) -> list[Any]:
    return [Pair(re + tf.zeros_like(im), im + tf.zeros_like(re))]  # it broadcasts


def _fourier(operation: tf.Operation, x: Pair) -> list[Any]:
    size = x.size
    turns = np.outer(np.arange(size), np.arange(size)) % size * (2 * np.pi / size)
    sign, scale = (1, 1 / size) if operation.type == "IFFT" else (-1, 1)
    matrix = Pair(
        *(tf.constant(scale * w, tf.float32) for w in (np.cos(turns), sign * np.sin(turns)))
    )
    row = Pair(*(part[..., None, :] for part in x))
    return [(row @ matrix)[..., 0, :]]


def _cholesky(operation: tf.Operation, matrix: Pair) -> list[Any]:
    return [cholesky(matrix)]


def _solve(operation: tf.Operation, triangle: Pair, right: Pair) -> list[Any]:
    lower = operation.get_attr("lower")
    if operation.get_attr("adjoint"):
        triangle, lower = triangle.adjoint(), not lower
    return [triangular_solve(triangle, right, lower)]


def _qr(operation: tf.Operation, matrix: Pair) -> list[Any]:
    rows, columns = matrix.re.shape[-2:]
    if columns > rows or (columns < rows and operation.get_attr("full_matrices")):
        raise InexpressibleError
    basis = orthonormal(matrix)
    return [basis, basis.adjoint() @ matrix]


def _eigenvalues(operation: tf.Operation, matrix: Pair) -> list[Any]:
    if operation.get_attr("compute_v"):
        raise InexpressibleError
    values = eigenvalues(matrix)
    vectors = Pair(*(part[..., :0, :0] for part in matrix))
    return [Pair(values, tf.zeros_like(values)), vectors]


COMPLEX: dict[str, Rule] = {
    "BatchMatMulV2": _matmul,
    "BatchMatMulV3": _matmul,
    "Cast": _cast,
    "Cholesky": _cholesky,
    "Complex": _complex,
    "ComplexAbs": lambda _, x: [tf.sqrt(x.power())],
    "Conj": lambda _, x: [x.conj()],
    "ConjugateTranspose": _conjugate_transpose,
    "Einsum": _einsum,
    "Exp": _exp,
    "FFT": _fourier,
    "IFFT": _fourier,
    "Imag": lambda _, x: [x.im],
    "MatMul": _matmul,
    "MatrixTriangularSolve": _solve,
    "Mul": _mul,
    "OnesLike": lambda _, x: [Pair(tf.ones_like(x.re), tf.zeros_like(x.re))],
    "Pow": _power,
    "Qr": _qr,
    "Real": lambda _, x: [x.re],
    "RealDiv": _divided,
    "Reciprocal": _reciprocal,
    "SelfAdjointEigV2": _eigenvalues,
    "Square": _square,
}


def _real_matrix(rule: Rule) -> Rule:
    """A rule of complex matrices, for real ones."""

    def of_real(operation: tf.Operation, *inputs: Any) -> list[Any]:
        pairs = [Pair(x, tf.zeros_like(x)) for x in inputs]
        return [x.re for x in rule(operation, *pairs)]

    return of_real


def _main_only(*offsets: Any) -> None:
    if any(np.any(tf.get_static_value(offset)) for offset in offsets):
        raise InexpressibleError


def _identity(x: Any) -> np.ndarray:
    return np.eye(x.shape[-1], dtype=x.dtype.as_numpy_dtype)


def _diagonal_of(operation: tf.Operation, x: Any, offset: Any, padding: Any) -> list[Any]:
    _main_only(offset, x.shape[-1] - x.shape[-2])
    return [tf.reduce_sum(x * _identity(x), axis=-1)]


def _diagonal(operation: tf.Operation, x: Any, offset: Any, *_: Any) -> list[Any]:
    _main_only(offset)
    return [x[..., None] * _identity(x)]


def _with_diagonal(operation: tf.Operation, x: Any, diagonal: Any, offset: Any) -> list[Any]:
    _main_only(offset, x.shape[-1] - x.shape[-2])
    return [tf.where(_identity(x) > 0, diagonal[..., None], x)]


# Eigen's rational function, of float32's precision between -4 and 4, beyond which it is 1.
ERF_NUMERATOR = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
ERF_DENOMINATOR = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03),
    *(-7.37332916720468e-03, -1.42647390514189e-02),
)


def _erf(operation: tf.Operation, x: Any) -> list[Any]:
    """TFLite has no error function, and gelu is made of it."""
    x = tf.clip_by_value(x, -4.0, 4.0)
    return [x * _polynomial(ERF_NUMERATOR, x * x) / _polynomial(ERF_DENOMINATOR, x * x)]


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """By Horner's rule, the highest power first."""
    value = tf.zeros_like(x)
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


REAL: dict[str, Rule] = {
    "Cholesky": _real_matrix(_cholesky),
    "Erf": _erf,
    "Erfc": lambda operation, x: [1 - _erf(operation, x)[0]],
    "MatrixDiagPartV3": _diagonal_of,
    "MatrixDiagV3": _diagonal,
    "MatrixSetDiagV3": _with_diagonal,
    "MatrixTriangularSolve": _real_matrix(_solve),
    "Qr": _real_matrix(_qr),
    "SelfAdjointEigV2": _real_matrix(_eigenvalues),
    "PreventGradient": lambda _, x: [x],
    "StopGradient": lambda _, x: [x],
}
