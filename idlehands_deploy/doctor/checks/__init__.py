"""The checks of `doctor`: facts in, findings out. Pure, one module per subject."""
