"""What is between us and the machine: files, folders, signals, streams; it knows no pictures.

`files` writes whole or not at all, `locks` lets one process at a time into a folder,
`marks` tells results from the user's pictures, `plain_paths` gives TensorFlow folders whose
names it takes for patterns. `stopping` ends a command by a signal and keeps its work,
`streams` outlast closed pipes, `quiet` keeps TensorFlow's start out of the terminal. Part of
the vocabulary: may import nothing of ours but `errors`.
"""
