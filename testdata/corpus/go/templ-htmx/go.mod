module example.com/htmx

go 1.23

require (
	github.com/a-h/templ v0.2.793
)
