package github_test

import (
	"errors"
	"testing"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/githubtest"
)

// TestInstallationOf finds where the App is installed; where it is not is gone, and a failure is neither.
func TestInstallationOf(t *testing.T) {
	h := newHost(t, githubtest.Options{}, map[string]string{"a": "x"})
	if id, err := h.app.InstallationOf(t.Context(), "Acme"); err != nil || id != h.place().Installation {
		t.Errorf("acme: %d, %v", id, err)
	}
	if _, err := h.app.InstallationOf(t.Context(), "none"); !errors.Is(err, forge.ErrGone) {
		t.Errorf("none: %v", err)
	}
	h.Inject(githubtest.Fault{Operation: "apps/get-org-installation", Status: 403, Body: `{"message":"no"}`})
	if _, err := h.app.InstallationOf(t.Context(), "acme"); err == nil || errors.Is(err, forge.ErrGone) {
		t.Errorf("refused: %v", err)
	}
}
