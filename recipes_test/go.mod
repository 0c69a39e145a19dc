module github.com/docent-go/docent/recipes_test

go 1.25.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/docent-go/docent v0.0.0-00010101000000-000000000000
	github.com/go-zookeeper/zk v1.0.4
	go.uber.org/goleak v1.3.0
	pgregory.net/rapid v1.3.0
)

require golang.org/x/sync v0.22.0 // indirect

require (
	github.com/stretchr/testify v1.12.1
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace github.com/docent-go/docent => ../
