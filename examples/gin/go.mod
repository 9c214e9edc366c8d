module github.com/seshat-go/seshat/examples/gin

go 1.26.0

require github.com/seshat-go/seshat v0.1.0

replace github.com/seshat-go/seshat => ../..
