package main

import (
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/review"
)

// spoken is a pull request that was reviewed, in a repository in which ann may write. Its first thread is returned too.
func (s *stage) spoken(t *testing.T) (*githubtest.Pull, githubtest.Thread) {
	t.Helper()
	pull := s.pull(t, "shop", demoFile("web/Dockerfile"))
	pull.Repo().SetPermission("ann", "maintain")
	pull.Repo().SetPermission("joe", "triage")
	s.settled(t)
	threads, err := pull.Threads()
	must(t, err)
	if len(threads) == 0 {
		t.Fatal("there is no thread")
	}
	s.hub.ForgetRequests()
	return pull, threads[0]
}

// comment is somebody's comment, and what came of it.
func (s *stage) comment(t *testing.T, pull *githubtest.Pull, by, body string) githubtest.Comment {
	t.Helper()
	id, err := pull.Comment(by, body)
	must(t, err)
	s.settled(t)
	return said(t, pull.Comments(), id)
}

func said(t *testing.T, all []githubtest.Comment, id int64) githubtest.Comment {
	t.Helper()
	n := slices.IndexFunc(all, func(c githubtest.Comment) bool { return c.ID == id })
	if n < 0 {
		t.Fatalf("comment %d is gone", id)
	}
	return all[n]
}

// thread is a thread as it is now.
func thread(t *testing.T, pull *githubtest.Pull, id string) githubtest.Thread {
	t.Helper()
	threads, err := pull.Threads()
	must(t, err)
	n := slices.IndexFunc(threads, func(th githubtest.Thread) bool { return th.ID == id })
	return threads[n]
}

// emojis are the bot's on a comment, oldest first.
func (s *stage) emojis(c githubtest.Comment) string {
	var out []string
	for _, r := range c.Reacted {
		if r.By == s.hub.Bot() {
			out = append(out, r.Emoji)
		}
	}
	return strings.Join(out, " ")
}

// answers are what the bot said on the pull request.
func (s *stage) answers(pull *githubtest.Pull) []string {
	var out []string
	for _, c := range pull.Comments() {
		if c.Author == s.hub.Bot() {
			out = append(out, c.Body)
		}
	}
	return out
}

// wroteNothing fails the test when anything was written since the last look, but for what is no news to GitHub.
func (s *stage) wroteNothing(t *testing.T) {
	t.Helper()
	for _, r := range s.hub.Requests() {
		if r.Method != "GET" && !strings.HasPrefix(r.Operation, "graphql:") && r.Status == 201 {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	s.hub.ForgetRequests()
}

// TestACommandIsAnsweredOnce asks for help, and sends the webhook again, and again under another name.
func TestACommandIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, _ := s.spoken(t)
	c := s.comment(t, pull, "stranger", "/lighterman help")
	all := s.answers(pull)
	if s.emojis(c) != "eyes +1" || len(all) != 1 || !strings.Contains(all[0], "| `/lighterman review` |") {
		t.Fatalf("reacted %q, answered %q", s.emojis(c), all)
	}
	s.hub.ForgetRequests()
	for _, d := range s.hub.Deliveries() {
		if d.Event == "issue_comment" {
			must(t, s.hub.Redeliver(d.ID))
		}
	}
	s.settled(t)
	_, err := pull.Repo().Push("topic", "More", map[string]string{"README.md": "more\n"})
	must(t, err)
	s.settled(t)
	if all := s.answers(pull); len(all) != 1 {
		t.Errorf("answered %q", all)
	}
}

// TestWhatIsNoCommandIsNotAnswered holds for edits, bots, our own words and plain issues.
func TestWhatIsNoCommandIsNotAnswered(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, th := s.spoken(t)
	id, err := pull.Comment("ann", "a word")
	must(t, err)
	must(t, pull.EditComment(id, "ann", "/lighterman review"))
	_, err = pull.Comment("dependabot[bot]", "/lighterman help")
	must(t, err)
	_, err = pull.Comment(s.hub.Bot(), "/lighterman help")
	must(t, err)
	must(t, pull.Reply(th.ID, s.hub.Bot(), "/lighterman ignore"))
	must(t, pull.Repo().OpenIssue("A bug", "ann").Comment("ann", "/lighterman help"))
	s.settled(t)
	s.wroteNothing(t)
	_, err = pull.Repo().Push("topic", "More", map[string]string{"README.md": "more\n"})
	must(t, err)
	s.settled(t)
	if n := len(pull.Comments()); n != 3 {
		t.Errorf("%d comments: %+v", n, pull.Comments())
	}
}

// TestPermissionIsAsked holds that triage is not enough, maintain is, and that a strange word gets the nearest command.
func TestPermissionIsAsked(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, _ := s.spoken(t)
	before := len(pull.CheckRuns())
	if c := s.comment(t, pull, "joe", "/lighterman review"); s.emojis(c) != "eyes confused" {
		t.Errorf("triage: %q", s.emojis(c))
	}
	if n := len(pull.CheckRuns()); n != before {
		t.Errorf("%d check runs", n)
	}
	if c := s.comment(t, pull, "ann", "/lighterman review"); s.emojis(c) != "eyes +1" {
		t.Errorf("maintain: %q", s.emojis(c))
	}
	if n := len(pull.CheckRuns()); n != before+1 {
		t.Errorf("%d check runs after a review was asked for", n)
	}
	if c := s.comment(t, pull, "joe", "/lighterman reviwe @everyone"); s.emojis(c) != "eyes confused" {
		t.Errorf("a strange word: %q", s.emojis(c))
	}
	all := s.answers(pull)
	if len(all) != 2 || !strings.Contains(all[1], "There is no command `reviwe`; did you mean `review`?") {
		t.Errorf("answered %q", all)
	}
}

// TestIgnoreStays dismisses by each of the ways that need the bot, moves the lines and rebases, and then changes the words
// of the instruction.
func TestIgnoreStays(t *testing.T) {
	t.Parallel()
	for name, dismiss := range map[string]func(*testing.T, *githubtest.Pull, githubtest.Thread){
		"a reply": func(t *testing.T, p *githubtest.Pull, th githubtest.Thread) {
			must(t, p.Reply(th.ID, "ann", "/lighterman ignore because we know"))
		},
		"a thumb": func(t *testing.T, p *githubtest.Pull, th githubtest.Thread) {
			must(t, p.React(th.Comments[0].ID, "ann", "-1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			pull, th := s.spoken(t)
			threads := func() int {
				all, err := pull.Threads()
				must(t, err)
				return len(all)
			}
			before := threads()
			dismiss(t, pull, th)
			text := demoFile("web/Dockerfile")["web/Dockerfile"]
			for _, head := range []string{"# A head.\n\n" + text, "# Another head.\n#\n\n" + text} {
				_, err := pull.Repo().Push("topic", "Move the lines", map[string]string{"web/Dockerfile": head})
				must(t, err)
				s.settled(t)
			}
			base, err := pull.Base()
			must(t, err)
			must(t, pull.Repo().Branch("anew", base))
			tip, err := pull.Repo().Push("anew", "All at once", demoFile("web/Dockerfile"))
			must(t, err)
			must(t, pull.Repo().ForcePush("topic", tip))
			s.settled(t)
			if n := threads(); n != before {
				t.Errorf("%d threads, were %d", n, before)
			}
			now := thread(t, pull, th.ID)
			if now.ResolvedBy == "" {
				t.Error("the dismissed thread is open")
			}
			if run := lastRun(t, pull); !strings.Contains(run.Summary, "1 finding was dismissed") {
				t.Errorf("the check run says %s", run.Summary)
			}
			if c := now.Comments; name == "a reply" && (len(c) != 2 || s.emojis(c[1]) != "eyes +1") {
				t.Errorf("the thread is %+v", c)
			}
		})
	}
}

// TestInlineSuggestionIsTaken clicks the suggestion of "ignore inline": the finding is gone from the file.
func TestInlineSuggestionIsTaken(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, th := s.spoken(t)
	must(t, pull.Reply(th.ID, "ann", "/lighterman ignore inline because the `tests` need it"))
	s.settled(t)
	now := thread(t, pull, th.ID)
	if len(now.Comments) != 3 || now.ResolvedBy != "" {
		t.Fatalf("thread %+v", now)
	}
	head, err := pull.ApplySuggestions("robin", now.Comments[2].ID)
	must(t, err)
	s.settled(t)
	text, err := pull.Repo().ReadFile(head, "web/Dockerfile")
	must(t, err)
	if !strings.Contains(text, " because the `tests` need it\n") || !strings.Contains(text, "\n# lighterman ignore=") {
		t.Errorf("the file is\n%s", text)
	}
	if run := lastRun(t, pull); strings.Contains(run.Summary, "dismissed") {
		t.Errorf("the check run says %s", run.Summary)
	}
	resolved(t, pull, th.ID)
}

// TestFixCommandPushesOnce holds that the commit answers the command, whose comment gets its thumb from the new head's review.
func TestFixCommandPushesOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, _ := s.spoken(t)
	before := pull.Head()
	c := s.comment(t, pull, "ann", "/lighterman fix")
	if pull.Head() == before || s.emojis(c) != "eyes +1" || len(s.answers(pull)) != 0 {
		t.Errorf("head %s, reacted %q, answered %q", pull.Head(), s.emojis(c), s.answers(pull))
	}
	head := pull.Head()
	for _, d := range s.hub.Deliveries() {
		if d.Event == "issue_comment" {
			must(t, s.hub.Redeliver(d.ID))
		}
	}
	s.settled(t)
	if pull.Head() != head {
		t.Error("pushed again")
	}
}

// TestALostCommandIsPickedUp holds that a command whose webhook never came is answered by the next review.
func TestALostCommandIsPickedUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, _ := s.spoken(t)
	deaf := githubtest.Full()
	delete(deaf, "issues") // then GitHub sends no webhook of comments
	s.hub.Grant("acme", deaf)
	id, err := pull.Comment("joe", "/lighterman explain copy-order")
	must(t, err)
	s.settled(t)
	if c := said(t, pull.Comments(), id); len(c.Reacted) > 0 {
		t.Fatalf("reacted %q", s.emojis(c))
	}
	_, err = pull.Repo().Push("topic", "More", map[string]string{"README.md": "more\n"})
	must(t, err)
	s.settled(t)
	if c, all := said(t, pull.Comments(), id), s.answers(pull); s.emojis(c) != "+1" || len(all) != 1 ||
		!strings.Contains(all[0], "### copy-order\n") {
		t.Errorf("reacted %q, answered %q", s.emojis(c), all)
	}
}

// TestALaggingReadLosesNoCommand holds where GitHub's reads do not know yet what its webhook told.
func TestALaggingReadLosesNoCommand(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, _ := s.spoken(t)
	s.hub.Inject(githubtest.Fault{Operation: "graphql:Standing", Stale: true, Times: 2})
	c := s.comment(t, pull, "joe", "/lighterman help")
	if s.emojis(c) != "eyes +1" || len(s.answers(pull)) != 1 {
		t.Errorf("reacted %q, answered %q", s.emojis(c), s.answers(pull))
	}
}

// TestACommandInAReviewIsAnsweredOnce sends the webhook again, and gives commands in reviews that are none: a bot's, one
// that came in by an edit, one that is still pending.
func TestACommandInAReviewIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	var late atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	s := newStageWith(t, githubtest.Options{Now: now}, -1)
	pull, _ := s.spoken(t)
	must(t, pull.Review("dependabot[bot]", "/lighterman help"))
	must(t, pull.StartReview("joe", "/lighterman help"))
	id, err := pull.SubmitReview("mary", "APPROVE", "Looks good.")
	must(t, err)
	late.Store(int64(time.Minute))
	must(t, pull.EditReview(id, "mary", "/lighterman help"))
	must(t, pull.DismissReview(id, "ann"))
	s.settled(t)
	s.wroteNothing(t)
	must(t, pull.Review("ann", "/lighterman fix\n\nand then it is fine"))
	before := pull.Head()
	s.settled(t)
	after := pull.Head()
	for _, d := range s.hub.Deliveries() {
		if d.Event == "pull_request_review" {
			must(t, s.hub.Redeliver(d.ID))
		}
	}
	s.settled(t)
	_, err = pull.Repo().Push("topic", "More", map[string]string{"README.md": "more\n"})
	must(t, err)
	s.settled(t)
	if all := s.answers(pull); len(all) != 1 || !strings.HasPrefix(all[0], "> `/lighterman fix`\n\nDone.\n\n") || after == before {
		t.Errorf("the head was %s and is %s; answered %q", before, after, all)
	}
}

// TestALostCommandInAReviewIsPickedUp holds that one whose webhook never came is carried out by the next review.
func TestALostCommandInAReviewIsPickedUp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	pull, _ := s.spoken(t)
	s.hub.ChangeApp(githubtest.Full(), []string{"pull_request"}, "")
	must(t, pull.Review("ann", "/lighterman ignore copy-order because the cache is elsewhere"))
	s.settled(t)
	if all := s.answers(pull); len(all) > 0 {
		t.Fatalf("answered %q", all)
	}
	_, err := pull.Repo().Push("topic", "More", map[string]string{"README.md": "more\n"})
	must(t, err)
	s.settled(t)
	if all := s.answers(pull); len(all) != 1 {
		t.Errorf("answered %q", all)
	}
	threads, err := pull.Threads()
	must(t, err)
	for _, th := range threads {
		ours := strings.Contains(th.Comments[0].Body, "[copy-order]")
		if ours != (th.ResolvedBy != "") {
			t.Errorf("resolved by %q: %s", th.ResolvedBy, th.Comments[0].Body)
		}
	}
}

// lostAnswers are the ways in which nobody learns of a write, whether it took effect or not.
func lostAnswers() map[string]githubtest.Fault {
	return map[string]githubtest.Fault{
		"answered badly after it": {Status: 502, After: true}, "answered badly before it": {Status: 502},
		"cut off after it": {Cut: true, After: true}, "cut off before it": {Cut: true},
	}
}

// TestAnAnswerToAReviewIsNotDoubled loses GitHub's answer to its one write, and cuts the connection before it.
func TestAnAnswerToAReviewIsNotDoubled(t *testing.T) {
	t.Parallel()
	for name, f := range lostAnswers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			pull, _ := s.spoken(t)
			f.Operation = "issues/create-comment"
			s.hub.Inject(f)
			must(t, pull.Review("ann", "/lighterman review"))
			s.settled(t)
			if all := s.answers(pull); len(all) != 1 {
				t.Errorf("answered %d times", len(all))
			}
		})
	}
}

// TestAnAnswerIsNotDoubled loses GitHub's answer to each of the writes, and cuts the connection before each.
func TestAnAnswerIsNotDoubled(t *testing.T) {
	t.Parallel()
	for name, f := range lostAnswers() {
		for _, write := range []struct {
			name, operation string
			skip            int
		}{
			{"the answer", "issues/create-comment", 0},
			{"the first reaction", "reactions/create-for-issue-comment", 0},
			{"the second reaction", "reactions/create-for-issue-comment", 1},
		} {
			t.Run(write.name+" "+name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				pull, _ := s.spoken(t)
				f.Operation, f.Skip = write.operation, write.skip
				s.hub.Inject(f)
				c := s.comment(t, pull, "joe", "/lighterman help")
				if all := s.answers(pull); len(all) != 1 || !strings.HasSuffix(s.emojis(c), "+1") {
					t.Errorf("reacted %q, answered %d times", s.emojis(c), len(all))
				}
			})
		}
	}
}

// TestReadmeCommands holds the README's table of commands against the commands; -update writes it.
func TestReadmeCommands(t *testing.T) {
	const readme, begin, end = "../../README.md", "<!-- commands -->\n", "<!-- /commands -->"
	text, err := os.ReadFile(readme)
	must(t, err)
	before, rest, _ := strings.Cut(string(text), begin)
	_, after, ok := strings.Cut(rest, end)
	want := before + begin + review.CommandTable() + end + after
	if ok && *update {
		must(t, os.WriteFile(readme, []byte(want), 0o644))
	} else if !ok || string(text) != want {
		t.Error("README.md's table is not that of the commands (make update writes it)")
	}
}
