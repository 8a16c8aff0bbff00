"""From what a person typed to a layer: a name in the catalogue, or a class of their own."""

import ast
from collections.abc import Sequence

from mxnet import gluon

from ._catalogue import load
from ._errors import LayerError
from ._input import Input, parse_inputs
from ._subject import Subject
from ._user_class import find, reference_of, why


def resolve(spec: str, arguments: Sequence[str] = (), shapes: Sequence[str] = ()) -> Subject:
    """The layer that ``spec`` names: ``MyDense``, ``path/to/file.py:Class`` or ``package.module:Class``.

    ``arguments`` are the constructor's, as text: ``8`` or ``units=8``, read as Python literals and kept as text
    where they are none.  ``shapes`` are those of the inputs, as ``parse_inputs`` reads them; a class
    needs them.
    Raises ``LayerError`` for a layer that cannot be found or built, and for a shape that it cannot take.
    """
    inputs = parse_inputs(shapes)[1] if shapes else ()
    where, colon, class_name = spec.rpartition(":")
    if not colon:
        return _from_catalogue(spec, arguments, shapes, inputs)
    if not inputs:
        raise LayerError(f"{spec} needs the shape of each of its inputs, batch first, such as 4,16")
    return _from_class(find(where, class_name), spec, arguments, inputs)


def _from_catalogue(name: str, arguments: Sequence[str], shapes: Sequence[str], inputs: tuple[Input, ...]) -> Subject:
    subject = load(name)
    if arguments:
        raise LayerError(
            f"the catalogue's {name} has its own sizes and takes no arguments ({' '.join(arguments)}); "
            "name a class, path/to/file.py:Class or package.module:Class, to give it some"
        )
    if inputs and inputs != subject.inputs:
        expected = " and ".join(str(one).replace(" ", "") for one in subject.inputs)
        raise LayerError(f"{name} takes an input of shape {expected}, not {' and '.join(shapes)}")
    return subject


def _from_class(layer: type[gluon.Block], spec: str, arguments: Sequence[str], inputs: tuple[Input, ...]) -> Subject:
    positional, named = _parse(arguments)

    def build() -> gluon.Block:
        return layer(*positional, **named)

    try:
        parameters = build()._collect_params_with_prefix()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # somebody else's code may do anything
        given = ", ".join(arguments)
        raise LayerError(f"{spec} cannot be built with the arguments ({given}): {why(error)}") from error
    return Subject(
        name=layer.__name__,
        build=build,
        inputs=inputs,
        parameters={name: tuple(parameter.shape or ()) for name, parameter in parameters.items()},
        reference=reference_of(layer),
        formula=(layer.__doc__ or "").strip().partition("\n")[0],
        source=spec,
    )


def _parse(arguments: Sequence[str]) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = []
    named: dict[str, object] = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not (equals and name.isidentifier()):
            positional.append(_literal(argument))
        elif name in named:
            raise LayerError(f"the argument {name!r} is given twice")
        else:
            named[name] = _literal(value)
    return positional, named


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
