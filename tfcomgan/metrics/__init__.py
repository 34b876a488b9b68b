"""Numbers of masks and pictures: NumPy in, numbers out.

`segmentation` has IoU and its relatives, of pixels that `counting` counts; there a mask is
thresholded for a score, in `counting.count_at`; the threshold is gin's
`evaluation.threshold`. `generation` has Frechet and kernel distances and the Inception
Score on what `features` extracts and `reference` keeps; `disentanglement` asks whether z, f
and b move what they should; `bootstrap` gives intervals. May import networks, data and the
vocabulary.
"""
