"""Examples of operators that draw random numbers.

The tests give every way to run them the same seed, and MXNet the same numbers.  Dropout does not draw as MXNet's own
does, so its examples drop nothing; which elements it drops is for tests/kernels/test_training.py.
"""

from mxnet import nd

from . import Examples, Input

EXAMPLES = {
    "random numbers": Examples(
        {"x": Input(3)},
        {
            "uniform": lambda x: x * nd.random.uniform(-1, 2, shape=x.shape, dtype=x.dtype),
            "normal": lambda x: x * nd.random.normal(1, 0.5, shape=x.shape, dtype=x.dtype),
            "exponential": lambda x: x * nd.random.exponential(2, shape=x.shape, dtype=x.dtype),
            "gamma": lambda x: x * nd.random.gamma(2, 3, shape=x.shape, dtype=x.dtype),
            "poisson": lambda x: x * nd.random.poisson(4, shape=x.shape, dtype=x.dtype),
            "negative binomial": lambda x: x * nd.random.negative_binomial(4, 0.5, shape=x.shape, dtype=x.dtype),
            "generalized negative binomial": lambda x: (
                x * nd.random.generalized_negative_binomial(2, 0.3, shape=x.shape, dtype=x.dtype)
            ),
            "fixed shape": lambda x: nd.broadcast_mul(x, nd.random.normal(shape=(1, 3))),
        },
    ),
    "random numbers like others": Examples(
        {"x": Input(3)},
        {
            "uniform_like": lambda x: x * nd.random.uniform_like(x, -1, 2),
            "normal_like": lambda x: x * nd.random.normal_like(x, 1, 0.5),
            "exponential_like": lambda x: x * nd.random.exponential_like(x, 2),
            "gamma_like": lambda x: x * nd.random.gamma_like(x, 2, 3),
            "poisson_like": lambda x: x * nd.random.poisson_like(x, 4),
            "negative_binomial_like": lambda x: x * nd.random.negative_binomial_like(x, 4, 0.5),
            "generalized_negative_binomial_like": lambda x: x * nd.random.generalized_negative_binomial_like(x, 2, 0.3),
        },
    ),
    "masks that drop nothing": Examples(
        {"x": Input(3, 2)},
        {
            "Dropout": lambda x: nd.Dropout(x, p=1e-9) * 2,
            "Dropout axes=(0,)": lambda x: nd.Dropout(x, p=1e-9, axes=(0,)) * 2,
            "Dropout axes=(1, 2)": lambda x: nd.Dropout(x, p=1e-9, axes=(1, 2)) * 2,
            "Dropout mode=always": lambda x: nd.Dropout(x, p=1e-9, mode="always") * 2,
            "Dropout p=0": lambda x: nd.Dropout(x, p=0) * 2,
        },
    ),
}
