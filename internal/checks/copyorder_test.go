package checks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/checks"
)

// tooLong is far above what the files below take, and far below what they took before there were bounds.
const tooLong = 30 * time.Second

// TestCopyOrderIsBounded looks at files made to be slow: many variables, copies, installs and stages.
func TestCopyOrderIsBounded(t *testing.T) {
	var variables strings.Builder
	for k := range 3000 {
		fmt.Fprintf(&variables, "ENV V%d=$V%d/x\n", k+1, k)
	}
	repo := repository{"package.json": `{"workspaces": ["p/*"]}`, ".dockerignore": "**/node_modules", "main.js": ""}
	for k := range 100 {
		repo[fmt.Sprintf("p/%d/package.json", k)] = "{}"
	}
	for name, text := range map[string]string{
		"variables": "FROM a\nENV V0=/x\n" + variables.String() + "WORKDIR $V9\nCOPY . .\nRUN npm ci\n",
		"copies":    "FROM a\nWORKDIR /app\n" + strings.Repeat("COPY . .\n", 3000) + "RUN npm ci\n",
		"installs":  "FROM a\nWORKDIR /app\n" + "COPY . .\n" + strings.Repeat("RUN pip install -r r.txt\n", 3000),
		"stages":    "FROM a AS s0\nCOPY . .\nRUN npm ci\n" + chain(100),
	} {
		t.Run(name, func(t *testing.T) {
			repo := check.Overlay(repo.fs(), map[string][]byte{"Dockerfile": []byte(text)})
			o := options(checks.Named("copy-order"))
			o.Prover = nil
			ctx, cancel := context.WithTimeout(t.Context(), tooLong)
			defer cancel()
			result, err := check.Run(ctx, repo, []string{"Dockerfile"}, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, skip := range result.Skipped {
				t.Errorf("line %d: %s", skip.Line, skip.Reason)
			}
		})
	}
}

// chain is stages that stand on each other, each with a copy and an install.
func chain(n int) string {
	var b strings.Builder
	for k := range n {
		fmt.Fprintf(&b, "FROM s%d AS s%d\nCOPY . .\nRUN npm ci\n", k, k+1)
	}
	return b.String()
}
