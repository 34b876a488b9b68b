"""One training, whatever is trained: resumable, on all replicas, watched.

`loop.train` is the central thing. A killed training goes on there, where
`Checkpoints.restore` of `checkpoints` gives the newest step: input and noise are functions
of the step, so nothing else is kept. `monitor` names trivial solutions while it runs,
`callbacks` writes progress, TensorBoard and pictures, `settings` has length, batch and
seed, `precision` the numbers that the machine computes with, `hosts` several machines
that train together. May import models, metrics, networks, data and the vocabulary.
"""
