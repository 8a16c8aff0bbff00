"""What goes wrong with results: as a whole, or in one entry of a file."""


class ReportError(ValueError):
    """A report cannot be made; the message is one sentence that names the file or value and how to mend it."""


class EntryError(ValueError):
    """One entry of an otherwise usable file is unusable; readers turn it into a problem and carry on."""
