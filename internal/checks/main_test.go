package checks_test

import (
	"os"
	"testing"

	"github.com/lighterman/lighterman/internal/prove"
)

// prover is the product's own: what the cases offer was proven.
var prover *prove.Pool

func TestMain(m *testing.M) {
	prove.MaybeChild()
	prover = prove.NewPool(prove.Options{})
	code := m.Run()
	prover.Close()
	os.Exit(code)
}
