package github_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lighterman/lighterman/internal/forge"
	"github.com/lighterman/lighterman/internal/github"
)

// TestDecodeExamples reads GitHub's own example payloads of every event that the App may be sent.
func TestDecodeExamples(t *testing.T) {
	f, err := os.Open("../../testdata/github/webhooks.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.NewDecoder(gz).Decode(&events); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, e := range events {
		for _, payload := range e.Examples {
			call, err := github.Decode(e.Name, payload)
			if err != nil {
				t.Errorf("%s: %v", e.Name, err)
			}
			what := e.Name + " " + call.Action
			seen[what]++
			if want := slices.Contains(exampled, what); call.Asks() != want {
				t.Errorf("%s asks for %+v, want %t", what, call, want)
			}
			if heads := len(call.Head) == 40; heads != (e.Name == "pull_request" && call.Asks()) {
				t.Errorf("%s tells of the head %q", what, call.Head)
			}
			for _, ref := range call.Refs {
				if (ref.Number == 0) == (ref.Group == "") || ref.Repo.Name == "" || ref.Repo.Owner == "" {
					t.Errorf("%s: %+v", what, ref)
				}
			}
		}
	}
	for _, what := range append(exampled, "installation created", "push ", "pull_request_review submitted") {
		if seen[what] == 0 {
			t.Errorf("no example of %s", what)
		}
	}
}

// exampled are the events of which GitHub has an example that asks for something. Its comments hold no command, and the
// button of its check run is none of ours.
var exampled = []string{
	"check_run rerequested", "check_suite rerequested", "merge_group checks_requested",
	"pull_request closed", "pull_request converted_to_draft", "pull_request opened", "pull_request ready_for_review",
	"pull_request reopened", "pull_request synchronize",
}

const (
	hookRepo = `,"installation":{"id":5},"repository":{"id":9,"name":"shop","owner":{"login":"acme"}},` +
		`"sender":{"login":"robin","type":"User"}`
	hookPull = `"number":7` + hookRepo
	sha      = "0123456789abcdef0123456789abcdef01234567"
)

// told is a call in one line.
func told(c forge.Call) string {
	var words []string
	for _, r := range c.Refs {
		words = append(words, r.String())
	}
	if c.Commit != "" {
		words = append(words, c.Repo.String()+" at "+c.Commit[:7])
	}
	if r := c.Request; r != nil {
		words = append(words, fmt.Sprintf("%s %s by %s %.7s %d %t %q", r.ID, r.Kind, r.By, r.Commit, r.Comment, r.Thread, r.Text))
	}
	return strings.Join(words, ", ")
}

// TestDecode: what the webhooks of pull requests ask for, and what is no payload of GitHub's.
func TestDecode(t *testing.T) {
	for _, tc := range []struct{ event, payload, want, err string }{
		{"pull_request", `{"action":"opened",` + hookPull + `}`, "acme/shop#7", ""},
		{"pull_request", `{"action":"closed",` + hookPull + `}`, "acme/shop#7", ""},
		{"pull_request", `{"action":"converted_to_draft",` + hookPull + `}`, "acme/shop#7", ""},
		{"pull_request", `{"action":"labeled",` + hookPull + `}`, "", ""},
		{"pull_request", `{"action":"edited","changes":{"title":{"from":"x"}},` + hookPull + `}`, "", ""},
		{"pull_request", `{"action":"edited","changes":{"base":{"ref":{"from":"x"}}},` + hookPull + `}`, "acme/shop#7", ""},
		{"push", `{"ref":"refs/heads/main",` + hookPull + `}`, "", ""},
		{"nonesuch", `{"action":"opened",` + hookPull + `}`, "", ""},
		{"pull_request", `{"action":"opened"}`, "", "names no pull request"},
		{"pull_request", `{"action":"opened","number":7}`, "", "names no repository"},
		{"pull_request", `{"action":"opened","number":7,"repository":{"name":"a/b","owner":{"login":"acme"}}}`, "",
			"no repository"},
		{"pull_request", `{"action":`, "", "unexpected end"},
		{"pull_request", `[]`, "", "cannot unmarshal"},
		{"pull_request", `{"action":"opened","number":"7"}`, "", "cannot unmarshal"},
	} {
		decode(t, tc.event, tc.payload, tc.want, tc.err)
	}
}

func decode(t *testing.T, event, payload, want, problem string) {
	t.Helper()
	call, err := github.Decode(event, []byte(payload))
	if got := told(call); got != want || (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
		t.Errorf("%s %s:\n%s, %v\nwant\n%s, %s", event, payload, got, err, want, problem)
	}
	for _, r := range call.Refs {
		if r.Repo.Installation != 5 {
			t.Errorf("%s: installation %d", payload, r.Repo.Installation)
		}
	}
}

// TestDecodeButtons: a check run of ours says what it is about, else GitHub does, else its head must do.
func TestDecodeButtons(t *testing.T) {
	const (
		here  = `{"number":7,"base":{"repo":{"id":9}}}`
		there = `{"number":8,"base":{"repo":{"id":10}}}`
	)
	check := func(action, more string) string {
		return `{"action":"` + action + `","check_run":{"head_sha":"` + sha + `"` + more + hookRepo + `}`
	}
	click := func(id, more string) string {
		return check("requested_action", more+`},"requested_action":{"identifier":"`+id+`"}`)
	}
	for _, tc := range []struct{ event, payload, want, err string }{
		{"check_run", click("fix-all", `,"external_id":"#12 abc"`), "acme/shop#12,  fix-all by robin 0123456 0 false \"\"", ""},
		{"check_run", click("fix-safe", `,"external_id":"#12 abc","pull_requests":[`+here+`]`),
			"acme/shop#12,  fix-safe by robin 0123456 0 false \"\"", ""},
		{"check_run", click("re-run", `,"external_id":"12","pull_requests":[`+here+`,`+there+`]`),
			"acme/shop#7,  re-run by robin 0123456 0 false \"\"", ""},
		{"check_run", click("command", ""), "", ""},
		{"check_run", click("delete-all", ""), "", ""},
		{"check_run", check("rerequested", `,"external_id":"#0 x","pull_requests":[`+there+`]}`),
			"acme/shop at 0123456,  re-run by robin 0123456 0 false \"\"", ""},
		{"check_run", check("completed", `}`), "", ""},
		{"check_run", `{"action":"rerequested","check_run":{"head_sha":"HEAD"}` + hookRepo + `}`, "", "no check run"},
		{"check_suite", `{"action":"rerequested","check_suite":{"head_sha":"` + sha + `","pull_requests":[` + here + `]}` +
			hookRepo + `}`, "acme/shop#7,  re-run by robin 0123456 0 false \"\"", ""},
		{"check_suite", `{"action":"rerequested"` + hookRepo + `}`, "", "no check suite"},
		{"merge_group", `{"action":"checks_requested","merge_group":{"head_sha":"` + sha + `","base_sha":"x"}` + hookRepo + `}`,
			"acme/shop@0123456", ""},
		{"merge_group", `{"action":"destroyed","merge_group":{"head_sha":"` + sha + `"}` + hookRepo + `}`, "", ""},
		{"merge_group", `{"action":"checks_requested"` + hookRepo + `}`, "", "no merge group"},
	} {
		decode(t, tc.event, tc.payload, tc.want, tc.err)
	}
}

// TestDecodeAsksForSweeps: after pushes that may change how images are built, when a pull request of a sweep ends, and when
// somebody asks for what was declined or ticks a box of a dashboard. Then the repository is named as a whole.
func TestDecodeAsksForSweeps(t *testing.T) {
	const repo = `"installation":{"id":5},"repository":{"id":9,"name":"shop","default_branch":"trunk","owner":{"login":"acme"}}`
	push := func(ref, more string) string { return `{"ref":"` + ref + `",` + more + repo + `}` }
	touched := func(key, path string) string {
		return `"commits":[{"added":["README.md"]},{"` + key + `":["` + path + `"]}],`
	}
	const trunk = "refs/heads/trunk"
	body := func(action, body string) string {
		return `{"action":"` + action + `","pull_request":{"number":7,"body":"` + body + `"},` + hookPull + `}`
	}
	said := func(text, more string) string {
		return `{"action":"created","comment":{"id":31,"body":"` + text + `"},` + more + hookRepo + `}`
	}
	board := func(action, author, sender, text string) string {
		return fmt.Sprintf(`{"action":%q,"issue":{"number":3,"user":{"type":%q},"body":"%s"},"sender":{"login":"robin","type":%q},%s}`,
			action, author, text, sender, repo)
	}
	const issue = `"issue":{"number":7,"pull_request":{}}`
	for _, tc := range []struct{ event, payload, want, err string }{
		{"push", push(trunk, touched("added", "web/Dockerfile.dev")), "acme/shop", ""},
		{"push", push(trunk, touched("modified", "api.Containerfile")), "acme/shop", ""},
		{"push", push(trunk, touched("removed", ".dockerignore")), "acme/shop", ""},
		{"push", push(trunk, touched("modified", ".github/lighterman.yml")), "acme/shop", ""},
		{"push", push(trunk, touched("modified", ".hadolint.yaml")), "acme/shop", ""},
		{"push", push(trunk, touched("modified", "docker/main.go")), "", ""},
		{"push", push(trunk, touched("modified", "dockerfile/main.go")), "", ""},
		{"push", push(trunk, `"forced":true,`+touched("modified", "main.go")), "acme/shop", ""},
		{"push", push(trunk, `"commits":[],`), "acme/shop", ""},
		{"push", push(trunk, `"commits":[{}`+strings.Repeat(`,{}`, 2047)+`],`), "acme/shop", ""},
		{"push", push(trunk, `"deleted":true,"commits":[],`), "", ""},
		{"push", push("refs/heads/topic", touched("modified", "Dockerfile")), "", ""},
		{"push", push("refs/tags/trunk", touched("modified", "Dockerfile")), "", ""},
		{"push", `{"ref":"refs/heads/main","commits":[]}`, "", "names no repository"},
		{"pull_request", body("closed", `Why.\n\n<!-- lighterman:v1 sweep=caching bundle=0 -->`), "acme/shop#7, acme/shop", ""},
		{"pull_request", body("synchronize", `<!-- lighterman:v1 sweep=caching bundle=0 -->`), "acme/shop#7", ""},
		{"pull_request", body("closed", `We sweep with lighterman:v1 sweep=caching.`), "acme/shop#7", ""},
		{"issue_comment", said("/lighterman unmute", issue),
			`acme/shop#7, acme/shop, issue_comment-31 command by robin  31 false "/lighterman unmute"`, ""},
		{"issue_comment", said(`/lighterman  Unmute all\nplease`, issue),
			`acme/shop#7, acme/shop, issue_comment-31 command by robin  31 false "/lighterman  Unmute all"`, ""},
		{"issue_comment", said("/lighterman unmuted", issue),
			`acme/shop#7, issue_comment-31 command by robin  31 false "/lighterman unmuted"`, ""},
		{"issue_comment", said("/lighterman unmute", `"issue":{"number":7}`), "", ""},
		{"issue_comment", strings.Replace(said("/lighterman unmute", issue), `"type":"User"`, `"type":"Bot"`, 1), "", ""},
		{"issues", board("edited", "Bot", "User", `a\r\n- [x] <!-- lighterman:v1 box=now caching -->b`), "acme/shop", ""},
		{"issues", board("edited", "Bot", "User", `* [X] <!-- lighterman:v1 box=sweep -->b`), "acme/shop", ""},
		{"issues", board("edited", "Bot", "User", `- [ ] <!-- lighterman:v1 box=sweep -->b`), "", ""},
		{"issues", board("edited", "Bot", "User", `> - [x] <!-- lighterman:v1 box=sweep -->b`), "", ""},
		{"issues", board("edited", "Bot", "Bot", `- [x] <!-- lighterman:v1 box=sweep -->b`), "", ""},
		{"issues", board("edited", "User", "User", `- [x] <!-- lighterman:v1 box=sweep -->b`), "", ""},
		{"issues", board("opened", "Bot", "User", `- [x] <!-- lighterman:v1 box=sweep -->b`), "", ""},
		{"issues", board("edited", "Bot", "User", `- [x] a task`), "", ""},
	} {
		decode(t, tc.event, tc.payload, tc.want, tc.err)
	}
}

// TestDecodeCommands: which comments are commands to us.
func TestDecodeCommands(t *testing.T) {
	comment := func(action, body, more string) string {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return `{"action":"` + action + `","comment":{"id":31,"body":` + string(text) + `},` + more + `}`
	}
	const (
		onPull  = `"issue":{"number":7,"pull_request":{}}` + hookRepo
		onIssue = `"issue":{"number":7}` + hookRepo
		inline  = `"pull_request":{"number":7}` + hookRepo
	)
	said := func(event string, thread bool, text string) string {
		return fmt.Sprintf("acme/shop#7, %s-31 command by robin  31 %t %q", event, thread, text)
	}
	const here, there = "issue_comment", "pull_request_review_comment"
	long := "/lighterman " + strings.Repeat("ä", 300)
	for _, tc := range []struct{ event, payload, want string }{
		{here, comment("created", "/lighterman", onPull), said(here, false, "/lighterman")},
		{here, comment("created", "\r\n  /lighterman fix  all\r\n/lighterman help", onPull), said(here, false, "/lighterman fix  all")},
		{there, comment("created", "/lighterman ignore", inline), said(there, true, "/lighterman ignore")},
		{here, comment("created", long, onPull), said(here, false, long[:forge.MaxRequestText])},
		{here, comment("created", "/lightermanfix", onPull), ""},
		{here, comment("created", "/lighterman-fix", onPull), ""},
		{here, comment("created", "try /lighterman fix", onPull), ""},
		{here, comment("created", "> /lighterman fix", onPull), ""},
		{here, comment("created", "hello\n/lighterman fix", onPull), ""},
		{here, comment("created", "", onPull), ""},
		{here, comment("edited", "/lighterman", onPull), ""},
		{here, comment("deleted", "/lighterman", onPull), ""},
		{there, comment("edited", "/lighterman", inline), ""},
		{here, comment("created", "/lighterman", onIssue), ""},
		{here, comment("created", "/lighterman", strings.Replace(onPull, `"User"`, `"Bot"`, 1)), ""},
		{here, comment("created", "/lighterman", strings.Replace(onPull, "robin", "lighterman[bot]", 1)), ""},
	} {
		decode(t, tc.event, tc.payload, tc.want, "")
	}
	decode(t, here, `{"action":"created",`+onPull+`}`, "", "no comment")
	reviewed := func(action, body, more string) string {
		return strings.Replace(comment(action, body, more), `"comment":`, `"review":`, 1)
	}
	const whole = "pull_request_review"
	for _, tc := range []struct{ payload, want string }{
		{reviewed("submitted", "/lighterman review\nLooks good.", inline), said(whole, false, "/lighterman review")},
		{reviewed("submitted", "Looks good.\n/lighterman review", inline), ""},
		{reviewed("submitted", "/lighterman review", strings.Replace(inline, `"User"`, `"Bot"`, 1)), ""},
		{`{"action":"submitted","review":{"id":31,"body":null},` + inline + `}`, ""},
		{reviewed("edited", "/lighterman review", inline), ""},
		{reviewed("dismissed", "/lighterman review", inline), ""},
		{comment("created", "/lighterman review", inline), ""},
	} {
		decode(t, whole, tc.payload, tc.want, "")
	}
	decode(t, whole, comment("submitted", "/lighterman", inline), "", "no comment")
	decode(t, whole, `{"action":"submitted","review":{"id":31,"body":"/lighterman"}`+hookRepo+`}`, "", "no pull request")
}

func FuzzDecode(f *testing.F) {
	f.Add("pull_request", []byte(`{"action":"edited","number":7,"changes":{"base":{}},`+
		`"repository":{"name":"a","owner":{"login":"b"}}}`))
	f.Add("issue_comment", []byte(`{"action":"created","comment":{"id":1,"body":"/lighterman \u0000"},`+
		`"issue":{"number":1,"pull_request":{}},"repository":{"name":"a","owner":{"login":"b"}}}`))
	f.Fuzz(func(t *testing.T, event string, payload []byte) {
		call, err := github.Decode(event, payload)
		if err != nil && (call.Asks() || call.Request != nil) {
			t.Errorf("%q of %q: %+v, %v", event, payload, call, err)
		}
		for _, ref := range call.Refs {
			if (ref.Number > 0) == (ref.Group != "") || strings.ContainsAny(ref.Repo.String(), " ?#%") ||
				strings.Count(ref.Repo.String(), "/") != 1 {
				t.Errorf("%q of %q: %+v", event, payload, ref)
			}
		}
		if r := call.Request; r != nil && (len(r.Text) > forge.MaxRequestText || !utf8.ValidString(r.Text)) {
			t.Errorf("%q of %q: %+v", event, payload, r)
		}
	})
}

// TestDecodeRefusesStrangeNumbers: ids and numbers that do not fit are no webhook of GitHub's, and overflow nothing.
func TestDecodeRefusesStrangeNumbers(t *testing.T) {
	const text = `{"action":"opened","number":%s,"installation":{"id":%s},"repository":{"id":1,"name":"r","owner":{"login":"o"}}}`
	if call, err := github.Decode("pull_request", fmt.Appendf(nil, text, "1", "9223372036854775807")); err != nil ||
		call.Refs[0].Repo.Installation != math.MaxInt64 {
		t.Errorf("the largest id: %+v, %v", call, err)
	}
	for _, bad := range []string{"0", "-1", "2147483648", "9223372036854775808", "1.5", "1e400", `"1"`, "[1]", "18446744073709551617"} {
		if call, err := github.Decode("pull_request", fmt.Appendf(nil, text, bad, "1")); err == nil {
			t.Errorf("number %s: %+v", bad, call)
		}
	}
	for _, bad := range []string{"9223372036854775808", "1.5", "1e400", `"1"`} {
		if call, err := github.Decode("pull_request", fmt.Appendf(nil, text, "1", bad)); err == nil {
			t.Errorf("installation %s: %+v", bad, call)
		}
	}
	const button = `{"action":"rerequested","repository":{"id":1,"name":"r","owner":{"login":"o"}},"check_run":{
		"head_sha":"0123456789012345678901234567890123456789","external_id":"#%s x"}}`
	for _, bad := range []string{"2147483648", "99999999999999999999", "-1", "0", "+1x", "1e3"} {
		if call, err := github.Decode("check_run", fmt.Appendf(nil, button, bad)); err != nil || len(call.Refs) > 0 {
			t.Errorf("key %s: %+v, %v", bad, call, err)
		}
	}
}
