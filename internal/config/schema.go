package config

import (
	"encoding/json"
	"reflect"

	"github.com/lighterman/lighterman/internal/check"
)

type object = map[string]any

// Schema is a JSON Schema (draft 2020-12) of our configuration file for editors, made from the types that the parser
// reads into. It takes what the parser takes, save what takes more than a pattern to tell: whether a glob is
// well-formed.
func Schema(checks []*check.Check) ([]byte, error) {
	s := schemaOf(reflect.TypeFor[file]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "lighterman"
	var names []string
	for _, c := range checks {
		names = append(append(names, c.Name), c.Aliases...)
	}
	s["properties"].(object)["checks"].(object)["propertyNames"] = object{"enum": names}
	out, err := json.MarshalIndent(s, "", "  ")
	return append(out, '\n'), err
}

// schemaOf describes the values of a type. Null is a key that says nothing, which an editor leaves while one types.
func schemaOf(t reflect.Type) object {
	zero := reflect.Zero(t).Interface()
	s := object{}
	switch {
	case t.Kind() == reflect.Struct:
		s = schemaOfFields(t)
	case t.Kind() == reflect.Map:
		s["type"], s["additionalProperties"] = []string{"object", "null"}, schemaOf(t.Elem())
	case t == reflect.TypeFor[references]():
		s = schemaOf(t.Elem())
		s["type"], s["items"] = []string{"string", "array", "null"}, schemaOf(t.Elem())
	case t.Kind() == reflect.Slice:
		s["type"], s["items"] = []string{"array", "null"}, schemaOf(t.Elem())
	case t.Kind() == reflect.Bool:
		s["type"] = []string{"boolean", "null"}
	case t == reflect.TypeFor[amount]():
		s["type"], s["minimum"], s["maximum"] = []string{"integer", "null"}, leastAmount, mostAmount
	case t == reflect.TypeFor[scalar]():
		s["type"] = []string{"string", "number", "boolean", "null"}
	default:
		s["type"] = []string{"string", "null"}
	}
	if w, ok := zero.(interface{ words() []string }); ok {
		delete(s, "type")
		s["enum"] = enum(t, w.words())
	}
	if f, ok := zero.(interface{ form() string }); ok {
		s["pattern"] = f.form()
	} else if _, ok := zero.(interface{ rule() string }); ok && t.Kind() == reflect.String {
		s["minLength"] = 1
	}
	return s
}

func enum(t reflect.Type, words []string) []any {
	out := []any{nil}
	for _, w := range words {
		out = append(out, w)
	}
	if t == reflect.TypeFor[level]() {
		out = append(out, true, false)
	}
	return out
}

func schemaOfFields(t reflect.Type) object {
	properties := object{}
	var need []string
	for f := range t.Fields() {
		p := schemaOf(f.Type)
		p["description"] = f.Tag.Get("doc")
		properties[f.Tag.Get("key")] = p
		if f.Tag.Get("need") != "" {
			need = append(need, f.Tag.Get("key"))
		}
	}
	s := object{"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties}
	if need != nil {
		s["required"] = need
	}
	return s
}

// Keys are the keys of our configuration file.
func Keys() []string { return keysOf(reflect.TypeFor[file]()) }

// SweepKeys are those under sweeps, as in "sweeps.enabled".
func SweepKeys() []string {
	var out []string
	for _, key := range keysOf(reflect.TypeFor[sweeps]()) {
		out = append(out, "sweeps."+key)
	}
	return out
}
