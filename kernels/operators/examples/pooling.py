"""Examples of pooling."""

from mxnet import nd

from . import Examples, Input, below, halves

POOLS = {
    f"{kind}": lambda x, kind=kind: nd.Pooling(x, global_pool=True, pool_type=kind, kernel=(1,) * (x.ndim - 2))
    for kind in ("avg", "max", "sum")
} | {
    f"lp {exponent}": lambda x, exponent=exponent: nd.Pooling(
        x, global_pool=True, pool_type="lp", p_value=exponent, kernel=(1,) * (x.ndim - 2)
    )
    for exponent in (1, 2, 3)
}

EXAMPLES = {
    "of rows": Examples(
        {"x": Input(2, 4)},
        POOLS | {"avg NWC": lambda x: nd.Pooling(x, global_pool=True, pool_type="avg", layout="NWC")},
    ),
    "of images": Examples(
        {"x": Input(2, 2, 3)},
        POOLS
        | {
            "_contrib_AdaptiveAvgPooling2D": lambda x: nd.contrib.AdaptiveAvgPooling2D(x),
            "UpSampling": lambda x: nd.UpSampling(x, scale=2, sample_type="nearest"),
        },
        refused={
            "windows": lambda x: nd.Pooling(x, kernel=(2, 2), pool_type="avg"),
            "_contrib_AdaptiveAvgPooling2D of 2": lambda x: nd.contrib.AdaptiveAvgPooling2D(x, output_size=2),
        },
    ),
    "of nothing but zeros": Examples(
        {"x": Input(2, 2, numbers=below(1))}, {"lp 2": POOLS["lp 2"], "lp 3": POOLS["lp 3"]}
    ),
    "of volumes": Examples({"x": Input(2, 2, 1, 2)}, POOLS, batches=(2,)),
    "of ties": Examples({"x": Input(2, 5, numbers=halves)}, {"sum": POOLS["sum"], "avg": POOLS["avg"]}),
}
