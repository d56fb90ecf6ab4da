package buildcontext

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// isBake reports whether a file of that name is, by convention, a bake file: docker-bake.hcl, docker-bake.ci.json,
// bake.hcl.
func isBake(name string) bool {
	base := path.Base(name)
	ext := path.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	if strings.HasPrefix(stem, "docker-bake.") || strings.HasPrefix(stem, "docker-bake-") {
		stem = "docker-bake"
	}
	return (stem == "bake" || stem == "docker-bake") && (ext == ".hcl" || ext == ".json") ||
		strings.HasSuffix(stem, "-bake") && ext == ".hcl"
}

// defaultBake are the files that bake reads when none is named; a later one adds to those before it.
// See https://docs.docker.com/build/bake/reference/#file-lookup.
var defaultBake = []string{
	"docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl",
}

// baked reads one directory's bake files. A file of another name is read on top of the default ones, as far as it refers
// to them.
func baked(repo *snapshot, names []string) []recipe {
	var out []recipe
	common := bakery{}
	for _, base := range defaultBake {
		for _, name := range names {
			if path.Base(name) == base {
				common.add(repo, name)
			}
		}
	}
	out = append(out, common.recipes("")...)
	for _, name := range names {
		if !slices.Contains(defaultBake, path.Base(name)) {
			own := common.clone()
			own.add(repo, name)
			out = append(out, own.recipes(name)...)
		}
	}
	return out
}

// A bakery is what a set of bake files defines.
type bakery struct {
	targets   []bakeTarget           // in order; a later one of the same name adds to an earlier one
	groups    []hclsyntax.Expression // the lists of their targets
	variables []bakeVariable
}

// A bakeTarget is a target block of one file.
type bakeTarget struct {
	name   string
	file   string
	fields map[string]hclsyntax.Expression
}

type bakeVariable struct {
	name  string
	value hclsyntax.Expression
}

func (b bakery) clone() bakery {
	return bakery{slices.Clone(b.targets), slices.Clone(b.groups), slices.Clone(b.variables)}
}

// add reads a file. One that cannot be read defines nothing.
func (b *bakery) add(repo *snapshot, name string) {
	data, err := readText(repo, name)
	if err != nil || tooDeep(data) {
		return
	}
	if path.Ext(name) == ".json" {
		b.addJSON(name, data)
		return
	}
	file, diags := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	if diags.HasErrors() || file == nil {
		return
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return
	}
	for _, attribute := range inSourceOrder(body.Attributes) {
		b.variables = append(b.variables, bakeVariable{attribute.Name, attribute.Expr})
	}
	for _, block := range body.Blocks {
		if len(block.Labels) == 1 {
			b.block(name, block.Type, block.Labels[0], expressions(block.Body))
		}
	}
}

func expressions(body *hclsyntax.Body) map[string]hclsyntax.Expression {
	out := map[string]hclsyntax.Expression{}
	for key, attribute := range body.Attributes {
		out[key] = attribute.Expr
	}
	return out
}

func inSourceOrder(attributes hclsyntax.Attributes) []*hclsyntax.Attribute {
	var out []*hclsyntax.Attribute
	for _, a := range attributes {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return out
}

// block takes one block in.
func (b *bakery) block(file, kind, name string, fields map[string]hclsyntax.Expression) {
	switch {
	case len(b.targets)+len(b.groups)+len(b.variables) > maxTargets:
	case kind == "target":
		b.targets = append(b.targets, bakeTarget{name, file, fields})
	case kind == "group":
		b.groups = append(b.groups, fields["targets"])
	case kind == "variable":
		b.variables = append(b.variables, bakeVariable{name, fields["default"]})
	}
}

// maxBakeNesting bounds how deep brackets nest in a bake file, and maxBake its size in bytes: the parser is recursive.
const (
	maxBakeNesting = 100
	maxBake        = 128 << 10
)

// tooDeep reports whether a bake file might be too much for the parser, by an upper bound: brackets in texts and comments
// count too, and so do operators that take their operand by recursion.
func tooDeep(data []byte) bool {
	depth, unary := 0, 0
	for _, c := range data {
		switch c {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(0, depth-1)
		case '!', '?':
			unary++
		case '-':
			unary++
			continue
		}
		if depth > maxBakeNesting {
			return true
		}
	}
	return len(data) > maxBake || unary > maxUnary || bytes.Count(data, []byte("<<")) > maxUnary
}

// maxUnary bounds the operators of a bake file whose operand is parsed by recursion.
const maxUnary = 4000

// The bounds of what is read from bake files: targets of one directory, and recipes made of them.
const (
	maxTargets     = 1000
	maxBakeRecipes = 2000
)

// recipes is what the targets of a file state, of all files for "".
func (b *bakery) recipes(file string) []recipe {
	env := b.evaluate()
	abstract := b.abstract(env)
	var out []recipe
	for _, name := range b.names(file) {
		if abstract[name] {
			continue
		}
		for _, row := range b.rows(name, env) {
			if r, ok := b.recipe(name, row); ok && len(out) < maxBakeRecipes {
				out = append(out, r)
			}
		}
	}
	return out
}

// names are the targets that a file defines, each once.
func (b *bakery) names(file string) []string {
	var out []string
	for _, t := range b.targets {
		if (file == "" || t.file == file) && !slices.Contains(out, t.name) && len(out) < maxRows {
			out = append(out, t.name)
		}
	}
	return out
}

// abstract are the targets that are there only for others to inherit: some target inherits them, and no group names them.
// With a leading underscore that is what the name says.
func (b *bakery) abstract(env scope) map[string]bool {
	out := map[string]bool{}
	for _, t := range b.targets {
		out[t.name] = out[t.name] || strings.HasPrefix(t.name, "_")
		for _, parent := range env.texts(t.fields["inherits"]) {
			out[parent] = parent != "default"
		}
	}
	for _, targets := range b.groups {
		for _, name := range env.texts(targets) {
			out[name] = strings.HasPrefix(name, "_")
		}
	}
	return out
}

// layers are the blocks that make up a target, the one that wins first: its own, the last one first, then those that
// it inherits, where a later one wins too.
func (b *bakery) layers(name string, env scope, depth int) []bakeTarget {
	var out []bakeTarget
	for k := len(b.targets) - 1; k >= 0; k-- {
		if b.targets[k].name == name {
			out = append(out, b.targets[k])
		}
	}
	if depth == 0 {
		return out
	}
	for _, t := range out {
		if t.fields["inherits"] == nil {
			continue
		}
		parents := env.texts(t.fields["inherits"])
		slices.Reverse(parents)
		for _, parent := range parents[:min(len(parents), maxExtends)] {
			out = append(out, b.layers(parent, env, depth-1)...)
			if len(out) > maxRows {
				return out[:maxRows]
			}
		}
		break // an override replaces the list
	}
	return out
}

// recipe is what a target states in one row of its matrix.
func (b *bakery) recipe(name string, env scope) (recipe, bool) {
	layers := b.layers(name, env, 3)
	field := func(key string) phrase {
		for _, l := range layers {
			if e := l.fields[key]; e != nil {
				return env.phrase(e)
			}
		}
		return phrase{}
	}
	has := func(key string) bool {
		return slices.ContainsFunc(layers, func(l bakeTarget) bool { return l.fields[key] != nil })
	}
	if call := field("call"); len(layers) == 0 || has("dockerfile-inline") || !call.empty() && call.text != "build" {
		return recipe{}, false // nothing, or a check that builds nothing
	}
	file := layers[0].file
	r := recipe{origin: file + ", target " + name, bases: []string{path.Dir(file), "."}, within: true,
		context: field("context"), file: field("dockerfile"), target: field("target")}
	if isURL(r.context.text) || strings.HasPrefix(r.context.text, "target:") || r.file.text == hole {
		return recipe{}, false
	}
	r.args, r.named = env.settings(layers, "args"), env.settings(layers, "contexts")
	for _, l := range layers {
		if e := l.fields["platforms"]; e != nil {
			r.platforms = env.texts(e)
			break
		}
	}
	return r, true
}

// rows are the environments of a target's matrix, one for each combination.
func (b *bakery) rows(name string, env scope) []scope {
	for k := len(b.targets) - 1; k >= 0; k-- {
		if e := b.targets[k].fields["matrix"]; b.targets[k].name == name && e != nil {
			return env.matrix(e)
		}
	}
	return []scope{env}
}
