module github.com/docent-go/docent

go 1.25.0
