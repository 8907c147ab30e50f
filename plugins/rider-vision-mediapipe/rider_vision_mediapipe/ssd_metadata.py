"""Builds the model file of `ssd-oidv4` from a file of the npm package of MediaPipe Objectron.

The package has a plain TFLite file and its label map. MediaPipe Tasks need "metadata": anchors and decoding options in
a flatbuffer inside the model, and the label map in a zip archive at the file's end. The metadata writer in mediapipe's
wheel cannot be imported (1.2.3 lacks a module), so this file writes them with the wheel's schemas. The result is byte
for byte that of the writer in mediapipe 0.10.21.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import flatbuffers
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
from mediapipe.tasks.metadata import object_detector_metadata_schema_py_generated as detector_schema
from mediapipe.tasks.metadata import schema_py_generated as tflite_schema

from rider_core.errors import ModelError

#: objectron_solution_packed_assets.data holds two files, one after the other.
LABEL_MAP_BYTES, MODEL_BYTES = 184, 9_987_728
_TFLITE, _METADATA, _DETECTOR = b"TFL3", b"M001", b"V001"
#: Time of the archive's entry: part of the model's SHA-256.
_ZIP_TIME = (2026, 11, 23, 19, 22, 2)

#: From the pipeline configuration of ssd_mobilenet_v2: cells in a row of each feature map, with three boxes for each
#: cell of the first map and six for those of the others.
_MAPS = (19, 10, 5, 3, 2, 1)
_SMALLEST, _LARGEST = 0.2, 0.95
_RATIOS = (1.0, 2.0, 1 / 2, 3.0, 1 / 3)
#: Pixel values 0 to 255 become -1 to 1.
_MEAN = _DEVIATION = 127.5


def build_ssd(parts: Mapping[str, Path], out: Path) -> None:
    """Write the model file `out`.

    Args:
        parts: `assets` is objectron_solution_packed_assets.data.

    Raises:
        ModelError: it is not that file.
    """
    assets = parts["assets"].read_bytes()
    labels, model = assets[:LABEL_MAP_BYTES], assets[LABEL_MAP_BYTES:]
    if len(model) != MODEL_BYTES or model[4:8] != _TFLITE:
        raise ModelError(f"{parts['assets'].name} does not hold the detector where it should")
    out.write_bytes(_with_metadata(model, len(labels.splitlines())))
    with zipfile.ZipFile(out, "a") as archive:
        entry = zipfile.ZipInfo("labels.txt", _ZIP_TIME)
        entry.external_attr = 0o600 << 16
        archive.writestr(entry, labels.removesuffix(b"\n"))


def anchors() -> Iterator[tuple[float, float, float, float]]:
    """The anchor boxes: centre x and y, width, height, as shares of the picture."""
    steps = len(_MAPS) - 1
    scales = [_SMALLEST + (_LARGEST - _SMALLEST) * step / steps for step in range(steps + 1)] + [1.0]
    for level, cells in enumerate(_MAPS):
        shapes = [(scales[level], ratio) for ratio in _RATIOS] + [(math.sqrt(scales[level] * scales[level + 1]), 1.0)]
        if level == 0:
            shapes = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 1 / 2)]
        for y in range(cells):
            for x in range(cells):
                for scale, ratio in shapes:
                    root = math.sqrt(ratio)
                    yield (x + 0.5) / cells, (y + 0.5) / cells, scale * root, scale / root


def _with_metadata(content: bytes, classes: int) -> bytes:
    model = tflite_schema.ModelT.InitFromPackedBuf(content)
    model.buffers.append(_filled(tflite_schema.BufferT(), data=_packed(_metadata(classes), _METADATA)))
    place = _filled(tflite_schema.MetadataT(), name="TFLITE_METADATA", buffer=len(model.buffers) - 1)
    model.metadata = [*(model.metadata or ()), place]
    return bytes(_packed(model, _TFLITE))


def _metadata(classes: int) -> Any:
    schema = metadata_schema
    custom = _filled(
        schema.CustomMetadataT(), name="DETECTOR_METADATA", data=_packed(_detector_options(classes), _DETECTOR)
    )
    subgraph = _filled(
        schema.SubGraphMetadataT(),
        inputTensorMetadata=[_input()],
        outputTensorMetadata=[_locations(), _scores()],
        customMetadata=[custom],
    )
    return _filled(
        schema.ModelMetadataT(),
        name="ObjectDetector",
        description="Identify which of a known set of objects might be present and provide "
        "information about their positions within the given image or a video stream.",
        subgraphMetadata=[subgraph],
        minParserVersion="1.5.0",
    )


def _input() -> Any:
    schema = metadata_schema
    values = _filled(schema.NormalizationOptionsT(), mean=[_MEAN], std=[_DEVIATION])
    unit = _filled(schema.ProcessUnitT(), optionsType=schema.ProcessUnitOptions.NormalizationOptions, options=values)
    return _filled(
        schema.TensorMetadataT(),
        name="image",
        description="Input image to be processed.",
        stats=_filled(schema.StatsT(), min=[-1.0], max=[1.0]),
        content=_content(
            schema.ContentProperties.ImageProperties,
            _filled(schema.ImagePropertiesT(), colorSpace=schema.ColorSpaceType.RGB),
        ),
        processUnits=[unit],
    )


def _locations() -> Any:
    schema = metadata_schema
    box = _filled(schema.BoundingBoxPropertiesT(), index=[1, 0, 3, 2], type=schema.BoundingBoxType.BOUNDARIES)
    return _filled(
        schema.TensorMetadataT(),
        name="location",
        description="The locations of the detected boxes.",
        stats=schema.StatsT(),
        content=_content(schema.ContentProperties.BoundingBoxProperties, box),
    )


def _scores() -> Any:
    schema = metadata_schema
    labels = _filled(
        schema.AssociatedFileT(),
        name="labels.txt",
        description="Labels for categories that the model can recognize.",
        type=schema.AssociatedFileType.TENSOR_AXIS_LABELS,
    )
    return _filled(
        schema.TensorMetadataT(),
        name="score",
        description="The scores of the detected boxes.",
        stats=schema.StatsT(),
        content=_content(schema.ContentProperties.FeatureProperties, schema.FeaturePropertiesT()),
        associatedFiles=[labels],
    )


def _content(kind: int, properties: Any) -> Any:
    return _filled(metadata_schema.ContentT(), contentPropertiesType=kind, contentProperties=properties)


def _detector_options(classes: int) -> Any:
    schema = detector_schema
    boxes = [
        _filled(schema.FixedAnchorT(), xCenter=x, yCenter=y, width=width, height=height)
        for x, y, width, height in anchors()
    ]
    fixed = _filled(schema.FixedAnchorsSchemaT(), anchors=boxes)
    decoding = _filled(
        schema.TensorsDecodingOptionsT(),
        numClasses=classes,
        numBoxes=len(boxes),
        numCoords=4,
        keypointCoordOffset=0,
        numKeypoints=0,
        numValuesPerKeypoint=2,
        xScale=10.0,
        yScale=10.0,
        wScale=5.0,
        hScale=5.0,
        applyExponentialOnBoxSize=True,
        sigmoidScore=True,
    )
    return _filled(
        schema.ObjectDetectorOptionsT(),
        ssdAnchorsOptions=_filled(schema.SsdAnchorsOptionsT(), fixedAnchorsSchema=fixed),
        tensorsDecodingOptions=decoding,
    )


def _filled(table: Any, **fields: Any) -> Any:
    """`table` with these fields; a field that the schema does not have is an error."""
    for name, value in fields.items():
        if not hasattr(table, name):
            raise AttributeError(f"{type(table).__name__} has no field {name}")
        setattr(table, name, value)
    return table


def _packed(table: Any, identifier: bytes) -> bytearray:
    builder = flatbuffers.Builder(0)
    builder.Finish(table.Pack(builder), identifier)
    output: bytearray = builder.Output()
    return output
