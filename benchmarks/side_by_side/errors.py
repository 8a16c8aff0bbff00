"""What ends a gate without a verdict, as opposed to wrong usage (``CaseError``)."""


class CannotJudgeError(Exception):
    """The circumstances do not permit a verdict (exit code 3); the message is one sentence that says how to mend it."""


class ArmDeathError(Exception):
    """A measuring process died, hung or broke the protocol; ``side`` is ``base`` or ``head``."""

    def __init__(self, side: str, reason: str) -> None:
        super().__init__(reason)
        self.side = side
