"""What the critic D_z sees: the pictures of a scene, under DiffAugment if so asked."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from tfcomgan import augment
from tfcomgan.networks.generators import Scene

# Pictures, and the place of the first among all that a step shows, to pictures.
See = Callable[[Sequence[tf.Tensor], int], Sequence[tf.Tensor]]


def plain(pictures: Sequence[tf.Tensor], place: int) -> Sequence[tf.Tensor]:
    """The pictures as they are (paper)."""
    del place
    return pictures


def augmented(seed: tf.Tensor, **draw) -> See:
    """By DiffAugment, each kind of picture drawn by its place.

    Args:
      seed: Of the step.
      **draw: Places in the batch, and its size; see `augment.differentiable`.
    """

    def see(pictures, place):
        return [
            augment.differentiable(
                images, seed=tf.random.fold_in(seed, place + i), **draw
            )
            for i, images in enumerate(pictures)
        ]

    return see


def fakes(scene: Scene) -> list[tf.Tensor]:
    """What the critic judges of a scene: the composite, and x_z if there is one."""
    images = (scene.composite, scene.global_image)
    return [image for image in images if image is not None]


def of_scene(scene: Scene, see: See, place: int) -> Scene:
    """The scene with these pictures as `see` shows them."""
    seen = iter(see(fakes(scene), place))
    return scene._replace(
        composite=next(seen), global_image=next(seen, scene.global_image)
    )
