// Package manifests checks the files of deploy/kubernetes: each is what
// Kubernetes takes, and each pod is restricted and has time to end.
package manifests
