"""Pictures with one object mask each, in the formats that other programs read.

Used for generated scenes and for one's own photos alike. Imports the vocabulary alone.
Each format is a module with a `write(folder, examples)`; `FORMATS` of `formats` lists them.
"""
