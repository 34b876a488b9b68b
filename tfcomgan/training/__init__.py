"""One training, whatever is trained: resumable, on all replicas, watched.

`loop.train` is the central thing. A killed training goes on there, where
`Checkpoints.restore` of `checkpoints` gives the newest step: input and noise are functions
of the step, so nothing else is kept. `monitor` names trivial solutions while it runs,
`hosts` is several machines together, `callbacks` writes progress, TensorBoard and
pictures, `settings` has length, batch, seed and precision. May import models, metrics,
networks, data and the vocabulary.
"""
