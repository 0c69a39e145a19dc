// Package scenarios runs the session manager, the recipes and the command
// against a real three-node ensemble. It kills, pauses and cuts off the servers
// and processes that they depend on.
package scenarios
