"""The network, the pretrained encoders it is built on, and the model folder."""
