# For the Makefile of the repository with the models: `include gate.mk`, then `make gate`.
VPALS ?= vpals
.PHONY: gate
gate: ; $(VPALS) gate models --specs specs
