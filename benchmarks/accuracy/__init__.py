"""How far the estimator is from what was measured, file by file."""
