"""What a trained generator is good for: labelled data sets, objects on other grounds.

`dataset` paints scenes, keeps the best and writes them with their masks; `swap` puts
generated grounds behind generated objects. May import annotations, figures, serving, models,
metrics, networks, data and the vocabulary.
"""
