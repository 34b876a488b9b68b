"""The page of a run: what it says, apart from how it looks.

`facts.Report` holds all that is said; `page` and `page.html` draw it, `curves` draws the
trainings, `limits` warns in words, `published` has the paper's numbers.
`pipelines/reporting.py` fills it. May import figures, evaluation, training, serving,
models, metrics, networks, data and the vocabulary.
"""
