package sweep

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/config"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/hidden"
)

const (
	again     = "commit lighterman/caching, open lighterman/caching, dress #2, text #2"
	withdrew  = "say #1, close #1, delete lighterman/caching"
	renewed   = "commit lighterman/caching, text #1"
	oneLoud   = "FROM a\nRUN LOUD x\n"
	otherLoud = "FROM b\nRUN LOUD x\n"
)

func decline(h *town) { h.close(first(h), false) }

func tipFiles(h *town) map[string]string { return h.commits[h.branches[caching]].files }

func ourMessage(h *town) string { return h.commits[h.branches[caching]].message }

// without takes the lines that begin with a word out of a body.
func without(body, word string) string {
	var kept []string
	for line := range strings.Lines(body) {
		if !strings.HasPrefix(line, "<!-- lighterman:v1 "+word) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// attacks are what strangers and people who are in a hurry do.
var attacks = []scene{
	{"the names are cut out of the note of what is declined", oneLoud, []act{
		{nil, opened},
		{func(h *town) { first(h).Body = without(first(h).Body, "findings="); decline(h) }, ""},
	}},
	{"a note is pasted in front of ours that names nothing", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			first(h).Body = hidden.Line("sweep=caching bundle="+strings.Repeat("0", 16)+" base="+strings.Repeat("0", 16)+
				" title="+strings.Repeat("0", 16)+" text="+strings.Repeat("0", 16)) + "\n" + first(h).Body
			decline(h)
		}, ""},
	}},
	{"the note is fenced", oneLoud, []act{
		{nil, opened},
		{func(h *town) { first(h).Body = "> " + strings.ReplaceAll(first(h).Body, "\n", "\n> "); decline(h) }, ""},
	}},
	{"our commit's message is copied by a person", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.push(caching, tipFiles(h), ourMessage(h), false) }, "say #1"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, ""},
	}},
	{"our commit is amended by a person", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.push(caching, tipFiles(h), ourMessage(h), false, h.branches["main"]) }, "say #1"},
		{func(h *town) { h.merge(first(h)) }, ""},
	}},
	{"a person reverts on the branch", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.push(caching, h.main(), "Revert\n\nThis reverts it.", false) }, "say #1"},
	}},
	{"the branch is brought up to date by a merge", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			h.push(caching, tipFiles(h), ourMessage(h), true, h.branches[caching], h.branches["main"])
		}, "say #1"},
	}},
	{"a fix of a review stands on our branch", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.push(caching, tipFiles(h), "Fix\n\nLighterman-Request: 7", true) }, "say #1"},
	}},
	{"a person's pull request from our branch into another", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			h.pulls = append(h.pulls, &pull{branch: caching, Pull: forge.Pull{Number: 2, State: forge.PullOpen, Base: "next"}})
		}, "say #1"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, ""},
	}},
	{"a stranger forges that we yielded", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.comment(first(h), "mallory", yielded()) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": otherLoud}) }, renewed},
	}},
	{"a crowd talks after we yielded", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.push(caching, tipFiles(h), "mine", false) }, "say #1"},
		{func(h *town) {
			for range 100 {
				h.comment(first(h), "mallory", "/me too")
			}
		}, ""},
	}},
	{"a stranger forges that it was withdrawn", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.comment(first(h), "mallory", withdrawn("no")); h.clock = h.clock.Add(48 * time.Hour) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": otherLoud}) }, renewed},
	}},
	{"a person quotes the command", oneLoud, []act{
		{nil, opened},
		{func(h *town) { decline(h); h.comment(first(h), "robin", "> /lighterman unmute") }, ""},
		{func(h *town) { h.comment(first(h), "robin", "```\n/lighterman unmute\n```") }, ""},
		{func(h *town) { h.comment(first(h), "robin", "please do not /lighterman unmute") }, ""},
		{func(h *town) { h.comment(first(h), "robin", "/lighterman unmute everything") }, ""},
		{func(h *town) { h.comment(first(h), "robin", "/lightermanunmute") }, ""},
	}},
	{"a program asks to unmute", oneLoud, []act{
		{nil, opened},
		{func(h *town) { decline(h); h.comment(first(h), "robin[bot]", "/lighterman unmute") }, ""},
	}},
	{"a stranger reacts, and nobody unmutes", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			decline(h)
			h.comment(first(h), "mallory", "/lighterman unmute")
			first(h).Comments[0].Reacted = []forge.Emoji{forge.Confused}
		}, ""},
	}},
	{"a command on the withdrawn one takes back nothing of the declined one", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, withdrew},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": oneLoud}) }, again},
		{func(h *town) { h.close(h.pulls[1], false); h.comment(first(h), "robin", "/lighterman unmute") }, "react #1"},
	}},
	{"a withdrawn one is opened again at once", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, withdrew},
		{func(h *town) { first(h).State, h.branches[caching] = forge.PullOpen, first(h).head }, ""},
	}},
	{"a withdrawn one is opened again, and closed by a person", oneLoud, []act{
		{nil, opened},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, withdrew},
		{func(h *town) {
			first(h).State, h.branches[caching], h.clock = forge.PullOpen, first(h).head, h.clock.Add(48*time.Hour)
			decline(h)
			h.edit(map[string]string{"Dockerfile": oneLoud})
		}, ""},
	}},
	{"a declined one is opened again by a person", oneLoud, []act{
		{nil, opened},
		{decline, ""},
		{func(h *town) { first(h).State = forge.PullOpen }, ""},
		{decline, ""},
	}},
	{"declined, and the branch deleted", oneLoud, []act{
		{nil, opened},
		{func(h *town) { decline(h); h.drop(caching) }, ""},
	}},
	{"declined, and the default branch renamed", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			decline(h)
			h.branches["trunk"], h.repo.Branch = h.branches["main"], "trunk"
			delete(h.branches, "main")
		}, ""},
	}},
	{"declined, and the repository renamed", oneLoud, []act{
		{nil, opened},
		{func(h *town) { decline(h); h.repo.Repo.Owner, h.repo.Repo.Name = "globex", "site" }, ""},
	}},
	{"declined, and line ends become CRLF", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			decline(h)
			h.edit(map[string]string{"Dockerfile": strings.ReplaceAll(oneLoud, "\n", "\r\n")})
		}, ""},
	}},
	{"the default branch is pushed by force", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			root := h.push("orphan", h.main(), "history rewritten", false)
			h.commits[h.branches[caching]].parents = []string{root}
			h.branches["main"] = h.push("orphan", h.main(), "more", false)
		}, ""},
	}},
	{"made a draft by a person", oneLoud, []act{
		{nil, opened},
		{func(h *town) { first(h).Draft = true }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": otherLoud}) }, renewed},
	}},
	{"squashed", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			h.push("main", tipFiles(h), ourMessage(h), true)
			first(h).State = forge.PullMerged
		}, "delete lighterman/caching"},
	}},
	{"merged into another branch, and later into the default one", oneLoud, []act{
		{nil, opened},
		{func(h *town) { first(h).Base = "next" }, ""},
		{func(h *town) { first(h).State = forge.PullMerged }, "delete lighterman/caching"},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN x\n"}) }, ""},
	}},
	{"the default branch is named like ours", oneLoud, []act{
		{func(h *town) {
			h.push("lighterman/caching", h.main(), "squashed\n\nLighterman-Bundle: 0123456789abcdef", true, h.branches["main"])
			h.repo.Branch = caching
		}, ""},
	}},
	{"a person's branch has our old commit under theirs", oneLoud, []act{
		{nil, opened},
		{func(h *town) { decline(h); h.push(caching, tipFiles(h), "mine", false) }, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": "FROM a\nRUN LOUD z\n"}) }, ""},
	}},
	{"reviewers are changed later", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{reviewers: [robin, joe], ", 1)})
		}, ""},
		{func(h *town) { h.edit(map[string]string{"Dockerfile": otherLoud}) }, renewed},
	}},
	{"somebody puts the word back that says it is not finished", oneLoud, []act{
		{nil, opened},
		{func(h *town) { first(h).Body = strings.Replace(first(h).Body, " -->", " fresh -->", 1) }, "dress #1, text #1"},
	}},
	{"configuration on another branch decides nothing", oneLoud, []act{
		{nil, opened},
		{func(h *town) {
			h.push("dev", map[string]string{".github/lighterman.yml": "sweeps: {enabled: false}\n"}, "x", false)
		}, ""},
	}},
	{"the branch is gone while its pull request is open", oneLoud, []act{
		{nil, opened},
		{func(h *town) { delete(h.branches, caching) }, ""},
	}},
}

// TestAttacks plays what strangers and people in a hurry do, as TestScenes does.
func TestAttacks(t *testing.T) {
	for _, s := range attacks {
		for _, keep := range []bool{false, true} {
			s.play(t, keep)
		}
	}
}

// TestFormerNamesAreNotForgotten: while a repository is passed over its pull requests keep their names.
func TestFormerNamesAreNotForgotten(t *testing.T) {
	for name, pause := range map[string][2]func(*town){
		"broken":   {func(h *town) { h.edit(map[string]string{".github/lighterman.yml": "sweeps: [\n"}) }, func(*town) {}},
		"archived": {func(h *town) { h.repo.Archived = true }, func(h *town) { h.repo.Archived = false }},
		"large":    {func(h *town) { h.large = true; h.edit(map[string]string{"x": "y"}) }, func(h *town) { h.large = false }},
	} {
		h := enabled(oneLoud)
		h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{branch-prefix: bot/, ", 1)})
		out, _ := h.sweep(t, Ask{})
		pause[0](h)
		out, _ = h.sweep(t, Ask{Memory: out.Memory})
		pause[1](h)
		h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{branch-prefix: fix/, ", 1)})
		h.sweep(t, Ask{Memory: out.Memory})
		if h.open("bot/caching") != nil || h.open("fix/caching") == nil {
			t.Errorf("%s: two pull requests of a topic are open", name)
		}
	}
}

// TestFormerNamesAreFoundAgain: where nobody remembers, as in a sweep by hand, what is open under another name is not opened
// a second time, and what was declined there stays so.
func TestFormerNamesAreFoundAgain(t *testing.T) {
	h := enabled(oneLoud)
	h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{branch-prefix: bot/, ", 1)})
	h.sweep(t, Ask{})
	h.edit(map[string]string{".github/lighterman.yml": strings.Replace(on, "{", "{branch-prefix: fix/, ", 1)})
	h.sweep(t, Ask{})
	if h.open("bot/caching") != nil || h.open("fix/caching") == nil {
		t.Fatal("two pull requests of a topic are open")
	}
	h.close(h.open("fix/caching"), false)
	h.edit(map[string]string{".github/lighterman.yml": on})
	if _, wrote := h.sweep(t, Ask{}); strings.Contains(wrote, "open") {
		t.Errorf("what was declined is opened again: %s", wrote)
	}
}

// TestALargeMemoryKeepsFormerNames: of what does not fit the names of branches stay.
func TestALargeMemoryKeepsFormerNames(t *testing.T) {
	m := memory{Version: strings.Repeat("x", MaxMemory), Prefixes: []string{"bot/"}}
	if got := string(m.encode()); !strings.Contains(got, `"bot/"`) || len(got) > MaxMemory {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
}

// TestABrokenPresetStopsSweeps: what the organisation forbids is not known then, nor what branches are called.
func TestABrokenPresetStopsSweeps(t *testing.T) {
	h := enabled(oneLoud)
	text := "sweeps: {branch-prefix: bot/}\n"
	s := h.sweeper()
	s.Settings = func(context.Context, forge.Repo) config.Settings {
		return config.Settings{Checks: words().Checks, Owner: "acme", Organisation: config.Reference{Repo: "acme/.github"},
			Fetch: func(ref config.Reference) (config.Source, error) {
				ref.Path = ".github/lighterman.yml"
				return config.Source{Reference: ref, Text: []byte(text)}, nil
			}}
	}
	out, err := s.Sweep(t.Context(), h.repo.Repo, Ask{})
	if err != nil || h.open("bot/caching") == nil {
		t.Fatal(err, h.log)
	}
	h.log, text = nil, "sweeps: [\n"
	out, err = s.Sweep(t.Context(), h.repo.Repo, Ask{Memory: out.Memory})
	if err != nil || out.Skipped != Misconfigured || out.Problem == "" || h.wrote() != "" {
		t.Errorf("%v, %+v, %s", err, out, h.wrote())
	}
}
