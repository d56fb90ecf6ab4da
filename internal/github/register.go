package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/redact"
)

// Credentials are what makes a process the App: everything that GitHub hands out once. Their JSON is how they are kept.
type Credentials struct {
	AppID         int64  `json:"id"`
	Slug          string `json:"slug"`
	Page          string `json:"html_url"` // the App's public page
	PrivateKey    string `json:"pem"`
	WebhookSecret string `json:"webhook_secret"`
}

// ErrCode says that GitHub gives nothing for a code: it was used, is older than an hour, or never was one.
var ErrCode = errors.New("GitHub does not know the code, or not any more")

// codeShape is what GitHub's codes look like. Everything else would be another path on its host.
var codeShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// registerPatience is how long buying credentials may take.
const registerPatience = 20 * time.Second

// Register buys the credentials of a newly registered App with the code that GitHub gave for its manifest. A code works
// once; after an error that is not ErrCode it may be spent all the same. No error shows the code.
func Register(ctx context.Context, o Options, code string) (*Credentials, error) {
	if !codeShape.MatchString(code) {
		return nil, ErrCode
	}
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, registerPatience)
	defer cancel()
	client := gogithub.NewClient(&http.Client{Transport: newBounded(o.Transport), CheckRedirect: stay})
	client.BaseURL, _ = endpoints(base)
	client.UserAgent = "lighterman"
	got, res, err := client.Apps.CompleteAppManifest(ctx, code)
	if res != nil && (res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusUnprocessableEntity) {
		return nil, ErrCode
	}
	if err != nil {
		return nil, fmt.Errorf("fetch the new App's credentials: %s", redact.Text(strings.ReplaceAll(err.Error(), code, "[code]")))
	}
	return credentials(got)
}

// credentials are what we keep of GitHub's answer: not the client secret, which signs in people.
func credentials(got *gogithub.AppConfig) (*Credentials, error) {
	c := &Credentials{
		AppID: got.GetID(), Slug: got.GetSlug(), Page: got.GetHTMLURL(), PrivateKey: got.GetPEM(),
		WebhookSecret: got.GetWebhookSecret(),
	}
	return c, c.Check()
}

// Check reports what is missing of credentials, or does not look like it.
func (c *Credentials) Check() error {
	if c.AppID <= 0 {
		return errors.New("there is no App id")
	}
	if _, err := parseKey([]byte(c.PrivateKey)); err != nil {
		return fmt.Errorf("the private key cannot be read: %w", err)
	}
	if strings.TrimSpace(c.WebhookSecret) == "" {
		return errors.New("there is no webhook secret")
	}
	return nil
}
