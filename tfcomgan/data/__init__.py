"""Pictures: data sets, folders of the user's own, and the batches a training takes.

A data set is a TFDS builder and a settings class on `making.Source`, in a file of its own,
as `flowers.py`; `making` makes it, with threads or Beam, and `about/` holds its README,
tags and citations. A new one is added here, in a file of its own and a folder of `about/`,
and is made known to gin by its import in `pipelines/preparing.py`. `folder` with `walking`,
`listing` and `pictures` reads what users have; `reading` crops what is prepared, `decoded`
keeps it as arrays on the disk (`decoding`, `arrays`), `input_pipeline` scales to [-1, 1]
and batches; `overlap` tells which pictures two splits share. May import the vocabulary alone.
"""
