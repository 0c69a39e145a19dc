module github.com/docent-go/docent/contrib/koanf

go 1.25.0

require (
	github.com/docent-go/docent v0.0.0-00010101000000-000000000000
	github.com/knadh/koanf/maps v0.1.3
	github.com/knadh/koanf/parsers/json v1.0.1
	github.com/knadh/koanf/v2 v2.4.1
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
)

require (
	github.com/go-viper/mapstructure/v2 v2.4.0 // indirect
	github.com/go-zookeeper/zk v1.0.4 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/sync v0.22.0 // indirect
)

replace github.com/docent-go/docent => ../..
