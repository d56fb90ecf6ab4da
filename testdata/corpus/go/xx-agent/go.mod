module example.org/agent

go 1.26

require (
	github.com/spf13/cobra v1.8.1
	modernc.org/sqlite v1.34.1
)
