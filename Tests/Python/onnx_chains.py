"""Makes seeded random ONNX models, chains of all operators that we read, and runs them in onnxruntime.

    onnx_chains.py FOLDER SEED COUNT

Writes FOLDER/MODEL.onnx (some with external data beside them) and prints one JSON object per line: the model's file,
`format` (binary32 where any part of the graph is FLOAT, else binary64), the operators, and points with the outputs that
onnxruntime computes for them, each number in hexadecimal so that no digit is lost. Every number of every constant is
exact in the type of its tensor; deviations of BatchNormalization and divisors of Div are such that the quotient is exact.
"""

import json
import os
import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

# Operator sets with the oldest IR version that goes with them.
VERSIONS = [(9, 3), (11, 6), (12, 7), (13, 7), (15, 8), (17, 8), (20, 9), (21, 10)]
POINTS = 3
BATCH = "N"


class Chain:
    def __init__(self, rng: numpy.random.Generator) -> None:
        self.rng = rng
        self.opset, self.ir = VERSIONS[rng.integers(len(VERSIONS))]
        # onnxruntime has few kernels of old operator sets for DOUBLE.
        self.type = numpy.float64 if self.opset >= 13 and rng.random() < 0.4 else numpy.float32
        self.input_type = self.type
        self.has_float = self.type is numpy.float32
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.operators: set[str] = set()
        self.count = 0
        self.value = "x"
        width = int(rng.integers(1, 6))
        self.input_shape = [[BATCH, width], [1, width], [POINTS, width], [width]][rng.choice(4, p=[0.55, 0.15, 0.15, 0.15])]
        # A fixed batch of more than one is a batch, of one it is a dimension of one.
        self.shape = [BATCH if len(self.input_shape) == 2 and i == 0 and d != 1 else d
                      for i, d in enumerate(self.input_shape)]

    # Shapes

    @property
    def features(self) -> int:
        return int(numpy.prod([d for d in self.shape if d != BATCH], dtype=numpy.int64))

    def is_row(self) -> bool:
        return len(self.shape) >= 1 and self.shape[-1] != BATCH and self.shape[-1] == self.features

    def is_column(self) -> bool:
        return BATCH not in self.shape and (len(self.shape) == 1 or (len(self.shape) == 2 and self.shape[1] == 1))

    # Parts

    def name(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def numbers(self, shape: tuple[int, ...], kind=None) -> numpy.ndarray:
        """In (-2, 2), exact in the type of the value."""
        values = self.rng.uniform(-2, 2, shape)
        if self.rng.random() < 0.3:
            values = numpy.round(values * 8) / 8
        return numpy.asarray(values, dtype=kind or self.type)

    def constant(self, array: numpy.ndarray) -> str:
        """An initialiser or a node, raw or typed, by way of Identity or Cast."""
        name = self.name("c")
        source = array
        if array.dtype != numpy.int64 and self.rng.random() < 0.1:
            # Of the other type, which holds the same numbers.
            if array.dtype == numpy.float32:
                source = array.astype(numpy.float64)
            elif (array.astype(numpy.float32) == array).all():
                source = array.astype(numpy.float32)
        if source.dtype != numpy.int64 and self.rng.random() < 0.5:
            kind = helper.np_dtype_to_tensor_dtype(source.dtype)
            tensor = helper.make_tensor(name, kind, source.shape, source.ravel())
        else:
            tensor = numpy_helper.from_array(source, name)
        if self.rng.random() < 0.25:
            self.node("Constant", [], name, value=tensor)
        else:
            self.tensors.append(tensor)
        if source.dtype != array.dtype:
            other = self.name("c")
            self.node("Cast", [name], other, to=helper.np_dtype_to_tensor_dtype(array.dtype))
            name = other
        elif self.rng.random() < 0.1:
            other = self.name("c")
            self.node("Identity", [name], other)
            name = other
        return name

    def node(self, operator: str, inputs: list[str], output: str | None = None, **attributes) -> str:
        output = output or self.name("v")
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        self.operators.add(operator)
        return output

    # Operators; each returns whether it was possible.

    def gemm(self) -> bool:
        transposed = self.is_column() and len(self.shape) == 2
        if len(self.shape) != 2 or not (self.is_row() or transposed):
            return False
        attributes = {}
        shape = list(self.shape)
        if transposed and (not self.is_row() or self.rng.random() < 0.5):
            attributes["transA"] = 1
            shape = [1, self.shape[0]]
        outputs = int(self.rng.integers(1, 7))
        weights = self.numbers((shape[1], outputs))
        if self.rng.random() < 0.5:
            attributes["transB"] = 1
            weights = numpy.ascontiguousarray(weights.T)
        if self.rng.random() < 0.4:
            attributes["alpha"] = float(self.rng.choice([0.5, 0.3, -2.0]))
        inputs = [self.value, self.constant(weights)]
        if self.opset < 11 or self.rng.random() < 0.8:
            if self.rng.random() < 0.4:
                attributes["beta"] = float(self.rng.choice([-0.25, 2.0]))
            shapes = [(outputs,), (1, outputs), (1,), (1, 1)] + ([()] if self.opset >= 11 else [])
            inputs.append(self.constant(self.numbers(shapes[self.rng.integers(len(shapes))])))
        self.value = self.node("Gemm", inputs, **attributes)
        self.shape = [shape[0], outputs]
        return True

    def matmul(self) -> bool:
        outputs = int(self.rng.integers(1, 7))
        if self.is_column() and self.features > 1 and self.rng.random() < 0.6:
            self.value = self.node("MatMul", [self.constant(self.numbers((outputs, self.features))), self.value])
            self.shape = [outputs] + self.shape[1:]
            return True
        if not self.is_row():
            return False
        if self.rng.random() < 0.1:
            self.value = self.node("MatMul", [self.value, self.constant(self.numbers((self.shape[-1],)))])
            self.shape = self.shape[:-1]
        else:
            self.value = self.node("MatMul", [self.value, self.constant(self.numbers((self.shape[-1], outputs)))])
            self.shape = self.shape[:-1] + [outputs]
        return True

    def elementwise(self) -> bool:
        operator = ["Add", "Sub", "Mul", "Div"][self.rng.integers(4)]
        full = [1 if d == BATCH else d for d in self.shape]
        shapes = [(), tuple(full), tuple(1 if self.rng.random() < 0.5 else d for d in full)]
        if len(self.shape) > 1 and self.shape[0] in (1, BATCH):
            shapes.append(tuple(full[1:]))
        if len(self.shape) < 3:
            shapes.append((1, *full))
        shape = shapes[self.rng.integers(len(shapes))]
        if operator == "Div":
            values = numpy.asarray(self.rng.choice([0.5, 2.0, -4.0, 1.0], shape), dtype=self.type)
        else:
            values = self.numbers(shape)
        inputs = [self.value, self.constant(values)]
        if operator != "Div" and self.rng.random() < 0.5:
            inputs.reverse()
        self.value = self.node(operator, inputs)
        self.shape = [1] * max(0, len(shape) - len(self.shape)) + self.shape
        return True

    def relu(self) -> bool:
        self.value = self.node("Relu", [self.value])
        return True

    def identity(self) -> bool:
        self.value = self.node("Identity", [self.value])
        return True

    def dropout(self) -> bool:
        inputs = [self.value]
        if self.opset >= 12 and self.rng.random() < 0.5:
            self.tensors.append(numpy_helper.from_array(numpy.float32(0.5), self.name("ratio")))
            inputs.append(self.tensors[-1].name)
            self.tensors.append(numpy_helper.from_array(numpy.bool_(False), self.name("training")))
            inputs.append(self.tensors[-1].name)
        self.value = self.node("Dropout", inputs)
        return True

    def batch_normalization(self) -> bool:
        if len(self.shape) != 2 or self.shape[1] == BATCH or not self.is_row():
            return False
        channels = self.shape[1]
        deviation = self.rng.choice([0.5, 1.0, 1.5, 2.0, 3.0], channels)
        factor = numpy.round(self.rng.uniform(-2, 2, channels) * 16) / 16
        arrays = [deviation * factor, self.numbers((channels,)), self.numbers((channels,)), deviation**2 - 0.25]
        inputs = [self.value] + [self.constant(numpy.asarray(array, dtype=self.type)) for array in arrays]
        self.value = self.node("BatchNormalization", inputs, epsilon=0.25)
        return True

    def scaler(self) -> bool:
        if len(self.shape) != 2 or not self.is_row() or self.type is not numpy.float32:
            return False
        sizes = self.rng.choice([1, self.shape[1]], 2)
        self.value = self.node(
            "Scaler", [self.value], domain="ai.onnx.ml", offset=self.numbers((sizes[0],)).tolist(),
            scale=self.numbers((sizes[0],)).tolist())
        return True

    def cast(self) -> bool:
        # Widening anywhere; narrowing only at the ends, see models().
        if self.type is not numpy.float32 or self.opset < 13:
            return False
        self.value = self.node("Cast", [self.value], to=TensorProto.DOUBLE)
        self.type = numpy.float64
        return True

    def narrow(self) -> None:
        self.value = self.node("Cast", [self.value], to=TensorProto.FLOAT)
        self.type = numpy.float32
        self.has_float = True

    def flatten(self) -> bool:
        batch = self.shape.index(BATCH) if BATCH in self.shape else None
        if batch is not None:
            axis = batch + 1
            self.shape = [BATCH, self.features]
        else:
            axis = int(self.rng.integers(0, len(self.shape) + 1))
            sizes = [int(numpy.prod(part, dtype=numpy.int64)) for part in (self.shape[:axis], self.shape[axis:])]
            rank, self.shape = len(self.shape), sizes
            if self.opset >= 11 and axis < rank and self.rng.random() < 0.3:
                axis -= rank
        self.value = self.node("Flatten", [self.value], axis=axis)
        return True

    def reshape(self) -> bool:
        features = self.features
        divisors = [d for d in range(1, features + 1) if features % d == 0]
        part = int(self.rng.choice(divisors))
        choices: list[tuple[list[int], list]] = []
        if BATCH in self.shape:
            choices += [([-1, features], [BATCH, features]), ([-1, part, features // part], [BATCH, part, features // part]),
                        ([1, -1, features], [1, BATCH, features])]
            if self.shape[0] == BATCH:
                choices += [([0, -1], [BATCH, features]), ([0, part, -1], [BATCH, part, features // part])]
            if self.input_shape[0] == POINTS:
                choices += [([POINTS, -1], [BATCH, features])]
        else:
            choices += [([-1], [features]), ([1, -1], [1, features]), ([features, 1], [features, 1]),
                        ([part, -1], [part, features // part]), ([-1, features], [1, features])]
        target, self.shape = choices[self.rng.integers(len(choices))]
        attributes = {"allowzero": 1} if self.opset >= 14 and 0 not in target and self.rng.random() < 0.3 else {}
        self.value = self.node("Reshape", [self.value, self.constant(numpy.array(target, dtype=numpy.int64))], **attributes)
        return True

    def squeeze(self) -> bool:
        axes = [i for i, d in enumerate(self.shape) if d == 1 and self.rng.random() < 0.7]
        if not axes:
            return False
        rank = len(self.shape)
        self.shape = [d for i, d in enumerate(self.shape) if i not in axes]
        if self.opset >= 11 and self.rng.random() < 0.3:
            axes = [a - rank for a in axes]
        self.with_axes("Squeeze", axes)
        return True

    def unsqueeze(self) -> bool:
        if len(self.shape) >= 4:
            return False
        axis = int(self.rng.integers(0, len(self.shape) + 1))
        self.shape = self.shape[:axis] + [1] + self.shape[axis:]
        self.with_axes("Unsqueeze", [axis])
        return True

    def with_axes(self, operator: str, axes: list[int]) -> None:
        if self.opset < 13:
            self.value = self.node(operator, [self.value], axes=axes)
        else:
            self.value = self.node(operator, [self.value, self.constant(numpy.array(axes, dtype=numpy.int64))])

    # The model

    def model(self) -> onnx.ModelProto:
        if self.type is numpy.float64 and self.rng.random() < 0.2:
            self.narrow()
        layers = 0
        steps = int(self.rng.integers(4, 16))
        operators = [self.gemm, self.gemm, self.matmul, self.matmul, self.elementwise, self.elementwise, self.elementwise,
                     self.relu, self.relu, self.identity, self.dropout, self.batch_normalization, self.scaler, self.cast,
                     self.flatten, self.reshape, self.squeeze, self.unsqueeze]
        while steps > 0 or layers == 0:
            operator = operators[self.rng.integers(len(operators))]
            if operator():
                steps -= 1
                layers += operator in (self.gemm, self.matmul, self.elementwise)
        if self.type is numpy.float64 and self.rng.random() < 0.3:
            self.narrow()
        final = self.node("Identity", [self.value], "y")
        kinds = {numpy.float32: TensorProto.FLOAT, numpy.float64: TensorProto.DOUBLE}
        declared = [BATCH if d == BATCH and self.input_shape[0] == BATCH else POINTS if d == BATCH else d
                    for d in self.shape]
        inputs = [helper.make_tensor_value_info("x", kinds[self.input_type], self.input_shape)]
        if self.ir < 4:
            inputs += [helper.make_tensor_value_info(t.name, t.data_type, list(t.dims)) for t in self.tensors]
        graph = helper.make_graph(
            self.nodes, "chain", inputs, [helper.make_tensor_value_info(final, kinds[self.type], declared)], self.tensors)
        sets = [helper.make_opsetid("", self.opset)]
        if "Scaler" in self.operators or self.rng.random() < 0.2:
            sets.append(helper.make_opsetid("ai.onnx.ml", 1))
        return helper.make_model(graph, ir_version=self.ir, opset_imports=sets)


def run(path: str, chain: Chain, points: numpy.ndarray, optimised: bool) -> list[numpy.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    if len(chain.input_shape) == 1:
        return [session.run(None, {"x": point})[0] for point in points]
    if chain.input_shape[0] == 1:
        return [session.run(None, {"x": point[None, :]})[0] for point in points]
    (outputs,) = session.run(None, {"x": points})
    return list(outputs.reshape(POINTS, -1))


def main() -> None:
    folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for index in range(count):
        rng = numpy.random.default_rng([seed, index])
        chain = Chain(rng)
        model = chain.model()
        path = os.path.join(folder, f"{index}.onnx")
        if rng.random() < 0.25 and chain.ir >= 4:
            # Shapes and axes stay inline, where onnxruntime wants them.
            for tensor in model.graph.initializer:
                if tensor.HasField("raw_data") and tensor.data_type != TensorProto.INT64:
                    suffix = "" if rng.random() < 0.8 else f".{tensor.name}"
                    set_external_data(tensor, f"{index}.onnx.data{suffix}")
        onnx.save(model, path)
        onnx.checker.check_model(path, full_check=True)
        # Exact in both types.
        points = rng.uniform(-2, 2, (POINTS, chain.input_shape[-1])).astype(numpy.float32).astype(chain.input_type)
        outputs = run(path, chain, points, optimised=index % 2 == 0)
        print(json.dumps({
            "file": f"{index}.onnx", "format": "binary32" if chain.has_float else "binary64",
            "operators": sorted(chain.operators),
            "inputs": [[float(v).hex() for v in x] for x in points],
            "outputs": [[float(v).hex() for v in y.ravel()] for y in outputs],
        }))


if __name__ == "__main__":
    main()
