"""Unit tests of check_proof.py; what they expect was computed by hand from docs/proof-format.md."""

import contextlib
import hashlib
import io
import json
import os
import random
import sys
import tempfile
import unittest
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_proof as checker  # noqa: E402

ONE = 1 << 30


def dyadic(x):
    """A number's line in a network's text."""
    x = Fraction(x)
    if not x:
        return "0 0\n"
    m, e = x.numerator, 1 - x.denominator.bit_length()
    while m % 2 == 0:
        m, e = m // 2, e + 1
    return f"{m} {e}\n"


def network_text(layers):
    """layers: (rows, biases)."""
    text = f"vpals-network/v1\n{len(layers[0][0][0])} {len(layers)}\n"
    for rows, biases in layers:
        text += f"{len(rows[0])} {len(rows)}\n"
        text += "".join(dyadic(w) for row in rows for w in row) + "".join(dyadic(b) for b in biases)
    return text


def query_text(region, claim):
    return f"vpals-query/v1 {len(region)}\n" + "".join(f"{a} {b}\n" for a, b in region) + claim + "\n"


def digest(text):
    return hashlib.sha256(text.encode()).digest()


def number(value):
    result = bytearray()
    while value > 127:
        result.append(value & 127 | 128)
        value >>= 7
    return bytes(result + bytes([value]))


def proof(network, queries, trees):
    parts = [checker.HEADER, digest(network), number(len(queries))]
    for query, tree in zip(queries, trees):
        parts += digest(query), bytes(tree)
    return b"".join(parts)


def monotone(slope=0, direction="nondecreasing", feature=0, output=0):
    return f"monotone output {output} feature {feature} {direction} slope {slope}"


# relu(x), and x + 2 − relu(x) written with a neuron that is always on.
HINGE = network_text([([[1]], [0]), ([[1]], [0])])
CONCAVE = network_text([([[1], [1]], [2, 0]), ([[1, -1]], [0])])
AROUND_ZERO = [(-1, 1)]


class Numbers(unittest.TestCase):
    def test_top_is_the_least_power_above(self):
        self.assertIsNone(checker.top(Fraction(0)))
        for x, e in [(1, 1), (Fraction(3, 4), 0), (Fraction(1, 2), 0), (Fraction(1, 3), -1), (-4, 3), (3, 2)]:
            self.assertEqual(checker.top(Fraction(x)), e, x)

    def test_low_rounds_down_and_slack_says_so(self):
        self.assertEqual(checker.low_slack(Fraction(1, 3), 2), (1, 1))  # 4/3
        self.assertEqual(checker.low_slack(Fraction(-1, 3), 2), (-2, 1))
        self.assertEqual(checker.low_slack(Fraction(-4), -1), (-2, 0))
        self.assertEqual(checker.low_slack(Fraction(-1), -1), (-1, 1))

    def test_most_is_the_larger_magnitude(self):
        self.assertEqual(checker.most(Fraction(1, 3), 2), 2)
        self.assertEqual(checker.most(Fraction(-1, 3), 2), 2)
        self.assertEqual(checker.most(Fraction(-3), 1), 6)

    def test_more_than_62_bits_are_out_of_range(self):
        self.assertEqual(checker.low_slack(Fraction((1 << 62) - 1), 0), ((1 << 62) - 1, 0))
        with self.assertRaises(checker.NoProof):
            checker.low_slack(Fraction(1 << 62), 0)

    def test_scale_leaves_less_than_one_half(self):
        # 3/4: E = 0, S = 3/4·2^60 has 60 bits.
        self.assertEqual(checker.scale_of([Fraction(3, 4)], Fraction(0), [ONE]), -1)
        # 1 + 1 + bias 1: E = 1, S = 3·2^59 has 61 bits; 3/8 remains.
        self.assertEqual(checker.scale_of([Fraction(1)] * 2, Fraction(1), [ONE] * 2), -3)
        # Half the upper end: E = 1, S = 2^29·2^29 has 59 bits; 1/4 remains.
        self.assertEqual(checker.scale_of([Fraction(1)], Fraction(0), [ONE // 2]), -1)
        self.assertEqual(checker.scale_of([Fraction(0)], Fraction(0), [ONE]), 0)

    def test_quotient(self):
        self.assertEqual(checker.quotient(3 << 29, 4), 3 << 27)
        # M = 2^54 / (3·2^30) = 5592405, 128·M >> 1.
        self.assertEqual(checker.quotient(1 << 30, 3), 357913920)
        self.assertEqual(checker.quotient(-1, 4), -(1 << 21))
        self.assertEqual(checker.quotient(1 << 40, 1), ONE - 1)
        self.assertEqual(checker.quotient(-1 << 40, 1), 1 - ONE)
        self.assertEqual(checker.quotient(1 << 60, 1 << 31), 1 << 29)

    def test_half_bytes(self):
        self.assertEqual([checker.HALF_BYTES[v] for v in (0, 1, 7, 15, 16)], [0, 4369, 30583, 65536, 32768])

    def test_rounding_takes_the_greatest_shift_that_fits(self):
        layer = checker.Layer([[Fraction(1, 4)]], [Fraction(-1, 8)])
        self.assertEqual((layer.p, layer.low, layer.high), (30, [[1 << 28]], [[1 << 28]]))
        self.assertEqual((layer.bias_low, layer.bias_high), ([-1 << 27], [-1 << 27]))
        # 1 needs p = 29 to stay below 2^30; a column of three, p = 29 again: 3·2^29 < 2^31.
        self.assertEqual(checker.Layer([[Fraction(1)]], [Fraction(0)]).p, 29)
        self.assertEqual(checker.Layer([[Fraction(1)]] * 3, [Fraction(0)] * 3).p, 29)
        self.assertEqual(checker.Layer([[Fraction(1)]] * 4, [Fraction(0)] * 4).p, 28)
        with self.assertRaises(checker.NoProof):
            checker.Layer([[Fraction(1 << 14)]], [Fraction(0)])
        third = checker.Layer([[Fraction(-1, 3)]], [Fraction(1, 3)])
        self.assertEqual((third.low, third.high), ([[-357913942]], [[-357913941]]))
        self.assertEqual((third.bias_low, third.bias_high), ([357913941], [357913942]))
        # Only the bias is positive; then 1/3·2^30 rounded up.
        self.assertEqual(third.uppers([ONE]), [357913942])


class Boxes(unittest.TestCase):
    def tighten(self, bias, sign):
        # Half of t, plus the bias.
        return checker.tighten([1 << 29], [1 << 29], bias, bias, 30, sign, [0], [ONE])

    def test_tightening(self):
        # M = −2^58 + 2^59; t ≥ 1/2, less one unit.
        self.assertEqual(self.tighten(-1 << 28, 1), ([(1 << 29) - 1], [ONE]))
        # M = 2^58; t ≤ 1/2, and one unit.
        self.assertEqual(self.tighten(-1 << 28, -1), ([0], [(1 << 29) + 1]))

    def test_an_empty_cell_is_left_alone(self):
        self.assertEqual(self.tighten(-3 << 28, 1), ([0], [ONE]))

    def test_tightening_uses_old_ends_of_all_inputs(self):
        # t0 + t1 ≥ 3/2 with half weights: M = −3·2^58 + 4·2^58 = 2^58: both t ≥ 1/2 − one unit.
        half = [1 << 29, 1 << 29]
        self.assertEqual(
            checker.tighten(half, half, -3 << 28, -3 << 28, 30, 1, [0, 0], [ONE, ONE]),
            ([(1 << 29) - 1] * 2, [ONE] * 2))

    def test_clip(self):
        # W = 2^14 / 2^14 + 1 = 2 from the end where the form is least.
        self.assertEqual(checker.clip([0] * 3, [9] * 3, 1, [1 << 14, -1 << 14, 0]), ([0, 7, 0], [2, 9, 9]))
        self.assertEqual(checker.clip([0], [9], 0, [5]), ([0], [9]))


class Leaves(unittest.TestCase):
    def problem(self, network, region, claim):
        return checker.Problem(checker.Network(network), checker.Query(query_text(region, claim)))

    def test_hinge(self):
        """2t − 1 is scaled by 1/8, the row 8 by 1/16."""
        problem = self.problem(HINGE, AROUND_ZERO, monotone())
        (layer,) = problem.layers
        self.assertEqual((layer.p, layer.low, layer.bias_low), (30, [[1 << 28]], [-1 << 27]))
        self.assertEqual((problem.slope_low, problem.slope_high), ([1 << 28], [1 << 28]))
        self.assertEqual((problem.row.p, problem.row.low), (30, [[1 << 29]]))
        self.assertEqual(problem.threshold, 0)
        bounds = checker.bound_layers(problem, *problem.root, [0], problem.known)
        self.assertEqual((bounds.z_low, bounds.z_high), ([[-1 << 27]], [[1 << 27]]))
        # y = 2^23, m = 0, r0 = 0, r1 = 2^51, left = 0 = p with α = 0: nothing is added.
        self.assertEqual(checker.claim_pass(problem, bounds, [0], None), (0, [0]))
        # α = 65536: p = right = Q(2^51, 2^27) = 2^24; added: min(2^51, 0, 2^51, 0) = 0 and 2^24·bias >> 14 = −2^37;
        # the form is 2^24·2^28 >> 30 = 2^22.
        given = checker.Multipliers(1)
        given.alpha[0] = 15
        self.assertEqual(checker.claim_pass(problem, bounds, [0], given), (-1 << 37, [1 << 22]))

    def test_threshold(self):
        # m·w·2^(−E)·2^40 = 2·2^(−4)·2^40 for m = 1; rounded up for 1/3.
        self.assertEqual(self.problem(HINGE, AROUND_ZERO, monotone(1)).threshold, 1 << 37)
        self.assertEqual(self.problem(HINGE, AROUND_ZERO, monotone("1/3")).threshold, ((1 << 37) + 2) // 3)

    def test_value_claim(self):
        # relu + 1/4 ≥ 0: z is t/4 − 1/8, relu's row 8 and bias 1/4; S = 8·2^27 + 1/4 → 5/4 → s = −2: 2 and 1/16.
        problem = self.problem(HINGE, AROUND_ZERO, "nonnegative outputs 1 constant 1/4")
        self.assertEqual((problem.row.p, problem.row.low, problem.row.bias_low), (28, [[1 << 29]], [1 << 26]))
        bounds = checker.bound_layers(problem, *problem.root, [0], problem.known)
        # α = 0: the bias alone, 1/16 in 2^−40.
        self.assertEqual(checker.claim_pass(problem, bounds, [0], None), (1 << 36, [0]))

    def test_phases(self):
        problem = self.problem(HINGE, AROUND_ZERO, monotone())
        on = checker.bound_layers(problem, *problem.root, [1], problem.known)
        self.assertEqual((on.z_low, on.z_high, on.on, on.bent), ([[0]], [[1 << 27]], [[0]], [[]]))
        off = checker.bound_layers(problem, *problem.root, [-1], problem.known)
        self.assertEqual((off.z_low, off.z_high, off.on, off.bent), ([[-1 << 27]], [[0]], [[]], [[]]))
        self.assertIsNone(checker.bound_layers(problem, [0], [1 << 28], [1], problem.known))
        # A premise's multiplier: β = 1 (2^24 in 2^−24): z-coefficient −2^24 of an inactive neuron becomes +2^24.
        given = checker.Multipliers(1)
        given.beta[0] = 1 << 24
        self.assertEqual(checker.claim_pass(problem, off, [-1], given), (-1 << 37, [1 << 22]))

    def test_without_hidden_layers(self):
        # The row w = 2·3 is divided by 2^3; slope and threshold likewise.
        problem = self.problem(network_text([([[3]], [7])]), AROUND_ZERO, monotone(3))
        self.assertEqual((problem.row.low, problem.slope_low, problem.threshold), ([[3 << 28]], [3 << 27], 3 << 37))

    def test_pieces(self):
        claim = monotone(1)  # not what the pieces reach: only the refutation can hold
        for b0, b1, listed, valid in [
                ("-3/4", "1/4", [(0, 1, 0), (1, 1, 0)], True),  # g = −1/2
                ("-3/4", "1/4", [(0, 1, 1), (1, 1, 0)], True),  # g = x − 5/4
                ("-3/4", "1/4", [(0, 1, 2), (1, 1, 0)], False),  # g = 3x − 11/4
                ("-1/2", "1/2", [(0, 1, 0), (1, 1, 0)], True),  # g = 0, neither form is zero
                ("-1/2", "1/2", [(0, 1, 0)], False),
                ("-1/4", "3/4", [(0, 1, 0), (1, 1, 0)], False)]:
            network = network_text([([[1], [-1]], [Fraction(b0), Fraction(b1)]), ([[0, 0]], [0])])
            problem = self.problem(network, [(0, 1)], claim)
            arguments = problem, [0], [ONE], [1, 1], problem.known, 1, listed
            if valid:
                checker.check_piece(*arguments)
            else:
                with self.assertRaisesRegex(checker.Refused, "not-refuted"):
                    checker.check_piece(*arguments)
            with self.assertRaisesRegex(checker.Refused, "phase-open"):
                checker.check_piece(problem, [0], [ONE], [1, 0], problem.known, 1, [])

    def test_a_form_that_is_zero_refutes_nothing(self):
        # z = x1 − 1 where x1 is 1: it is zero everywhere, and so is g.
        network = network_text([([[0, 1]], [-1]), ([[0]], [0])])
        problem = self.problem(network, [(0, 1), (1, 1)], monotone(1))
        with self.assertRaisesRegex(checker.Refused, "not-refuted"):
            checker.check_piece(problem, [0, 0], [ONE, ONE], [1], problem.known, 1, [(0, 1, 0)])

    def test_a_piece_of_a_value_claim(self):
        # relu(x − 1/2) − 1/4 ≥ 0 where x ≥ 3/4; the premise alone gives only −1/4.
        network = network_text([([[1]], [Fraction(-1, 2)]), ([[1]], [0])])
        problem = self.problem(network, [(0, 1)], "nonnegative outputs 1 constant -1/4")
        checker.check_piece(problem, [3 << 28], [ONE], [1], problem.known, 1, [])
        with self.assertRaisesRegex(checker.Refused, "not-refuted"):
            checker.check_piece(problem, [(3 << 28) - 1], [ONE], [1], problem.known, 1, [])
        # z ≥ 0 where x ≤ 1/4: claim − 2z = −(x − 1/2) − 1/4 ≥ 0.
        checker.check_piece(problem, [0], [1 << 28], [1], problem.known, 1, [(0, 1, 1)])


class Files(unittest.TestCase):
    def rule(self, tree, claim=monotone(), network=HINGE, region=AROUND_ZERO, tail=b""):
        query = query_text(region, claim)
        return checker.check(proof(network, [query], [tree]) + tail, network, [query])

    def test_valid(self):
        self.assertEqual(self.rule([0]), (True, "", 0, 0, 1))
        self.assertEqual(self.rule([2, 0, 0, 2, 0, 0, 0]), (True, "", 0, 0, 3))
        self.assertEqual(self.rule([3, 0, 0, 0]), (True, "", 0, 0, 2))
        # Multipliers: neuron 0 flagged, α = 0.
        self.assertEqual(self.rule([4, 1, 0, 1]), (True, "", 0, 0, 1))
        self.assertEqual(self.rule([4, 1, 0, 5, 7, 1]), (True, "", 0, 0, 1))
        # x + 2 − relu(x) is non-decreasing: two pieces.
        self.assertEqual(self.rule([3, 1, 6, 0, 6, 0], network=CONCAVE), (True, "", 0, 0, 2))

    def test_rules(self):
        cases = [
            ([], "truncated", 0),
            ([2, 0, 0], "truncated", 2),
            ([9], "tag", 0),
            ([255], "tag", 0),
            ([1], "not-canonical", 0),  # no multipliers in force
            ([5, 3, 0], "not-canonical", 0),
            ([5, 1, 0], "not-canonical", 0),
            ([5, 8, 0], "not-canonical", 0),
            ([7], "open", 0),
            ([2, 1, 0, 0], "input", 0),
            ([3, 1, 0, 0], "neuron", 0),
            ([3, 0, 3, 0, 0, 0, 0], "neuron", 1),
            ([2, 128, 0, 0, 0], "not-canonical", 0),
            ([2] + [128] * 9 + [1], "not-canonical", 0),
            ([4, 2, 0, 1], "not-canonical", 0),  # a spare flag
            ([4, 1, 16, 1], "not-canonical", 0),  # a spare half byte
            ([4, 1], "truncated", 0),
            # 1 << 5 | 1: a small mantissa with an exponent.
            ([3, 0, 4, 0, 33, 0, 0], "not-canonical", 1),
            ([6, 0], "phase-open", 0),
            ([3, 0, 6, 1, 0, 2, 0, 0], "not-canonical", 1),  # an even mantissa
            ([6, 1, 0, 1, 1, 0], "phase-open", 0),  # no premise
        ]
        for tree, rule, node in cases:
            self.assertEqual(self.rule(tree)[:4], (False, rule, 0, node), tree)
        self.assertEqual(self.rule([0], tail=b"\0")[1], "trailing")
        self.assertEqual(self.rule([0], monotone("1/2"))[:4], (False, "bound-too-low", 0, 0))
        self.assertEqual(self.rule([3, 0, 6, 0, 6, 0], monotone("1/2"))[:4], (False, "not-refuted", 0, 1))
        self.assertEqual(self.rule([0], monotone(1 << 40))[1], "problem")
        self.assertEqual(self.rule([0], monotone(feature=1))[1], "problem")

    def test_header(self):
        query = query_text(AROUND_ZERO, monotone())
        other = query_text(AROUND_ZERO, monotone(-1))
        good = proof(HINGE, [query], [[0]])

        def rule(data, network=HINGE, queries=(query,)):
            return checker.check(data, network, queries)[1]

        self.assertEqual(rule(good), "")
        self.assertEqual(rule(b""), "truncated")
        self.assertEqual(rule(b"vpals-proof/2\n" + good[14:]), "format")
        self.assertEqual(rule(good[:20]), "truncated")
        self.assertEqual(rule(good, network=CONCAVE), "network")
        self.assertEqual(rule(good, queries=(other,)), "query")
        self.assertEqual(rule(good, queries=(query, query)), "query-count")
        both = proof(HINGE, [query, other], [[0], [0]])
        self.assertEqual(checker.check(both, HINGE, [query, other]), (True, "", 0, 0, 2))
        bad = proof(HINGE, [query, query_text(AROUND_ZERO, monotone(1))], [[0], [2, 0, 0, 0]])
        self.assertEqual(
            checker.check(bad, HINGE, [query, query_text(AROUND_ZERO, monotone(1))])[1:4], ("bound-too-low", 1, 1))

    def test_a_shortfall_beyond_49_bits(self):
        """A clip multiplies it by 2^14."""
        # relu(x + 2) + relu(x + 1/2) with slope 8192: the threshold is 2^50 and the bound is positive, so that modulo
        # 2^64 the product would be negative, and the box empty.
        network = network_text([([[1], [1]], [2, Fraction(1, 2)]), ([[1, 1]], [0])])
        self.assertEqual(self.rule([5, 4, 0], monotone(8192), network)[:4], (False, "bound-too-low", 0, 1))
        # 80 neurons with z ≥ 0 and the greatest β: the bound is about −32·80/4.
        count = 80
        network = network_text(
            [([[Fraction(1, 128)]] * count, [Fraction(15, 64)] * count), ([[Fraction(1, 128)] * count], [0])])
        tree = b"".join(b"\3" + number(g) + b"\0" for g in range(count))
        tree += b"\4" + bytes(count // 8) + number(2047 << 5 | 18) * count + b"\5\7\0"
        self.assertEqual(self.rule(tree, network=network, region=[(0, 1)]), (True, "", 0, 0, count + 1))

    def test_depth(self):
        inputs = 137
        network = network_text([([[1] * inputs], [0])])
        tree = [byte for i in range(inputs) for _ in range(30) for byte in (2, *number(i))]
        self.assertEqual(
            self.rule(tree, network=network, region=[(0, 1)] * inputs)[:4], (False, "depth", 0, 4096))

    def test_texts(self):
        query = query_text(AROUND_ZERO, monotone())
        for text in ["", "vpals-network/v1\n", HINGE[:-1], HINGE + "\n", HINGE.replace("1 0", "2 0"),
                     HINGE.replace("1 1", "1 2"), HINGE.replace("1 0", "1 999999999999")]:
            with self.assertRaises(checker.Unreadable, msg=text):
                checker.check(b"", text, [query])
        for text in ["", "vpals-query/v1 1\n", query[:-1], query.replace("v1", "v2"), query.replace("-1 1", "1 -1"),
                     query.replace("-1 1", "-1 2/2"), query.replace("slope 0", "slope 2/4"),
                     query.replace("slope 0", "slope x"), query + "\n"]:
            with self.assertRaises(checker.Unreadable, msg=text):
                checker.check(b"", HINGE, [text])

    def test_changed_bytes_do_not_raise(self):
        source = random.Random(1)
        query = query_text(AROUND_ZERO, monotone())
        good = proof(CONCAVE, [query], [[3, 1, 4, 3, 0x53, 0x21, 5, 7, 1, 2, 0, 6, 1, 1, 3, 5, 0]])
        start = len(good) - 18
        for _ in range(2000):
            data = bytearray(good)
            for _ in range(source.randint(1, 4)):
                data[source.randrange(start, len(data))] = source.choice([source.randrange(10), source.randrange(256)])
            checker.check(bytes(data[:source.randint(start, len(data))]), CONCAVE, [query])


class FalseClaims(unittest.TestCase):
    """Whatever the choices: a cell with a violation in it is not empty, not proved, and not clipped away."""

    def setUp(self):
        self.source = random.Random(4)

    def layers(self):
        source = self.source
        sizes = [source.randint(1, 3), *(source.randint(1, 4) for _ in range(source.randint(0, 3))), 1]

        def value():
            return Fraction(round(source.gauss(0, 1) * (1 << 26)), 1 << source.choice([24, 26, 27]))

        return [([[value() for _ in range(n)] for _ in range(m)], [value() for _ in range(m)])
                for n, m in zip(sizes, sizes[1:])]

    def forward(self, layers, x, feature):
        """The output, its derivative and the pre-activations."""
        d = [Fraction(i == feature) for i in range(len(x))]
        hidden = []
        for index, (rows, biases) in enumerate(layers):
            z = [b + sum(w * v for w, v in zip(row, x)) for row, b in zip(rows, biases)]
            d = [sum(w * v for w, v in zip(row, d)) for row in rows]
            x = z
            if index < len(layers) - 1:
                hidden += z
                x, d = [max(v, 0) for v in z], [e if v > 0 else Fraction(0) for v, e in zip(z, d)]
        return x[0], d[0], hidden

    def test_no_cell_is_proved(self):
        source = self.source
        for _ in range(150):
            layers = self.layers()
            inputs = len(layers[0][0][0])
            region = [(Fraction(source.randint(-9, 0), 3), Fraction(source.randint(1, 9), 7)) for _ in range(inputs)]
            point = [source.randint(0, ONE) for _ in range(inputs)]
            x = [lo + (hi - lo) * Fraction(t, ONE) for (lo, hi), t in zip(region, point)]
            feature = source.randrange(inputs)
            value, slope, hidden = self.forward(layers, x, feature)
            if not all(hidden):
                continue
            gap = Fraction(1, 1 << 16)
            claim = monotone(slope + gap, feature=feature) if source.random() < 0.6 \
                else f"nonnegative outputs 1 constant {-value - gap}"
            problem = checker.Problem(checker.Network(network_text(layers)), checker.Query(query_text(region, claim)))
            lower, upper = problem.root
            premises, known = [0] * problem.neurons, problem.known
            for _ in range(8):
                if source.random() < 0.5:
                    i = source.randrange(inputs)
                    if upper[i] - lower[i] >= 2:
                        lower, upper = lower[:], upper[:]
                        middle = lower[i] + upper[i] >> 1
                        (upper if point[i] <= middle else lower)[i] = middle
                elif problem.neurons:
                    g = source.randrange(problem.neurons)
                    if not premises[g]:
                        premises[g] = 1 if hidden[g] > 0 else -1
                        if g < problem.offsets[1]:
                            layer = problem.layers[0]
                            lower, upper = checker.tighten(
                                layer.low[g], layer.high[g], layer.bias_low[g], layer.bias_high[g], layer.p,
                                premises[g], lower, upper)
                given = None
                if source.random() < 0.7:
                    given = checker.Multipliers(problem.neurons)
                    for g in range(problem.neurons):
                        given.alpha[g], given.omega[g], given.active[g], given.slope[g] = source.choices(range(16), k=4)
                        given.kappa[g] = source.randrange(16) if problem.level_of[g] else 0
                        if premises[g]:
                            given.beta[g] = source.randint(1024, 2047) << source.randint(0, 18)
                bounds = checker.bound_layers(problem, lower, upper, premises, known)
                self.assertIsNotNone(bounds)
                result = checker.claim_pass(problem, bounds, premises, given)
                if result is None:
                    continue
                self.assertLess(result[0], problem.threshold)
                if source.random() < 0.4:
                    known = list(zip(bounds.z_low, bounds.z_high, bounds.d_low, bounds.d_high))
                if source.random() < 0.4:
                    lower, upper = checker.clip(lower, upper, problem.threshold - result[0], result[1])
                self.assertTrue(all(l <= t <= u for l, t, u in zip(lower, point, upper)))


class CommandLine(unittest.TestCase):
    def run_main(self, *arguments):
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            code = checker.main(list(arguments))
        return code, output.getvalue()

    def test_runs(self):
        query = query_text(AROUND_ZERO, monotone())
        steep = query_text(AROUND_ZERO, monotone(1))
        with tempfile.TemporaryDirectory() as folder:
            def write(name, data):
                path = os.path.join(folder, name)
                with open(path, "wb") as file:
                    file.write(data if isinstance(data, bytes) else data.encode())
                return path

            network, good = write("network.txt", HINGE), write("good", proof(HINGE, [query], [[3, 0, 0, 6, 0]]))
            bad = write("bad", proof(HINGE, [steep], [[2, 0, 0, 0]]))
            q, s = write("q.txt", query), write("s.txt", steep)
            self.assertEqual(
                self.run_main(good, "--network", network, "--query", q), (0, "valid: 2 leaves, 1 pieces, 3 nodes\n"))
            self.assertEqual(
                self.run_main(bad, "--network", network, "--query", s),
                (1, "invalid: query 0, node 1: bound-too-low\n"))
            self.assertEqual(self.run_main(good, "--network", network, "--query", os.path.join(folder, "none"))[0], 2)
            self.assertEqual(self.run_main(good, "--network", q, "--query", q)[0], 2)
            jobs = [{"proof": "good", "network": "network.txt", "queries": ["q.txt"]},
                    {"proof": "bad", "network": "network.txt", "queries": ["s.txt"]}]
            write("jobs.jsonl", "".join(json.dumps(job) + "\n" for job in jobs))
            code, output = self.run_main("--batch", folder)
            self.assertEqual(code, 1)
            self.assertEqual([json.loads(line) for line in output.splitlines()], [
                {"proof": "good", "valid": True, "leaves": 2, "pieces": 1, "nodes": 3},
                {"proof": "bad", "valid": False, "rule": "bound-too-low", "query": 0, "node": 1,
                 "leaves": 1, "pieces": 0, "nodes": 2}])
            write("jobs.jsonl", "[]\n{\"proof\": \"none\", \"network\": \"network.txt\", \"queries\": [\"q.txt\"]}\n")
            code, output = self.run_main("--batch", folder)
            self.assertEqual((code, [sorted(json.loads(line)) for line in output.splitlines()]),
                             (2, [["error"], ["error", "proof"]]))


if __name__ == "__main__":
    unittest.main()
