"""The gate's verdicts, on blocks that are drawn here or written down."""
