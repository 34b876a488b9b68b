"""ComGAN and DS-ComGAN (Ding et al., NeurIPS 2022) in TensorFlow and Keras 3."""

__version__ = "0.1.0"
