"""Photos of the user's own, on their way to masks and back to files.

`finding` says which pictures a command was given and how their results are called, `given`
takes pictures in Python, `ledger` remembers what is done, `refining` draws masks to the
edges at the photo's own size. The command is `tfcomgan/segment.py`; in its areas.csv a
pixel is object from 0.5 up. May import serving, evaluation, models, metrics, networks, data
and the vocabulary.
"""
