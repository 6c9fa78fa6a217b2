"""Writes bounding_boxes.json: functions of bounding boxes, and boxes moved by layers, computed with Keras 3.8.0.

Run it outside of the repository, with Keras's source and NumPy in the path: KERAS_BACKEND=numpy python bounding_boxes.py OUT
"""
import json
import sys

import numpy as np
from keras import layers
from keras.utils import bounding_boxes as bb

FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
H, W = 48, 80
random = np.random.default_rng(3)
cases = []


def corners(*shape):
    """Boxes, some of them partly outside of the image."""
    a = random.uniform(-20, 70, shape + (2,))
    return np.round(np.concatenate([a, a + random.uniform(1, 40, shape + (2,))], -1), 3).astype("float32")


def tensor(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "data": [float(str(np.float32(v))) for v in x.ravel()]}


def case(op, arguments, inputs, *outputs):
    cases.append({"op": op, "args": arguments, "inputs": [tensor(x) for x in inputs], "outputs": [tensor(y) for y in outputs]})


def boxes_in(name, *shape):
    return np.asarray(bb.convert_format(corners(*shape), "xyxy", name, height=H, width=W))


# Keras takes the height for the width where it reads rel_center_xywh, unless the target is relative too.
for source in FORMATS:
    for target in FORMATS:
        if source == "rel_center_xywh" and not target.startswith("rel_"):
            continue
        boxes = boxes_in(source, 4)
        case("convert_format", {"source": source, "target": target, "height": H, "width": W}, [boxes],
             bb.convert_format(boxes, source, target, height=H, width=W))

for name in ["xyxy", "rel_xyxy"]:
    for shape in [(6,), (2, 5)]:
        boxes = boxes_in(name, *shape)
        labels = random.integers(0, 9, shape).astype("float32")
        out = bb.clip_to_image_size({"boxes": boxes, "labels": labels}, height=H, width=W, bounding_box_format=name)
        case("clip_to_image_size", {"format": name, "height": H, "width": W}, [boxes, labels], out["boxes"], out["labels"])

for i in range(6):
    boxes = corners(3, 4)
    numbers = [np.round(random.uniform(lo, hi, 3), 3).astype("float32")
               for lo, hi in [(-180, 180), (-0.5, 0.5), (-0.5, 0.5), (0.5, 2), (-30, 30), (-30, 30)]]
    cx, cy = (0.5, 0.5) if i < 3 else [round(float(v), 3) for v in random.uniform(0, 1, 2)]
    case("affine_transform", {"height": H, "width": W, "center_x": cx, "center_y": cy}, [boxes, *numbers],
         bb.affine_transform(boxes, *numbers, height=H, width=W, center_x=cx, center_y=cy))

for shape in [(5,), (2, 3)]:
    boxes = corners(*shape)
    case("crop", {"top": 10, "left": 20, "height": 30, "width": 25}, [boxes], bb.crop(boxes, 10, 20, 30, 25))
    case("pad", {"top": 3, "left": 7}, [boxes], bb.pad(boxes, 3, 7))

for encoding in ["center_xywh", "center_yxhw"]:
    for source in ["xyxy", "xywh", "rel_yxyx"]:
        for variance in [None, [0.1, 0.2, 0.3, 0.4]]:
            for shape in [(4,), (2, 4)]:
                anchors, boxes = boxes_in("xyxy", 4), boxes_in(source, *shape)
                arguments = {"anchor_format": "xyxy", "box_format": source, "encoding": encoding, "variance": variance, "height": H, "width": W}
                deltas = bb.encode_box_to_deltas(anchors, boxes, "xyxy", source, encoding, variance, (H, W, 3))
                case("encode_box_to_deltas", arguments, [anchors, boxes], deltas)
                deltas = random.uniform(-1, 1, shape + (4,)).astype("float32")
                case("decode_deltas_to_boxes", arguments, [anchors, deltas],
                     bb.decode_deltas_to_boxes(anchors, deltas, "xyxy", source, encoding, variance, (H, W, 3)))

for name in ["xyxy", "xywh", "rel_xyxy"]:
    for a, b in [((3,), (4,)), ((2, 3), (2, 4)), ((2, 3), (4,))]:
        first, second = boxes_in(name, *a), boxes_in(name, *b)
        first[..., 0, :] = -1
        for masked in [False, True]:
            if masked and len(a) != len(b):
                continue  # Keras transposes the wrong axes.
            case("compute_iou", {"format": name, "masked": masked, "height": H, "width": W}, [first, second],
                 bb.compute_iou(first, second, name, use_masking=masked, image_shape=(H, W, 3)))

for name in ["xyxy", "center_xywh"]:
    first, second = boxes_in(name, 2, 5), boxes_in(name, 2, 5)
    case("compute_ciou", {"format": name, "height": H, "width": W}, [first, second], bb.compute_ciou(first, second, name))

# Layers, by the numbers that they would draw.
shape = (3, H, W, 3)


def moved(layer, arguments, name, transformation):
    boxes = boxes_in(name, 3, 5)
    labels = random.integers(0, 9, (3, 5)).astype("float32")
    made = getattr(layers, layer)(**arguments, bounding_box_format=name)
    out = made.transform_bounding_boxes({"boxes": boxes.copy(), "labels": labels}, transformation, training=True)
    case(layer, {**arguments, "bounding_box_format": name}, [boxes, labels], out["boxes"], out["labels"])


for name in ["xyxy", "xywh", "rel_yxyx"]:
    for down, right in random.uniform(-0.5, 0.5, (3, 2)).round(3).tolist():
        moved("RandomTranslation", {"height_factor": (down, down), "width_factor": (right, right)}, name,
              {"translations": np.array([[right * W, down * H]] * 3, "float32"), "input_shape": shape})
    for down, right in random.uniform(-0.7, 0.7, (3, 2)).round(3).tolist():
        moved("RandomZoom", {"height_factor": (down, down), "width_factor": (right, right)}, name,
              {"height_zoom": np.full((3, 1), 1 + down), "width_zoom": np.full((3, 1), 1 + right), "input_shape": shape})
    for size in [(24, 40), (60, 100), (40, 40)]:
        moved("CenterCrop", {"height": size[0], "width": size[1]}, name, {"input_shape": shape})
        moved("Resizing", {"height": size[0], "width": size[1]}, name, (H, W))

# RandomRotation takes boxes for xyxy, whatever their format.
for turn in random.uniform(-0.5, 0.5, 5).round(3).tolist():
    moved("RandomRotation", {"factor": (turn, turn)}, "xyxy",
          {"angle": np.full(3, turn * 360, "float32"), "image_height": H, "image_width": W, "batch_size": 3})

with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")
print(len(cases))
