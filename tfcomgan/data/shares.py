"""Which part of each batch a host reads, where several train together."""

from typing import NamedTuple

import tensorflow as tf


class Share(NamedTuple):
    """A host's part of each global batch.

    index: Of the part, in [0, count).
    count: Of parts, equally large.
    replicas: On this host; each takes as much of its part.
    """

    index: int = 0
    count: int = 1
    replicas: int = 1

    def places(self, batch_size: int) -> tuple[int, int]:
        """The first place of the part in the global batch, and the one after its last."""
        size = batch_size // self.count
        return self.index * size, (self.index + 1) * size

    def cut(self, parts: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
        """Parts of batches cut into what each replica takes."""
        if self.replicas == 1:
            return parts
        size = batch_size // self.count // self.replicas
        return parts.rebatch(size, drop_remainder=True)


WHOLE = Share()
