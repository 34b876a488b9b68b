"""A trained segmenter's scores and a trained generator's numbers, as the protocols ask.

`scoring` scores a segmenter beside `baselines`, at the threshold of gin's
`evaluation.threshold`; `measuring` has the generator's realism, control and clusters;
`telling` says them in the terminal, and `seen` which pictures were trained on. The
arithmetic is in `metrics`. May import models, metrics, networks, data and the vocabulary.
"""
