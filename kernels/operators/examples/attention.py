"""Examples of the products of multi-head attention."""

from mxnet import nd

from . import Examples, Input, Parameter

EXAMPLES = {
    "of two heads": Examples(
        {"x": Input(2, 12), "queries": Input(2, 4), "pair": Parameter(3, 2, 8)},
        {
            "self scores": lambda x: nd.contrib.interleaved_matmul_selfatt_qk(x, heads=2),
            "self": lambda x: nd.contrib.interleaved_matmul_selfatt_valatt(
                x, nd.softmax(nd.contrib.interleaved_matmul_selfatt_qk(x, heads=2)), heads=2
            ),
            "cross scores": lambda queries, pair: nd.contrib.interleaved_matmul_encdec_qk(queries, pair, heads=2),
            "cross": lambda queries, pair: nd.contrib.interleaved_matmul_encdec_valatt(
                pair, nd.contrib.interleaved_matmul_encdec_qk(queries, pair, heads=2), heads=2
            ),
            "_contrib_div_sqrt_dim": lambda x: nd.contrib.div_sqrt_dim(x),
        },
    ),
}
