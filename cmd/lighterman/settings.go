package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// Settings reach a command by its flags, by LIGHTERMAN_… variables, or by a file, in this order: the first that says
// something wins. A flag "data-dir" is the variable LIGHTERMAN_DATA_DIR and the key "data-dir" of the file.

// settle gives every flag that was not set on the command line the value of its variable, else of the file.
func settle(flags *pflag.FlagSet, environ func(string) (string, bool), file map[string]string) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || f.Name == "config" {
			return
		}
		origin := variable(f.Name)
		value, ok := environ(origin)
		if !ok || value == "" {
			origin = "the configuration file's " + f.Name
			value, ok = file[f.Name]
		}
		if !ok {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", origin, redactValue(f.Name, err)))
		}
	})
	return errors.Join(errs...)
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "LIGHTERMAN_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// redactValue keeps a secret's value out of an error about it.
func redactValue(flag string, err error) error {
	if strings.Contains(flag, "key") || strings.Contains(flag, "secret") || strings.Contains(flag, "url") {
		return errors.New("not a valid value")
	}
	return err
}

// readSettings reads a settings file: one YAML mapping of flag names to values. An unknown key is an error that names its
// line.
func readSettings(path string, flags *pflag.FlagSet) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	if doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: a mapping of settings was expected", path, doc.Content[0].Line)
	}
	return settingsOf(path, doc.Content[0].Content, flags)
}

func settingsOf(path string, nodes []*yaml.Node, flags *pflag.FlagSet) (map[string]string, error) {
	out := map[string]string{}
	for n := 0; n+1 < len(nodes); n += 2 {
		key, value := nodes[n], nodes[n+1]
		if flags.Lookup(key.Value) == nil || key.Value == "config" || key.Value == "help" {
			return nil, fmt.Errorf("%s:%d:%d: there is no setting %q; see lighterman serve --help",
				path, key.Line, key.Column, key.Value)
		}
		if value.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s:%d:%d: %s takes one value", path, value.Line, value.Column, key.Value)
		}
		if _, twice := out[key.Value]; twice {
			return nil, fmt.Errorf("%s:%d:%d: %s is set twice", path, key.Line, key.Column, key.Value)
		}
		out[key.Value] = value.Value
	}
	return out, nil
}

// secret is a value given outright or by the name of a file that holds it, but not both.
func secret(name, value, file string) (string, error) {
	switch {
	case value != "" && file != "":
		return "", fmt.Errorf("%s and %s are both set; one is enough", variable(name), variable(name+"-file"))
	case file != "":
		data, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", variable(name+"-file"), err)
		}
		value = string(data)
	}
	if strings.TrimSpace(value) == "" {
		return "", fmt.Errorf("%s is not set: set it, or %s to a file that holds it", variable(name), variable(name+"-file"))
	}
	return value, nil
}
