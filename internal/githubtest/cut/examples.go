package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"slices"
)

// events are the webhook events whose example payloads are kept.
var events = []string{
	"check_run", "check_suite", "installation", "installation_repositories", "installation_target", "issue_comment",
	"issues", "merge_group", "ping", "pull_request", "pull_request_review", "pull_request_review_comment", "push", "repository",
}

type example struct {
	Name     string            `json:"name"`
	Examples []json.RawMessage `json:"examples"`
}

// cutExamples keeps the examples of the listed events, compressed: most of their bytes are URLs that repeat.
func cutExamples(src []byte) ([]byte, error) {
	var all []example
	if err := json.Unmarshal(src, &all); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(e example) bool { return !slices.Contains(events, e.Name) })
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	gz, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := gz.Write(text); err != nil {
		return nil, err
	}
	err = gz.Close()
	return out.Bytes(), err
}
