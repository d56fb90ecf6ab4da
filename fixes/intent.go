package fixes

import "fmt"

// The intents. Each says what one kind of fix promises; package prove holds the predicate of the same name.

// Unchanged promises that nothing at all differs in what is built: no step, no byte of the image's configuration.
type Unchanged struct{}

// Claim implements Intent.
func (Unchanged) Claim() Claim { return Claim{Same, "proven: builds the same image"} }

// Reordered promises that in one stage a broad COPY of the build context moved behind steps that install dependencies,
// and that Inputs, files the broad COPY brings as well, are copied before those steps; nothing else differs.
type Reordered struct {
	Inputs []string // context-relative paths of the files copied early
}

// Claim implements Intent.
func (Reordered) Claim() Claim {
	return Claim{Equivalent, "checked: same steps; only their order differs, and what the install reads is copied before it"}
}

// MergedRuns promises that neighbouring RUNs became one whose script is their scripts joined by "&&".
type MergedRuns struct{}

// Claim implements Intent.
func (MergedRuns) Claim() Claim {
	return Claim{Intended, "checked: changes only the layers; the same commands run in the same order, in one step"}
}

// Appended promises that one RUN's script ends with a further "&& Command", and nothing else differs.
type Appended struct {
	Command string
}

// Claim implements Intent.
func (i Appended) Claim() Claim {
	return Claim{Intended, fmt.Sprintf("checked: changes only one step, which also runs %s at its end", i.Command)}
}

// RunsAs promises that the files of the image stay as they are, except for what Create adds, and that of the image's
// configuration only the user differs.
type RunsAs struct {
	User   string // the configured user afterwards: "node", "65532:65532"
	Create string // the script of one RUN added at the end to create the account; "" when it exists already
}

// Claim implements Intent.
func (i RunsAs) Claim() Claim {
	const yours = "whether the program runs unprivileged is yours to try"
	if i.Create == "" {
		return Claim{Intended, "proven: same files, only the user differs; " + yours}
	}
	return Claim{Intended, "checked: changes only the user, and adds the step that creates the account; " + yours}
}

// OwnedCopies promises that COPY steps gained an owner (or a mode) and that the RUN that changed it afterwards is gone
// or reduced to the working directory itself.
type OwnedCopies struct {
	Owner string   // the value of --chown on the copies afterwards; "" when only Mode is set
	Mode  string   // the value of --chmod, likewise
	Paths []string // absolute paths that the removed chown or chmod named
}

// Claim implements Intent.
func (i OwnedCopies) Claim() Claim {
	what := "who owns the copied files"
	if i.Mode != "" {
		what = "which mode the copied files have"
	}
	return Claim{Intended, "checked: changes only " + what + " from the start, without the step that stored them twice"}
}

// CopiedPlainly promises that ADD became COPY with the same sources, none of which ADD would have unpacked or fetched.
type CopiedPlainly struct{}

// Claim implements Intent.
func (CopiedPlainly) Claim() Claim { return Claim{Same, "proven: builds the same image"} }

// StartsDirectly promises that of the image's configuration only how the program is started differs: its words as an
// array instead of a line for the shell.
type StartsDirectly struct {
	Keyword string   // CMD or ENTRYPOINT
	Words   []string // the array
}

// Claim implements Intent.
func (i StartsDirectly) Claim() Claim {
	return Claim{Intended, "checked: changes only how " + i.Keyword + " starts: the same words, without a shell around them"}
}
