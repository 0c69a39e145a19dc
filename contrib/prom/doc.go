// Package prom makes Prometheus metrics from the events of a session.Manager
// and of the recipes on it.
//
//	metrics := prom.New(prom.Names(prom.Below(map[string]string{"/locks/orders": "orders"})))
//	prometheus.MustRegister(metrics)
//	sm, err := session.Dial(ctx, session.Config{Servers: servers, Hooks: []session.Hook{metrics}})
//
// A Collector is a hook of one Manager. A program with several Managers has a
// Collector for each, and registers each Collector with a different label
// (prometheus.WrapRegistererWith).
//
// Paths are never labels, since their number is not limited. A function of the
// program gives each path the name of a recipe (Names). Paths without a name
// are counted as "unnamed".
//
// docs/observability.md lists the metrics. The directory of this package has a
// dashboard for Grafana (dashboard.json) and alert rules (rules.yaml).
package prom
