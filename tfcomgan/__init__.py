"""ComGAN and DS-ComGAN (Ding et al., NeurIPS 2022) in TensorFlow and Keras 3."""

from tfcomgan.version import __version__  # noqa: F401


def load(run):
    """A trained model, to segment pictures and generate scenes; see `tfcomgan.api`."""
    from tfcomgan import api  # --help must not wait for NumPy.

    return api.load(run)
