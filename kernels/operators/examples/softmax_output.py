"""Examples of SoftmaxOutput: of classes, with one to ignore, and of probabilities."""

from mxnet import nd

from . import Call, Examples, Input, below


def each(attributes: dict[str, dict[str, object]], **common: object) -> dict[str, Call]:
    """SoftmaxOutput of x and its labels, with each row of attributes."""
    return {
        f"SoftmaxOutput {name}": lambda x, labels, row=row: nd.SoftmaxOutput(x, nd.BlockGrad(labels), **common, **row)
        for name, row in attributes.items()
    }


CLASSES: dict[str, dict[str, object]] = {
    "plain": {},
    "scaled": {"grad_scale": 0.3, "normalization": "batch"},
    "of those that count": {"normalization": "valid", "use_ignore": True, "ignore_label": 2, "grad_scale": 0.7},
    "by those that count": {"normalization": "valid", "ignore_label": 1},
    "without one": {"use_ignore": True, "ignore_label": 1.4},
    "smoothed": {"smooth_alpha": 0.3, "use_ignore": True, "ignore_label": 3},
}
SHARES = {name: CLASSES[name] for name in ("plain", "scaled")}

EXAMPLES = {
    "of rows": Examples({"x": Input(4), "labels": Input(numbers=below(5))}, each(CLASSES)),
    "of rows that are all ignored": Examples(
        {"x": Input(4), "labels": Input(numbers=below(1))},
        each({"of none": {"normalization": "valid", "use_ignore": True, "ignore_label": 0}}),
    ),
    "along the last axis": Examples(
        {"x": Input(3, 4), "labels": Input(3, numbers=below(4))}, each(CLASSES, preserve_shape=True)
    ),
    "along axis 1": Examples(
        {"x": Input(4, 3), "labels": Input(3, numbers=below(4))}, each(CLASSES, multi_output=True)
    ),
    "along axis 1 of images": Examples(
        {"x": Input(4, 3, 2), "labels": Input(6, numbers=below(4))}, each(CLASSES, multi_output=True)
    ),
    "of probabilities": Examples({"x": Input(4), "labels": Input(4)}, each(SHARES)),
    "of probabilities of more axes": Examples(
        {"x": Input(3, 4), "labels": Input(3, 4)},
        {
            **each(SHARES),
            **each({"along axis 1": {"multi_output": True}, "along the last axis": {"preserve_shape": True}}),
        },
    ),
    "of classes of rows with more axes": Examples(
        {"x": Input(3, 4), "labels": Input(3, numbers=below(4))},
        each({"along the last axis again": {"preserve_shape": True}}),
        refused=each({"of both axes": {}, "times the head": {"preserve_shape": True, "out_grad": True}}),
    ),
}
