"""Networks as Keras layers and models: they know no loss, no data and no training.

`generators` has the paper's generators, of `parts`: phi of Eq. 5 is `SharedFeatures`; Eq. 1, 2
and 6 are `compose`, and which network sees what is a row of `wirings.WIRINGS`. `discriminators` has
the critics and code predictors, `unet` the segmenter, `layers` what all are built of. Heads
give logits; a sigmoid stands only where a mask composes a picture. May import the
vocabulary alone.
"""
