"""The one place that loads tensorflow-gan.

TF-GAN 2.1 imports parts that rest on tf.estimator, which TensorFlow no longer has.
Empty stand-ins for those two packages let its losses and metrics load unharmed.
"""

import sys
import types

for _name in ("estimator", "train"):
    _module = types.ModuleType(f"tensorflow_gan.python.{_name}")
    _module.__all__ = []
    sys.modules.setdefault(_module.__name__, _module)

from tensorflow_gan.python import eval, losses  # noqa: A004, E402

__all__ = ["eval", "losses"]
