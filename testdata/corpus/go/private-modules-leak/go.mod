module git.example.com/team/export

go 1.22

require (
	git.example.com/team/kit v0.8.0
)
