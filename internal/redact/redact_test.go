package redact_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/redact"
)

// secrets are put together here, so that no scanner takes this file for a leak.
func secrets() map[string]string {
	word := strings.Repeat("q8Zt3vN0rX", 4)
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	jwt := part(`{"alg":"RS256"}`) + "." + part(`{"iss":"12345","exp":1}`) + "." + strings.Repeat("a-_b", 60)
	key := "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE" + strings.Repeat("abcd", 20) + "\n" + word + "\n-----END RSA " + "PRIVATE KEY-----\n"
	return map[string]string{
		"installation token":         "ghs_" + word,
		"installation token of 2026": "ghs_12345_" + jwt,
		"installation token of old":  "v1." + strings.Repeat("0af3", 10),
		"person's token":             "ghp_" + word,
		"OAuth token":                "gho_" + word,
		"user's token":               "ghu_" + word,
		"refresh token":              "ghr_" + word,
		"fine-grained token":         "github_pat_11ABC_" + word,
		"JSON web token":             jwt,
		"private key":                key,
		"private key that is cut":    key[:90],
	}
}

// TestTextHidesCredentials holds that no kind of credential is left, wherever it stands.
func TestTextHidesCredentials(t *testing.T) {
	for name, secret := range secrets() {
		for _, form := range []string{"%s", "answer %s here", "token=%s&x=1", `{"token":"%s"}`, "Authorization: Bearer %s\n", "x%s"} {
			text := fmt.Sprintf(form, secret)
			if got := redact.Text(text); holds(got, secret) || !strings.Contains(got, "[redacted]") {
				t.Errorf("%s in %q: %q", name, form, got)
			}
		}
	}
	for text, want := range map[string]string{
		"dial postgres://me:hunter2@db:5432/x": "dial postgres://me:[redacted]@db:5432/x",
		"host=db user=me password=hunter2 x=1": "host=db user=me password=[redacted] x=1",
		"host=db password='hunter two' x=1":    "host=db password=[redacted] x=1",
		"postgres://db/x?password=hunter2&a=b": "postgres://db/x?password=[redacted]&a=b",
		"get https://x-access-token:abc@h/p":   "get https://x-access-token:[redacted]@h/p",
	} {
		if got := redact.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// holds reports whether any long part of a secret is in a text.
func holds(text, secret string) bool {
	for n := 0; n+24 <= len(secret); n++ {
		if strings.Contains(text, secret[n:n+24]) && !strings.Contains(secret[n:n+24], "KEY") {
			return true
		}
	}
	return false
}

// TestTextKeepsTheRest: log lines that look a little like it are left alone.
func TestTextKeepsTheRest(t *testing.T) {
	for _, text := range []string{
		"webhook taken delivery=0b989ba4-242f-11e5-81e1-c7b6966d2516 event=pull_request",
		"reviewed acme/shop#12 head=6dcb09b5b57875f334f61aebed695e2e4193db5e", "ghs_short", "v1.2.3", "key eyJ",
		"serving addr=127.0.0.1:8080 github=https://api.github.com database=sqlite in data",
		"node:22@sha256:3a6bc3b2b6f0a4f1c1ff5d4c1c1a3a6bc3b2b6f0a4f1c1ff5d4c1c1a3a6bc3b2", "https://host:8080/a@b",
		"the password is missing",
	} {
		if got := redact.Text(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestWriterHidesWhatItKnows holds for both forms of the log and every kind of value: whatever is put into a line is
// written without the secrets.
func TestWriterHidesWhatItKnows(t *testing.T) {
	const known = `two "words" & <a> secret`
	all := secrets()
	all["webhook's secret"] = known
	forms := map[string]func(*redact.Writer) slog.Handler{
		"text": func(w *redact.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w *redact.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	}
	for form, handler := range forms {
		for name, secret := range all {
			var out bytes.Buffer
			w := redact.NewWriter(&out)
			w.Know(known, "", "a")
			log := slog.New(handler(w)).With("with", secret)
			log.Info("said "+secret, "plain", secret, "error", fmt.Errorf("x: %w", errors.New(secret)),
				slog.Group("group", "in", secret), "list", []string{secret}, "map", map[string]string{secret: secret})
			got := out.String()
			if holds(got, secret) || strings.Contains(got, `words`) || !strings.Contains(got, "[redacted]") {
				t.Errorf("%s as %s: %s", name, form, got)
			}
			if !strings.HasSuffix(got, "\n") || strings.Count(got, "\n") != 1 {
				t.Errorf("%s as %s is not one line: %q", name, form, got)
			}
		}
	}
}
