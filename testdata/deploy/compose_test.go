package deploy

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// folder is what is tested.
const folder = "../../deploy"

// project reads a compose file as docker compose does, with these variables.
func project(t *testing.T, name string, env ...string) (*types.Project, error) {
	t.Helper()
	o, err := cli.NewProjectOptions([]string{filepath.Join(folder, name)}, cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return o.LoadProject(t.Context())
}

func load(t *testing.T, name string, env ...string) *types.Project {
	t.Helper()
	p, err := project(t, name, env...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p
}

func TestComposeFilesConfineTheServer(t *testing.T) {
	for _, name := range []string{"compose.yml", "compose.postgres.yml"} {
		s := load(t, name, "APP_ID=1").Services["lighterman"]
		for what, ok := range map[string]bool{
			"a file system that can be written":   s.ReadOnly,
			"capabilities":                        slices.Equal(s.CapDrop, []string{"ALL"}) && s.CapAdd == nil,
			"new privileges":                      slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
			"privileges":                          !s.Privileged && s.User == "",
			"no place for temporary files":        slices.Contains(s.Tmpfs, "/tmp"),
			"no check of its health":              strings.HasSuffix(strings.Join(s.HealthCheck.Test, " "), "lighterman healthcheck"),
			"no memory limit":                     s.MemLimit > 0,
			"too little time to finish its work":  s.StopGracePeriod != nil && s.StopGracePeriod.String() >= "1m",
			"a port that everybody in reach sees": s.Ports[0].HostIP == "127.0.0.1",
		} {
			if !ok {
				t.Errorf("%s: the server has %s", name, what)
			}
		}
	}
}

// TestComposeTellsNoSecrets holds that secrets come by files, and stand in no variable.
func TestComposeTellsNoSecrets(t *testing.T) {
	for _, name := range []string{"compose.yml", "compose.postgres.yml"} {
		p := load(t, name, "APP_ID=1", "PRIVATE_KEY=./secrets/key", "WEBHOOK_SECRET=./secrets/hook", "ADMIN_TOKEN=./secrets/admin")
		for _, service := range p.Services {
			for key, value := range service.Environment {
				if value == nil {
					t.Errorf("%s: %s is taken from the caller's environment", name, key)
					continue
				}
				secret := strings.Contains(key, "KEY") || strings.Contains(key, "SECRET") ||
					strings.Contains(key, "PASSWORD") || strings.Contains(key, "TOKEN") || strings.Contains(key, "DATABASE_URL")
				file, isFile := strings.CutPrefix(*value, "/run/secrets/")
				if secret != isFile {
					t.Errorf("%s: %s is %s", name, key, *value)
				}
				if isFile && !slices.ContainsFunc(service.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == file }) {
					t.Errorf("%s: %s names a secret that the service does not have", name, key)
				}
			}
		}
		for secret, s := range p.Secrets {
			if !strings.Contains(s.File, "/secrets/") {
				t.Errorf("%s: the secret %s is not a file of the folder secrets: %s", name, secret, s.File)
			}
		}
	}
}

// TestComposeWithoutAnApp holds that the server with SQLite starts with nothing said, for the set-up page.
func TestComposeWithoutAnApp(t *testing.T) {
	env := load(t, "compose.yml").Services["lighterman"].Environment
	for _, key := range []string{"LIGHTERMAN_APP_ID", "LIGHTERMAN_PRIVATE_KEY_FILE", "LIGHTERMAN_WEBHOOK_SECRET_FILE",
		"LIGHTERMAN_ADMIN_TOKEN_FILE"} {
		if value := env[key]; value == nil || *value != "" {
			t.Errorf("%s is set without an App", key)
		}
	}
	if _, err := project(t, "compose.postgres.yml"); err == nil || !strings.Contains(err.Error(), "APP_ID") {
		t.Errorf("two replicas without an App are not refused: %v", err)
	}
}

func TestComposeReplicasWaitForTheirDatabase(t *testing.T) {
	p := load(t, "compose.postgres.yml", "APP_ID=1")
	s := p.Services["lighterman"]
	if s.Deploy == nil || s.Deploy.Replicas == nil || *s.Deploy.Replicas != 2 {
		t.Errorf("there are not two replicas: %+v", s.Deploy)
	}
	if on := s.DependsOn["postgres"]; on.Condition != types.ServiceConditionHealthy {
		t.Errorf("they do not wait until the database is healthy: %+v", on)
	}
	if check := p.Services["postgres"].HealthCheck; check == nil || check.Test[1] != "pg_isready" {
		t.Errorf("nobody asks whether the database is healthy: %+v", check)
	}
}
