"""Random graphs of MXNet operators, compared three ways: MXNet, the float64 oracle and the printed kernels.

``vocabulary`` says what can be called, ``graphs`` draws plans and runs them as Blocks, ``kernels_in_python`` runs the
generated source without compiling it (most graphs: milliseconds instead of seconds), ``verdict`` says what differs by
more than rounding can explain.
"""
