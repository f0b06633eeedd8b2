; Property relation of specification golden, negated.
; for all idle, busy in the domain: idle.cores = busy.cores and idle.clients = busy.clients and
; idle.psi <= 1/3*busy.psi implies idle.p50 <= busy.p99
; sat: violated, the model is a counterexample. unsat: the property holds.
; The ends of a log2 domain are multiples of 2^-44 that enclose the logarithms; what lies between
; counts.
; Encoding: two copies of the network at two points.
; Network sha256:0cd1ded3c40ab3e3457ddbb5c02b9f1e2e6c12281b69edf22009e98399c36632,
; specification sha256:ea8604fe1c818644fe6c1f5b133ec74ffd9caa1dc8bca4c252470d19ac9dc646.
; Query 1: sha256:5a2287b39f75f3ba8fa80e72a6a09af5cd296c2bb151eb85c11f6f5734363458.
; Variables (z and h are pre- and post-activations, layers and neurons count from 1):
;   idle.cores: cores in cores at idle
;   idle.clients: log2 of clients in connections at idle
;   idle.psi: psi in fraction at idle
;   idle.p50: log2 of p50 in ms at idle
;   idle.p99: log2 of p99 in ms at idle
;   busy.cores: cores in cores at busy
;   busy.clients: log2 of clients in connections at busy
;   busy.psi: psi in fraction at busy
;   busy.p50: log2 of p50 in ms at busy
;   busy.p99: log2 of p99 in ms at busy
(set-option :produce-models true)
(set-info :smt-lib-version 2.6)
(set-logic QF_LRA)
(declare-const idle.cores Real)
(declare-const idle.clients Real)
(declare-const idle.psi Real)
(declare-const busy.cores Real)
(declare-const busy.clients Real)
(declare-const busy.psi Real)
(assert (>= idle.cores (/ 1 3)))
(assert (<= idle.cores 2))
(assert (>= idle.clients 0))
(assert (<= idle.clients (/ 49125849681887 8796093022208)))
(assert (>= idle.psi 0))
(assert (<= idle.psi 1))
(assert (>= busy.psi 0))
(assert (<= busy.psi 1))
(assert (>= (+ (* (- 3) idle.psi) busy.psi) 0))
(assert (= idle.cores busy.cores))
(assert (= idle.clients busy.clients))
(declare-const idle.z1.1 Real)
(declare-const idle.h1.1 Real)
(assert (= idle.z1.1 (+ idle.cores (* (/ 1 2) idle.clients))))
(assert (>= idle.h1.1 0))
(assert (>= idle.h1.1 idle.z1.1))
(assert (or (<= idle.h1.1 0) (<= idle.h1.1 idle.z1.1)))
(declare-const idle.z1.2 Real)
(declare-const idle.h1.2 Real)
(assert (= idle.z1.2 (+ (* (- (/ 1 4)) idle.cores) (* 2 idle.psi) 1)))
(assert (>= idle.h1.2 0))
(assert (>= idle.h1.2 idle.z1.2))
(assert (or (<= idle.h1.2 0) (<= idle.h1.2 idle.z1.2)))
(declare-const idle.z2.1 Real)
(declare-const idle.h2.1 Real)
(assert (= idle.z2.1 (+ idle.h1.1 (- idle.h1.2) (/ 1 8))))
(assert (>= idle.h2.1 0))
(assert (>= idle.h2.1 idle.z2.1))
(assert (or (<= idle.h2.1 0) (<= idle.h2.1 idle.z2.1)))
(declare-const idle.z2.2 Real)
(declare-const idle.h2.2 Real)
(assert (= idle.z2.2 1))
(assert (>= idle.h2.2 0))
(assert (>= idle.h2.2 idle.z2.2))
(assert (or (<= idle.h2.2 0) (<= idle.h2.2 idle.z2.2)))
(declare-const idle.p50 Real)
(assert (= idle.p50 (+ idle.h2.1 4)))
(declare-const busy.z1.1 Real)
(declare-const busy.h1.1 Real)
(assert (= busy.z1.1 (+ busy.cores (* (/ 1 2) busy.clients))))
(assert (>= busy.h1.1 0))
(assert (>= busy.h1.1 busy.z1.1))
(assert (or (<= busy.h1.1 0) (<= busy.h1.1 busy.z1.1)))
(declare-const busy.z1.2 Real)
(declare-const busy.h1.2 Real)
(assert (= busy.z1.2 (+ (* (- (/ 1 4)) busy.cores) (* 2 busy.psi) 1)))
(assert (>= busy.h1.2 0))
(assert (>= busy.h1.2 busy.z1.2))
(assert (or (<= busy.h1.2 0) (<= busy.h1.2 busy.z1.2)))
(declare-const busy.z2.1 Real)
(declare-const busy.h2.1 Real)
(assert (= busy.z2.1 (+ busy.h1.1 (- busy.h1.2) (/ 1 8))))
(assert (>= busy.h2.1 0))
(assert (>= busy.h2.1 busy.z2.1))
(assert (or (<= busy.h2.1 0) (<= busy.h2.1 busy.z2.1)))
(declare-const busy.z2.2 Real)
(declare-const busy.h2.2 Real)
(assert (= busy.z2.2 1))
(assert (>= busy.h2.2 0))
(assert (>= busy.h2.2 busy.z2.2))
(assert (or (<= busy.h2.2 0) (<= busy.h2.2 busy.z2.2)))
(declare-const busy.p99 Real)
(assert (= busy.p99 (+ (* (- 2) busy.h2.1) (* 3 busy.h2.2))))
; the claim fails
(assert (> idle.p50 busy.p99))
(check-sat)
; after sat: (get-model)
(exit)
