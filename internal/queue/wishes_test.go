package queue

import (
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/forge"
)

// TestHeadAndRequestBelongToPullRequests: a delivery that names a repository beside a pull request asks nothing else of it.
func TestHeadAndRequestBelongToPullRequests(t *testing.T) {
	repo := forge.Repo{Installation: 5, Owner: "acme", Name: "shop"}
	pull, whole := forge.Ref{Repo: repo, Number: 7}, forge.Ref{Repo: repo}
	w := newWishes()
	call := forge.Call{Refs: []forge.Ref{pull, whole}, Head: "abc", Request: &forge.Request{Kind: forge.Command}}
	if err := w.add(t.Context(), nil, Delivery{GUID: "g", Call: call}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if len(w.refs) != 2 || len(w.causes) != 2 {
		t.Errorf("refs %v, causes %v", w.refs, w.causes)
	}
	if len(w.heads) != 1 || w.heads["acme/shop#7"] != "abc" {
		t.Errorf("heads %v", w.heads)
	}
	if len(w.asked) != 1 || w.asked[0].subject != "acme/shop#7" {
		t.Errorf("requests %+v", w.asked)
	}
}
