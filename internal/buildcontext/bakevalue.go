package buildcontext

import (
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"go.yaml.in/yaml/v4"
)

// A scope is the variables that a bake expression may use, with their values.
type scope struct{ context *hcl.EvalContext }

// functions are those of bake's that are evaluated. The others make a value unknown; what may blow up a text is not here.
func functions() map[string]function.Function {
	return map[string]function.Function{
		"equal": stdlib.EqualFunc, "notequal": stdlib.NotEqualFunc, "and": stdlib.AndFunc, "or": stdlib.OrFunc,
		"not": stdlib.NotFunc, "lower": stdlib.LowerFunc, "upper": stdlib.UpperFunc, "coalesce": stdlib.CoalesceFunc,
		"trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc, "trimspace": stdlib.TrimSpaceFunc,
		"split": stdlib.SplitFunc, "concat": stdlib.ConcatFunc,
	}
}

// evaluate gives every variable its default, in the order in which they stand; a second round is for those that use a
// later one. Nothing is taken from the machine's environment.
func (b *bakery) evaluate() scope {
	s := scope{&hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: functions()}}
	variables := b.variables[:min(len(b.variables), maxRows)]
	for range 2 {
		for _, v := range variables {
			s.context.Variables[v.name] = s.value(v.value)
		}
	}
	return s
}

// value is what an expression is worth, unknown when that cannot be told within bounds.
func (s scope) value(e hclsyntax.Expression) (out cty.Value) {
	out = cty.DynamicVal
	if e == nil || !plainExpression(e) {
		return out
	}
	defer func() {
		if recover() != nil { // the evaluator's own mistakes cost one value
			out = cty.DynamicVal
		}
	}()
	v, diags := e.Value(s.context)
	if diags.HasErrors() || v == cty.NilVal || size(v, 4) > maxPhrase {
		return out
	}
	v, _ = v.UnmarkDeep()
	return v
}

// plainExpression reports whether an expression takes time and space in proportion to what it is made of: no loops, and
// no functions but those that are known.
func plainExpression(e hclsyntax.Expression) bool {
	w := &plainWalk{functions: functions(), plain: true}
	_ = hclsyntax.Walk(e, w) // it finds nothing to complain about
	return w.plain
}

type plainWalk struct {
	functions map[string]function.Function
	plain     bool
}

func (w *plainWalk) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.ForExpr, *hclsyntax.SplatExpr:
		w.plain = false
	case *hclsyntax.FunctionCallExpr:
		_, known := w.functions[n.Name]
		w.plain = w.plain && known && !n.ExpandFinal
	}
	return nil
}

func (w *plainWalk) Exit(hclsyntax.Node) hcl.Diagnostics { return nil }

// size is how much a value holds, looked at to a depth; what lies deeper is more than enough.
func size(v cty.Value, depth int) int {
	switch {
	case !v.IsKnown() || v.IsNull():
		return 1
	case v.Type() == cty.String:
		return len(v.AsString()) + 1
	case !v.CanIterateElements():
		return 1
	case depth == 0 || v.LengthInt() > maxPhrase:
		return maxPhrase + 1
	}
	n := 1
	for it := v.ElementIterator(); it.Next() && n <= maxPhrase; {
		key, element := it.Element()
		n += size(key, 0) + size(element, depth-1)
	}
	return n
}

// phrase is an expression as a text: with its variables where they are known, else a hole.
func (s scope) phrase(e hclsyntax.Expression) phrase {
	if template, ok := e.(*hclsyntax.TemplateExpr); ok && !s.value(e).IsKnown() {
		out := phrase{}
		for _, part := range template.Parts {
			out = out.plus(s.phrase(part))
		}
		return out
	}
	v := s.value(e)
	if v.IsKnown() && v.IsNull() {
		return phrase{}
	}
	if text, ok := textOf(v); ok {
		return literal(text)
	}
	return unknownPhrase("${" + nameOf(e) + "}")
}

// nameOf is an expression for people, when it is a variable.
func nameOf(e hclsyntax.Expression) string {
	if t, ok := e.(*hclsyntax.ScopeTraversalExpr); ok {
		return t.Traversal.RootName()
	}
	return "…"
}

// textOf is a known value as a text.
func textOf(v cty.Value) (string, bool) {
	if !v.IsKnown() || v.IsNull() {
		return "", false
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil || !text.IsKnown() || text.IsNull() {
		return "", false
	}
	return text.AsString(), true
}

// texts are the known texts of a list.
func (s scope) texts(e hclsyntax.Expression) []string {
	var out []string
	if e == nil {
		return nil
	}
	if tuple, ok := e.(*hclsyntax.TupleConsExpr); ok { // one unknown item does not take the others away
		for _, item := range tuple.Exprs {
			if text, ok := textOf(s.value(item)); ok {
				out = append(out, text)
			}
		}
		return out
	}
	for _, item := range elements(s.value(e)) {
		if text, ok := textOf(item); ok {
			out = append(out, text)
		}
	}
	return out
}

func elements(v cty.Value) []cty.Value {
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return nil
	}
	var out []cty.Value
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		out = append(out, element)
	}
	return out
}

// settings are a map of a target, in which an upper layer wins, name by name. Of args only known values count.
func (s scope) settings(layers []bakeTarget, key string) map[string]string {
	out := map[string]string{}
	for k := len(layers) - 1; k >= 0; k-- {
		object, ok := layers[k].fields[key].(*hclsyntax.ObjectConsExpr)
		if !ok {
			continue
		}
		for _, item := range object.Items {
			if name, ok := textOf(s.value(item.KeyExpr)); ok {
				set(out, name, s.phrase(item.ValueExpr), key == "args")
			}
		}
	}
	return out
}

// matrix are the scopes of a matrix, one for every combination of its lists.
func (s scope) matrix(e hclsyntax.Expression) []scope {
	rows := []map[string]cty.Value{{}}
	object, ok := e.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return []scope{s}
	}
	for _, item := range object.Items {
		name, ok := textOf(s.value(item.KeyExpr))
		values := elements(s.value(item.ValueExpr))
		if !ok || len(values) == 0 || len(values)*len(rows) > maxRows {
			return []scope{s}
		}
		rows = crossedValues(rows, name, values)
	}
	var out []scope
	for _, row := range rows {
		child := s.context.NewChild()
		child.Variables = row
		child.Functions = s.context.Functions
		out = append(out, scope{child})
	}
	return out
}

func crossedValues(rows []map[string]cty.Value, name string, values []cty.Value) []map[string]cty.Value {
	var out []map[string]cty.Value
	for _, row := range rows {
		for _, v := range values {
			next := maps.Clone(row)
			next[name] = v
			out = append(out, next)
		}
	}
	return out
}

// addJSON reads a bake file in JSON: blocks are objects by kind and name, and texts are templates.
func (b *bakery) addJSON(name string, data []byte) {
	var doc yaml.Node
	if yaml.Load(data, &doc) != nil || len(doc.Content) == 0 {
		return
	}
	root := value{doc.Content[0]}
	for _, kind := range []string{"variable", "group", "target"} {
		for _, block := range root.get(kind).pairs() {
			fields := map[string]hclsyntax.Expression{}
			for _, f := range block.value.pairs() {
				fields[f.key] = expressionOf(f.value, maxBakeNesting)
			}
			b.block(name, kind, block.key, fields)
		}
	}
}

// expressionOf is a JSON value as an expression.
func expressionOf(v value, depth int) hclsyntax.Expression {
	switch {
	case depth == 0:
		return nil
	case v.isMap():
		out := &hclsyntax.ObjectConsExpr{}
		for _, p := range v.pairs() {
			if e := expressionOf(p.value, depth-1); e != nil {
				key := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(p.key)}
				out.Items = append(out.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: e})
			}
		}
		return out
	case !v.scalar():
		out := &hclsyntax.TupleConsExpr{}
		for _, item := range v.list() {
			if e := expressionOf(item, depth-1); e != nil {
				out.Exprs = append(out.Exprs, e)
			}
		}
		return out
	case v.node.Tag == "!!null":
		return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType)}
	}
	return templateOf(v.text())
}

// templateOf is a text in which ${name} stands for a variable.
func templateOf(text string) hclsyntax.Expression {
	if !strings.ContainsAny(text, "$%") {
		return &hclsyntax.LiteralValueExpr{Val: cty.StringVal(text)}
	}
	e, diags := hclsyntax.ParseTemplate([]byte(text), "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil
	}
	return e
}
