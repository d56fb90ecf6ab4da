package deploy

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// documented are the metrics of lighterman and their labels, from README.md. The tests of internal/metrics hold that
// table against what is served.
func documented(t *testing.T) map[string][]string {
	t.Helper()
	page, err := os.ReadFile(folder + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `(lighterman_[a-z_]+)` \\| (counter|gauge|histogram) \\| (.*?) \\|")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		names := append(strings.Split(strings.ReplaceAll(m[3], "`", ""), ", "), "instance", "job")
		out[m[1]] = names
		if m[2] == "histogram" {
			out[m[1]+"_bucket"], out[m[1]+"_sum"], out[m[1]+"_count"] = append(names, "le"), names, names
			delete(out, m[1])
		}
	}
	if len(out) < 20 {
		t.Fatalf("README.md has only %d metrics", len(out))
	}
	for _, name := range []string{"process_resident_memory_bytes", "process_cpu_seconds_total"} { // of every Go program
		out[name] = []string{"instance", "job"}
	}
	return out
}

// asksForWhatThereIs parses an expression and holds that each metric and label in it is documented.
func asksForWhatThereIs(known map[string][]string, expr string) error {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return err
	}
	var have []string // the labels of all metrics in it
	var grouped []string
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			names, ok := known[n.Name]
			if !ok && err == nil {
				err = fmt.Errorf("there is no metric %s", n.Name)
			}
			have = append(have, names...)
			for _, m := range n.LabelMatchers {
				if m.Name != labels.MetricName && !slices.Contains(names, m.Name) && err == nil {
					err = fmt.Errorf("%s has no label %s", n.Name, m.Name)
				}
			}
		case *parser.AggregateExpr:
			grouped = append(grouped, n.Grouping...)
		}
		return nil
	})
	for _, name := range grouped {
		if !slices.Contains(have, name) && err == nil {
			err = fmt.Errorf("nothing in it has a label %s", name)
		}
	}
	return err
}

// TestAlerts reads the rules as Prometheus does.
func TestAlerts(t *testing.T) {
	known := documented(t)
	groups, errs := rulefmt.ParseFile(folder+"/alerts.yml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		t.FailNow()
	}
	page, err := os.ReadFile(folder + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			if err := asksForWhatThereIs(known, r.Expr); err != nil {
				t.Errorf("%s: %v", r.Alert, err)
			}
			if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || r.Annotations["summary"] == "" {
				t.Errorf("%s: %v %v", r.Alert, r.Labels, r.Annotations)
			}
			if !strings.Contains(string(page), "| `"+r.Alert+"` |") {
				t.Errorf("README.md does not say what to do about %s", r.Alert)
			}
		}
	}
}

// TestDashboard holds that each panel asks for what there is, and lies where no other does.
func TestDashboard(t *testing.T) {
	known := documented(t)
	text, err := os.ReadFile(folder + "/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	type place struct{ X, Y, W, H int }
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos place
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	// Grafana's own variables, as it fills them in.
	filled := strings.NewReplacer("$__rate_interval", "5m", "$__range", "1d", "$instance", ".*")
	shown := map[string]bool{}
	for n, p := range board.Panels {
		for _, target := range p.Targets {
			expr := filled.Replace(target.Expr)
			if err := asksForWhatThereIs(known, expr); err != nil {
				t.Errorf("%s: %v", p.Title, err)
			}
			for name := range known {
				shown[name] = shown[name] || strings.Contains(expr, name)
			}
		}
		for _, q := range board.Panels[n+1:] {
			a, b := p.GridPos, q.GridPos
			if p.ID == q.ID || a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s lies over %s", p.Title, q.Title)
			}
		}
	}
	for name := range known {
		if !shown[name] && !strings.HasSuffix(name, "_count") && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_bucket") {
			t.Errorf("no panel shows %s", name)
		}
	}
}
