module github.com/docent-go/docent/recipes_test/contrib

go 1.26.0

require (
	github.com/docent-go/docent v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/gocron v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/grpcresolver v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/kerberos v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/koanf v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/kratos v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/otel v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/contrib/prom v0.0.0-00010101000000-000000000000
	github.com/docent-go/docent/recipes_test v0.0.0-00010101000000-000000000000
	github.com/go-co-op/gocron/v2 v2.21.2
	github.com/go-kratos/kratos/v2 v2.8.3
	github.com/go-zookeeper/zk v1.0.4
	github.com/google/uuid v1.6.0
	github.com/knadh/koanf/v2 v2.4.1
	github.com/prometheus/client_golang v1.25.0
	github.com/stretchr/testify v1.12.1
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/sdk v1.47.0
	go.opentelemetry.io/otel/sdk/metric v1.47.0
	google.golang.org/grpc v1.85.0
)

require (
	dario.cat/mergo v1.0.0 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/go-viper/mapstructure/v2 v2.4.0 // indirect
	github.com/hashicorp/go-uuid v1.0.3 // indirect
	github.com/jcmturner/aescts/v2 v2.0.0 // indirect
	github.com/jcmturner/dnsutils/v2 v2.0.0 // indirect
	github.com/jcmturner/gofork v1.7.6 // indirect
	github.com/jcmturner/gokrb5/v8 v8.4.4 // indirect
	github.com/jcmturner/rpc/v2 v2.0.3 // indirect
	github.com/jonboulle/clockwork v0.5.0 // indirect
	github.com/knadh/koanf/maps v0.1.3 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/robfig/cron/v3 v3.0.1 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel/log v1.47.0 // indirect
	go.opentelemetry.io/otel/metric v1.47.0 // indirect
	go.opentelemetry.io/otel/trace v1.47.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sync v0.23.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)

replace (
	github.com/docent-go/docent => ../..
	github.com/docent-go/docent/contrib/gocron => ../../contrib/gocron
	github.com/docent-go/docent/contrib/grpcresolver => ../../contrib/grpcresolver
	github.com/docent-go/docent/contrib/kerberos => ../../contrib/kerberos
	github.com/docent-go/docent/contrib/koanf => ../../contrib/koanf
	github.com/docent-go/docent/contrib/kratos => ../../contrib/kratos
	github.com/docent-go/docent/contrib/otel => ../../contrib/otel
	github.com/docent-go/docent/contrib/prom => ../../contrib/prom
	github.com/docent-go/docent/recipes_test => ..
)
