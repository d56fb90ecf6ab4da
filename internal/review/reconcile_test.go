package review

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lighterman/lighterman/internal/check"
	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/markdown"
)

// TestReconcileSettles pushes, answers, resolves and reviews at random: what was published is never published again, no
// finding has two open threads, and what people said is respected.
func TestReconcileSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &host{canResolve: rapid.Bool().Draw(t, "can resolve")}
		s := drawScene(t)
		for range rapid.IntRange(1, 6).Draw(t, "pushes") {
			h.file = &s.file
			o := s.opinion(t)
			before := slices.Clone(h.threads)
			plan := Reconcile(o, h.standing())
			respects(t, plan, before)
			if err := h.publish(plan); err != nil {
				t.Fatal(err)
			}
			if again := Reconcile(o, h.standing()); !again.Empty() {
				t.Fatalf("after publishing\n%+v\nthere is still\n%+v", plan, again)
			}
			settled(t, h, o)
			people(t, h)
			s = drawPush(t, h, s)
		}
	})
}

// respects asserts that the plan leaves alone what a person settled or answered.
func respects(t *rapid.T, plan forge.Plan, threads []forge.Thread) {
	var again []string
	if plan.Review != nil {
		for _, c := range plan.Review.Comments {
			again = append(again, markersOf(c.Body)[0].id)
		}
	}
	for _, th := range threads {
		id := markersOf(th.Comments[0].Body)[0].id
		if rejected(th) && slices.Contains(again, id) {
			t.Fatal("a finding that a person settled is posted again")
		}
		if len(th.Comments) == 1 {
			continue
		}
		edited := slices.ContainsFunc(plan.Edit, func(e forge.CommentEdit) bool { return e.ID == th.Comments[0].ID })
		if edited || slices.Contains(plan.Minimize, th.Comments[0].NodeID) {
			t.Fatal("a comment that a person answered is edited or hidden")
		}
	}
}

// settled asserts that every finding is told exactly once, unless a person settled it.
func settled(t *rapid.T, h *host, o *Opinion) {
	told := known{}.remember(h.standing()).told
	open := h.open()
	wanted := map[string]bool{}
	for _, c := range o.Comments {
		wanted[c.id()] = true
		threads := 0
		for _, th := range open[c.id()] {
			if len(th.Comments) == 1 {
				threads++
			}
		}
		answered := len(open[c.id()]) - threads
		dismissed := slices.ContainsFunc(h.threads, func(th forge.Thread) bool {
			return rejected(th) && markersOf(th.Comments[0].Body)[0].id == c.id()
		})
		switch {
		case dismissed && threads == 0:
		case threads+answered == 1 && !told[c.id()]:
		case threads+answered == 0 && told[c.id()]:
		default:
			t.Fatalf("%s: %d threads, %d answered, in the summary: %t, dismissed: %t",
				c.Finding.ID, threads, answered, told[c.id()], dismissed)
		}
	}
	for id, threads := range open {
		if !wanted[id] && slices.ContainsFunc(threads, func(th forge.Thread) bool { return len(th.Comments) == 1 || th.CanResolve }) {
			t.Fatal("the thread of a finding that is gone is still open")
		}
	}
}

// rejected reports whether a person dismissed what a thread tells.
func rejected(th forge.Thread) bool {
	return th.ResolvedBy == "person" || len(th.Downs) > 0 ||
		slices.ContainsFunc(th.Comments, func(c forge.Comment) bool { return len(c.Reacted) > 0 })
}

// people answer, resolve and dismiss.
func people(t *rapid.T, h *host) {
	for n := range h.threads {
		switch rapid.IntRange(0, 9).Draw(t, "person") {
		case 0:
			h.answer(n)
		case 1:
			if !h.threads[n].Resolved {
				if err := h.resolve(h.threads[n].ID, "person"); err != nil {
					t.Fatal(err)
				}
			}
		case 2:
			h.threads[n].Downs = []string{author}
		case 3:
			h.comment(h.say("person", "/lighterman ignore", n)).Reacted = []forge.Emoji{forge.ThumbUp}
		}
	}
}

// drawPush draws the next head: the same findings in part, and new ones.
func drawPush(t *rapid.T, h *host, s scene) scene {
	next := drawScene(t)
	if rapid.Bool().Draw(t, "small push") {
		text := drawEdited(t, string(s.file.Text))
		if text == "" {
			text = "FROM alpine\n"
		}
		next.file.Text, next.file.Diff = []byte(text), mustDiff(t, "", text)
		next.findings = drawFindings(t, next.file.Path, text, 14)
	}
	if err := h.push(string(s.file.Text), string(next.file.Text)); err != nil {
		t.Fatal(err)
	}
	return next
}

const exampleText = "FROM node\nCOPY . .\nRUN npm ci\nCMD x\n"

// stage is a new file with a suggestion on line 2, a comment on line 3, and their published threads.
func stage(t *testing.T) (scene, *host) {
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, "", exampleText)}}
	s.findings = []check.Finding{
		example("first", 2, exampleText, replace(exampleText, "COPY . .", "COPY src .")),
		example("second", 3, exampleText),
	}
	s.findings[1].Refused = "a person must decide"
	h := &host{canResolve: true, file: &s.file}
	plan := Reconcile(s.opinion(t), &forge.Standing{Checkless: true})
	if plan.Review == nil || len(plan.Review.Comments) != 2 || plan.Review.Body != "" {
		t.Fatalf("first plan is %+v", plan)
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	return s, h
}

func (s scene) plan(t *testing.T, h *host) forge.Plan {
	return Reconcile(s.opinion(t), h.standing())
}

// shifted is the scene with a comment line on top.
func (s scene) shifted(t *testing.T) scene {
	text := "# syntax=docker/dockerfile:1\n" + string(s.file.Text)
	next := scene{file: File{Path: s.file.Path, Text: []byte(text), Diff: mustDiff(t, "", text)}}
	next.findings = []check.Finding{example("first", 3, text, replace(text, "COPY . .", "COPY src .")), example("second", 4, text)}
	next.findings[1].Refused = s.findings[1].Refused
	return next
}

func TestPushThatOnlyShiftsLinesWritesNothing(t *testing.T) {
	s, h := stage(t)
	next := s.shifted(t)
	if err := h.push(string(s.file.Text), string(next.file.Text)); err != nil {
		t.Fatal(err)
	}
	if plan := next.plan(t, h); !plan.Empty() {
		t.Errorf("plan is %+v", plan)
	}
}

// TestOutdatedThreadsMoveWithTheCode holds that a finding whose lines changed around it is told where it stands now, once,
// and that a thread which a person answered stays the only one.
func TestOutdatedThreadsMoveWithTheCode(t *testing.T) {
	s, h := stage(t)
	next := s.shifted(t)
	for n := range h.threads {
		h.threads[n].Line, h.threads[n].Outdated = 0, true
	}
	h.answer(1)
	plan := next.plan(t, h)
	if !slices.Equal(plan.Resolve, []string{h.threads[0].ID}) || len(plan.Edit) > 0 || plan.Review == nil ||
		len(plan.Review.Comments) != 1 || plan.Review.Comments[0].Line != 3 {
		t.Fatalf("plan is %+v", plan)
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	if plan := next.plan(t, h); !plan.Empty() {
		t.Errorf("afterwards the plan is %+v", plan)
	}
}

func TestGoneFindingIsResolvedOrHidden(t *testing.T) {
	s, h := stage(t)
	s.findings = s.findings[1:]
	if diff := cmp.Diff(forge.Plan{Head: "0123456789abcdef", Resolve: []string{h.threads[0].ID}}, s.plan(t, h)); diff != "" {
		t.Error(diff)
	}
	h.threads[0].CanResolve = false
	want := forge.Plan{Head: "0123456789abcdef", Minimize: []string{h.threads[0].Comments[0].NodeID}}
	if diff := cmp.Diff(want, s.plan(t, h)); diff != "" {
		t.Error(diff)
	}
	h.answer(0)
	if plan := s.plan(t, h); !plan.Empty() {
		t.Errorf("an answered comment is touched: %+v", plan)
	}
}

func TestFindingThatCameBackIsSaidAgain(t *testing.T) {
	for _, resolve := range []bool{true, false} {
		s, h := stage(t)
		h.threads[0].CanResolve = resolve
		gone := s
		gone.findings = s.findings[1:]
		if err := h.publish(gone.plan(t, h)); err != nil {
			t.Fatal(err)
		}
		if plan := s.plan(t, h); plan.Review == nil || len(plan.Review.Comments) != 1 {
			t.Errorf("resolvable %t: plan is %+v", resolve, plan)
		}
	}
}

func TestWhatAPersonSettledStaysSettled(t *testing.T) {
	s, h := stage(t)
	h.threads[0].Resolved, h.threads[0].ResolvedBy = true, "person"
	h.threads[1].Hidden = "off-topic"
	next := s.shifted(t)
	if plan := next.plan(t, h); !plan.Empty() {
		t.Errorf("plan is %+v", plan)
	}
	next.findings[0].ID = "first, with other words"
	if plan := next.plan(t, h); plan.Review == nil || len(plan.Review.Comments) != 1 {
		t.Errorf("plan for changed words is %+v", plan)
	}
}

func TestChangedTextIsEdited(t *testing.T) {
	s, h := stage(t)
	s.findings[0].Message, s.findings[1].Message = "other words", "others again"
	plan := s.plan(t, h)
	if len(plan.Edit) != 2 || plan.Review != nil || !strings.HasPrefix(plan.Edit[0].Body, "Other words.") {
		t.Fatalf("plan is %+v", plan)
	}
	h.answer(0)
	h.answer(1)
	if plan := s.plan(t, h); !plan.Empty() {
		t.Errorf("an answered comment is touched: %+v", plan)
	}
}

func TestSuggestionIsNeverPutOnOtherLines(t *testing.T) {
	s, h := stage(t)
	wide := replace(exampleText, "COPY . .\nRUN npm ci\n", "RUN npm ci\nCOPY . .\n")
	s.findings[0] = example("first", 2, exampleText, wide)
	plan := s.plan(t, h)
	if len(plan.Edit) != 0 || len(plan.Resolve) != 1 || plan.Review == nil || len(plan.Review.Comments) != 1 {
		t.Errorf("plan for a wider suggestion is %+v", plan)
	}
	s.findings[0] = example("first", 2, exampleText)
	if plan := s.plan(t, h); len(plan.Edit) != 1 || plan.Review != nil {
		t.Errorf("plan for a suggestion that is gone is %+v", plan)
	}
}

func TestSuggestionOnLinesThatMovedApartIsPostedAnew(t *testing.T) {
	tests := map[string]func(*scene, *forge.Thread){
		"the same lines": func(*scene, *forge.Thread) {},
		"outdated":       func(_ *scene, th *forge.Thread) { th.Outdated = true },
		"another line":   func(_ *scene, th *forge.Thread) { th.Line++ },
		"more lines": func(s *scene, _ *forge.Thread) {
			s.findings[0] = example("first", 2, exampleText, replace(exampleText, "FROM node\nCOPY . .\n", "FROM n\nCOPY src .\n"))
		},
	}
	for name, change := range tests {
		s, h := stage(t)
		change(&s, &h.threads[0])
		s.findings[0].Message = "other words"
		plan := s.plan(t, h)
		edited, anew := len(plan.Edit) == 1, plan.Review != nil && len(plan.Resolve) == 1
		if edited == anew || edited != (name == "the same lines") {
			t.Errorf("%s: plan is %+v", name, plan)
		}
	}
}

func TestDeletionOfMoreLinesIsAnotherText(t *testing.T) {
	s, h := stage(t)
	s.findings[0] = example("first", 2, exampleText, replace(exampleText, "COPY . .\n", ""))
	h.threads = nil
	if err := h.publish(s.plan(t, h)); err != nil {
		t.Fatal(err)
	}
	s.findings[0] = example("first", 2, exampleText, replace(exampleText, "COPY . .\nRUN npm ci\n", ""))
	if plan := s.plan(t, h); len(plan.Resolve) != 1 || plan.Review == nil {
		t.Errorf("plan is %+v", plan)
	}
}

func TestSecondThreadOfAFindingIsClosed(t *testing.T) {
	s, h := stage(t)
	twin := h.threads[0]
	twin.ID = "twin"
	h.threads = append(h.threads, twin)
	if diff := cmp.Diff(forge.Plan{Head: "0123456789abcdef", Resolve: []string{"twin"}}, s.plan(t, h)); diff != "" {
		t.Error(diff)
	}
	h.threads[0].Outdated = true
	if plan := s.plan(t, h); !slices.Equal(plan.Resolve, []string{h.threads[0].ID}) {
		t.Errorf("the outdated one of two is kept: %+v", plan)
	}
}

func TestForeignMarkersAreNotOurs(t *testing.T) {
	s, h := stage(t)
	h.threads[0].Comments[0].Ours = false
	h.threads = append(h.threads, forge.Thread{ID: "empty"})
	s.findings = nil
	if diff := cmp.Diff(forge.Plan{Head: "0123456789abcdef", Resolve: []string{h.threads[1].ID}}, s.plan(t, h)); diff != "" {
		t.Error(diff)
	}
}

// outside is the scene with a summary entry: a finding that the pull request caused in lines it does not show.
func outside(t *testing.T) scene {
	s := scene{file: File{Path: "Dockerfile", Text: []byte(exampleText), Diff: mustDiff(t, exampleText, exampleText)}}
	s.file.Before = map[string]bool{"old": true}
	s.findings = []check.Finding{
		example("caused", 2, exampleText, replace(exampleText, "COPY . .", "COPY src .")), example("old", 4, exampleText),
	}
	return s
}

func TestSummaryIsPostedOnceAndEdited(t *testing.T) {
	s, h := outside(t), &host{}
	plan := s.plan(t, h)
	const want = "`Dockerfile` line 2: Caused.\n\n**Fix caused.** Proven: builds the same image. " +
		"It is not offered as a suggestion, for it reaches beyond the lines of the diff.\n\n" +
		"```diff\n@@\n FROM node\n-COPY . .\n+COPY src .\n RUN npm ci\n CMD x\n```\n\n" +
		"<sub>[copy-order](https://github.com/lighterman/lighterman/blob/main/internal/checks/copy-order.md)</sub>\n\n" +
		"One more finding is in lines that this pull request leaves alone.\n\n<sub>Lines as of `0123456`.</sub>\n\n"
	if plan.Review == nil || len(plan.Review.Comments) != 0 || !strings.HasPrefix(plan.Review.Body, want+"<!-- lighterman:v1 id=") {
		t.Fatalf("plan is %+v", plan)
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	s.findings[0].Line++
	if plan := s.plan(t, h); !plan.Empty() {
		t.Errorf("a moved line is written: %+v", plan)
	}
	s.file.Diff = mustDiff(t, "", exampleText)
	if plan := s.plan(t, h); plan.Review == nil || len(plan.Review.Comments) != 1 || plan.Review.Comments[0].Line != 4 {
		t.Errorf("what the summary told is told again: %+v", plan)
	}
	s.findings = nil
	plan = s.plan(t, h)
	if len(plan.EditBody) != 1 || !strings.HasPrefix(plan.EditBody[0].Body, "Nothing is left of what stood here.\n\n") {
		t.Fatalf("plan is %+v", plan)
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	if plan := s.plan(t, h); !plan.Empty() {
		t.Errorf("plan is %+v", plan)
	}
}

// TestASummaryThatAPersonEditedIsLeftAlone: it is not edited, what it tells is not told again, and what is
// new is told in a summary of its own.
func TestASummaryThatAPersonEditedIsLeftAlone(t *testing.T) {
	s, h := outside(t), &host{}
	if err := h.publish(s.plan(t, h)); err != nil {
		t.Fatal(err)
	}
	h.reviews[0].Touched = true
	if plan := s.plan(t, h); !plan.Empty() {
		t.Errorf("what it tells is told again: %+v", plan)
	}
	s.findings = append(s.findings, example("fresh", 3, exampleText))
	plan := s.plan(t, h)
	const fresh = "`Dockerfile` line 3: Fresh."
	if plan.Review == nil || len(plan.EditBody) > 0 || !strings.HasPrefix(plan.Review.Body, fresh) ||
		strings.Contains(plan.Review.Body, "Caused.") {
		t.Fatalf("something new is told as %+v", plan)
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	if plan := s.plan(t, h); !plan.Empty() {
		t.Errorf("the next run writes %+v", plan)
	}
	s.findings = nil
	if plan = s.plan(t, h); len(plan.EditBody) != 1 || plan.EditBody[0].ID != h.reviews[1].ID || plan.Review != nil {
		t.Errorf("when all is gone, the plan is %+v", plan)
	}
}

func TestNothingNewIsNoReview(t *testing.T) {
	s := outside(t)
	s.findings = s.findings[1:]
	if plan := s.plan(t, &host{}); !plan.Empty() {
		t.Errorf("old findings alone are told: %+v", plan)
	}
	o := &Opinion{Notes: notes([]check.Skip{{Path: "a.tmpl", Reason: "a template"}})}
	if plan := Reconcile(o, &forge.Standing{Checkless: true}); !plan.Empty() {
		t.Errorf("a template alone is told: %+v", plan)
	}
	o.Notes = append(o.Notes, notes([]check.Skip{{Path: "b/Dockerfile", Line: 3, Reason: "unknown instruction: FRM", Failed: true}})...)
	plan := Reconcile(o, &forge.Standing{Checkless: true})
	const want = "`b/Dockerfile` line 3: could not be looked at: unknown instruction: FRM.\n\n`a.tmpl`: not looked at: a template.\n\n<!--"
	if plan.Review == nil || !strings.HasPrefix(plan.Review.Body, want) {
		t.Errorf("plan is %+v", plan)
	}
}

func TestRefusedCommentsAreToldInTheSummary(t *testing.T) {
	s, _ := stage(t)
	h := &host{}
	o := s.opinion(t)
	plan := Reconcile(o.Flat(), &forge.Standing{Checkless: true})
	if plan.Review == nil || len(plan.Review.Comments) != 0 {
		t.Fatalf("plan is %+v", plan)
	}
	for _, c := range o.Comments {
		if n := strings.Count(plan.Review.Body, ": "+markdown.Capital(c.Finding.Message)+"."); n != 1 {
			t.Errorf("%q is told %d times", c.Finding.Message, n)
		}
	}
	if strings.Contains(plan.Review.Body, "```suggestion") {
		t.Error("a summary cannot hold suggestions")
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	if again := Reconcile(o, h.standing()); !again.Empty() {
		t.Errorf("the next run writes %+v", again)
	}
}

func TestSummaryStaysWithinTheLimit(t *testing.T) {
	var o Opinion
	for n := range 700 {
		o.Notes = append(o.Notes, Note{Path: strings.Repeat("d/", n%50) + "Dockerfile", Line: n, Words: "broken " + strings.Repeat("x", n), Urgent: true})
	}
	h := &host{}
	plan := Reconcile(&o, &forge.Standing{Checkless: true})
	if body := plan.Review.Body; len(body) > maxBody || !strings.Contains(body, " more did not fit here.") {
		t.Errorf("the body has %d bytes", len(body))
	}
	if err := h.publish(plan); err != nil {
		t.Fatal(err)
	}
	if again := Reconcile(&o, h.standing()); !again.Empty() {
		t.Error("the next run writes again")
	}
}
