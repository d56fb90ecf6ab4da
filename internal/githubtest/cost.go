package githubtest

import (
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxQueryNodes is how many nodes one query may ask for, and costUnit how many connections cost a point of the hour
// (content/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api.md).
const (
	maxQueryNodes = 500_000
	costUnit      = 100
)

// A cost is what a query asks for at most: connections, each counted for every parent that it may have, and their nodes.
type cost struct{ connections, nodes int }

// points are what a query costs of the hour.
func (c cost) points() int { return max(1, (c.connections+costUnit/2)/costUnit) }

// costOf is what a request asks for, nothing when it is none that can be run.
func (s *Server) costOf(in graphqlRequest) cost {
	var c cost
	doc, problems := gqlparser.LoadQueryWithRules(s.contract.schema, in.Query, rules.NewDefaultRules())
	if len(problems) > 0 {
		return c
	}
	op := doc.Operations.ForName(in.OperationName)
	if op == nil {
		return c
	}
	vars, err := validator.VariableValues(s.contract.schema, op, in.Variables)
	if err == nil {
		c.add(op.SelectionSet, vars, 1)
	}
	return c
}

// add counts a selection of each of so many parents.
func (c *cost) add(set ast.SelectionSet, vars map[string]any, parents int) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.InlineFragment:
			c.add(sel.SelectionSet, vars, parents)
		case *ast.FragmentSpread:
			c.add(sel.Definition.SelectionSet, vars, parents)
		case *ast.Field:
			below := parents
			if size := pageOf(sel, vars); size > 0 {
				below *= size
				c.connections += parents
				c.nodes += below
			}
			c.add(sel.SelectionSet, vars, below)
		}
	}
}

// pageOf is how many nodes a field asks of its connection, 0 for what is none.
func pageOf(f *ast.Field, vars map[string]any) int {
	if !strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
		return 0
	}
	args := f.ArgumentMap(vars)
	if size, ok := whole(args["first"]); ok {
		return size
	}
	size, _ := whole(args["last"])
	return size
}
