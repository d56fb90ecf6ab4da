package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/lighterman/lighterman/internal/checks"
)

// The tests of folder deploy, which holds what operators start from. They are here because they hold it against what the
// program really takes: its commands, its settings, its metrics.
const deploy = "../../deploy"

// run is a command line's output, standard error included, and how it ended.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := rootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestOurOwnContainerFileIsExemplary runs every check on it, those included that have to be asked for.
func TestOurOwnContainerFileIsExemplary(t *testing.T) {
	args := []string{"review", "--fail-on", "info", "--verbose", deploy}
	for _, c := range checks.All() {
		args = append(args, "--check", c.Name)
	}
	out, err := run(t, args...)
	if err != nil || strings.TrimSpace(out) != "1 Dockerfile, nothing to say" {
		t.Errorf("%v\n%s", err, out)
	}
}

// deployed visits the files of folder deploy.
func deployed(t *testing.T, visit func(path, text string)) {
	t.Helper()
	must(t, filepath.WalkDir(deploy, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		visit(path, string(text))
		return err
	}))
}

// named finds the variables of lighterman.
var named = regexp.MustCompile(`LIGHTERMAN_[A-Z_]*[A-Z]`)

// TestDeploymentsSetWhatThereIs holds that each variable in folder deploy is one of serve's settings.
func TestDeploymentsSetWhatThereIs(t *testing.T) {
	known := map[string]bool{}
	serveCommand().Flags().VisitAll(func(f *pflag.Flag) { known[variable(f.Name)] = true })
	found := 0
	deployed(t, func(path, text string) {
		for _, name := range named.FindAllString(text, -1) {
			if found++; !known[name] {
				t.Errorf("%s: lighterman serve has no setting %s", path, name)
			}
		}
	})
	if found < 20 {
		t.Errorf("only %d variables were found", found)
	}
}

// chosen are the settings of serve that the chart makes of other values, or has no use for.
var chosen = map[string]string{
	"addr": "the container's port", "data-dir": "the volume", "linger": "a value of its own", "github-url": "github.url",
	"public-url": "github.publicUrl", "app-id": "github.appId", "private-key-file": "github.secretName",
	"webhook-secret-file": "github.secretName", "admin-token-file": "admin.secretName", "database-url-file": "database", "private-key": "github.privateKey",
	"webhook-secret": "github.webhookSecret", "database-url": "database.url", "config": "the values are the configuration",
	"help": "",
}

// TestChartTakesEverySetting holds that the chart's schema has the settings of serve, and no other.
func TestChartTakesEverySetting(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "helm/lighterman/values.schema.json"))
	must(t, err)
	var schema struct {
		Properties struct {
			Settings struct{ Properties map[string]any }
		}
	}
	must(t, json.Unmarshal(text, &schema))
	settings := schema.Properties.Settings.Properties
	serveCommand().Flags().VisitAll(func(f *pflag.Flag) {
		_, there := settings[f.Name]
		if _, elsewhere := chosen[f.Name]; there == elsewhere {
			t.Errorf("values.schema.json: --%s of lighterman serve is to be one of the settings, or in the table of this test", f.Name)
		}
		delete(settings, f.Name)
	})
	for name := range settings {
		t.Errorf("values.schema.json: lighterman serve has no --%s", name)
	}
}
