"""Keras models with a `train_step`, and what turns trained networks into pictures and masks.

`comgan.ComGAN` is stage one (Eq. 3, 7, 8, 11), `segmentation.SegmentationModule` stage two
(Eq. 9, 10); their losses are `tfcomgan.losses`, `update` applies gradients and averages
weights, and `base` holds what they share. `inference` is the one way from pictures to masks,
`orientation` finds the object's side of a mask, `mask_monitors` measures what
`training.monitor` judges. May import networks, data and the vocabulary.
"""
