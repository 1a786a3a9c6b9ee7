"""Azure Machine Learning jobs."""
