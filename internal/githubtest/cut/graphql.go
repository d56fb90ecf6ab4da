package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
)

// fields are the object and interface fields in use. Enums, scalars and input objects are kept whole where reached.
var fields = map[string][]string{
	"Actor":                              {"login"},
	"AddReactionPayload":                 {"clientMutationId", "reaction"},
	"App":                                {"id", "slug"},
	"Blob":                               {"byteSize", "id", "isBinary", "isTruncated", "oid", "text"},
	"Bot":                                {"id", "login"},
	"CheckAnnotationConnection":          {"pageInfo", "totalCount"},
	"CheckRun":                           checkRunFields,
	"CheckRunConnection":                 {"nodes", "pageInfo", "totalCount"},
	"CheckSuite":                         {"app", "checkRuns", "conclusion", "databaseId", "id", "status"},
	"CheckSuiteConnection":               {"nodes", "pageInfo", "totalCount"},
	"ClosedEvent":                        {"actor", "createdAt", "id"},
	"Comment":                            {"author", "body", "id", "viewerDidAuthor"},
	"Commit":                             commitFields,
	"CommitConnection":                   {"nodes", "pageInfo", "totalCount"},
	"CommitHistoryConnection":            {"nodes", "pageInfo", "totalCount"},
	"GitActor":                           {"email", "name"},
	"GitSignature":                       {"isValid", "wasSignedByGitHub"},
	"GpgSignature":                       {"isValid", "wasSignedByGitHub"},
	"GitObject":                          {"id", "oid"},
	"Issue":                              {"author", "body", "editor", "id", "number", "state", "viewerDidAuthor"},
	"IssueComment":                       commentFields,
	"IssueCommentConnection":             {"nodes", "pageInfo", "totalCount"},
	"MinimizeCommentPayload":             {"clientMutationId", "minimizedComment"},
	"Minimizable":                        {"isMinimized", "minimizedReason"},
	"Mutation":                           {"addReaction", "minimizeComment", "resolveReviewThread", "updateRefs"},
	"Node":                               {"id"},
	"PageInfo":                           {"endCursor", "hasNextPage", "hasPreviousPage", "startCursor"},
	"PullRequest":                        pullRequestFields,
	"PullRequestCommit":                  {"commit", "id"},
	"PullRequestCommitConnection":        {"nodes", "pageInfo", "totalCount"},
	"PullRequestConnection":              {"nodes", "pageInfo", "totalCount"},
	"PullRequestReview":                  reviewFields,
	"PullRequestReviewComment":           append([]string{"originalCommit"}, commentFields...),
	"PullRequestReviewCommentConnection": {"nodes", "pageInfo", "totalCount"},
	"PullRequestReviewConnection":        {"nodes", "pageInfo", "totalCount"},
	"PullRequestReviewThread":            threadFields,
	"PullRequestReviewThreadConnection":  {"nodes", "pageInfo", "totalCount"},
	"PullRequestTimelineItemsConnection": {"nodes", "pageInfo", "totalCount"},
	"Query":                              {"id", "node", "rateLimit", "repository", "viewer"},
	"RateLimit":                          {"cost", "limit", "remaining", "resetAt"},
	"Repository":                         repositoryFields,
	"Reaction":                           {"content", "id", "user"},
	"ReactionConnection":                 {"nodes", "pageInfo", "totalCount"},
	"ReactingUserConnection":             {"nodes", "pageInfo", "totalCount"},
	"ReactionGroup":                      {"content", "reactors", "users", "viewerHasReacted"},
	"ReactorConnection":                  {"nodes", "pageInfo", "totalCount"},
	"Ref":                                {"id", "name", "target"},
	"RepositoryOwner":                    {"id", "login"},
	"ResolveReviewThreadPayload":         {"clientMutationId", "thread"},
	"Tree":                               {"id", "oid"},
	"TreeEntry":                          {"mode", "name", "oid", "path"},
	"UpdateRefsPayload":                  {"clientMutationId"},
	"User":                               {"id", "login"},
}

var (
	pullRequestFields = []string{
		"author", "baseRef", "baseRefName", "baseRefOid", "body", "changedFiles", "closedAt", "comments", "commits", "createdAt",
		"headRefName", "headRefOid", "headRepository", "id", "isCrossRepository", "isDraft", "maintainerCanModify", "mergeable",
		"mergedAt", "number", "reviewThreads", "reviews", "state", "timelineItems", "title", "totalCommentsCount",
		"viewerDidAuthor",
	}
	repositoryFields = []string{
		"defaultBranchRef", "id", "isArchived", "isDisabled", "isEmpty", "isFork", "isLocked", "isMirror", "issue", "name",
		"nameWithOwner", "object", "owner", "pullRequest", "pullRequests", "ref",
	}
	commitFields = []string{
		"author", "checkSuites", "committer", "file", "history", "id", "message", "messageHeadline", "oid", "parents",
		"signature", "tree",
	}
	checkRunFields = []string{
		"annotations", "completedAt", "conclusion", "databaseId", "detailsUrl", "externalId", "id", "name", "startedAt",
		"status", "summary", "text", "title",
	}
	reviewFields = []string{
		"author", "body", "commit", "createdAt", "editor", "fullDatabaseId", "id", "isMinimized", "lastEditedAt", "minimizedReason",
		"reactionGroups", "state", "submittedAt", "viewerDidAuthor",
	}
	commentFields = []string{
		"author", "body", "createdAt", "editor", "fullDatabaseId", "id", "isMinimized", "lastEditedAt", "minimizedReason",
		"reactionGroups", "reactions", "viewerDidAuthor",
	}
	threadFields = []string{
		"comments", "id", "isOutdated", "isResolved", "line", "originalLine", "path", "resolvedBy", "startLine",
		"viewerCanResolve",
	}
)

// cutGraphQL keeps the listed fields. An object keeps those of its interfaces that are listed too.
func cutGraphQL(src []byte) ([]byte, error) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: graphqlPackage, Input: dropDoubled(string(src))})
	if err != nil {
		return nil, err
	}
	for name, def := range schema.Types {
		def.Description = ""
		def.Types = slices.DeleteFunc(def.Types, func(t string) bool { return fields[t] == nil }) // of a union
		if def.Kind == ast.Object || def.Kind == ast.Interface {
			if err := keepFields(def, fields[name]); err != nil {
				return nil, err
			}
			def.Interfaces = slices.DeleteFunc(def.Interfaces, func(i string) bool { return fields[i] == nil })
		}
	}
	keep := reached(schema)
	for name, def := range schema.Types {
		if !keep[name] && !def.BuiltIn {
			delete(schema.Types, name)
		}
	}
	keepDirectives(schema)
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s (MIT, see LICENSE.graphql-schema), cut by internal/githubtest/cut.\n", graphqlPackage)
	formatter.NewFormatter(&out).FormatSchema(schema)
	return out.Bytes(), nil
}

// dropDoubled removes the second declarations of the two fields that GitHub's file declares twice in one type, which
// the parser refuses. Nothing in use lies in that type, so the whole type loses its fields.
func dropDoubled(src string) string {
	const head = "type EnterpriseOwnerInfo {"
	start := strings.Index(src, head)
	if start < 0 {
		return src
	}
	end := start + strings.Index(src[start:], "\n}")
	return src[:start] + head + "\n  allowPrivateRepositoryForkingSettingPolicyValue: String" + src[end:]
}

func keepFields(def *ast.Definition, names []string) error {
	for _, name := range names {
		if def.Fields.ForName(name) == nil {
			return fmt.Errorf("%s has no field %s", def.Name, name)
		}
	}
	unused := func(f *ast.FieldDefinition) bool { return !slices.Contains(names, f.Name) }
	def.Fields = slices.DeleteFunc(def.Fields, unused)
	for _, f := range def.Fields {
		f.Description = ""
		for _, a := range f.Arguments {
			a.Description = ""
		}
	}
	return nil
}

// reached is the set of types that the kept fields mention, with their arguments.
func reached(schema *ast.Schema) map[string]bool {
	keep := map[string]bool{"Query": true, "Mutation": true}
	var visit func(name string)
	visit = func(name string) {
		if keep[name] && name != "Query" && name != "Mutation" {
			return
		}
		keep[name] = true
		def := schema.Types[name]
		for _, v := range def.EnumValues {
			v.Description = ""
		}
		for _, f := range def.Fields {
			f.Description = ""
			visit(f.Type.Name())
			for _, a := range f.Arguments {
				visit(a.Type.Name())
			}
		}
	}
	visit("Query")
	visit("Mutation")
	for name := range fields {
		visit(name)
	}
	return keep
}

func keepDirectives(schema *ast.Schema) {
	for name := range schema.Directives {
		switch name {
		case "deprecated", "include", "skip":
		default:
			delete(schema.Directives, name)
		}
	}
	for _, def := range schema.Types {
		def.Directives = nil
		for _, f := range def.Fields {
			f.Directives = nil
		}
		for _, v := range def.EnumValues {
			v.Directives = nil
		}
	}
}
