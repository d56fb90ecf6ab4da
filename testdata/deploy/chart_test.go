package deploy

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

const chartDir = folder + "/helm/lighterman"

// The values that people install the chart with, and what Kubernetes is given for them.
var installs = []struct {
	name   string
	values string
	kinds  string
}{
	{"nothing said", ``, "Pod Service ServiceAccount StatefulSet"},
	{"a volume that is there", `{persistence: {existingClaim: mine}}`, "Pod Service ServiceAccount StatefulSet"},
	{"to try out", `{persistence: {enabled: false}, serviceAccount: {create: false}}`, "Pod Service StatefulSet"},
	{"an App by value", `{github: {appId: 12345678901, privateKey: PEM, webhookSecret: "a,b"}}`,
		"Pod Secret Service ServiceAccount StatefulSet"},
	{"an App by secret", `{github: {appId: 1, secretName: app, publicUrl: "https://l.example.com"}}`,
		"Pod Service ServiceAccount StatefulSet"},
	{"an admin page by secret", `{admin: {secretName: admin, secretKey: t}}`, "Pod Service ServiceAccount StatefulSet"},
	{"an admin page behind a proxy", `{settings: {admin-header: "X-Forwarded-User=*", admin-proxies: 10.0.0.0/8, admin-addr: ":8081"}}`,
		"Pod Service ServiceAccount StatefulSet"},
	{"PostgreSQL by secret",
		`{replicas: 3, github: {appId: 1, secretName: app}, database: {secretName: db, secretKey: uri}}`,
		"Deployment Pod PodDisruptionBudget Service ServiceAccount"},
	{"PostgreSQL by value", `{github: {appId: 1, secretName: app}, database: {url: "postgres://l:p@db/l"}}`,
		"Deployment Pod Secret Service ServiceAccount"},
	{"everything", `
replicas: 2
image: {repository: registry.example.com/l, digest: "sha256:` + digest + `"}
imagePullSecrets: [{name: pull}]
github: {appId: 1, privateKey: "a\nb\n", webhookSecret: s, url: "https://ghe.example.com", publicUrl: "https://l.example.com"}
database: {url: "postgres://l:p@db/l"}
admin: {token: 0123456789abcdef0123456789abcdef}
settings: {log-format: text, workers: 8, online: true, cooldown: 1m30s, registry-host: "a.example.com,b.example.com"}
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
ingress: {enabled: true, className: nginx, host: l.example.com, tlsSecretName: tls, annotations: {a: b}}
autoscaling: {enabled: true, minReplicas: 3, maxReplicas: 9, matchLabels: {namespace: x}}
networkPolicy: {enabled: true, from: [{podSelector: {matchLabels: {app: proxy}}}], httpsPorts: [443, 8443],
  extraEgress: [{ports: [{port: 3128, protocol: TCP}]}]}
serviceMonitor: {enabled: true, labels: {release: prometheus}}
serviceAccount: {name: own, annotations: {a: b}}
service: {type: LoadBalancer, annotations: {a: b}}
podAnnotations: {a: b}
podLabels: {a: b}
nodeSelector: {a: b}
tolerations: [{key: a, operator: Exists}]
affinity: {nodeAffinity: {}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
priorityClassName: high
nameOverride: lm
fullnameOverride: reviewer
`, "Deployment HorizontalPodAutoscaler Ingress NetworkPolicy Pod PodDisruptionBudget Secret Service ServiceAccount ServiceMonitor"},
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// render renders the chart as "helm template" does, the schema of its values included.
func render(t *testing.T, text string) (map[string]string, error) {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := chartutil.ToRenderValues(c, values(t, text),
		chartutil.ReleaseOptions{Name: "prod", Namespace: "tools", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Engine{Strict: true}.Render(c, v)
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	v, err := chartutil.ReadValues([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// objects are the rendered ones by kind. Each has to be one that Kubernetes knows, with no field that it does not.
func objects(t *testing.T, text string) map[string]any {
	t.Helper()
	files, err := render(t, text)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for name, content := range files {
		if path.Ext(name) != ".yaml" || strings.TrimSpace(content) == "" {
			continue
		}
		var head struct{ Kind string }
		if err := yaml.Unmarshal([]byte(content), &head); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, content)
		}
		object := newObject(head.Kind)
		if object == nil {
			t.Fatalf("%s: there is no kind %q", name, head.Kind)
		}
		if err := yaml.UnmarshalStrict([]byte(content), object); err != nil {
			t.Errorf("%s: %v\n%s", name, err, content)
		}
		out[head.Kind] = object
	}
	return out
}

func newObject(kind string) any {
	switch kind {
	case "Deployment":
		return &apps.Deployment{}
	case "StatefulSet":
		return &apps.StatefulSet{}
	case "Pod":
		return &core.Pod{}
	case "Secret":
		return &core.Secret{}
	case "Service":
		return &core.Service{}
	case "ServiceAccount":
		return &core.ServiceAccount{}
	case "Ingress":
		return &networking.Ingress{}
	case "NetworkPolicy":
		return &networking.NetworkPolicy{}
	case "PodDisruptionBudget":
		return &policy.PodDisruptionBudget{}
	case "HorizontalPodAutoscaler":
		return &autoscaling.HorizontalPodAutoscaler{}
	case "ServiceMonitor": // of the Prometheus operator, whose types would be one more module
		return &map[string]any{}
	}
	return nil
}

func pod(t *testing.T, all map[string]any) core.PodSpec {
	t.Helper()
	switch o := cmp(all["Deployment"], all["StatefulSet"]).(type) {
	case *apps.Deployment:
		return o.Spec.Template.Spec
	case *apps.StatefulSet:
		return o.Spec.Template.Spec
	}
	t.Fatal("nothing runs")
	return core.PodSpec{}
}

func cmp(a, b any) any {
	if a != nil {
		return a
	}
	return b
}

// TestChartLints runs Helm's own linter with the values of every install.
func TestChartLints(t *testing.T) {
	for _, i := range installs {
		for _, m := range lint.All(chartDir, values(t, i.values), "tools", true).Messages {
			if m.Severity >= support.WarningSev {
				t.Errorf("%s: %v", i.name, m)
			}
		}
	}
}

func TestChartRenders(t *testing.T) {
	for _, i := range installs {
		t.Run(i.name, func(t *testing.T) {
			all := objects(t, i.values)
			if got := strings.Join(slices.Sorted(maps.Keys(all)), " "); got != i.kinds {
				t.Errorf("got  %s\nwant %s", got, i.kinds)
			}
			isConfined(t, pod(t, all))
			isConfined(t, all["Pod"].(*core.Pod).Spec)
			mountsWhatItNames(t, pod(t, all))
		})
	}
}

func isConfined(t *testing.T, p core.PodSpec) {
	t.Helper()
	c := p.Containers[0]
	if s := p.SecurityContext; s == nil || !*s.RunAsNonRoot || *s.RunAsUser != 65532 ||
		s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod's security context is %+v", s)
	}
	if s := c.SecurityContext; s == nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
		!slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
		t.Errorf("the container's security context is %+v", s)
	}
	if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken {
		t.Error("it has a token for the cluster's API")
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Errorf("its resources are %+v", c.Resources)
	}
}

// mountsWhatItNames holds that each file that a variable names is mounted, from a volume that is there.
func mountsWhatItNames(t *testing.T, p core.PodSpec) {
	t.Helper()
	c := p.Containers[0]
	volumes := map[string]core.Volume{}
	for _, v := range p.Volumes {
		volumes[v.Name] = v
	}
	mounts := map[string]string{}
	for _, m := range c.VolumeMounts {
		mounts[m.MountPath] = m.Name
		if _, ok := volumes[m.Name]; !ok && m.Name != "data" {
			t.Errorf("%s is mounted and not there", m.Name)
		}
	}
	for _, e := range c.Env {
		if !strings.HasSuffix(e.Name, "_FILE") {
			continue
		}
		secret := volumes[mounts[path.Dir(e.Value)]].Secret
		if secret == nil || !slices.ContainsFunc(secret.Items, func(k core.KeyToPath) bool { return k.Path == path.Base(e.Value) }) {
			t.Errorf("%s names %s, which is nowhere", e.Name, e.Value)
		}
	}
	if c.LivenessProbe.HTTPGet.Path != "/healthz" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.StartupProbe == nil {
		t.Errorf("its probes are %+v, %+v, %+v", c.LivenessProbe, c.ReadinessProbe, c.StartupProbe)
	}
}

// TestChartKeepsData holds where the database lies: with SQLite in a volume that outlives the pod, one pod at a time.
func TestChartKeepsData(t *testing.T) {
	s := objects(t, ``)["StatefulSet"].(*apps.StatefulSet)
	if *s.Spec.Replicas != 1 || len(s.Spec.VolumeClaimTemplates) != 1 || s.Spec.VolumeClaimTemplates[0].Name != "data" {
		t.Errorf("%+v", s.Spec)
	}
	p := pod(t, objects(t, `{persistence: {existingClaim: mine}}`))
	if !slices.ContainsFunc(p.Volumes, func(v core.Volume) bool {
		return v.Name == "data" && v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == "mine"
	}) {
		t.Errorf("the volume that is there is not used: %+v", p.Volumes)
	}
}

// TestChartSaysSettings holds how values become variables.
func TestChartSaysSettings(t *testing.T) {
	all := objects(t, installs[len(installs)-1].values)
	env := map[string]string{}
	for _, e := range pod(t, all).Containers[0].Env {
		if _, twice := env[e.Name]; twice {
			t.Errorf("%s is set twice", e.Name)
		}
		env[e.Name] = e.Value
	}
	for name, want := range map[string]string{
		"LIGHTERMAN_APP_ID": "1", "LIGHTERMAN_WORKERS": "8", "LIGHTERMAN_ONLINE": "true", "LIGHTERMAN_COOLDOWN": "1m30s",
		"LIGHTERMAN_REGISTRY_HOST": "a.example.com,b.example.com", "LIGHTERMAN_GITHUB_URL": "https://ghe.example.com",
		"LIGHTERMAN_LOG_FORMAT": "text", "HTTPS_PROXY": "http://proxy:3128",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	large := pod(t, objects(t, installs[3].values)).Containers[0].Env
	if !slices.ContainsFunc(large, func(e core.EnvVar) bool { return e.Value == "12345678901" }) {
		t.Errorf("a large App's id is not written out: %+v", large)
	}
	if got := all["Secret"].(*core.Secret).StringData; got["private-key"] != "a\nb\n" || got["webhook-secret"] != "s" ||
		len(got["admin-token"]) != 32 {
		t.Errorf("the secret holds %q", got)
	}
	if got := pod(t, all).Containers[0].Image; got != "registry.example.com/l@sha256:"+digest {
		t.Errorf("the image is %s", got)
	}
}

// TestChartScalesOnAge holds that the autoscaler has the replicas to itself.
func TestChartScalesOnAge(t *testing.T) {
	all := objects(t, installs[len(installs)-1].values)
	d := all["Deployment"].(*apps.Deployment)
	h := all["HorizontalPodAutoscaler"].(*autoscaling.HorizontalPodAutoscaler)
	if d.Spec.Replicas != nil {
		t.Error("every upgrade would set the replicas back")
	}
	m := h.Spec.Metrics[0].External
	if h.Spec.ScaleTargetRef.Name != d.Name || *h.Spec.MinReplicas != 3 || h.Spec.MaxReplicas != 9 ||
		m.Target.Value.String() != "60" || m.Metric.Selector.MatchLabels["namespace"] != "x" {
		t.Errorf("%+v", h.Spec)
	}
}

// TestChartSelectsItsPods holds that what selects pods selects those that run, and not the one of "helm test".
func TestChartSelectsItsPods(t *testing.T) {
	all := objects(t, installs[len(installs)-1].values)
	labels := all["Deployment"].(*apps.Deployment).Spec.Template.Labels
	tested := all["Pod"].(*core.Pod).Labels
	for name, selector := range map[string]map[string]string{
		"Deployment":          all["Deployment"].(*apps.Deployment).Spec.Selector.MatchLabels,
		"Service":             all["Service"].(*core.Service).Spec.Selector,
		"PodDisruptionBudget": all["PodDisruptionBudget"].(*policy.PodDisruptionBudget).Spec.Selector.MatchLabels,
		"NetworkPolicy":       all["NetworkPolicy"].(*networking.NetworkPolicy).Spec.PodSelector.MatchLabels,
	} {
		if len(selector) == 0 || !selects(selector, labels) || selects(selector, tested) {
			t.Errorf("%s selects %v", name, selector)
		}
	}
}

func selects(selector, labels map[string]string) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// TestChartRefuses holds that what could not work is refused before anything is installed, and how it is said.
func TestChartRefuses(t *testing.T) {
	app := `github: {appId: 1, secretName: app}`
	for values, want := range map[string]string{
		`{replicas: 2}`:                                                   "replicas is 2, but an SQLite database belongs to one process",
		`{autoscaling: {enabled: true}}`:                                  "autoscaling.enabled is set, but an SQLite database",
		`{github: {appId: 1}}`:                                            "github.appId is set without the App's secrets",
		`{github: {appId: 1, privateKey: x}}`:                             "github.appId is set without the App's secrets",
		`{github: {secretName: app}}`:                                     "without github.appId",
		`{database: {url: "postgres://h/d"}}`:                             "with PostgreSQL github.appId must be set",
		`{ingress: {enabled: true}}`:                                      "ingress.enabled is set without ingress.host",
		`{` + app + `, database: {url: "postgres://h/d", secretName: x}}`: "both set",
		`{github: {appId: 1, secretName: app, privateKey: x}}`:            "one of both is enough",
		`{` + app + `, database: {secretName: x}, autoscaling: {enabled: true, minReplicas: 7}}`: "minReplicas is above",
		`{admin: {token: 0123456789abcdef0123456789abcdef, secretName: x}}`:                      "admin.token and admin.secretName are both set",
		`{admin: {token: short}}`:                    "/admin/token",
		`{replica: 2}`:                               "additional properties 'replica' not allowed",
		`{replicas: "2"}`:                            "got string, want integer",
		`{settings: {cooldwn: 5s}}`:                  "additional properties 'cooldwn' not allowed",
		`{settings: {cooldown: soon}}`:               "/settings/cooldown",
		`{database: {url: "mysql://h/d"}}`:           "/database/url",
		`{image: {digest: "sha256:1"}}`:              "/image/digest",
		`{github: {publicUrl: l.example.com}}`:       "/github/publicUrl",
		`{persistence: {accessMode: ReadWriteMany}}`: "/persistence/accessMode",
	} {
		_, err := render(t, values)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", values, err, want)
		}
	}
}

// TestChartDocumentsItsValues holds that README.md has a row for every value, and no other.
func TestChartDocumentsItsValues(t *testing.T) {
	text, err := os.ReadFile(chartDir + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for key, value := range values(t, string(text)) {
		inner, ok := value.(map[string]any)
		if !ok || len(inner) == 0 || slices.Contains([]string{"settings", "resources", "podSecurityContext", "securityContext"}, key) {
			want[key] = true
			continue
		}
		for k := range inner {
			want[key+"."+k] = true
		}
	}
	page, err := os.ReadFile(chartDir + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, word := range strings.Split(cell, ", ") {
			if name := strings.Trim(word, "`"); strings.HasPrefix(line, "| `") && !want[name] {
				t.Errorf("there is no value %s", name)
			} else {
				delete(want, name)
			}
		}
	}
	if len(want) > 0 {
		t.Error(fmt.Sprint("not documented: ", slices.Sorted(maps.Keys(want))))
	}
}
