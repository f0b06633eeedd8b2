; Property tolerant of specification golden, negated.
; for all x, x' in the domain with x' >= x in psi and x' = x elsewhere: p99(x') >= p99(x) / 1.02
; sat: violated, the model is a counterexample. unsat: the property holds.
; Bounds on a log2 scale are irrational: they are rounded so that unsat implies the property. A model
; that misses it by less than 2^-119 per logarithm decides nothing.
; The ends of a log2 domain are multiples of 2^-44 that enclose the logarithms; what lies between
; counts.
; Encoding: two copies of the network at two points.
; Network sha256:0cd1ded3c40ab3e3457ddbb5c02b9f1e2e6c12281b69edf22009e98399c36632,
; specification sha256:ea8604fe1c818644fe6c1f5b133ec74ffd9caa1dc8bca4c252470d19ac9dc646.
; Query 1: sha256:a272e94546d1452f3b242083a8d4e3acd8b8dd2092a29e5525e80363956a6c06.
; Variables (z and h are pre- and post-activations, layers and neurons count from 1):
;   x.cores: cores in cores at x
;   x.clients: log2 of clients in connections at x
;   x.psi: psi in fraction at x
;   x.p50: log2 of p50 in ms at x
;   x.p99: log2 of p99 in ms at x
;   |x'.cores|: cores in cores at x'
;   |x'.clients|: log2 of clients in connections at x'
;   |x'.psi|: psi in fraction at x'
;   |x'.p50|: log2 of p50 in ms at x'
;   |x'.p99|: log2 of p99 in ms at x'
(set-option :produce-models true)
(set-info :smt-lib-version 2.6)
(set-logic QF_LRA)
(declare-const x.cores Real)
(declare-const x.clients Real)
(declare-const x.psi Real)
(declare-const |x'.cores| Real)
(declare-const |x'.clients| Real)
(declare-const |x'.psi| Real)
(assert (>= x.cores (/ 1 3)))
(assert (<= x.cores 2))
(assert (>= x.clients 0))
(assert (<= x.clients (/ 49125849681887 8796093022208)))
(assert (>= x.psi 0))
(assert (<= x.psi 1))
(assert (<= x.psi |x'.psi|))
(assert (>= (+ x.psi (- |x'.psi|)) (- 1)))
(assert (<= |x'.psi| 1))
(assert (= x.cores |x'.cores|))
(assert (= x.clients |x'.clients|))
(declare-const x.z1.1 Real)
(declare-const x.h1.1 Real)
(assert (= x.z1.1 (+ x.cores (* (/ 1 2) x.clients))))
(assert (>= x.h1.1 0))
(assert (>= x.h1.1 x.z1.1))
(assert (or (<= x.h1.1 0) (<= x.h1.1 x.z1.1)))
(declare-const x.z1.2 Real)
(declare-const x.h1.2 Real)
(assert (= x.z1.2 (+ (* (- (/ 1 4)) x.cores) (* 2 x.psi) 1)))
(assert (>= x.h1.2 0))
(assert (>= x.h1.2 x.z1.2))
(assert (or (<= x.h1.2 0) (<= x.h1.2 x.z1.2)))
(declare-const x.z2.1 Real)
(declare-const x.h2.1 Real)
(assert (= x.z2.1 (+ x.h1.1 (- x.h1.2) (/ 1 8))))
(assert (>= x.h2.1 0))
(assert (>= x.h2.1 x.z2.1))
(assert (or (<= x.h2.1 0) (<= x.h2.1 x.z2.1)))
(declare-const x.z2.2 Real)
(declare-const x.h2.2 Real)
(assert (= x.z2.2 1))
(assert (>= x.h2.2 0))
(assert (>= x.h2.2 x.z2.2))
(assert (or (<= x.h2.2 0) (<= x.h2.2 x.z2.2)))
(declare-const x.p99 Real)
(assert (= x.p99 (+ (* (- 2) x.h2.1) (* 3 x.h2.2))))
(declare-const |x'.z1.1| Real)
(declare-const |x'.h1.1| Real)
(assert (= |x'.z1.1| (+ |x'.cores| (* (/ 1 2) |x'.clients|))))
(assert (>= |x'.h1.1| 0))
(assert (>= |x'.h1.1| |x'.z1.1|))
(assert (or (<= |x'.h1.1| 0) (<= |x'.h1.1| |x'.z1.1|)))
(declare-const |x'.z1.2| Real)
(declare-const |x'.h1.2| Real)
(assert (= |x'.z1.2| (+ (* (- (/ 1 4)) |x'.cores|) (* 2 |x'.psi|) 1)))
(assert (>= |x'.h1.2| 0))
(assert (>= |x'.h1.2| |x'.z1.2|))
(assert (or (<= |x'.h1.2| 0) (<= |x'.h1.2| |x'.z1.2|)))
(declare-const |x'.z2.1| Real)
(declare-const |x'.h2.1| Real)
(assert (= |x'.z2.1| (+ |x'.h1.1| (- |x'.h1.2|) (/ 1 8))))
(assert (>= |x'.h2.1| 0))
(assert (>= |x'.h2.1| |x'.z2.1|))
(assert (or (<= |x'.h2.1| 0) (<= |x'.h2.1| |x'.z2.1|)))
(declare-const |x'.z2.2| Real)
(declare-const |x'.h2.2| Real)
(assert (= |x'.z2.2| 1))
(assert (>= |x'.h2.2| 0))
(assert (>= |x'.h2.2| |x'.z2.2|))
(assert (or (<= |x'.h2.2| 0) (<= |x'.h2.2| |x'.z2.2|)))
(declare-const |x'.p99| Real)
(assert (= |x'.p99| (+ (* (- 2) |x'.h2.1|) (* 3 |x'.h2.2|))))
; the claim fails
(assert (> (+ x.p99 (- |x'.p99|)) (/ 18987458457894000948491964304503319 664613997892457936451903530140172288)))
(check-sat)
; after sat: (get-model)
(exit)
