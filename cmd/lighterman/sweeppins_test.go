package main

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	hall "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lighterman/lighterman/internal/image/registry"
)

// movedTo moves a tag to a new image that was made on a day, and tells its digest.
func movedTo(t *testing.T, tag name.Tag, day string) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	must(t, err)
	img, err := random.Image(100, 1)
	must(t, err)
	img, err = mutate.CreatedAt(img, v1.Time{Time: at})
	must(t, err)
	must(t, remote.Write(tag, img))
	digest, err := img.Digest()
	must(t, err)
	return digest.String()
}

// TestDigestsAreRenewed: a sweep asks the registry once what a pinned tag means, and GitHub twice how the repository stands;
// when the tag has moved it opens one pull request, which follows the tag, and where the registry lies inside the operator's
// network and is not named, or is out of order, nothing happens.
func TestDigestsAreRenewed(t *testing.T) {
	t.Parallel()
	s, clock := newFleet(t, sweepOptions{})
	images := hall.New(hall.Logger(log.New(io.Discard, "", 0)))
	house := httptest.NewServer(images)
	defer house.Close()
	host := strings.TrimPrefix(house.URL, "http://")
	tag, err := name.NewTag(host + "/base:1.2")
	must(t, err)
	old := movedTo(t, tag, "2026-10-01")
	repo, err := s.hub.CreateRepo("acme", "shop", map[string]string{
		".github/lighterman.yml": "sweeps: {enabled: true, families: [pinning]}\n",
		"Dockerfile":             "FROM " + tag.String() + "@" + old + "\nUSER 1000\n",
	})
	must(t, err)
	facts := func(hosts ...string) {
		r := registry.New(registry.Options{Hosts: hosts, Strangers: true, Now: clock.Now})
		s.service.app.Load().sweeper.Options.Images = r
	}
	sweep := func() {
		t.Helper()
		must(t, clock.Sleep(t.Context(), 7*time.Hour))
		s.hub.ForgetRequests()
		must(t, s.service.queue.Enqueue(t.Context(), refOf(s, "shop")))
		s.idle(t)
	}
	facts(host)
	s.round(t)
	for range 2 {
		if sweep(); len(s.hub.Requests()) != 2 || len(repo.Pulls()) != 0 {
			t.Fatalf("nothing moved: %d requests, %d pull requests", len(s.hub.Requests()), len(repo.Pulls()))
		}
	}
	for _, day := range []string{"2026-11-01", "2026-11-20"} {
		now := movedTo(t, tag, day)
		if sweep(); len(repo.Pulls()) != 1 {
			t.Fatalf("%d pull requests after the tag moved", len(repo.Pulls()))
		}
		want := old[:19] + " (2026-10-01) → " + now[:19] + " (" + day + ")"
		if body := repo.Pulls()[0].Status().Body; !strings.Contains(body, want) {
			t.Errorf("%s does not tell %s", body, want)
		}
		file, err := repo.ReadFile("lighterman/pinning", "Dockerfile")
		must(t, err)
		if want := "FROM " + tag.String() + "@" + now + "\nUSER 1000\n"; file != want {
			t.Errorf("the branch has %s, want %s", file, want)
		}
		if sweep(); len(s.hub.Requests()) != 2 {
			t.Errorf("nothing moved since: %d requests", len(s.hub.Requests()))
		}
	}
	movedTo(t, tag, "2026-11-22")
	facts() // the registry is on loopback, and not named
	if sweep(); len(s.hub.Requests()) != 2 {
		t.Errorf("it may not be asked: %d requests", len(s.hub.Requests()))
	}
	facts(host)
	house.Close()
	_, err = repo.Push("main", "More", map[string]string{"README.md": "More.\n"})
	must(t, err)
	sweep()
	if wrote := s.wroteNow(); len(wrote) > 0 || len(openOnes(repo)) != 1 {
		t.Errorf("the registry is out of order, and a sweep wrote %q", wrote)
	}
}
