"""Examples of normalisation by statistics that training keeps running; how they move is tested elsewhere."""

from typing import Any

from mxnet import nd

from . import Call, Examples, Input, Parameter


def batch_norm(**options: Any) -> Call:
    """Batch statistics, as training has them."""
    return lambda x, gamma, beta, mean, variance: nd.BatchNorm(x, gamma, beta, mean, variance, **options)


def global_norm(**options: Any) -> Call:
    """The running statistics, with a variance that is positive; MXNet fails where one is computed from a parameter."""
    return lambda x, gamma, beta, mean: nd.BatchNorm(
        x, gamma, beta, mean, nd.full((3,), 1.5, dtype=x.dtype), use_global_stats=True, **options
    )


def channels(count: int) -> dict[str, Parameter]:
    """The four arrays of so many channels."""
    return {name: Parameter(count, single=True) for name in ("gamma", "beta", "mean", "variance")}


EXAMPLES = {
    "batch normalisation": Examples(
        {"x": Input(3, 2), **channels(3)},
        {
            "BatchNorm": batch_norm(),
            "BatchNorm fix_gamma=False": batch_norm(fix_gamma=False, eps=1e-5),
            "BatchNorm output_mean_var": batch_norm(fix_gamma=False, output_mean_var=True),
            "SyncBatchNorm": lambda x, gamma, beta, mean, variance: nd.contrib.SyncBatchNorm(
                x, gamma, beta, mean, variance, key="example", fix_gamma=False
            ),
        },
        {
            "SyncBatchNorm ndev=2": lambda x, gamma, beta, mean, variance: nd.contrib.SyncBatchNorm(
                x, gamma, beta, mean, variance, key="examples", ndev=2
            ),
        },
        batches=(5, 2),
    ),
    "normalisation by running statistics": Examples(  # apart: the other groups move them
        {"x": Input(3, 2), **channels(3)},
        {
            "BatchNorm use_global_stats": global_norm(),
            "BatchNorm use_global_stats fix_gamma=False": global_norm(fix_gamma=False, output_mean_var=True),
        },
    ),
    "batch normalisation, last axis": Examples(
        {"x": Input(2, 4), **channels(4)},
        {"BatchNorm axis=-1": batch_norm(axis=-1, fix_gamma=False), "BatchNorm axis=2": batch_norm(axis=2)},
        dtype="float64",
    ),
    "batch normalisation of vectors": Examples(
        {"x": Input(4), **channels(4)}, {"BatchNorm of vectors": batch_norm(fix_gamma=False)}, batches=(6,)
    ),
}
