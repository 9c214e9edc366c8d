module github.com/seshat-go/seshat/adapters/chisession

go 1.26.0

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/seshat-go/seshat v0.1.0
)

replace github.com/seshat-go/seshat => ../..
