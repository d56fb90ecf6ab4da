package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestSystemdUnit has systemd itself look at the unit, and at how much of the machine it leaves open: 10 is everything.
func TestSystemdUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("NOT TRIED: there is no systemd-analyze; make deps")
	}
	text, err := os.ReadFile(filepath.Join(deploy, "lighterman.service"))
	must(t, err)
	self, err := os.Executable()
	must(t, err)
	path := filepath.Join(t.TempDir(), "lighterman.service")
	must(t, os.WriteFile(path, []byte(strings.Replace(string(text), "/usr/local/bin/lighterman", self, 1)), 0o644))

	out, err := exec.Command("systemd-analyze", "verify", "--man=no", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), "lighterman.service") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	out, err = exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", path).CombinedOutput()
	must(t, err)
	m := regexp.MustCompile(`exposure level for lighterman.service: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no level:\n%s", out)
	}
	if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > 1.5 {
		t.Errorf("the unit leaves too much open: %s", m[1])
	}
}

// TestSystemdUnitLetsProofsBeLimited holds that the filter has what confines the processes that prove fixes.
func TestSystemdUnitLetsProofsBeLimited(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "lighterman.service"))
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "SystemCallFilter=~") && strings.Contains(line, "@resources") {
			t.Error("without setrlimit a proof may take all memory")
		}
	}
}
