package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// operations are the REST operations in use, by GitHub's operation ids.
var operations = []string{
	"apps/create-from-manifest",
	"apps/create-installation-access-token",
	"apps/get-authenticated",
	"apps/get-org-installation",
	"apps/get-user-installation",
	"apps/get-webhook-config-for-app",
	"apps/get-webhook-delivery",
	"apps/list-installations",
	"apps/list-repos-accessible-to-installation",
	"apps/list-webhook-deliveries",
	"apps/redeliver-webhook-delivery",
	"checks/create",
	"checks/get",
	"checks/list-for-ref",
	"checks/update",
	"git/create-blob",
	"git/create-commit",
	"git/create-ref",
	"git/create-tree",
	"git/delete-ref",
	"git/get-blob",
	"git/get-commit",
	"git/get-ref",
	"git/get-tree",
	"git/update-ref",
	"issues/add-assignees",
	"issues/add-labels",
	"issues/create",
	"issues/create-comment",
	"issues/list-comments",
	"issues/list-for-repo",
	"issues/update",
	"issues/update-comment",
	"pulls/create",
	"pulls/create-reply-for-review-comment",
	"pulls/create-review",
	"pulls/delete-pending-review",
	"pulls/get",
	"pulls/list",
	"pulls/list-files",
	"pulls/list-reviews",
	"pulls/request-reviewers",
	"pulls/update",
	"pulls/update-review",
	"pulls/update-review-comment",
	"reactions/create-for-issue-comment",
	"reactions/create-for-pull-request-review-comment",
	"repos/compare-commits",
	"repos/get",
	"repos/get-branch",
	"repos/get-collaborator-permission-level",
	"repos/list-pull-requests-associated-with-commit",
}

// cutOpenAPI keeps the listed operations and every component that they reach through $ref.
func cutOpenAPI(src []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(src, &doc); err != nil {
		return nil, err
	}
	paths, missing := keepOperations(doc["paths"].(map[string]any))
	if len(missing) > 0 {
		return nil, fmt.Errorf("no operations %v", missing)
	}
	out := map[string]any{
		"openapi": doc["openapi"],
		"info": map[string]any{
			"title": openapiPackage + ", cut", "version": "23.0.2", "license": map[string]any{"name": "MIT"},
		},
		"servers":    []any{map[string]any{"url": "/"}},
		"paths":      paths,
		"components": map[string]any{},
	}
	reach(paths, doc["components"].(map[string]any), out["components"].(map[string]any))
	strip(out, "")
	return json.MarshalIndent(out, "", " ")
}

func keepOperations(all map[string]any) (kept map[string]any, missing []string) {
	want := make(map[string]bool)
	for _, id := range operations {
		want[id] = true
	}
	kept = make(map[string]any)
	for path, item := range all {
		for method, op := range item.(map[string]any) {
			o, ok := op.(map[string]any)
			if !ok || !want[fmt.Sprint(o["operationId"])] {
				continue
			}
			delete(want, o["operationId"].(string))
			if kept[path] == nil {
				kept[path] = make(map[string]any)
			}
			kept[path].(map[string]any)[method] = o
		}
	}
	for id := range want {
		missing = append(missing, id)
	}
	return kept, missing
}

// reach copies the components to which v refers, directly or not, from one components object to the other.
func reach(v any, from, to map[string]any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			reach(e, from, to)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			reachRef(ref, from, to)
		}
		for key, e := range v {
			if !prose(key) {
				reach(e, from, to)
			}
		}
	}
}

func reachRef(ref string, from, to map[string]any) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
	if to[kind] == nil {
		to[kind] = make(map[string]any)
	}
	kept := to[kind].(map[string]any)
	if kept[name] != nil {
		return
	}
	kept[name] = from[kind].(map[string]any)[name]
	reach(kept[name], from, to)
}

// strip deletes what only people read. A property may be called "description", so the names of properties are kept.
func strip(v any, parent string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			strip(e, "")
		}
	case map[string]any:
		for key, e := range v {
			if parent != "properties" && prose(key) && !(parent == "responses" || isResponse(v, key)) {
				delete(v, key)
				continue
			}
			strip(e, key)
		}
	}
}

func prose(key string) bool {
	switch key {
	case "description", "example", "examples", "externalDocs", "summary", "tags", "title":
		return true
	}
	return strings.HasPrefix(key, "x-")
}

// isResponse reports whether key is the description of a response object, which OpenAPI requires.
func isResponse(v map[string]any, key string) bool {
	_, schema := v["type"]
	_, ref := v["schema"]
	return key == "description" && !schema && !ref
}
