"""Put functions of our own in front of the library's entry points, for a while."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mxnet.base import _LIB

_LOCK = threading.RLock()


@contextmanager
def wrapped(watchers: dict[str, Callable[..., Callable[..., int]]]) -> Iterator[None]:
    """Put watchers in front of the library's entry points, for calls from this thread only."""
    thread = threading.get_ident()
    with _LOCK:
        originals = {name: getattr(_LIB, name) for name in watchers}

        def guard(original: Callable[..., int], watched: Callable[..., int]) -> Callable[..., int]:
            return lambda *arguments: (watched if threading.get_ident() == thread else original)(*arguments)

        for name, watcher in watchers.items():
            setattr(_LIB, name, guard(originals[name], watcher(originals[name])))
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(_LIB, name, original)
