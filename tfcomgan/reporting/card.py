"""The model card: a README beside the served models, as the Hugging Face Hub takes it.

Its head is YAML (written as JSON, which YAML reads) with the scores in the Hub's
`model-index`; its text is the report's verdict and limits, and how to use the models.
"""

import json
from collections.abc import Iterator, Mapping

from tfcomgan.evaluation import seen
from tfcomgan.reporting import limits
from tfcomgan.reporting.facts import Report

_METRICS = {"iou": "IoU", "dice": "Dice"}


def markdown(report: Report) -> str:
    """The card of a run; it names no licence, which is for the owner of the pictures."""
    head = {
        "library_name": "tf-keras",
        "pipeline_tag": "image-segmentation",
        "tags": ["tensorflow", "unsupervised", "foreground-segmentation", "gan"],
        "model-index": [{"name": report.name, "results": list(_results(report))}],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    parts = [
        "\n".join(["---", *lines, "---"]),
        f"# {report.name}",
        limits.verdict(report),
        f"A segmenter and a generator, learned from {_pictures(report)} without a mask, "
        "a box or a label, by ComGAN (Ding et al., NeurIPS 2022).",
        _USE,
        "## Limits",
        *(f"**{title}.** {text}" for title, text in limits.limits(report)),
    ]
    return "\n\n".join(parts) + "\n"


_USE = """## Use

```python
import tfcomgan

model = tfcomgan.load("FOLDER")  # The folder of this file.
mask = model.segment("photo.jpg")  # [H,W,1] in [0, 1], 1 = object
scenes = model.generate(8)
```

Or by TensorFlow Serving, which takes `FOLDER/segmenter` as it is."""


def _pictures(report: Report) -> str:
    count = report.data.num_trained
    name = report.data.name
    return f"{count:,} pictures of {name}" if count else f"pictures of {name}"


def _results(report: Report) -> Iterator[dict]:
    """The segmenter's scores, a result for each protocol."""
    for protocol, methods in report.scores.items():
        scores = methods.get("segmenter", {})
        metrics = [
            {
                "type": key,
                "name": f"{name}, mean over pictures",
                "value": round(_mean(scores[f"{key}_plain"]), 4),
            }
            for key, name in _METRICS.items()
            if f"{key}_plain" in scores
        ]
        if metrics:
            yield {
                "task": {"type": "image-segmentation"},
                "dataset": {
                    "type": report.data.name,
                    "name": f"{report.data.name}, {protocol}",
                    "split": seen.split_of(protocol),
                },
                "metrics": metrics,
            }


def _mean(value: float | Mapping[str, float]) -> float:
    return float(value["mean"] if isinstance(value, Mapping) else value)
