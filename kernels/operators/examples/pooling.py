"""Examples of pooling."""

from mxnet import nd

from . import Examples, Input, halves

POOLS = {
    f"{kind}": lambda x, kind=kind: nd.Pooling(x, global_pool=True, pool_type=kind, kernel=(1,) * (x.ndim - 2))
    for kind in ("avg", "max", "sum")
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
    "of volumes": Examples({"x": Input(2, 2, 1, 2)}, POOLS, batches=(2,)),
    "of ties": Examples({"x": Input(2, 5, numbers=halves)}, {"sum": POOLS["sum"], "avg": POOLS["avg"]}),
}
