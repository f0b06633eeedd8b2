; Property bounds of specification golden, negated.
; for all x in the domain: 0.1 ms <= p99(x) <= 60000 ms
; sat: violated, the model is a counterexample. unsat: the property holds.
; Bounds on a log2 scale are irrational: they are rounded so that unsat implies the property. A model
; that misses it by less than 2^-119 per logarithm decides nothing.
; The ends of a log2 domain are multiples of 2^-44 that enclose the logarithms; what lies between
; counts.
; Encoding: one copy of the network at one point.
; Network sha256:0cd1ded3c40ab3e3457ddbb5c02b9f1e2e6c12281b69edf22009e98399c36632,
; specification sha256:ea8604fe1c818644fe6c1f5b133ec74ffd9caa1dc8bca4c252470d19ac9dc646.
; Query 1: sha256:a396c49fb2ae0ca7eda77c8458057090f0da0fba61444d26d5f21dd9a75a64fa.
; Query 2: sha256:0d351e46990f2585ffb7e0664ff0ff73a4081d4a3b523a7009a87cc4ad2677a3.
; Variables (z and h are pre- and post-activations, layers and neurons count from 1):
;   cores: cores in cores
;   clients: log2 of clients in connections
;   psi: psi in fraction
;   p50: log2 of p50 in ms
;   p99: log2 of p99 in ms
(set-option :produce-models true)
(set-info :smt-lib-version 2.6)
(set-logic QF_LRA)
(declare-const cores Real)
(declare-const clients Real)
(declare-const psi Real)
(assert (>= cores (/ 1 3)))
(assert (<= cores 2))
(assert (>= clients 0))
(assert (<= clients (/ 49125849681887 8796093022208)))
(assert (>= psi 0))
(assert (<= psi 1))
(declare-const z1.1 Real)
(declare-const h1.1 Real)
(assert (= z1.1 (+ cores (* (/ 1 2) clients))))
(assert (>= h1.1 0))
(assert (>= h1.1 z1.1))
(assert (or (<= h1.1 0) (<= h1.1 z1.1)))
(declare-const z1.2 Real)
(declare-const h1.2 Real)
(assert (= z1.2 (+ (* (- (/ 1 4)) cores) (* 2 psi) 1)))
(assert (>= h1.2 0))
(assert (>= h1.2 z1.2))
(assert (or (<= h1.2 0) (<= h1.2 z1.2)))
(declare-const z2.1 Real)
(declare-const h2.1 Real)
(assert (= z2.1 (+ h1.1 (- h1.2) (/ 1 8))))
(assert (>= h2.1 0))
(assert (>= h2.1 z2.1))
(assert (or (<= h2.1 0) (<= h2.1 z2.1)))
(declare-const z2.2 Real)
(declare-const h2.2 Real)
(assert (= z2.2 1))
(assert (>= h2.2 0))
(assert (>= h2.2 z2.2))
(assert (or (<= h2.2 0) (<= h2.2 z2.2)))
(declare-const p99 Real)
(assert (= p99 (+ (* (- 2) h2.1) (* 3 h2.2))))
; the claim fails
(assert (or
  (< p99 (- (/ 4415599823708732494820352040231157613 1329227995784915872903807060280344576)))
  (> p99 (/ 10549201909423838281057086027183735985 664613997892457936451903530140172288))))
(check-sat)
; after sat: (get-model)
(exit)
