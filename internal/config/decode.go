package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v4"
)

// A Problem is one thing that is wrong with a configuration file.
type Problem struct {
	Reference     // the file
	Line      int // 1-based; 0 when it is about the whole file
	Column    int
	Msg       string
}

// Error is "path:line:column: message".
func (p Problem) Error() string {
	if p.Line == 0 {
		return p.where() + ": " + p.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.where(), p.Line, p.Column, p.Msg)
}

// An Error is all that is wrong with a configuration file, in its order.
type Error struct{ Problems []Problem }

// Error tells each problem on a line of its own.
func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Error())
	}
	return strings.Join(lines, "\n")
}

// A decoder reads one file into a Go value and notes where each key stands. The YAML library could fill the value by
// itself and would refuse unknown keys too; its errors speak of Go's types, and it forgets where a value came from.
type decoder struct {
	src      Source
	lenient  bool                // the file is another tool's: unknown keys are its own business
	lines    map[string]position // of keys and items, by their path: "checks.copy-order", "paths.exclude[0]"
	silent   map[string]bool     // those of them that are null
	problems []Problem
}

type position struct{ line, column int }

// decode reads a YAML document into the value that into points to. lenient passes over keys that into does not have.
func decode(src Source, into any, lenient bool) (*decoder, error) {
	d := &decoder{src: src, lenient: lenient, lines: map[string]position{}, silent: map[string]bool{}}
	root, err := document(src.Text)
	if err != nil {
		return d, d.syntax(err)
	}
	if root != nil {
		d.value(root, reflect.ValueOf(into).Elem(), "")
	}
	return d, d.failed()
}

// failed is the problems as an error, nil without any.
func (d *decoder) failed() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Error{d.problems}
}

var errSeveral = errors.New("one document was expected, not several")

// document is the root of the only document, nil when there is none.
func document(text []byte) (*yaml.Node, error) {
	l, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var doc, more yaml.Node
	if err := l.Load(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := l.Load(&more); err == nil {
		return nil, errSeveral
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return doc.Content[0], nil
	}
	return &doc, nil
}

// syntax is an error of the YAML library with its place.
func (d *decoder) syntax(err error) error {
	p := Problem{Reference: d.src.Reference, Msg: err.Error()}
	var at *yaml.LoadError
	if errors.As(err, &at) {
		p.Line, p.Column, p.Msg = at.Mark.Line, at.Mark.Column, "not YAML: "+at.Message
	}
	return &Error{[]Problem{p}}
}

func (d *decoder) problem(n *yaml.Node, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.src.Reference, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// value reads a node; key is its path. One that is null says nothing.
func (d *decoder) value(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind == yaml.AliasNode {
		if !d.lenient {
			d.problem(n, "*%s stands for something else; write it out", n.Value)
			return
		}
		n = n.Alias
	}
	if n.ShortTag() == "!!null" {
		d.silent[key] = true
		return
	}
	if want, ok := takes(n, v.Type()); !ok {
		d.problem(n, "%stakes %s, not %s", named(key), want, kind(n))
		return
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map:
		d.mapping(n, v, key)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, len(n.Content)))
		d.list(items(n), v, key)
	default:
		d.scalar(n, v, key)
	}
}

func named(key string) string {
	if key == "" {
		return "the file "
	}
	return key + " "
}

// takes says what a type is written as, and whether the node is that.
func takes(n *yaml.Node, t reflect.Type) (want string, ok bool) {
	tag := n.ShortTag()
	text := n.Kind == yaml.ScalarNode && (tag == "!!str" || tag == "!!timestamp")
	switch {
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		return "a mapping", n.Kind == yaml.MappingNode
	case t == reflect.TypeFor[references]():
		return "a text or a list", text || n.Kind == yaml.SequenceNode
	case t.Kind() == reflect.Slice:
		return "a list", n.Kind == yaml.SequenceNode
	case t.Kind() == reflect.Int:
		return "a whole number", n.Kind == yaml.ScalarNode && tag == "!!int"
	case t.Kind() == reflect.Bool:
		return "true or false", n.Kind == yaml.ScalarNode && tag == "!!bool"
	case t == reflect.TypeFor[scalar]():
		return "a text or a number", n.Kind == yaml.ScalarNode
	case t == reflect.TypeFor[level]():
		return "on, off or a severity", text || tag == "!!bool"
	}
	return "a text", text
}

func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!int" || n.ShortTag() == "!!float":
		return "the number " + shortened(n.Value)
	case n.ShortTag() == "!!bool":
		return "true or false"
	case n.ShortTag() == "!!str":
		return fmt.Sprintf("the text %q", shortened(n.Value))
	}
	return "a " + strings.TrimLeft(n.ShortTag(), "!")
}

func shortened(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, key string) {
	seen := map[string]bool{}
	for k := 0; k+1 < len(n.Content); k += 2 {
		name, value := n.Content[k], n.Content[k+1]
		inner := join(key, name.Value)
		if name.Kind != yaml.ScalarNode {
			d.problem(name, "a key is a text, not %s", kind(name))
			continue
		}
		if seen[name.Value] {
			d.problem(name, "%s is set twice", inner)
			continue
		}
		seen[name.Value] = true
		d.lines[inner] = position{name.Line, name.Column}
		d.entry(name, value, v, inner)
	}
	d.missing(n, v, key, seen)
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// entry reads one key of a mapping into a field, or into an entry of a map.
func (d *decoder) entry(name, value *yaml.Node, v reflect.Value, key string) {
	if v.Kind() == reflect.Map {
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(value, item, key)
		v.SetMapIndex(reflect.ValueOf(name.Value), item)
		return
	}
	field, ok := fieldOf(v, name.Value)
	if ok {
		d.value(value, field, key)
	} else if !d.lenient {
		d.problem(name, "there is no key %q%s", name.Value, nearest(name.Value, keysOf(v.Type())))
	}
}

// missing tells of keys that a mapping needs and does not have.
func (d *decoder) missing(n *yaml.Node, v reflect.Value, key string, seen map[string]bool) {
	if v.Kind() != reflect.Struct {
		return
	}
	for f := range v.Type().Fields() {
		if f.Tag.Get("need") != "" && !seen[f.Tag.Get("key")] {
			d.problem(n, "%sneeds %q", named(key), f.Tag.Get("key"))
		}
	}
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for f := range v.Type().Fields() {
		if f.Tag.Get("key") == key {
			return v.FieldByIndex(f.Index), true
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		out = append(out, f.Tag.Get("key"))
	}
	return out
}

// items are those of a list, or the one value that stands in place of it.
func items(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	return n.Content
}

func (d *decoder) list(items []*yaml.Node, v reflect.Value, key string) {
	for k, item := range items {
		inner := fmt.Sprintf("%s[%d]", key, k)
		d.lines[inner] = position{item.Line, item.Column}
		next := reflect.New(v.Type().Elem()).Elem()
		d.value(item, next, inner)
		v.Set(reflect.Append(v, next))
	}
}

// scalar reads a single value and holds it against its words or its rule.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, key string) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(strings.EqualFold(n.Value, "true"))
	case reflect.Int:
		number, err := strconv.ParseInt(n.Value, 10, 32)
		if err != nil {
			d.problem(n, "%stakes a whole number, not %s", named(key), shortened(n.Value))
			return
		}
		v.SetInt(number)
	default:
		v.SetString(onOff(n, v.Type()))
	}
	d.hold(n, v.Interface(), key)
}

// onOff is the text of a node. What is on and off to us is true and false to programs that read YAML 1.1.
func onOff(n *yaml.Node, t reflect.Type) string {
	if t == reflect.TypeFor[level]() && n.ShortTag() == "!!bool" {
		return map[bool]string{true: "on", false: "off"}[strings.EqualFold(n.Value, "true")]
	}
	return n.Value
}

func (d *decoder) hold(n *yaml.Node, v any, key string) {
	if w, ok := v.(interface{ words() []string }); ok && !slices.Contains(w.words(), fmt.Sprint(v)) {
		text, words := shortened(fmt.Sprint(v)), strings.Join(w.words(), ", ")
		d.problem(n, "%sis %q, which is none of %s%s", named(key), text, words, guess(text, w.words()))
	}
	if r, ok := v.(interface{ rule() string }); ok && r.rule() != "" {
		d.problem(n, "%s: %s", key, r.rule())
	}
}

// nearest is the end of a sentence about a name that does not exist: the one that was meant, else all there are.
func nearest(name string, names []string) string {
	if g := guess(name, names); g != "" {
		return g
	}
	return "; there are " + strings.Join(names, ", ")
}

// guess asks for the one of names that is nearest to name, "" when none is near.
func guess(name string, names []string) string {
	if best := Nearest(name, names); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

// Nearest is the one of names that is nearest to name by edit distance, "" when none is near.
func Nearest(name string, names []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	return best
}
