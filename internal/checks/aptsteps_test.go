package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// TestAptStepsBecomeOne holds that the checks about apt's lists do not speak at cross purposes: however update, install
// and cleanup are spread over steps, taking one fix after the other ends in one step and a silent file.
func TestAptStepsBecomeOne(t *testing.T) {
	const one = "FROM debian:12-slim\nRUN apt-get update && \\\n    apt-get install -y curl && \\\n" +
		"    rm -rf /var/lib/apt/lists/*\n"
	for name, steps := range map[string]string{
		"three steps": "RUN apt-get update\nRUN apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n",
		"no cleanup":  "RUN apt-get update\nRUN apt-get install -y curl\n",
		"late":        "RUN apt-get update && \\\n    apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n",
		"kept":        "RUN apt-get update && \\\n    apt-get install -y curl\n",
		"alone":       "RUN apt-get update\nRUN apt-get install -y curl && \\\n    rm -rf /var/lib/apt/lists/*\n",
	} {
		t.Run(name, func(t *testing.T) {
			repo := repository{"Dockerfile": "FROM debian:12-slim\n" + steps}
			o := options(checks.Named("apt-lists-kept"), checks.Named("apt-update-alone"), checks.Named("late-cleanup"))
			fixed, err := check.Fix(t.Context(), repo, "Dockerfile", func(check.Finding) bool { return true }, o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one, string(fixed.After)); diff != "" {
				t.Errorf("after %d fixes (-want +got):\n%s", len(fixed.Applied), diff)
			}
			again, err := check.Examine(t.Context(), repository{"Dockerfile": string(fixed.After)}, []string{"Dockerfile"}, o)
			if err != nil || len(again.Findings) > 0 {
				t.Errorf("the result is not silent: %v %v", again.Findings, err)
			}
		})
	}
}

// TestOneOfferPerMistake holds that of the checks about apt's lists one at a time offers a fix.
func TestOneOfferPerMistake(t *testing.T) {
	o := options(checks.Named("apt-lists-kept"), checks.Named("apt-update-alone"), checks.Named("late-cleanup"))
	for _, steps := range []string{
		"RUN apt-get update\nRUN apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n",
		"RUN apt-get update\nRUN apt-get install -y curl\n",
		"RUN apt-get update && apt-get install -y curl\nRUN rm -rf /var/lib/apt/lists/*\n",
		"RUN apt-get update && apt-get install -y curl\nCOPY . /app\nRUN rm -rf /var/lib/apt/lists/*\n",
	} {
		repo := repository{"Dockerfile": "FROM debian:12-slim\n" + steps}
		result, err := check.Examine(t.Context(), repo, []string{"Dockerfile"}, o)
		if err != nil {
			t.Fatal(err)
		}
		offers := 0
		for _, f := range result.Findings {
			offers += len(f.Fixes)
		}
		if offers != 1 {
			t.Errorf("%d fixes are offered, want 1:\n%s%v", offers, steps, result.Findings)
		}
	}
}
