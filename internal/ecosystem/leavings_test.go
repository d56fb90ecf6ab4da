package ecosystem_test

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/fixes/dockerfile"
	"github.com/lighterman/lighterman/internal/ecosystem"
)

// command is the one command of a line of shell.
func command(t *testing.T, line string) dockerfile.Command {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte("FROM a\nRUN "+line+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := f.Instructions[1].Script()
	if err != nil {
		t.Fatal(err)
	}
	return script.Calls()[0]
}

func TestMakes(t *testing.T) {
	for line, want := range map[string]string{
		"apt-get -qq update":                                 "/var/lib/apt/lists",
		"apt-get update -o Dir::State::Lists=/tmp/lists":     "",
		"sudo apt-get install -y gcc=4:12 libc6:i386 $X":     "apt:gcc apt:libc6",
		"apt-get -t stable install curl":                     "apt:curl",
		"apt-get install ./tool.deb":                         "",
		"echo apt-get update":                                "",
		"apk add curl":                                       "apk:curl /var/cache/apk",
		"apk add --no-cache --virtual .deps gcc musl-dev":    "apk:.deps",
		"pip install -r requirements.txt":                    "~/.cache/pip",
		"python3 -m pip install flask":                       "~/.cache/pip",
		"pip install --no-cache-dir flask":                   "",
		"npm ci --omit=dev":                                  "~/.npm",
		"npm run build":                                      "",
		"yarn --frozen-lockfile":                             "/usr/local/share/.cache/yarn",
		"yarn build":                                         "",
		"go build ./...":                                     "~/.cache/go-build /go/pkg/mod",
		"curl -fsSL -o a.tgz https://example.org/b.tgz":      "/src/a.tgz",
		"curl -fsSLo /tmp/a.tgz https://example.org/b.tgz":   "/tmp/a.tgz",
		"curl -fsSLO https://example.org/b.tgz":              "/src/b.tgz",
		"curl -fsSL https://example.org/b.tgz":               "",
		"curl -fsSLO https://example.org/b.tgz?raw=1":        "",
		"curl -o $OUT https://example.org/b.tgz":             "",
		"wget -q https://example.org/b.tgz":                  "/src/b.tgz",
		"wget -P /tmp https://example.org/b.tgz":             "/tmp/b.tgz",
		"wget -qO- https://example.org/b.tgz":                "/src/-",
		"wget -qO /tmp/a https://example.org/b.tgz":          "/tmp/a",
		"wget --output-document=a https://example.org/b.tgz": "/src/a",
		"git clone --depth 1 https://example.org/tool.git":   "/src/tool",
		"git clone https://example.org/tool.git /opt/t":      "/opt/t",
		"git pull https://example.org/tool.git":              "",
		"tar -xzf tool.tar.gz":                               "/src/tool",
		"tar -C /opt -xf /tmp/tool.tgz":                      "/opt /opt/tool",
		"tar xf tool.tar":                                    "/src/tool",
		"tar -czf tool.tar.gz lib":                           "",
		"unzip -q a.zip -d /opt/a":                           "/opt/a",
		"mkdir -p a /b":                                      "/src/a /b",
		"make install":                                       "",
	} {
		if got := strings.Join(ecosystem.Makes(command(t, line), "/src"), " "); got != want {
			t.Errorf("%s makes %q, want %q", line, got, want)
		}
	}
}

func TestRemoves(t *testing.T) {
	for line, want := range map[string]string{
		"rm -rf /var/lib/apt/lists/*":                   "/var/lib/apt/lists /var/lib/apt/lists/* only",
		`rm -rf "/var/lib/apt/lists/"*`:                 "/var/lib/apt/lists only",
		"rm -rf /var/lib/{apt,dpkg}":                    "/var/lib/apt/lists only",
		"rm -rf /var/lib/apt/lists/partial":             "/var/lib/apt/lists/partial only",
		"rm -f tool.tgz ~/.npm $HOME/.cache /root/x $Y": "/src/tool.tgz ~/.npm ~/.cache ~/x only",
		"rm -rf /": " only",
		"find /var/lib/apt/lists -type f -delete": "/var/lib/apt/lists only",
		"find /usr -name *.pyc -exec rm {} +":     " only",
		"find /usr -name *.pyc":                   "",
		"apt-get clean":                           " only",
		"apt-get purge -y --auto-remove gcc":      "apt:gcc only",
		"apt-get distclean":                       "/var/lib/apt/lists only",
		"apt-get install -y curl":                 "",
		"apk del .deps":                           "apk:.deps only",
		"npm cache clean --force":                 "~/.npm only",
		"npm cache verify":                        "",
		"pip cache purge":                         "~/.cache/pip only",
		"go clean -modcache":                      "/go/pkg/mod only",
		"dnf clean all":                           "/var/cache/dnf only",
		"mv /tmp/a b /opt":                        "/tmp/a /src/b",
		"make clean":                              "",
	} {
		patterns, only := ecosystem.Removes(command(t, line), "/src")
		got := strings.Join(patterns, " ")
		if only {
			got += " only"
		}
		if got != want {
			t.Errorf("%s removes %q, want %q", line, got, want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, made string
		want          bool
	}{
		{"/tmp/a.tgz", "/tmp/a.tgz", true},
		{"/tmp", "/tmp/a.tgz", true},
		{"/tmp/*", "/tmp/a.tgz", true},
		{"/tmp/*", "/tmp/a/b", true},
		{"/tmp/*.tgz", "/tmp/a.tgz", true},
		{"/opt/tool/*", "/opt/tool", true},
		{"/opt/tool/doc", "/opt/tool", false},
		{"/tmp/b.tgz", "/tmp/a.tgz", false},
		{"/tm", "/tmp/a.tgz", false},
		{"~/.cache", "~/.cache/pip", true},
		{"apt:gcc", "apt:gcc", true},
		{"/tmp/[", "/tmp/a", false},
	} {
		if got := ecosystem.Covers(c.pattern, c.made); got != c.want {
			t.Errorf("removing %s takes %s away: %v, want %v", c.pattern, c.made, got, c.want)
		}
	}
}
