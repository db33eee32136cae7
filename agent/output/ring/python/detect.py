#!/usr/bin/python3
"""Detects objects in a camera's frames with an ONNX model, by OpenCV (python3-opencv).

    detect.py MODEL.onnx CAMERA OUTPUT

The agent makes the model's input, so that there is nothing to be done to pixels here;
for one that was trained on floats from 0 to 1:

    outputs:
      model: {size: 640x640, fit: letterbox, dtype: float32, layout: chw}

Its output is that of YOLOv5 and its like: rows of x, y, width, height and score, in
pixels of the input.
"""

import sys

import cv2

import edge_agent

model, camera, output = sys.argv[1:]
net = cv2.dnn.readNetFromONNX(model)
for frame in edge_agent.frames(camera, output):
    net.setInput(frame.data[None])  # 1 x channels x height x width
    rows = net.forward()[0]
    if not frame.valid():
        print(f"frame {frame.sequence} was written over: more slots, or a smaller model")
        continue
    x, y, width, height, score = rows[rows[:, 4].argmax()][:5]
    left, top = frame.to_camera(x - width / 2, y - height / 2)
    right, bottom = frame.to_camera(x + width / 2, y + height / 2)
    print(f"frame {frame.sequence}, {frame.age * 1000:.0f} ms old: {score:.2f} in {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}", flush=True)
