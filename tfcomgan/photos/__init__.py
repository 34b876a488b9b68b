"""Photos of the user's own, on their way to masks and back to files.

`finding` says which pictures a command was given and how their results are called,
`reading` takes them from files and `given` in Python; `edges` with `refining` draws masks to
the edges at the photo's own size, `foreground` finds the object's own colours; `results`,
`finishing` and `labelled` write. `segmenting` does a folder and `ledger` remembers what is
done, `watching` waits for more, `piped` has no folder; `swapping` puts objects before painted
`grounds`. The command is `tfcomgan/segment.py`; in its areas.csv a pixel is object from 0.5
up. May import
annotations, serving, evaluation, models, metrics, networks, data and the vocabulary.
"""
