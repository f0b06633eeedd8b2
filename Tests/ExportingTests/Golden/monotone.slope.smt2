; Property monotone of specification golden, negated.
; for all x, x' in the domain with x' >= x in cores and x' = x elsewhere: p99(x') <= p99(x)
; sat: violated. unsat: the property holds.
; The ends of a log2 domain are multiples of 2^-44 that enclose the logarithms; what lies between
; counts.
; Encoding: one copy of the network and its one-sided derivative along the feature: on a convex set,
; f(x + t*e) - f(x) >= m*t for all t > 0 exactly when the derivative to the right is at least m at
; every x from which a step along e stays inside.
; Network sha256:0cd1ded3c40ab3e3457ddbb5c02b9f1e2e6c12281b69edf22009e98399c36632,
; specification sha256:ea8604fe1c818644fe6c1f5b133ec74ffd9caa1dc8bca4c252470d19ac9dc646.
; Query 1: sha256:308f97cd247c55e36aa026bf17bdf5c93e6bd91c8264cc6c0a1fe5cbe13b0d0b.
; Variables (z and h are pre- and post-activations, layers and neurons count from 1):
;   cores: cores in cores
;   clients: log2 of clients in connections
;   psi: psi in fraction
;   p50: log2 of p50 in ms
;   p99: log2 of p99 in ms
;   d.p99/cores: derivative of log2 of p99 in ms along cores in cores
(set-option :produce-models true)
(set-info :smt-lib-version 2.6)
(set-logic QF_LRA)
(declare-const cores Real)
(declare-const clients Real)
(declare-const psi Real)
(assert (and (<= (/ 1 3) cores) (<= cores 2)))
(assert (and (<= 0 clients) (<= clients (/ 49125849681887 8796093022208))))
(assert (and (<= 0 psi) (<= psi 1)))
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
(declare-const dz1.1/cores Real)
(declare-const dh1.1/cores Real)
(assert (= dz1.1/cores 1))
(assert (= dh1.1/cores (ite (or (> z1.1 0) (and (= z1.1 0) (> dz1.1/cores 0))) dz1.1/cores 0)))
(declare-const dz1.2/cores Real)
(declare-const dh1.2/cores Real)
(assert (= dz1.2/cores (- (/ 1 4))))
(assert (= dh1.2/cores (ite (or (> z1.2 0) (and (= z1.2 0) (> dz1.2/cores 0))) dz1.2/cores 0)))
(declare-const dz2.1/cores Real)
(declare-const dh2.1/cores Real)
(assert (= dz2.1/cores (+ dh1.1/cores (- dh1.2/cores))))
(assert (= dh2.1/cores (ite (or (> z2.1 0) (and (= z2.1 0) (> dz2.1/cores 0))) dz2.1/cores 0)))
(declare-const d.p99/cores Real)
(assert (= d.p99/cores (* (- 2) dh2.1/cores)))
; the claim fails
(assert (< cores 2))
(assert (> d.p99/cores 0))
(check-sat)
; after sat: (get-model)
(exit)
