package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

// A graphqlProblem is an error of a GraphQL answer.
type graphqlProblem struct {
	Type    string `json:"type"`
	Message string `json:"message"`
	Path    []any  `json:"path"`
}

func (p graphqlProblem) Error() string { return strings.TrimSpace(p.Type + " " + p.Message) }

// problems are the errors of one answer.
type problems []graphqlProblem

func (p problems) Error() string {
	var texts []string
	for _, one := range p {
		texts = append(texts, one.Error())
	}
	return "GraphQL: " + strings.Join(texts, "; ")
}

// query sends a GraphQL document and decodes its data. Errors in the answer are returned as problems along with what
// data came; a limit, which GraphQL reports with HTTP 200, is a LimitError.
func (i *installation) query(ctx context.Context, document string, variables map[string]any, data any) error {
	ctx = named(ctx, document)
	if !strings.HasPrefix(document, "mutation") {
		ctx = reading(ctx)
	}
	// The address is absolute: relative to go-github's base it would be wrong on an Enterprise Server.
	body := map[string]any{"query": document, "variables": variables}
	req, err := i.client.NewRequest(http.MethodPost, i.app.graphql, body)
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors problems        `json:"errors"`
	}
	res, err := i.client.Do(ctx, req, &answer)
	if err != nil {
		return meaning(err)
	}
	if len(answer.Data) > 0 {
		if err := json.Unmarshal(answer.Data, data); err != nil {
			return fmt.Errorf("read the GraphQL answer: %w", err)
		}
	}
	return i.judge(res.Header, answer.Errors)
}

func (i *installation) judge(h http.Header, all problems) error {
	if len(all) == 0 {
		return nil
	}
	for _, p := range all {
		limited := strings.Contains(strings.ToLower(p.Message), "rate limit")
		if p.Type == "RATE_LIMITED" || p.Type == "RATE_LIMIT" || limited {
			return i.gate.deny(h, safeError{all})
		}
	}
	return all
}

// gone wraps ErrGone around problems that say that what was asked for does not exist.
func gone(err error) error {
	var all problems
	if !errors.As(err, &all) {
		return err
	}
	for _, p := range all {
		if p.Type == "NOT_FOUND" {
			return fmt.Errorf("%w: %w", forge.ErrGone, err)
		}
	}
	return err
}

// within reports whether an error consists of GraphQL problems with one field and what lies below it.
func within(err error, field string) bool {
	var all problems
	if !errors.As(err, &all) {
		return false
	}
	return !slices.ContainsFunc(all, func(p graphqlProblem) bool { return !slices.Contains(p.Path, any(field)) })
}

// without is an error less the GraphQL problems with one field and what lies below it.
func without(err error, field string) error {
	var all problems
	if !errors.As(err, &all) {
		return err
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(p graphqlProblem) bool { return slices.Contains(p.Path, any(field)) })
	switch len(rest) {
	case 0:
		return nil
	case len(all):
		return err
	}
	return rest
}
