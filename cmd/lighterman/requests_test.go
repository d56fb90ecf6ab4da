package main

import (
	"context"
	"strings"
	"testing"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/testdata/demo"
)

// settled waits until every webhook was answered and every job is done.
func (s *stage) settled(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, s.hub.Wait(ctx))
	must(t, s.service.queue.Idle(ctx))
	for len(s.outcomes) > 0 {
		<-s.outcomes
	}
}

// TestMergeGroupIsAnswered holds that a merge queue does not wait in vain, with and without the right to write check runs.
func TestMergeGroupIsAnswered(t *testing.T) {
	t.Parallel()
	for name, permissions := range map[string]map[string]string{
		"full": githubtest.Full(), "no checks": {"contents": "write", "metadata": "read", "pull_requests": "write"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
			s.settled(t)
			s.hub.Grant("acme", permissions)
			s.hub.RevokeTokens()
			group, err := pull.Repo().MergeGroup(pull)
			must(t, err)
			s.settled(t)
			runs := group.CheckRuns()
			if permissions["checks"] == "" {
				if dead, err := s.service.queue.Dead(t.Context()); len(runs)+len(dead) > 0 || err != nil {
					t.Errorf("check runs %+v, dead jobs %+v, %v", runs, dead, err)
				}
				return
			}
			if len(runs) != 1 || runs[0].Name != "lighterman" || runs[0].Conclusion != "neutral" ||
				!strings.Contains(runs[0].Summary, "`web/Dockerfile` line") || len(runs[0].Annotations) == 0 || len(runs[0].Actions) > 0 {
				t.Errorf("check runs of the merge group: %+v", runs)
			}
			must(t, group.Destroy("merged"))
			s.settled(t)
		})
	}
}

// TestSuiteIsRunAgain asks for all checks of a commit again; of a fork's GitHub does not say whose commit it is.
func TestSuiteIsRunAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	repo, err := s.hub.CreateRepo("acme", "shop", archived(demo.Base))
	must(t, err)
	fork, err := repo.Fork("robin")
	must(t, err)
	_, err = fork.Push("topic", "Change", demoFile("web/Dockerfile"))
	must(t, err)
	pull, err := repo.OpenPull(githubtest.PullOptions{Title: "Change", Author: "robin", Head: "topic", Fork: fork})
	must(t, err)
	s.settled(t)
	before := len(pull.CheckRuns())
	must(t, pull.RerequestSuite("robin"))
	s.settled(t)
	runs := pull.CheckRuns()
	if before != 1 || len(runs) != 2 || runs[1].Conclusion != runs[0].Conclusion {
		t.Errorf("check runs: %+v", runs)
	}
}
