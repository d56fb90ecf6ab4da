package forge

import "testing"

func TestARefNamesAPullRequestAMergeGroupOrAWholeRepository(t *testing.T) {
	repo := Repo{Owner: "acme", Name: "shop"}
	for _, c := range []struct {
		ref   Ref
		text  string
		whole bool
	}{
		{Ref{Repo: repo, Number: 7}, "acme/shop#7", false},
		{Ref{Repo: repo, Group: "0123456789abcdef"}, "acme/shop@0123456", false},
		{Ref{Repo: repo}, "acme/shop", true},
	} {
		if got := c.ref.String(); got != c.text {
			t.Errorf("%+v is %q, want %q", c.ref, got, c.text)
		}
		if got := c.ref.Whole(); got != c.whole {
			t.Errorf("%+v is whole: %t, want %t", c.ref, got, c.whole)
		}
	}
}
