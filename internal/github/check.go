package github

import (
	"context"
	"fmt"
	"slices"
	"strings"

	gogithub "github.com/google/go-github/v60/github"

	"github.com/lighterman/lighterman/internal/forge"
)

const (
	// checkName is the name of our check runs, which branch protection refers to. It never changes.
	checkName = "lighterman"
	// annotationBatch is how many annotations go into one request (operation checks/create).
	annotationBatch = 50
)

// check writes a check run: all annotations that fit with the first request, the others in further ones, and the
// conclusion with the last. What was interrupted is known by its key and goes on where it stopped. Where the installation
// does not let us write check runs there is none: a merge group's job learns that only here.
func (w writer) check(ctx context.Context, head string, d forge.CheckDraft) error {
	batches := slices.Collect(slices.Chunk(d.Annotations[d.Written:], annotationBatch))
	if len(batches) == 0 {
		batches = [][]forge.Annotation{nil}
	}
	id := d.ID
	for n, batch := range batches {
		var err error
		last := n == len(batches)-1
		if id == 0 {
			id, err = w.createCheck(ctx, head, d, batch, last)
		} else {
			err = w.updateCheck(ctx, id, d, batch, last)
		}
		if err != nil && !w.mayCheck() {
			w.app.options.Logger.WarnContext(ctx, "no check run may be written", "subject", w.ref.String())
			return nil
		}
		if err != nil {
			return fmt.Errorf("write the check run: %w", meaning(err))
		}
	}
	return nil
}

func (w writer) createCheck(ctx context.Context, head string, d forge.CheckDraft, batch []forge.Annotation, last bool) (
	int64, error) {
	o := gogithub.CreateCheckRunOptions{
		Name: checkName, HeadSHA: head, ExternalID: externalID(d), Status: gogithub.String("in_progress"), Output: output(d, batch),
	}
	if last {
		o.Status, o.Conclusion, o.Actions = gogithub.String("completed"), gogithub.String(string(d.Conclusion)), actions(d)
	}
	run, _, err := w.client.Checks.CreateCheckRun(ctx, w.ref.Repo.Owner, w.ref.Repo.Name, o)
	return run.GetID(), err
}

func (w writer) updateCheck(ctx context.Context, id int64, d forge.CheckDraft, batch []forge.Annotation, last bool) error {
	o := gogithub.UpdateCheckRunOptions{Name: checkName, ExternalID: externalID(d), Output: output(d, batch)}
	if last {
		o.Status, o.Conclusion, o.Actions = gogithub.String("completed"), gogithub.String(string(d.Conclusion)), actions(d)
	}
	_, _, err := w.client.Checks.UpdateCheckRun(ctx, w.ref.Repo.Owner, w.ref.Repo.Name, id, o)
	return err
}

// requestMark comes before the request's id in the external id of a check run, which nobody is shown.
const requestMark = " request="

func externalID(d forge.CheckDraft) *string {
	if d.Request == "" {
		return &d.Key
	}
	return gogithub.String(d.Key + requestMark + d.Request)
}

// keyOf reads what externalID wrote.
func keyOf(external string) (key, request string) {
	key, request, _ = strings.Cut(external, requestMark)
	return key, request
}

func output(d forge.CheckDraft, batch []forge.Annotation) *gogithub.CheckRunOutput {
	out := &gogithub.CheckRunOutput{Title: &d.Title, Summary: &d.Summary}
	if d.Text != "" {
		out.Text = &d.Text
	}
	for _, a := range batch {
		level := string(a.Level)
		out.Annotations = append(out.Annotations, &gogithub.CheckRunAnnotation{
			Path: &a.Path, StartLine: &a.StartLine, EndLine: &a.EndLine, AnnotationLevel: &level, Title: &a.Title,
			Message: &a.Message,
		})
	}
	return out
}

func actions(d forge.CheckDraft) []*gogithub.CheckRunAction {
	var out []*gogithub.CheckRunAction
	for _, a := range d.Actions {
		out = append(out, &gogithub.CheckRunAction{Label: a.Label, Description: a.Description, Identifier: a.ID})
	}
	return out
}
