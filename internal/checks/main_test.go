package checks_test

import (
	"context"

	"github.com/lighterman/lighterman/internal/check"
)

// prover stands in until internal/prove lands; then it is a prove.Pool.
var prover check.Prover = trusting{}

type trusting struct{}

func (trusting) Prove(context.Context, check.Case) error { return nil }
