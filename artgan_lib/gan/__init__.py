"""Model training: networks, losses, checkpoints and the loop. Knows no data set and no metric."""
