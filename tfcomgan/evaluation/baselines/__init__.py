"""Masks without learning, to compare with: Otsu, the mean mask, GrabCut, IEM.

Each file has one, from pictures uint8 [B,H,W,3] (the mean mask: from training masks) to
masks [B,H,W,1]. Like all of `evaluation` they may import models, metrics, networks, data
and the vocabulary.
"""
