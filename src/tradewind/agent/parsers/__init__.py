"""What a line of training output says about progress and metrics."""
