"""The page on which a trained model is tried: photos cut out, scenes moved by hand.

`directions` finds the two sliders of z, `scenes` paints what the sliders say, `album` keeps
the photos of a page while it is open, `cutouts` cuts them out and lays them on grounds;
none of these knows of the web. `wire` reads what the page asks, `app` answers, `guard`
turns away who is not the page, `server` listens. The command is `tfcomgan/play.py`. May
import photos, serving, data and the vocabulary.
"""
