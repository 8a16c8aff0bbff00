"""Ways to find changes in series over commits, compared on series whose changes are known."""
