"""Runs an ONNX model in onnxruntime on seeded random inputs.

    onnx_agree.py MODEL SEED COUNT LOW HIGH

Checks the model with onnx.checker first. Prints one line per input: the inputs, `->`, the outputs, each number in
hexadecimal so that no digit is lost.
"""

import sys

import numpy
import onnx
import onnxruntime


def main() -> None:
    path, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    low, high = float(sys.argv[4]), float(sys.argv[5])
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    element = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64}[source.type]
    inputs = numpy.random.default_rng(seed).uniform(low, high, (count, source.shape[1])).astype(element)
    (outputs,) = session.run(None, {source.name: inputs})
    for x, y in zip(inputs, outputs):
        print(*(float(v).hex() for v in x), "->", *(float(v).hex() for v in y))


if __name__ == "__main__":
    main()
