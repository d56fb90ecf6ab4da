package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/admin"
	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/githubtest"
	"github.com/lighterman/lighterman/internal/queue"
	"github.com/lighterman/lighterman/internal/review"
	"github.com/lighterman/lighterman/testdata/demo"
)

func demoCommand() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the whole product at work on this machine, without GitHub",
		Long: `Start the real server on SQLite in a temporary folder and a double of GitHub over a real git repository, open a pull
request with the usual mistakes, print what happens, and serve the pull request as a page on which suggestions can be
committed. Nothing leaves this machine. With DEMO_EXIT=1 in the environment it ends after the printed review.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), cmd.OutOrStdout(), addr, os.Getenv("DEMO_EXIT") != "")
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8099", "where to serve the page")
	return cmd
}

// stage is the demo's scenery: the double, the service, and what connects them.
type stage struct {
	hub      *githubtest.Server
	service  *service
	stop     func() error // ends the service and waits for it
	outcomes chan review.Outcome
	told     *narrator
	admin    string // the token of its admin page
	site     string // where the service listens
}

func runDemo(ctx context.Context, w io.Writer, addr string, leave bool) (err error) {
	s, err := setStage(ctx, w, githubtest.Options{}, -1, func(string) *slog.Logger { return quiet() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	pull, err := s.openPull()
	if err != nil {
		return err
	}
	if err := s.reviewed(ctx, pull); err != nil {
		return err
	}
	if err := s.told.review(pull); err != nil || leave {
		return err
	}
	return s.servePage(ctx, pull, addr)
}

// setStage starts the double and the service, each on a free port of loopback; cooldown is the queue's, and log makes the
// service's log, given the webhook's secret.
func setStage(ctx context.Context, w io.Writer, o githubtest.Options, cooldown time.Duration, log func(string) *slog.Logger) (
	*stage, error) {
	return setStageFor(ctx, w, o, queue.Options{Cooldown: cooldown}, nil, log)
}

// setStageFor is setStage for a queue with these options, which sweeps if told how.
func setStageFor(ctx context.Context, w io.Writer, o githubtest.Options, jobs queue.Options, sweeps *sweepOptions,
	log func(string) *slog.Logger) (*stage, error) {
	dir, err := os.MkdirTemp("", "lighterman-demo-")
	if err != nil {
		return nil, err
	}
	hub, err := githubtest.New(o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s := &stage{hub: hub, outcomes: make(chan review.Outcome, 16), told: newNarrator(w), admin: rand.Text() + rand.Text()}
	end := func() error { return errors.Join(hub.Close(), os.RemoveAll(dir)) }
	webhookSecret := rand.Text()
	jobs.DataDir = dir
	s.service, err = newService(ctx, serviceOptions{
		GitHub:   github.Options{AppID: hub.AppID(), PrivateKey: hub.PrivateKey(), BaseURL: hub.URL(), WritePause: -1},
		Queue:    jobs,
		Sweeps:   sweeps,
		Secrets:  []string{webhookSecret},
		Admin:    admin.Access{Token: s.admin},
		Log:      log(webhookSecret),
		Reviewed: func(o review.Outcome) { s.outcomes <- o },
	})
	if err != nil {
		return nil, errors.Join(err, end())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.service.close()
		return nil, errors.Join(err, end())
	}
	serving, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.service.run(serving, l) }()
	s.stop = func() error {
		cancel()
		return errors.Join(<-ended, end())
	}
	s.site = "http://" + l.Addr().String()
	hub.SetWebhook(s.site+"/webhook", webhookSecret)
	s.told.step("server  webhooks at http://%s/webhook, SQLite in %s", l.Addr(), dir)
	s.told.step("github  a double of GitHub at %s, with a real git repository underneath", hub.URL())
	return s, nil
}

// openPull makes the repository and its pull request.
func (s *stage) openPull() (*githubtest.Pull, error) {
	repo, err := s.hub.CreateRepo("acme", "shop", archived(demo.Base))
	if err != nil {
		return nil, err
	}
	change := archived(demo.Change)
	if _, err := repo.Push("ship-it", "Ship all three services", change); err != nil {
		return nil, err
	}
	s.told.step("push    branch ship-it: %s", strings.Join(slices.Sorted(maps.Keys(change)), ", "))
	return repo.OpenPull(githubtest.PullOptions{Title: "Ship all three services", Author: "robin", Head: "ship-it"})
}

// archived is a txtar archive's files.
func archived(data []byte) map[string]string {
	files := map[string]string{}
	for _, f := range txtar.Parse(data).Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// reviewTime is how long a review may take in the demo.
const reviewTime = time.Minute

// reviewed waits until the last webhook led to a finished review, and tells about it.
func (s *stage) reviewed(ctx context.Context, pull *githubtest.Pull) error {
	ctx, cancel := context.WithTimeout(ctx, reviewTime)
	defer cancel()
	if err := s.hub.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the webhook: %w", err)
	}
	deliveries := s.hub.Deliveries()
	last := deliveries[len(deliveries)-1]
	s.told.step("webhook %s %s, signed: answered %d after it was stored", last.Event, last.Action, last.Status)
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the review: %w", ctx.Err())
		case out := <-s.outcomes:
			s.told.outcome(out, s.hub.Requests())
			s.hub.ForgetRequests()
			if out.Head == pull.Head() && out.End != review.MovedOn {
				return s.service.queue.Idle(ctx)
			}
		}
	}
}

func (s *stage) servePage(ctx context.Context, pull *githubtest.Pull, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("serve the page: %w; --addr takes another address", err)
	}
	page := demoPage{pull: pull, author: "robin", log: slog.Default(), settle: func(ctx context.Context) error {
		s.told.step("click   a suggestion was committed to %s", pull.HeadBranch())
		return s.reviewed(ctx, pull)
	}}
	web := &http.Server{Handler: page.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		MaxHeaderBytes: 16 << 10}
	context.AfterFunc(ctx, func() { _ = web.Close() })
	s.told.step("admin   %s/admin/ is the operators' page; its token is %s", s.site, s.admin)
	s.told.step("page    commit suggestions here, Ctrl-C ends: http://%s/", l.Addr())
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}

// A narrator prints what happens with the time since the start.
type narrator struct {
	w     io.Writer
	start time.Time
}

func newNarrator(w io.Writer) *narrator { return &narrator{w, time.Now()} }

func (n *narrator) step(format string, args ...any) {
	fmt.Fprintf(n.w, "%6.2fs  %s\n", time.Since(n.start).Seconds(), fmt.Sprintf(format, args...))
}

// outcome tells what came of a review and what it cost.
func (n *narrator) outcome(out review.Outcome, requests []githubtest.Request) {
	p := out.Plan
	comments := 0
	if p.Review != nil {
		comments = len(p.Review.Comments)
	}
	n.step("review  %s: %d new comments, %d threads resolved, %d texts edited; %d API requests", out.End, comments,
		len(p.Resolve)+len(p.Minimize), len(p.Edit)+len(p.EditBody), len(requests))
}

// review prints the comments as they stand on the pull request.
func (n *narrator) review(pull *githubtest.Pull) error {
	threads, err := pull.Threads()
	if err != nil {
		return err
	}
	fmt.Fprintf(n.w, "\n%s #%d\n", pull.Title(), pull.Number())
	slices.SortStableFunc(threads, func(a, b githubtest.Thread) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), a.Line-b.Line)
	})
	for _, t := range threads {
		fmt.Fprintf(n.w, "\n%s:%d  %s\n%s\n", t.Path, t.Line, t.Comments[0].Author, indented(t.Comments[0].Body))
	}
	for _, r := range pull.Reviews() {
		if r.Body != "" {
			fmt.Fprintf(n.w, "\nsummary  %s\n%s\n", r.Author, indented(r.Body))
		}
	}
	for _, run := range pull.CheckRuns() {
		fmt.Fprintf(n.w, "\ncheck    %s: %s\n%s\n", run.Conclusion, run.Title, indented(run.Summary))
	}
	fmt.Fprintln(n.w)
	return nil
}

// indented is a body for reading on a terminal: without its hidden markers and tags.
func indented(body string) string {
	var out bytes.Buffer
	for line := range strings.Lines(body) {
		line = strings.NewReplacer("<sub>", "", "</sub>", "", "&#8203;", "").Replace(strings.TrimRight(line, "\r\n"))
		if !strings.HasPrefix(line, "<!--") {
			out.WriteString("  " + line + "\n")
		}
	}
	return strings.TrimRight(out.String(), " \n")
}
