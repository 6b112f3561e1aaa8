"""Training on transformers.Trainer: examples in, a model folder out."""

from cacre.training.run import TrainingResult, train

__all__ = ["TrainingResult", "train"]
