package githubtest_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
)

type obj = map[string]any

// A caller speaks to a server as a program would: bytes over HTTP.
type caller struct {
	t     *testing.T
	s     *githubtest.Server
	token string
}

// An answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) value(t *testing.T) obj {
	t.Helper()
	var o obj
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		t.Fatalf("answer %d %q: %v", a.status, a.body, err)
	}
	return o
}

func (c caller) do(method, path string, body any, headers ...string) answer {
	c.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(data)
	}
	req, err := http.NewRequest(method, c.s.URL()+path, bytes.NewReader([]byte(text)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if text != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(data)}
}

// jwt signs claims as the App.
func jwt(t *testing.T, key []byte, claims obj) string {
	t.Helper()
	block, _ := pem.Decode(key)
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + enc.EncodeToString(data)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + enc.EncodeToString(signature)
}

func appClaims(s *githubtest.Server) obj { return appClaimsAt(s, time.Now()) }

func appClaimsAt(s *githubtest.Server, at time.Time) obj {
	now := at.Unix()
	return obj{"iat": now - 60, "exp": now + 300, "iss": fmt.Sprint(s.AppID())}
}

// app calls as the App itself.
func app(t *testing.T, s *githubtest.Server) caller {
	return caller{t, s, jwt(t, s.PrivateKey(), appClaims(s))}
}

// installation calls with a token of acme's installation, narrowed as asked.
func installation(t *testing.T, s *githubtest.Server, narrowed obj) caller {
	t.Helper()
	return installationAt(t, s, narrowed, time.Now())
}

func installationAt(t *testing.T, s *githubtest.Server, narrowed obj, at time.Time) caller {
	t.Helper()
	app := caller{t, s, jwt(t, s.PrivateKey(), appClaimsAt(s, at))}
	a := app.do("POST", fmt.Sprintf("/api/v3/app/installations/%d/access_tokens", s.InstallationID("acme")),
		narrowed)
	if a.status != 201 {
		t.Fatalf("token: %d %s", a.status, a.body)
	}
	return caller{t, s, a.value(t)["token"].(string)}
}

const app5 = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"index.js\"]\n"

// long is a file of 40 numbered lines.
func long(edit map[int]string) string {
	var b strings.Builder
	for n := 1; n <= 40; n++ {
		line, ok := edit[n]
		if !ok {
			line = fmt.Sprintf("line %d\n", n)
		}
		b.WriteString(line)
	}
	return b.String()
}

// scene is a server with acme/shop and a pull request of robin's that adds a Dockerfile and changes the lines 10 and 30
// of long.txt.
func scene(t *testing.T, o githubtest.Options) (*githubtest.Server, *githubtest.Repo, *githubtest.Pull) {
	t.Helper()
	s := githubtest.Start(t, o)
	r, p := furnish(t, s)
	return s, r, p
}

func furnish(t *testing.T, s *githubtest.Server) (*githubtest.Repo, *githubtest.Pull) {
	t.Helper()
	r := must(s.CreateRepo("acme", "shop", map[string]string{"long.txt": long(nil)}))(t)
	must(r.Push("topic", "work", map[string]string{
		"Dockerfile": app5, "long.txt": long(map[int]string{10: "ten\n", 30: "thirty\n"}),
	}))(t)
	p := must(r.OpenPull(githubtest.PullOptions{Title: "Work", Author: "robin", Head: "topic"}))(t)
	return r, p
}

// must returns a value whose error ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

const reviews = "/api/v3/repos/acme/shop/pulls/1/reviews"

func comment(path string, line int, more ...any) obj {
	c := obj{"path": path, "line": line, "body": "a word"}
	for i := 0; i+1 < len(more); i += 2 {
		c[more[i].(string)] = more[i+1]
	}
	return c
}

// itoa prints an id that came as a JSON number.
func itoa(id any) string { return fmt.Sprintf("%.0f", id) }
