// Package config reads what a repository has decided about checks.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"go.yaml.in/yaml/v4"
)

// hadolintFiles are the names under which hadolint looks for its configuration, in its order.
var hadolintFiles = []string{".hadolint.yaml", ".hadolint.yml", ".config/hadolint.yaml", ".config/hadolint.yml"}

// Wanted reports whether this package may read a file of a repository.
func Wanted(name string) bool { return slices.Contains(hadolintFiles, name) }

// maxConfig is the size in bytes above which a configuration file is refused.
const maxConfig = 64 << 10

// HadolintIgnored are the rule codes that a repository's hadolint configuration lists under "ignored": whoever decided
// there does not want to hear of them from us either. Other keys of that file are hadolint's own business.
func HadolintIgnored(repo fs.FS) ([]string, error) {
	for _, name := range hadolintFiles {
		info, err := fs.Stat(repo, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if info.Size() > maxConfig {
			return nil, fmt.Errorf("%s: %d bytes are more than the %d of a configuration", name, info.Size(), maxConfig)
		}
		return hadolintIgnored(repo, name)
	}
	return nil, nil
}

func hadolintIgnored(repo fs.FS, name string) ([]string, error) {
	data, err := fs.ReadFile(repo, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var file struct {
		Ignored []string `yaml:"ignored"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return file.Ignored, nil
}
