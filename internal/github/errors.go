package github

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/redact"
)

// A RefusedError is GitHub's 422: it understood what it was asked to write and will not have it. Nothing was written.
// A caller may fall back to a review without inline comments.
type RefusedError struct {
	Messages []string // GitHub's reasons; they do not say which comment of a review is meant
}

func (e *RefusedError) Error() string { return "GitHub refused: " + strings.Join(e.Messages, "; ") }

// A safeError prints its cause without credentials.
type safeError struct{ error }

func (e safeError) Error() string { return redact.Text(e.error.Error()) }
func (e safeError) Unwrap() error { return e.error }

// doing says what a failed call was for. Every call of a forge.Forge ends here.
func doing(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return safeError{fmt.Errorf(format+": %w", append(args, err)...)}
}

// meaning puts what go-github returned into the words of package forge.
func meaning(err error) error {
	var answer *gogithub.ErrorResponse
	if errors.As(err, &answer) {
		return answered(answer)
	}
	return err
}

// answered gives an error answer of the REST interface its meaning.
func answered(e *gogithub.ErrorResponse) error {
	status := e.Response.StatusCode
	switch {
	case status == http.StatusNotFound, status == http.StatusGone, status == http.StatusUnavailableForLegalReasons,
		status == http.StatusForbidden && strings.Contains(e.Message, "suspended"):
		return fmt.Errorf("%w: %w", forge.ErrGone, e)
	case status == http.StatusUnprocessableEntity:
		return &RefusedError{Messages: messages(e)}
	case status == http.StatusForbidden:
		if wants := e.Response.Header.Get("X-Accepted-GitHub-Permissions"); wants != "" {
			return fmt.Errorf("%w (it takes %s)", e, wants)
		}
	}
	return e
}

// messages are the reasons of a 422. GitHub sends them as plain strings, which go-github keeps as Message.
func messages(e *gogithub.ErrorResponse) []string {
	var all []string
	for _, one := range e.Errors {
		if one.Message != "" {
			all = append(all, one.Message)
		} else {
			all = append(all, strings.TrimSpace(one.Resource+" "+one.Field+" "+one.Code))
		}
	}
	if len(all) == 0 {
		all = []string{e.Message}
	}
	return all
}

// refused reports whether an error is a 422.
func refused(err error) bool {
	var no *RefusedError
	return errors.As(err, &no)
}
