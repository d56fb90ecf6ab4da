// Command cut makes the test double's copies of GitHub's published contracts, cut down to what lighterman uses.
//
// It takes three npm packages (all MIT), fetched with "npm pack", and writes
//
//	contract/openapi.json      the REST operations listed in operations, with the schemas they reach
//	contract/schema.graphql    the GraphQL fields listed in fields, with the enums, scalars and inputs they reach
//	contract/LICENSE.*         the packages' licences (that of the examples is not in its package; it lies beside them)
//	testdata/github/webhooks.json.gz   GitHub's example payloads of the events in events
//
// Run it with "go generate ./internal/githubtest" after a list changes. Text that machines do not read (descriptions,
// examples) is left out.
package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The packages and versions the contracts are cut from.
const (
	openapiPackage  = "@octokit/openapi@23.0.2"
	graphqlPackage  = "@octokit/graphql-schema@15.26.1"
	webhooksPackage = "@octokit/webhooks-examples@7.6.1"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cut CONTRACT-DIR EXAMPLES-DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "cut:", err)
		os.Exit(1)
	}
}

func run(contractDir, examplesDir string) error {
	return errors.Join(
		writeOpenAPI(contractDir),
		writeGraphQL(contractDir),
		writeExamples(examplesDir),
	)
}

func writeOpenAPI(dir string) error {
	files, err := unpack(openapiPackage, "package/generated/api.github.com.json", "package/LICENSE")
	if err != nil {
		return err
	}
	cut, err := cutOpenAPI(files[0])
	if err != nil {
		return fmt.Errorf("cut %s: %w", openapiPackage, err)
	}
	return errors.Join(write(dir, "openapi.json", cut), write(dir, "LICENSE.openapi", files[1]))
}

func writeGraphQL(dir string) error {
	files, err := unpack(graphqlPackage, "package/schema.graphql", "package/LICENSE.md")
	if err != nil {
		return err
	}
	cut, err := cutGraphQL(files[0])
	if err != nil {
		return fmt.Errorf("cut %s: %w", graphqlPackage, err)
	}
	return errors.Join(write(dir, "schema.graphql", cut), write(dir, "LICENSE.graphql-schema", files[1]))
}

func writeExamples(dir string) error {
	files, err := unpack(webhooksPackage, "package/api.github.com/index.json")
	if err != nil {
		return err
	}
	cut, err := cutExamples(files[0])
	if err != nil {
		return fmt.Errorf("cut %s: %w", webhooksPackage, err)
	}
	return write(dir, "webhooks.json.gz", cut)
}

// unpack fetches a package from the npm registry and returns the named files of it.
func unpack(pkg string, names ...string) ([][]byte, error) {
	dir, err := os.MkdirTemp("", "cut")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--silent", pkg)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", pkg, err)
	}
	archive, err := os.Open(filepath.Join(dir, strings.TrimSpace(string(out))))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	return untar(archive, names)
}

func untar(archive io.Reader, names []string) ([][]byte, error) {
	gz, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	found := make([][]byte, len(names))
	for r := tar.NewReader(gz); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for i, name := range names {
			if header.Name != name {
				continue
			}
			if found[i], err = io.ReadAll(r); err != nil {
				return nil, err
			}
		}
	}
	for i, name := range names {
		if found[i] == nil {
			return nil, fmt.Errorf("no file %s in the package", name)
		}
	}
	return found, nil
}

func write(dir, name string, data []byte) error {
	return os.WriteFile(filepath.Join(dir, name), data, 0o644)
}
