package fixes

import (
	"strings"

	"github.com/lighterman/lighterman/fixes/dockerfile"
)

// PipeFails promises that one RUN's script begins with "set -o pipefail" besides, and nothing else differs.
type PipeFails struct{}

// Claim implements Intent.
func (PipeFails) Claim() Claim {
	return Claim{Intended, "checked: changes only when the step fails: also when a command before a | does"}
}

// SetPipefail lets the script of run begin with "set -o pipefail &&".
func SetPipefail(f *dockerfile.File, run *dockerfile.Instruction) (Fix, error) {
	if _, err := scriptOf(f, run); err != nil {
		return Fix{}, err
	}
	if len(run.Heredocs) > 0 || run.Body.Empty() || strings.HasPrefix(run.Text(), "-") {
		return Fix{}, refuse("the script on line %d has no beginning to put it before", run.Line())
	}
	edits, err := checked(f, 0, edit(f, point(run.Body.Start), "set -o pipefail && "))
	return Fix{Title: "Let a failure before the | fail the step", Intent: PipeFails{}, Edits: edits}, err
}
