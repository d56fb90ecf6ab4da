package secret_test

import (
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/secret"
)

// TestFind looks at where credentials stand; they are put together here so that no scanner takes this file for a leak.
func TestFind(t *testing.T) {
	pat := "ghp_" + strings.Repeat("q8Zt3vN0rX", 3) + "w7LkD2"
	text := "RUN a\n  B=" + pat + "\n"
	found, err := secret.Find(text)
	if err != nil || len(found) != 1 || found[0].Rule != "github-pat" || text[found[0].Start:found[0].End] != pat {
		t.Errorf("%v, %v", found, err)
	}
}

// TestOrdinaryTextIsNotSuspicious: the rules are read only for text that has something in it.
func TestOrdinaryTextIsNotSuspicious(t *testing.T) {
	for _, text := range []string{
		"FROM debian:12@sha256:3a6bc3b2b6f0a4f1c1ff5d4c1c1a3a6bc3b2b6f0a4f1c1ff5d4c1c1a3a6bc3b2",
		"RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates=20230311 curl=7.88.1-10+deb12u5",
		"ENV PATH=/usr/local/go/bin:$PATH GOFLAGS=-trimpath NODE_VERSION=22.11.0",
		"ENV API_KEY=${API_KEY} AUTH_MODE=none TOKEN=",
		"COPY --from=build /out/app /usr/local/bin/app",
	} {
		if secret.Suspicious(text) {
			t.Errorf("suspicious: %s", text)
		}
	}
	for _, text := range []string{"ENV DEPLOY_TOKEN=q8Zt3vN0rXw7LkD2mBf5", "-----BEGIN RSA " + "PRIVATE KEY-----"} {
		if !secret.Suspicious(text) {
			t.Errorf("not suspicious: %s", text)
		}
	}
}

func BenchmarkSuspicious(b *testing.B) {
	text := strings.Repeat("RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git make \\\n"+
		"    && curl -fsSL https://example.com/releases/download/v1.2.3/tool.tar.gz -o /tmp/tool.tar.gz \\\n"+
		"    && tar -xzf /tmp/tool.tar.gz -C /usr/local/bin && rm -rf /var/lib/apt/lists/*\n", 10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if secret.Suspicious(text) {
			b.Fatal("suspicious")
		}
	}
}
