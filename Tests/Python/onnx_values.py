"""Prints the outputs of an ONNX model at one point, as onnxruntime computes them, in hexadecimal.

    onnx_values.py MODEL X_0 X_1 ...
"""

import sys

import numpy
import onnxruntime


def main() -> None:
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    element = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64}[source.type]
    (outputs,) = session.run(None, {source.name: numpy.array([[float(x) for x in sys.argv[2:]]], element)})
    print(*(float(v).hex() for v in outputs.flatten()))


if __name__ == "__main__":
    main()
