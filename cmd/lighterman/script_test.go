package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lighterman/lighterman/internal/prove"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata/script")

func TestMain(m *testing.M) {
	prove.MaybeChild()
	if err := os.Setenv("LIGHTERMAN_TODAY", "2026-11-25"); err != nil {
		panic(err)
	}
	testscript.Main(watched{m}, map[string]func(){"lighterman": main})
}

// TestScript runs the command line as people and other programs do: testdata/script, in testscript's language.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("LIGHTERMAN_TODAY", "2026-11-25")
			action, err := filepath.Abs("../../deploy/action")
			env.Setenv("ACTION", action)
			env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			env.Setenv("GIT_AUTHOR_NAME", "t")
			env.Setenv("GIT_AUTHOR_EMAIL", "t@example.com")
			env.Setenv("GIT_COMMITTER_NAME", "t")
			env.Setenv("GIT_COMMITTER_EMAIL", "t@example.com")
			return err
		},
	})
}
