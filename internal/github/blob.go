package github

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// MaxBlob is the largest file that a Tree reads, in bytes.
	MaxBlob = 2 << 20
	// blobBatch and blobBatchBytes bound one GraphQL query for several files.
	blobBatch      = 50
	blobBatchBytes = 1 << 20
)

// A TooLargeError says that a file is larger than a Tree reads.
type TooLargeError struct {
	Path string
	Size int64
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, more than the %d that are read", e.Path, e.Size, MaxBlob)
}

// blob reads one blob by its SHA, from memory or with one REST request.
func (i *installation) blob(ctx context.Context, repo forge.Repo, sha string) ([]byte, error) {
	key := blobKey{i.id, sha}
	if data, ok := i.app.blobs.get(key); ok {
		return data, nil
	}
	blob, _, err := i.client.Git.GetBlob(ctx, repo.Owner, repo.Name, sha)
	if err != nil {
		return nil, meaning(err)
	}
	data, err := base64.StdEncoding.DecodeString(blob.GetContent()) // lines of 60 characters; the decoder skips line ends
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", sha, err)
	}
	if !forge.SameBlob(sha, data) {
		return nil, fmt.Errorf("blob %s arrived with other content", sha)
	}
	i.app.blobs.put(key, data)
	return data, nil
}

// blobs reads several blobs with one GraphQL query and remembers them. Those that GraphQL does not give byte for byte
// (binary ones, cut ones, and text that is no UTF-8) stay unread.
func (i *installation) blobs(ctx context.Context, repo forge.Repo, shas []string) error {
	var params, fields strings.Builder
	variables := map[string]any{"owner": repo.Owner, "name": repo.Name}
	for n, sha := range shas {
		fmt.Fprintf(&params, " $o%d: GitObjectID!", n)
		fmt.Fprintf(&fields, "    b%d: object(oid: $o%d) { ... on Blob { oid isBinary isTruncated text } }\n", n, n)
		variables[fmt.Sprintf("o%d", n)] = sha
	}
	const form = "query Blobs($owner: String!, $name: String!%s) {\n  repository(owner: $owner, name: $name) {\n%s  }\n}"
	document := fmt.Sprintf(form, params.String(), fields.String())
	var data struct {
		Repository map[string]*struct {
			Oid         string
			IsTruncated bool
			Text        *string
		}
	}
	if err := i.query(ctx, document, variables, &data); err != nil {
		return gone(err)
	}
	for _, b := range data.Repository {
		if b != nil && b.Text != nil && !b.IsTruncated && forge.SameBlob(b.Oid, []byte(*b.Text)) {
			i.app.blobs.put(blobKey{i.id, b.Oid}, []byte(*b.Text))
		}
	}
	return nil
}
