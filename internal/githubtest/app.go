package githubtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An installation is the App in one owner's account, with all of the owner's repositories.
type installation struct {
	id          int64
	owner       string
	permissions map[string]string
	suspended   bool
	rates       rates
}

// A token is an installation token.
type token struct {
	installation *installation
	repos        []int64 // ids, so that a new name changes nothing; nil is all of the owner's
	permissions  map[string]string
	expires      time.Time
}

// tokenLife is how long an installation token holds (operation create-an-installation-access-token).
const tokenLife = time.Hour

func (s *Server) install(owner string) {
	if s.installations[owner] == nil {
		s.installations[owner] = &installation{id: s.id(), owner: owner, permissions: s.app.Load().permissions}
	}
}

// Suspend suspends or unsuspends the App's installation for an owner, and tells its webhook as all of these do.
func (s *Server) Suspend(owner string, suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.installations[owner]
	i.suspended = suspended
	action := "unsuspend"
	if suspended {
		action = "suspend"
	}
	s.tellInstallation(action, i)
}

// Uninstall removes the App from an owner's account; its tokens end with it.
func (s *Server) Uninstall(owner string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := s.installations[owner]
	delete(s.installations, owner)
	maps.DeleteFunc(s.tokens, func(_ string, t *token) bool { return t.installation == gone })
	s.tellInstallation("deleted", gone)
}

// Grant changes what an installation may do. As on GitHub, tokens that exist keep what they had.
func (s *Server) Grant(owner string, permissions map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.installations[owner].permissions = permissions
	s.tellInstallation("new_permissions_accepted", s.installations[owner])
}

// RevokeTokens ends all installation tokens at once, as GitHub may at any time.
func (s *Server) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

func (s *Server) installation(id int64) *installation {
	for _, i := range s.installations {
		if i.id == id {
			return i
		}
	}
	return nil
}

// tokenRequest is the body of a request for a token.
type tokenRequest struct {
	Repositories  []string          `json:"repositories"`
	RepositoryIDs []int64           `json:"repository_ids"`
	Permissions   map[string]string `json:"permissions"`
}

const (
	textNoRepository = "There is at least one repository that does not exist or is not accessible to the parent " +
		"installation."
	textNotGranted = "The permissions requested are not granted to this installation."
)

// newToken makes a token narrowed as asked; more than was granted cannot be had.
func (s *Server) newToken(i *installation, in tokenRequest) (string, *token, error) {
	t := &token{installation: i, permissions: i.permissions, expires: s.tokenNow().Add(tokenLife).Truncate(time.Second)}
	for _, name := range in.Repositories {
		r := s.find(i.owner, name)
		if r == nil {
			return "", nil, &apiError{status: 422, message: textNoRepository}
		}
		t.repos = append(t.repos, r.id)
	}
	if len(in.RepositoryIDs) > 0 {
		return "", nil, &apiError{status: 422, message: "this double narrows by repository names"}
	}
	if in.Permissions != nil {
		t.permissions = in.Permissions
	}
	for name, level := range in.Permissions {
		if !allows(i.permissions, name, level) {
			return "", nil, &apiError{status: 422, message: textNotGranted}
		}
	}
	text := s.tokenText()
	s.tokens[text] = t
	return text, t, nil
}

// tokenText has the shape that tokens have since 2026: ghs_<APPID>_<JWT>, about 520 characters with dots and dashes.
func (s *Server) tokenText() string {
	random := make([]byte, 370)
	_, _ = rand.Read(random) // never fails
	text := base64.RawURLEncoding.EncodeToString(random)
	return fmt.Sprintf("ghs_%d_%s.%s.%s", appID, text[:36], text[36:150], text[150:])
}

// allows reports whether permissions hold name at least at level. Metadata can always be read.
func allows(permissions map[string]string, name, level string) bool {
	rank := []string{"", "read", "write", "admin"}
	held := slices.Index(rank, permissions[name])
	if name == "metadata" && held < 1 {
		held = 1
	}
	return held >= slices.Index(rank, level)
}

func (t *token) reaches(r *Repo) bool {
	return t.installation.owner == r.owner && (t.repos == nil || slices.Contains(t.repos, r.id))
}

// bearer is the credential of a request: GitHub takes "Bearer" and "token".
func bearer(r *http.Request) string {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token") {
		return ""
	}
	return strings.TrimSpace(text)
}

var errCredentials = &apiError{status: 401, message: "Bad credentials"}

// authToken is the installation token that a request carries.
func (s *Server) authToken(r *http.Request) (*token, error) {
	t := s.tokens[bearer(r)]
	if t == nil || !s.tokenNow().Before(t.expires) {
		return nil, errCredentials
	}
	if t.installation.suspended {
		return nil, &apiError{status: 403, message: "This installation has been suspended"}
	}
	return t, nil
}

// authApp checks that a request is signed by the App: RS256, issued in the past, at most ten minutes long
// (content/apps/.../generating-a-json-web-token-jwt-for-a-github-app.md).
func (s *Server) authApp(r *http.Request) error {
	parts := strings.Split(bearer(r), ".")
	if !s.app.Load().registered {
		return &apiError{status: 404, message: "Integration not found"}
	}
	if len(parts) != 3 {
		return &apiError{status: 401, message: "A JSON web token could not be decoded"}
	}
	var head struct{ Alg string }
	var claims struct {
		Iat, Exp int64
		Iss      any
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decodePart(parts[0], &head) != nil || decodePart(parts[1], &claims) != nil {
		return &apiError{status: 401, message: "A JSON web token could not be decoded"}
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if head.Alg != "RS256" || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return &apiError{status: 401, message: "A JSON web token could not be decoded"}
	}
	return s.refuseClaims(claims.Iat, claims.Exp, claims.Iss)
}

const (
	textIssued  = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	textTooFar  = "'Expiration time' claim ('exp') is too far in the future"
	textExpired = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the " +
		"assertion expires"
)

func (s *Server) refuseClaims(iat, exp int64, iss any) error {
	now := s.tokenNow().Unix()
	switch {
	case iat > now:
		return &apiError{status: 401, message: textIssued}
	case exp > now+600:
		return &apiError{status: 401, message: textTooFar}
	case exp <= now:
		return &apiError{status: 401, message: textExpired}
	case fmt.Sprint(iss) != strconv.Itoa(appID):
		return &apiError{status: 404, message: "Integration not found"}
	}
	return nil
}

func decodePart(part string, into any) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
