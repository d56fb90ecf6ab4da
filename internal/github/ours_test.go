package github

import "testing"

// TestOursIsWhatGitHubSignedForUs: every mark of a commit has to be right, and on github.com it has to be signed.
func TestOursIsWhatGitHubSignedForUs(t *testing.T) {
	const viewer = "lighterman-acme[bot]"
	right := func() *tipNode {
		n := new(tipNode)
		n.Target.Message = "Cache\n\nText.\n\nLighterman-Bundle: caching"
		n.Target.Parents.Nodes = []struct{ Oid string }{{"a"}}
		n.Target.Author = &gitActor{viewer, "12345+lighterman-acme[bot]@users.noreply.github.com"}
		n.Target.Committer = &gitActor{"GitHub", "noreply@github.com"}
		n.Target.Signature = &struct{ IsValid, WasSignedByGitHub bool }{true, true}
		return n
	}
	for name, c := range map[string]struct {
		change          func(*tipNode)
		public, private bool
	}{
		"right":          {func(*tipNode) {}, true, true},
		"own noreply":    {func(n *tipNode) { n.Target.Author.Email = "1+lighterman-acme[bot]@users.noreply.ghe.example.com" }, true, true},
		"unsigned":       {func(n *tipNode) { n.Target.Signature = nil }, false, true},
		"bad signature":  {func(n *tipNode) { n.Target.Signature.IsValid = false }, false, false},
		"own signature":  {func(n *tipNode) { n.Target.Signature.WasSignedByGitHub = false }, false, false},
		"another App":    {func(n *tipNode) { n.Target.Author.Email = "1+other[bot]@users.noreply.github.com" }, false, false},
		"a person":       {func(n *tipNode) { n.Target.Author.Email = "1+lighterman-acme@users.noreply.github.com" }, false, false},
		"plain address":  {func(n *tipNode) { n.Target.Author.Email = "lighterman-acme[bot]@example.com" }, false, false},
		"no author":      {func(n *tipNode) { n.Target.Author = nil }, false, false},
		"no committer":   {func(n *tipNode) { n.Target.Committer = nil }, false, false},
		"amended":        {func(n *tipNode) { n.Target.Committer.Email = "ann@example.com" }, false, false},
		"a merge":        {func(n *tipNode) { n.Target.Parents.Nodes = make([]struct{ Oid string }, 2) }, false, false},
		"a root":         {func(n *tipNode) { n.Target.Parents.Nodes = nil }, false, false},
		"no trailer":     {func(n *tipNode) { n.Target.Message = "Cache" }, false, false},
		"not a trailer":  {func(n *tipNode) { n.Target.Message = "Cache\n\nNo Lighterman-Bundle: x" }, false, false},
		"nothing at all": {func(n *tipNode) { *n = tipNode{} }, false, false},
	} {
		n := right()
		c.change(n)
		if got := n.ours(viewer, true); got != c.public {
			t.Errorf("%s on github.com: %t", name, got)
		}
		if got := n.ours(viewer, false); got != c.private {
			t.Errorf("%s on an Enterprise Server: %t", name, got)
		}
		if n.ours("", false) {
			t.Errorf("%s is ours though nobody says who we are", name)
		}
	}
}
