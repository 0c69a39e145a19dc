// Package prom makes Prometheus metrics of what happens in a session.Manager and
// in the recipes on it.
//
//	metrics := prom.New(prom.Names(prom.Below(map[string]string{"/locks/orders": "orders"})))
//	prometheus.MustRegister(metrics)
//	sm, err := session.Dial(ctx, session.Config{Servers: servers, Hooks: []session.Hook{metrics}})
//
// A Collector is a hook of one Manager. A program with several has a Collector
// for each, and registers each with a label of its own
// (prometheus.WrapRegistererWith).
//
// Paths are never labels, for there is no end to them: a function of the user's
// gives each path the name of a recipe (Names), and what has no name is counted
// as "unnamed".
//
// docs/observability.md lists the metrics. A dashboard for Grafana
// (dashboard.json) and alert rules (rules.yaml) lie beside this file.
package prom
