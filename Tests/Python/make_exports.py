"""Makes the ONNX files under Tests/NetworksTests/Fixtures/exports with the programs that people export with.

    make_exports.py FOLDER

Not run by the tests: the files are committed. They were made with Python 3.11, torch 2.15.0, onnxscript 0.7.2,
scikit-learn 1.9.1, skl2onnx 1.20.0, keras 3.15.1, onnx 1.23.2, onnxruntime 1.32.0 and numpy 2.4.6, in a virtual environment of
their own. Beside each model NAME.onnx (and its data file, if the exporter writes one) lies NAME.json: six inputs, and
the outputs that onnxruntime computes for them, each number in hexadecimal.
"""

import json
import os
import sys
import warnings

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDER = sys.argv[1]
SEED = 20261127


def answer(name: str) -> None:
    """Writes NAME.json and says how the file looks."""
    path = os.path.join(FOLDER, f"{name}.onnx")
    if os.path.exists(f"{path}.data") and os.path.getsize(f"{path}.data") == 0:
        # No tensor was large enough for it.
        os.remove(f"{path}.data")
    onnx.checker.check_model(path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    element = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64}[source.type]
    # One point; the first dimension is the batch unless it is the only one.
    shape = source.shape if len(source.shape) == 1 else [1, *source.shape[1:]]
    points = numpy.random.default_rng(SEED).uniform(-2, 2, (6, int(numpy.prod(shape)))).astype(element)
    # One by one, so that files with a batch of one are no exception.
    outputs = [
        session.run(None, {source.name: point.reshape(shape)})[0].ravel()
        for point in points
    ]
    with open(os.path.join(FOLDER, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(
            {"inputs": [[float(v).hex() for v in x] for x in points],
             "outputs": [[float(v).hex() for v in y] for y in outputs]}, file, indent=1)
        file.write("\n")
    model = onnx.load(path, load_external_data=False)
    sets = {item.domain or "ai.onnx": item.version for item in model.opset_import}
    print(name, "IR", model.ir_version, sets, [node.op_type for node in model.graph.node], os.path.getsize(path), "bytes")


class Folded(torch.nn.Module):
    """Normalisation by buffers with reciprocals, two hidden layers, an output scale."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(SEED)
        self.body = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(5, 8), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 8),
            torch.nn.ReLU(), torch.nn.Linear(8, 2))
        self.register_buffer("mean", torch.tensor([0.5, -1.25, 3.0, 0.0, 0.1]))
        self.register_buffer("reciprocal", torch.tensor([0.75, 3.0, 0.5, 1.0, 0.3]))

    def forward(self, x):
        return self.body((x - self.mean) * self.reciprocal) * 4 + 1


class Plain(torch.nn.Module):
    """Nothing but layers, wide enough for external data."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(SEED + 1)
        self.body = torch.nn.Sequential(
            torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))

    def forward(self, x):
        return self.body(x)


class Squeezed(Plain):
    """The one output without a dimension of its own."""

    def forward(self, x):
        return self.body(x).squeeze(-1)


class Reshaped(Plain):
    """The features in two dimensions."""

    def forward(self, x):
        return self.body(x.reshape(-1, 6))


class Left(torch.nn.Module):
    """One point without a batch, multiplied from the left."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(SEED + 3)
        self.first = torch.nn.Parameter(torch.randn(8, 6))
        self.bias = torch.nn.Parameter(torch.randn(8))
        self.last = torch.nn.Parameter(torch.randn(2, 8))

    def forward(self, x):
        return self.last @ torch.relu(self.first @ x + self.bias)


class Normalised(torch.nn.Module):
    """A batch normalisation behind a layer, which exporters fold in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(SEED + 2)
        self.body = torch.nn.Sequential(
            torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.ReLU(), torch.nn.Linear(6, 1))
        self.body.train()
        for _ in range(20):
            self.body(torch.randn(64, 4))

    def forward(self, x):
        return self.body(x)


def torch_models() -> None:
    for name, module, shape in [
        ("folded", Folded(), (2, 5)), ("plain", Plain(), (2, 6)), ("squeezed", Squeezed(), (2, 6)),
        ("normalised", Normalised(), (2, 4)), ("reshaped", Reshaped(), (2, 2, 3)), ("left", Left(), (6,)),
    ]:
        module.eval()
        example = torch.zeros(shape)
        batch = ({0: torch.export.Dim("batch")},) if len(shape) > 1 else None
        torch.onnx.export(
            module, (example,), os.path.join(FOLDER, f"torch_{name}.onnx"), dynamo=True, dynamic_shapes=batch,
            input_names=["features"], output_names=["outputs"], verbose=False)
        answer(f"torch_{name}")
        torch.onnx.export(
            module, (example,), os.path.join(FOLDER, f"torchscript_{name}.onnx"), dynamo=False,
            dynamic_axes={"features": {0: "batch"}, "outputs": {0: "batch"}} if batch else None,
            input_names=["features"], output_names=["outputs"])
        answer(f"torchscript_{name}")
    # The same network in one file, and in binary64.
    module = Plain().eval()
    torch.onnx.export(
        module, (torch.zeros(2, 6),), os.path.join(FOLDER, "torch_plain_inline.onnx"), dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False, verbose=False)
    answer("torch_plain_inline")
    torch.onnx.export(
        module.double(), (torch.zeros(1, 6, dtype=torch.float64),), os.path.join(FOLDER, "torch_plain_double.onnx"),
        dynamo=True, external_data=False, verbose=False)
    answer("torch_plain_double")


def sklearn_models() -> None:
    generator = numpy.random.default_rng(SEED)
    points = generator.uniform(-2, 2, (200, 4))
    values = numpy.abs(points[:, 0]) + points[:, 1] * 0.5 - numpy.maximum(points[:, 2], 0)
    network = MLPRegressor(hidden_layer_sizes=(8, 6), random_state=1, max_iter=300).fit(points, values)
    pipeline = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), random_state=1, max_iter=300)).fit(points, values)
    for name, model, kind in [
        ("sklearn_mlp", network, FloatTensorType), ("sklearn_mlp_double", network, DoubleTensorType),
        ("sklearn_pipeline", pipeline, FloatTensorType), ("sklearn_pipeline_double", pipeline, DoubleTensorType),
    ]:
        # Without options, as people call it.
        converted = convert_sklearn(model, initial_types=[("features", kind([None, 4]))])
        onnx.save(converted, os.path.join(FOLDER, f"{name}.onnx"))
        answer(name)


def keras_model() -> None:
    """Keras's own export, which with its PyTorch backend writes a Cast around every operator."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential([
        keras.Input((4,), name="features"), keras.layers.Rescaling(0.25, offset=1.0),
        keras.layers.Dense(6, activation="relu"), keras.layers.Dropout(0.1), keras.layers.Dense(6), keras.layers.ReLU(),
        keras.layers.Dense(1),
    ])
    model(numpy.zeros((2, 4), numpy.float32))
    model.export(os.path.join(FOLDER, "keras_export.onnx"), format="onnx", verbose=False)
    answer("keras_export")


def keras_style() -> None:
    """What tf2onnx writes for Dense layers: MatMul and Add with constants, in an old operator set."""
    generator = numpy.random.default_rng(SEED)
    nodes, tensors, value = [], [], "dense_input"
    for index, (rows, columns) in enumerate([(4, 8), (8, 8), (8, 1)]):
        prefix = f"sequential/dense_{index}"
        weights = generator.normal(size=(rows, columns)).astype(numpy.float32)
        biases = generator.normal(size=columns).astype(numpy.float32)
        tensors += [
            numpy_helper.from_array(weights, f"{prefix}/MatMul/ReadVariableOp:0"),
            numpy_helper.from_array(biases, f"{prefix}/BiasAdd/ReadVariableOp:0"),
        ]
        nodes += [
            helper.make_node("MatMul", [value, tensors[-2].name], [f"{prefix}/MatMul:0"], f"{prefix}/MatMul"),
            helper.make_node("Add", [f"{prefix}/MatMul:0", tensors[-1].name], [f"{prefix}/BiasAdd:0"], f"{prefix}/BiasAdd"),
        ]
        value = f"{prefix}/BiasAdd:0"
        if index < 2:
            nodes.append(helper.make_node("Relu", [value], [f"{prefix}/Relu:0"], f"{prefix}/Relu"))
            value = f"{prefix}/Relu:0"
    nodes.append(helper.make_node("Identity", [value], ["dense_2"], "Identity:0"))
    graph = helper.make_graph(
        nodes, "tf2onnx", [helper.make_tensor_value_info("dense_input", TensorProto.FLOAT, ["unk__1", 4])],
        [helper.make_tensor_value_info("dense_2", TensorProto.FLOAT, ["unk__2", 1])], tensors)
    model = helper.make_model(
        graph, producer_name="keras-style", ir_version=8,
        opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 2)])
    onnx.save(model, os.path.join(FOLDER, "keras_dense.onnx"))
    answer("keras_dense")


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    os.makedirs(FOLDER, exist_ok=True)
    torch_models()
    sklearn_models()
    keras_model()
    keras_style()
