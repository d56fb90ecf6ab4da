package githubtest

import "fmt"

// Marks are what else a repository may be.
type Marks struct {
	Disabled bool // by GitHub's staff: it can be read and not written
	Locked   bool // while it moves elsewhere
	Mirror   bool
	Fork     bool // of a repository that is not here
	NoDrafts bool // its plan has no draft pull requests
}

// Mark says what else the repository is.
func (r *Repo) Mark(m Marks) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.marks = m
}

// CreateEmptyRepo makes a repository without a commit.
func (s *Server) CreateEmptyRepo(owner, name string) (*Repo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.newRepo(owner, name)
	if err != nil {
		return nil, err
	}
	s.addRepo(r)
	return r, nil
}

// newRepo is a repository that nobody sees yet.
func (s *Server) newRepo(owner, name string) (*Repo, error) {
	if s.find(owner, name) != nil {
		return nil, fmt.Errorf("create %s/%s: it exists", owner, name)
	}
	r := &Repo{s: s, id: s.id(), owner: owner, name: name, main: "main", refs: "refs/heads/"}
	var err error
	r.git, err = s.newGit(fmt.Sprint(r.id))
	return r, err
}

// addRepo lets everybody see a repository, the App too once it is registered.
func (s *Server) addRepo(r *Repo) {
	s.repos = append(s.repos, r)
	if s.app.Load().registered {
		s.install(r.owner)
	}
}

// readOnly is why nothing can be written to the repository, "" when something can.
func (r *Repo) readOnly() string {
	switch {
	case r.archived:
		return "Repository was archived so is read-only."
	case r.marks.Disabled:
		return "Repository access blocked"
	case r.marks.Locked:
		return "Repository has been locked for migration."
	}
	return ""
}

// AddTeam makes a team of the repository's owner that may be asked for reviews.
func (r *Repo) AddTeam(slug string) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	r.teams = append(r.teams, slug)
}
