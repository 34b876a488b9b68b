"""Trained networks as SavedModels: written, found again, used, and asked over a network.

`export_segmenter` and `export_generator` write and load; `signatures` says what a served
segmenter can be asked (its `foreground_area` counts pixels from 0.5 up), `versions` where
exports lie, `files` what lies beside them, `litert` writes for phones, `onnx_file` for
other runtimes, `requests` speaks to a server. May import models, metrics, networks, data
and the vocabulary.
"""
