package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func flagsForTest(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.String("addr", "default", "")
	flags.Int("workers", 4, "")
	flags.String("webhook-secret", "", "")
	flags.String("config", "", "")
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func TestSettingsInOrder(t *testing.T) {
	environ := func(env map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	}
	for _, c := range []struct {
		name string
		args []string
		env  map[string]string
		file map[string]string
		want string
	}{
		{"default", nil, nil, nil, "default"},
		{"file", nil, nil, map[string]string{"addr": "file"}, "file"},
		{"variable over file", nil, map[string]string{"LIGHTERMAN_ADDR": "env"}, map[string]string{"addr": "file"}, "env"},
		{"empty variable", nil, map[string]string{"LIGHTERMAN_ADDR": ""}, map[string]string{"addr": "file"}, "file"},
		{"flag over all", []string{"--addr", "flag"}, map[string]string{"LIGHTERMAN_ADDR": "env"}, map[string]string{"addr": "file"}, "flag"},
	} {
		t.Run(c.name, func(t *testing.T) {
			flags := flagsForTest(t, c.args...)
			if err := settle(flags, environ(c.env), c.file); err != nil {
				t.Fatal(err)
			}
			if got, _ := flags.GetString("addr"); got != c.want {
				t.Errorf("addr %q, want %q", got, c.want)
			}
		})
	}
	err := settle(flagsForTest(t), environ(map[string]string{"LIGHTERMAN_WORKERS": "many"}), nil)
	if err == nil || !strings.Contains(err.Error(), "LIGHTERMAN_WORKERS") {
		t.Errorf("a bad variable must be named: %v", err)
	}
}

func TestSettingsFileIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"addr: x\n":                   "",
		"":                            "",
		"adress: x\n":                 ":1:1: there is no setting \"adress\"",
		"addr: x\nworkers: [1]\n":     ":2:10: workers takes one value",
		"addr: x\naddr: y\n":          "addr",
		"- addr\n":                    ":1: a mapping",
		"addr: {\n":                   "yaml",
		"webhook-secret: hunter2\nx:": "no setting \"x\"",
	} {
		path := filepath.Join(t.TempDir(), "lighterman.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readSettings(path, flagsForTest(t))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ value, file, want, err string }{
		{"v", "", "v", ""},
		{"", path, "from a file\n", ""},
		{"v", path, "", "both set"},
		{"", "", "", "LIGHTERMAN_PRIVATE_KEY is not set"},
		{" \n", "", "", "not set"},
		{"", path + "x", "", "LIGHTERMAN_PRIVATE_KEY_FILE"},
	} {
		got, err := secret("private-key", c.value, c.file)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%+v: got %q, %v", c, got, err)
		}
	}
}
