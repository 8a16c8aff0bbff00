"""What every variant of a Block is: another Block that computes the same with the same parameters.

A variant owns no parameter and has no children of its own: names, files and values are its subject's, so saving,
loading, ``Trainer`` and in-place updates act on all variants at once.
"""

from collections.abc import Callable, Iterator
from typing import Any

from mxnet import gluon
from mxnet.gluon.utils import _check_all_np_ndarrays
from mxnet.util import is_np_array


class Variant(gluon.Block):
    """What all variants share: the structure of ``subject``, seen from outside."""

    def __init__(self, subject: gluon.Block) -> None:
        super().__init__(prefix=subject.prefix, params=subject.params)
        self.__dict__["subject"] = subject  # past Block.__setattr__, which would make it a child

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """As ``Block.__call__``, and with keyword arguments."""
        if named or self._forward_pre_hooks or self._forward_hooks:
            return self._call_with_hooks(inputs, named)
        result = self.forward(*inputs)
        if is_np_array():
            _check_all_np_ndarrays(result)
        return result

    def _call_with_hooks(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Hooks see the positional arguments, as those of a Block do."""
        for hook in self._forward_pre_hooks.values():
            hook(self, inputs)
        result = self.forward(*inputs, **named)
        for hook in self._forward_hooks.values():
            hook(self, inputs, result)
        if is_np_array():
            _check_all_np_ndarrays(result)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what is unpickled, is a variant of a copy of the subject, and generates anew at its first call."""
        return type(self), (self.subject, *self._options())

    def _options(self) -> tuple[Any, ...]:
        """What the constructor takes after the subject."""
        return ()

    @property
    def params(self) -> gluon.ParameterDict:
        """The subject's own parameters, without those of its children."""
        return self.subject.params

    def collect_params(self, select: str | None = None) -> gluon.ParameterDict:
        """The subject's parameters, those of its children included."""
        return self.subject.collect_params(select)

    def _collect_params_with_prefix(self, prefix: str = "") -> dict[str, gluon.Parameter]:
        parameters: dict[str, gluon.Parameter] = self.subject._collect_params_with_prefix(prefix)
        return parameters

    def cast(self, dtype: Any) -> None:
        """Cast the subject; what was generated for another dtype is generated anew."""
        self.subject.cast(dtype)
        self.regenerate()

    def apply(self, function: Callable[[gluon.Block], Any]) -> "Variant":
        """Apply ``function`` to every block of the subject."""
        self.subject.apply(function)
        return self

    def hybridize(self, active: bool = True, **flags: Any) -> None:
        """A variant is already what it is: hybridizing a network that holds it leaves it alone."""

    def regenerate(self) -> None:
        """Generate anew at the next call, for a subject whose attributes or children have changed."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "subject" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.__dict__["subject"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        """What the subject has is set there, and what was generated before is forgotten."""
        subject = self.__dict__.get("subject")
        if subject is None or name in self.__dict__ or not hasattr(subject, name):
            super().__setattr__(name, value)
        else:
            setattr(subject, name, value)
            self.regenerate()

    def __getitem__(self, key: Any) -> Any:
        return self.subject[key]

    def __len__(self) -> int:
        return len(self.subject)

    def __bool__(self) -> bool:
        return bool(self.subject)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.subject)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.subject!r})"
