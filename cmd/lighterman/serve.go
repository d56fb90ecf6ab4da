package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lighterman/lighterman/internal/github"
	"github.com/lighterman/lighterman/internal/redact"
)

// serveSettings are what serve is told by flags, variables or a file.
type serveSettings struct {
	appSettings
	config            string
	addr              string
	webhookSecret     string
	webhookSecretFile string
	storage           storage
	workers           int
	logFormat         string
	linger            time.Duration
	cooldown          time.Duration
	sweepCooldown     time.Duration
	asking            asking
	publicURL         string
	sweeps            bool
	sweepLimits       sweepOptions
	admin             adminSettings
}

func serveCommand() *cobra.Command {
	var s serveSettings
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the GitHub App: receive webhooks, review pull requests",
		Long: `Run the GitHub App: receive webhooks at /webhook and review pull requests.

Every flag is also a variable (--app-id is LIGHTERMAN_APP_ID) and a key of the file that --config names; a flag wins
over its variable, and that over the file. Secrets are best given by a file, or by a variable, since other users of a
machine can read command lines.

Without an App's credentials it prints the address of a page that registers one and keeps its credentials.

/healthz answers while the process lives, /readyz while it can take webhooks, /metrics for Prometheus. /admin is for
administrators, once --admin-token-file or --admin-header says who they are.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := readSettings(s.config, cmd.Flags())
			if err != nil {
				return err
			}
			if err := settle(cmd.Flags(), os.LookupEnv, file); err != nil {
				return err
			}
			return runServe(cmd, s)
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.config, "config", "", "a YAML file with these settings")
	f.StringVar(&s.addr, "addr", ":8080", "where to listen")
	s.appSettings.flags(f)
	f.StringVar(&s.webhookSecret, "webhook-secret", "", "the webhook's secret; two with a comma between during a rotation")
	f.StringVar(&s.webhookSecretFile, "webhook-secret-file", "", "a file with the webhook's secret or secrets")
	s.storage.flags(f)
	f.IntVar(&s.workers, "workers", 4, "how many pull requests to review at once")
	f.StringVar(&s.publicURL, "public-url", "", "how people and GitHub reach this server: https://HOST")
	f.StringVar(&s.logFormat, "log-format", "text", "text or json")
	s.asking.flags(f)
	s.admin.flags(f)
	f.DurationVar(&s.cooldown, "cooldown", 5*time.Second,
		"the least time between two reviews of a pull request, unless somebody asked for one")
	f.BoolVar(&s.sweeps, "sweeps", true,
		"look at whole repositories on their schedule, and open pull requests with fixes where the configuration enables it")
	f.DurationVar(&s.sweepCooldown, "sweep-cooldown", 10*time.Minute,
		"the least time between two sweeps of a repository, however many pushes there are")
	f.StringVar(&s.sweepLimits.Timing.Schedule, "sweep-schedule", "weekly",
		"when repositories are swept that do not say so: daily, weekly, monthly, or the five fields of cron")
	f.StringVar(&s.sweepLimits.Timing.TimeZone, "sweep-time-zone", "UTC", "the time zone of schedules and quiet hours that name none")
	f.IntVar(&s.sweepLimits.OpenPerOwner, "sweep-open-per-owner", 50,
		"how many pull requests of sweeps an installation has open at most; 0 for any number")
	f.IntVar(&s.sweepLimits.OpensPerHour, "sweep-opens-per-hour", 20,
		"how many pull requests of sweeps are opened in an installation within an hour; 0 for any number")
	f.DurationVar(&s.linger, "linger", 0, "how long to go on taking webhooks after a signal to stop, with /readyz failing")
	return cmd
}

func runServe(cmd *cobra.Command, s serveSettings) error {
	ctx := cmd.Context()
	out := redact.NewWriter(os.Stderr)
	log, err := logger(out, s.logFormat)
	if err != nil {
		return err
	}
	o, err := s.options(log)
	if err != nil {
		return err
	}
	o.Secret = out.Know
	out.Know(append(o.Secrets, string(o.GitHub.PrivateKey), o.Admin.Token)...)
	svc, err := newService(ctx, o)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		svc.close()
		return fmt.Errorf("listen: %w", err)
	}
	log.Info("serving", "addr", l.Addr().String(), "github", s.githubURL, "database", s.database())
	if path := svc.server.SetupPath(); path != "" {
		// Not a line of the log: the address holds a secret.
		_, token, _ := strings.Cut(path, "token=")
		out.Know(token)
		fmt.Fprintf(cmd.ErrOrStderr(), "\nThere is no GitHub App yet. Set one up here:\n\n  %s%s\n\n",
			pageAddress(o.Public, l.Addr()), path)
	}
	return svc.run(ctx, l)
}

func (s serveSettings) database() string {
	if s.storage.postgres() {
		return "postgresql"
	}
	return "sqlite in " + s.storage.dataDir
}

// options checks what is needed and reads the secrets.
func (s serveSettings) options(log *slog.Logger) (o serviceOptions, err error) {
	o = serviceOptions{
		GitHub:      github.Options{BaseURL: s.githubURL, WritePause: orNone(s.writePause)},
		Linger:      s.linger,
		Log:         log,
		Images:      s.asking.facts(true),
		Inspect:     true,
		Presets:     s.presetOwners,
		Recover:     true,
		Credentials: s.credentials(s.storage),
	}
	if o.Queue, err = s.storage.options(); err != nil {
		return o, err
	}
	o.Queue.Cooldown, o.Queue.SweepCooldown, o.Queue.Workers = orNone(s.cooldown), orNone(s.sweepCooldown), s.workers
	if err := s.sweepLimits.Timing.Check(); err != nil {
		return o, fmt.Errorf("--sweep-schedule, --sweep-time-zone: %w", err)
	}
	if s.sweeps {
		s.sweepLimits.Spread = time.Hour
		o.Sweeps = &s.sweepLimits
	}
	if o.Public, err = publicAddress(s.publicURL); err != nil {
		return o, err
	}
	if o.Admin, err = s.admin.access(); err != nil {
		return o, err
	}
	o.AdminAddr = s.admin.addr
	if o.RiverUI, err = link(s.admin.riverUI); err != nil {
		return o, err
	}
	stored, err := readCredentials(o.Credentials, s.githubURL)
	if err != nil {
		return o, err
	}
	if stored == nil && !s.named() {
		return o, canWriteCredentials(o.Credentials)
	}
	s.adopt(stored)
	return s.identify(o)
}

// named reports whether the settings hold any of an App's credentials.
func (s serveSettings) named() bool {
	return s.appID != 0 || s.privateKey+s.privateKeyFile+s.webhookSecret+s.webhookSecretFile != ""
}

// adopt takes what was not set from what the set-up page kept, unless that is another App's.
func (s *serveSettings) adopt(stored *storedCredentials) {
	if s.appSettings.adopt(stored) && s.webhookSecret == "" && s.webhookSecretFile == "" {
		s.webhookSecret = stored.WebhookSecret
	}
}

// identify says which App the service is.
func (s serveSettings) identify(o serviceOptions) (_ serviceOptions, err error) {
	if o.GitHub, err = s.appSettings.options(); err != nil {
		return o, err
	}
	secrets, err := secret("webhook-secret", s.webhookSecret, s.webhookSecretFile)
	if err != nil {
		return o, err
	}
	if o.Secrets = rotation(secrets); len(o.Secrets) == 0 {
		return o, fmt.Errorf("LIGHTERMAN_WEBHOOK_SECRET holds no secret")
	}
	return o, nil
}

// publicAddress is how people and GitHub reach the service, without a slash at the end.
func publicAddress(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return "", fmt.Errorf("LIGHTERMAN_PUBLIC_URL is not an address of the form https://HOST")
	}
	return strings.TrimRight(text, "/"), nil
}

// rotation splits secrets at commas and line ends.
func rotation(secrets string) []string {
	var out []string
	for _, s := range strings.FieldsFunc(secrets, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func logger(w io.Writer, format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, fmt.Errorf("log format %q is neither text nor json", format)
}
