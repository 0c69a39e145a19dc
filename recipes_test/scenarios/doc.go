// Package scenarios runs the session manager, the recipes and the command
// against a real three-node ensemble, and kills, pauses and cuts off what they
// stand on.
package scenarios
