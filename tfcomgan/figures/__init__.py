"""Pictures of pictures: the paper's figures, grids while training, contact sheets.

`paper` has the figures as `Plate`s with captions, `sheets` lays them out with Matplotlib,
`grids` without, `variations` varies one latent at a time, `contact_sheet` shows a data set.
May import models, metrics, networks, data and the vocabulary.
"""
