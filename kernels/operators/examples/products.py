"""Examples of matrix products and the fully connected layer."""

from mxnet import nd

from . import Examples, Input, Parameter

EXAMPLES = {
    "dot": Examples(
        {"x": Input(4), "w": Parameter(4, 3), "v": Parameter(2, 4), "c": Parameter(4)},
        {
            "two matrices": lambda x, w: nd.dot(x, w),
            "second transposed": lambda x, v: nd.dot(x, v, transpose_b=True),
            "both transposed": lambda x, w: nd.dot(w, x, transpose_a=True, transpose_b=True),
            "summed over the batch": lambda x: nd.dot(x, x, transpose_a=True),
            "with a vector": lambda x, c: nd.dot(x, c),
            "two vectors": lambda c: nd.dot(c, c),
            "a vector first": lambda w, c: nd.dot(c, w),
        },
    ),
    "dot of higher ranks": Examples(
        {"x": Input(2, 4), "w": Parameter(4, 3), "u": Parameter(4, 2, 3)},
        {
            "3 by 2": lambda x, w: nd.dot(x, w),
            "3 by 3": lambda x, u: nd.dot(x, u),
            "2 by 3": lambda x, u: nd.dot(x.reshape((-1, 4)), u),
            "3 by 2, transposed": lambda x, w: nd.dot(x, w.T, transpose_b=True),
        },
    ),
    "dot of width 1": Examples(
        {"x": Input(1), "w": Parameter(1, 3), "v": Parameter(1, 1), "b": Parameter(3)},
        {
            "1 by 3": lambda x, w, b: nd.dot(x, w) + b,
            "1 by 1": lambda x, v: nd.dot(x, v),
            "to 1": lambda x, w: nd.dot(nd.dot(x, w), w, transpose_b=True),
        },
    ),
    "dot in float64": Examples(
        {"x": Input(4), "w": Parameter(4, 3)}, {"two matrices": lambda x, w: nd.dot(x, w)}, dtype="float64"
    ),
    "batch_dot": Examples(
        {"x": Input(3, 3), "y": Input(3, 3)},
        {
            "as they are": lambda x, y: nd.batch_dot(x, y),
            "first transposed": lambda x, y: nd.batch_dot(x, y, transpose_a=True),
            "second transposed": lambda x, y: nd.batch_dot(x, y, transpose_b=True),
            "both transposed": lambda x, y: nd.batch_dot(x, y, transpose_a=True, transpose_b=True),
        },
    ),
    "batch_dot of rectangles": Examples(
        {"x": Input(2, 4), "y": Input(4, 3)}, {"2 by 4 by 3": lambda x, y: nd.batch_dot(x, y)}
    ),
    "batch_dot of rows": Examples(
        {"x": Input(1, 4), "y": Input(4, 1)}, {"a row by a column": lambda x, y: nd.batch_dot(x, y)}
    ),
    "dense": Examples(
        {"x": Input(4), "weight": Parameter(3, 4), "bias": Parameter(3)},
        {
            "with bias": lambda x, weight, bias: nd.FullyConnected(x, weight, bias, num_hidden=3),
            "without bias": lambda x, weight: nd.FullyConnected(x, weight, num_hidden=3, no_bias=True),
        },
    ),
    "dense, three axes": Examples(
        {"x": Input(2, 4), "weight": Parameter(3, 4), "wide": Parameter(3, 8), "bias": Parameter(3)},
        {
            "kept": lambda x, weight, bias: nd.FullyConnected(x, weight, bias, num_hidden=3, flatten=False),
            "flattened": lambda x, wide, bias: nd.FullyConnected(x, wide, bias, num_hidden=3),
            "flattened without bias": lambda x, wide: nd.FullyConnected(x, wide, num_hidden=3, no_bias=True),
        },
    ),
    "linalg": Examples(
        {"x": Input(3, 3), "y": Input(3, 3), "z": Input(3, 3)},
        {
            "_linalg_gemm2": lambda x, y: nd.linalg.gemm2(x, y),
            "_linalg_gemm2 transposed": lambda x, y: nd.linalg.gemm2(x, y, transpose_a=True, alpha=0.3),
            "_linalg_gemm2 transposed both": lambda x, y: nd.linalg.gemm2(x, y, transpose_a=True, transpose_b=True),
            "_linalg_gemm2 along axis 0": lambda x, y: nd.linalg.gemm2(x, y, axis=0, transpose_b=True),
            "_linalg_gemm": lambda x, y, z: nd.linalg.gemm(x, y, z),
            "_linalg_gemm scaled": lambda x, y, z: nd.linalg.gemm(x, y, z, transpose_b=True, alpha=2, beta=-0.5),
            "_linalg_syrk": lambda x: nd.linalg.syrk(x, alpha=0.5),
            "_linalg_syrk transposed": lambda x: nd.linalg.syrk(x, transpose=True),
        },
        dtype="float64",
    ),
}
