"""What is done once per machine."""


def prepare() -> None:
    """Compile what the numba variants of all layers share, so that no first call has to.  `make setup` does so."""
    import kernels

    kernels.prepare()
