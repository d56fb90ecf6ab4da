module git.example.com/team/ingest

go 1.22

require (
	git.example.com/team/kit v0.8.0
)
