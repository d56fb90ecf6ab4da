package buildcontext

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"

	"go.yaml.in/yaml/v4"
)

// maxYAML is the size in bytes above which a compose file or workflow is passed over.
const maxYAML = 512 << 10

// maxHops bounds how many aliases one look-up follows in a row, and how many mappings it merges in all: mappings that
// each merge the one before twice are a tree of 2^n.
const maxHops = 32

// A value is a node of a YAML file. The zero value stands for "not there", and every method answers for it. Only the
// asked-for path is ever walked, so aliases that would expand into something huge cost nothing.
type value struct{ node *yaml.Node }

// readText reads a file of at most maxYAML bytes.
func readText(repo *snapshot, name string) ([]byte, error) {
	info, err := repo.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxYAML {
		return nil, fmt.Errorf("read %s: not a file of at most %d bytes: %w", name, maxYAML, fs.ErrInvalid)
	}
	return fs.ReadFile(repo, name)
}

// readYAML reads a file's document if it holds one of the words, without which it cannot say anything; else the result
// is empty. The YAML library bounds depth and aliases itself.
func readYAML(repo *snapshot, name string, words ...string) (value, error) {
	data, err := readText(repo, name)
	if err != nil {
		return value{}, err
	}
	if !slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(data, []byte(w)) }) {
		return value{}, nil // most workflows: parsing them all would be the most expensive step
	}
	return parseYAML(name, data)
}

// parseYAML is the only document of a text.
func parseYAML(name string, data []byte) (value, error) {
	var doc yaml.Node
	if err := yaml.Load(data, &doc); err != nil {
		return value{}, fmt.Errorf("read %s: %w", name, err)
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) > 0 {
		return value{doc.Content[0]}, nil
	}
	return value{&doc}, nil
}

// resolve follows aliases.
func (v value) resolve() value {
	for hops := 0; v.node != nil && v.node.Kind == yaml.AliasNode; hops++ {
		if hops == maxHops {
			return value{}
		}
		v.node = v.node.Alias
	}
	return v
}

// get is the value of a mapping's key, merge keys included.
func (v value) get(key string) value {
	hops := maxHops
	return v.lookup(key, &hops)
}

func (v value) lookup(key string, hops *int) value {
	v = v.resolve()
	if v.node == nil || v.node.Kind != yaml.MappingNode || *hops == 0 {
		return value{}
	}
	*hops--
	var merged value
	for k := 0; k+1 < len(v.node.Content); k += 2 {
		switch v.node.Content[k].Value {
		case key:
			return value{v.node.Content[k+1]}.resolve()
		case "<<":
			merged = value{v.node.Content[k+1]}
		}
	}
	for _, m := range merged.orList() {
		if found := m.lookup(key, hops); found.node != nil {
			return found
		}
	}
	return value{}
}

// orList is a sequence's items, or the value itself when it is no sequence.
func (v value) orList() []value {
	if r := v.resolve(); r.node != nil && r.node.Kind == yaml.SequenceNode {
		return r.list()
	}
	return []value{v}
}

// list is a sequence's items.
func (v value) list() []value {
	v = v.resolve()
	if v.node == nil || v.node.Kind != yaml.SequenceNode {
		return nil
	}
	var out []value
	for _, n := range v.node.Content {
		out = append(out, value{n}.resolve())
	}
	return out
}

// A pair is one entry of a mapping.
type pair struct {
	key   string
	value value
}

// pairs are a mapping's own entries, in order.
func (v value) pairs() []pair {
	v = v.resolve()
	if v.node == nil || v.node.Kind != yaml.MappingNode {
		return nil
	}
	var out []pair
	for k := 0; k+1 < len(v.node.Content); k += 2 {
		out = append(out, pair{v.node.Content[k].Value, value{v.node.Content[k+1]}.resolve()})
	}
	return out
}

// text is a scalar as written; "" for anything else and for null.
func (v value) text() string {
	v = v.resolve()
	if v.node == nil || v.node.Kind != yaml.ScalarNode || v.node.Tag == "!!null" {
		return ""
	}
	return v.node.Value
}

// there reports whether the key was present.
func (v value) there() bool { return v.node != nil }

// isMap reports whether v is a mapping.
func (v value) isMap() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// scalar reports whether v is a text, a number or the like.
func (v value) scalar() bool { return v.node != nil && v.node.Kind == yaml.ScalarNode }
