package githubtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

var operationName = regexp.MustCompile(`(?:query|mutation)\s+(\w+)`)

// graphqlOperation names a GraphQL request for faults and records: "graphql:Name".
func graphqlOperation(body []byte) string {
	if m := operationName.FindSubmatch(body); m != nil {
		return "graphql:" + string(m[1])
	}
	return "graphql"
}

var mutates = regexp.MustCompile(`"query"\s*:\s*"(?:\s|\\[nt])*mutation`)

// isMutation reports whether a GraphQL request writes.
func isMutation(body []byte) bool { return mutates.Match(body) }

type graphqlRequest struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
}

// graphql answers a query after checking it against the schema. The caller holds mu.
func (s *Server) graphql(r *http.Request, body []byte) *answer {
	t, err := s.authToken(r)
	if err != nil {
		return failed(err)
	}
	var in graphqlRequest
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		return failed(&apiError{status: 400, message: "Problems parsing JSON"})
	}
	c := s.costOf(in)
	if err := s.spendGraphQL(t.installation, isMutation(body), c.points()); err != nil {
		return limitedGraphQL(err)
	}
	out := obj{"errors": []obj{{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": fmt.Sprintf(
		"This query requests up to %d possible nodes which exceeds the maximum limit of 500,000.", c.nodes)}}}
	if c.nodes <= maxQueryNodes {
		out = s.execute(t, in)
	}
	a := &answer{status: 200, header: make(http.Header), points: c.points()}
	s.rateHeader(a.header, t.installation.rates.graphql, "graphql")
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	a.body, err = json.Marshal(out)
	if err != nil {
		return failed(err)
	}
	return a
}

// limitedGraphQL is a primary limit's answer of 200 (rate-limits-and-query-limits-for-the-graphql-api.md); a secondary
// one looks as in REST.
func limitedGraphQL(err error) *answer {
	a := failed(err)
	if a.header.Get("X-RateLimit-Remaining") != "0" {
		return a
	}
	a.status = http.StatusOK
	a.body = []byte(`{"errors":[{"type":"RATE_LIMITED","message":"` + primaryText + `"}]}`)
	return a
}

func (s *Server) execute(t *token, in graphqlRequest) obj {
	doc, problems := gqlparser.LoadQueryWithRules(s.contract.schema, in.Query, rules.NewDefaultRules())
	if len(problems) > 0 {
		s.broken("GraphQL query: %w", problems)
		return obj{"errors": problems}
	}
	op := doc.Operations.ForName(in.OperationName)
	if op == nil {
		return obj{"errors": []obj{{"message": "No operation named " + in.OperationName}}}
	}
	vars, err := validator.VariableValues(s.contract.schema, op, in.Variables)
	if err != nil {
		s.broken("GraphQL variables: %w", err)
		return obj{"errors": []obj{{"message": err.Error()}}}
	}
	root := s.query(t)
	if op.Operation == ast.Mutation {
		root = s.mutation(t)
	}
	e := &execution{s: s, vars: vars}
	out := obj{"data": e.object(root, op.SelectionSet, nil)}
	if len(e.errors) > 0 {
		out["errors"] = e.errors
	}
	return out
}

// A node is a value of a GraphQL object type.
type node struct {
	kind   string
	fields map[string]field
}

// A field computes a value: nil, a scalar, a *node or a []*node.
type field func(args map[string]any) (any, error)

func value(v any) field { return func(map[string]any) (any, error) { return v, nil } }

// An execution is the run of one query.
type execution struct {
	s      *Server
	vars   map[string]any
	errors []obj
}

// A graphqlError is an error of one field, with GitHub's type for it.
type graphqlError struct{ kind, message string }

func (e *graphqlError) Error() string { return e.message }

func forbidden() error {
	return &graphqlError{"FORBIDDEN", "Resource not accessible by integration"}
}

func notFound(format string, args ...any) error {
	return &graphqlError{"NOT_FOUND", fmt.Sprintf(format, args...)}
}

func (e *execution) object(n *node, set ast.SelectionSet, path ast.Path) obj {
	out := make(obj)
	for _, f := range e.collect(n, set) {
		at := append(path[:len(path):len(path)], ast.PathName(f.Alias))
		out[f.Alias] = e.field(n, f, at)
	}
	return out
}

// collect flattens the fragments that apply to the node's type.
func (e *execution) collect(n *node, set ast.SelectionSet) []*ast.Field {
	var all []*ast.Field
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if e.takes(sel.Directives) {
				all = append(all, sel)
			}
		case *ast.InlineFragment:
			if e.takes(sel.Directives) && e.is(n.kind, sel.TypeCondition) {
				all = append(all, e.collect(n, sel.SelectionSet)...)
			}
		case *ast.FragmentSpread:
			if e.takes(sel.Directives) && e.is(n.kind, sel.Definition.TypeCondition) {
				all = append(all, e.collect(n, sel.Definition.SelectionSet)...)
			}
		}
	}
	return all
}

// takes reports whether a selection is made, as @include and @skip say.
func (e *execution) takes(directives ast.DirectiveList) bool {
	return !slices.ContainsFunc(directives, func(d *ast.Directive) bool {
		is, _ := d.ArgumentMap(e.vars)["if"].(bool)
		return d.Name == "include" && !is || d.Name == "skip" && is
	})
}

func (e *execution) is(kind, condition string) bool {
	return condition == "" || kind == condition || slices.Contains(e.s.contract.schema.Types[kind].Interfaces, condition)
}

func (e *execution) field(n *node, f *ast.Field, path ast.Path) any {
	if f.Name == "__typename" {
		return n.kind
	}
	compute, ok := n.fields[f.Name]
	if !ok {
		e.s.broken("the double has no value for %s.%s", n.kind, f.Name)
		return nil
	}
	v, err := compute(f.ArgumentMap(e.vars))
	if err != nil {
		e.fail(err, path)
		return nil
	}
	if problem := e.misfit(f.Definition.Type, v); problem != "" {
		e.s.broken("GraphQL answer: %s.%s %s", n.kind, f.Name, problem)
	}
	switch v := v.(type) {
	case *node:
		if v == nil {
			return nil
		}
		return e.object(v, f.SelectionSet, path)
	case []*node:
		list := []obj{}
		for i, one := range v {
			at := append(path[:len(path):len(path)], ast.PathIndex(i))
			list = append(list, e.object(one, f.SelectionSet, at))
		}
		return list
	}
	return v
}

func (e *execution) fail(err error, path ast.Path) {
	problem := gqlerror.Errorf("%s", err.Error())
	out := obj{"message": problem.Message, "path": path}
	if known := (*graphqlError)(nil); errors.As(err, &known) {
		out["type"] = known.kind
	}
	e.errors = append(e.errors, out)
}

// misfit says how a value does not fit its type in the schema, "" when it does.
func (e *execution) misfit(t *ast.Type, v any) string {
	n, isNode := v.(*node)
	if v == nil || isNode && n == nil {
		if t.NonNull {
			return "must not be null"
		}
		return ""
	}
	def := e.s.contract.schema.Types[t.Name()]
	switch {
	case isNode && !e.is(n.kind, t.Name()):
		return "is a " + n.kind
	case def.Kind == ast.Enum && def.EnumValues.ForName(fmt.Sprint(v)) == nil:
		return fmt.Sprintf("has no value %v", v)
	case def.Kind == ast.Scalar && !scalar(def.Name, v):
		return fmt.Sprintf("is %T, not %s", v, def.Name)
	}
	return ""
}

func scalar(name string, v any) bool {
	switch v.(type) {
	case int:
		return name == "Int"
	case bool:
		return name == "Boolean"
	case string:
		return name != "Int" && name != "Boolean"
	}
	return false
}
