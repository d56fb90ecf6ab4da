package checks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// TestSecretIsNotRepeated looks for the value in everything a finding says, and holds that a finding stands on the name
// alone, so that what shows the place of a finding does not show the value.
func TestSecretIsNotRepeated(t *testing.T) {
	const value = "hunter2"
	src := "FROM debian:12\nARG NPM_TOKEN=hunter2\nENV DB_PASSWORD=\"hunter2\" \\\n    API_KEY=hunter2\nENV OLD_SECRET hunter2\n"
	result, err := check.Examine(t.Context(), repository{"Dockerfile": src}, []string{"Dockerfile"},
		options(checks.Named("secret-in-env")))
	if err != nil || len(result.Findings) != 4 {
		t.Fatalf("%d findings, want 4: %v", len(result.Findings), err)
	}
	for _, f := range result.Findings {
		if said := fmt.Sprint(f.Message, f.Refused, f.ID, f.Fixes); strings.Contains(said, value) {
			t.Errorf("line %d: the value is repeated: %s", f.Line, said)
		}
		if at := src[f.At.Start:f.At.End]; !strings.Contains(f.Message, " `"+at+"` ") {
			t.Errorf("line %d: the finding stands on %q, not on the name", f.Line, at)
		}
	}
}
